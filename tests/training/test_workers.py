"""Several processes train one run as one process would: the same steps; one that is killed; all that go on."""

import contextlib
import dataclasses
import json
import os
import signal

import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.config import MotionLossConfig, to_json
from seg2vid_tf.run_folder import RunFolder
from seg2vid_tf.training.replicas import joint_training, training_strategy
from seg2vid_tf.training.workers import Workers, workers_from_environment
from tests.stacks import AS_FIRST, AS_SECOND, on_first_stack, on_second_stack
from tests.training.cluster import Cluster, steps, train_small

# ---- the steps


@pytest.fixture(scope="module")
def taken(whole_start_frame, smallest_motion, with_training, street_data, tmp_path_factory):
    """{how many workers: [each one's arrays]}: ten steps of a small trainer, two of both stages with all they have."""
    folder = tmp_path_factory.mktemp("steps")
    # These rates multiply the gradients themselves (two_replicas.py) and move the weights far above the tolerance.
    rates = {"learning_rate": 0.03, "discriminator_learning_rate": 0.03}
    adversary = MotionLossConfig(kl_warmup_steps=0, kl_weight=0.01, video_adversarial_weight=0.1)
    configs = {
        "small": with_training(smallest_motion, batch_size=6, steps=10, **rates),
        # Without accumulate: power iterations count parts, and other examples are in a part where devices are more.
        "start_frame": with_training(whole_start_frame, steps=2, **rates),
        "motion": with_training(dataclasses.replace(smallest_motion, losses=adversary), steps=2, **rates),
    }
    # Tracing both stages in three processes takes minutes, and so do eight starts of the programs.
    if not AS_FIRST:
        del configs["start_frame"], configs["motion"]
    if not AS_SECOND:
        del configs["small"]
    documents = {stage: to_json(config) for stage, config in configs.items()}

    def started(count, *stages):
        trainings = {stage: documents[stage] for stage in stages}
        split = street_data / "train"
        return Cluster(count, folder / str(count), steps, "synthetic_street", split, folder / f"{count}", trainings)

    counts = {1: configs, 2: configs, **({3: ["small"]} if AS_SECOND else {})}
    with contextlib.ExitStack() as stack:
        for cluster in [stack.enter_context(started(count, *stages)) for count, stages in counts.items()]:
            cluster.finish()
    return {n: [dict(np.load(folder / f"{n}-{index}.npz")) for index in range(n)] for n in counts}


@pytest.mark.parametrize(
    ("workers", "stage"),
    [
        *(pytest.param(count, "small", marks=on_second_stack) for count in (2, 3)),
        *(pytest.param(2, stage, marks=on_first_stack) for stage in ("start_frame", "motion")),
    ],
)
def test_workers_take_the_steps_of_one_process(taken, workers, stage):
    (alone,) = taken[1]
    names = [name for name in alone if name.startswith(f"{stage}/")]
    for arrays in taken[workers]:
        assert [name for name in arrays if name.startswith(f"{stage}/")] == names
        for name in names:
            tolerance = 0.0 if "/before/" in name else 1e-5
            np.testing.assert_allclose(arrays[name], alone[name], rtol=tolerance, atol=tolerance, err_msg=name)
    moved = [
        np.abs(alone[name] - alone[name.replace("after", "before")]).max()
        for name in names
        if "/after/" in name and "optimizer" not in name
    ]
    assert max(moved) > 1e-3  # equal because both moved the same way, not because neither moved


@pytest.mark.parametrize("workers", [2, pytest.param(3, marks=on_second_stack)])
def test_workers_hold_the_same_bits(taken, workers):
    first, *others = taken[workers]
    for arrays in others:
        for name, value in first.items():
            assert np.array_equal(arrays[name], value), name


# ---- the programs


def checkpoint(folder, step):
    """{name: array} of everything in a checkpoint."""
    reader = tf.train.load_checkpoint(str(folder.checkpoints / f"ckpt-{step}"))
    names = [name for name in reader.get_variable_to_shape_map() if name != "_CHECKPOINTABLE_OBJECT_GRAPH"]
    return {name: reader.get_tensor(name) for name in names}


