"""Two replicas take the step that one takes; seeds, clipping and devices by hand."""

import json
import pathlib
import subprocess
import sys
import weakref

import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.config import to_json
from seg2vid_tf.training.replicas import (
    accumulated,
    clip_by_global_norm,
    example_seeds,
    logical_devices,
    per_replica,
)
from tests.programs import HANG_SECONDS
from tests.stacks import on_second_stack

PROGRAM = pathlib.Path(__file__).parent / "two_replicas.py"


def start(name, config, data_dir, folder):
    """A process that takes two steps of a global batch of four on one replica and on two."""
    stage = "motion" if name == "motion" else "start_frame"
    (folder / f"{name}.json").write_text(json.dumps(to_json(config)))
    arguments = [stage, folder / f"{name}.json", "synthetic_street", data_dir / "train", folder / f"{name}.npz"]
    with open(folder / f"{name}.log", "w") as log:
        return subprocess.Popen([sys.executable, PROGRAM, *arguments], stdout=log, stderr=log)


TRAININGS = ["segmentation", "motion"]


@pytest.fixture(scope="module")
def trainings(whole_start_frame, smallest_motion, with_training, street_data, tmp_path_factory):
    """{training: the arrays that two_replicas.py wrote}; stage 1 by its discriminator. They run side by side.

    On the second stack alone: on the first, workers are compared (test_workers.py), which take the same sums.
    The multiscale discriminator takes its sums as this one does, and in parts of a batch (test_start_frame_trainer.py).
    """
    folder = tmp_path_factory.mktemp("replicas")
    # These rates multiply the gradients themselves (two_replicas.py) and move the weights far above the tolerance.
    rates = {"learning_rate": 0.03, "discriminator_learning_rate": 0.03}
    configs = {
        "segmentation": with_training(whole_start_frame, steps=2, batch_size=4, **rates),
        "motion": with_training(smallest_motion, steps=2, batch_size=4, learning_rate=1.0),
    }
    processes = {name: start(name, config, street_data, folder) for name, config in configs.items()}
    try:
        for name, process in processes.items():
            assert process.wait(timeout=HANG_SECONDS) == 0, (folder / f"{name}.log").read_text()[-3000:]
    finally:
        for process in processes.values():
            process.kill()
    return {name: dict(np.load(folder / f"{name}.npz")) for name in processes}


@on_second_stack
@pytest.mark.parametrize("training", TRAININGS)
def test_two_replicas_equal_one(trainings, training):
    arrays = trainings[training]
    names = [name.removeprefix("1/") for name in arrays if name.startswith("1/")]
    assert {f"{n}/{name}" for n in (1, 2) for name in names} == set(arrays)
    moved = 0.0
    for name in names:
        one, two = arrays[f"1/{name}"], arrays[f"2/{name}"]
        if name.startswith("before/"):
            np.testing.assert_array_equal(two, one, err_msg=name)
        elif name.startswith("term/"):
            np.testing.assert_allclose(two, one, rtol=1e-5, atol=1e-7, err_msg=name)
        else:
            np.testing.assert_allclose(two, one, rtol=1e-5, atol=1e-5, err_msg=name)
            if "optimizer" not in name:
                moved = max(moved, np.abs(one - arrays[f"1/{name.replace('after', 'before')}"]).max())
    # Equal because both moved the same way, not because neither moved.
    assert moved > 1e-3


@on_second_stack
def test_the_average_moves_by_its_formula_on_two_replicas(trainings):
    """After two steps: d_2 (d_1 w_0 + (1 - d_1) w_1) + (1 - d_2) w_2 with d_1 = 1/10, d_2 = 2/11."""
    arrays = trainings["segmentation"]
    for replicas in (1, 2):
        found = [name.removeprefix(f"{replicas}/after/") for name in arrays if name.startswith(f"{replicas}/after/")]
        averages = [name for name in found if "_average/" in name]
        assert {name.split("/")[0] for name in averages} == {"generator_average", "style_encoder_average"}
        for name in averages:
            weights = [
                arrays[f"{replicas}/{when}/{name.replace('_average', '')}"] for when in ("before", "between/0", "after")
            ]
            first = 0.1 * weights[0] + 0.9 * weights[1]
            expected = 2 / 11 * first + 9 / 11 * weights[2]
            np.testing.assert_allclose(arrays[f"{replicas}/after/{name}"], expected, rtol=1e-5, atol=1e-6, err_msg=name)


