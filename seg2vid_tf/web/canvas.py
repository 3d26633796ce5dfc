"""The canvas' own part of the page as HTML: palette, tools, maps to start from. paint.js makes it work."""

import html
import json
import urllib.parse

from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.html_page import text
from seg2vid_tf.web import upload

GALLERY = range(1, 13)


def canvas(title: str, spec: AnnotationSpec, size: tuple[int, int], draws: bool, has_style: bool) -> str:
    """The HTML of it.

    Args:
      title: what the page calls the model.
      spec, size: its classes and its (height, width).
      draws: whether there are drawn maps to start from.
      has_style: whether the model takes a style picture.
    """
    document = html.escape(json.dumps({"model": title, **_document(spec, size, draws)}), quote=True)
    return (
        f'<div class="s2v-paint" data-spec="{document}"><div class="s2v-board">{_start(title, spec, draws)}{_tools()}'
        f'<div class="s2v-view"><div class="s2v-stage"><canvas width="{size[1]}" height="{size[0]}" tabindex="0" '
        'aria-label="canvas: arrow keys move, space puts the pen down, brackets change its size, u takes back">'
        f'</canvas></div></div><p class="s2v-says" role="status"></p>{_style() if has_style else ""}</div>'
        f"{_palette(spec)}</div>"
    )


def _document(spec, size, draws):
    skeleton = spec.skeleton
    return {
        "height": size[0],
        "width": size[1],
        "ignore": spec.ignore_id,
        "classes": [{"name": c.name, "color": c.color, "thing": c.foreground} for c in spec.classes],
        "skeleton": skeleton is not None,
        "joints": skeleton.joints if skeleton else [],
        "limbs": sorted(skeleton.limbs.items()) if skeleton else [],
        "draws": draws,
        "maxBytes": upload.MAX_BYTES,
    }


def _palette(spec):
    def entry(id_, name, color):
        return (
            f'<button type="button" class="s2v-class" data-id="{id_}" aria-pressed="false">'
            f'<i style="background:rgb{tuple(color)}"></i>{text(name)}</button>'
        )

    behind = "".join(entry(c.id, c.name, c.color) for c in spec.classes if not c.foreground)
    before = "".join(entry(c.id, c.name, c.color) for c in spec.classes if c.foreground)
    ignored = entry(spec.ignore_id, "ignored (no class)", (0, 0, 0))
    before = f"<h4>Objects, in front</h4>{before}" if before else ""
    return f'<div class="s2v-palette"><h4>Background</h4>{behind}{ignored}{before}</div>'


def _start(title, spec, draws):
    drawn = '<button type="button" class="s2v-random">random example</button>' if draws else ""
    kinds = "".join(f"<option>{text(kind)}</option>" for kind in (upload.FIND_OUT, *upload.kinds(spec)))
    gallery = "".join(
        f'<button type="button" data-scene="{seed}"><img loading="lazy" alt="example {seed}" '
        f'src="paint/thumbnail?model={urllib.parse.quote(title, safe="")}&amp;seed={seed}"></button>'
        for seed in (GALLERY if draws else ())
    )
    return (
        f'<div class="s2v-tools"><h4>Start from</h4><button type="button" class="s2v-blank">empty map</button>{drawn}'
        '<label>a label map of yours <input type="file" class="s2v-map" accept=".png,.tif,.tiff,.bmp,.webp"></label>'
        f'<label>what it holds <select class="s2v-kind">{kinds}</select></label></div>'
        f'<div class="s2v-gallery">{gallery}</div>'
    )


def _tools():
    def tool(name, label, hint):
        return (
            f'<button type="button" class="s2v-tool" data-tool="{name}" aria-pressed="false" title="{hint}">{label}'
            "</button>"
        )

    tools = (
        tool("brush", "brush", "paints the chosen class")
        + tool("fill", "fill", "gives the chosen class to the whole area under the pointer")
        + tool("remove", "remove object", "takes away the whole object under the brush; the background behind it shows")
        + tool("erase", "erase part", "takes away what the brush covers of objects; the background behind it shows")
    )

    return (
        f'<div class="s2v-tools"><span class="s2v-tools-paint s2v-tools">{tools}'
        '<label>size <input type="number" class="s2v-size" min="1" max="64"></label>'
        '<label title="painting a background class does not cover objects">'
        '<input type="checkbox" class="s2v-keep"> keep objects in front</label></span>'
        '<button type="button" class="s2v-undo">undo</button><button type="button" class="s2v-in">zoom in</button>'
        '<button type="button" class="s2v-out">zoom out</button></div>'
    )


def _style():
    return (
        '<div class="s2v-tools"><label>take the style (light, colours) of a photo <input type="file" class="s2v-style" '
        'accept=".jpg,.jpeg,.png,.bmp,.tif,.tiff,.webp"></label> <span class="s2v-style-name"></span>'
        '<button type="button" class="s2v-no-style" hidden>remove</button>'
        "<small>A photo itself is moved by <code>generate.py --start_frame=PHOTO</code>, with its map.</small></div>"
    )
