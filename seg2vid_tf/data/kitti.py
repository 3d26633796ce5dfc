"""KITTI as it is downloaded: raw drives, odometry sequences, and the stills of the semantic benchmark.

    raw        root/<date>/<date>_drive_<number>_sync/image_02/data/0000000000.png
    odometry   root/sequences/<number>/image_2/000000.png
    semantic   root/training/image_2/000000_10.png, semantic/ (label ids), semantic_rgb/ (colours), instance/

Drives and sequences have no official maps: those come from a folder of the same form as the frames', made by a
segmenter. The benchmark's classes, ids and colours are Cityscapes'; its instance maps hold class * 256 + instance.
Source: cvlibs.net/datasets/kitti, and the readme of the semantics development kit.
"""

import os
import pathlib

import numpy as np

from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.data.folder_files import files_in
from seg2vid_tf.data.frame_clips import FrameClips, FrameFiles
from seg2vid_tf.data.frame_files import by_number, with_gaps

# Of each layout: where its sequences' folders of frames are, and which part of that path names the sequence.
_SEQUENCES = {"raw": ("*/*_drive_*_sync/image_02/data", -3), "odometry": ("sequences/*/image_2", -2)}
LAYOUTS = (*_SEQUENCES, "semantic")


class Kitti(FrameClips):
    """The drives, sequences or stills of one download, in the spec "kitti"."""

    def __init__(
        self,
        root: str | os.PathLike,
        size: tuple[int, int] | None,
        *,
        layout: str,
        labels: str | os.PathLike | None = None,
        labelled: bool = True,
        sequences: list[str] | None = None,
        label_ids: str | None = "labelIds",
        painted: bool = False,
        max_length: int | None = None,
        crop_to_aspect: bool = False,
    ):
        """Finds the frames and their maps.

        Args:
          root: the folder into which the download was unpacked.
          size: (height, width) of the clips; None: the files' own.
          layout: one of LAYOUTS.
          labels: raw, odometry: the folder that holds, where ``root`` holds a frame, its map as a PNG of the same name.
          labelled: False: frames alone, for an annotator; maps may be missing and are not looked at.
          sequences: names of the drives ("2011_09_26_drive_0001_sync"), sequences ("00") or stills to take; None: all.
          label_ids: the label set that the maps are written in; None: trainIds.
          painted: semantic: read the maps in colours, semantic_rgb.
          max_length, crop_to_aspect: as of FrameClips.

        Raises:
          ValueError: an unknown layout, no frames there, an unknown sequence, labels where there are official ones or
            none where there are none. A frame without a map and a gap in the numbering are faults.
        """
        root = pathlib.Path(root)
        if layout not in LAYOUTS:
            raise ValueError(f"layout must be one of {LAYOUTS}, received {layout!r}")
        if labelled and (labels is None) != (layout == "semantic"):
            raise ValueError(
                f"labels: {labels!r} with layout {layout!r}; semantic brings its maps, the others need some: "
                "--labels, or an --annotator to make them"
            )
        if painted and layout != "semantic":
            raise ValueError(f"painted maps belong to layout semantic, received {layout!r}")
        if layout == "semantic":
            found = _stills(root / "training", ("semantic_rgb" if painted else "semantic") if labelled else None)
        else:
            found = _drives(root, pathlib.Path(labels) if labelled else None, *_SEQUENCES[layout])
        chosen = list(found) if sequences is None else sequences
        unknown = [name for name in chosen if name not in found]
        if unknown or not chosen:
            raise ValueError(f"{root}: no {layout} sequences {unknown or ''}; it has {sorted(found)}")
        super().__init__(
            {name: found[name] for name in chosen},
            load_spec("kitti"),
            size,
            reader=f"kitti {layout}",
            label_ids=None if painted else label_ids,
            colors="official" if painted else None,
            max_length=max_length,
            number_instances=_number_instances,
            crop_to_aspect=crop_to_aspect,
        )


def _number_instances(ids):
    return np.where(ids % 256 == 0, 0, ids).astype(np.uint16)


def _drives(root, labels, pattern, name_part):
    runs = {}
    for folder in sorted(root.glob(pattern)):
        maps = labels and labels / folder.relative_to(root)
        frames = by_number([_frame(_number(image), image, maps, None) for image in files_in(folder)])
        if not frames:
            raise ValueError(f"{folder}: empty folder; unpack the drive again")
        runs[folder.parts[name_part]] = with_gaps(frames, folder, "")
    return runs


def _stills(folder, kind):
    runs = {}
    for image in files_in(folder / "image_2") if (folder / "image_2").is_dir() else ():
        if image.suffix != ".png":
            raise ValueError(
                f"{image}: frames are called 000000_10.png, 000001_10.png, ...; move it out of this folder"
            )
        instance = folder / "instance" / image.name
        runs[image.stem] = [_frame(0, image, kind and folder / kind, instance if kind and instance.is_file() else None)]
    return runs


def _number(image):
    if not image.stem.isdigit() or image.suffix not in (".png", ".jpg"):
        raise ValueError(f"{image}: frames are called 000000.png, 000001.png, ...; move it out of this folder")
    return int(image.stem)


def _frame(number, image, maps, instance):
    """A frame with its map of that folder, if there is one."""
    if maps is None:
        return FrameFiles(number, image, None, instance)
    path = maps / f"{image.stem}.png"
    fault = "" if path.is_file() else f"{image}: frame without a map, {path} is missing"
    return FrameFiles(number, image, path, instance, fault)
