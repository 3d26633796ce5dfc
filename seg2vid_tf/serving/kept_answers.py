"""KeptAnswers: what a server answered, kept in a folder by what was asked, so that a long video need not begin anew.

<folder>/<SHA-256 of the request>.npz     an answer's arrays; files as their bytes one after the other, and sizes
"""

import hashlib
import pathlib
import shutil
from collections.abc import Callable

import numpy as np

from seg2vid_tf.ops.npz_file import read_arrays, write_arrays

_DATA, _SIZES = ".data", ".sizes"


class KeptAnswers:
    """A folder of answers.

    Args:
      folder: where they lie; it need not be there.
      resume: whether those that are there count; otherwise the first new one takes the place of all.

    Attributes:
      folder: as given.
      count: how many answers are kept of what was asked for.
    """

    def __init__(self, folder: pathlib.Path, resume: bool):
        self.folder, self.count, self._fresh = folder, 0, not resume

    def answer(
        self, request: tuple, inputs: dict[str, np.ndarray], ask: Callable[[], dict[str, np.ndarray]]
    ) -> dict[str, np.ndarray]:
        """The kept answer to a request, or else that of ``ask``, which is kept.

        Args:
          request: what it is about besides its inputs: model, version, signature.
          inputs: {name: array, of bytes where its dtype is object}.
          ask: asks the server.

        Raises:
          ValueError: a kept answer cannot be read.
          Exception: what ``ask`` raises.
        """
        path = self.folder / f"{_digest(request, inputs)}.npz"
        if self._fresh or not path.exists():
            answer = ask()
            if self._fresh:
                self.remove()
            write_arrays(path, _packed(answer))
        else:
            answer = _read(path)
        self._fresh = False
        self.count += 1
        return answer

    def remove(self) -> None:
        """Removes the folder, if it is there."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _digest(request, inputs):
    digest = hashlib.sha256(repr(request).encode())
    for name, array in sorted(inputs.items()):
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        for part in array.ravel() if array.dtype == object else [array.tobytes()]:
            digest.update(f" {len(part)} ".encode() + part)
    return digest.hexdigest()


def _packed(answer):
    arrays = {}
    for name, array in answer.items():
        if array.dtype == object:
            arrays[name + _DATA] = np.frombuffer(b"".join(array.ravel()), np.uint8)
            arrays[name + _SIZES] = np.array([len(item) for item in array.ravel()], np.int64).reshape(array.shape)
        else:
            arrays[name] = array
    return arrays


def _read(path):
    try:
        arrays, answer = read_arrays(path), {}
        for name, array in arrays.items():
            if name.endswith(_SIZES):
                name = name.removesuffix(_SIZES)
                ends = np.cumsum(array.ravel())
                items, data = np.empty(array.size, object), arrays[name + _DATA].tobytes()
                items[:] = [data[end - size : end] for end, size in zip(ends, array.ravel(), strict=True)]
                answer[name] = items.reshape(array.shape)
            elif not name.endswith(_DATA):
                answer[name] = array
    except (ValueError, KeyError) as error:
        raise ValueError(f"{path} is no answer that was kept, remove it: {error}") from error
    return answer
