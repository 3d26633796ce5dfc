"""What lies in a folder that people and their computers have used: what is meant, and what a system left there.

File managers, archives and notebooks leave files of their own everywhere. They are no data and no mistake of anyone's,
so every reader passes over the same ones; whatever else a reader does not take it names.
"""

import pathlib
import re

# macOS, its archives on other systems, Windows, Synology; ".DS_Store" and "._0001.png" begin with a dot.
_LITTER = re.compile(
    r"\..*|Thumbs\.db|ehthumbs(_vista)?\.db|desktop\.ini|Icon\r|__MACOSX|@eaDir|#recycle", re.IGNORECASE
)


def is_litter(path: pathlib.Path) -> bool:
    """Whether a file manager or an archive left it, by its name."""
    return _LITTER.fullmatch(path.name) is not None


def files_in(folder: pathlib.Path) -> list[pathlib.Path]:
    """The files of a folder by name, without litter.

    Raises:
      ValueError: a folder lies among them, whose files would be left out.
    """
    found = [path for path in sorted(folder.iterdir()) if not is_litter(path)]
    for path in found:
        if path.is_dir():
            raise ValueError(f"{path}: a folder among files, which would be left out; move it, or its files, elsewhere")
    return found


def folders_in(folder: pathlib.Path) -> list[pathlib.Path]:
    """The folders of a folder by name, without litter."""
    return [path for path in sorted(folder.iterdir()) if path.is_dir() and not is_litter(path)]


def files_below(root: pathlib.Path, pattern: str) -> list[pathlib.Path]:
    """The files in a folder and its sub-folders whose names fit a glob pattern, by name, without litter."""
    found = (path for path in sorted(root.rglob(pattern)) if path.is_file())
    return [path for path in found if not any(is_litter(root / part) for part in path.relative_to(root).parts)]


def shown(names: list[str], most: int = 5) -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(str, names[:most])) + more
