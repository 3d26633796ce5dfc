"""Proof of exports: what differs is found out by every loader, what a server cannot take is refused."""

import contextlib
import dataclasses
import shutil

import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.compat import raw_variables
from seg2vid_tf.export_folder import encoder_folder
from seg2vid_tf.exported_weights import trained_networks
from seg2vid_tf.models.build import build_generator, build_style_encoder
from seg2vid_tf.models.seg2vid import Seg2Vid
from seg2vid_tf.ops.image import to_float
from seg2vid_tf.pipeline import Seg2VidPipeline
from seg2vid_tf.serving.c_api_loader import CApiLoader
from seg2vid_tf.serving.export import export
from seg2vid_tf.serving.session_loader import SessionLoader
from seg2vid_tf.serving.signatures import signatures
from seg2vid_tf.serving.verify import check_servable, example_inputs, verify
from tests.conftest import shake_palette


@contextlib.contextmanager
def _shifted(variable, by):
    """Adds a number to a variable for the time of the block."""
    before = np.array(variable.numpy())
    variable.assign(before + by)
    try:
        yield
    finally:
        variable.assign(before)


@pytest.fixture(scope="module")
def c_api(saved_model):
    with CApiLoader(saved_model) as loaded:
        yield loaded


@pytest.fixture(scope="module")
def encoder_loaders(saved_model):
    folder = encoder_folder(saved_model)
    with SessionLoader(folder) as session, CApiLoader(folder) as c_api:
        yield session, c_api


def test_the_servers_own_path_answers_as_the_model_in_memory(videos, encodings, c_api, encoder_loaders):
    verify(videos, c_api, "tiny")
    verify(encodings, encoder_loaders[1], "tiny's encoder")


def test_other_signatures_than_the_models_are_found_out(videos, session_loader):
    fewer = {name: pair for name, pair in videos.items() if name != "continue"}
    with pytest.raises(ValueError, match=r"tiny has signatures \['animate', .*, expected \['animate', "):
        verify(fewer, session_loader, "tiny")


@pytest.mark.parametrize(
    "layer,names",
    [
        (lambda model: model.generator.to_rgb, "serving_default: frames_bytes"),
        (lambda model: model.style_encoder.mean, "encode_style: style"),
        (lambda model: model.motion.background_encoder.to_map, "encode_motion: [a-z_]+"),
    ],
    ids=["generator", "style encoder", "motion encoder"],
)
def test_a_model_that_differs_from_its_export_is_found_out(
    seg2vid, videos, encodings, c_api, session_loader, encoder_loaders, layer, names
):
    signature = names.split(":")[0]
    expected, loaders = (encodings, encoder_loaders) if signature in encodings else (videos, (session_loader, c_api))
    with _shifted(layer(seg2vid).bias, 2.0):
        function, _ = signatures(seg2vid)[signature]
        inputs, _ = expected[signature]
        outputs = function(**{name: tf.constant(value) for name, value in inputs.items()})
    changed = {**expected, signature: (inputs, {name: value.numpy() for name, value in outputs.items()})}
    for loader in loaders:
        with pytest.raises(ValueError, match=f"{names}: differs by .* from the model in memory"):
            verify(changed, loader, "tiny")


class _Altered:
    """A loader whose one picture is another in some of its values."""

    def __init__(self, outputs, count, by):
        self.signatures, self._outputs, self._count, self._by = ["paint"], outputs, count, by

    def run(self, signature, inputs):
        rows = len(inputs["seed"])
        changed = {name: value[:rows].copy() for name, value in self._outputs.items()}
        for value in changed.values():
            value.reshape(-1)[: self._count] += value.dtype.type(self._by)
        return changed


