"""Pictures and videos on disk: PNG, GIF, MP4, contact sheets, and flow as colours.

Frames are uint8 [T, H, W, 3], RGB. Every file is written under a temporary name and renamed.
"""

import fractions
import functools
import io
import os
import pathlib
import re

import numpy as np
from PIL import Image

from seg2vid_tf.files import replacing

# Of a clip, that a GIF's palette is made of, about.
_PALETTE_PIXELS = 40_000


def save_png(image: np.ndarray, path: str | os.PathLike) -> None:
    """Writes uint8 [H,W,3] or [H,W] as PNG."""
    with replacing(path) as temporary:
        Image.fromarray(image).save(temporary, format="PNG")


def save_gif(frames: np.ndarray, path: str | os.PathLike, fps: float = 8.0) -> None:
    """Writes uint8 [T,H,W,3] as a GIF that loops for ever.

    GIF counts in hundredths of a second: the rate played is 100 / round(100 / fps).
    """
    with replacing(path) as temporary:
        temporary.write_bytes(gif_bytes(frames, fps))


def gif_bytes(frames: np.ndarray, fps: float = 8.0) -> bytes:
    """What ``save_gif`` writes."""
    check_fps(fps)
    # One palette for the whole clip: with one per frame, still parts flicker. Of some of its pixels: all of them take
    # several times as long as the rest together, for colours that are hardly nearer (rms 3.00 grey levels, not 3.01).
    strip = np.concatenate(list(frames), axis=0)
    step = max(1, int((strip.shape[0] * strip.shape[1] / _PALETTE_PIXELS) ** 0.5))
    some = Image.fromarray(np.ascontiguousarray(strip[::step, ::step]))
    palette = some.quantize(colors=256, dither=Image.Dither.NONE)
    images = [Image.fromarray(f).quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG) for f in frames]
    duration, buffer = max(1, round(100 / fps)) * 10, io.BytesIO()
    images[0].save(buffer, format="GIF", save_all=True, append_images=images[1:], duration=duration, loop=0)
    return buffer.getvalue()


def save_mp4(frames: np.ndarray, path: str | os.PathLike, fps: float = 8.0) -> None:
    """Writes uint8 [T,H,W,3], H and W even, as H.264 in MP4; the same frames give the same bytes.

    Raises:
      ImportError: PyAV (the extra "demo") is not installed.
    """
    check_fps(fps)
    require_mp4()
    import av  # PyAV is an optional extra: only this function needs it.

    height, width = frames.shape[1:3]
    if height % 2 or width % 2:
        raise ValueError(f"MP4 needs an even height and width, received {height} x {width}")
    with replacing(path) as temporary:
        with av.open(str(temporary), "w", format="mp4") as container:
            stream = container.add_stream("libx264", rate=fractions.Fraction(fps).limit_denominator(1000))
            stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
            # Else the bytes follow from how many cores there are, and from what else is in memory
            # (findings/x264_memory_decides.sh).
            stream.options = {"crf": "16", "x264-params": "cpu-independent=1"}
            stream.codec_context.thread_count = 1
            for frame in frames:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
            container.mux(stream.encode())


def require_mp4() -> None:
    """Raises ImportError, with what to install, where MP4 cannot be written."""
    try:
        import av  # noqa: F401 - PyAV is an optional extra: this asks whether it is there.
    except ImportError as error:
        raise ImportError("writing MP4 needs PyAV: pip install av, or leave mp4 out") from error


def save_frames(frames: np.ndarray, folder: str | os.PathLike) -> None:
    """Writes uint8 [T,H,W,3] as 0000.png, 0001.png, ... into a folder."""
    for i, frame in enumerate(frames):
        save_png(frame, pathlib.Path(folder) / f"{i:04d}.png")


def remove_stale_frames(folder: str | os.PathLike, num_videos: int, num_frames: int) -> None:
    """Removes what an earlier call wrote to <folder>/<video>/<frame>.png beyond so many videos of so many frames.

    Only a sub-folder named with digits that holds nothing but save_frames' files is touched.
    """
    folder = pathlib.Path(folder)
    for video in folder.iterdir() if folder.is_dir() else ():
        if not re.fullmatch("[0-9]{2,}", video.name) or video.is_symlink() or not video.is_dir():
            continue
        frames = list(video.iterdir())
        if not frames or not all(re.fullmatch(r"[0-9]{4,}\.png", f.name) and f.is_file() for f in frames):
            continue
        kept = num_frames if int(video.name) < num_videos else 0
        for frame in frames:
            if int(frame.stem) >= kept:
                frame.unlink()
        if kept == 0:
            video.rmdir()


def contact_sheet(rows: list[list[np.ndarray]], gap: int = 2) -> np.ndarray:
    """Pictures in rows and columns: uint8 [H,W,3] each, all of one size -> one uint8 picture; short rows end white."""
    height, width = rows[0][0].shape[:2]
    columns = max(len(row) for row in rows)
    sheet = np.full((len(rows) * (height + gap) - gap, columns * (width + gap) - gap, 3), 255, np.uint8)
    for i, row in enumerate(rows):
        for j, image in enumerate(row):
            y, x = i * (height + gap), j * (width + gap)
            sheet[y : y + height, x : x + width] = image
    return sheet


def flow_to_color(flow: np.ndarray, max_length: float | None = None) -> np.ndarray:
    """Flow as colours: hue is the direction, saturation the length.

    Args:
      flow: float [...,2], (dy, dx) in pixels.
      max_length: length in pixels that is fully saturated; the longest vector of ``flow`` by default.

    Returns:
      uint8 [...,3]. No motion is white; right is red, down yellow, left cyan, up violet. Source: the colour wheel of
      the Middlebury flow benchmark (Baker et al., IJCV 2011): hue steps chosen for equal visible difference.

    Raises:
      ValueError: a vector is not finite.
    """
    finite = np.isfinite(flow).all(axis=-1)
    if not finite.all():
        raise ValueError(
            f"flow: {np.count_nonzero(~finite)} of {finite.size} vectors are NaN or infinite: mask them first"
        )
    dy, dx = flow[..., 0].astype(np.float64), flow[..., 1].astype(np.float64)
    length = np.hypot(dy, dx)
    if max_length is None:
        max_length = float(length.max(initial=0.0))
    wheel = _color_wheel()
    position = (np.arctan2(-dy, -dx) / np.pi + 1) / 2 * (len(wheel) - 1)
    low = np.floor(position).astype(int)
    fraction = (position - low)[..., None]
    color = (1 - fraction) * wheel[low] + fraction * wheel[(low + 1) % len(wheel)]
    saturation = np.clip(length / max(max_length, 1e-6), 0, 1)[..., None]
    return np.round(255 * (1 - saturation * (1 - color))).astype(np.uint8)


@functools.lru_cache(maxsize=1)
def _color_wheel() -> np.ndarray:
    """[55, 3] colours in 0..1: red, yellow, green, cyan, blue, magenta and back, with unequal steps between them."""
    corners = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 1, 1], [0, 0, 1], [1, 0, 1], [1, 0, 0]], float)
    steps = [15, 6, 4, 11, 13, 6]
    parts = [
        np.linspace(start, end, n, endpoint=False)
        for start, end, n in zip(corners[:-1], corners[1:], steps, strict=True)
    ]
    return np.concatenate(parts)


def check_fps(fps: float) -> None:
    """Raises ValueError for frames a second that no GIF can play."""
    # GIF stores hundredths of a second in 16 bits.
    if not 0.01 <= fps <= 100:
        raise ValueError(f"fps must lie in 0.01..100, received {fps}")
