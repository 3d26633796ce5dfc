"""Where the label maps of a bulk job come from: files of a folder, the clips of a prepared split, rendered scenes.

NumPy and Pillow alone, but for splits: what is wrong with a job is told before TensorFlow is loaded.
"""

import abc
import dataclasses
import hashlib
import pathlib
from collections.abc import Sequence

import numpy as np

from seg2vid_tf.annotations.color_map import read_told_map
from seg2vid_tf.annotations.label_map import validate_label_map
from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.data.drawn_label_map import drawn_label_map
from seg2vid_tf.data.fit import content, map_at
from seg2vid_tf.data.folder_files import files_below
from seg2vid_tf.data.pictures import read_instance_map
from seg2vid_tf.files import sha256_of


@dataclasses.dataclass(frozen=True)
class BulkMap:
    """One input of a bulk job.

    Attributes:
      label_map: uint8 [H,W], the model's spec and size.
      instance_map: integers [H,W], 0 = no instance, where the model reads them; else None.
      sha256: of the input's file; where it has none, of the label map's ids, row by row.
      content: the rows and columns that show the input, the rest being borders (data/fit.py).
    """

    label_map: np.ndarray
    instance_map: np.ndarray | None
    sha256: str
    content: tuple[slice, slice]


class MapSource(abc.ABC):
    """The inputs of a bulk job. It can be pickled.

    Attributes:
      names: the inputs' names, in order, each of them once; relative paths without "..".
      settings: what determines the maps besides their files, as JSON.
    """

    names: tuple[str, ...]
    settings: dict

    @abc.abstractmethod
    def read(self, name: str) -> BulkMap:
        """The input of that name.

        Raises:
          ValueError, OSError: something is wrong with it; the message names the file.
        """

    def files(self, name: str) -> list[pathlib.Path]:
        """The files that an input is made of; none where it is rendered."""
        return []


@dataclasses.dataclass(frozen=True)
class Told:
    """What a caller says of the maps' files, as generate.py's flags of these names do.

    Attributes:
      label_ids, palette, colors: as of read_told_map.
      resize: whether maps of another size are brought to the model's.
      fit: how (data/fit.py).
    """

    label_ids: str | None = None
    palette: bool = False
    colors: str | None = None
    resize: bool = False
    fit: str = "squeeze"

    def brought(self, array: np.ndarray, size: tuple[int, int], name: str) -> np.ndarray:
        """A label or instance map at (height, width).

        Raises:
          ValueError: it has another size, and resize is not said.
        """
        return map_at(array, size, self.fit, self.resize, name)


class FolderMaps(MapSource):
    """The label maps in a folder and its sub-folders.

    Args:
      root: the folder.
      spec, size: the model's.
      pattern: which files are label maps, as "*_labelIds.png" or "label/*.png".
      told: what they are.
      instances: folder of their instance maps, of the same names; None: the model reads none.

    Raises:
      ValueError: there is no such file, or two differ in their suffix alone.
    """

    def __init__(
        self,
        root: pathlib.Path,
        spec: AnnotationSpec,
        size: tuple[int, int],
        pattern: str = "*.png",
        told: Told = Told(),
        instances: pathlib.Path | None = None,
    ):
        self._root, self._spec, self._size, self._told = root.absolute(), spec, size, told
        self._instances = None if instances is None else instances.absolute()
        found = [path.relative_to(self._root) for path in files_below(self._root, pattern)]
        self._files = {path.with_suffix("").as_posix(): path for path in found}
        if not found:
            raise ValueError(f"{root} holds no file {pattern!r}, in sub-folders neither: what are its maps called?")
        if len(self._files) < len(found):
            twice = next(path for path in found if self._files[path.with_suffix("").as_posix()] != path)
            raise ValueError(f"{root} holds two files {twice.with_suffix('')}.*: say by a pattern which are the maps")
        self.names = tuple(self._files)
        self.settings = {"maps": "folder", "pattern": pattern, "instances": instances is not None}
        self.settings |= dataclasses.asdict(told)

    def files(self, name: str) -> list[pathlib.Path]:
        file = self._files[name]
        return [self._root / file, *([] if self._instances is None else [self._instances / file])]

    def read(self, name: str) -> BulkMap:
        path, *instances = self.files(name)
        told = {key: getattr(self._told, key) for key in ("label_ids", "palette", "colors")}
        label_map = read_told_map(path, self._spec, **told)
        shown = content(label_map.shape, self._size, self._told.fit)
        instance_map = None
        if instances:
            instance_map = read_instance_map(instances[0], label_map.shape)
            instance_map = self._told.brought(instance_map, self._size, str(instances[0]))
        return BulkMap(self._told.brought(label_map, self._size, str(path)), instance_map, sha256_of(path), shown)


