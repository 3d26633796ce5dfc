"""The HTML of a result."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.web import result
from seg2vid_tf.web.models import Video

SPEC = load_spec("cityscapes")


def _pictures(html, attribute):
    found = re.findall(rf"{attribute}='data:(\w+)/(\w+);base64,([^']+)'", html)
    return [(family, kind, base64.b64decode(data)) for family, kind, data in found]


def _opened(data):
    image = Image.open(io.BytesIO(data))
    return image, np.asarray(image)


def test_the_map_that_the_model_gets():
    label_map = np.full((10, 100), 10, np.uint8)
    label_map[0, :50], label_map[1, 0] = 255, 13
    html = result.given_map(label_map, SPEC, ["<b>told</b>"])
    ((_, _, shown),) = _pictures(html, "src")
    np.testing.assert_array_equal(_opened(shown)[1][0, [0, 99]], [(0, 0, 0), SPEC.classes[10].color])
    ((_, kind, stored),) = _pictures(html, "href")
    np.testing.assert_array_equal(_opened(stored)[1], label_map)
    assert kind == "png" and "download='map.png'" in html
    names = re.findall(r"</i>([^<]+)</li>", html)
    assert names == ["sky 94.9 %", "ignored 5.0 %", "car 0.1 %"]
    assert "&lt;b&gt;told" in html and "<b>told" not in html


def _video(**more):
    frames = np.zeros((3, 16, 24, 3), np.uint8)
    frames[1:, :8] = 200
    return Video(7, frames, **more)


def test_a_video_has_addresses_of_what_is_known_of_it():
    flow = np.zeros((2, 16, 24, 2), np.float32)
    flow[1, ..., 1] = 3
    maps = np.zeros((3, 16, 24), np.uint8)
    made = _video(label_maps=maps, flow=flow, visibility=np.zeros((2, 16, 24, 1), np.float32))
    html = result.video(made, "key")
    ((_, _, gif),) = _pictures(html, "src")
    asked = re.findall("paint/extra[?]video=key&amp;kind=([a-z0-9_]+)'", html)
    assert asked == ["label_maps", "flow", "visibility", *(["mp4"] if "download MP4" in html else [])]
    assert "<a class='s2v-gif' download='video_seed7.gif'>" in html, "the picture gives it its address"
    assert html.count("onload=") == 1 and html.count("no longer kept: make the video once more") == 3
    extras = [result.extra(made, SPEC, kind) for kind in asked[:3]]
    assert {media_type for _, media_type in extras} == {"image/gif"}
    shown = [_opened(data)[0] for data in (gif, *(data for data, _ in extras))]
    assert [image.n_frames for image in shown] == [2, 1, 2, 1], "GIF holds equal frames in one"
    seen = np.asarray(shown[1].convert("RGB"))
    np.testing.assert_array_equal(seen[0, 0], SPEC.classes[0].color, "label maps are exact")
    assert np.asarray(shown[3].convert("RGB")).max() == 0
    assert all(image.info["loop"] == 0 for image in shown if image.n_frames > 1)
    captions = [caption.partition(":")[0] for caption in re.findall("<figcaption>([^<]+)", html)]
    assert captions == ["video", "label map, moving along", "flow", "visibility"]


def test_what_a_server_does_not_send_is_not_shown():
    assert re.findall("<figcaption>([^<]+)", result.video(_video(), "key")) == ["video"]
    with pytest.raises(ValueError, match="this video has no 'flow'"):
        result.extra(_video(), SPEC, "flow")


def test_an_mp4_is_written_when_it_is_asked_for():
    pytest.importorskip("av", reason="needs the extra demo")
    data, media_type = result.extra(_video(), SPEC, "mp4")
    assert data[4:8] == b"ftyp" and media_type == "video/mp4"


def test_messages_are_text():
    assert "<script>" not in result.problem("<script>") + result.progress("<script>") + result.calls("<script>", "<b>")