@on_second_stack
@pytest.mark.parametrize("training", TRAININGS)
def test_a_checkpoint_does_not_know_how_many_replicas_wrote_it(trainings, training):
    arrays = trainings[training]
    names = [name.removeprefix("1/after/") for name in arrays if name.startswith("1/after/")]
    for name in names:
        np.testing.assert_array_equal(arrays[f"1/restored/{name}"], arrays[f"2/after/{name}"], err_msg=name)
        np.testing.assert_array_equal(arrays[f"2/restored/{name}"], arrays[f"1/after/{name}"], err_msg=name)


@on_second_stack
def test_terms_are_of_the_global_batch(trainings):
    arrays = trainings["motion"]
    terms = {name.split("/")[-1] for name in arrays if name.startswith("1/term/0/")}
    assert {"refined_l1", "warped_l1", "kl", "gradient_norm"} <= terms
    assert all(np.isfinite(arrays[f"2/term/1/{name}"]) for name in terms)


def test_example_seeds_never_repeat():
    seeds = [example_seeds(s, tf.constant(step, tf.int64), tf.constant(4)) for s in (0, 1) for step in range(5)]
    flat = np.concatenate(seeds)
    assert flat.dtype == np.int64 and len(set(flat.tolist())) == 2 * 5 * 4
    # The place in the global batch is what is added, so a larger batch only appends.
    larger = example_seeds(0, tf.constant(2, tf.int64), tf.constant(6)).numpy()
    np.testing.assert_array_equal(larger[:4], seeds[2])


def test_per_replica_is_the_loss_itself_on_one_replica():
    np.testing.assert_array_equal(per_replica(tf.constant(3.0)), 3.0)


def test_parts_are_summed_as_they_come():
    """Means by hand; and of the parts before the last, no gradient is held any more."""
    held = []

    def gradients_of(part):
        alive = [reference() is not None for reference in held]
        assert not any(alive[:-1]), "of all parts but the one before, the gradients are in the sum alone"
        gradient = 2.0 * tf.reduce_mean(part["x"], axis=0)
        held.append(weakref.ref(gradient))
        return [gradient, -gradient[:1]], {"loss": tf.reduce_mean(part["x"])}, part["x"] + 1.0

    x = tf.reshape(tf.range(16.0), [8, 2])
    gradients, terms, output = accumulated(gradients_of, {"x": x}, 4)
    assert len(held) == 4
    np.testing.assert_array_equal(gradients[0], [14.0, 16.0])  # twice the means of 0, 2, .. 14 and 1, 3, .. 15
    np.testing.assert_array_equal(gradients[1], [-14.0])
    assert terms["loss"].numpy() == 7.5
    np.testing.assert_array_equal(output, x + 1.0)
    traced = tf.function(lambda: accumulated(lambda p: ([p["x"][0]], {}, p["x"]), {"x": x}, 4))
    np.testing.assert_array_equal(traced()[0][0], [6.0, 7.0])  # of rows 0, 2, 4 and 6


def test_clip_by_global_norm_by_hand():
    gradients = [tf.constant([3.0, 0.0]), tf.constant([[4.0]])]
    clipped, norm = clip_by_global_norm(gradients, 1.0)
    assert norm.numpy() == 5.0
    np.testing.assert_allclose(clipped[0], [0.6, 0.0], rtol=1e-6)
    np.testing.assert_allclose(clipped[1], [[0.8]], rtol=1e-6)
    untouched, _ = clip_by_global_norm(gradients, 10.0)
    np.testing.assert_allclose(untouched[1], [[4.0]], rtol=1e-6)


def test_devices_that_are_not_there_are_named():
    assert logical_devices(("cpu:0",)) == ["/cpu:0"]
    with pytest.raises(ValueError, match=r"no device \['cpu:7'\]: this machine has \[.*'cpu:0'.*\]"):
        logical_devices(("cpu:7",))
    tf.constant(0.0)  # TensorFlow is in use
    with pytest.raises(ValueError, match="set them before TensorFlow is used"):
        logical_devices(("cpu:0", "cpu:1"))
