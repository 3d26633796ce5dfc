"""Own data: folders of frames and label maps. frame_files.py describes the layout and checks it."""

import os
import pathlib

from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.data.frame_clips import FrameClips
from seg2vid_tf.data.frame_files import find_runs


class FrameFolder(FrameClips):
    """The clips of a folder; the files' names are checked at once, the files when a clip is read."""

    def __init__(
        self,
        root: str | os.PathLike,
        spec: AnnotationSpec,
        size: tuple[int, int] | None,
        *,
        sequences: list[str] | None = None,
        prefixes: list[str] | None = None,
        exclude_prefixes: list[str] | None = None,
        stills: bool = False,
        labelled: bool = True,
        max_length: int | None = None,
        order: str = "number",
        label_suffix: str = "",
        image_suffix: str = "",
        **options,
    ):
        """Finds the sequences.

        Args:
          root: a folder of sequences, or one sequence.
          spec, size, max_length, options: as of FrameClips.
          sequences: the sub-folders to take; None: all.
          prefixes, exclude_prefixes: the runs to take, or to leave out, by what their files' names begin with
            (find_runs); None: all are taken.
          stills: whether every frame is a clip of its own, with no order and no gaps between them.
          labelled: False: frames alone, for an annotator; maps may be missing and are not looked at.
          order, label_suffix, image_suffix: as of find_runs.

        Raises:
          ValueError: what find_runs and FrameClips refuse; stills with a max_length.
        """
        if stills and max_length is not None:
            raise ValueError(f"stills are clips of one frame, so max_length={max_length} means nothing; leave it out")
        if stills and order == "name":
            raise ValueError("stills follow no order: leave out stills or order='name'")
        found = find_runs(
            pathlib.Path(root),
            sequences,
            prefixes=prefixes,
            exclude_prefixes=exclude_prefixes,
            stills=stills,
            labelled=labelled,
            order=order,
            label_suffix=label_suffix,
            image_suffix=image_suffix,
        )
        super().__init__(found.runs, spec, size, reader="frame_folder", max_length=max_length, **options)
        self.remarks = found.remarks
