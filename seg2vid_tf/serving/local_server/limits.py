"""How much the local server takes on at once: what comes on top is refused, and the others go on."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Limits:
    """The bounds of one server.

    Attributes:
      connections: of REST that are open at once, and of gRPC, and calls of gRPC; one more is told so (429) and closed.
      in_flight: requests of REST that are worked on at once, and of gRPC; one more is refused, RESOURCE_EXHAUSTED.
      body_bytes: largest body of a REST request, unpacked.
      bodies_bytes: of all bodies that are read or parsed at once, without the small ones (``small_bytes``); over it
        the largest that is still read is refused.
      small_bytes: a body up to this size is never refused for what others send.
      read_seconds: longest that a request may take to come in, and a REST answer to be fetched.
      answer_seconds: longest that a gRPC call may run whose caller sets no deadline.
      rows: most rows of a request where no batching parameters say it.
    """

    connections: int = 256
    in_flight: int = 64
    body_bytes: int = 16 << 20
    bodies_bytes: int = 20 << 20
    small_bytes: int = 256 << 10
    read_seconds: float = 20.0
    answer_seconds: float = 600.0
    rows: int = 16
