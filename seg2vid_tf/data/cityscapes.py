"""Cityscapes as it is downloaded: official folders, file names, label ids and instance ids.

    root/leftImg8bit_sequence/<split>/<city>/<city>_<sequence>_<frame>_leftImg8bit.png     30 frames around each still
    root/leftImg8bit/<split>/<city>/<city>_<sequence>_<frame>_leftImg8bit.png              the stills
    root/gtFine/<split>/<city>/<city>_<sequence>_<frame>_gtFine_labelIds.png, ..._gtFine_instanceIds.png

Only stills have official maps; those of the other frames come from a folder of the same form, made by a segmenter. An
instance id of 1000 or more is a class and an instance, smaller ones are classes or groups. Source of the names and ids:
github.com/mcordts/cityscapesScripts.
"""

import collections
import itertools
import os
import pathlib
import re

import numpy as np

from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.data.folder_files import files_in, folders_in
from seg2vid_tf.data.frame_clips import FrameClips, FrameFiles
from seg2vid_tf.data.frame_files import by_number, with_fault

_FRAME = re.compile(r"(.+)_(\d{6})_(\d{6})_leftImg8bit\.(?:png|jpg)")
# Official maps are called after the ids that they hold; a segmenter's after the frame.
_OFFICIAL = {
    "labelIds": ("_gtFine_labelIds.png", "_gtCoarse_labelIds.png"),
    "trainIds": ("_gtFine_labelTrainIds.png", "_gtCoarse_labelTrainIds.png"),
}
_OWN = ("_leftImg8bit.png", ".png")
_SNIPPET = 30


class Cityscapes(FrameClips):
    """The snippets of 30 frames, or the stills, of an official split."""

    def __init__(
        self,
        root: str | os.PathLike,
        size: tuple[int, int] | None,
        *,
        official_split: str,
        labels: str | os.PathLike | None = None,
        labelled: bool = True,
        cities: list[str] | None = None,
        stills: bool = False,
        max_length: int | None = None,
        label_ids: str | None = "labelIds",
        crop_to_aspect: bool = False,
    ):
        """Finds the frames and their maps.

        Args:
          root: the folder that holds leftImg8bit_sequence or leftImg8bit.
          size: (height, width) of the clips, None: the files' own; their aspect ratio is 1:2.
          official_split: "train", "val" or "test": cities belong to one of them, so no scene is in two.
          labels: folder of the label maps, of gtFine's form; None: ``root``/gtFine. A map's name is its frame's with
            the ending _gtFine_labelIds.png or _gtCoarse_labelIds.png (label_ids "trainIds": _gtFine_labelTrainIds.png,
            _gtCoarse_labelTrainIds.png), _leftImg8bit.png or .png.
          labelled: False: frames alone, for an annotator; maps may be missing and are not looked at.
          cities: those to take; None: all.
          stills: leftImg8bit, every frame a clip of its own, instead of leftImg8bit_sequence.
          max_length, crop_to_aspect: as of FrameClips.
          label_ids: the label set that the maps are written in; None: trainIds.

        Raises:
          ValueError: no such folder, an unknown city, a file of another name. A frame without a map and a snippet that
            lacks a frame are faults.
        """
        root = pathlib.Path(root)
        folder = root / ("leftImg8bit" if stills else "leftImg8bit_sequence") / official_split
        if not folder.is_dir():
            raise ValueError(f"{folder}: no such folder; give the folder into which Cityscapes was unpacked")
        found = [path.name for path in folders_in(folder)]
        chosen = found if cities is None else cities
        unknown = [city for city in chosen if city not in found]
        if unknown or not chosen:
            raise ValueError(f"{folder}: no cities {unknown}; it has {found}")
        runs = {}
        labels = root / "gtFine" if labels is None else pathlib.Path(labels)
        for city in chosen:
            frames = _frames(folder / city, labels / official_split / city if labelled else None, label_ids)
            runs |= _stills(frames) if stills else _snippets(folder / city, frames)
        super().__init__(
            runs,
            load_spec("cityscapes"),
            size,
            reader="cityscapes",
            label_ids=label_ids,
            max_length=max_length,
            number_instances=_number_instances,
            crop_to_aspect=crop_to_aspect,
            # <city>_<sequence>: of some cities all snippets are of one drive.
            recordings={clip_id: clip_id.rpartition("_")[0] for clip_id in runs},
        )


def _number_instances(ids):
    return np.where(ids < 1000, 0, ids).astype(np.uint16)


def _frames(folder, labels, label_ids) -> dict[str, list[FrameFiles]]:
    """{"<city>_<sequence>": its frames by number}; without labels, frames alone."""
    sequences = collections.defaultdict(list)
    for image in files_in(folder):
        match = _FRAME.fullmatch(image.name)
        if not match:
            raise ValueError(
                f"{image}: not called <city>_<sequence>_<frame>_leftImg8bit.png; move it out of this folder"
            )
        stem = "_".join(match.groups())
        maps = (None, None) if labels is None else _maps(image, labels, stem, label_ids)
        sequences["_".join(match.group(1, 2))].append(FrameFiles(int(match[3]), image, *maps))
    return {name: by_number(frames) for name, frames in sequences.items()}


def _maps(image, labels, stem, label_ids):
    """A frame's label map and instance map, or None, and its fault."""
    endings = (*_OFFICIAL.get(label_ids, ()), *_OWN)
    label = _first(labels, stem, endings)
    if label is None:
        others = {name: _first(labels, stem, official) for name, official in _OFFICIAL.items() if name != label_ids}
        there = "".join(f"; {path.name} is there: --label_ids={name}" for name, path in others.items() if path)
        fault = (
            f"{image}: frame without a map, no {stem}{endings[0]} in {labels} (nor one that ends in "
            f"{', '.join(endings[1:])}){there}; official maps exist for the stills alone: give --labels, maps that a "
            "segmenter made, or --annotator=semantic, which makes them"
        )
        return None, None, fault
    instance = labels / f"{stem}_gtFine_instanceIds.png"
    return label, instance if instance.is_file() else None


def _first(labels, stem, endings):
    return next((labels / f"{stem}{end}" for end in endings if (labels / f"{stem}{end}").is_file()), None)


def _stills(sequences):
    return {f"{name}_{frame.number:06d}": [frame] for name, frames in sequences.items() for frame in frames}


def _snippets(folder, sequences):
    """Each run of consecutive frames is one snippet, or several that follow each other."""
    runs = {}
    for name, frames in sequences.items():
        for _, group in itertools.groupby(enumerate(frames), key=lambda pair: pair[1].number - pair[0]):
            run = [frame for _, frame in group]
            if len(run) % _SNIPPET:
                fault = (
                    f"{folder}: {name} has {len(run)} frames from {run[0].number:06d} on, snippets have {_SNIPPET}: "
                    "a frame is missing before or behind them; unpack the sequence again"
                )
                runs[f"{name}_{run[0].number:06d}"] = [with_fault(frame, fault) for frame in run]
                continue
            for first in range(0, len(run), _SNIPPET):
                runs[f"{name}_{run[first].number:06d}"] = run[first : first + _SNIPPET]
    return runs
