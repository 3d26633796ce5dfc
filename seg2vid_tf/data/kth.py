"""KTH Actions as it is downloaded: 25 persons, six actions, grey AVI files; split by person.

    root/.../person01_boxing_d1_uncomp.avi

Source: Schuldt et al., "Recognizing human actions: a local SVM approach" (ICPR 2004). Video prediction holds out
persons 17 to 25.
"""

import os
import pathlib
import re

from seg2vid_tf.data.video import find_videos

_NAME = re.compile(r"person(\d\d)_([a-z]+)_d([1-4])_uncomp")
PERSONS = {"train": range(1, 17), "validation": range(17, 26)}


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
