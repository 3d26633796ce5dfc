"""What a visitor gets to see: HTML with pictures inside, or the address of those that are made when they are asked for.

No file stays where the page runs; an MP4 lies in a temporary one while it is written. A visitor's browser may keep what
it has fetched for an hour (routes.py).
"""

import base64
import io
import pathlib
import tempfile

import numpy as np
from PIL import Image

from seg2vid_tf.annotations.label_map import colorize
from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.html_page import text
from seg2vid_tf.media import flow_to_color, gif_bytes, require_mp4, save_mp4
from seg2vid_tf.web.models import Video

FPS = 8.0
# What stands in the place of a picture that is not kept any longer, or whose page has ended.
_GONE = "onerror='this.replaceWith(&quot;no longer kept: make the video once more&quot;)'"
_LEAST_SHARE = 0.0005  # a class of fewer pixels than this is shown with "< 0.1 %"


def given_map(label_map: np.ndarray, spec: AnnotationSpec, remarks: list[str]) -> str:
    """The map that the model gets, with a legend, what was changed in it, and its download."""
    ids, counts = np.unique(label_map, return_counts=True)
    rows = []
    for i in np.argsort(-counts):
        known = ids[i] < spec.num_classes
        name = spec.classes[ids[i]].name if known else "ignored"
        color = spec.classes[ids[i]].color if known else (0, 0, 0)
        share = counts[i] / label_map.size
        shown = f"{100 * share:.1f} %" if share >= _LEAST_SHARE else "&lt; 0.1 %"
        rows.append(f"<li><i style='background:rgb{color}'></i>{text(name)} {shown}</li>")
    notes = "".join(f"<p>{text(remark)}</p>" for remark in remarks)
    colors = _data("png", _png(colorize(label_map, spec)))
    return (
        "<section class='s2v-given'><h3>The map that the model gets</h3>"
        f"<img alt='label map in colours' src='{colors}'>"
        f"<div><ul class='s2v-legend'>{''.join(rows)}</ul>{notes}"
        f"{_download('map.png', _data('png', _png(label_map)), 'download the label map (PNG of class ids)')}"
        "</div></section>"
    )


def video(made: Video, key: str) -> str:
    """One video, looping, beside what else is known of it, and its downloads.

    Args:
      made: the video.
      key: by which ``extra`` finds it (kept_videos.py).
    """
    # The GIF is in the page once: its download takes it from the picture.
    linked = "this.closest(&quot;.s2v-video&quot;).querySelector(&quot;.s2v-gif&quot;).href = this.src"
    gif = _data("gif", gif_bytes(made.frames, FPS))
    columns = [_figure("video", gif, f"video of seed {made.seed}", f"onload='{linked}'")]
    for kind, known, caption, alt in (
        ("label_maps", made.label_maps, "label map, moving along", "label map moving along"),
        ("flow", made.flow, "flow: colour shows where to, strength how far", "flow as colours"),
        (
            "visibility",
            made.visibility,
            "visibility: black was hidden in the first frame",
            "white: seen in the start frame",
        ),
    ):
        if known is not None:
            columns.append(_figure(caption, _address(key, kind), alt, _GONE))
    name = f"video_seed{made.seed}"
    downloads = f"<a class='s2v-gif' download='{name}.gif'>download GIF</a> {_mp4_link(key, name)}"
    return (
        f"<section class='s2v-video'><h3>Seed {made.seed}</h3><div class='s2v-row'>{''.join(columns)}</div>"
        f"<p>{downloads}</p></section>"
    )


def extra(made: Video, spec: AnnotationSpec, kind: str) -> tuple[bytes, str]:
    """What is shown beside a video, in step with it, or the video as a file.

    Args:
      made, spec: the video, and the spec of its label maps.
      kind: "label_maps", "flow", "visibility" or "mp4".

    Returns:
      The file, and its media type.

    Raises:
      ValueError: no such kind, or this video is without.
      ImportError: PyAV, which writes MP4, is missing.
    """
    if kind == "mp4":
        return _mp4(made.frames), "video/mp4"
    field = {"label_maps": made.label_maps, "flow": made.flow, "visibility": made.visibility}.get(kind)
    if field is None:
        raise ValueError(f"kind: this video has no {kind[:20]!r}")
    if kind == "label_maps":
        return _indexed_gif(field, colorize(_all_ids(spec), spec).tobytes()), "image/gif"
    if kind == "flow":
        return gif_bytes(_in_step(flow_to_color(field)), FPS), "image/gif"
    seen, greys = np.round(255 * field[..., 0]).astype(np.uint8), np.repeat(np.arange(256), 3).astype(np.uint8)
    return _indexed_gif(_in_step(seen), greys.tobytes()), "image/gif"


def calls(python: str, command: str) -> str:
    """The same call as text to copy."""
    parts = (("In Python", python), ("As a command", command))
    blocks = "".join(
        f"<h4>{title} <button type='button' class='s2v-copy'>copy</button></h4><pre tabindex='0'>{text(code)}</pre>"
        for title, code in parts
    )
    return f"<section class='s2v-calls'><h3>The same without this page</h3>{blocks}</section>"


def problem(message: str) -> str:
    """What went wrong, so that it is read aloud, too."""
    return f"<p class='s2v-problem' role='alert'>{text(message)}</p>"


def progress(message: str) -> str:
    """What goes on."""
    return f"<p class='s2v-progress' role='status'>{text(message)}</p>"


def _all_ids(spec):
    """uint8 [256]: each id where the spec knows it, the ignore id elsewhere."""
    return np.where(np.arange(256) < spec.num_classes, np.arange(256), spec.ignore_id).astype(np.uint8)


def _indexed_gif(numbers, palette):
    """A GIF of uint8 [T,H,W] in the colours of a palette, 256 x 3 bytes: exact, and without a search for colours."""
    images = [Image.fromarray(frame) for frame in numbers]
    for image in images:
        image.putpalette(palette)
    buffer, duration = io.BytesIO(), round(100 / FPS) * 10
    more = {"save_all": True, "append_images": images[1:], "duration": duration, "loop": 0}
    images[0].save(buffer, format="GIF", optimize=False, **more)
    return buffer.getvalue()


def _in_step(pictures):
    """[T,...] -> [T+1,...]: in step with the video, whose first frame is what all are measured from."""
    return np.concatenate([pictures[:1], pictures])


def _figure(caption, source, alt, handler):
    return f"<figure><img alt='{alt}' src='{source}' {handler}><figcaption>{caption}</figcaption></figure>"


def _mp4_link(key, name):
    try:
        require_mp4()
    except ImportError:
        return "(MP4 needs PyAV where this page runs: pip install 'seg2vid_tf[demo]')"
    return _download(f"{name}.mp4", _address(key, "mp4"), "download MP4")


def _mp4(frames):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "video.mp4"
        save_mp4(frames, path, FPS)
        return path.read_bytes()


def _address(key, kind):
    """Of routes.py; a key has no sign that means anything there."""
    return f"paint/extra?video={key}&amp;kind={kind}"


def _download(name, source, label):
    return f"<a download='{name}' href='{source}'>{label}</a>"


def _data(kind, data):
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _png(array):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format="PNG")
    return buffer.getvalue()
