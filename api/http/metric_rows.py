"""How figures of our own become families of Prometheus: all names begin with `commonpoint_`."""

from collections.abc import Sequence
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

Rows = Sequence[tuple[tuple[str, ...], float]]


def gauge(name: str, says: str, labels: tuple[str, ...], rows: Rows) -> Metric:
    """A figure that goes up and down; `rows` are the values of the labels, and the figure."""
    return _filled(GaugeMetricFamily(f"commonpoint_{name}", says, labels=labels), rows)


def counter(name: str, says: str, labels: tuple[str, ...], rows: Rows) -> Metric:
    """A figure that only goes up."""
    return _filled(CounterMetricFamily(f"commonpoint_{name}", says, labels=labels), rows)


def _filled(family: Any, rows: Rows) -> Metric:
    for labels, value in rows:
        family.add_metric(list(labels), float(value))
    made: Metric = family
    return made
