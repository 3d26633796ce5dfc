"""Seg2VidPipeline: where it comes from, what it makes, and what it refuses."""

import concurrent.futures
import dataclasses
import json
import shutil
import threading
import time

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from seg2vid_tf import pipeline as pipeline_module
from seg2vid_tf.annotations.doubts import MapWarning
from seg2vid_tf.annotations.label_map import write_label_map
from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.compat import raw_variables
from seg2vid_tf.config import NOISE_VERSION
from seg2vid_tf.export_folder import (
    DESCRIPTION,
    SUMS,
    CannotLoad,
    encoder_folder,
    model_name,
    newest_version,
    preset_folder,
    read_description,
)
from seg2vid_tf.flow_file import read_flow
from seg2vid_tf.models.motion.latent_frequencies import sampling_stddev
from seg2vid_tf.models.seeds import MOTION_STREAM
from seg2vid_tf.ops.image import to_float, to_uint8
from seg2vid_tf.ops.noise import per_example_normal
from seg2vid_tf.pipeline import Seg2VidPipeline
from seg2vid_tf.run_folder import RunFolder
from seg2vid_tf.serving.session_loader import SessionLoader
from seg2vid_tf.serving.signatures import describe, signatures
from seg2vid_tf.traced_video import TracedVideo

SIZE = (32, 64)
SMALL = (16, 32)  # of the model that reads instance maps
FIELDS = ["frames", "flow", "flow_backward", "visibility", "visibility_backward"]


@pytest.fixture(scope="module")
def pipe_with_instances(saved_model_with_instances):
    return Seg2VidPipeline.from_saved_model(saved_model_with_instances)


def _assert_same(actual, expected):
    """Equal up to the order in which another batch or graph sums."""
    np.testing.assert_allclose(actual.frames.astype(int), expected.frames, atol=1)
    for name in FIELDS[1:]:
        np.testing.assert_allclose(getattr(actual, name), getattr(expected, name), atol=1e-2)


# Where it comes from.


def test_model_folder_gives_the_newest_version_and_a_version_folder_itself(
    pipe, saved_model, label_map, spec, tmp_path
):
    assert pipe.spec == spec and pipe.size == SIZE and pipe.num_frames == 2
    assert pipe.has_style_encoder and not pipe.uses_instances
    model = tmp_path / "model"
    for version in ("9", "10"):
        shutil.copytree(saved_model, model / version)
    (model / "9" / "saved_model.pb").write_bytes(b"older, and broken")
    newest = Seg2VidPipeline.from_saved_model(model)
    np.testing.assert_array_equal(newest(label_map, seed=3).frames, pipe(label_map, seed=3).frames)
    with pytest.raises(ValueError, match="9/saved_model.pb is not what was exported"):
        Seg2VidPipeline.from_saved_model(model / "9")
    (model / "9" / SUMS).unlink()  # as exports of before had none
    with pytest.raises(ValueError, match="9 cannot be loaded, export the model again"):
        Seg2VidPipeline.from_saved_model(model / "9")


def test_folders_without_an_export_are_refused(tmp_path, saved_model):
    for path in (tmp_path, tmp_path / "absent"):
        with pytest.raises(ValueError, match=f"{path} is neither a model folder .* nor a version folder"):
            Seg2VidPipeline.from_saved_model(path)
    other = tmp_path / "other" / "1"
    shutil.copytree(saved_model, other)
    (other / DESCRIPTION).write_text('{"spec": {}}')
    message = r"seg2vid.json lacks \['background_latent', 'instance_boundary', .*export the model again"
    with pytest.raises(ValueError, match=message):
        Seg2VidPipeline.from_saved_model(other)
    (other / DESCRIPTION).write_text("{")
    with pytest.raises(ValueError, match="seg2vid.json is not JSON"):
        Seg2VidPipeline.from_saved_model(other)
    (other / DESCRIPTION).unlink()
    with pytest.raises(ValueError, match="has no assets.extra/seg2vid.json: it was not written by"):
        Seg2VidPipeline.from_saved_model(other)


def test_an_export_of_before_has_all_in_one_and_still_works(seg2vid_with_instances, pipe_with_instances, tmp_path):
    """Written as until noise_version 1: every signature, gradients and all, in the version folder itself."""
    model, folder = seg2vid_with_instances, tmp_path / "model" / "1"
    functions = signatures(model)
    shell = tf.Module()
    shell.weights = [v for network in (model.generator, model.motion) for v in raw_variables(network)]
    traced = {
        name: tf.function(functions[name][0], input_signature=functions[name][1]).get_concrete_function()
        for name in ("from_tensor", "encode_motion", "recall")
    }
    tf.saved_model.save(shell, str(folder), signatures=traced)
    description = {key: value for key, value in describe(model).items() if key not in ("encoder", "noise_version")}
    (folder / DESCRIPTION).parent.mkdir()
    (folder / DESCRIPTION).write_text(json.dumps(description))
    with pytest.warns(UserWarning, match="its seeds are of the old kind"):
        old = Seg2VidPipeline.from_saved_model(tmp_path / "model")
    assert old.noise_version == 1 and not old.has_style_encoder
    ids = np.zeros(SMALL, np.uint8)
    ids[:6] = 6
    z = np.linspace(-1.0, 1.0, 10, dtype=np.float32)[None]
    given = {"seed": 3, "z": z, "instance_map": ids.astype(np.int32)}
    frames = np.random.default_rng(0).integers(0, 256, (2, *SMALL, 3), dtype=np.uint8)
    for mine, theirs in zip(
        old.encode_motion(frames, ids), pipe_with_instances.encode_motion(frames, ids), strict=True
    ):
        np.testing.assert_allclose(mine, theirs, atol=1e-3)
    assert old(ids, **given).frames.shape == (1, 2, *SMALL, 3)
    assert SessionLoader(folder).signatures.keys() == traced.keys()


