"""The training programs: what they refuse, in one line and with no run folder claimed, and what a run's data are."""

import dataclasses
import json
import os
import pathlib
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.compat import raw_variables
from seg2vid_tf.config import MOTION_PRESETS, START_FRAME_PRESETS
from seg2vid_tf.data.clip_source import ClipList
from seg2vid_tf.data.shard_writer import write_shards
from seg2vid_tf.data.shards import load_manifest
from seg2vid_tf.data.synthetic_street import SyntheticStreet
from seg2vid_tf.export_folder import DESCRIPTION
from seg2vid_tf.exported_weights import network_sizes
from seg2vid_tf.models.restore import seg2vid_from_run
from seg2vid_tf.run_folder import RunFolder
from seg2vid_tf.serving.export import export
from seg2vid_tf.serving.model_card import model_card
from seg2vid_tf.training import program
from seg2vid_tf.training.fingerprint import fingerprint
from seg2vid_tf.training.motion_trainer import MotionTrainer
from seg2vid_tf.training.program import claimed_run, recorded_precision, say_new_steps
from seg2vid_tf.training.start_frame_trainer import StartFrameTrainer
from seg2vid_tf.training.start_from import average_with_start, first_networks, start_from
from tests.programs import run_several
from tests.settings import needs_bfloat16
from tests.stacks import on_first_stack

EXPERIMENTS = pathlib.Path(__file__).resolve().parents[2] / "experiments"


def assert_refused(ending, message):
    assert ending.startswith("error: ") and message in ending and "\n" not in ending, ending


@on_first_stack
def test_what_cannot_be_trained_claims_no_run_folder(street_data, more_data, tmp_path):
    run_dir = tmp_path / "run"
    line = [EXPERIMENTS / "train_motion.py", f"--data_dir={street_data}", f"--run_dir={run_dir}", "--height=32"]
    line += ["--width=64"]
    still = more_data / "data"
    (crop, short, exact), _ = run_several(
        [
            [*line, "--num_frames=2", "--crop=2"],
            [*line, "--num_frames=9"],
            [*line, "--num_frames=2", f"--data_dir={still}", "--flow_weight=1"],
        ]
    )
    assert_refused(crop, "crop must")
    assert_refused(exact, f"{still / 'train'}: it holds no exact motion, which flow_weight and occlusion_weight")
    assert_refused(short, "every clip is shorter than a window of 10 frames")
    assert not run_dir.exists()


@pytest.fixture(scope="module")
def more_data(spec, tmp_path_factory):
    """Two further splits, "same" and "other", of the same spec and of another one; "data", both splits of the other."""
    root = tmp_path_factory.mktemp("more")
    for split, split_spec in (("same", spec), ("other", dataclasses.replace(spec, name="mine", ignore_id=200))):
        write_shards(ClipList(SyntheticStreet([50, 51], 4, 32, 64, with_motion=False), split_spec), root, split=split)
    for split in ("train", "validation"):
        write_shards(
            ClipList(SyntheticStreet([52], 4, 32, 64, with_motion=False), split_spec), root / "data", split=split
        )
    return root


@pytest.fixture(scope="module")
def lpips_path(tmp_path_factory):
    """LPIPS with one channel a layer, all of them constant: every distance is 0."""
    arrays = {}
    for i, (size, channels) in enumerate(((11, 3), (5, 1), (3, 1), (3, 1), (3, 1)), 1):
        arrays[f"conv{i}_w"] = np.zeros((size, size, channels, 1), np.float32)
        arrays[f"conv{i}_b"], arrays[f"lin{i - 1}"] = np.ones(1, np.float32), np.ones(1)
    path = tmp_path_factory.mktemp("lpips") / "weights.npz"
    np.savez(path, **arrays)
    return path