@on_second_stack
def test_killed_workers_stop_all_and_resume_to_the_same_bits(
    smallest_motion, with_training, command_line, street_data, tmp_path
):
    """Kill -9 of a worker, then of the chief; and SIGTERM, at the worker, of a run that was never killed."""
    # Without decay: it is counted from --steps, and how many those will be is known once all have been stopped.
    config = with_training(smallest_motion, checkpoint_every=5, sample_every=100_000, seed=3, decay=0.0)
    flags = [flag for flag in command_line(config) if not flag.startswith("--steps=")]

    def started(run, name, *more):
        where = f"--data_dir={street_data}", f"--run_dir={tmp_path / run}"
        return Cluster(2, tmp_path / name, train_small, *flags, *where, *more)

    def folder(run):
        return RunFolder(tmp_path / run / "motion")

    step = 5
    for name, victim in (("worker killed", 1), ("chief killed", 0)):
        with started("killed", name, "--steps=100000", *["--resume"] * (victim == 0)) as cluster:
            cluster.wait_until(lambda: folder("killed").newest_step() >= step)  # noqa: B023 - called before it changes
            cluster.processes[victim].kill()
            assert cluster.end(victim) == -signal.SIGKILL
            other = 1 - victim
            assert cluster.end(other) == 1, cluster.logs()
            assert f"error: worker {other} of 2: another worker is gone" in cluster.log(other), cluster.logs()
            assert "Traceback" not in cluster.log(other)
        step = folder("killed").newest_step() + 5
    with started("whole", "whole", "--steps=100000") as cluster:
        cluster.wait_until(lambda: folder("whole").newest_step() >= step)
        os.kill(cluster.processes[1].pid, signal.SIGTERM)
        cluster.finish()
        last = folder("whole").newest_step()
        assert f"stopped: saved step {last};" in cluster.log(0), cluster.logs()
    with started("killed", "resumed", f"--steps={last}", "--resume") as cluster:
        cluster.finish()
        assert all("going on from step" in cluster.log(index) for index in (0, 1))
    found, expected = (checkpoint(folder(run), last) for run in ("killed", "whole"))
    assert set(found) == set(expected) and len(found) > 8
    for name, value in found.items():
        assert np.array_equal(value, expected[name]), name
    # The chief alone wrote: one file of each start's scalars, and nothing of the lock.
    assert len(list((tmp_path / "whole/motion/logs").iterdir())) == 1
    assert not list((tmp_path / "killed").rglob(".lock"))


# ---- TF_CONFIG


def _config(job, index, **cluster):
    return json.dumps({"cluster": cluster, "task": {"type": job, "index": index}})


@pytest.mark.parametrize(
    ("text", "workers"),
    [
        (None, Workers(0, 1)),
        ("", Workers(0, 1)),
        ("{}", Workers(0, 1)),
        (_config("worker", 0, worker=["a:1"]), Workers(0, 1)),
        (_config("worker", 1, worker=["a:1", "b:1", "c:1"]), Workers(1, 3)),
        (_config("chief", 0, chief=["a:1"], worker=["b:1"]), Workers(0, 2)),
        (_config("worker", 0, chief=["a:1"], worker=["b:1"]), Workers(1, 2)),
        (_config("worker", "1", worker=["a:1", "b:1"]), Workers(1, 2)),
    ],
)
def test_a_place_among_workers(monkeypatch, text, workers):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if text is not None:
        monkeypatch.setenv("TF_CONFIG", text)
    assert workers_from_environment() == workers
    assert workers.is_chief == (workers.index == 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("worker 0", "TF_CONFIG must be JSON such as .*received 'worker 0'"),
        ("[]", "TF_CONFIG must be JSON"),
        (_config("worker", "x", worker=["a:1"]), "TF_CONFIG must be JSON"),
        (_config("worker", 0, worker=["a:1"], ps=["b:1"]), "names ps; a training has workers"),
        (_config("worker", 2, worker=["a:1", "b:1"]), "the task 'worker' 2 is none of the cluster's"),
        (_config("evaluator", 0, worker=["a:1", "b:1"]), "the task 'evaluator' 0 is none"),
        (_config("worker", 0, worker=["a:1", "a:1"]), "each address is named once"),
    ],
)
def test_a_cluster_that_cannot_be_is_refused(monkeypatch, text, message):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ValueError, match=message):
        workers_from_environment()


def test_devices_are_not_chosen_by_flag_among_workers():
    with pytest.raises(ValueError, match=r"devices \('cpu:0',\): a worker uses every GPU that it sees"):
        training_strategy(("cpu:0",), Workers(0, 2))


def test_only_what_a_lost_worker_brings_about_is_told_as_that():
    lost = tf.errors.UnavailableError(None, None, "Graph execution error:\n\nCollective ops is aborted by: reset")
    with pytest.raises(tf.errors.UnavailableError), joint_training(Workers()):
        raise lost  # there is no other worker