def test_the_encoder_is_loaded_when_it_is_asked_for(saved_model, label_map, tmp_path):
    folder = tmp_path / "1"
    shutil.copytree(saved_model, folder)
    alone = Seg2VidPipeline.from_saved_model(folder)
    assert alone.has_style_encoder, "as its description says"
    assert alone(label_map).frames.shape == (1, 3, *SIZE, 3)
    frames = np.zeros((3, *SIZE, 3), np.uint8)
    with pytest.raises(
        ValueError, match="encoder/1 is missing, the model's encoder: copy the model's folder as a whole"
    ):
        alone.encode_motion(frames, label_map)
    shutil.copytree(encoder_folder(saved_model), encoder_folder(folder))
    mean, stddev = alone.encode_motion(frames, label_map)
    assert mean.shape == stddev.shape == (10,)


def test_an_old_export_says_that_its_seeds_are_of_the_old_kind(pipe, saved_model, label_map, tmp_path):
    folder = tmp_path / "1"
    shutil.copytree(saved_model, folder)
    (folder / SUMS).unlink()
    document = json.loads((folder / DESCRIPTION).read_text())
    assert document.pop("noise_version") == pipe.noise_version == NOISE_VERSION
    (folder / DESCRIPTION).write_text(json.dumps(document))
    with pytest.warns(UserWarning, match=r"its seeds are of the old kind \(noise_version 1, now 2\).*export the model"):
        old = Seg2VidPipeline.from_saved_model(folder)
    drawn = old.draw_motion(label_map, seed=5, num_videos=2, temperature=1.0)
    ratio = drawn / per_example_normal(tf.constant([5, 6], tf.int64), [pipe.latent_dim], MOTION_STREAM, 1).numpy()
    np.testing.assert_allclose(ratio[0], ratio[1], rtol=1e-4, err_msg="by the noise that its graph draws")
    videos = old(label_map, seed=5, num_videos=2, num_frames=3, z_walk=0.5)
    (folder / DESCRIPTION).write_text(json.dumps({**document, "noise_version": 1}))
    with pytest.warns(UserWarning, match="of the old kind"):
        again = Seg2VidPipeline.from_saved_model(folder)
    _assert_same(again(label_map, seed=5, num_videos=2, num_frames=3, z_walk=0.5), videos)
    (folder / DESCRIPTION).write_text(json.dumps({**document, "noise_version": 3}))
    with pytest.raises(ValueError, match=r"noise_version must lie in 1..2, received 3: .* newer seg2vid_tf"):
        Seg2VidPipeline.from_saved_model(folder)


def test_unknown_presets_are_refused():
    with pytest.raises(ValueError, match=r"unknown preset 'nowhere': .*saved_models holds \["):
        Seg2VidPipeline.from_preset("nowhere")


def test_a_run_gives_what_its_export_gives(pipe, run_dir, label_map):
    run = Seg2VidPipeline.from_run(run_dir)
    assert run.spec == pipe.spec and run.size == pipe.size
    _assert_same(run(label_map, seed=2, num_videos=2), pipe(label_map, seed=2, num_videos=2))
    frames = np.random.default_rng(0).integers(0, 256, (3, *SIZE, 3), np.uint8)
    _assert_same(run(label_map, reference=frames[0]), pipe(label_map, reference=frames[0]))
    _assert_same(run.reconstruct(frames, label_map), pipe.reconstruct(frames, label_map))


def test_a_run_of_stage_2_alone_animates_what_it_is_given(pipe, run_dir, label_map, tmp_path):
    (tmp_path / "motion").symlink_to(run_dir / "motion")
    with pytest.raises(ValueError, match="start_frame holds no run"):
        Seg2VidPipeline.from_run(tmp_path)
    run = Seg2VidPipeline.from_run(tmp_path, start_frame=False)
    frame = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)
    _assert_same(run(label_map, start_frame=frame, seed=3), pipe(label_map, start_frame=frame, seed=3))
    with pytest.raises(ValueError, match="start_frame: this model has no stage 1 to paint one, give it"):
        run(label_map)


