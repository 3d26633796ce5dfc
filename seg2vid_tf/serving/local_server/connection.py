"""One HTTP connection: uvicorn's, with the bounds that it lacks: how many there are, and how long each may take."""

import asyncio
import functools

from uvicorn.protocols.http.h11_impl import H11Protocol

from seg2vid_tf.serving.local_server.limits import Limits

_TOO_MANY = b'{"error": "too many connections are open, try again later"}'
_REFUSAL = (
    b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(_TOO_MANY), _TOO_MANY)
)


class _Connection(H11Protocol):
    """Closes where too many are open, where a request does not come in time, or its answer is not fetched."""

    def __init__(self, *args, limits, answer_seconds, **kwargs):
        super().__init__(*args, **kwargs)
        self._limits, self._answer_seconds = limits, answer_seconds
        self._timer, self._timed_cycle = None, None

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        if len(self.connections) > self._limits.connections:
            transport.write(_REFUSAL)
            transport.close()
            return
        self._close_after(self._limits.read_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        self._close_after(None)
        super().connection_lost(exc)

    def handle_events(self) -> None:
        super().handle_events()
        if self.cycle is not self._timed_cycle and not self.cycle.response_complete:
            # A request's head is here: what is inside keeps its own, shorter deadlines; this is for what they miss.
            self._close_after(2 * self._limits.read_seconds + self._answer_seconds)
        self._timed_cycle = self.cycle

    def on_response_complete(self) -> None:
        # The answer's way to a client that reads it, or the rest of a body that was refused. An idle connection does
        # not get as old: uvicorn closes it after its timeout_keep_alive.
        self._close_after(self._limits.read_seconds)
        super().on_response_complete()

    def _close_after(self, seconds):
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self.loop.call_later(seconds, self.transport.abort)


def connection(limits: Limits, answer_seconds: float) -> functools.partial:
    """What uvicorn makes connections of (``http`` of its Config).

    Args:
      limits: of connections and read_seconds.
      answer_seconds: longest that a request is worked on.
    """
    return functools.partial(_Connection, limits=limits, answer_seconds=answer_seconds)
