"""How hypothesis draws here: from a seed alone, whatever the time, and no example twice."""

from __future__ import annotations

import hypothesis

# Not to shrink: of two faults the smaller example is one of them, which has been tried.
DRAWING = hypothesis.settings(
    database=None,
    deadline=None,
    phases=[hypothesis.Phase.generate],
    suppress_health_check=list(hypothesis.HealthCheck),
)
