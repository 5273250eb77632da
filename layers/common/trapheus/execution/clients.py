"""How patient every client of AWS is."""

from __future__ import annotations

from botocore.config import Config

# At most three tries a call: longer patience is the state machine's, where it is seen and costs
# nothing.
PATIENT = Config(
    connect_timeout=5,
    read_timeout=20,
    retries={"mode": "standard", "total_max_attempts": 3},
)
