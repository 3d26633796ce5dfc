"""VideoWriter: a split's clips as files to look at, one MP4 or one folder of PNGs each, instead of TFRecord shards.

    <out_dir>/<split>/shard-00000/<clip id>.mp4, ..., manifest.json
    <out_dir>/<split>/shard-00000/<clip id>/0000.png, 0001.png, ..

manifest.json lists the clips: of each what a TFRecord split's manifest says of it, its "file" below the folder, and the
"sha256" of that, of a folder as files.sha256_of has it.
"""

import dataclasses
import pathlib
from collections.abc import Callable, Sequence

import numpy as np

from seg2vid_tf import media
from seg2vid_tf.data.shard_writer import ShardWriter
from seg2vid_tf.files import sha256_of

FORMATS = ("mp4", "png")


@dataclasses.dataclass(frozen=True)
class VideoWriter(ShardWriter):
    """As ShardWriter, whose options for records mean nothing here.

    Attributes:
      video_format: one of FORMATS.
      fps: frames a second of an MP4.

    Raises:
      ValueError: an option out of range, or a clip id that is no relative path.
      ImportError: PyAV is not installed and MP4 is asked for.
    """

    video_format: str = "mp4"
    fps: float = 8.0

    def __post_init__(self):
        super().__post_init__()
        if self.video_format not in FORMATS:
            raise ValueError(f"video_format must be one of {FORMATS}, received {self.video_format!r}")
        if self.video_format == "mp4":
            media.check_fps(self.fps)
            media.require_mp4()
        for clip_id in self.source.clip_ids:
            path = pathlib.PurePosixPath(clip_id)
            if path.is_absolute() or ".." in path.parts:
                raise ValueError(f"clip {clip_id!r}: a file cannot be named so below the output; rename the input")

    def _stored(self, ids: Sequence[str], name: str, each: Callable[[int], None]) -> dict:
        entry = {"file": name, "clips": [], "bad_clips": [], "remarks": []}
        for clip in self._clips(ids, entry):
            file = f"{name}/{clip.clip_id}" + (".mp4" if self.video_format == "mp4" else "")
            path = self.unfinished / file
            if self.video_format == "mp4":
                media.save_mp4(clip.frames, path, self.fps)
            else:
                _save_frames(clip.frames, path)
            entry["clips"].append({**self._said_of(clip), "file": file, "sha256": sha256_of(path)})
            each(len(clip.frames))
        return entry

    def _manifest(self, shards: list[dict], bad: list[dict], remarks: list[dict]) -> dict:
        clips = [clip for entry in shards for clip in entry["clips"]]
        return {
            "format": self.video_format,
            "fps": self.fps if self.video_format == "mp4" else None,
            "spec": self.source.spec.to_json(),
            "source": self.source.settings,
            "num_clips": len(clips),
            "num_frames": sum(clip["length"] for clip in clips),
            "bad_clips": bad,
            "remarks": remarks,
            "clips": clips,
        }

    def _files(self, entry: dict) -> dict[str, str]:
        return {clip["file"]: clip["sha256"] for clip in entry["clips"]}

    def options(self) -> list:
        return [self.video_format, self.fps]


def _save_frames(frames: np.ndarray, folder: pathlib.Path) -> None:
    """As save_frames, and nothing else is left in the folder, such as a killed process's temporary files."""
    media.save_frames(frames, folder)
    written = {f"{i:04d}.png" for i in range(len(frames))}
    for path in folder.iterdir():
        if path.name not in written:
            path.unlink(missing_ok=True)
