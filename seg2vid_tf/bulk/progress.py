"""How far work is whose workers are elsewhere: seen by what they leave on the disk, said on stderr."""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator

# Seconds between two looks at what there is, and between two lines in a log.
_LOOK, _LOG = 1.0, 60.0


@contextlib.contextmanager
def watched(look: Callable[[], tuple[int, int]], total: int, unit: str) -> Iterator[None]:
    """During the block, says how much is there: on a terminal all the time, in a log every minute, and at the end.

    Args:
      look: gives the numbers of what is done and of what is refused by now.
      total: how many there are of both together in the end.
      unit: what they are, in the plural.
    """
    before, started, ended = look(), time.monotonic(), threading.Event()
    if before[0]:
        print(f"going on: {before[0]} of {total} {unit} are there", file=sys.stderr, flush=True)

    def say(end):
        done, refused = look()
        rate = (done - before[0]) / (time.monotonic() - started)
        left = total - done - refused
        line = f"{done}/{total} {unit}"
        line += f", {refused} refused" if refused else ""
        line += f", {rate:.2f} {unit}/s" if rate else ""
        line += f", {left / rate / 60:.0f} minutes left" if rate and left else ""
        print(f"{line:79}".rstrip() if end == "\n" else f"{line:79}", end=end, file=sys.stderr, flush=True)

    def watch():
        terminal, logged = sys.stderr.isatty(), time.monotonic()
        while not ended.wait(_LOOK):
            if terminal or time.monotonic() - logged > _LOG:
                logged = time.monotonic()
                say("\r" if terminal else "\n")

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        say("\n")
