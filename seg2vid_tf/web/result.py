"""What a visitor gets to see: HTML with its pictures and downloads inside, so that no file stays on the machine."""

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
        f"{_download('map.png', 'png', _png(label_map), 'download the label map (PNG of class ids)')}</div></section>"
    )


def video(made: Video, spec: AnnotationSpec) -> str:
    """One video, looping, beside what else is known of it, and its downloads."""
    gif = gif_bytes(made.frames, FPS)
    columns = [_figure("video", gif, f"video of seed {made.seed}")]
    if made.label_maps is not None:
        palette = colorize(_all_ids(spec), spec).tobytes()
        columns.append(
            _figure("label map, moving along", _indexed_gif(made.label_maps, palette), "label map moving along")
        )
    if made.flow is not None:
        flow = flow_to_color(made.flow)
        columns.append(
            _figure("flow: colour shows where to, strength how far", gif_bytes(_in_step(flow), FPS), "flow as colours")
        )
    if made.visibility is not None:
        seen, palette = np.round(255 * made.visibility[..., 0]).astype(np.uint8), np.repeat(np.arange(256), 3)
        gif_of_it = _indexed_gif(_in_step(seen), palette.astype(np.uint8).tobytes())
        columns.append(
            _figure("visibility: black was hidden in the first frame", gif_of_it, "white: seen in the start frame")
        )
    name = f"video_seed{made.seed}"
    downloads = _download(f"{name}.gif", "gif", gif, "download GIF") + " " + _mp4(made.frames, name)
    return (
        f"<section class='s2v-video'><h3>Seed {made.seed}</h3><div class='s2v-row'>{''.join(columns)}</div>"
        f"<p>{downloads}</p></section>"
    )


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


def _figure(caption, gif, alt):
    return f"<figure><img alt='{alt}' src='{_data('gif', gif)}'><figcaption>{caption}</figcaption></figure>"


def _mp4(frames, name):
    try:
        require_mp4()
    except ImportError:
        return "(MP4 needs PyAV where this page runs: pip install 'seg2vid_tf[demo]')"
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "video.mp4"
        save_mp4(frames, path, FPS)
        return _download(f"{name}.mp4", "mp4", path.read_bytes(), "download MP4", "video")


def _download(name, kind, data, label, family="image"):
    return f"<a download='{name}' href='{_data(kind, data, family)}'>{label}</a>"


def _data(kind, data, family="image"):
    return f"data:{family}/{kind};base64,{base64.b64encode(data).decode()}"


def _png(array):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format="PNG")
    return buffer.getvalue()
