"""Metrics: lines of the log in CloudWatch's embedded metric format, each with what can be searched.

Every combination of dimensions is a metric of its own, which costs; so a dimension is what has few
values, and all else that a line says is found by Logs Insights. [fact: embedded-metric-format]
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

from aws_lambda_powertools.metrics import EphemeralMetrics

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMESPACE = "Trapheus"


def unit_of(name: str) -> str:
    """The unit that a metric's name ends with; CloudWatch has none for hours."""
    if name.endswith("Seconds"):
        return "Seconds"
    return "None" if "Hours" in name else "Count"


def emit(values: Mapping[str, float], dimensions: Mapping[str, str], **more: str) -> None:
    """Write one line: metrics of this stack with these dimensions; more: what else it says."""
    metrics = EphemeralMetrics(namespace=NAMESPACE)
    for name, value in values.items():
        metrics.add_metric(name, unit_of(name), value)
    for name, text in {"stack": os.environ["STACK"], **dimensions}.items():
        metrics.add_dimension(name, text)
    for name, text in more.items():
        metrics.add_metadata(name, text)
    line = metrics.serialize_metric_set()
    # A number, not a list of one, which Logs Insights would call `DurationSeconds.0`.
    # [fact: fields-of-logs-insights]
    plain = {key: one[0] if isinstance(one, list) else one for key, one in line.items()}
    sys.stdout.write(json.dumps(plain) + "\n")
