"""RunFolder: who may use a folder, which checkpoints stay, and what happens when one cannot be read."""

import dataclasses
import json

import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf import run_folder
from seg2vid_tf.config import RunWarning
from seg2vid_tf.files import read_document
from seg2vid_tf.run_folder import KEPT_CHECKPOINTS, RunFolder


class Weights(tf.Module):
    """A network's stand-in: two variables."""

    def __init__(self, value=0.0):
        super().__init__()
        self.matrix = tf.Variable(tf.fill([3, 2], value))
        self.count = tf.Variable(int(value), dtype=tf.int64)


def contents(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture
def trained(tmp_path):
    """A folder with checkpoints 2, 4 and 6 whose every number is the step."""
    folder = RunFolder(tmp_path / "run")
    for step in (2, 4, 6):
        folder.save({"net": Weights(step)}, step)
    return folder


def test_a_fresh_folder_starts_at_zero(tmp_path):
    weights = Weights(5.0)
    assert RunFolder(tmp_path / "none").restore({"net": weights}) == 0
    np.testing.assert_array_equal(weights.matrix, np.full([3, 2], 5.0))
    assert not (tmp_path / "none").exists()


def test_the_newest_checkpoint_comes_back(trained):
    weights = Weights()
    assert trained.restore({"net": weights}) == 6
    np.testing.assert_array_equal(weights.matrix, np.full([3, 2], 6.0))
    assert weights.count.numpy() == 6


def test_only_the_newest_few_are_kept(trained):
    for step in (8, 10):
        trained.save({"net": Weights(step)}, step)
    indices = sorted(p.name for p in trained.checkpoints.glob("*.index"))
    assert KEPT_CHECKPOINTS == 3 and indices == ["ckpt-10.index", "ckpt-6.index", "ckpt-8.index"]
    assert len(list(trained.checkpoints.iterdir())) == 6


def truncate(path):
    path.write_bytes(path.read_bytes()[:10])


def flip_bit(path):
    data = bytearray(path.read_bytes())
    data[10] ^= 4  # the tensors come first in a data file
    path.write_bytes(data)


def delete(path):
    path.unlink()


DATA, INDEX = "ckpt-6.data-00000-of-00001", "ckpt-6.index"


@pytest.mark.parametrize("damage", [truncate, flip_bit, delete])
@pytest.mark.parametrize("file", [DATA, INDEX])
def test_a_damaged_newest_checkpoint_falls_back_with_a_warning(trained, damage, file):
    damage(trained.checkpoints / file)
    weights = Weights(-1.0)
    with pytest.warns(UserWarning, match="CHECKPOINT UNREADABLE, trying the one before it: .*ckpt-6"):
        assert trained.restore({"net": weights}) == 4
    np.testing.assert_array_equal(weights.matrix, np.full([3, 2], 4.0))


def test_empty_files_fall_back_too(trained):
    (trained.checkpoints / INDEX).write_bytes(b"")
    with pytest.warns(UserWarning, match="ckpt-6"):
        assert trained.restore({"net": Weights()}) == 4


def test_no_readable_checkpoint_is_an_error_and_never_a_restart(trained):
    for step in (2, 4, 6):
        truncate(trained.checkpoints / f"ckpt-{step}.index")
    weights = Weights(-1.0)
    with (
        pytest.warns(UserWarning),
        pytest.raises(ValueError, match="cannot be restored: .*ckpt-6.*ckpt-2"),
    ):
        trained.restore({"net": weights})
    np.testing.assert_array_equal(weights.matrix, np.full([3, 2], -1.0))


def test_a_checkpoint_that_was_cut_off_while_being_written_is_no_checkpoint(trained):
    (trained.checkpoints / "ckpt-8_temp").mkdir()
    (trained.checkpoints / "ckpt-8.data-00000-of-00001.tempstate123").write_bytes(b"half")
    assert trained.restore({"net": Weights()}) == 6


@pytest.mark.parametrize("first", [True, False])
def test_a_kill_between_data_and_index_costs_that_checkpoint_alone(trained, first):
    """The index is moved last: until then there is nothing to read, to warn of, or to mend by hand."""
    unfinished = trained.checkpoints / ".ckpt-6.tmp"
    unfinished.mkdir()
    (trained.checkpoints / INDEX).rename(unfinished / INDEX)
    if first:
        for step in (2, 4):
            for file in trained.checkpoints.glob(f"ckpt-{step}.*"):
                file.unlink()
    weights = Weights(-1.0)
    assert trained.newest_step() == trained.restore({"net": weights}) == (0 if first else 4)
    trained.save({"net": Weights(6.5)}, 6)
    assert trained.restore({"net": weights}, newest_only=True) == 6 and weights.matrix.numpy().max() == 6.5
    assert not [path for path in trained.checkpoints.iterdir() if path.name.startswith(".")]


def test_another_network_is_refused_and_stays_as_it_is(trained):
    class Larger(tf.Module):
        def __init__(self, rows, with_count):
            super().__init__()
            self.matrix = tf.Variable(tf.zeros([rows, 2]))
            if with_count:
                self.count = tf.Variable(0, dtype=tf.int64)

    with pytest.warns(UserWarning), pytest.raises(ValueError, match="it holds 2 variables of net, which has 1"):
        trained.restore({"net": Larger(3, with_count=False)})
    shaped = Larger(4, with_count=True)
    with (
        pytest.warns(UserWarning),
        pytest.raises(ValueError, match=r"variable 1 of net is \(3, 2\) in it, expected \(4, 2\)"),
    ):
        trained.restore({"net": shaped})
    with pytest.warns(UserWarning), pytest.raises(ValueError, match="it holds 0 variables of other, which has 2"):
        trained.restore({"other": Weights()})


def test_a_part_of_what_was_saved_can_be_restored_alone(tmp_path):
    folder = RunFolder(tmp_path)
    folder.save({"net": Weights(3.0), "optimizer": Weights(7.0)}, 1)
    weights = Weights()
    assert folder.restore({"net": weights}) == 1
    np.testing.assert_array_equal(weights.matrix, np.full([3, 2], 3.0))


def test_a_run_is_claimed_once_and_loaded_back(tmp_path, spec, motion_config):
    folder = RunFolder(tmp_path / "run")
    folder.start("motion", motion_config, spec, "clips", resume=False)
    assert folder.load("motion") == (motion_config, spec)
    before = contents(tmp_path)
    with pytest.raises(ValueError, match="already holds a run: go on with --resume, or give another --run_dir"):
        folder.start("motion", motion_config, spec, "clips", resume=False)
    with pytest.raises(ValueError, match="holds a 'motion' run, expected 'start_frame'"):
        folder.load("start_frame")
    assert contents(tmp_path) == before


def test_workers_join_the_very_run_that_the_chief_claimed(tmp_path, spec, motion_config, monkeypatch):
    monkeypatch.setattr(run_folder, "SEEN_WITHIN", 0.0)
    chief, worker = RunFolder(tmp_path / "run"), RunFolder(tmp_path / "run")
    with pytest.raises(ValueError, match=r"run is not where the chief writes, .* on a disk that they share"):
        worker.join("motion", motion_config, spec, "data")
    chief.start("motion", motion_config, spec, "data", resume=False)
    before = contents(tmp_path)
    worker.join("motion", motion_config, spec, "data")
    longer = dataclasses.replace(motion_config, training=dataclasses.replace(motion_config.training, steps=77))
    with pytest.raises(ValueError, match=r"config.training.steps: \d+ -> 77 \(the chief's -> what was given here\)"):
        worker.join("motion", longer, spec, "data")
    with pytest.raises(ValueError, match="data: '?data'? -> '?other'? "):
        worker.join("motion", motion_config, spec, "other")
    assert contents(tmp_path) == before


def test_resuming_may_change_the_schedule_and_nothing_else(tmp_path, spec, motion_config, start_frame_config):
    folder = RunFolder(tmp_path / "run")
    folder.start("motion", motion_config, spec, "clips", resume=False)
    longer = dataclasses.replace(
        motion_config, training=dataclasses.replace(motion_config.training, steps=99, checkpoint_every=7, log_every=3)
    )
    folder.start("motion", longer, spec, "clips", resume=True)
    assert folder.load("motion") == (longer, spec)

    before = contents(tmp_path)
    seed = dataclasses.replace(longer, training=dataclasses.replace(longer.training, seed=5))
    # A field of the model that bears a resumable field's name would slip through a looser check.
    wider = dataclasses.replace(longer, model=dataclasses.replace(longer.model, image_filters=(4, 4, 4)))
    renamed = dataclasses.replace(spec, name="mine")
    for stage, config, other_spec, message in (
        ("motion", seed, spec, "config.training.seed: 0 -> 5"),
        ("motion", wider, spec, r"config.model.image_filters: \[8, 12, 16\] -> \[4, 4, 4\]"),
        ("motion", longer, renamed, "spec.name: synthetic_street -> mine"),
        ("start_frame", start_frame_config, spec, "stage: motion -> start_frame"),
    ):
        with pytest.raises(ValueError, match=message):
            folder.start(stage, config, other_spec, "clips", resume=True)
    with pytest.raises(ValueError, match="data: clips -> other clips"):
        folder.start("motion", longer, spec, "other clips", resume=True)
    assert contents(tmp_path) == before


def test_a_run_whose_noise_was_of_another_kind_says_so_and_goes_on(tmp_path, spec, motion_config, recwarn):
    folder = RunFolder(tmp_path)
    folder.start("motion", motion_config, spec, "clips", resume=False)
    folder.start("motion", motion_config, spec, "clips", resume=True)
    assert not recwarn.list, "its own kind"
    document = read_document(tmp_path / "config.json")
    assert document.pop("noise_version") == 2
    (tmp_path / "config.json").write_text(json.dumps(document))
    with pytest.warns(UserWarning, match=r"noise of another kind \(noise_version 1 -> 2\)"):
        folder.start("motion", motion_config, spec, "clips", resume=True)
    assert json.loads((tmp_path / "config.json").read_text())["noise_version"] == 2


def test_a_run_is_not_cut_shorter_nor_taken_over_without_its_config(tmp_path, spec, motion_config):
    folder = RunFolder(tmp_path)
    folder.start("motion", motion_config, spec, "clips", resume=False)
    folder.save({"net": Weights(3.0)}, 5)
    assert motion_config.training.steps == 4
    with pytest.raises(ValueError, match="has taken 5 steps already: give --steps of at least that"):
        folder.start("motion", motion_config, spec, "clips", resume=True)
    longer = dataclasses.replace(motion_config, training=dataclasses.replace(motion_config.training, steps=9))
    (tmp_path / "config.json").unlink()
    for resume in (False, True):
        with pytest.raises(ValueError, match="holds checkpoints but no config.json"):
            folder.start("motion", longer, spec, "clips", resume=resume)


def test_who_only_uses_a_model_gets_the_newest_checkpoint_or_none(tmp_path):
    folder = RunFolder(tmp_path)
    for step in (1, 2):
        folder.save({"net": Weights(float(step))}, step)
    (tmp_path / "checkpoints" / "ckpt-2.index").write_bytes(b"")
    weights = Weights()
    before = weights.matrix.numpy()
    with pytest.raises(ValueError, match=r"cannot be restored: .*ckpt-2: "):
        folder.restore({"net": weights}, newest_only=True)
    np.testing.assert_array_equal(weights.matrix, before)


def test_an_unreadable_config_names_the_file(tmp_path, spec, motion_config):
    folder = RunFolder(tmp_path)
    with pytest.raises(ValueError, match="holds no run: there is no config.json in it"):
        folder.load("motion")
    (tmp_path / "config.json").write_text("{half")
    for use in (
        lambda: folder.load("motion"),
        lambda: folder.start("motion", motion_config, spec, "clips", resume=True),
    ):
        with pytest.raises(ValueError, match="config.json is damaged, bring back a good copy: not a JSON document"):
            use()
    (tmp_path / "config.json").write_text(json.dumps({"stage": "motion", "spec": {}, "config": {}}))
    with pytest.raises(ValueError, match="config.json: not a MotionConfig"):
        folder.load("motion")


def test_a_config_from_before_a_field_existed_goes_on_with_its_default(tmp_path, spec, motion_config):
    folder, path = RunFolder(tmp_path), tmp_path / "config.json"
    folder.start("motion", motion_config, spec, "clips", resume=False)
    document = read_document(path)
    del document["config"]["training"]["jitter"], document["config"]["losses"]["free_bits"]
    path.write_text(json.dumps(document))
    said = r"written before these settings existed; they get their defaults: losses.free_bits 0.0, training.jitter 0.0$"
    with pytest.warns(RunWarning, match=said):
        assert folder.load("motion") == (motion_config, spec)
    other = dataclasses.replace(motion_config, training=dataclasses.replace(motion_config.training, jitter=2.0))
    with pytest.warns(RunWarning), pytest.raises(ValueError, match="config.training.jitter: 0.0 -> 2.0"):
        folder.start("motion", other, spec, "clips", resume=True)
    with pytest.warns(RunWarning, match=said):
        folder.start("motion", motion_config, spec, "clips", resume=True)
    assert json.loads(path.read_text())["config"]["training"]["jitter"] == 0.0


def test_who_does_not_hold_the_folder_changes_nothing_in_it(tmp_path, spec, motion_config):
    holder, other = RunFolder(tmp_path), RunFolder(tmp_path)
    with holder.held(), holder.held():
        holder.start("motion", motion_config, spec, "clips", resume=False)
        for step in (1, 2, 3):
            holder.save({"net": Weights(step)}, step)
        before = contents(tmp_path)
        with pytest.raises(ValueError, match=r"in use by process \d+ on "):
            other.save({"net": Weights()}, 4)
        with pytest.raises(ValueError, match=r"in use by process \d+ on "):
            other.start("motion", motion_config, spec, "clips", resume=True)
        assert contents(tmp_path) == before
    other.save({"net": Weights()}, 4)
    assert other.newest_step() == 4 and not (tmp_path / ".lock").exists()