def test_runs_that_are_not_whole_are_refused(run_dir, motion_config, tmp_path):
    def changed(name, stage="motion", config=None, spec=None, resave=True):
        """A copy of the run with one stage started anew; there is no checkpoint in it."""
        root = tmp_path / name
        shutil.copytree(run_dir, root)
        shutil.rmtree(root / stage)
        if resave:
            RunFolder(root / stage).start(
                stage, config or motion_config, spec or load_spec("synthetic_street"), "clips", resume=False
            )
        return root

    wide = dataclasses.replace(motion_config, model=dataclasses.replace(motion_config.model, width=128))
    cases = {
        changed("missing", resave=False): "missing holds no stage 2, which a video needs: train it with ",
        changed("first missing", stage="start_frame", resave=False): "start_frame holds no run",
        changed(
            "spec", spec=load_spec("cityscapes")
        ): "trained on spec 'synthetic_street', motion of .* on another, 'cityscapes'",
        changed("size", config=wide): "trained at 32x64, motion of .* at 32x128: train one",
        changed("untrained"): "motion has no checkpoint yet: train it first",
        tmp_path / "absent": "motion holds no run",
    }
    swapped = tmp_path / "swapped"
    for stage in ("start_frame", "motion"):
        shutil.copytree(run_dir / "motion", swapped / stage)
    cases[swapped] = "holds a 'motion' run, expected 'start_frame'"
    for root, message in cases.items():
        with pytest.raises(ValueError, match=message):
            Seg2VidPipeline.from_run(root)


def test_checkpoints_of_another_network_are_refused(run_dir, motion_config, spec, tmp_path):
    root = tmp_path / "run"
    shutil.copytree(run_dir, root)
    other = dataclasses.replace(motion_config, model=dataclasses.replace(motion_config.model, refiner_filters=(8, 12)))
    RunFolder(tmp_path / "other").start("motion", other, spec, "clips", resume=False)
    shutil.copy(tmp_path / "other" / "config.json", root / "motion")
    with pytest.raises(ValueError, match="motion cannot be restored: .*ckpt-4: variable"):
        Seg2VidPipeline.from_run(root)


# What it makes.


def test_shapes_and_types(pipe, label_map):
    out = pipe(label_map, seed=1, num_videos=2)
    assert out.frames.shape == (2, 3, *SIZE, 3) and out.frames.dtype == np.uint8
    for name, channels in (("flow", 2), ("flow_backward", 2), ("visibility", 1), ("visibility_backward", 1)):
        value = getattr(out, name)
        assert value.shape == (2, 2, *SIZE, channels) and value.dtype == np.float32
    np.testing.assert_array_equal(out.start_frame, out.frames[:, 0])
    assert np.abs(out.frames[:, 1:].astype(int) - out.frames[:, :1]).max() > 1, "it moves"


def test_integers_of_any_type_and_files_give_the_same_video(pipe, label_map, tmp_path):
    expected = pipe(label_map).frames
    np.testing.assert_array_equal(pipe(label_map.astype(np.int64)).frames, expected)
    write_label_map(tmp_path / "grey.png", label_map)
    palette = Image.fromarray(label_map)
    palette.putpalette(np.random.default_rng(0).integers(0, 256, 768, np.uint8).tobytes())
    palette.save(tmp_path / "palette.png")
    with Image.open(tmp_path / "palette.png") as image:
        assert image.mode == "P"
    np.testing.assert_array_equal(pipe(str(tmp_path / "grey.png")).frames, expected)
    np.testing.assert_array_equal(pipe(tmp_path / "grey.png").frames, expected)
    with pytest.raises(ValueError, match="palette.png: 8-bit palette PNG, expected 8-bit grey; .*palette=True"):
        pipe(tmp_path / "palette.png")


def test_video_i_of_seed_s_is_the_video_of_seed_s_plus_i(pipe, label_map):
    several = pipe(label_map, seed=5, num_videos=3)
    for i in range(3):
        alone = pipe(label_map, seed=np.int8(5 + i))
        one = {name: getattr(several, name)[i : i + 1] for name in FIELDS}
        _assert_same(alone, pipeline_module.Seg2VidOutput(**one, label_maps=None, frames_per_chunk=2))
    np.testing.assert_array_equal(pipe(label_map, seed=5, num_videos=3).frames, several.frames)
    assert np.abs(several.frames[0].astype(int) - several.frames[1]).max() > 1


def test_more_videos_than_fit_at_once(pipe, label_map):
    count = pipeline_module.MAX_BATCH + 1
    out = pipe(label_map, seed=-3, num_videos=count)
    assert all(len(getattr(out, name)) == count for name in FIELDS)
    np.testing.assert_allclose(out.frames[-1:].astype(int), pipe(label_map, seed=count - 4).frames, atol=1)


def test_a_batch_gives_each_map_and_seed_the_video_that_it_has_alone(pipe, label_map):
    other = label_map[:, ::-1].copy()
    maps, seeds = np.stack([label_map, other, label_map]), [5, 5, -2]
    options = {"num_frames": 3, "z_walk": 0.5, "temperature": 1.0}  # two chunks
    several = pipe.batch(maps, seeds, **options)
    for i, seed in enumerate(seeds):
        one = {name: getattr(several, name)[i : i + 1] for name in FIELDS}
        output = pipeline_module.Seg2VidOutput(**one, label_maps=None, frames_per_chunk=2)
        _assert_same(pipe(maps[i], seed=seed, **options), output)
    assert np.abs(several.frames[0].astype(int) - several.frames[1]).max() > 1
    for bad, message in (
        ((label_map, [1]), r"label_maps must be \[N,H,W\] with a seed for each, received \(32, 64\) and 1 seeds"),
        ((maps, [1]), r"received \(3, 32, 64\) and 1 seeds"),
        ((maps[:, :16], seeds), "label_maps: size 16x64"),
        ((maps, [1, 2, 2**63]), "must fit into int64"),
        ((maps, seeds, maps), "instance_map: this model was trained without"),
    ):
        with pytest.raises(ValueError, match=message):
            pipe.batch(*bad)


