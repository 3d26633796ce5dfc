"""Clips from video files: any container and codec that FFmpeg decodes (PyAV, the extra "video").

A video has no annotation: its clips' label maps are the ignore id everywhere, until an annotator makes some
(annotated.py).
"""

import os
import pathlib
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from seg2vid_tf.annotations.png_file import MAX_SIDE
from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.data.clip import Clip
from seg2vid_tf.data.clip_source import ClipSource, parts
from seg2vid_tf.data.folder_files import files_below, shown
from seg2vid_tf.data.video_container import cut_off
from seg2vid_tf.data.video_times import even_frames, repeated_remark, uneven_fault, uneven_steps

SUFFIXES = (
    *(".avi", ".divx", ".mp4", ".m4v", ".f4v", ".mov", ".qt", ".mkv", ".webm", ".mpg", ".mpeg", ".mpe", ".m1v", ".m2v"),
    *(".mpv", ".vob", ".ts", ".mts", ".m2ts", ".m2t", ".wmv", ".asf", ".flv", ".3gp", ".3g2", ".ogv", ".ogg", ".mxf"),
    *(
        ".dv",
        ".rm",
        ".rmvb",
        ".h264",
        ".264",
        ".h265",
        ".265",
        ".hevc",
        ".av1",
        ".ivf",
        ".y4m",
        ".mjpeg",
        ".mjpg",
        ".nut",
    ),
)
# Codecs of which a packet need not give a frame: hidden references.
_HIDING = ("vp8", "vp9", "av1")


