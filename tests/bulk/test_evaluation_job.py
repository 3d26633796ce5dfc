"""An evaluation by Beam's workers says what one process says."""

import dataclasses

import pytest

from seg2vid_tf.bulk import evaluation_job
from seg2vid_tf.bulk.evaluation_job import EvaluationPlan, evaluate
from seg2vid_tf.evaluation.methods import Protocol
from seg2vid_tf.files import read_document
from tests.stacks import on_second_stack

pytestmark = on_second_stack

pytest.importorskip("apache_beam", reason="needs the extra beam")


@pytest.fixture
def plan(saved_model, street_data):
    # Windows that overlap: six of two clips, and a part of z of the one before.
    protocol = Protocol(samples=2, external_flow=False, window_stride=1, num_frames=1)
    return EvaluationPlan(str(saved_model), None, str(street_data / "validation"), protocol)


def test_pieces_add_up_to_what_one_process_measures(plan, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(evaluation_job, "WINDOWS", 4)
    plan = dataclasses.replace(plan, protocol=dataclasses.replace(plan.protocol, num_frames=None, max_clips=3))
    alone = evaluate(plan, tmp_path / "alone")
    shared = evaluate(plan, tmp_path / "shared", runner="DirectRunner")
    assert shared == alone and shared["clips"] == 3
    assert any(score.startswith("swap_") for score in shared["methods"]["reconstruction"])
    assert "3/3 windows" in capsys.readouterr().err
    for number in range(3):
        name = f"clips/{number:06d}.json"
        assert read_document(tmp_path / "alone" / name) == read_document(tmp_path / "shared" / name)


def test_what_is_missing_alone_is_measured_and_by_an_evaluator_of_its_own_in_another_process(
    plan, tmp_path, monkeypatch
):
    monkeypatch.setattr(evaluation_job, "WINDOWS", 2)
    first = evaluate(plan, tmp_path / "out", runner="DirectRunner")
    assert first["clips"] == 6
    for lost in ("metrics.json", "clips/000003.json", "clips/000004.json"):
        (tmp_path / "out" / lost).unlink()
    pieces = []

    def elsewhere(work, missing, *_):
        pieces.extend(missing)
        evaluation_job._evaluators.clear()  # as in a process that has none yet
        for piece in missing:
            work(piece)

    monkeypatch.setattr(evaluation_job, "run_on_beam", elsewhere)
    assert evaluate(plan, tmp_path / "out", runner="FlinkRunner") == first
    assert pieces == [1, 2]


def test_workers_that_see_another_disk_are_told(plan, tmp_path, monkeypatch):
    monkeypatch.setattr(evaluation_job, "run_on_beam", lambda *_: None)
    with pytest.raises(
        ValueError, match="1 pieces are missing, though all were measured: the workers must see the same"
    ):
        evaluate(plan, tmp_path / "out", runner="FlinkRunner")