@pytest.mark.parametrize(
    ("output", "dtype", "count", "by", "passes"),
    [
        ("frames", np.uint8, 10_000, 1, True),  # rounding
        ("frames", np.uint8, 9, 50, True),  # a pixel or two that are decided the other way
        ("frames", np.uint8, 11, 2, False),
        ("label_maps", np.uint8, 9, 1, True),
        ("label_maps", np.uint8, 11, 1, False),
        ("visibility", np.float32, 9, 0.5, True),
        ("visibility", np.float32, 11, 0.02, False),
        ("visibility", np.float32, 10_000, np.nan, False),
        ("flow", np.float32, 9, 0.02, True),  # at a layer's border
        ("flow", np.float32, 11, 0.02, False),
        ("flow", np.float32, 1, 0.6, False),
        ("z", np.float32, 1, 0.02, False),
        ("flow", np.float32, 1, np.nan, False),
    ],
)
def test_how_much_may_differ(output, dtype, count, by, passes):
    outputs = {output: np.full([2, 100, 100], 7, dtype)}
    expected = {"paint": ({"seed": np.zeros(2, np.int64)}, outputs)}
    # The batch of two is asked first: its two rows have twice as many values, of which as many are changed.
    loader = _Altered(outputs, 2 * count if not passes else count, by)
    if passes:
        verify(expected, loader, "altered")
        return
    with pytest.raises(ValueError, match=f"altered: paint: {output}: differs by"):
        verify(expected, loader, "altered")


def test_examples_hold_every_class_and_every_input(seg2vid, seg2vid_with_instances):
    for model in (seg2vid, seg2vid_with_instances):
        examples = example_inputs(model)
        functions = signatures(model)
        assert {n: set(i) for n, i in examples.items()} == {n: {s.name for s in f[1]} for n, f in functions.items()}
    ids = np.unique(example_inputs(seg2vid)["from_tensor"]["label_map"])
    assert ids.tolist() == [*range(seg2vid.spec.num_classes), seg2vid.spec.ignore_id]


def test_the_c_api_refuses_by_name_and_goes_on(c_api, encoder_loaders, saved_model, examples, tmp_path):
    inputs = examples["animate_tensor"]
    with pytest.raises(ValueError, match="animate_tensor: .*z holds NaN or infinity"):
        c_api.run("animate_tensor", {**inputs, "z": inputs["z"] * np.nan})
    with pytest.raises(ValueError, match="no signature 'predict'"):
        c_api.run("predict", {})
    with pytest.raises(ValueError, match=r"encode_style takes \['reference'\], received \['frames'\]"):
        encoder_loaders[1].run("encode_style", {"frames": inputs["start_frame"]})
    assert c_api.run("animate_tensor", inputs)["frames"].shape == (2, 3, 32, 64, 3)
    shutil.copytree(saved_model, tmp_path / "1")
    (tmp_path / "1/variables/variables.data-00000-of-00001").unlink()
    with pytest.raises(ValueError, match="1 cannot be loaded: "):
        CApiLoader(tmp_path / "1")


def _other_shapes(name, value):
    """Shapes that a server, which looks at types alone, lets through."""
    yield value[:, None] if value.ndim == 1 else value[:, :-1]
    yield value[0]
    if name in ("label_map", "start_frame", "reference"):
        yield value.repeat(2, axis=1).repeat(2, axis=2)


def test_inputs_of_other_shapes_are_refused_by_name_without_pythons_help(c_api, encoder_loaders, examples):
    for signature, inputs in examples.items():
        loader = c_api if signature in c_api.signatures else encoder_loaders[1]
        for name, value in inputs.items():
            for other in _other_shapes(name, value):
                with pytest.raises(ValueError, match=f"{signature}: (.|\n)*{name}"):
                    loader.run(signature, {**inputs, name: other})


def test_a_closed_loader_says_so(saved_model_with_instances):
    with CApiLoader(saved_model_with_instances) as loaded:
        pass
    loaded.close()
    with pytest.raises(ValueError, match="this loader is closed"):
        loaded.run("animate_tensor", {})