def test_z_replaces_the_motion_and_leaves_the_start_frame(pipe, label_map):
    count = pipeline_module.MAX_BATCH + 1
    z = np.random.default_rng(0).standard_normal((count, 10))  # float64 is welcome
    drawn, given = pipe(label_map, num_videos=count), pipe(label_map, num_videos=count, z=z)
    np.testing.assert_array_equal(given.start_frame, drawn.start_frame)
    assert np.abs(given.flow - drawn.flow).max() > 0.1
    last = pipe(label_map, seed=count - 1, z=z[-1:])
    np.testing.assert_allclose(given.flow[-1:], last.flow, atol=1e-2)


def test_a_given_start_frame_is_frame_0_and_keeps_the_seeds_motion(pipe, label_map):
    start = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)
    out = pipe(label_map, seed=1, num_videos=2, start_frame=start)
    np.testing.assert_array_equal(out.start_frame, [start, start])
    assert np.abs(out.flow[0] - out.flow[1]).max() > 0.1
    # Its own start frame given back gives the same video, up to what rounding it to uint8 moves.
    again = pipe(label_map, seed=1, start_frame=pipe(label_map, seed=1).start_frame[0])
    assert np.abs(again.frames.astype(int) - pipe(label_map, seed=1).frames).mean() < 2


def test_a_style_seed_gives_every_video_the_look_of_that_seed_and_leaves_its_motion(pipe, seg2vid, label_map):
    out = pipe(label_map, seed=5, num_videos=2, style_seed=9)
    seeds = tf.constant([5, 6], tf.int64)
    style = tf.repeat(seg2vid.start_frame_model.draw_style(tf.constant([9], tf.int64)), 2, axis=0)
    painted = to_uint8(seg2vid.start_frame_model.paint(np.repeat(label_map[None], 2, axis=0), style, seeds))
    np.testing.assert_allclose(out.start_frame.astype(int), painted, atol=1)
    z = pipe.draw_motion(label_map, seed=5, num_videos=2)
    _assert_same(out, pipe(label_map, seed=5, num_videos=2, style_seed=9, z=z))
    assert (out.start_frame != pipe(label_map, seed=5, num_videos=2).start_frame).any()


def test_a_reference_gives_every_video_its_style(pipe, seg2vid, label_map):
    count = pipeline_module.MAX_BATCH + 1
    reference = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)
    out = pipe(label_map, seed=5, num_videos=count, reference=reference)
    seeds = tf.range(5, 5 + count, dtype=tf.int64)
    style = tf.repeat(seg2vid.start_frame_model.encode_style(to_float(reference[None])), count, axis=0)
    label_maps = tf.repeat(tf.constant(label_map)[None], count, axis=0)
    expected = to_uint8(seg2vid.generate(label_maps, style, seg2vid.draw(seeds)[1], seeds)["start_frame"])
    np.testing.assert_allclose(out.start_frame.astype(int), expected, atol=1)
    drawn = pipe(label_map, seed=5, num_videos=count)
    assert np.abs(drawn.start_frame.astype(int) - out.start_frame).max() > 1
    assert np.abs(out.start_frame[0].astype(int) - out.start_frame[1]).max() > 1, "the noise is still the seed's"


def test_another_look_of_some_classes_is_refused_by_name_where_an_export_does_not_say_its_networks_sizes(label_map):
    for preset in ("synthetic_street", "weizmann_pose"):
        folder = newest_version(preset_folder(preset))
        pipe = Seg2VidPipeline({"from_tensor": None}, read_description(folder), name=model_name(folder))
        with pytest.raises(ValueError, match=f"^{preset}/[0-9]+ cannot paint .*: cityscapes$"):
            pipe.restyled_start_frame(label_map, ["car"], 5)


def test_networks_of_looks_that_cannot_be_loaded_and_classes_that_are_not_there_are_told():
    def load():
        raise OSError("gone")

    described = read_description(newest_version(preset_folder("cityscapes")))
    pipe, street = Seg2VidPipeline({"from_tensor": None}, described, None, load), np.zeros(described["size"], np.uint8)
    with pytest.warns(MapWarning, match="the label map shows no car, whose other look changes nothing"):
        with pytest.raises(CannotLoad, match="gone"):
            pipe.restyled_start_frame(street, ["road", "car"], 5)


def test_what_is_loaded_late_is_loaded_once_by_calls_at_one_time():
    loaded, both = [], threading.Barrier(2)

    def load():
        time.sleep(0.05)
        loaded.append("networks")
        return loaded

    get = pipeline_module._once(load)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda _: both.wait() + 1 and get(), range(2))) == [["networks"], ["networks"]]