@on_first_stack
def test_stage_1_starts_from_another_run_trains_on_two_splits_and_measures(
    smallest_start_frame, with_model, with_training, command_line, street_data, more_data, lpips_path, spec, tmp_path
):
    keras.utils.set_random_seed(1)
    source, source_run = StartFrameTrainer(smallest_start_frame, spec), RunFolder(tmp_path / "first" / "start_frame")
    source_run.start("start_frame", smallest_start_frame, spec, "data", False)
    source_run.save(source.checkpointed, 1)
    config = with_model(smallest_start_frame, height=32, width=64)  # LPIPS takes nothing smaller
    # A learning rate of next to nothing: what the run ends with is what it started from.
    config = with_training(config, steps=2, measure_every=1, accumulate=2, batch_size=2, seed=2, learning_rate=1e-12)
    config = with_training(config, init_from=str(tmp_path / "first"))
    run_dir, refused_dir = tmp_path / "run", tmp_path / "refused"
    line = [EXPERIMENTS / "train_start_frame.py", f"--data_dir={street_data}", *command_line(config)]
    more = f"--more_train_data={more_data / 'same'}"
    good = [*line, f"--run_dir={run_dir}", more, f"--lpips_path={lpips_path}", "--measured_frames=3"]
    bad = [*line, f"--run_dir={refused_dir}"]
    refusals = {
        "batch_size 2 does not divide by 1 devices times accumulate 4: make it a multiple of 4": [
            *bad,
            "--accumulate=4",
        ],
        f"{more_data / 'other'}: spec 'mine', but {street_data / 'train'} has another, 'synthetic_street'": [
            *bad,
            f"{more},{more_data / 'other'}",
        ],
        "split_dir must be one split or several different ones": [*bad, f"--more_train_data={street_data / 'train'}"],
        "absent.npz": [*bad, f"--lpips_path={tmp_path / 'absent.npz'}"],
        "absent.tflite": [*bad, f"--segmenter_path={tmp_path / 'absent.tflite'}"],
        # The run that is there has seen the second split too.
        "it differs in data: ": [*good, "--resume", "--more_train_data="],
    }
    # With --resume it would train on, had it not taken its steps.
    (trained, resumed, *endings), printed = run_several([good, [*good, "--resume"], *refusals.values()])
    assert trained is None and resumed is None, (trained, resumed)
    for ending, message in zip(endings, refusals, strict=True):
        assert_refused(ending, message)
    assert not refused_dir.exists()
    folder = run_dir / "start_frame"
    document = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    splits = [load_manifest(split) for split in (street_data / "train", more_data / "same")]
    assert document["data"] == fingerprint(splits) != fingerprint(splits[:1])
    lines = [json.loads(text) for text in (folder / "measures.jsonl").read_text(encoding="utf-8").splitlines()]
    assert lines == [{"step": step, "frames": 3, "lpips": 0.0, "lpips_between_seeds": 0.0} for step in (1, 2)]
    assert printed.count("held out, step") == 2
    before, after = _generator(source_run.checkpoints / "ckpt-1"), _generator(folder / "checkpoints" / "ckpt-2")
    assert before.keys() == after.keys() and len(after) > 20
    for name, value in before.items():
        np.testing.assert_allclose(after[name], value, atol=1e-9, err_msg=name)


def test_stage_2_starts_from_one_that_predicts_fewer_frames(smallest_motion, with_model, spec, tmp_path):
    def build(**changes):
        return MotionTrainer(with_model(smallest_motion, **changes), spec)

    source, folder = build(), RunFolder(tmp_path / "motion")
    source.motion.decoder.stem.conv.bias.assign(tf.range(8.0))
    folder.start("motion", source.config, spec, "data", False)
    folder.save(source.checkpointed, 1)
    longer = build(num_frames=3)
    start_from(tmp_path, "motion", longer)
    np.testing.assert_array_equal(longer.motion.decoder.stem.conv.bias, range(8))
    with pytest.raises(ValueError, match="are others: num_frames: 2 -> 1"):
        start_from(tmp_path, "motion", build(num_frames=1))