@pytest.mark.parametrize("stage", ["start_frame", "motion"])
def test_one_stage_alone_is_a_model_of_its_own(seg2vid_with_instances, tmp_path, stage):
    both = seg2vid_with_instances
    generator, motion = (both.generator, None) if stage == "start_frame" else (None, both.motion)
    alone = Seg2Vid(generator, motion, both.spec, both.size)
    folder = export(alone, tmp_path, stage)
    with SessionLoader(folder) as loaded:
        inputs = example_inputs(alone)["serving_default"]
        served = loaded.run("serving_default", inputs)
    if stage == "motion":
        assert served["frames_bytes"].shape == (2, 2)
        start, label_map = example_inputs(alone)["animate_tensor"]["start_frame"][0], np.zeros(both.size, np.uint8)
        video = Seg2VidPipeline.from_saved_model(tmp_path / stage)(label_map, seed=1, start_frame=start)
        np.testing.assert_array_equal(video.frames[0, 0], start)
        last, other = (tf.io.decode_png(row[-1]).numpy().astype(int) for row in served["frames_bytes"])
        first = tf.io.decode_png(served["frames_bytes"][0, 0]).numpy().astype(int)
        assert np.abs(last - first).max() > 3 and np.abs(last - other).max() > 3, "it moves, by its seed"
        with pytest.raises(ValueError, match="this model has no stage 1 to paint one"):
            Seg2VidPipeline.from_saved_model(folder)(label_map)
        return
    style = both.start_frame_model.draw_style(inputs["seed"])
    label_map = np.stack([tf.io.decode_png(png).numpy()[..., 0] for png in inputs["label_map_png"]])
    painted = both.start_frame_model.paint(label_map, style, inputs["seed"], inputs["instance_map"])
    pictures = np.stack([tf.io.decode_png(png).numpy() for png in served["frame_bytes"]])
    np.testing.assert_allclose(pictures / 127.5 - 1.0, painted, atol=1.5 / 127.5)
    with pytest.raises(ValueError, match="start_frame/1 paints start frames alone, a video needs stage 2"):
        Seg2VidPipeline.from_saved_model(folder)


def test_styles_that_hold_classes_colours_are_served(start_frame_config, spec, tmp_path):
    model = dataclasses.replace(start_frame_config.model, height=16, width=32, class_colors=True)
    generator, style_encoder = build_generator(model, spec), build_style_encoder(model, spec)
    shake_palette(generator, style_encoder)
    alone = Seg2Vid(generator, None, spec, (16, 32), style_encoder)
    folder = export(alone, tmp_path, "colors")
    inputs = example_inputs(alone)["serving_default"]
    with SessionLoader(folder) as loaded:
        served = loaded.run("serving_default", inputs)
    label_map = np.stack([tf.io.decode_png(png).numpy()[..., 0] for png in inputs["label_map_png"]])
    style = alone.start_frame_model.draw_style(inputs["seed"])
    assert style.shape[1] == model.style_dim + 3 * spec.num_classes
    painted = alone.start_frame_model.paint(label_map, style, inputs["seed"])
    pictures = np.stack([tf.io.decode_png(png).numpy() for png in served["frame_bytes"]])
    np.testing.assert_allclose(pictures / 127.5 - 1.0, painted, atol=1.5 / 127.5)
    reference = np.random.default_rng(0).integers(0, 256, (1, 16, 32, 3), np.uint8)
    with SessionLoader(encoder_folder(folder)) as encoder:
        said = encoder.run("encode_style", {"reference": reference})["style"]
    np.testing.assert_allclose(said, style_encoder({"frame": to_float(reference)})["mean"], atol=1e-4)
    # Its weights go on in another run, and come back as they were.
    again = {
        "generator_average": build_generator(model, spec),
        "style_encoder_average": build_style_encoder(model, spec),
    }
    trained_networks(folder, "start_frame").restore(again)
    for ours, theirs in zip(again.values(), (generator, style_encoder), strict=True):
        for variable, expected in zip(raw_variables(ours), raw_variables(theirs), strict=True):
            np.testing.assert_array_equal(variable, expected)


def test_what_a_server_cannot_take_is_refused_by_name(saved_model, tmp_path):
    check_servable(saved_model)
    doubled = tf.function(lambda x: x * 2.0, jit_compile=True)
    for name, function, shape, message in (
        (
            "compiled",
            lambda x: doubled(x),
            [None, 2],
            "ask XLA to compile them, .*inference",
        ),
        ("fixed", lambda x: x * 2.0, [2, 2], "inputs without a free batch, which a server cannot take: serving.*: x"),
    ):
        module = tf.Module()
        specification = [tf.TensorSpec(shape, tf.float32, "x")]
        module.run = tf.function(function, input_signature=specification)
        tf.saved_model.save(module, str(tmp_path / name), signatures=module.run)
        with pytest.raises(ValueError, match=message):
            check_servable(tmp_path / name)
    shutil.copytree(tmp_path / "fixed", tmp_path / "custom")
    file = tmp_path / "custom/saved_model.pb"
    file.write_bytes(file.read_bytes().replace(b"\x12\x03Mul", b"\x12\x03Xul"))
    with pytest.raises(ValueError, match="operations that are not TensorFlow's own, which a server cannot take: Xul"):
        check_servable(tmp_path / "custom")
