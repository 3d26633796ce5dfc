"""What the canvas asks for beside Gradio: maps to start from, and what is in a file that was brought.

    GET  paint/board?model=...                     its canvas            -> HTML (canvas.py)
    GET  paint/scene?model=...&seed=3              a drawn map           -> a painting (painting.py)
    GET  paint/thumbnail?model=...&seed=3          the same, small       -> PNG
    GET  paint/extra?video=...&kind=flow           beside a video, itself -> GIF, MP4 (result.extra)
    POST paint/map?model=...&name=...&kind=...     a label map's file    -> a painting, with "remarks"
    POST paint/style?model=...&name=...            a style picture       -> {"width", "height"} of what the model takes

"model" is what the page calls it. What is wrong is told as {"error": message}, status 400.
"""

import io

import anyio
import numpy as np
from PIL import Image
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from seg2vid_tf.annotations.label_map import colorize
from seg2vid_tf.annotations.pose import draw_pose
from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.annotations.standing_pose import standing_pose
from seg2vid_tf.data.drawn_label_map import drawn_label_map
from seg2vid_tf.web import result, upload
from seg2vid_tf.web.canvas import canvas
from seg2vid_tf.web.kept_videos import KeptVideos
from seg2vid_tf.web.painting import write_painting

MAX_SEED = 9999
_CACHE = {"Cache-Control": "private, max-age=3600"}


def can_draw(spec: AnnotationSpec) -> bool:
    """Whether there are drawn maps of a spec."""
    try:
        drawn_label_map(spec, (32, 64), 0)
    except ValueError:
        return False
    return True


def scene(spec: AnnotationSpec, size: tuple[int, int], seed: int) -> tuple[np.ndarray, np.ndarray | None]:
    """A drawn label map, and the joints that it was drawn from where the spec has a skeleton."""
    if spec.skeleton is None:
        return drawn_label_map(spec, size, seed), None
    joints = standing_pose(seed)
    return draw_pose(joints[None], spec, size)[0], joints


def routes(models: dict, kept: KeptVideos) -> list[Route]:
    """The routes for these models, {what the page calls it: one of models.py}, and the videos that were made."""

    def asked(request: Request):
        title = request.query_params.get("model", "")
        if title not in models:
            raise ValueError(f"model: {title[:80]!r} is not one of {list(models)}; reload the page")
        return models[title].spec, models[title].size

    async def get_board(request):
        spec, size = asked(request)
        title = request.query_params["model"]
        return HTMLResponse(canvas(title, spec, size, can_draw(spec), models[title].has_style))

    def drawn(spec: AnnotationSpec, size: tuple[int, int], request: Request):
        seed = request.query_params.get("seed", "")
        if not seed.isascii() or not seed.isdigit() or len(seed) > 4:
            raise ValueError(f"seed: a whole number from 0 to {MAX_SEED}, received {seed[:20]!r}")
        return scene(spec, size, int(seed))

    async def get_scene(request):
        spec, size = asked(request)
        label_map, joints = await anyio.to_thread.run_sync(drawn, spec, size, request)
        return JSONResponse(write_painting(label_map, spec, joints), headers=_CACHE)

    async def get_thumbnail(request):
        spec, size = asked(request)
        label_map, _ = await anyio.to_thread.run_sync(drawn, spec, size, request)
        buffer = io.BytesIO()
        Image.fromarray(colorize(label_map, spec)).save(buffer, format="PNG")
        return Response(buffer.getvalue(), media_type="image/png", headers=_CACHE)

    async def post_map(request):
        spec, size = asked(request)
        query, data = request.query_params, await request.body()
        arguments = data, query.get("name", ""), spec, size, query.get("kind", upload.FIND_OUT)
        label_map, remarks = await anyio.to_thread.run_sync(upload.read_map, *arguments)
        return JSONResponse({**write_painting(label_map, spec), "remarks": remarks})

    async def post_style(request):
        _, size = asked(request)
        arguments = await request.body(), request.query_params.get("name", ""), size
        picture = await anyio.to_thread.run_sync(upload.read_picture, *arguments)
        return JSONResponse({"height": picture.shape[0], "width": picture.shape[1]})

    doors = (("board", get_board, "GET"), ("scene", get_scene, "GET"), ("thumbnail", get_thumbnail, "GET"))
    doors += (("extra", _extra(kept), "GET"), ("map", post_map, "POST"), ("style", post_style, "POST"))
    return [Route(f"/paint/{name}", _guarded(door), methods=[method]) for name, door, method in doors]


def _extra(kept):
    """The door to what is beside the videos that were made."""

    async def get_extra(request):
        made, spec = kept[request.query_params.get("video", "")]
        asked = made, spec, request.query_params.get("kind", "")
        data, media_type = await anyio.to_thread.run_sync(result.extra, *asked)
        return Response(data, media_type=media_type, headers=_CACHE)

    return get_extra


def _guarded(door):
    """A mistake of the visitor's is told, not logged."""

    async def answer(request):
        try:
            return await door(request)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 400)

    return answer
