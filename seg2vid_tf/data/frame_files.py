"""Which files make up the sequences of a folder, checked before a pixel is read: pairs, order, selection.

    root/seq0000/image/0000.jpg, 0001.jpg, ...     frames, jpg, png, bmp, tif or webp
    root/seq0000/label/0000.png, 0001.png, ...     label maps, the same stems (or with an ending: "0000_mask.png"), or
                                                   tif, bmp or lossless webp
    root/seq0000/inst/0000.png, ...                instance maps, optional, the same stems

or ``root`` itself is one sequence (root/image, root/label). Several runs may share a folder; frame_order.py says which
files follow each other. The step between a run's numbers is its most common difference (CamVid counts by 2); any other
difference is a missing frame. Stills, frames that do not follow each other, are runs of one frame, whatever their
names.
"""

import collections
import dataclasses
import itertools
import pathlib
import re

from seg2vid_tf.data.folder_files import folders_in
from seg2vid_tf.data.frame_clips import FrameFiles
from seg2vid_tf.data.frame_order import Run, by_name, find_order
from seg2vid_tf.data.frame_pairs import paired_files

_GAP_FIX = (
    "where these are photographs that do not follow each other, give --stills; of a video, add what is missing, or put "
    "each run of consecutive frames in a sequence folder of its own"
)
ORDERS = ("number", "name")


@dataclasses.dataclass(frozen=True)
class FoundRuns:
    """What find_runs finds.

    Attributes:
      runs: {clip id: frames in order}.
      remarks: how names were read, and what was left aside, where that is not plain; a line each.
    """

    runs: dict[str, list[FrameFiles]]
    remarks: tuple[str, ...]


def find_runs(
    root: pathlib.Path,
    sequences: list[str] | None = None,
    *,
    prefixes: list[str] | None = None,
    exclude_prefixes: list[str] | None = None,
    stills: bool = False,
    labelled: bool = True,
    order: str = "number",
    label_suffix: str = "",
    image_suffix: str = "",
) -> FoundRuns:
    """The runs of consecutive frames under a folder.

    Args:
      root: a folder of sequences, or one sequence.
      sequences: names of the sub-folders to take, in this order; None: all, by name.
      prefixes: the runs to take, by what their files' names begin with: "0006R0" takes the runs "0006R0" and
        "0006R0_f", but not "0006R05"; None: all.
      exclude_prefixes: the runs to leave out, named likewise; not beside ``prefixes``. None: none.
      stills: whether every frame is a run of its own; names need no numbers and gaps do not matter then.
      labelled: False: frames alone; maps may be missing and are not looked at.
      order: "number": runs by the numbers or times in their names; "name": each folder is one run, by name.
      label_suffix: what label maps' names end in behind their frames' names, "_train_id"; other files beside them are
        left aside.
      image_suffix: the same for frames, "_leftImg8bit"; not part of the frame's name then.

    Returns:
      The id of a run is the sequence's name, with "_<prefix>" where it holds several runs, and "_<file name>" for a
      still.

      Frame and map that do not pair up, two files for one frame, and a gap in the numbering are faults of a frame.

    Raises:
      ValueError: no such folder, nothing in it, a file that is neither frame nor map, an unknown sequence or prefix,
        nothing left to take.
    """
    if prefixes is not None and exclude_prefixes is not None:
        raise ValueError(
            f"give prefixes {prefixes} to take or exclude_prefixes {exclude_prefixes} to leave out, not both"
        )
    if not root.is_dir():
        raise ValueError(f"{root}: no such folder")
    if order not in ORDERS:
        raise ValueError(f"order must be one of {ORDERS}, received {order!r}")
    named = prefixes if exclude_prefixes is None else exclude_prefixes
    runs, remarks, found, used = {}, [], set(), set()
    for folder in _sequence_folders(root, sequences):
        frames, left = paired_files(folder, labelled, label_suffix, image_suffix)
        remarks += left
        name, stems = folder.resolve().name, list(frames)
        begin = beginnings(stems)
        found |= set(begin.values())
        if named is not None:
            used |= {p for p in named for stem in stems if _begins(p, stem, begin[stem])}
            left_out = exclude_prefixes is not None
            stems = [s for s in stems if any(_begins(p, s, begin[s]) for p in named) != left_out]
        if stills:
            parts = {f"{name}_{stem}": [frames[stem]] for stem in stems}
        else:
            parts, more = _runs_of_folder(folder, name, stems, frames, order)
            remarks += more
        twice = sorted(parts.keys() & runs.keys())
        if twice:
            raise ValueError(f"{folder}: two runs would be called {twice[0]!r}; give their files other prefixes")
        runs |= parts
    unknown = [prefix for prefix in named or () if prefix not in used]
    if unknown or (not runs and exclude_prefixes is None):
        raise ValueError(f"{root}: no frames with prefixes {unknown or prefixes}; it has {sorted(found)}")
    if not runs:
        raise ValueError(f"{root}: no frames are left without the prefixes {exclude_prefixes}; it has {sorted(found)}")
    return FoundRuns(runs, tuple(remarks))


