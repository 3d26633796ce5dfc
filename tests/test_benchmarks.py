"""The benchmarks run: what they time is the code of today.

Each traces whole training steps in a process of its own, three minutes in all, and what it times has its tests on both
TensorFlow stacks: so on the second one the programs themselves are left out.
"""

import pathlib
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.version_info >= (3, 12), reason="the benchmarks run on the first stack")
BENCHMARKS = pathlib.Path(__file__).resolve().parents[1] / "experiments/benchmarks"


@pytest.mark.parametrize(
    ("program", "options", "rows"),
    [
        (
            "model_speed.py",
            ["--sizes=32x64"],
            ["| StartFrameTrainer step", "| MotionTrainer step", "| label map -> 1 + 4 frames"],
        ),
        (
            "start_frame_cost.py",
            ["--presets=tiny", "--timed=tiny", "--train_batch=2"],
            ["| tiny | 64x128 |", "| tiny | segmentation |", "| tiny | multiscale |"],
        ),
        (
            "motion_cost.py",
            ["--preset=tiny", "--train_batch=1"],
            ["| a clip, batch 1", "| training step, batch 1"],
        ),
    ],
)
def test_prints_a_row_for_each_case(program, options, rows):
    command = [sys.executable, str(BENCHMARKS / program), "--repeats=1", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    for row in rows:
        found = [line for line in done.stdout.splitlines() if line.startswith(row)]
        assert len(found) == 1 and (" ms |" in found[0]), done.stdout


def test_the_data_benchmark_reads_what_it_wrote():
    command = [sys.executable, str(BENCHMARKS / "data_speed.py"), "--preset=tiny", "--train_batch=1", "--repeats=1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    rows = [line.split("|")[1:4] for line in done.stdout.splitlines() if line.startswith(("| writing", "| reading"))]
    assert len(rows) == 8 and all(float(rate) > 0 for _, rate, _ in rows), done.stdout
    assert all(float(times) > 0 for name, _, times in rows if "reading" in name)


def test_the_serving_benchmark_measures_a_server(saved_model):
    command = [sys.executable, str(BENCHMARKS / "serving.py"), f"--saved_model={saved_model}", "--parts=latency,soak"]
    done = subprocess.run([*command, "--repeats=1", "--requests=16"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    rows = [line.split("|")[1:6] for line in done.stdout.splitlines() if " ms |" in line]
    assert [name.strip() for name, *_ in rows] == ["bare session", "grpc", "rest"]
    assert all(float(ratio) > 0 for *_, ratio in rows), done.stdout
    assert "half of them bad: 0 wrong answers [], server alive" in done.stdout
