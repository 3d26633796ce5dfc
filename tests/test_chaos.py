"""chaos.py in short: a few kills, damaged files and bad requests, and that it sees what it is to see."""

import shutil

import numpy as np
import pytest

from seg2vid_tf.files import write_text
from tests.programs import EXPERIMENTS, run_program
from tests.stacks import on_first_stack

pytestmark = on_first_stack


@pytest.fixture(autouse=True)
def _programs(monkeypatch):
    monkeypatch.syspath_prepend(str(EXPERIMENTS / "benchmarks"))


class _Report:
    """Keeps what was tried, as chaos.py's does."""

    def __init__(self):
        self.outcomes = {}

    def tried(self, part, name, attempt):
        outcome = attempt(np.random.default_rng(len(self.outcomes)))
        self.outcomes[f"{part} {name}"] = outcome
        return outcome


@pytest.fixture(scope="module")
def base(run_dir, street_data, saved_model, tmp_path_factory):
    """What chaos.py makes first, of what the tests have."""
    folder = tmp_path_factory.mktemp("chaos") / "base"
    shutil.copytree(run_dir, folder)
    shutil.copytree(street_data / "validation", folder / "validation")
    shutil.copytree(saved_model.parent, folder / "model")
    return folder


def test_damaged_files_are_refused_by_name_or_change_nothing(base):
    import chaos_files

    report = _Report()
    chaos_files.damage(report, base, 40)
    assert len(report.outcomes) == 40
    wrong = [outcome["said"] for outcome in report.outcomes.values() if outcome["wrong"]]
    assert wrong == []
    said = " ".join(outcome["said"] for outcome in report.outcomes.values())
    assert "refused" in said and "flipped" in said and "cut to" in said


def test_a_damage_that_nobody_notices_counts_as_wrong(tmp_path):
    import chaos_files

    write_text(tmp_path / "kept" / "numbers.txt", "1234567890" * 20)
    kind = chaos_files.Kind(
        "text", tmp_path / "kept", ("*.txt",), lambda copy: (copy / "numbers.txt").read_text(errors="replace")
    )
    outcome = chaos_files._tried(kind, "1234567890" * 20, np.random.default_rng(0))
    assert outcome["wrong"] == 1 and "ANSWERED OTHERWISE" in outcome["said"]


def test_killed_programs_go_on_to_the_same_bytes_and_the_report_is_gone_on_with(tmp_path):
    options = {"output": tmp_path, "parts": "kill", "jobs": "prepare", "moments": 2}
    done = run_program("benchmarks/chaos.py", **options)
    assert done.returncode == 0, done.stderr
    assert "| kill | 2 | 0 | 0 | 0 |" in done.stdout and "to the end: the same bytes" in done.stdout
    again = run_program("benchmarks/chaos.py", **options)
    assert again.stdout.splitlines() == done.stdout.splitlines()[-3:], "nothing was tried again"
    refused = run_program("benchmarks/chaos.py", output=tmp_path, parts="fire")
    assert refused.returncode == 1 and "--parts takes kill, disk, damage" in refused.stderr


def test_a_crowd_of_requests_of_which_half_are_bad(saved_model, tmp_path, monkeypatch):
    import chaos_server
    from served import example, inputs_of

    from seg2vid_tf.serving.session_loader import SessionLoader

    requests = example(saved_model)[:4]
    with SessionLoader(saved_model) as loaded:
        answers = [loaded.run("serving_default", inputs_of(request)) for request in requests]
    what = chaos_server.Asked([saved_model], requests, [answers])
    monkeypatch.setattr(chaos_server, "asked", lambda _: what)
    report = _Report()
    chaos_server.requests(report, tmp_path, 144, 16)
    (outcome,) = report.outcomes.values()
    assert [outcome[name] for name in ("losses", "wrong", "hangs")] == [0, 0, 0], outcome
    assert "72 good ones answered to the bit" in outcome["said"]
