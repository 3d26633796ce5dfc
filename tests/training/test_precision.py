"""choose_precision: what it takes as given, what it measures, and what it says."""

import pytest
import tensorflow as tf

from seg2vid_tf.training import precision
from seg2vid_tf.training.precision import choose_precision
from tests.settings import needs_bfloat16


def test_what_is_asked_for_is_taken(monkeypatch, capsys):
    monkeypatch.setattr(precision, "_time_ratio", None)  # nothing is timed
    assert [choose_precision(asked, "float32") for asked in precision.PRECISIONS] == ["float32", "mixed_bfloat16"]
    assert capsys.readouterr().out == ""
    with pytest.raises(ValueError, match="precision must be auto, float32 or mixed_bfloat16, received 'float16'"):
        choose_precision("float16")


def test_a_run_goes_on_in_the_precision_that_it_has(monkeypatch, capsys):
    monkeypatch.setattr(precision, "_time_ratio", None)
    assert choose_precision("auto", "mixed_bfloat16") == "mixed_bfloat16"
    assert capsys.readouterr().out == "precision: mixed_bfloat16, as the run began\n"


@pytest.mark.parametrize(("ratio", "chosen"), [(0.3, "mixed_bfloat16"), (0.9, "float32"), (7.0, "float32")])
def test_the_faster_one_by_a_margin_is_chosen(monkeypatch, capsys, ratio, chosen):
    monkeypatch.setattr(precision, "_time_ratio", lambda: ratio)
    assert choose_precision("auto") == chosen
    assert f"precision: {chosen} (a bfloat16 convolution takes {ratio:.2f} of" in capsys.readouterr().out


def test_other_work_in_half_of_the_turns_changes_nothing(monkeypatch):
    """bfloat16 takes 1 second and float32 4, and either one 100 more in every second turn."""
    clock, turns = [0.0], {tf.bfloat16: 0, tf.float32: 1}

    def convolution(dtype):
        def step():
            turns[dtype] += 1
            clock[0] += {tf.bfloat16: 1, tf.float32: 4}[dtype] + 100 * (turns[dtype] % 2)
            return []

        return step

    monkeypatch.setattr(precision, "_convolution", convolution)
    monkeypatch.setattr(precision.time, "perf_counter", lambda: clock[0])
    assert precision._time_ratio() == 0.25


def test_this_machine_is_measured():
    assert choose_precision("auto") in precision.PRECISIONS


@needs_bfloat16
def test_both_precisions_are_measured():
    assert 0 < precision._time_ratio() < 1000


def test_a_machine_that_refuses_bfloat16_trains_in_float32(monkeypatch, capsys):
    def refuse(dtype):
        raise tf.errors.AbortedError(None, None, "could not create a primitive")

    monkeypatch.setattr(precision, "_convolution", refuse)
    assert choose_precision("auto") == "float32"
    assert (
        capsys.readouterr().out == "precision: float32 (this machine computes no bfloat16 convolution: AbortedError)\n"
    )
