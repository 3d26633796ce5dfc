"""Requests counted and timed, as the Prometheus page of TensorFlow Serving shows them."""

import contextlib
import logging
import time
from collections.abc import Iterator

import prometheus_client

from seg2vid_tf.serving.status import StatusError

_LOG = logging.getLogger(__name__)
_FIRST_BUCKET, _FACTOR, _BUCKETS = 10.0, 1.8, 33  # microseconds


class Metrics:
    """TensorFlow Serving's counters of requests and latencies, under its names."""

    def __init__(self):
        self._registry = prometheus_client.CollectorRegistry()
        prometheus_client.disable_created_metrics()
        self._requests = prometheus_client.Counter(
            ":tensorflow:serving:request_count",
            "The total number of requests.",
            ["model_name", "status"],
            registry=self._registry,
        )
        self._latency = prometheus_client.Histogram(
            ":tensorflow:serving:request_latency",
            "Distribution of wall time (in microseconds) for a request.",
            ["model_name", "API", "entrypoint"],
            buckets=[_FIRST_BUCKET * _FACTOR**i for i in range(_BUCKETS)],
            registry=self._registry,
        )

    @contextlib.contextmanager
    def request(self, model_name: str, entrypoint: str) -> Iterator[None]:
        """Counts and times what is done inside; whatever is raised there leaves as a StatusError.

        Args:
          model_name: of a model that is served: names out of requests would fill the page.
          entrypoint: "GRPC" or "REST".
        """
        start, code = time.perf_counter(), "OK"
        try:
            yield
        except StatusError as error:
            code = error.code
            raise
        except Exception as error:
            code = "INTERNAL"
            _LOG.exception("a request to %s failed", model_name)
            raise StatusError(code, f"{type(error).__name__}: {error}") from error
        finally:
            self._requests.labels(model_name, code).inc()
            self._latency.labels(model_name, "Predict", entrypoint).observe((time.perf_counter() - start) * 1e6)

    def page(self) -> bytes:
        """The page, in Prometheus' text form."""
        # The library ends a counter's name in _total, as newer rules ask for; the server's do not.
        return prometheus_client.generate_latest(self._registry).replace(b"request_count_total", b"request_count")