def test_instances_part_what_the_label_map_does_not(pipe_with_instances):
    assert pipe_with_instances.uses_instances and not pipe_with_instances.has_style_encoder
    label_map = np.full(SMALL, 8, np.uint8)
    one, two = np.ones(SMALL, np.int64), np.ones(SMALL, np.uint16)
    two[:, 16:] = 26_001
    first, other = (pipe_with_instances(label_map, seed=3, num_videos=2, instance_map=m) for m in (one, two))
    assert first.frames.shape == (2, 2, *SMALL, 3)
    difference = np.abs(first.start_frame.astype(int) - other.start_frame).max(axis=(0, 1, 3))
    assert difference[12:20].max() > 1
    # An animation has its start frame already.
    animated = pipe_with_instances(label_map, seed=3, num_videos=2, start_frame=first.start_frame[0])
    np.testing.assert_array_equal(animated.start_frame[1], first.start_frame[0])


def test_reconstruct_starts_from_frame_0_of_the_clip(pipe, label_map):
    frames = np.random.default_rng(0).integers(0, 256, (3, *SIZE, 3), np.uint8)
    out = pipe.reconstruct(frames, label_map)
    assert out.frames.shape == (1, 3, *SIZE, 3)
    np.testing.assert_array_equal(out.start_frame[0], frames[0])
    np.testing.assert_array_equal(pipe.reconstruct(frames, label_map).frames, out.frames)
    other = pipe.reconstruct(np.concatenate([frames[:1], 255 - frames[1:]]), label_map)
    assert np.abs(other.flow - out.flow).max() > 0.01, "the later frames tell the motion"


def test_modes_of_reconstruction(pipe, label_map):
    frames = np.random.default_rng(0).integers(0, 256, (3, *SIZE, 3), np.uint8)
    mean, stddev = pipe.encode_motion(frames, label_map)
    drawn = pipe.draw_motion(label_map, 4)
    assert mean.shape == stddev.shape == (10,) and drawn.shape == (1, 10)
    # Only the prior is drawn narrower than it is.
    noise = drawn[0] / sampling_stddev((6, 4), 2, 0.5, 2.0)
    for mode, z in (("mean", mean), ("sample", mean + stddev * noise), ("prior", drawn[0])):
        expected = pipe(label_map, start_frame=frames[0], z=z[None])
        found = pipe.reconstruct(frames, label_map, mode, seed=4)
        np.testing.assert_allclose(found.flow, expected.flow, rtol=1e-5, atol=1e-5)
    with pytest.raises(ValueError, match="mode must be mean, sample or prior, received 'best'"):
        pipe.reconstruct(frames, label_map, mode="best")


def test_a_longer_video_goes_on_from_its_last_frame_and_label_map(pipe, label_map):
    long = pipe(label_map, seed=3, num_videos=2, num_frames=5)
    assert long.frames.shape == (2, 6, *SIZE, 3) and long.label_maps.shape == (2, 6, *SIZE)
    assert long.flow.shape == (2, 5, *SIZE, 2) and long.visibility.shape == (2, 5, *SIZE, 1)
    first = pipe(label_map, seed=3, num_videos=2)
    np.testing.assert_array_equal(first.frames[:, 0], long.frames[:, 0])
    np.testing.assert_array_equal(first.flow, long.flow[:, :2])
    np.testing.assert_array_equal(long.label_maps[:, 0], [label_map] * 2)
    z = pipe.draw_motion(label_map, 3, 2)
    for video in range(2):
        again = pipe(long.label_maps[video, 2], start_frame=long.frames[video, 2], z=z[video : video + 1])
        np.testing.assert_allclose(long.flow[video, 2:4], again.flow[0], atol=1e-4)
    traced = TracedVideo(first.frames[:, 0], first.label_maps[:, 0])
    shown, label_maps = traced.add(first.flow, first.visibility, first.frames[:, 1:], first.label_maps[:, 1:])
    np.testing.assert_array_equal(long.frames[:, 1:3], shown)
    np.testing.assert_array_equal(long.label_maps[:, 1:3], label_maps)
    short = pipe(label_map, seed=3, num_frames=1)
    assert short.frames.shape == (1, 2, *SIZE, 3) and short.flow.shape == (1, 1, *SIZE, 2)


