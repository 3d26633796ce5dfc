"""Which files make up the sequences of a folder, checked before a pixel is read: pairs, numbering, selection.

    root/seq0000/image/0000.jpg, 0001.jpg, ...     frames, jpg or png
    root/seq0000/label/0000.png, 0001.png, ...     label maps, the same stems
    root/seq0000/inst/0000.png, ...                instance maps, optional, the same stems

or ``root`` itself is one sequence (root/image, root/label). A stem ends in the frame's number; what comes before the
number names the run ("0016E5_07959"), so several runs may share a folder. The step between numbers is the run's most
common difference (CamVid counts by 2); any other difference is a missing frame. Stills, frames that do not follow each
other, are runs of one frame, whatever their numbers.
"""

import collections
import dataclasses
import itertools
import pathlib
import re

from seg2vid_tf.data.frame_clips import FrameFiles

FRAME_SUFFIXES = (".jpg", ".jpeg", ".png")
_GAP_FIX = (
    "add it, put each run of consecutive frames in a sequence folder of its own, or, where the frames do not follow "
    "each other, read them as stills (--stills)"
)
_STEM = re.compile(r"(.*?)(\d+)", re.DOTALL)


def find_runs(
    root: pathlib.Path,
    sequences: list[str] | None = None,
    *,
    prefixes: list[str] | None = None,
    stills: bool = False,
    labelled: bool = True,
) -> dict[str, list[FrameFiles]]:
    """The runs of consecutive frames under a folder.

    Args:
      root: a folder of sequences, or one sequence.
      sequences: names of the sub-folders to take, in this order; None: all, by name.
      prefixes: the runs to take, by what their files' names begin with: "0006R0" takes the runs "0006R0" and
        "0006R0_f", but not "0006R05"; None: all.
      stills: whether every frame is a run of its own; gaps in the numbering do not matter then.
      labelled: False: frames alone; maps may be missing and are not looked at.

    Returns:
      {clip id: frames in order}. The id is the sequence's name, with "_<prefix>" where it holds several runs, and
      "_<file name>" for a still.

      Frame and map that do not pair up, two files for one frame, and a gap in the numbering are faults of a frame.

    Raises:
      ValueError: no such folder, nothing in it, a file that is neither frame nor map, an unknown sequence or prefix.
    """
    if not root.is_dir():
        raise ValueError(f"{root}: no such folder")
    runs, found, used = {}, set(), set()
    for folder in _sequence_folders(root, sequences):
        grouped, name = _paired_files(folder, labelled), folder.resolve().name
        for prefix, frames in grouped.items():
            run = prefix.strip("_-. ")
            found.add(run)
            matching = {p for p in prefixes or () if re.match(re.escape(p) + r"([_\-. ]|$)", run)}
            used |= matching
            if prefixes is not None and not matching:
                continue
            if stills:
                parts = {f"{name}_{frame.image.stem}": [frame] for frame in frames}
            else:
                frames = with_gaps(frames, folder / "image", prefix, _GAP_FIX)
                parts = {name if len(grouped) == 1 else f"{name}_{run}": frames}
            twice = sorted(parts.keys() & runs.keys())
            if twice:
                raise ValueError(f"{folder}: two runs would be called {twice[0]!r}; give their files other prefixes")
            runs |= parts
    unknown = [prefix for prefix in prefixes or () if prefix not in used]
    if unknown or not runs:
        raise ValueError(f"{root}: no frames with prefixes {unknown or prefixes}; it has {sorted(found)}")
    return runs


def _sequence_folders(root: pathlib.Path, sequences: list[str] | None) -> list[pathlib.Path]:
    if (root / "image").is_dir():
        if sequences:
            raise ValueError(
                f"{root}: is one sequence itself (it holds image/), so sequences={sequences} cannot be chosen"
            )
        return [root]
    folders = {p.name: p for p in sorted(root.iterdir()) if p.is_dir() and not p.name.startswith(".")}
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


def _paired_files(folder: pathlib.Path, labelled: bool) -> dict[str, list[FrameFiles]]:
    """{prefix: frames by number} of one sequence folder; a map without a frame is a frame with a fault."""
    images, faults = _files_by_stem(folder / "image", FRAME_SUFFIXES)
    maps = {"label": {}, "inst": {}}
    for kind in maps if labelled else ():
        if kind == "label" or (folder / kind).is_dir():
            maps[kind], twice = _files_by_stem(folder / kind, (".png",))
            faults = _unpaired(images, maps[kind], folder, kind) | twice | faults
    runs = collections.defaultdict(list)
    for stem in sorted({*images, *maps["label"], *maps["inst"]}):
        image = images.get(stem, folder / "image" / f"{stem}.png")
        match = _STEM.fullmatch(stem)
        if not match:
            raise ValueError(
                f"{image}: no number at the end of its name; number the frames in order, 0000{image.suffix}"
            )
        files = image, maps["label"].get(stem), maps["inst"].get(stem)
        runs[match[1]].append(FrameFiles(int(match[2]), *files, faults.get(stem, "")))
    return {prefix: by_number(frames) for prefix, frames in sorted(runs.items())}


def _files_by_stem(folder: pathlib.Path, suffixes: tuple[str, ...]):
    """{stem: file}, and {stem: fault} of those that are there twice."""
    if not folder.is_dir():
        raise ValueError(f"{folder}: no such folder; a sequence holds image/ and label/")
    files, faults = {}, {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.is_dir():
            continue
        if path.suffix.lower() not in suffixes:
            raise ValueError(f"{path}: expected {' or '.join(suffixes)} here; convert it or move it away")
        if path.stem in files:
            faults[path.stem] = f"{path}: two files for frame {path.stem!r}, also {files[path.stem].name}; keep one"
        files[path.stem] = path
    if not files:
        raise ValueError(f"{folder}: empty folder; put {' or '.join(suffixes)} files there")
    return files, faults


def _unpaired(images: dict, others: dict, folder: pathlib.Path, kind: str) -> dict[str, str]:
    """{stem: fault}."""
    frames = {
        stem: f"{images[stem]}: frame without a map, {folder / kind / stem}.png is missing"
        for stem in images.keys() - others.keys()
    }
    maps = {
        stem: f"{others[stem]}: map without a frame, nothing in {folder / 'image'} is called {stem!r}"
        for stem in others.keys() - images.keys()
    }
    return frames | maps


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
