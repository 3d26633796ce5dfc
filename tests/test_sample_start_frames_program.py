"""experiments/sample_start_frames.py as a user starts it."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from seg2vid_tf.annotations.label_map import colorize, resize_label_map, write_label_map
from seg2vid_tf.media import save_png
from seg2vid_tf.models.restore import load_start_frame_model, seg2vid_from_run
from seg2vid_tf.ops.image import to_float, to_uint8
from seg2vid_tf.run_folder import RunFolder
from seg2vid_tf.serving.export import export
from tests.programs import command_line, run_several
from tests.stacks import on_second_stack

pytestmark = on_second_stack

PROGRAM = pathlib.Path(__file__).resolve().parents[1] / "experiments" / "sample_start_frames.py"
SKY, CAR = 6, 8


def endings_of(*calls):
    """How each call ended: None where it went well, "error: ..." where it said so."""
    return run_several([command_line(PROGRAM, options) for options in calls])[0]


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image)


def save_run(root, config, spec, generator, style_encoder):
    folder = RunFolder(root / "start_frame")
    folder.start("start_frame", config, spec, "clips", resume=False)
    averages = {"generator_average": generator}
    if style_encoder is not None:
        averages["style_encoder_average"] = style_encoder
    folder.save(averages, step=4)
    return root


@pytest.fixture(scope="module")
def loud_run(run_dir, tmp_path_factory):
    """The tiny run with an output layer that is not as quiet as an untrained one, so that styles can be seen."""
    model, config = load_start_frame_model(run_dir)
    kernel = model.generator.to_rgb.kernel
    kernel.assign(np.array(kernel) * 10.0)
    return save_run(
        tmp_path_factory.mktemp("runs") / "loud",
        config,
        model.spec,
        model.generator,
        model.style_encoder,
    )


def exported_run(run_dir, root):
    """The stage 1 of a run as an export below root: its model folder."""
    export(seg2vid_from_run(run_dir, ("start_frame",)), root / "exports", "loud", run_dir=run_dir)
    return root / "exports" / "loud"


@pytest.fixture(scope="module")
def maps(tmp_path_factory):
    """A folder of two label maps of 32 x 64: the left two thirds sky, cars at the right; and the same mirrored."""
    folder = tmp_path_factory.mktemp("maps")
    label_map = np.full((32, 64), SKY, np.uint8)
    label_map[:, 40:] = CAR
    write_label_map(folder / "a.png", label_map)
    write_label_map(folder / "b.png", np.ascontiguousarray(label_map[:, ::-1]))
    return folder


@pytest.fixture(scope="module")
def outputs(loud_run, maps, tmp_path_factory):
    """(folder of everything written, {name of the call: how it ended}); one process for all of them."""
    out = tmp_path_factory.mktemp("out")
    label_map = pixels(maps / "a.png")
    write_label_map(out / "large.png", resize_label_map(label_map, (96, 192)))
    write_label_map(out / "odd.png", label_map[:30])
    write_label_map(out / "wide.png", np.concatenate([label_map, label_map], axis=1))
    write_label_map(out / "instances.png", label_map // SKY)
    (out / "empty").mkdir()
    for name, part in (("two/a", label_map), ("two/b", label_map[:16]), ("two sizes/sheet", label_map)):
        (out / name).parent.mkdir(exist_ok=True)
        write_label_map(out / f"{name}.png", part)
    rng = np.random.default_rng(0)
    save_png(np.broadcast_to(rng.integers(0, 256, (1, 1, 3)), (50, 70, 3)).astype(np.uint8), out / "reference.png")
    common = {"run_dir": loud_run, "label_map": maps / "a.png", "num_seeds": 2, "seed": 5}
    restyled = {"label_map": out / "wide.png", "num_seeds": 2, "seed": 5, "restyle": "car"}
    calls = {
        "folder": {**common, "label_map": maps, "num_seeds": 3},
        "reference": {**common, "reference": out / "reference.png"},
        "restyle": {**common, "restyle": "car"},
        "resize": {**common, "label_map": out / "large.png", "resize": True},
        "wide": {**common, "label_map": out / "wide.png"},
        "two sizes": {**common, "label_map": out / "two"},
        "odd": {**common, "label_map": out / "odd.png"},
        "unknown class": {**common, "restyle": "car,zeppelin"},
        "no maps": {**common, "label_map": out / "empty"},
        "no reference": {**common, "reference": out / "absent.png"},
        "instances": {**common, "instance_map": out / "instances.png"},
        "no run": {**common, "run_dir": out},
        "export": {**restyled, "saved_model": exported_run(loud_run, out)},
        "run": {**restyled, "run_dir": loud_run},
        "two models": {**common, "saved_model": out},
    }
    endings = endings_of(*({**options, "output": out / name} for name, options in calls.items()))
    return out, dict(zip(calls, endings, strict=True))


def test_a_folder_of_maps_becomes_pictures_and_a_sheet(outputs, loud_run, maps, spec):
    out, endings = outputs
    assert endings["folder"] is None
    names = [f"{name}_seed{seed}.png" for name in "ab" for seed in (5, 6, 7)]
    assert sorted(p.name for p in (out / "folder").iterdir()) == [*names, "sheet.png"]
    model, _ = load_start_frame_model(loud_run)
    seeds = tf.constant([5, 6, 7], tf.int64)
    for name in "ab":
        label_map = pixels(maps / f"{name}.png")
        expected = to_uint8(model.paint(np.repeat(label_map[None], 3, axis=0), model.draw_style(seeds), seeds))
        written = np.stack([pixels(out / "folder" / f"{name}_seed{seed}.png") for seed in (5, 6, 7)])
        np.testing.assert_allclose(written.astype(int), expected.numpy(), atol=1)
        assert (written[0] != written[1]).any() and (written[1] != written[2]).any()
    sheet = pixels(out / "folder" / "sheet.png")
    assert sheet.shape == (2 * 32 + 2, 4 * 64 + 3 * 2, 3)  # annotation | three seeds, a gap of two between
    np.testing.assert_array_equal(sheet[:32, :64], colorize(pixels(maps / "a.png"), spec))
    np.testing.assert_array_equal(sheet[-32:, -64:], pixels(out / "folder" / "b_seed7.png"))


def test_a_reference_gives_its_style_and_the_seeds_their_noise(outputs, loud_run, maps):
    out, endings = outputs
    assert endings["reference"] is None
    model, _ = load_start_frame_model(loud_run)
    picture = np.broadcast_to(pixels(out / "reference.png")[:1, :1], (32, 64, 3))  # of one colour at any size
    style = tf.repeat(model.encode_style(to_float(picture)[None]), 2, axis=0)
    seeds = tf.constant([5, 6], tf.int64)
    expected = to_uint8(model.paint(np.repeat(pixels(maps / "a.png")[None], 2, axis=0), style, seeds)).numpy()
    written = np.stack([pixels(out / "reference" / f"a_seed{seed}.png") for seed in (5, 6)])
    np.testing.assert_allclose(written.astype(int), expected, atol=1)
    assert (written != np.stack([pixels(out / "folder" / f"a_seed{seed}.png") for seed in (5, 6)])).any()


def test_a_restyled_class_takes_the_style_of_another_seed(outputs, loud_run, maps):
    out, endings = outputs
    assert endings["restyle"] is None
    model, _ = load_start_frame_model(loud_run)
    label_map, seeds = pixels(maps / "a.png"), tf.constant([5, 6], tf.int64)
    own, other = model.draw_style(seeds), model.draw_style(tf.constant([1000, 1000], tf.int64))
    places = np.where((label_map == CAR)[None, ..., None], other[:, None, None], own[:, None, None])
    expected = to_uint8(model.paint(np.repeat(label_map[None], 2, axis=0), tf.constant(places), seeds)).numpy()
    for seed, picture in zip((5, 6), expected, strict=True):
        before, after = (pixels(out / name / f"a_seed{seed}.png").astype(int) for name in ("folder", "restyle"))
        np.testing.assert_allclose(after, picture, atol=1)
        change = np.abs(after - before)
        # The cars begin at column 40; a style reaches 2 * (4 + 2 + 1) + 1 + 4 + 2 pixels (test_generator.py).
        assert change[:, : 40 - 21].max() <= 1, "nothing moves out of its reach"
        assert change[:, 44:].mean() > 5 * change[:, :36].mean()


def test_an_export_paints_as_its_run_does_in_any_size_and_restyled(outputs):
    out, endings = outputs
    assert endings["export"] is None and endings["run"] is None
    for seed in (5, 6):
        picture = pixels(out / "export" / f"wide_seed{seed}.png")
        assert picture.shape == (32, 128, 3)
        np.testing.assert_array_equal(picture, pixels(out / "run" / f"wide_seed{seed}.png"))


def test_other_sizes_are_painted_resized_or_refused(outputs):
    out, endings = outputs
    assert endings["resize"] is None and endings["wide"] is None
    # Every third row and column is the small map again.
    np.testing.assert_array_equal(pixels(out / "resize/large_seed5.png"), pixels(out / "folder/a_seed5.png"))
    assert pixels(out / "wide/wide_seed6.png").shape == (32, 128, 3)
    assert endings["odd"].endswith(
        "odd.png is 30 x 64 (height x width), both must be divisible by 4: give --resize to bring it to the model's "
        "32 x 64"
    )
    assert not (out / "odd").exists()
    # An older sheet would show other pictures.
    assert endings["two sizes"] is None
    written = sorted(p.name for p in (out / "two sizes").iterdir())
    assert written == ["a_seed5.png", "a_seed6.png", "b_seed5.png", "b_seed6.png"]


def test_mistakes_are_named_before_anything_is_painted(outputs):
    out, endings = outputs
    messages = {
        "unknown class": "--restyle: spec 'synthetic_street' has no classes ['zeppelin'], it has ['building', 'car',",
        "no maps": "no .png file in this folder",
        "no reference": "absent.png",
        "instances": "this model was trained without instance maps",
        "no run": "holds no run",
        "two models": "give one of --run_dir, --saved_model and --preset, received --run_dir and --saved_model",
    }
    for name, message in messages.items():
        assert endings[name].startswith("error: ") and message in endings[name], endings[name]
        assert not (out / name).exists(), name


def test_instance_maps_reach_a_model_that_reads_them(start_frame_config, spec, maps, tmp_path):
    import dataclasses

    from seg2vid_tf.models.build import build_generator

    model = dataclasses.replace(start_frame_config.model, instance_boundary=True, style_encoder=False)
    config = dataclasses.replace(start_frame_config, model=model)
    generator = build_generator(model, spec)
    generator.to_rgb.kernel.assign(np.array(generator.to_rgb.kernel) * 10.0)
    run = save_run(tmp_path / "run", config, spec, generator, None)
    instances = (np.arange(64)[None] // 16 + np.zeros((32, 1))).astype(np.uint8)
    for folder, names in (("whole", "ab"), ("one", "a")):
        for name in names:
            (tmp_path / folder).mkdir(exist_ok=True)
            write_label_map(tmp_path / folder / f"{name}.png", instances)
    write_label_map(tmp_path / "half.png", instances[::2])
    common = {"run_dir": run, "label_map": maps, "output": tmp_path / "out", "num_seeds": 1}
    bad = {**common, "output": tmp_path / "none"}
    given, missing, one_missing, half, no_encoder = endings_of(
        {**common, "instance_map": tmp_path / "whole"},
        bad,
        {**bad, "instance_map": tmp_path / "one"},
        {**bad, "instance_map": tmp_path / "half.png"},
        {**bad, "instance_map": tmp_path / "whole", "reference": tmp_path / "half.png"},
    )
    assert given is None and len(list((tmp_path / "out").iterdir())) == 3
    model, seeds = load_start_frame_model(run)[0], tf.constant([0], tf.int64)
    painted, without = (
        to_uint8(model.paint(pixels(maps / "a.png")[None], model.draw_style(seeds), seeds, numbers[None]))[0]
        for numbers in (instances, np.zeros_like(instances))
    )
    written = pixels(tmp_path / "out/a_seed0.png").astype(int)
    np.testing.assert_allclose(written, painted, atol=1)
    assert np.abs(written - np.array(without, int)).max() > 1, "their borders are seen"
    assert "this model needs an instance map" in missing and "this model has no style encoder" in no_encoder
    assert (
        "one/b.png" in one_missing and "half.png is 16 x 64 (height x width), 32 x 64 is wanted: give --resize" in half
    )
    assert not (tmp_path / "none").exists()
