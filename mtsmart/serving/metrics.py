"""Figures about the server, in the text format of Prometheus."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from mtsmart.serving.engine import Answers

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_INPUTS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """Counts requests and inputs.

    Args:
        waiting: how many inputs wait for their answers.
    """

    def __init__(self, waiting: Callable[[], int]) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "mtsmart_requests", "Requests by path and status.", ["path", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "mtsmart_request_seconds",
            "Seconds from the head of a request to the end of its response.",
            ["path"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._inputs = Counter("mtsmart_inputs", "Answered inputs, by task.", ["task"], registry=self._registry)
        self._cut = Counter(
            "mtsmart_cut_inputs",
            "Inputs that were too long and lost tokens, by task.",
            ["task"],
            registry=self._registry,
        )
        self._batches = Histogram(
            "mtsmart_batch_inputs", "Inputs that were answered together.", buckets=_INPUTS, registry=self._registry
        )
        gauge = Gauge("mtsmart_waiting_inputs", "Inputs that wait for their answers.", registry=self._registry)
        gauge.set_function(waiting)

    def request(self, path: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(path, status).inc()
        self._seconds.labels(path).observe(seconds)

    def answered(self, answers: Answers) -> None:
        """Count inputs that got their answers, and those that were cut."""
        for task, given in answers.items():
            self._inputs.labels(task).inc(len(given))
            self._cut.labels(task).inc(sum(answer.is_cut for answer in given))

    def batch(self, inputs: int) -> None:
        """Count a batch."""
        self._batches.observe(inputs)

    def text(self) -> bytes:
        """All figures."""
        return generate_latest(self._registry)