def _runs_of_folder(folder, name, stems, frames, order):
    """{id: frames in order} of the files ``stems`` of a sequence's folder, and remarks."""
    if not stems:
        return {}, []
    ordered = [by_name(stems)] if order == "name" else find_order(stems, str(folder / "image"))
    remarks = [f"{folder / 'image'}: {run.remark}" for run in ordered if run.remark]
    # One run of a folder that has several is called after itself.
    alone = len(ordered) == 1 and len(stems) == len(frames)
    runs = {
        name if alone or not run.name else f"{name}_{run.name}": _in_order(run, frames, folder / "image")
        for run in ordered
    }
    return runs, remarks


def beginnings(stems: list[str]) -> dict[str, str]:
    """{stem: what it begins with, without its last number}, as ``prefixes`` names it; all of it where it has none."""
    return {stem: re.sub(r"\d+$", "", stem).strip("_-. ") or stem for stem in stems}


def _begins(prefix, stem, beginning):
    """Whether a name begins with a prefix, at a border of its parts; "x_1" does not begin with "x_10"."""
    return any(re.match(re.escape(prefix) + r"([_\-. ]|$)", text) for text in (beginning, stem))


def _in_order(run: Run, frames: dict[str, FrameFiles], folder: pathlib.Path) -> list[FrameFiles]:
    """A run's frames with their numbers, and with a fault where one is missing before them, or there twice."""
    files = [
        dataclasses.replace(frames[stem], number=number) for stem, number in zip(run.stems, run.numbers, strict=True)
    ]
    if run.counted:
        return with_gaps(by_number(files), folder, run.prefix, _GAP_FIX)
    return [
        with_fault(
            file,
            f"{folder}: {run.gaps[stem]}; {_GAP_FIX}, or take them in the order of their names as they are "
            "(--order=name)",
        )
        if stem in run.gaps
        else file
        for stem, file in zip(run.stems, files, strict=True)
    ]


def _sequence_folders(root: pathlib.Path, sequences: list[str] | None) -> list[pathlib.Path]:
    if (root / "image").is_dir():
        if sequences:
            raise ValueError(
                f"{root}: is one sequence itself (it holds image/), so sequences={sequences} cannot be chosen"
            )
        return [root]
    folders = {path.name: path for path in folders_in(root)}
    if not folders:
        raise ValueError(
            f"{root}: no sequences here; expected <sequence>/image and <sequence>/label, or image and label"
        )
    if sequences is None:
        return list(folders.values())
    unknown = [name for name in sequences if name not in folders]
    if unknown or not sequences:
        raise ValueError(f"{root}: no sequences {unknown}; it has {sorted(folders)}")
    return [folders[name] for name in dict.fromkeys(sequences)]


def by_number(frames: list[FrameFiles]) -> list[FrameFiles]:
    """Frames in order; a number that is there twice is a fault."""
    frames = sorted(frames, key=lambda frame: (frame.number, frame.image))
    for index, (before, after) in enumerate(itertools.pairwise(frames), 1):
        if before.number == after.number:
            fault = f"{after.image}: frame {after.number} is there twice, also as {before.image.name}; keep one"
            frames[index] = with_fault(after, fault)
    return frames


def with_gaps(frames: list[FrameFiles], folder: pathlib.Path, prefix: str, fix: str = "add it") -> list[FrameFiles]:
    """Frames by number, with a fault where the numbers do not go up by one step.

    Args:
      frames: of ``by_number``.
      folder, prefix, fix: where the frames are, what their names begin with and what to do, for the message.
    """
    steps = [b.number - a.number for a, b in itertools.pairwise(frames)]
    counts = collections.Counter(step for step in steps if step)
    if not counts:
        return frames
    # Of equally common steps the smaller one: 0, 1, 3 misses frame 2.
    step = min(counts, key=lambda s: (-counts[s], s))
    checked = frames[:1]
    for (before, after), difference in zip(itertools.pairwise(frames), steps, strict=True):
        if difference not in (0, step):
            missing = before.number + step
            after = with_fault(
                after,
                f"{folder}: frame {prefix}{missing:0{len(before.image.stem) - len(prefix)}d} is missing between "
                f"{before.image.name} and {after.image.name} (the numbers go up by {step}); {fix}",
            )
        checked.append(after)
    return checked


def with_fault(frame: FrameFiles, fault: str) -> FrameFiles:
    """The frame, with a fault unless it has one."""
    return frame if frame.fault else dataclasses.replace(frame, fault=fault)