def test_a_longer_video_of_one_known_motion_is_its_start_frame_moved_on_frame_by_frame(seg2vid, label_map):
    """Two pixels down and three to the left a frame, in chunks of two: seven frames, each sampled from frame 0."""
    start = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)
    y, x = np.meshgrid(*(np.arange(side) for side in SIZE), indexing="ij")
    begun = []

    def animate(start_frame, label_map, z):
        begun.append((start_frame[0], label_map[0]))
        np.testing.assert_array_equal(z, [[0.5] * 10])
        flow = np.stack([np.broadcast_to(np.float32([2, -3]) * t, (1, *SIZE, 2)) for t in (1, 2)], axis=1)
        seen = np.stack([(y >= 2 * t) & (x < SIZE[1] - 3 * t) for t in (1, 2)])[None, ..., None].astype(np.float32)
        # What the model shows itself is white, and of class 1; a pixel in sight is never taken from there.
        frames = np.concatenate([start_frame[:, None], np.full((1, 2, *SIZE, 3), 255, np.uint8)], axis=1)
        label_maps = np.concatenate([label_map[:, None], np.full((1, 2, *SIZE), 1, np.uint8)], axis=1)
        fields = {"flow": flow, "flow_backward": flow, "visibility": seen, "visibility_backward": seen}
        return {"frames": frames, "label_maps": label_maps, **fields}

    moved = Seg2VidPipeline({"animate_tensor": animate}, describe(seg2vid))
    video = moved(label_map, start_frame=start, z=np.full((1, 10), 0.5, np.float32), num_frames=7)
    assert video.frames.shape == (1, 8, *SIZE, 3) and video.flow.shape == (1, 7, *SIZE, 2)
    for t in range(8):
        seen = (y >= 2 * t) & (x < SIZE[1] - 3 * t)
        source = (y - 2 * t)[seen], (x + 3 * t)[seen]
        np.testing.assert_array_equal(video.frames[0, t][seen], start[source])
        np.testing.assert_array_equal(video.label_maps[0, t][seen], label_map[source])
        assert (video.frames[0, t][~seen] == 255).all() and (video.label_maps[0, t][~seen] == 1).all()
    np.testing.assert_array_equal(video.flow[0, :, 0, 0, 0], [2, 4, 2, 4, 2, 4, 2])
    assert len(begun) == 4
    for chunk, (frame, labels) in enumerate(begun):
        np.testing.assert_array_equal(frame, video.frames[0, 2 * chunk])
        np.testing.assert_array_equal(labels, video.label_maps[0, 2 * chunk])


def test_a_walk_changes_later_chunks_by_the_seed(pipe, label_map):
    kept = pipe(label_map, seed=3, num_frames=6)
    walked = pipe(label_map, seed=3, num_frames=6, z_walk=0.5)
    np.testing.assert_array_equal(walked.frames[:, :3], kept.frames[:, :3])
    assert np.abs(walked.flow[:, 2:] - kept.flow[:, 2:]).max() > 0.05
    np.testing.assert_array_equal(pipe(label_map, seed=3, num_frames=6, z_walk=0.5).frames, walked.frames)
    both = pipe(label_map, seed=2, num_videos=2, num_frames=6, z_walk=0.5)
    np.testing.assert_allclose(both.frames[1].astype(int), walked.frames[0], atol=3)


def test_the_temperature_says_how_much_drawn_motions_differ(pipe, seg2vid, label_map):
    assert pipe.temperature == seg2vid.temperature == 0.5
    # One wave along time: of each part the first two dimensions move the frame as a whole, the next two change once.
    widths = [1, 1, 0.44, 0.44, 0.25, 0.25, 1, 1, 0.44, 0.44]
    drawn = pipe.draw_motion(label_map, 3, 400, temperature=1.0)
    np.testing.assert_allclose(np.std(drawn, axis=0), widths, rtol=0.15)
    np.testing.assert_array_equal(pipe.draw_motion(label_map, 3, 400), 0.5 * drawn)
    np.testing.assert_array_equal(pipe.draw_motion(label_map, 3, 2, temperature=0.0), np.zeros([2, 10]))
    given = pipe(label_map, seed=3, z=pipe.draw_motion(label_map, 3, temperature=0.8))
    np.testing.assert_array_equal(pipe(label_map, seed=3, temperature=0.8).flow, given.flow)
    still, walked = (pipe(label_map, seed=3, num_frames=4, z_walk=w, temperature=0.0) for w in (0.0, 1.0))
    np.testing.assert_array_equal(still.flow, walked.flow)
    for wrong in (-0.1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=f"temperature must be finite and at least 0, received {wrong}"):
            pipe(label_map, temperature=wrong)
        with pytest.raises(ValueError, match=f"temperature must be finite and at least 0, received {wrong}"):
            pipe.draw_motion(label_map, 0, temperature=wrong)


def test_a_model_with_a_memory_recalls_motions_by_label_map(saved_model_with_instances, seg2vid_with_instances, spec):
    pipe, memory = Seg2VidPipeline.from_saved_model(saved_model_with_instances), seg2vid_with_instances.motion.memory
    label_map = np.random.default_rng(0).integers(0, spec.num_classes, pipe.size, np.uint8)
    frame = np.random.default_rng(1).integers(0, 256, (*pipe.size, 3), np.uint8)
    motions = np.asarray(memory.motions)
    likest = pipe.draw_motion(label_map, 5, temperature=0.0)[0]
    assert np.abs(motions - likest).max(axis=1).min() < 1e-6, "one of the remembered ones, as it is"
    drawn = pipe.draw_motion(label_map, 5, 12)
    found = {int(np.argmin(np.abs(motions - z).max(axis=1))) for z in drawn}
    assert found == {0, 1, 2}, "each seed recalls one of three"
    # A longer video recalls for each chunk's own label map; what encode_motion gave is left as it is.
    video = pipe(label_map, seed=5, start_frame=frame, num_frames=2)
    z = pipe.draw_motion(video.label_maps[0, 1], 5)
    again = pipe(video.label_maps[0, 1], start_frame=video.frames[0, 1], z=z)
    np.testing.assert_allclose(video.flow[0, 1], again.flow[0, 0], atol=1e-4)
    kept = pipe(label_map, start_frame=frame, num_frames=2, z=z)
    again = pipe(kept.label_maps[0, 1], start_frame=kept.frames[0, 1], z=z)
    np.testing.assert_allclose(kept.flow[0, 1], again.flow[0, 0], atol=1e-4)


