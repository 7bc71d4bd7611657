"""What a check measures: the parts of a report's figures that are there because the check was asked."""

from __future__ import annotations

from enum import Enum


class MeasurementKind(Enum):
    QUERY_COSTS = "query costs"
    CONTROL_RUNS = "query costs without the query's index"
    INDEX_ADVICE = "query costs with other indexes"
    LATENCIES = "latencies"
    WRITES = "writes"
