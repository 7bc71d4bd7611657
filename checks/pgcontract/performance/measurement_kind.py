"""What a check measures. Where a report has a part for figures of the kind, it is there because a check was asked."""

from __future__ import annotations

from enum import Enum


class MeasurementKind(Enum):
    LOADED_ROWS = "rows loaded at each size"
    INDEX_PLANS = "plans of the declared queries and steps"
    QUERY_COSTS = "query costs"
    CONTROL_RUNS = "query costs without the query's index"
    INDEX_ADVICE = "query costs with other indexes"
    LATENCIES = "latencies"
    WRITES = "writes"
