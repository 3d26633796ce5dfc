"""KTH Actions as it is downloaded: 25 persons, six actions, grey AVI files; split by person.

    root/.../person01_boxing_d1_uncomp.avi
    00sequences.txt: person01_boxing_d1		frames	1-95, 96-185, 186-245, 246-360

A video shows an action four times; between walks, jogs and runs nobody is in the picture. 00sequences.txt names the
frames of each time, counted from 1, the last one included.

Source: Schuldt et al., "Recognizing human actions: a local SVM approach" (ICPR 2004). Video prediction holds out
persons 17 to 25.
"""

import os
import pathlib
import re
from collections.abc import Iterable

from seg2vid_tf.data.video import find_videos

_NAME = re.compile(r"person(\d\d)_([a-z]+)_d([1-4])_uncomp")
PERSONS = {"train": range(1, 17), "validation": range(17, 26)}
_RANGES = re.compile(r"(person\d\d_[a-z]+_d[1-4])\s+frames\s+(\d+-\d+(?:\s*,\s*\d+-\d+)*)\s*")


def kth_videos(
    root: str | os.PathLike, persons: list[int] | range, actions: list[str] | None = None
) -> dict[str, pathlib.Path]:
    """{name: file} of KTH Actions: person01_boxing_d1_uncomp.avi and so on, in ``root`` or its sub-folders.

    Args:
      root: the folder into which the six archives were unpacked.
      persons: 1..25; of both splits, PERSONS.
      actions: "boxing", "walking", ...; None: all.

    Raises:
      ValueError: no such videos, a person or action that is not there.
    """
    found = {}
    for name, path in find_videos(root, "person*.avi").items():
        match = _NAME.fullmatch(name)
        if not match:
            raise ValueError(f"{path}: not called person01_boxing_d1_uncomp.avi; move it out of this folder")
        found[name] = (int(match[1]), match[2], path)
    there = {person for person, _, _ in found.values()}, {action for _, action, _ in found.values()}
    unknown = [
        str(a) for asked, has in zip((persons, actions or ()), there, strict=True) for a in asked if a not in has
    ]
    if unknown:
        raise ValueError(
            f"{root}: no {', '.join(unknown)}; it has persons {sorted(there[0])}, actions {sorted(there[1])}"
        )
    return {n: path for n, (p, action, path) in found.items() if p in persons and action in (actions or there[1])}


def kth_recording(video: str) -> str:
    """Of person01_boxing_d1_uncomp "person01_d1": one person's six actions in one setting are one recording."""
    person, _, setting, _ = video.split("_")
    return f"{person}_{setting}"


def kth_frame_ranges(path: str | os.PathLike, videos: Iterable[str]) -> dict[str, list[slice]]:
    """{video: the frames of each time that its action is shown, from 0}, as 00sequences.txt has them.

    Args:
      path: the file.
      videos: person01_boxing_d1_uncomp, ...

    Raises:
      ValueError: no such file, a line that is none of the above, or a video that it does not name.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise ValueError(f"{path}: no such file; give the 00sequences.txt that KTH's page has beside the videos")
    ranges = {}
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        # Before the list stands what it is; of a video that was lost, "*missing*".
        if not re.match(r"person\d\d_", line) or "*missing*" in line:
            continue
        match = _RANGES.fullmatch(line)
        spans = [[int(end) for end in span.split("-")] for span in match[2].split(",")] if match else []
        if not match or any(not 1 <= first <= last for first, last in spans):
            raise ValueError(
                f"{path}, line {number}: expected 'person01_boxing_d1 frames 1-95, 96-185', found {line!r}"
            )
        ranges[f"{match[1]}_uncomp"] = [slice(first - 1, last) for first, last in spans]
    unnamed = sorted(set(videos) - set(ranges))
    if unnamed:
        raise ValueError(f"{path}: does not name {unnamed[0]} ({len(unnamed)} in all); is it whole?")
    return {name: ranges[name] for name in videos}
