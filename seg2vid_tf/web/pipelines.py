"""The pipelines of a page: each is loaded when its model is first asked, and the last few are kept."""

import collections
import gc
import pathlib
import threading
from collections.abc import Callable
from typing import NoReturn

# About a gigabyte each at 128 x 256, 170 MiB of it where another look of classes was asked for, by networks of its own.
MAX_LOADED = 2


def refuse_unloaded(folder: pathlib.Path, error: Exception) -> NoReturn:
    """Prints why a model cannot be loaded, and raises a ValueError that does not say where on this machine it lies."""
    print(f"{folder}: {error}", flush=True)
    raise ValueError("this model cannot be loaded; the terminal that runs paint.py says why") from error


class Pipelines:
    """Loaded models by their folder.

    Args:
      load: gives the pipeline of a folder.
      most: how many are kept; the one that was not asked for longest goes before another is loaded.
    """

    def __init__(self, load: Callable, most: int = MAX_LOADED):
        self._load, self._most, self._kept = load, most, collections.OrderedDict()
        # A request that was stopped may still be loading when the next one asks.
        self._lock = threading.Lock()

    def __contains__(self, folder: pathlib.Path) -> bool:
        return folder in self._kept

    def __getitem__(self, folder: pathlib.Path):
        with self._lock:
            if folder not in self._kept:
                while len(self._kept) >= self._most:
                    self._kept.popitem(last=False)
                    gc.collect()  # a model refers to itself: without this its memory comes back much later
                self._kept[folder] = self._load(folder)
            self._kept.move_to_end(folder)
            return self._kept[folder]
