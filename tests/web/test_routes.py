"""What the canvas asks for, and what is let in."""

import asyncio
import io
import json

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("starlette", reason='the doors of the page are Starlette\'s (extra "web" or "serving")')
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.web.bounds import Bounds
from seg2vid_tf.web.kept_videos import KeptVideos
from seg2vid_tf.web.models import Video
from seg2vid_tf.web.painting import read_painting
from seg2vid_tf.web.routes import can_draw, routes, scene
from tests.web.fake_model import FakeModel

SPEC, SIZE, KEPT = load_spec("cityscapes"), (32, 64), KeptVideos()


def _ask(app, method, path, body=(b"",), host="localhost:7860", **headers):
    """(status, body) of one request to an ASGI app; body: its parts as they come."""
    path, _, query = path.partition("?")
    scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": query.encode()}
    scope |= {"headers": [(b"host", host.encode()), *((k.replace("_", "-").encode(), v) for k, v in headers.items())]}
    scope |= {"scheme": "http", "server": ("localhost", 7860), "client": ("localhost", 1), "http_version": "1.1"}
    parts = iter(body)
    sent = []

    async def receive():
        part = next(parts, None)
        return {"type": "http.request", "body": part or b"", "more_body": part is not None}

    async def send(message):
        sent.append(message)

    asyncio.run(app(scope | {"root_path": ""}, receive, send))
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


@pytest.fixture(scope="module")
def app():
    models = {"a b": FakeModel("cityscapes", SIZE), "pose": FakeModel("weizmann_pose", SIZE)}
    return Starlette(routes=routes(models, KEPT))


def test_what_is_beside_a_video_is_made_when_it_is_asked_for(app):
    frames = np.zeros((2, 16, 24, 3), np.uint8)
    key = KEPT.keep(Video(7, frames, visibility=np.zeros((1, 16, 24, 1), np.float32)), SPEC, KEPT.begin())
    status, body = _ask(app, "GET", f"/paint/extra?video={key}&kind=visibility")
    assert status == 200 and Image.open(io.BytesIO(body)).format == "GIF"
    for query, message in ((f"video={key}&kind=flow", "no 'flow'"), ("video=x&kind=flow", "not kept any longer")):
        status, body = _ask(app, "GET", f"/paint/extra?{query}")
        assert status == 400 and message in json.loads(body)["error"]


@pytest.mark.parametrize("name, title", [("cityscapes", "a%20b"), ("weizmann_pose", "pose")])
def test_a_drawn_map_is_a_painting_of_it(app, name, title):
    spec = load_spec(name)
    status, body = _ask(app, "GET", f"/paint/scene?seed=3&model={title}")
    label_map, joints = scene(spec, SIZE, 3)
    assert status == 200 and ("joints" in json.loads(body)) == (joints is not None) == (name == "weizmann_pose")
    found = read_painting(body.decode(), spec, SIZE)
    assert (found != label_map).mean() < 0.01, "joints are rounded"


def test_a_thumbnail_is_a_picture(app):
    status, body = _ask(app, "GET", "/paint/thumbnail?seed=3&model=a%20b")
    assert status == 200 and Image.open(io.BytesIO(body)).size == (64, 32)


@pytest.mark.parametrize("seed", ["", "-1", "10000", "x", "1e3", "²"])
def test_a_wrong_seed_is_refused(app, seed):
    status, body = _ask(app, "GET", f"/paint/scene?model=pose&seed={seed if seed.isascii() else '%C2%B2'}")
    assert status == 400 and "whole number" in json.loads(body)["error"]


@pytest.mark.parametrize("what", ["GET board", "GET scene", "GET thumbnail", "POST map", "POST style"])
def test_an_unknown_model_is_refused(app, what):
    method, door = what.split()
    status, body = _ask(app, method, f"/paint/{door}?seed=3&name=a.png&model=tea")
    assert status == 400 and "'tea' is not one of ['a b', 'pose']" in json.loads(body)["error"]


def _png(array):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format="PNG")
    return buffer.getvalue()


def test_files(app):
    label_map = np.zeros(SIZE, np.uint8)
    label_map[:10], label_map[12:20, 8:20] = 10, 13
    status, body = _ask(app, "POST", "/paint/map?name=a.png&model=a%20b", [_png(label_map)])
    assert status == 200 and json.loads(body)["remarks"] == ["read as class ids (grey)"]
    np.testing.assert_array_equal(read_painting(body.decode(), SPEC, SIZE), label_map)
    status, body = _ask(app, "POST", "/paint/map?name=a.png&model=a%20b", [b"no map"])
    assert status == 400 and json.loads(body)["error"].startswith("a.png")
    status, body = _ask(app, "POST", "/paint/style?name=a.png&model=a%20b", [_png(np.zeros((5, 5, 3), np.uint8))])
    assert (status, json.loads(body)) == (200, {"height": 32, "width": 64})
    assert _ask(app, "POST", "/paint/style?name=a.png&model=a%20b", [b"no picture"])[0] == 400


def test_specs_that_cannot_be_drawn():
    assert can_draw(SPEC) and can_draw(load_spec("coco_pose")) and not can_draw(load_spec("sketch"))


def _inner():
    async def read(request):
        return PlainTextResponse(str(len(await request.body())))

    paths = ("/", "/gradio_api/upload", "/gradio_api/queue/join")
    return Starlette(routes=[Route(path, read, methods=["GET", "POST"]) for path in paths])


def test_a_body_ends_at_the_limit():
    app = Bounds(_inner(), here_only=True, max_body=100)
    assert _ask(app, "POST", "/", [b"x" * 50, b"x" * 50]) == (200, b"100")
    status, body = _ask(app, "POST", "/", [b"x" * 50] * 3)
    assert status == 413 and b"100 bytes" in body
    assert _ask(app, "POST", "/", content_length=b"101")[0] == 413
    assert _ask(app, "POST", "/", content_length=b"-1")[0] == 413


def test_gradios_doors_for_files_are_shut():
    app = Bounds(_inner(), here_only=True)
    assert _ask(app, "POST", "/gradio_api/upload")[0] == 404
    assert _ask(app, "GET", "/gradio_api/queue/join")[0] == 200


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:7860", "[::1]", "LOCALHOST"])
def test_this_machines_names(host):
    assert _ask(Bounds(_inner(), here_only=True), "GET", "/", host=host)[0] == 200


@pytest.mark.parametrize("host", ["evil.example:7860", "", "localhost.evil.example"])
def test_other_names_are_refused_where_the_page_is_for_this_machine(host):
    assert _ask(Bounds(_inner(), here_only=True), "GET", "/", host=host)[0] == 400
    assert _ask(Bounds(_inner(), here_only=False), "GET", "/", host=host)[0] == 200
