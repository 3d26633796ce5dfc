"""experiments/generate.py and experiments/export.py as a user starts them."""

import json
import pathlib
import shutil

import numpy as np
import pytest
from PIL import Image

from seg2vid_tf.annotations.label_map import colorize, resize_label_map, write_label_map
from seg2vid_tf.export_folder import DESCRIPTION, write_sums
from tests.programs import command_line, run_program, run_python, run_several
from tests.stacks import on_second_stack

pytestmark = on_second_stack

EXPERIMENTS = pathlib.Path(__file__).resolve().parents[1] / "experiments"


def _run_several(program, *calls):
    """How each call ended: None where it went well, "error: ..." where it said so."""
    return run_several([command_line(program, options) for options in calls])[0]


def _assert_refused(endings, messages):
    for ending, message in zip(endings, messages, strict=True):
        assert isinstance(ending, str) and ending.startswith("error: "), ending
        assert message in ending
        assert "\n" not in ending, "one line"


def _pixels(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def _assert_same(pictures, expected):
    """To one grey level: the program leaves the graph as it was written, TensorFlow optimises the pipeline's here."""
    np.testing.assert_allclose(np.asarray(pictures, int), np.asarray(expected, int), atol=1)


@pytest.fixture(scope="module")
def label_map():
    ids = np.zeros((32, 64), np.uint8)
    ids[:14], ids[16:24, 20:34] = 6, 8
    return ids


@pytest.fixture(scope="module")
def label_map_file(label_map, tmp_path_factory):
    path = tmp_path_factory.mktemp("label") / "label.png"
    write_label_map(path, label_map)
    return path


def test_generate_writes_what_the_pipeline_makes(pipe, saved_model, label_map_file, tmp_path):
    out = tmp_path / "new" / "out"
    done = run_program(
        "generate.py", saved_model=saved_model.parent, label_map=label_map_file, output=out, seed=7, num_videos=2
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"2 videos of 3 frames, seeds 7 to 8: {out}"
    assert sorted(p.name for p in out.iterdir()) == ["flow.png", "frames", "video.gif", "video.mp4"]
    expected = pipe(label_map_file, seed=7, num_videos=2)
    for video in range(2):
        assert [p.name for p in sorted((out / f"frames/{video:02d}").iterdir())] == ["0000.png", "0001.png", "0002.png"]
        for frame in range(3):
            _assert_same(_pixels(out / f"frames/{video:02d}/{frame:04d}.png"), expected.frames[video, frame])
    with Image.open(out / "video.gif") as gif:
        assert (gif.n_frames, gif.size, gif.info["duration"]) == (3, (128, 32), 120)
    assert _pixels(out / "flow.png").shape == (2 * 32 + 2, 2 * 64 + 2, 3)
    av = pytest.importorskip("av")
    with av.open(str(out / "video.mp4")) as container:
        frames = [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]
    assert np.stack(frames).shape == (3, 32, 128, 3)


def test_generate_resizes_and_converts_when_told_and_refuses_the_rest(
    pipe, saved_model, label_map, label_map_file, tmp_path
):
    """--resize, --label_ids, --palette and --colors bring other files to the model's label map and its frames."""
    model = tmp_path / "model" / "1"
    shutil.copytree(saved_model, model)
    description = json.loads((model / DESCRIPTION).read_text(encoding="utf-8"))
    description["spec"]["label_sets"] = {"hundreds": {str(100 + i): i for i in range(9)}}
    (model / DESCRIPTION).write_text(json.dumps(description), encoding="utf-8")
    write_sums(model)
    write_label_map(tmp_path / "large.png", resize_label_map(label_map, (96, 192)))
    write_label_map(tmp_path / "hundreds.png", label_map + 100)
    Image.fromarray(np.zeros((32, 64, 3), np.uint8)).save(tmp_path / "rgb.png")
    palette = Image.fromarray(label_map)
    palette.putpalette(np.random.default_rng(0).integers(0, 256, 768, np.uint8).tobytes())
    palette.save(tmp_path / "palette.png")
    Image.fromarray(colorize(label_map, pipe.spec)).save(tmp_path / "painted.png")
    # An earlier call's second video and one frame too many of the first; the folder that holds something else stays.
    for name in ("00/0003.png", "01/0000.png", "02/0000.png"):
        write_label_map(tmp_path / "out/large/frames" / name, label_map)
    (tmp_path / "out/large/frames/02/notes.txt").write_text("mine")
    (tmp_path / "broken/1").mkdir(parents=True)
    (tmp_path / "broken/1/saved_model.pb").write_bytes(b"not a model")
    before = set(tmp_path.rglob("*"))

    bad = {"label_map": label_map_file, "output": tmp_path / "bad"}
    large = {"saved_model": model, "label_map": tmp_path / "large.png", "seed": 3, "formats": "png"}
    hundreds = {**large, "label_map": tmp_path / "hundreds.png"}
    paletted = {**large, "label_map": tmp_path / "palette.png"}
    cases = {
        "large.png is 96 x 192 (height x width), the model takes 32 x 64: give --resize": {**bad, **large},
        "label_ids=hundreds": {**bad, **hundreds},
        "rgb.png: 8-bit RGB PNG": {**bad, "saved_model": model, "label_map": tmp_path / "rgb.png"},
        "palette.png: 8-bit palette PNG, expected 8-bit grey; save the class ids": {**bad, **paletted},
        "fps must lie in 0.01..100, received 0.0": {**bad, "saved_model": model, "fps": 0},
        "is neither a model folder": {**bad, "saved_model": tmp_path / "absent"},
        "it was not written by": {**bad, "saved_model": tmp_path / "broken"},
        "give one of --saved_model, --run_dir, --preset, --onnx and --openvino, received none": bad,
        "received --saved_model and --preset": {**bad, "saved_model": model, "preset": "street"},
        "unknown preset 'nowhere'": {**bad, "preset": "nowhere"},
        "absent/motion holds no run": {**bad, "run_dir": tmp_path / "absent"},
        "--output is a folder": {**bad, "output": tmp_path / "rgb.png"},
    }
    square, fit = resize_label_map(label_map, (64, 64)), {"resize": True, "fit": "letterbox"}
    write_label_map(tmp_path / "square.png", square)
    before.add(tmp_path / "square.png")
    cases["--fit=crop says how a map of another shape is resized: give --resize"] = {**bad, **large, "fit": "crop"}
    *refused, first, second, third, fourth, fifth = _run_several(
        "generate.py",
        *cases.values(),
        {**large, "resize": True, "output": tmp_path / "out/large"},
        {**hundreds, "label_ids": "hundreds", "output": tmp_path / "out/hundreds"},
        {**paletted, "palette": True, "output": tmp_path / "out/palette"},
        {**large, "label_map": tmp_path / "painted.png", "colors": "classes", "output": tmp_path / "out/painted"},
        {**large, "label_map": tmp_path / "square.png", **fit, "output": tmp_path / "out/square"},
    )
    _assert_refused(refused, cases)
    assert (first, second, third, fourth, fifth) == (None, None, None, None, None)
    written = {p for p in set(tmp_path.rglob("*")) - before if p.is_file()}
    kinds = ("large", "hundreds", "palette", "painted", "square")
    *names, _, _, _ = all_names = [f"out/{n}/frames/00/{i:04d}.png" for n in kinds for i in range(3)]
    assert written == {tmp_path / name for name in all_names}
    assert sorted(p.name for p in (tmp_path / "out/large/frames").glob("*/*")) == [
        *("0000.png", "0000.png", "0001.png", "0002.png", "notes.txt")
    ]
    pictures = np.stack([_pixels(tmp_path / name) for name in names]).reshape(4, 3, 32, 64, 3)
    _assert_same(pictures, np.repeat(pipe(label_map, seed=3).frames, 4, axis=0))
    # A square in a frame twice as wide: in the middle, and that alone is left of the video.
    whole = pipe(np.pad(resize_label_map(square, (32, 32)), ((0, 0), (16, 16)), mode="edge"), seed=3).frames[0]
    _assert_same(np.stack([_pixels(tmp_path / name) for name in all_names[-3:]]), whole[:, :, 16:48])


def test_generate_animates_a_picture_or_takes_its_style(pipe, saved_model, label_map, label_map_file, tmp_path):
    """A picture of another size is brought to the model's, here one of equal 2x2 blocks back to what it was."""
    picture = np.random.default_rng(0).integers(0, 256, (32, 64, 3), np.uint8)
    Image.fromarray(picture.repeat(2, axis=0).repeat(2, axis=1)).save(tmp_path / "picture.png")
    given = {"saved_model": saved_model, "label_map": label_map_file, "seed": 5, "formats": "png"}
    fields = {"flow_out": tmp_path / "flow", "visibility_out": tmp_path / "visibility"}
    *refused, animated, styled = _run_several(
        "generate.py",
        {**given, "output": tmp_path / "bad", "start_frame": tmp_path / "absent.png"},
        {**given, "output": tmp_path / "bad", "instance_map": label_map_file},
        {**given, "output": tmp_path / "animated", "start_frame": tmp_path / "picture.png", **fields},
        {**given, "output": tmp_path / "styled", "reference": tmp_path / "picture.png"},
    )
    _assert_refused(refused, ["absent.png", "instance_map: this model was trained without"])
    assert (animated, styled) == (None, None) and not (tmp_path / "bad").exists()
    for name, expected in (
        ("animated", pipe(label_map, seed=5, start_frame=picture)),
        ("styled", pipe(label_map, seed=5, reference=picture)),
    ):
        frames = [_pixels(tmp_path / f"{name}/frames/00/{i:04d}.png") for i in range(3)]
        _assert_same(frames, expected.frames[0])
    _assert_same(_pixels(tmp_path / "animated/frames/00/0000.png"), picture)
    assert len(list((tmp_path / "flow/00").glob("*.flo"))) == len(list((tmp_path / "visibility/00").iterdir())) == 4


def test_generate_changes_the_style_of_all_or_of_some_classes(pipe, run_dir, label_map, label_map_file, tmp_path):
    given = {"run_dir": run_dir, "label_map": label_map_file, "seed": 5, "formats": "png"}
    (present,) = {c.name for c in pipe.spec.classes if c.id == label_map[0, 0]}
    photo, picture = tmp_path / "photo.png", pipe(label_map, seed=8).start_frame[0]
    Image.fromarray(picture).save(photo)
    *refused, styled, restyled, of_photo = _run_several(
        "generate.py",
        {**given, "output": tmp_path / "bad", "start_frame": label_map_file, "style_seed": 9},
        {**given, "output": tmp_path / "bad", "reference": label_map_file, "style_seed": 9},
        {**given, "output": tmp_path / "bad", "restyle_seed": 9},
        {**given, "output": tmp_path / "bad", "restyle": "zeppelin"},
        {**given, "output": tmp_path / "styled", "style_seed": 9},
        {**given, "output": tmp_path / "restyled", "restyle": present, "restyle_seed": 9},
        {**given, "output": tmp_path / "photo", "restyle": present, "restyle_seed": 9, "reference": photo},
    )
    instead = f"--reference={label_map_file} instead of --start_frame, and no --style_seed"
    messages = [instead, "--reference and --style_seed both"]
    messages += ["--restyle_seed is the style"]
    _assert_refused(refused, [*messages, "no classes ['zeppelin']"])
    assert (styled, restyled, of_photo) == (None, None, None) and not (tmp_path / "bad").exists()
    frames = [_pixels(tmp_path / f"styled/frames/00/{i:04d}.png") for i in range(3)]
    _assert_same(frames, pipe(label_map, seed=5, style_seed=9).frames[0])
    # The corner has the style of seed 9, as if all had; what is far from that class keeps that of seed 5.
    start = _pixels(tmp_path / "restyled/frames/00/0000.png").astype(int)
    own, other = (pipe(label_map, seed=5, style_seed=s).start_frame[0].astype(int) for s in (5, 9))
    assert (start != own).any() and (start != other).any()
    assert abs(start - other)[0, 0].max() <= abs(own - other)[0, 0].max()
    # A photo's look, but for one class: what a photo that is animated as it is cannot have.
    start = _pixels(tmp_path / "photo/frames/00/0000.png").astype(int)
    in_its_style = pipe(label_map, seed=5, reference=picture).start_frame[0].astype(int)
    assert 0 < (start != in_its_style).mean() and abs(start - in_its_style).mean() < abs(start - own).mean()


def test_generate_goes_on_moves_as_a_clip_does_and_from_one_seed_to_another(
    pipe, saved_model, label_map, label_map_file, tmp_path
):
    clip = np.random.default_rng(0).integers(0, 256, (4, 32, 64, 3), np.uint8)
    # The sequence's maps are painted, the map that is to move is not: each input says what it is.
    for i, frame in enumerate(clip):
        for kind, picture in (("image", frame), ("label", colorize(label_map, pipe.spec))):
            (tmp_path / "clip" / kind).mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture).save(tmp_path / "clip" / kind / f"{i:04d}.png")
    given = {"saved_model": saved_model, "label_map": label_map_file, "seed": 5, "formats": "png"}
    moved = {"motion_of": tmp_path / "clip", "motion_colors": "classes"}
    *refused, long, transferred, between = _run_several(
        "generate.py",
        {**given, "output": tmp_path / "bad", "motion_of": tmp_path / "absent"},
        {**given, "output": tmp_path / "bad", "motion_of": tmp_path / "clip", "interpolate_to": 6},
        {**given, "output": tmp_path / "bad", "interpolate_to": 6},
        {**given, "output": tmp_path / "bad", "motion_label_ids": "trainIds"},
        {**given, "output": tmp_path / "long", "num_frames": 5, "z_walk": 0.5},
        {**given, "output": tmp_path / "transferred", **moved, "num_videos": 2},
        {**given, "output": tmp_path / "between", "interpolate_to": 6, "num_videos": 3},
    )
    messages = ["--motion_of: no folder", "both say how to move", "give --num_videos of at least 2"]
    _assert_refused(
        refused, [*messages, "--motion_label_ids says what the maps of --motion_of are, which is not given"]
    )
    assert (long, transferred, between) == (None, None, None) and not (tmp_path / "bad").exists()
    z = pipe.encode_motion(clip[:3], label_map)[0]
    first, last = (
        pipe(label_map, seed=5, start_frame=pipe(label_map, seed=5).start_frame[0], z=pipe.draw_motion(label_map, s))
        for s in (5, 6)
    )
    for name, video, expected in (
        ("long", 0, pipe(label_map, seed=5, num_frames=5, z_walk=0.5).frames[0]),
        ("transferred", 1, pipe(label_map, seed=5, num_videos=2, z=np.stack([z, z])).frames[1]),
        ("between", 0, first.frames[0]),
        ("between", 2, last.frames[0]),
    ):
        files = sorted((tmp_path / f"{name}/frames/{video:02d}").iterdir())
        np.testing.assert_allclose([_pixels(file).astype(int) for file in files], expected, atol=1, err_msg=name)


def test_doubts_about_the_map_of_motion_of_are_told_once_and_by_its_name(tmp_path):
    maps = np.full((32, 64), 255, np.uint8)  # ignored almost everywhere
    maps[0, 0] = 1
    for kind, picture in (("image", np.zeros((32, 64, 3), np.uint8)), ("label", maps)):
        (tmp_path / kind).mkdir()
        for t in range(3):
            Image.fromarray(picture).save(tmp_path / kind / f"{t}.png")
    code = f"""
import sys, types; sys.path.insert(0, {str(EXPERIMENTS)!r})
import generate, numpy as np
from seg2vid_tf.annotations.doubts import warn_of_doubts
from seg2vid_tf.annotations.spec import load_spec
spec = load_spec("synthetic_street")
def encode_motion(frames, label_map):
    warn_of_doubts(label_map, spec, "annotation")
    return np.zeros(3), None
pipe = types.SimpleNamespace(num_frames=2, spec=spec, size=(32, 64), encode_motion=encode_motion)
generate.flags.FLAGS(["generate.py", "--label_map=a", "--output=b", "--motion_of={tmp_path}"])
assert generate.chosen_motion(pipe, None).shape == (1, 3)
"""
    done = run_python("-c", code)
    assert done.returncode == 0 and done.stderr.count("of it is ignored") == 1, done.stderr
    assert f"--motion_of={tmp_path}: 100.0% of it is ignored" in done.stderr


def test_a_refusal_is_one_line_on_stderr_and_status_1(label_map_file, tmp_path):
    done = run_program("generate.py", label_map=label_map_file, output=tmp_path / "out", formats="avi", preset="street")
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr == "error: --formats knows gif, mp4, png and flow, received ['avi']\n"


def test_export_proves_the_next_version_and_refuses_bad_input(pipe, run_dir, label_map, tmp_path):
    models = tmp_path / "models"
    (models / "street/3").mkdir(parents=True)
    good = {"run_dir": run_dir, "root": models, "name": "street"}
    cases = {
        "absent/motion holds no run": {**good, "run_dir": tmp_path / "absent"},
        "absent.md": {**good, "card": tmp_path / "absent.md"},
        "3 exists: a version never changes": {**good, "version": 3},
    }
    *refused, done = _run_several("export.py", *cases.values(), good)
    _assert_refused(refused, cases)
    assert done is None
    assert sorted(p.name for p in (models / "street").iterdir()) == ["3", "4", "encoder"]
    card = (models / "street/4/assets.extra/MODEL_CARD.md").read_text(encoding="utf-8")
    assert card.startswith("# street\n") and "- size: 32 x 64" in card and "synthetic_street, 9 classes" in card
    exported = type(pipe).from_saved_model(models / "street")
    np.testing.assert_allclose(exported(label_map, seed=1).frames.astype(int), pipe(label_map, seed=1).frames, atol=1)
