"""The page, by Gradio (extra "web"): canvas, settings, button, result. What it does is done by its neighbours."""

import functools
import os
import pathlib

# Before Gradio is imported: nothing is asked of, or told to, the internet.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import gradio as gr
from fastapi import FastAPI

from seg2vid_tf.annotations.doubts import absent_doubt
from seg2vid_tf.web import result, settings, upload
from seg2vid_tf.web.bounds import Bounds
from seg2vid_tf.web.calls import command_line, python_call
from seg2vid_tf.web.kept_videos import KeptVideos
from seg2vid_tf.web.painting import read_painting, read_reference
from seg2vid_tf.web.routes import routes

_HERE = pathlib.Path(__file__).parent
MAX_WAITING = 16
_MAKE = "Make the video"
# Gradio's usual theme fetches nothing; its own fonts are named here so that a later one cannot.
_FONTS = {"font": ["system-ui", "sans-serif"], "font_mono": ["ui-monospace", "monospace"]}


def make_app(models: dict, here_only: bool):
    """The ASGI app of the page.

    Args:
      models: {what the page calls it: one of models.py}; the first one is chosen at first.
      here_only: whether it is for this machine alone.
    """
    kept = KeptVideos()
    app = FastAPI(openapi_url=None, routes=routes(models, kept))
    app = gr.mount_gradio_app(
        app,
        _blocks(models, kept),
        path="/",
        footer_links=[],
        show_error=False,
        ssr_mode=False,
        pwa=False,
        enable_monitoring=False,
        theme=gr.themes.Default(**_FONTS).set(block_info_text_color="*body_text_color"),
        css=(_HERE / "paint.css").read_text(encoding="utf-8"),
        head=f"<script>{(_HERE / 'paint.js').read_text(encoding='utf-8')}</script>",
    )
    return Bounds(app, here_only)


def answers(models, kept, painting, title, *form):
    """Yields (the map that the model gets, the videos so far, what goes on), as HTML, until the request is done.

    Args:
      models: as of make_app.
      kept: takes the videos.
      painting, title: what was painted, and for which model.
      form: of _settings_row and _looks_row.
    """
    given, videos, model = "", "", models[title]
    try:
        asked = _asked(model, *form)
        label_map = read_painting(painting, model.spec, model.size)
        given = result.given_map(label_map, model.spec, _remarks(label_map, model.spec, asked.restyle))
        reference = read_reference(painting)
        if reference is not None:
            if asked.style_seed is not None:
                raise ValueError("a style seed and a photo both say how all looks: empty the field or remove the photo")
            reference = upload.read_picture(reference, "the style picture", model.size)
        if not model.ready:
            yield given, videos, result.progress(f"loading {title}: a model's first video takes longest ...")
        else:
            yield given, videos, result.progress(f"video 1 of {asked.num_videos} ...")
        request = kept.begin()
        for count, made in enumerate(model.videos(label_map, asked, reference), 1):
            videos += result.video(made, kept.keep(made, model.spec, request))
            if count < asked.num_videos:
                yield given, videos, result.progress(f"video {count + 1} of {asked.num_videos} ...")
        about = model.call, asked, model.num_frames, reference is not None
        # The form may say something else by now.
        done = result.progress(f"done: {asked.in_words()}")
        yield given, videos + result.calls(python_call(*about), command_line(*about)), done
    except ValueError as error:
        yield given, videos, result.problem(str(error))


def _asked(model, seed, num_videos, num_frames, temperature, style_seed, restyle, restyle_seed):
    """Settings, without what the model cannot do, which the form may hold from another one."""
    temperature = None if model.temperature is None else temperature
    style_seed = style_seed if model.has_style_seeds else None
    looks = (restyle, restyle_seed) if model.has_looks else ()
    return settings.read_settings(seed, num_videos, num_frames, temperature, model.temperature, style_seed, *looks)


def _remarks(label_map, spec, restyle):
    share = float((label_map == spec.ignore_id).mean())
    ignored = f"{100 * share:.0f} % is ignored (no class): the model decides what is there" if share >= 0.01 else ""
    absent = absent_doubt(label_map, spec, spec.class_ids(list(restyle), "classes of another look"))
    return [remark for remark in (ignored, absent) if remark]


def _about(model):
    style = "" if model.has_style or model.lacks else " It takes no style of a photo."
    return (
        "{} x {} pixels (height x width), {} classes. ".format(*model.size, model.spec.num_classes)
        + model.lacks
        + style
    )


def _temperature(model):
    """What the slider is for a model."""
    return {"value": model.temperature or 0.0, "visible": model.temperature is not None}


def _settings_row(model):
    """Seed, number of videos, frames and temperature, as the model has them."""
    with gr.Row():
        seed = gr.Number(
            0, label="Seed", info="another number, another video", precision=0, minimum=0, maximum=settings.MAX_SEED
        )
        videos = gr.Slider(1, settings.MAX_VIDEOS, 1, step=1, label="Videos", info="each with the next seed")
        frames = gr.Slider(
            1, settings.MAX_FRAMES, model.num_frames, step=1, label="Frames", info="after the first, 8 a second"
        )
        temperature = gr.Slider(
            0,
            settings.MAX_TEMPERATURE,
            step=0.05,
            label="Temperature",
            info="how much motions differ; 0: not at all",
            **_temperature(model),
        )
    return seed, videos, frames, temperature


