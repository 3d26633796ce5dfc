"""Cityscapes sequences in this project's layout: seqNNNN/image/*.jpg, label/*.png (official labelIds), inst/*.png.

Instance maps are 8-bit with 255 = none. Folders that are not called seq* (stills) are no sequences and are left out;
the split into train and validation is by sequence.
"""

import os
import pathlib

import numpy as np

from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.data.folder_files import folders_in, shown
from seg2vid_tf.data.frame_folder import FrameFolder


def cityscapes_seq(
    root: str | os.PathLike,
    size: tuple[int, int] | None,
    *,
    sequences: list[str] | None = None,
    labelled: bool = True,
    max_length: int | None = None,
) -> FrameFolder:
    """The clips of a folder of Cityscapes sequences, with ids of the spec "cityscapes" (trainIds).

    Args:
      root: the folder that holds seq0000, seq0001, ...
      sequences: names of the sequences to take; None: every seq* folder.
      size, labelled, max_length: as of FrameFolder.

    Raises:
      ValueError: no seq* folder there, or what FrameFolder refuses.
    """
    found = sorted(p.name for p in pathlib.Path(root).glob("seq*") if p.is_dir())
    if not found:
        raise ValueError(f"{root}: no seq* folders here; give the folder that holds seq0000, seq0001, ...")
    folder = FrameFolder(
        root,
        load_spec("cityscapes"),
        size,
        label_ids="labelIds",
        sequences=found if sequences is None else sequences,
        labelled=labelled,
        max_length=max_length,
        number_instances=_number_instances,
    )
    left = [path.name for path in folders_in(pathlib.Path(root)) if path.name not in found]
    if left:
        folder.remarks = (*folder.remarks, f"{root}: not read, not called seq*: {shown(left)}")
    return folder


def _number_instances(indices):
    return np.where(indices == 255, 0, indices.astype(np.uint16) + 1).astype(np.uint16)