class VideoClips(ClipSource):
    """The clips of video files, at the files' own size; a file is opened when one of its clips is read."""

    def __init__(
        self,
        videos: dict[str, pathlib.Path],
        spec: AnnotationSpec,
        *,
        reader: str = "video",
        max_length: int | None = None,
        frame_step: int = 1,
        fps: float | None = None,
        ranges: dict[str, list[slice]] | None = None,
        remarks: tuple[str, ...] = (),
        recording_of: Callable[[str], str] | None = None,
    ):
        """Counts the frames of every file, which reads them through once.

        Args:
          videos: {clip id: file}.
          spec: what the label maps are to mean.
          reader: what ``settings`` calls the reader.
          max_length: cut longer videos into clips of this many frames ("walk_00000030" starts at frame 30 of those that
            are taken), the last one with what is left; None: one clip per video.
          frame_step: take every n-th frame.
          fps: take the frames that are shown at even steps, so many a second; None: all, and a clip whose steps are
            uneven has a fault.
          ranges: {clip id: parts of its video, frames from 0}, which are clips of their own ("walk_1", "walk_2"), cut
            where they are longer than max_length; None: whole videos. One that reaches beyond its video ends with it.
          remarks: on how the files were found.
          recording_of: a video's name -> the recording that it is a part of, with others perhaps; a function that can
            be pickled. None: every video is one.

        Raises:
          ValueError: a length, step or rate that is not positive, a step and a rate. A file that cannot be decoded is
            one clip, which cannot be read.
          ImportError: PyAV is not installed.
        """
        if (max_length is not None and max_length < 1) or frame_step < 1 or (fps is not None and not fps > 0):
            raise ValueError(
                f"max_length, frame_step and fps must be positive, received {max_length}, {frame_step}, {fps}"
            )
        if fps is not None and frame_step != 1:
            raise ValueError(f"frame_step and fps both say which frames to take: leave out {frame_step} or {fps:g}")
        self.spec, self.remarks = spec, remarks
        self.settings = {"reader": reader, "max_length": max_length, "frame_step": frame_step}
        self.settings |= {} if fps is None else {"fps": fps}
        self._decoder, self._recording_of = None, recording_of
        self._parts, self._numbers = {}, {}
        self._bad, self._uneven = {}, {}
        if ranges is not None:
            self.settings["ranges"] = {name: [[r.start, r.stop] for r in ranges[name]] for name in videos}
        for video, path in videos.items():
            try:
                times = [frame.time for frame in decoded_frames(path)]
                spans = {video: slice(0, len(times))}
                if ranges is not None:
                    spans = {f"{video}_{i}": span for i, span in enumerate(ranges[video], 1)}
                taken = {name: self._taken(path, times, span, frame_step, fps) for name, span in spans.items()}
            except ValueError as error:  # told when the clip is read, as of every other source
                self._parts[video], self._bad[video] = (video, path, slice(0, 0)), str(error)
                continue
            self._numbers |= taken
            for name, numbers in taken.items():
                cut = parts(name, len(numbers), max_length)
                self._parts |= {clip_id: (name, path, part) for clip_id, part in cut.items()}
                if None not in times and fps is None:
                    self._find_uneven(path, [times[i] for i in numbers], cut)
        self.clip_ids = tuple(self._parts)

    def _taken(self, path, times, span, frame_step, fps):
        """The numbers of the frames of a part of the video that are taken."""
        start, stop, _ = span.indices(len(times))
        if not start < stop:
            raise ValueError(f"{path}: it has {len(times)} frames, none of {span.start + 1} to {span.stop}")
        if fps is None:
            return range(start, stop, frame_step)
        times = times[start:stop]
        if None in times:
            raise ValueError(f"{path}: its frames have no times, so --fps cannot choose among them; leave it out")
        try:
            numbers = even_frames(times, fps)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
        remark = repeated_remark(times, numbers, fps)
        if remark:
            self.remarks += (f"{path}: {remark}",)
        return [start + number for number in numbers]

    def _find_uneven(self, path, times, cut):
        uneven = uneven_steps(times)
        for clip_id, part in cut.items():
            inside = [place for place in uneven if part.start < place < part.stop]
            if inside:
                self._uneven[clip_id] = f"{path}: {uneven_fault(times, inside)}"

    def files(self, clip_id: str) -> list[pathlib.Path]:
        return [self._parts[clip_id][1]]

    def recording(self, clip_id: str) -> str:
        video = self._parts[clip_id][1].stem
        return video if self._recording_of is None else self._recording_of(video)

    def length(self, clip_id: str) -> int | None:
        part = self._parts[clip_id][2]
        return part.stop - part.start

    def faults(self) -> dict[str, str]:
        return dict(self._uneven)

    def read(self, clip_id: str) -> Clip:
        if clip_id in self._bad or clip_id in self._uneven:
            raise ValueError(self._bad.get(clip_id) or self._uneven[clip_id])
        name, path, part = self._parts[clip_id]
        wanted, frames = self._numbers[name][part], []
        for number, frame in self._frames_from(path, wanted[0]):
            while len(frames) < len(wanted) and wanted[len(frames)] == number:
                frames.append(_upright(frame))
            if len(frames) == len(wanted):
                break
        else:
            found = part.start + len(frames)
            raise ValueError(f"{path}: {found} frames, there were {part.stop} before; it has changed")
        self._decoder[1] = number + 1
        label_maps = np.full((len(frames), *frames[0].shape[:2]), self.spec.ignore_id, np.uint8)
        return Clip(clip_id, np.stack(frames), label_maps)

    def _frames_from(self, path, first):
        """(number, frame) from a number on. What follows the clip before goes on where that ended, undecoded twice."""
        if self._decoder is None or self._decoder[0] != path or self._decoder[1] > first:
            self._decoder = [path, 0, decoded_frames(path)]
        _, position, frames = self._decoder
        return ((number, frame) for number, frame in enumerate(frames, position) if number >= first)

    def __getstate__(self):
        return {**self.__dict__, "_decoder": None}  # an open file stays in its process


def _upright(frame):
    """uint8 [H,W,3], turned as the file says: telephones write what they see, and how they were held."""
    return np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), frame.rotation // 90))


