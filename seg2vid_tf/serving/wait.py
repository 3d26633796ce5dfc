"""Waiting for a server that is not there yet, or still loads its model, with a word about it."""

from seg2vid_tf.serving.client import Seg2VidClient
from seg2vid_tf.serving.status import StatusError

# A server that is there answers within this: until then nothing is said.
_AT_ONCE = 1.0


def wait_for_server(client: Seg2VidClient, address: str, longest: float) -> None:
    """Returns once the server can answer; that it is waited for is printed.

    Args:
      client: of that server.
      address: "host:port", as the message names it.
      longest: seconds to wait; 0: no check at all.

    Raises:
      StatusError: it cannot answer by then, or never will (a model that it does not have).
    """
    if not longest:
        return
    try:
        client.wait_until_ready(min(_AT_ONCE, longest))
    except StatusError as error:
        if error.code not in ("UNAVAILABLE", "DEADLINE_EXCEEDED"):
            raise
        print(
            f"{address} does not answer yet ({error.message}); a server opens its ports once its model is loaded and "
            f"warm, half a minute on an idle machine: waiting for {longest:g} s at most (--wait) ...",
            flush=True,
        )
        try:
            client.wait_until_ready(longest)
        except StatusError as later:
            raise StatusError(
                later.code, f"{later.message}, after {longest:g} s; if it still loads, give a longer --wait"
            ) from later
