"""Seg2VidOutput: what a pipeline made, and how it gets to disk."""

import dataclasses
import os
import pathlib

import numpy as np

from seg2vid_tf import media
from seg2vid_tf.flow_file import write_flow
from seg2vid_tf.html_page import animation
from seg2vid_tf.notebook import Shown, style_of

# Of many videos a notebook shows so many: each is some 100 KB inside its file.
MOST_SHOWN = 8


@dataclasses.dataclass(frozen=True, repr=False)
class Seg2VidOutput:
    """What a pipeline made; a notebook shows it as looping videos.

    Attributes:
      frames: uint8 [N,T+1,H,W,3], RGB; frame 0 is the start frame.
      flow: float32 [N,T,H,W,2], (dy, dx) in pixels, on the grid of frame t.
      flow_backward: float32 [N,T,H,W,2], on the grid of frame 0.
      visibility: float32 [N,T,H,W,1], 1 = the pixel of frame t has a correspondence in frame 0.
      visibility_backward: float32 [N,T,H,W,1], the same for the pixels of frame 0.
      label_maps: uint8 [N,T+1,H,W]; of frame 0 the one given, then what the motion makes of it.

      frames_per_chunk: the model's T. In a longer video "frame 0" of flow and visibility is the last frame of the chunk
        before.
    """

    frames: np.ndarray
    flow: np.ndarray
    flow_backward: np.ndarray
    visibility: np.ndarray
    visibility_backward: np.ndarray
    label_maps: np.ndarray
    frames_per_chunk: int

    @property
    def start_frame(self) -> np.ndarray:
        """uint8 [N,H,W,3]."""
        return self.frames[:, 0]

    def part(self, rows: slice, columns: slice) -> "Seg2VidOutput":
        """These rows and columns of everything; flow stays in pixels."""
        fields = ("frames", "flow", "flow_backward", "visibility", "visibility_backward", "label_maps")
        return dataclasses.replace(self, **{name: getattr(self, name)[:, :, rows, columns] for name in fields})

    def __repr__(self):
        videos, frames, height, width, _ = self.frames.shape
        return (
            f"<Seg2VidOutput: {videos} x (1 + {frames - 1}) frames of {height} x {width} (height x width); "
            ".frames, .flow, .visibility, .label_maps, .save_gif(path), .show(flow=True)>"
        )

    def _repr_html_(self):
        return self.show()._repr_html_()

    def show(self, fps: float = 8.0, flow: bool = False) -> Shown:
        """What a notebook shows of it: the videos, looping.

        Args:
          fps: frames a second.
          flow: whether to show beside each video its flow, as colours, and white where the start frame is seen.
        """
        style, flows = style_of(self.frames.shape[2]), media.flow_to_color(self.flow) if flow else None
        rows = []
        for i, frames in enumerate(self.frames[:MOST_SHOWN]):
            row = animation(frames, fps, style)
            if flow:
                masks = np.round(255 * self.visibility[i]).astype(np.uint8).repeat(3, axis=-1)
                # Neither has a frame 0, in which nothing has moved yet and all is seen: white in both.
                still = np.full_like(frames[:1], 255)
                row += "".join(animation(np.concatenate([still, part]), fps, style) for part in (flows[i], masks))
                row = f"<div>{row}</div>"
            rows.append(row)
        hidden = len(self.frames) - len(rows)
        more = f"<p>and {hidden} more: save_gif(path) writes all</p>" if hidden else ""
        return Shown("".join(rows) + more, repr(self))

    def save_gif(self, path: str | os.PathLike, fps: float = 8.0) -> None:
        """Writes a GIF; several videos stand side by side."""
        media.save_gif(self._side_by_side(), path, fps)

    def save_mp4(self, path: str | os.PathLike, fps: float = 8.0) -> None:
        """Writes an MP4; several videos stand side by side. Needs the extra "demo"."""
        media.save_mp4(self._side_by_side(), path, fps)

    def save_frames(self, folder: str | os.PathLike) -> None:
        """Writes <folder>/<video>/<frame>.png."""
        for i, video in enumerate(self.frames):
            media.save_frames(video, pathlib.Path(folder) / f"{i:02d}")

    def save_flow(self, path: str | os.PathLike) -> None:
        """Writes one PNG: a row per video, its flow of frames 1..T as colours on one scale."""
        colors = media.flow_to_color(self.flow)
        media.save_png(media.contact_sheet([list(video) for video in colors]), path)

    def save_flow_files(self, folder: str | os.PathLike) -> None:
        """Writes <folder>/<video>/<from>_to_<to>.flo, and beside each its colours as PNG, on one scale.

        0000_to_<t> is where the pixels of the start frame are in frame t (flow_backward), <t>_to_0000 where those of
        frame t came from (minus flow): each file is on the grid of its first frame, as the tools that read it expect.
        In a longer video the first frame of t's chunk stands for 0000.
        """
        longest = max(float(np.linalg.norm(flow, axis=-1).max()) for flow in (self.flow, self.flow_backward))
        for path, flow in self._each_way(folder, self.flow_backward, -self.flow):
            write_flow(flow, path.with_suffix(".flo"))
            media.save_png(media.flow_to_color(flow, longest), path.with_suffix(".png"))

    def save_visibility(self, folder: str | os.PathLike) -> None:
        """Writes <folder>/<video>/<from>_to_<to>.png: white where a pixel of the first frame is seen in the second."""
        for path, visible in self._each_way(folder, self.visibility_backward, self.visibility):
            media.save_png(np.round(255 * visible[..., 0]).astype(np.uint8), path.with_suffix(".png"))

    def _each_way(self, folder, from_start, to_start):
        """(path without suffix, field [H,W,C]) of every video, frame and direction."""
        for video in range(len(from_start)):
            for t in range(1, from_start.shape[1] + 1):
                parent, start = pathlib.Path(folder) / f"{video:02d}", t - 1 - (t - 1) % self.frames_per_chunk
                yield parent / f"{start:04d}_to_{t:04d}", from_start[video, t - 1]
                yield parent / f"{t:04d}_to_{start:04d}", to_start[video, t - 1]

    def _side_by_side(self):
        return np.concatenate(list(self.frames), axis=2)
