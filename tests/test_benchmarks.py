"""The benchmarks run: what they time is the code of today.

Each traces whole training steps in a process of its own.
"""

import pathlib

import pytest

from tests.programs import run_python
from tests.stacks import on_first_stack

pytestmark = on_first_stack

BENCHMARKS = pathlib.Path(__file__).resolve().parents[1] / "experiments/benchmarks"


@pytest.mark.parametrize(
    ("program", "options", "rows"),
    [
        (
            "start_frame_cost.py",
            ["--model_sizes=tiny", "--timed=tiny", "--train_batch=2", "--discriminator=multiscale"],
            ["| tiny | 64x128 |", "| tiny | multiscale |"],
        ),
        (
            "motion_cost.py",
            ["--model_size=tiny", "--notraining"],  # of step_cost, start_frame_cost.py has one
            ["| a clip, batch 1"],
        ),
    ],
)
def test_prints_a_row_for_each_case(program, options, rows):
    done = run_python(BENCHMARKS / program, "--repeats=1", *options)
    assert done.returncode == 0, done.stderr
    for row in rows:
        found = [line for line in done.stdout.splitlines() if line.startswith(row)]
        assert len(found) == 1 and (" ms |" in found[0]), done.stdout


def test_the_data_benchmark_reads_what_it_wrote():
    done = run_python(BENCHMARKS / "data_speed.py", "--model_size=tiny", "--train_batch=1", "--repeats=1")
    assert done.returncode == 0, done.stderr
    rows = [line.split("|")[1:4] for line in done.stdout.splitlines() if line.startswith(("| writing", "| reading"))]
    assert len(rows) == 8 and all(float(rate) > 0 for _, rate, _ in rows), done.stdout
    assert all(float(times) > 0 for name, _, times in rows if "reading" in name)


def test_the_serving_benchmark_measures_a_server(saved_model):
    options = f"--saved_model={saved_model}", "--parts=latency,soak", "--repeats=1", "--requests=16"
    done = run_python(BENCHMARKS / "serving.py", *options)
    assert done.returncode == 0, done.stderr
    rows = [line.split("|")[1:6] for line in done.stdout.splitlines() if " ms |" in line]
    assert [name.strip() for name, *_ in rows] == ["bare session", "grpc", "rest"]
    assert all(float(ratio) > 0 for *_, ratio in rows), done.stdout
    assert "half of them bad: 0 wrong answers [], server alive" in done.stdout


def _against(*options):
    return run_python(BENCHMARKS / "against.py", "--model_size=tiny", "--repeats=1", *options)


def test_a_base_of_nothing_has_no_ratio():
    code = "import against; against.flags.FLAGS(['against.py', '--base=x']); print(against.table({'a': {'base': [0.0], "
    code += "'here': [3.0]}, 'b': {'base': [2.0], 'here': [3.0]}}))"
    done = run_python("-c", f"import sys; sys.path.insert(0, {str(BENCHMARKS)!r}); {code}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == ["| a | 0 | 3 | - |", "| b | 2 | 3 | 1.50 |"]


@pytest.mark.skipif(not (BENCHMARKS.parents[1] / ".git").exists(), reason="not a git checkout")
def test_a_revision_is_held_against_this_one():
    done = _against("--base=HEAD", "--parts=clip")
    assert done.returncode == 0, done.stderr
    rows = [[cell.strip() for cell in line.split("|")[1:5]] for line in done.stdout.splitlines() if "GFLOP" in line]
    ((_, base, here, ratio),) = rows
    assert float(base) > 0 and float(ratio) == pytest.approx(float(here) / float(base), abs=0.01), done.stdout
    assert " cores of " in done.stdout
    for options, message in ((["--base=nothing"], "--base: "), (["--base=HEAD", "--parts=files,speed"], "['speed']")):
        refused = _against(*options)
        assert refused.returncode == 1 and refused.stderr.startswith("error: ") and message in refused.stderr
