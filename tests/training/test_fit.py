"""fit: signals, losses and weights that are not finite, what a run leaves on disk, and what a resumed one goes on with.

A trainer of two variables stands in for the networks, so that nothing large is traced; test_resume.py takes real ones.
"""

import contextlib
import json
import os
import signal
import types

import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.config import MotionConfig, MotionTrainingConfig
from seg2vid_tf.run_folder import RunFolder
from seg2vid_tf.training.fit import fit
from seg2vid_tf.training.replicas import mirrored_strategy


class Counter:
    """Adds its batch to one weight; the loss term is the weight. ``event(step)`` runs inside each step."""

    num_frames = 0
    prepare_step, prepare_steps = None, 0

    def __init__(self, steps, event=None, **training):
        schedule = {"checkpoint_every": 2, "sample_every": 100, "log_every": 1, "batch_size": 2, **training}
        self.config = MotionConfig(training=MotionTrainingConfig(steps=steps, **schedule))
        self.weights = tf.Module()
        self.weights.sum = tf.Variable(tf.zeros([]))
        self.weights.hidden = tf.Variable(tf.zeros([]))
        self.checkpointed = {"weights": self.weights}
        self._event = event

    def train_step(self, batch, step):
        if self._event:
            tf.py_function(self._event, [step], [])
        # The values that are not finite come from the data, as they do in life.
        total = self.weights.sum.assign_add(tf.reduce_sum(batch["loss"]))
        self.weights.hidden.assign_add(tf.reduce_sum(batch["hidden"]))
        return {"total": total, "other": tf.constant(1.0)}

    def samples(self, batch):
        return [[tf.zeros([4, 4, 3])]]


def batches(loss=None, hidden=None):
    """make_batches whose batch k holds k + 1, but for the values given as {step: value}."""

    def values(special):
        return tf.constant([(special or {}).get(k, k + 1.0) for k in range(50)])

    def make(start_step, input_context=None):
        columns = {"loss": values(loss)[start_step:], "hidden": values(hidden)[start_step:]}
        return tf.data.Dataset.from_tensor_slices(columns).batch(1)

    return make


@pytest.fixture
def train(tmp_path):
    """train(counter, make_batches, ...) -> what fit returns, in one run folder, under the process's strategy."""
    folder = RunFolder(tmp_path / "run")

    def started(counter, make_batches, **more):
        return fit(counter, make_batches, {}, folder, mirrored_strategy(), **more)

    return types.SimpleNamespace(fit=started, folder=folder)


def saved_steps(folder):
    return sorted(int(p.stem.split("-")[1]) for p in folder.checkpoints.glob("*.index"))


def test_a_run_takes_its_steps_and_a_longer_one_goes_on(train, capsys):
    assert train.fit(Counter(5), batches()) == {"total": 15.0, "other": 1.0}
    # Every second step, and the last one.
    assert saved_steps(train.folder) == [2, 4, 5]
    assert [p.name for p in train.folder.samples.iterdir()] == ["step-000005.png"]
    assert len(list(train.folder.logs.iterdir())) == 1
    # Nobody measures, so nothing says that it was measured.
    assert not (train.folder.path / "measures.jsonl").exists() and "held out" not in capsys.readouterr().out

    resumed = Counter(8)
    assert train.fit(resumed, batches())["total"] == 36.0
    assert saved_steps(train.folder) == [5, 6, 8]
    assert "going on from step 5" in capsys.readouterr().out

    assert train.fit(Counter(8), batches()) == {}
    assert "has already taken 8 of 8 steps: nothing to do" in capsys.readouterr().out


def test_a_run_that_goes_on_begins_again_and_finishes_before_the_last_step_is_saved(train):
    def fitted(steps):
        counter = Counter(steps)
        state = counter.weights.hidden
        train.fit(counter, batches(), begin=lambda: state.assign(0.0), finish=lambda: state.assign(100.0))
        files = [str(train.folder.checkpoints / f"ckpt-{step}") for step in saved_steps(train.folder)]
        return [float(tf.train.load_variable(f, "weights/0/.ATTRIBUTES/VARIABLE_VALUE")) for f in files]

    assert fitted(3) == [3.0, 100.0]  # steps 2 and 3; step k brings k
    assert fitted(5) == [100.0, 4.0, 100.0]  # steps 3, 4 and 5