def test_motions_between_two():
    first, last = np.array([3.0, 0.0]), np.array([0.0, 3.0])
    between = pipeline_module.interpolate_motion(first, last, 3)
    np.testing.assert_allclose(between, [[3, 0], [3 / np.sqrt(2)] * 2, [0, 3]], atol=1e-5)
    np.testing.assert_allclose(pipeline_module.interpolate_motion(first, first, 2), [first, first], atol=1e-3)
    with pytest.raises(ValueError, match="count must be at least 2, received 1"):
        pipeline_module.interpolate_motion(first, last, 1)


def test_an_output_saves_itself(pipe, label_map, tmp_path):
    out = pipe(label_map, num_videos=2)
    out.save_gif(tmp_path / "v.gif", fps=10)
    out.save_frames(tmp_path / "frames")
    out.save_flow(tmp_path / "flow.png")
    with Image.open(tmp_path / "v.gif") as image:
        assert image.n_frames == 3 and image.size == (128, 32)
    with Image.open(tmp_path / "flow.png") as image:
        assert image.size == (2 * 64 + 2, 2 * 32 + 2)
    for video in range(2):
        for frame in range(3):
            with Image.open(tmp_path / "frames" / f"{video:02d}" / f"{frame:04d}.png") as image:
                np.testing.assert_array_equal(np.asarray(image), out.frames[video, frame])


def test_flow_and_visibility_each_way_in_files(pipe, label_map, tmp_path):
    out = pipe(label_map, num_videos=2)
    out = dataclasses.replace(out, visibility=out.visibility * 0.5)
    out.save_flow_files(tmp_path / "flow")
    out.save_visibility(tmp_path / "visibility")
    ways = ["0000_to_0001", "0000_to_0002", "0001_to_0000", "0002_to_0000"]
    for video in range(2):
        flows, masks = tmp_path / f"flow/{video:02d}", tmp_path / f"visibility/{video:02d}"
        assert sorted(p.name for p in flows.iterdir()) == sorted(w + s for w in ways for s in (".flo", ".png"))
        assert sorted(p.name for p in masks.iterdir()) == [w + ".png" for w in ways]
        for t in (1, 2):
            # The pixel p of frame t came from p - flow_t(p), so it moves by -flow_t(p) on its way to the start frame.
            np.testing.assert_array_equal(read_flow(flows / f"000{t}_to_0000.flo"), -out.flow[video, t - 1])
            np.testing.assert_array_equal(read_flow(flows / f"0000_to_000{t}.flo"), out.flow_backward[video, t - 1])
            for name, mask in ((f"000{t}_to_0000", out.visibility), (f"0000_to_000{t}", out.visibility_backward)):
                with Image.open(masks / f"{name}.png") as image:
                    assert image.mode == "L"
                    np.testing.assert_allclose(np.asarray(image) / 255, mask[video, t - 1, ..., 0], atol=0.5 / 255)
    pipe(label_map, num_frames=3).save_visibility(tmp_path / "long")
    assert [p.name for p in sorted((tmp_path / "long/00").iterdir())] == [
        f"{way}.png" for way in sorted([*ways, "0002_to_0003", "0003_to_0002"])
    ]


# What it refuses.

IDS = np.zeros(SIZE, np.uint8)
UNKNOWN = IDS.copy()
UNKNOWN[2, 2] = 9
BAD_ARRAYS = {
    "wrong size": (IDS[:, :60], "annotation: size 32x60 .height x width., expected 32x64; resize it by nearest"),
    "unknown id": (UNKNOWN, r"annotation: ids \[9\] are not in spec 'synthetic_street' \(0..8, 255 = ignored\)"),
    "negative id": (np.full(SIZE, -1), r"annotation: ids \[-1\] are not in spec"),
    "float": (IDS.astype(np.float32), "annotation: dtype float32, expected uint8 class ids"),
    "one-hot": (
        np.eye(9, dtype=np.uint8)[IDS],
        r"annotation: a label map is \[height, width\], received shape \(32, 64, 9\)",
    ),
    "batch": (IDS[None], r"annotation: a label map is \[height, width\], received shape \(1, 32, 64\)"),
    "nothing": (np.array(None), r"annotation: a label map is \[height, width\], received shape \(\)"),
}


@pytest.mark.parametrize("kind", BAD_ARRAYS)
def test_bad_label_maps_are_refused(pipe, kind):
    array, message = BAD_ARRAYS[kind]
    with pytest.raises(ValueError, match=message):
        pipe(array)
    with pytest.raises(ValueError, match=message):
        pipe.reconstruct(np.zeros((3, *SIZE, 3), np.uint8), array)


