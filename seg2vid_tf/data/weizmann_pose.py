"""Weizmann actions as skeleton -> person: strips of frames and predicted joints -> Clips of frames and pose maps.

    root/<action>_p<n>.png       T frames of H x H pixels side by side, RGB, about 25 frames a second
    root/<action>_p<n>_kp.npy    float [T, 17, 3]: (y, x, score) of the COCO joints, y and x as shares of the frame

The pose maps are drawn at the size of the clips from the spec "weizmann_pose". The split into train and validation is
by person.
"""

import os
import pathlib
import re

import numpy as np
from PIL import Image

from seg2vid_tf.annotations.png_file import MAX_SIDE
from seg2vid_tf.annotations.pose import draw_pose
from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.data.clip import Clip
from seg2vid_tf.data.clip_source import ClipSource, parts
from seg2vid_tf.data.folder_files import files_in, is_litter, shown
from seg2vid_tf.data.pictures import read_frame, resize_frame

_NAME = re.compile(r"(.+)_(p\d+)")
_IS_READ = re.compile(r".+_p\d+(\.png|_kp\.npy)")
# A strip is as wide as its frames together: the longest of 146 frames of 64 pixels has 9344.
_MAX_STRIP = 16 * MAX_SIDE


class WeizmannPose(ClipSource):
    """The clips of a folder of strips, "jack_p0" and so on; names and lengths are checked at once."""

    def __init__(
        self,
        root: str | os.PathLike,
        size: tuple[int, int] | None,
        *,
        persons: list[str] | None = None,
        actions: list[str] | None = None,
        max_length: int | None = None,
        line_width: float = 3.0,
        labelled: bool = True,
    ):
        """Finds the strips.

        Args:
          root: the folder that holds the strips and their joints.
          size: (height, width) of the clips; frames are square, another ratio stretches them. None: the files' own.
          persons: "p0", "p1", ...; None: all.
          actions: "jack", "wave1", ...; None: all.
          max_length: cut longer strips into clips of this many frames ("jack_p0_00000030" starts at frame 30), the last
            one with what is left; None: one clip per strip.
          line_width: of the limbs, in pixels of ``size``.
          labelled: False: frames alone, for an annotator; joints may be missing and are not looked at.

        Raises:
          ValueError: no strips there, an unknown person or action, nothing left of the choice, a strip without joints
            or joints without a strip, a strip whose width is no multiple of its height, joints of another shape or
            length; a size, length or line width that is not positive.
        """
        if (size and min(size) < 1) or (max_length is not None and max_length < 1) or not line_width > 0:
            raise ValueError(
                f"size, max_length and line_width must be positive, received {size}, {max_length}, {line_width}"
            )
        self._size, self._line_width, self.spec = size and tuple(size), line_width, load_spec("weizmann_pose")
        self._labelled = labelled
        self.settings = {
            "reader": "weizmann_pose",
            "size": size and list(size),
            "max_length": max_length,
            "line_width": line_width,
        }
        self._parts = {}
        for strip in _chosen(_find_strips(pathlib.Path(root), labelled), root, persons, actions):
            length = len(_read_joints(strip, self.spec)) if labelled else _length(strip)
            self._parts |= {clip_id: (strip, part) for clip_id, part in parts(strip.stem, length, max_length).items()}
        self.clip_ids = tuple(self._parts)
        left = [p.name for p in files_in(pathlib.Path(root)) if not _IS_READ.fullmatch(p.name)]
        self.remarks = (f"{root}: not read, neither strips nor joints: {shown(left)}",) if left else ()

    def files(self, clip_id: str) -> list[pathlib.Path]:
        strip, _ = self._parts[clip_id]
        return [strip, _joints_file(strip)] if self._labelled else [strip]

    def recording(self, clip_id: str) -> str:
        return self._parts[clip_id][0].stem

    def length(self, clip_id: str) -> int | None:
        part = self._parts[clip_id][1]
        return part.stop - part.start

    def read(self, clip_id: str) -> Clip:
        """The clip of that id.

        Raises:
          ValueError: an unreadable strip, joints that are NaN or infinite.
        """
        strip, part = self._parts[clip_id]
        picture = read_frame(strip, max_width=_MAX_STRIP)
        height = picture.shape[0]
        frames = picture.reshape(height, -1, height, 3).swapaxes(0, 1)[part]
        size = self._size or (height, height)
        if self._labelled:
            joints = _read_joints(strip, self.spec)[part]
            try:
                label_maps = draw_pose(joints, self.spec, size, line_width=self._line_width)
            except ValueError as error:
                raise ValueError(f"{_joints_file(strip)}: {error}") from error
        else:
            label_maps = np.full((len(frames), *size), self.spec.ignore_id, np.uint8)
        return Clip(clip_id, np.stack([resize_frame(frame, size) for frame in frames]), label_maps)