def decoded_frames(path: pathlib.Path) -> Iterator:
    """The frames of a video file, as PyAV decodes them.

    Raises:
      ValueError: no such file, no video stream, no frame, a picture larger than MAX_SIDE, pictures of several sizes or
        turned by other than quarters, damage.
      ImportError: PyAV is not installed.
    """
    try:
        import av  # PyAV is an optional extra: only videos need it.
    except ImportError as error:
        raise ImportError("reading videos needs PyAV: pip install 'seg2vid_tf[video]'") from error
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    number, sent = 0, []
    try:
        with av.open(str(path)) as container:
            stream = _video_stream(container, path)
            for frame in _decoded(container, stream, sent, path):
                if frame.is_corrupt:
                    raise ValueError(f"{path}: frame {number} is damaged; encode it again")
                size = frame.width, frame.height
                if number == 0:
                    first, start = size, frame.pts
                    hidden = frame.interlaced_frame or stream.codec_context.name in _HIDING
                if size != first or frame.rotation % 90:
                    raise ValueError(
                        f"{path}: frame {number} is {size[0]}x{size[1]} pixels, turned by {frame.rotation} degrees, "
                        f"the first one is {first[0]}x{first[1]}; encode it again, with one size"
                    )
                yield frame
                number += 1
            # Pictures before the first whole one cannot be shown; of the others, encoders write one that never is.
            to_show = number and sum(start is None or pts is None or pts >= start for pts in sent)
            if number and not hidden and to_show - number > max(1, to_show // 50):
                raise ValueError(f"{path}: {to_show} pictures in it, {number} decoded: it is damaged; encode it again")
            cut = number and cut_off(path)
            if cut:
                raise ValueError(f"{path}: {cut}: it is cut off or damaged; copy or download it again")
    except av.FFmpegError as error:
        raise ValueError(
            f"{path}: not a readable video, or damaged after frame {number} ({error}); encode it again"
        ) from error
    if number == 0:
        raise ValueError(f"{path}: no frame in it")


def _video_stream(container, path):
    """The first video stream of an open file, told to take what is damaged for an error, not for a guess."""
    if not container.streams.video:
        raise ValueError(f"{path}: no video stream in it")
    stream = container.streams.video[0]
    if stream.codec_context is None:
        raise ValueError(f"{path}: its codec is not known here; encode it again, as H.264")
    if max(stream.codec_context.width, stream.codec_context.height) > MAX_SIDE:
        raise ValueError(
            f"{path}: {stream.codec_context.width}x{stream.codec_context.height} pixels, expected at most "
            f"{MAX_SIDE}x{MAX_SIDE}; scale it down"
        )
    stream.codec_context.options = {"err_detect": "crccheck+bitstream+buffer+explode"}
    return stream


def _decoded(container, stream, sent, path):
    """The frames; the times of the packets that are to be shown come into ``sent``."""
    for packet in container.demux(stream):
        # Said by the container (a transport stream counts its packets): a decoder can find sense in what is left.
        if packet.is_corrupt:
            why = cut_off(path) or f"a part is missing at about picture {len(sent)}"
            raise ValueError(
                f"{path}: {why}: it is damaged, or several files put end to end; copy it again, or join them"
            )
        # What an edit list leaves out is decoded, since what follows needs it, and not shown.
        if packet.size and not packet.is_discard:
            sent.append(packet.pts)
        yield from packet.decode()


def find_videos(root: str | os.PathLike, pattern: str = "*") -> dict[str, pathlib.Path]:
    """{name: file} of one video, or of those in a folder and its sub-folders whose names match a glob pattern.

    Raises:
      ValueError: no such file or folder, no video there, two of one name.
    """
    root = pathlib.Path(root)
    if root.is_file():
        return {root.stem: root}
    if not root.is_dir():
        raise ValueError(f"{root}: no such file or folder")
    found = {}
    for path in files_below(root, pattern):
        if path.suffix.lower() in SUFFIXES:
            if path.stem in found:
                raise ValueError(f"{path}: a second video called {path.stem!r}, also {found[path.stem]}; rename one")
            found[path.stem] = path
    if not found:
        raise ValueError(f"{root}: no videos {pattern} here ({', '.join(SUFFIXES)})")
    return found


def not_read(
    root: str | os.PathLike, videos: dict[str, pathlib.Path], others: Iterable[str | os.PathLike] = ()
) -> tuple[str, ...]:
    """A line on the files in a folder and its sub-folders that are none of these videos or others, if there are any."""
    root, read = pathlib.Path(root), {*videos.values(), *map(pathlib.Path, others)}
    if not root.is_dir():
        return ()
    left = [str(path.relative_to(root)) for path in files_below(root, "*") if path not in read]
    return (f"{root}: not read, no videos by their names' endings: {shown(left)}",) if left else ()
