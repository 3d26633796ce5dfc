"""Bodies of REST requests, read within bounds: of one's size, of all at once, of time; gzip is unpacked on the way.

The body that holds most is the one that makes room: whoever sends little is answered whatever others send.
"""

import asyncio
import contextlib
import zlib
from collections.abc import AsyncIterator

from starlette.requests import Request

from seg2vid_tf.serving.local_server.limits import Limits
from seg2vid_tf.serving.status import StatusError

_GZIP = 16 + zlib.MAX_WBITS  # zlib's number for a gzip header and the largest window


class _Body:
    """A body in the parts that it comes in: one that grows would leave holes in memory among others that do."""

    def __init__(self):
        self.parts, self.size, self.reading = [], 0, None

    def add(self, part):
        self.parts.append(part)
        self.size += len(part)

    def drop(self):
        self.parts = []
        self.reading.cancel()


class Bodies:
    """All bodies that a server holds; for one event loop.

    Args:
      limits: of body_bytes, bodies_bytes, small_bytes and read_seconds.
    """

    def __init__(self, limits: Limits):
        self._limits, self._held = limits, set()

    @contextlib.asynccontextmanager
    async def read(self, request: Request) -> AsyncIterator[bytes]:
        """The body of a request, which counts until the with statement ends.

        Raises:
          StatusError: RESOURCE_EXHAUSTED for too large a body, or one that made room for others; REQUEST_TIMEOUT;
            INVALID_ARGUMENT for an encoding that is not gzip or damaged.
          starlette.requests.ClientDisconnect: it never comes to its end.
        """
        body = _Body()
        body.reading = asyncio.ensure_future(self._fill(body, request))
        self._held.add(body)
        try:
            done, _ = await asyncio.wait({body.reading}, timeout=self._limits.read_seconds)
            if not done:
                raise StatusError("REQUEST_TIMEOUT", f"the body did not come in {self._limits.read_seconds:g} s")
            if body.reading.cancelled():
                raise StatusError("RESOURCE_EXHAUSTED", "too many large requests at once: try again later, or use gRPC")
            body.reading.result()
            whole = b"".join(body.parts)
            body.drop()
            yield whole
        finally:
            body.drop()
            self._held.discard(body)

    async def _fill(self, body, request):
        self._check_size(int(request.headers.get("content-length", 0)))
        unpacker = _unpacker(request.headers.get("content-encoding", ""))
        async for packed in request.stream():
            if unpacker is None:
                body.add(packed)
            elif packed:
                # One byte more than may come says that too much does.
                body.add(_unpacked(unpacker, packed, self._limits.body_bytes + 1 - body.size))
            self._check_size(body.size)
            self._make_room(body)
        if unpacker is not None and not unpacker.eof:
            raise StatusError("INVALID_ARGUMENT", "the body is not whole: its gzip data end too early")

    def _check_size(self, size):
        if size > self._limits.body_bytes:
            most = f"{self._limits.body_bytes / 2**20:g} MiB"
            raise StatusError("RESOURCE_EXHAUSTED", f"the request is larger than {most}; use gRPC")

    def _make_room(self, body):
        large = [held for held in self._held if held.size > self._limits.small_bytes]
        if body in large and sum(held.size for held in large) > self._limits.bodies_bytes:
            # Of those that still come; where it is this one, that is raised at its next await.
            largest = max((held for held in large if not held.reading.done()), key=lambda held: held.size)
            largest.drop()
            largest.size = 0


def _unpacker(encoding):
    if encoding in ("", "identity"):
        return None
    if "gzip" in encoding:
        return zlib.decompressobj(_GZIP)
    raise StatusError("INVALID_ARGUMENT", f"Content-Encoding must be gzip or identity, received {encoding!r}")


def _unpacked(unpacker, packed, most):
    try:
        if unpacker.eof:
            raise zlib.error("there is more behind their end")
        return unpacker.decompress(packed, most)
    except zlib.error as error:
        raise StatusError("INVALID_ARGUMENT", f"the body is no gzip data: {error}") from error
