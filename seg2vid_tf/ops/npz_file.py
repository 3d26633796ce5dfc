"""Arrays of .npz files, of which anything may be wrong."""

import io
import os
import zipfile
import zlib

import numpy as np

from seg2vid_tf.files import replacing


def write_arrays(path: str | os.PathLike, arrays: dict[str, np.ndarray], compressed: bool = False) -> None:
    """Writes an .npz file, whole or not at all.

    Raises:
      OSError: it cannot be written; it names the file.
    """
    # In memory first: a ZIP file that meets a full disk tries once more when nobody looks, and prints a traceback.
    buffer = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(buffer, **arrays)
    with replacing(path) as temporary:
        # A copy: a view that a failing write leaves open makes Python complain behind the error's own line.
        temporary.write_bytes(buffer.getvalue())


def read_arrays(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """All arrays of an .npz file.

    Raises:
      ValueError: it cannot be read; why, for a caller to say of what.
    """
    try:
        # A single array under this name has no "with": TypeError, AttributeError before Python 3.11.
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, TypeError, AttributeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(str(error)) from error
