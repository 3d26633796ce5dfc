"""Where the picture of a name is: beside its labels or in a folder of pictures, among others of the same name."""

import collections
import pathlib

from seg2vid_tf.data.folder_files import files_below
from seg2vid_tf.data.label_formats.addresses import stored_name
from seg2vid_tf.data.pictures import KINDS

PICTURES = tuple(KINDS)
# Where data sets and tools keep maps, whose names may be their pictures'.
MAP_FOLDERS = {
    *("SegmentationClass", "SegmentationObject", "masks", "masks2", "labels", "label", "semantic", "semantic_rgb"),
    *("color_labels", "colormaps", "gtFine", "gtCoarse", "LabeledApproved_full", "seg"),
    *("instance", "instances", "inst", "annotations", "panoptic"),
}


def labels_below(root: pathlib.Path, images: pathlib.Path | None) -> list[pathlib.Path]:
    """The PNGs in a folder of labels and its sub-folders that are not the pictures', where these have a folder in it.

    Args:
      root, images: as of every reader.
    """
    found = files_below(root, "*.png")
    if images is None or root.resolve().is_relative_to(images.resolve()):
        return found
    return [path for path in found if not path.resolve().is_relative_to(images.resolve())]


class PictureFinder:
    """Where the picture of a name is.

    Args:
      images: the folder of the pictures, searched with its sub-folders; None: they are beside the labels.
      beside: the folder of the labels.
    """

    def __init__(self, images: pathlib.Path | None, beside: pathlib.Path):
        self._root, self._beside, self._folders = images or beside, beside, set()
        self._by_name, self._by_stem, self._by_stored = (collections.defaultdict(list) for _ in range(3))
        root, labels = self._root.resolve(), beside.resolve()
        for path in files_below(self._root, "*"):
            if path.suffix.lower() not in PICTURES:
                continue
            png, inside = path.suffix.lower() == ".png", path.relative_to(self._root)
            if png and images is None and set(inside.parts[:-1]) & MAP_FOLDERS:
                continue
            self._by_name[path.name].append(path)
            self._by_stored[stored_name(path.name)].append(path)
            # A PNG among the labels may be a map: it is taken by its whole name alone.
            if not (png and labels.is_relative_to(root) and (root / inside).is_relative_to(labels)):
                self._by_stem[path.stem].append(path)
                self._folders.add(inside.parts[:-1])

    def stems(self) -> set[str]:
        """The names of all pictures, without their endings."""
        return set(self._by_stem)

    def find(self, name: str, near: pathlib.Path) -> pathlib.Path | None:
        """The file of that name, whatever ending the name has.

        It lies beside the labels, or its folders below the pictures' folder are the last ones that the name has; of a
        name without folders it lies in or below the folder that is called as the labels', where pictures lie in one.

        Args:
          name: as the tool writes it, perhaps with folders, or as an address.
          near: the file of the labels, which decides between pictures of one name in several folders, too.

        Raises:
          ValueError: several are as near.
        """
        path = pathlib.PurePosixPath(name.replace("\\", "/").split("?")[0])
        named = [part for part in path.parts[:-1] if part not in (".", "..", "/")]
        labels = near.parent.relative_to(self._beside).parts if near.is_relative_to(self._beside) else ()
        own = labels if not named and labels in self._folders else ()

        def meant(candidate):
            folders = candidate.parent.relative_to(self._root).parts
            agree = all(a == b for a, b in zip(folders[::-1], named[::-1], strict=False))
            return candidate.parent == near.parent or (agree and folders[: len(own)] == own)

        def nearness(candidate):
            same_end = [a == b for a, b in zip(candidate.parts[-2::-1], path.parts[-2::-1], strict=False)]
            mirrored = set(labels) & set(candidate.parent.relative_to(self._root).parts)
            same_start = [a == b for a, b in zip(candidate.parts, near.parts, strict=False)]
            return [*same_end, False].index(False), len(mirrored), [*same_start, False].index(False)

        found = self._by_name.get(path.name) or self._by_stem.get(path.stem) or []
        best = sorted(filter(meant, found), key=nearness, reverse=True)
        if len(best) > 1 and nearness(best[0]) == nearness(best[1]):
            raise ValueError(
                f"{near}: its picture may be {best[0]} or {best[1]}; give the folder that is meant by --images"
            )
        return best[0] if best else None

    def find_stored(self, name: str) -> pathlib.Path | None:
        """The one file that a web server keeps under that name (stored_name), None where there is none or several."""
        found = self._by_stored[name] if name in self._by_stored else ()
        return found[0] if len(found) == 1 else None