class SplitMaps(MapSource):
    """The label maps of frame 0 of a prepared split's clips.

    Args:
      split_dir: it holds manifest.json.
      spec, size: the model's.
      told: its resize and fit.
      instances: whether the model reads instance maps.

    Raises:
      ValueError: it is of other classes, or has no instance maps where they are read, or is damaged.
    """

    def __init__(
        self,
        split_dir: pathlib.Path,
        spec: AnnotationSpec,
        size: tuple[int, int],
        told: Told = Told(),
        instances: bool = False,
    ):
        from seg2vid_tf.data.shards import load_manifest, manifest_spec  # by TensorFlow

        manifest = load_manifest(split_dir)
        own = manifest_spec(manifest)
        if (own.classes, own.ignore_id) != (spec.classes, spec.ignore_id):
            raise ValueError(
                f"{split_dir} holds spec {own.name!r}, whose classes are not those of {spec.name!r}, which the model "
                "was trained on: prepare it in those (--spec, --label_ids)"
            )
        if instances and not manifest.get("has_instances"):
            raise ValueError(f"{split_dir}: stored without instance maps, which this model reads")
        self._folder, self._spec, self._size, self._told = split_dir.absolute(), spec, size, told
        self._instances = instances
        self._records = {
            clip["clip_id"]: (shard["file"], record)
            for shard in manifest["shards"]
            for record, clip in enumerate(shard["clips"])
        }
        self.names = tuple(self._records)
        self.settings = {"maps": "split", "instances": instances, "resize": told.resize, "fit": told.fit}
        self.settings["shards"] = [shard["sha256"] for shard in manifest["shards"]]

    def files(self, name: str) -> list[pathlib.Path]:
        return [self._folder / self._records[name][0]]

    def read(self, name: str) -> BulkMap:
        from seg2vid_tf.data.clip_record import read_first_maps

        file, record = self._records[name]
        label_map, instance_map = read_first_maps(self._folder / file, record)
        label_map = validate_label_map(label_map, self._spec, name=f"{self._folder / file}, clip {name!r}")
        shown = content(label_map.shape, self._size, self._told.fit)
        given = None
        if self._instances:
            given = self._told.brought(instance_map, self._size, name)
        return BulkMap(self._told.brought(label_map, self._size, name), given, _sha256(label_map), shown)


class SceneMaps(MapSource):
    """Rendered streets, or drawn persons where the spec has a skeleton: one for each number.

    Args:
      scenes: their seeds, 0 or more.
      spec, size: the model's.
      instances: whether the model reads instance maps.

    Raises:
      ValueError: nothing can be drawn in this spec.
    """

    def __init__(self, scenes: Sequence[int], spec: AnnotationSpec, size: tuple[int, int], instances: bool = False):
        self._scenes = {f"scene_{scene:06d}": scene for scene in scenes}
        self._spec, self._size, self._instances = spec, size, instances
        drawn_label_map(spec, size, scenes[0])
        self.names = tuple(self._scenes)
        self.settings = {"maps": "scenes", "instances": instances}

    def read(self, name: str) -> BulkMap:
        label_map, instance_map = drawn_label_map(self._spec, self._size, self._scenes[name]), None
        if self._instances:
            from seg2vid_tf.data.synthetic_street import render_clip

            instance_map = render_clip(self._scenes[name], 1, *self._size, with_motion=False).instance_maps[0]
        whole = tuple(slice(0, side) for side in self._size)
        return BulkMap(label_map, instance_map, _sha256(label_map), whole)


def _sha256(label_map):
    return hashlib.sha256(np.ascontiguousarray(label_map).tobytes()).hexdigest()