def test_measures_are_logged_every_so_often_and_at_the_end(train, capsys):
    asked = []

    def measure(counter):
        asked.append(float(counter.weights.sum.numpy()))
        return {"frames": 3, "accuracy": asked[-1] / 100.0}

    train.fit(Counter(5, measure_every=2), batches(), measure=measure)
    assert asked == [3.0, 10.0, 15.0]  # the weights of steps 2, 4 and 5
    train.fit(Counter(6, measure_every=2), batches(), measure=measure)
    lines = (train.folder.path / "measures.jsonl").read_text(encoding="utf-8").splitlines()
    expected = [(2, 0.03), (4, 0.1), (5, 0.15), (6, 0.21)]  # a resumed run adds to the same file
    assert [json.loads(line) for line in lines] == [
        {"step": step, "frames": 3, "accuracy": pytest.approx(value)} for step, value in expected
    ]
    shown = [line for line in capsys.readouterr().out.splitlines() if "held out" in line]
    assert shown == [f"held out, step {step}: frames 3, accuracy {value:.4g}" for step, value in expected]
    events = [e for path in sorted(train.folder.logs.iterdir()) for e in tf.compat.v1.train.summary_iterator(str(path))]
    tags = [(e.step, value.tag) for e in events for value in e.summary.value]
    assert {(2, "held_out/accuracy"), (6, "held_out/accuracy"), (4, "total")} <= set(tags)


def test_a_folder_that_another_one_trains_in_is_left_alone(train):
    train.fit(Counter(2), batches())
    with RunFolder(train.folder.path).held(), pytest.raises(ValueError, match=r"run is in use by process \d+ on "):
        train.fit(Counter(4), batches())
    assert saved_steps(train.folder) == [2]


@pytest.fixture
def heard():
    """Ctrl-C is heard, as it is not by tests that a shell runs in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_step_and_saves_it(train, capfd, heard, number):
    """By SIGTERM fit returns; by Ctrl-C it ends as one that was interrupted, so that what was to follow does not."""
    before = signal.getsignal(number)

    def event(step):
        if step == 2:
            os.kill(os.getpid(), number)

    interrupted = number == signal.SIGINT
    with pytest.raises(KeyboardInterrupt) if interrupted else contextlib.nullcontext():
        train.fit(Counter(50, event), batches())
    # Normally the third step; Python runs a signal's handler at its own next chance, which may lie after it.
    last = saved_steps(train.folder)[-1]
    assert last in (3, 4)
    said = capfd.readouterr()
    assert f"stopped: saved step {last}" in said.out
    assert ("Ctrl-C: ending this step" in said.err) == interrupted
    assert signal.getsignal(number) is before
    restored = Counter(50)
    assert train.folder.restore(restored.checkpointed) == last
    assert restored.weights.sum.numpy() == last * (last + 1) / 2


def test_a_second_ctrl_c_ends_at_once(train, capfd, heard):
    def measure(counter):
        signal.raise_signal(signal.SIGINT)
        assert "Ctrl-C: ending this step" in capfd.readouterr().err
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train.fit(Counter(50, measure_every=3, checkpoint_every=1), batches(), measure=measure)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert saved_steps(train.folder)[-1] == 3


def test_ctrl_c_that_a_script_ignores_stays_ignored(train, heard):
    def measure(counter):
        signal.raise_signal(signal.SIGINT)
        return {"frames": 1}

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    assert train.fit(Counter(6, measure_every=3), batches(), measure=measure)["total"] == 21.0
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_sigterm_while_measuring_saves_the_next_step(train, capsys):
    """And says so of no step that has no checkpoint."""

    def measure(counter):
        os.kill(os.getpid(), signal.SIGTERM)
        return {"frames": 1}

    train.fit(Counter(50, measure_every=3, checkpoint_every=100), batches(), measure=measure)
    assert saved_steps(train.folder) == [4]
    assert "stopped: saved step 4;" in capsys.readouterr().out


def test_a_step_is_saved_before_it_is_drawn_or_measured(train):
    def measure(counter):
        raise ValueError("cannot be measured")

    with pytest.raises(ValueError, match="cannot be measured"):
        train.fit(Counter(50, measure_every=4), batches(), measure=measure)
    assert saved_steps(train.folder) == [2, 4]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_loss_that_is_not_finite_is_named_and_reaches_no_checkpoint(train, value):
    with pytest.raises(
        ValueError, match=r"step 4: \{'total': -?(nan|inf)\} is not finite; .*checkpoints holds the last good"
    ):
        train.fit(Counter(50), batches(loss={3: value}))
    assert saved_steps(train.folder) == [2]
    restored = Counter(50)
    assert train.folder.restore(restored.checkpointed) == 2
    assert restored.weights.sum.numpy() == 3.0


def test_a_weight_that_is_not_finite_reaches_no_checkpoint(train):
    # The loss of step 4 does not show it yet, and step 4 is one that is saved.
    with pytest.raises(ValueError, match="step 4: .* of weights is not finite"):
        train.fit(Counter(50), batches(hidden={3: np.nan}))
    assert saved_steps(train.folder) == [2]


def test_unreadable_checkpoints_never_restart_at_zero(train):
    train.fit(Counter(2), batches())
    (train.folder.checkpoints / "ckpt-2.index").write_bytes(b"")
    with (
        pytest.warns(UserWarning, match="CHECKPOINT UNREADABLE"),
        pytest.raises(ValueError, match="cannot be restored"),
    ):
        train.fit(Counter(4), batches())
    assert saved_steps(train.folder) == [2]