def _joints_file(strip: pathlib.Path) -> pathlib.Path:
    return strip.with_name(f"{strip.stem}_kp.npy")


def _find_strips(root: pathlib.Path, labelled: bool) -> list[pathlib.Path]:
    """The strips of a folder, each with its joints beside it, if they are wanted."""
    if not root.is_dir():
        raise ValueError(f"{root}: no such folder")
    strips = sorted(p for p in root.glob("*.png") if _NAME.fullmatch(p.stem) and not is_litter(p))
    for strip in strips if labelled else ():
        if not _joints_file(strip).is_file():
            raise ValueError(f"{strip}: strip without joints, {_joints_file(strip).name} is missing")
    for joints in sorted(root.glob("*_kp.npy")) if labelled else ():
        if is_litter(joints):
            continue
        strip = joints.with_name(joints.name.removesuffix("_kp.npy") + ".png")
        if strip not in strips:
            raise ValueError(f"{joints}: joints without a strip, {strip.name} is missing")
    if not strips:
        raise ValueError(f"{root}: no strips here; expected <action>_p<n>.png and <action>_p<n>_kp.npy")
    return strips


def _chosen(strips, root, persons, actions) -> list[pathlib.Path]:
    names = {strip: _NAME.fullmatch(strip.stem).groups() for strip in strips}
    for kind, asked, found in (
        ("persons", persons, {person for _, person in names.values()}),
        ("actions", actions, {action for action, _ in names.values()}),
    ):
        unknown = [name for name in asked or () if name not in found]
        if unknown or (asked is not None and not asked):
            raise ValueError(f"{root}: no {kind} {unknown}; it has {sorted(found)}")
    chosen = [s for s, (a, p) in names.items() if (not persons or p in persons) and (not actions or a in actions)]
    if not chosen:
        raise ValueError(f"{root}: no strip shows actions {actions} by persons {persons}; choose others")
    return chosen


def _length(strip: pathlib.Path) -> int:
    """The number of a strip's frames, from the file's header."""
    try:
        with Image.open(strip, formats=["PNG"]) as image:
            width, height = image.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"{strip}: not a readable PNG ({error}); write the file again") from error
    if width % height:
        raise ValueError(
            f"{strip}: {width}x{height} pixels; a strip is square frames side by side, so its width is a multiple of "
            "its height"
        )
    return width // height


def _read_joints(strip: pathlib.Path, spec) -> np.ndarray:
    """The joints of a strip, held against its number of frames."""
    length, path, num_joints = _length(strip), _joints_file(strip), len(spec.skeleton.joints)
    try:
        joints = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ValueError(f"{path}: not a readable .npy file ({error}); write it again") from error
    if joints.shape != (length, num_joints, 3) or not np.issubdtype(joints.dtype, np.floating):
        raise ValueError(
            f"{path}: {joints.dtype} {list(joints.shape)}, but {strip.name} has {length} frames; expected "
            f"float [{length}, {num_joints}, 3]"
        )
    return joints
