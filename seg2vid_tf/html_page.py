"""What reports are written in: text and pictures inside one HTML file, which needs no other."""

import base64
import html
import io

import numpy as np
from PIL import Image

from seg2vid_tf.media import gif_bytes


def text(value) -> str:
    """Anything as HTML text."""
    return html.escape(str(value))


def picture(image: np.ndarray, style: str = "") -> str:
    """The img element of uint8 [H,W,3] or [H,W], as PNG; style: its CSS."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="PNG")
    return _element("png", buffer.getvalue(), style)


def animation(frames: np.ndarray, fps: float = 8.0, style: str = "") -> str:
    """The img element of uint8 [T,H,W,3], as GIF; style: its CSS."""
    return _element("gif", gif_bytes(frames, fps), style)


def _element(kind, data, style):
    styled = f" style='{style}'" if style else ""
    return f"<img{styled} src='data:image/{kind};base64,{base64.b64encode(data).decode()}'>"
