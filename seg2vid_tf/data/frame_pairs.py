"""Which frame and which map of a sequence folder belong together, by their names."""

import os
import pathlib

from seg2vid_tf.annotations.map_file import SUFFIXES
from seg2vid_tf.data.folder_files import files_in, shown
from seg2vid_tf.data.frame_clips import FrameFiles
from seg2vid_tf.data.pictures import KINDS

FRAME_SUFFIXES = tuple(KINDS)


def paired_files(folder: pathlib.Path, labelled: bool, label_suffix: str, image_suffix: str):
    """{stem: frame, its number 0} of a sequence folder, and what was left aside; a lone map is a frame with a fault."""
    images, faults, remarks = _files_by_stem(folder / "image", FRAME_SUFFIXES, image_suffix)
    maps = {"label": {}, "inst": {}}
    for kind in maps if labelled else ():
        if kind == "label" or (folder / kind).is_dir():
            ending = label_suffix if kind == "label" else ""
            maps[kind], twice, left = _files_by_stem(folder / kind, SUFFIXES, ending)
            remarks += left
            if not images.keys() & maps[kind].keys():
                raise ValueError(_no_pair(images, maps[kind], folder / kind, kind, ending))
            faults = _unpaired(images, maps[kind], folder, kind, ending) | twice | faults
    frames = {
        stem: FrameFiles(
            0,
            images.get(stem, folder / "image" / f"{stem}{image_suffix}.png"),
            maps["label"].get(stem),
            maps["inst"].get(stem),
            faults.get(stem, ""),
        )
        for stem in sorted({*images, *maps["label"], *maps["inst"]})
    }
    return frames, remarks


def _files_by_stem(folder: pathlib.Path, suffixes: tuple[str, ...], ending: str):
    """{stem without the ending: file}, {stem: fault} of those that are there twice, a line on what is left aside."""
    if not folder.is_dir():
        raise ValueError(f"{folder}: no such folder; a sequence holds image/ and label/")
    files, faults, aside = {}, {}, []
    for path in files_in(folder):
        if ending and not path.stem.endswith(ending):
            aside.append(path.name)
            continue
        if path.suffix.lower() not in suffixes:
            raise ValueError(f"{path}: expected {' or '.join(suffixes)} here; convert it or move it away")
        stem = path.stem.removesuffix(ending)
        if stem in files:
            faults[stem] = f"{path}: two files for frame {stem!r}, also {files[stem].name}; keep one"
        files[stem] = path
    if not files:
        lies = f"; none of its {len(aside)} files ends in {ending!r}: {shown(aside, 3)}" if aside else ""
        raise ValueError(f"{folder}: empty folder; put {' or '.join(suffixes)} files there{lies}")
    left = [f"{folder}: not read, their names do not end in {ending!r}: {shown(aside, 3)}"] if aside else []
    return files, faults, left


def _no_pair(images, maps, folder, kind, ending):
    """What to say where not one map has a frame: what was looked for, and the ending that would make them pairs."""
    frame, lone = sorted(images)[0], sorted(maps)[0]
    message = (
        f"{folder}: none of its {len(maps)} maps has a frame: looked for {folder / frame}{ending}.png, the map of "
        f"{images[frame]}, and found {maps[lone].name}"
    )
    flag = "label_suffix" if kind == "label" else ""
    behind = {stem.removeprefix(name) for stem in maps for name in images if stem != name and stem.startswith(name)}
    if flag and len(behind) == 1:
        return f"{message}; give --{flag}={behind.pop()}{ending}"
    if flag and 1 < len(behind) < 9:
        return f"{message}; give --{flag}, one of {', '.join(sorted(end + ending for end in behind))}"
    before = {name.removeprefix(stem) for name in images for stem in maps if stem != name and name.startswith(stem)}
    if len(before) == 1:
        return f"{message}; give --image_suffix={before.pop()}"
    ends = _common_end(list(images)), _common_end(list(maps))
    if flag and {name.removesuffix(ends[0]) for name in images} & {name.removesuffix(ends[1]) for name in maps}:
        given = [f"--{f}={end}" for f, end in (("image_suffix", ends[0]), (flag, ends[1] + ending)) if end]
        return f"{message}; give {' '.join(given)}"
    return f"{message}; give both the same names, or what the names end in by --label_suffix and --image_suffix"


def _common_end(names):
    """What all names end in, from the last separator before it that all have."""
    end = os.path.commonprefix([name[::-1] for name in names])[::-1]
    places = [i for i, letter in enumerate(end) if letter in "_-."]
    return end[places[0] :] if places else ""


def _unpaired(images: dict, others: dict, folder: pathlib.Path, kind: str, ending: str) -> dict[str, str]:
    """{stem: fault}."""
    frames = {
        stem: f"{images[stem]}: frame without a map, {folder / kind / stem}{ending}.png is missing"
        for stem in images.keys() - others.keys()
    }
    maps = {
        stem: f"{others[stem]}: map without a frame, nothing in {folder / 'image'} is called {stem!r}"
        for stem in others.keys() - images.keys()
    }
    return frames | maps