@pytest.fixture(scope="module")
def run_with_memory(smallest_motion, with_model, spec, tmp_path_factory):
    """(the trainer, the folder of its run) of stage 2 that remembers two motions, after a step."""
    root = tmp_path_factory.mktemp("memory")
    source, folder = MotionTrainer(with_model(smallest_motion, memory=2), spec), RunFolder(root / "motion")
    source.motion.decoder.stem.conv.bias.assign(tf.range(8.0))
    folder.start("motion", source.config, spec, "data", False)
    folder.save(source.checkpointed, 1)
    return source, root


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"memory": 2},
        {"memory": 3},
        {"prior_rank": 2, "temperature": 1.0},
        {"memory": 2, "instance_motion": True},
        {"flow_scale": 8.0},
    ],
)
def test_stage_2_starts_from_one_with_other_draws_or_things(other, run_with_memory, smallest_motion, with_model, spec):
    source, root = run_with_memory
    trainer = MotionTrainer(with_model(smallest_motion, **other), spec)
    start_from(root, "motion", trainer)
    for theirs, ours in zip(source.motion.trainable_variables, trainer.motion.trainable_variables, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_fingerprint_follows_all_shards_in_order():
    one, two = {"shards": [{"sha256": "aa"}, {"sha256": "bb"}]}, {"shards": [{"sha256": "cc"}]}
    assert fingerprint([one, two]) == fingerprint([{"shards": [*one["shards"], *two["shards"]]}])
    different = [[one], [two], [one, two], [two, one], [{"shards": one["shards"][::-1]}, two]]
    assert len({fingerprint(manifests) for manifests in different}) == len(different)


def test_a_fingerprint_follows_what_the_perceptual_file_holds(tmp_path):
    for name, content in (("a", b"one"), ("moved", b"one"), ("other", b"two")):
        (tmp_path / name).write_bytes(content)
    without, a, moved, other = (fingerprint([], name and str(tmp_path / name)) for name in ("", "a", "moved", "other"))
    assert a == moved and len({without, a, other}) == 3


@on_first_stack
def test_what_a_run_cannot_start_from_is_refused(
    smallest_motion, with_training, command_line, street_data, more_data, spec, tmp_path
):
    def flags(init_from, data_dir=street_data):
        config = with_training(smallest_motion, steps=1, init_from=str(init_from))
        program = EXPERIMENTS / "train_motion.py"
        return [program, f"--data_dir={data_dir}", f"--run_dir={tmp_path / 'refused'}", *command_line(config)]

    source, folder = MotionTrainer(smallest_motion, spec), RunFolder(tmp_path / "first" / "motion")
    folder.start("motion", smallest_motion, spec, "data", False)
    folder.save(source.checkpointed, 1)
    endings, _ = run_several([flags(tmp_path / "absent"), flags(tmp_path / "first", more_data / "data")])
    assert_refused(endings[0], "absent/motion holds no run")
    assert_refused(endings[1], "was trained on spec 'synthetic_street', this data has 'mine'")
    assert not (tmp_path / "refused").exists()


@pytest.mark.parametrize(
    ("steps", "decay", "said"),
    [
        # Step 6 of 8 is half-way down the last 4 of them; of 12 it is where the last 6 begin, of 16 before the last 8.
        (12, 0.5, "learning rate, which is counted from it (--decay=0.5), goes on at 0.001, not at 0.0005\n"),
        (16, 0.5, "learning rate, which is counted from it (--decay=0.5), goes on at 0.001, not at 0.0005\n"),
        (12, 0.0, "learning rate goes on at 0.001\n"),
        (8, 0.5, ""),
    ],
)
def test_a_run_that_goes_on_for_more_steps_says_at_what_rate(
    steps, decay, said, smallest_motion, with_training, spec, tmp_path, capsys
):
    config = with_training(smallest_motion, steps=8, decay=decay, learning_rate=1e-3)
    folder = RunFolder(tmp_path)
    folder.start("motion", config, spec, "data", False)
    module = tf.Module()
    module.weight = tf.Variable(0.0)
    folder.save({"net": module}, 6)
    say_new_steps(folder, "motion", with_training(config, steps=steps).training)
    assert capsys.readouterr().out == (said and f"--steps was 8 and is {steps}: after step 6 the {said}")


def test_a_second_program_finds_the_folder_in_use_before_it_reads_anything(tmp_path, monkeypatch):
    values = types.SimpleNamespace(run_dir=str(tmp_path), resume=True)
    monkeypatch.setattr(program, "flags", types.SimpleNamespace(FLAGS=values))
    monkeypatch.setattr(program, "config_from_flags", lambda presets, values: presets["tiny"])
    with claimed_run("motion", MOTION_PRESETS) as folder:
        assert folder.path == tmp_path / "motion"
        with pytest.raises(ValueError, match=rf"motion is in use by process {os.getpid()} on "):
            with claimed_run("motion", MOTION_PRESETS):
                pass
        with claimed_run("start_frame", START_FRAME_PRESETS):
            pass
    assert list(tmp_path.iterdir()) == []


@needs_bfloat16
def test_a_run_without_a_checkpoint_goes_on_in_its_precision(
    smallest_motion, with_training, command_line, street_data, spec, tmp_path
):
    """It was stopped before its first one: its config.json says all the same how it began."""
    folder = RunFolder(tmp_path / "motion")
    assert recorded_precision(folder, "motion") is None
    folder.start("motion", with_training(smallest_motion, precision="mixed_bfloat16"), spec, "others", False)
    line = [EXPERIMENTS / "train_motion.py", f"--data_dir={street_data}", f"--run_dir={tmp_path}", "--resume"]
    (ending,), printed = run_several([[*line, *command_line(smallest_motion), "--precision=auto"]])
    assert "precision: mixed_bfloat16, as the run began" in printed, ending
    assert_refused(ending, "it differs in data: ")
    assert "precision" not in ending


def _generator(prefix):
    """{key: value} of the generator's variables in a checkpoint."""
    reader = tf.train.load_checkpoint(str(prefix))
    return {key: reader.get_tensor(key) for key in reader.get_variable_to_shape_map() if key.startswith("generator/")}


def test_stage_1_starts_from_the_average_and_refuses_other_networks(
    smallest_start_frame, with_model, spec, tmp_path, capsys
):
    def build(seed, **changes):
        keras.utils.set_random_seed(seed)
        return StartFrameTrainer(with_model(smallest_start_frame, **changes), spec)

    source, folder = build(1), RunFolder(tmp_path / "run" / "start_frame")
    for variable in raw_variables(source.averages["generator"]):
        variable.assign_add(tf.ones_like(variable))
    folder.start("start_frame", smallest_start_frame, spec, "data", False)
    with pytest.raises(ValueError, match="init_from: .*run/start_frame has no checkpoint yet"):
        start_from(tmp_path / "run", "start_frame", build(2))
    folder.save(source.checkpointed, 3)
    trainer = build(2, height=32)
    start_from(tmp_path / "run", "start_frame", trainer)
    for network in (trainer.networks["generator"], trainer.averages["generator"]):
        for ours, theirs in zip(raw_variables(network), raw_variables(source.averages["generator"]), strict=True):
            np.testing.assert_array_equal(ours, theirs)
    for ours, theirs in zip(
        raw_variables(trainer.adversary.discriminator), raw_variables(source.adversary.discriminator), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
    # Another discriminator starts anew, beside the same generator.
    for sizes in ({"discriminator": "multiscale"}, {"segmentation_filters": (4, 4, 4)}):
        trainer, fresh = build(2, **sizes), build(2, **sizes)
        start_from(tmp_path / "run", "start_frame", trainer)
        assert "the discriminator starts anew, as it is another: " in capsys.readouterr().out
        for name, expected in (("generator", source.averages["generator"]), ("discriminator", fresh)):
            expected = expected.adversary.discriminator if expected is fresh else expected
            pairs = zip(raw_variables(trainer.checkpointed[name]), raw_variables(expected), strict=True)
            for ours, theirs in pairs:
                np.testing.assert_array_equal(ours, theirs, err_msg=name)
    with pytest.raises(ValueError, match="are others: spade_filters: 4 -> 8"):
        start_from(tmp_path / "run", "start_frame", build(2, discriminator="multiscale", spade_filters=8))
    for file in folder.checkpoints.glob("*.index"):
        file.write_bytes(b"broken")
    with pytest.raises(ValueError, match="ckpt-3 cannot be read, bring back a good copy"):
        start_from(tmp_path / "run", "start_frame", build(2))


def test_a_model_with_a_palette_starts_from_one_without_and_ends_part_of_the_way_back(
    smallest_start_frame, with_model, with_training, spec, tmp_path
):
    """All but the palette is taken over; at the end the palette stays whole, and the rest goes back."""
    keras.utils.set_random_seed(1)
    source = StartFrameTrainer(smallest_start_frame, spec)
    folder = RunFolder(tmp_path / "run/start_frame")
    folder.start("start_frame", smallest_start_frame, spec, "data", False)
    folder.save(source.checkpointed, 3)
    config = with_training(with_model(smallest_start_frame, class_colors=True), init_from=str(tmp_path / "run"))
    trainer = StartFrameTrainer(with_training(config, init_share=0.25), spec)
    start_from(tmp_path / "run", "start_frame", trainer)
    firsts = first_networks(tmp_path / "run", trainer)  # read before the first step
    for name, network in trainer.averages.items():
        added = {id(v) for v in network.palette_variables}
        assert added
        taken = [v for v in raw_variables(network) if id(v) not in added]
        for variable, start in zip(taken, raw_variables(source.averages[name]), strict=True):
            np.testing.assert_array_equal(variable, start)
        ends = [v.assign_add(tf.ones_like(v)).numpy() for v in raw_variables(network)]
        starts = iter(raw_variables(source.averages[name]))
        average_with_start({f"{name}_average": firsts[f"{name}_average"]}, trainer, 0.25)
        for variable, end in zip(raw_variables(network), ends, strict=True):
            start = end if id(variable) in added else next(starts).numpy()
            np.testing.assert_allclose(variable, 0.75 * end + 0.25 * start, atol=1e-6)
        assert next(starts, None) is None
    RunFolder(tmp_path / "with/start_frame").start("start_frame", config, spec, "data", False)
    with pytest.raises(ValueError, match="are others: class_colors: True -> False"):
        start_from(tmp_path / "with", "start_frame", source)


def test_a_run_ends_part_of_the_way_back_to_where_it_began(smallest_start_frame, spec, with_training, tmp_path):
    def build(seed, **changed):
        keras.utils.set_random_seed(seed)
        return StartFrameTrainer(with_training(smallest_start_frame, **changed), spec)

    source = build(1)
    folder = RunFolder(tmp_path / "run/start_frame")
    folder.start("start_frame", smallest_start_frame, spec, "data", False)
    folder.save(source.checkpointed, 3)
    trainer = build(2, init_from=str(tmp_path / "run"), init_share=0.25)
    ends = {name: [v.numpy() for v in raw_variables(network)] for name, network in trainer.averages.items()}
    trainer.standardise_style = lambda make_batches: ends.update(standardised=True)
    begin, finish = program._before_and_after("start_frame", trainer, None)
    assert begin == trainer.resume_averages
    finish()
    assert ends.pop("standardised")
    for name, network in trainer.averages.items():
        starts = raw_variables(source.averages[name])
        for variable, end, start in zip(raw_variables(network), ends[name], starts, strict=True):
            np.testing.assert_allclose(variable, 0.75 * end + 0.25 * start.numpy(), atol=1e-6)
    with pytest.raises(ValueError, match="init_share 0.5 is a share of init_from's weights, which is not given"):
        build(2, init_share=0.5)
    # Before the first step, and not after the last one, it is told that there is nothing to average with.
    for file in folder.checkpoints.iterdir():
        file.unlink()
    with pytest.raises(ValueError, match="init_from: .* has no checkpoint yet"):
        program._before_and_after("start_frame", trainer, None)


def test_both_stages_start_from_an_export(smallest_start_frame, smallest_motion, with_model, spec, tmp_path):
    """The networks' own weights for both, and the discriminator's in half precision where it was kept."""
    trainers = {"start_frame": StartFrameTrainer, "motion": MotionTrainer}
    configs = {"start_frame": smallest_start_frame, "motion": smallest_motion}

    def build(stage, seed):
        keras.utils.set_random_seed(seed)
        return trainers[stage](configs[stage], spec)

    sources = {stage: build(stage, 1) for stage in configs}
    for stage, config in configs.items():
        folder = RunFolder(tmp_path / "run" / stage)
        folder.start(stage, config, spec, "data", False)
        folder.save(sources[stage].checkpointed, 1)
    model = seg2vid_from_run(tmp_path / "run")
    with pytest.raises(ValueError, match="with_discriminator: only the run of a model with stage 1 has one"):
        export(model, tmp_path / "exports", "tiny", with_discriminator=True)
    export(model, tmp_path / "exports", "tiny", run_dir=tmp_path / "run", with_discriminator=True)
    exported = tmp_path / "exports" / "tiny"
    assert sorted(p.name for p in exported.iterdir()) == ["1", "discriminator", "encoder"]
    # A run of stage 1 alone takes its stage 2 from the export.
    (tmp_path / "run/motion").rename(tmp_path / "away")
    again = seg2vid_from_run(tmp_path / "run", motion_dir=exported)
    for ours, theirs in zip(raw_variables(again.motion), raw_variables(model.motion), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    sizes = network_sizes({"start_frame": tmp_path / "run", "motion": exported})
    assert sizes == network_sizes({stage: exported for stage in configs})
    assert "that of tiny/1, an export" in model_card("tiny", tmp_path / "run", motion_dir=exported)
    names = {
        "start_frame": ["generator", "generator_average", "style_encoder", "style_encoder_average"],
        "motion": ["motion"],
    }
    for stage, kept in names.items():
        trainer = build(stage, 2)
        start_from(exported / "1" if stage == "motion" else exported, stage, trainer)
        for name in kept:
            pairs = zip(
                raw_variables(trainer.checkpointed[name]),
                raw_variables(sources[stage].checkpointed[name.removesuffix("_average")]),
                strict=True,
            )
            for ours, theirs in pairs:
                np.testing.assert_array_equal(ours, theirs, err_msg=name)
        if stage == "start_frame":
            ours, theirs = (raw_variables(t.adversary.discriminator) for t in (trainer, sources[stage]))
            for our, their in zip(ours, theirs, strict=True):
                np.testing.assert_array_equal(our, np.float32(np.float16(their)))
    longer = with_model(smallest_motion, num_frames=smallest_motion.model.num_frames + 1)
    start_from(exported, "motion", MotionTrainer(longer, spec))
    other_spec = dataclasses.replace(spec, name="mine")
    with pytest.raises(ValueError, match="was trained on spec 'synthetic_street', this data has 'mine'"):
        start_from(exported, "motion", MotionTrainer(smallest_motion, other_spec))
    description = json.loads((exported / "1" / DESCRIPTION).read_text(encoding="utf-8"))
    del description["networks"]
    (exported / "1" / DESCRIPTION).write_text(json.dumps(description), encoding="utf-8")
    with pytest.raises(ValueError, match="tiny/1 does not say how large its networks are.*export its run again"):
        start_from(exported, "motion", build("motion", 2))