def _looks_row(model):
    """How start frames look: style seed, classes of another look and its seed; and the row that holds them."""
    with gr.Row(visible=model.has_style_seeds) as row:
        # No gr.Number, which makes 0 of an empty field.
        style_seed = gr.Textbox(
            "", label="Style seed", info="another look of the same motion; empty: the seed's own", max_lines=1
        )
        restyle = gr.Dropdown(
            _class_names(model),
            value=[],
            multiselect=True,
            label="Another look for some classes",
            info="may differ little: try several seeds; all videos then share one start frame",
            visible=model.has_looks,
        )
        restyle_seed = gr.Number(
            settings.RESTYLE_SEED,
            label="Seed of their look",
            info="of the look of the classes that are chosen",
            precision=0,
            minimum=0,
            maximum=settings.MAX_SEED,
            visible=model.has_looks,
        )
    return row, (style_seed, restyle, restyle_seed)


def _class_names(model):
    return [each.name for each in model.spec.classes]


def _chosen(models, title, restyle):
    """What changes with the model: what is said of it, frames, temperature, and which classes may look otherwise."""
    other = models[title]
    length, warmth = gr.update(value=other.num_frames), gr.update(**_temperature(other))
    names = _class_names(other)
    classes = gr.update(choices=names, value=[name for name in restyle if name in names], visible=other.has_looks)
    looks = gr.update(visible=other.has_style_seeds), classes, gr.update(visible=other.has_looks)
    return gr.update(info=_about(other)), length, warmth, *looks


def _button(working):
    """The button while a video is made and otherwise: Gradio drops a second press without a word."""
    return gr.update(value="The video is being made ..." if working else _MAKE, interactive=not working)


def _work_row(work, inputs):
    """The buttons that begin and end the work, and below them what comes of it.

    Args:
      work: as ``answers``, of the values of ``inputs``, the painting first.
      inputs: what is read when the button is pressed.
    """
    with gr.Row():
        make = gr.Button(_MAKE, variant="primary", elem_id="s2v-make")
        stop = gr.Button("Stop", elem_id="s2v-stop")
    status, given, made = gr.HTML(elem_id="s2v-status"), gr.HTML(), gr.HTML(elem_id="s2v-made")
    # Gradio's own progress is hidden: it reads "common.complete" aloud, and the status says what goes on.
    quick = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}

    def tell(working, message):
        return lambda: (_button(working), result.progress(message))

    begun = make.click(tell(True, "waiting for its turn; Stop ends it"), None, [make, status], **quick)

    def generate(*values):
        yield from work(*values)

    event = begun.then(
        generate,
        inputs,
        [given, made, status],
        # The model of the canvas, not of the choice, which may be a moment ahead of it.
        js="(painting, title, ...rest) => [seg2vidPaint.value(), seg2vidPaint.model(), ...rest]",
        concurrency_limit=1,
        show_progress="hidden",
        api_visibility="private",
    )
    # Where the button had the focus before it was shut, it has it again.
    focus = "() => { if (document.activeElement === document.body) document.querySelector('#s2v-make').focus(); }"
    event.then(lambda: _button(False), None, make, **quick).then(None, js=focus)
    stop.click(tell(False, "stopped"), None, [make, status], cancels=[event], **quick)


def _blocks(models, kept):
    first = next(iter(models))
    model = models[first]
    with gr.Blocks(title="Paint a label map, see it move", analytics_enabled=False, fill_width=True) as page:
        gr.HTML(
            '<div class="s2v-head"><h2>Paint a label map, see it move</h2><p>Choose a class and paint what each pixel '
            "shows, or drag a skeleton's joints; then make the video.</p></div>",
            padding=False,
        )
        chosen = gr.Radio(list(models), value=first, label="Model", info=_about(model), elem_id="s2v-model")
        # paint.js fetches the canvas: Gradio would mend the old one's elements instead of making new ones.
        gr.HTML('<div class="s2v-place"></div>')
        painting = gr.Textbox(visible=False)
        seed, videos, frames, temperature = _settings_row(model)
        row, looks = _looks_row(model)
        inputs = [painting, chosen, seed, videos, frames, temperature, *looks]
        _work_row(functools.partial(answers, models, kept), inputs)
        choose = functools.partial(_chosen, models)
        shown = "(title) => seg2vidPaint.open(title)"
        changed = [chosen, frames, temperature, row, *looks[1:]]
        chosen.change(choose, [chosen, looks[1]], changed, queue=False, api_visibility="private")
        chosen.change(None, chosen, js=shown)
        page.load(None, chosen, js=shown)
    page.queue(max_size=MAX_WAITING, api_open=False)
    return page