BAD_FILES = {
    "rgb.png": (Image.fromarray(np.zeros((*SIZE, 3), np.uint8)), "8-bit RGB PNG, expected 8-bit grey"),
    "deep.png": (Image.fromarray(IDS.astype(np.uint16)), "16-bit grey PNG, expected 8-bit grey"),
    "map.jpg": (Image.fromarray(IDS), "not a PNG file .a JPEG file."),
    "small.png": (Image.fromarray(IDS[:16]), "size 16x64 .height x width., expected 32x64"),
    "unknown.png": (Image.fromarray(UNKNOWN), r"ids \[9\] are not in spec"),
    "absent.png": (None, "no such file"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files_are_refused(pipe, tmp_path, name):
    image, message = BAD_FILES[name]
    if image is not None:
        image.save(tmp_path / name)
    with pytest.raises(ValueError, match=f"{tmp_path / name}: {message}"):
        pipe(tmp_path / name)


BAD_ARGUMENTS = {
    "z NaN": (
        {"z": np.full((1, 10), np.nan)},
        "z: 10 of 10 values are NaN or infinite: draw it from a standard normal",
    ),
    "z shape": ({"z": np.zeros((1, 9))}, r"z must be float32 \(1, 10\), one row per video, received \(1, 9\)"),
    "z rows": ({"z": np.zeros((1, 10)), "num_videos": 2}, r"z must be float32 \(2, 10\), one row per video"),
    "start float": (
        {"start_frame": np.zeros((*SIZE, 3), np.float32)},
        r"start_frame must be uint8 \(32, 64, 3\), received float32 \(32, 64, 3\)",
    ),
    "start size": (
        {"start_frame": np.zeros((64, 32, 3), np.uint8)},
        r"start_frame must be uint8 \(32, 64, 3\), received uint8 \(64, 32, 3\)",
    ),
    "reference size": (
        {"reference": np.zeros((16, 64, 3), np.uint8)},
        r"reference must be uint8 \(32, 64, 3\), received uint8 \(16, 64, 3\)",
    ),
    "reference float": ({"reference": np.zeros((*SIZE, 3))}, "reference must be uint8 .*, received float64"),
    "two styles": (
        {"style_seed": 1, "reference": np.zeros((*SIZE, 3), np.uint8)},
        "reference and style_seed both say which style the start frame has",
    ),
    "style beside start": (
        {"start_frame": np.zeros((*SIZE, 3), np.uint8), "style_seed": 1},
        "style_seed would not be used, leave out: start_frame skips stage 1",
    ),
    "reference beside start": (
        {"start_frame": np.zeros((*SIZE, 3), np.uint8), "reference": np.zeros((*SIZE, 3), np.uint8)},
        "reference would not be used, leave out: start_frame skips stage 1",
    ),
    "instances beside start": (
        {"start_frame": np.zeros((*SIZE, 3), np.uint8), "instance_map": np.zeros(SIZE, np.uint8)},
        "instance_map would not be used, leave out: start_frame skips stage 1",
    ),
    "instances to a model without": (
        {"instance_map": np.zeros(SIZE, np.int32)},
        "instance_map: this model was trained without, leave it out",
    ),
    "no frames": ({"num_frames": 0}, "num_frames must be at least 1, received 0"),
    "a walk too far": ({"z_walk": 1.5}, "z_walk must lie in 0..1, received 1.5"),
    "no videos": ({"num_videos": 0}, "num_videos must be at least 1, received 0"),
    "seed type": ({"seed": 1.5}, "seed must be an integer, received 1.5"),
    "seed range": ({"seed": 2**63 - 1, "num_videos": 2}, "must fit into int64, received seed 9223372036854775807"),
}


@pytest.mark.parametrize("kind", BAD_ARGUMENTS)
def test_bad_arguments_are_refused(pipe, label_map, kind):
    arguments, message = BAD_ARGUMENTS[kind]
    with pytest.raises(ValueError, match=message):
        pipe(label_map, **arguments)


def test_a_model_with_instances_refuses_calls_without_and_bad_ones(pipe_with_instances):
    label_map = np.zeros(SMALL, np.uint8)
    with pytest.raises(ValueError, match=r"instance_map: this model needs one, integers \[H,W\]"):
        pipe_with_instances(label_map)
    for bad, received in (
        (np.zeros((16, 16), np.int32), r"int32 \(16, 16\)"),
        (np.zeros(SMALL), r"float64 \(16, 32\)"),
    ):
        with pytest.raises(ValueError, match=rf"instance_map must be integers \(16, 32\), received {received}"):
            pipe_with_instances(label_map, instance_map=bad)


def test_a_model_without_style_encoder_refuses_a_reference(pipe_with_instances):
    with pytest.raises(ValueError, match="reference: this model has no style encoder, leave it out"):
        pipe_with_instances(
            np.zeros(SMALL, np.uint8),
            reference=np.zeros((*SMALL, 3), np.uint8),
            instance_map=np.zeros(SMALL, np.int32),
        )


def test_bad_clips_are_refused(pipe, label_map):
    for frames in (
        np.zeros((4, *SIZE, 3), np.uint8),
        np.zeros((3, *SIZE, 3), np.float32),
        np.zeros((3, *SIZE), np.uint8),
    ):
        with pytest.raises(ValueError, match=r"frames must be uint8 \(3, 32, 64, 3\), received"):
            pipe.reconstruct(frames, label_map)
