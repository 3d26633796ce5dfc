"""Arrays of .npz files, of which anything may be wrong."""

import os
import zipfile
import zlib

import numpy as np


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
