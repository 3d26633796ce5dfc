"""markdown_table and score_table.py: the numbers of files, as a Markdown table."""

import json

import pytest

from seg2vid_tf.evaluation.markdown_table import markdown_table
from seg2vid_tf.files import write_document
from tests.programs import run_program


def mean(value, low=None, high=None):
    return {"mean": value, "low": low, "high": high, "clips": 2, "recordings": 2}


@pytest.fixture
def evaluations(tmp_path):
    """Two evaluations of videos and one of start frames."""
    samples = {"psnr": mean(20.04, 19.5, 20.6), "warp_error_real": mean(0.00029), "epe": mean(None)}
    first = {
        "methods": {"samples": samples, "copy_frame_0": {"psnr": mean(19.876)}},
        "sets": {"samples": {"kid_net": 1.0666, "kid_net_stderr": 0.0444}, "real": {"classifier_score_net": 3.0}},
    }
    write_document(tmp_path / "a/metrics.json", first)
    write_document(tmp_path / "b/metrics.json", {**first, "methods": {"samples": {"psnr": mean(21.5)}}})
    document = {"frames": 217, "lpips": 0.33773, "style": {"classes": {"road": {"share": 0.72, "pairs": 48}}}}
    (tmp_path / "start.json").write_text(json.dumps({"data": "there", **document, "warnings": []}))
    return tmp_path


def test_every_method_of_one_evaluation(evaluations):
    assert markdown_table([str(evaluations / "a")], ["PSNR, dB=psnr", "warp_error_real", "kid_net", "epe"]) == (
        "| | PSNR, dB ↑ | warp_error_real ↓ | kid_net ↓ | epe ↓ |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| samples | 20.0 | 0.000290 | 1.07 ± 0.04 | |\n"
        "| copy_frame_0 | 19.9 | | | |\n"
    )


def test_several_evaluations_chosen_methods_and_intervals(evaluations):
    files = [f"mine={evaluations}/a", f"theirs={evaluations}/b/metrics.json"]
    assert markdown_table(files, ["psnr"], ["20 seeds=samples", "copy_frame_0"], intervals=True).splitlines()[2:] == [
        "| mine: 20 seeds | 20.0 (19.5 to 20.6) |",
        "| mine: copy_frame_0 | 19.9 |",
        "| theirs: 20 seeds | 21.5 |",
    ]


def test_start_frames_and_what_lies_deeper(evaluations):
    assert (
        markdown_table(
            [f"version 4={evaluations}/start.json"], ["lpips", "road=style.classes.road.share", "maps=frames"]
        )
        == "| | lpips ↓ | road | maps |\n| --- | --- | --- | --- |\n| version 4 | 0.338 | 0.720 | 217 |\n"
    )


@pytest.mark.parametrize(
    ("folder", "scores", "methods", "message"),
    [
        ("a", ["psnr", "psrn"], [], "no score psrn in these evaluations; they have epe, kid_net, kid_net_stderr, psnr"),
        ("a", ["psnr"], ["sampels"], "no method sampels in these evaluations; they have copy_frame_0, samples"),
        ("c", ["psnr"], [], "c: no such file; give the --output of evaluate.py"),
        ("a", [], [], "give evaluations and scores"),
    ],
)
def test_what_is_not_there_is_named(evaluations, folder, scores, methods, message):
    with pytest.raises(ValueError, match=message):
        markdown_table([str(evaluations / folder)], scores, methods)


def test_a_changed_number_is_told(evaluations):
    file = evaluations / "a/metrics.json"
    file.write_text(file.read_text().replace("20.04", "24.04"))
    with pytest.raises(ValueError, match="metrics.json is damaged .*sha256"):
        markdown_table([str(file)], ["psnr"])


def test_the_program_prints_it(evaluations):
    done = run_program("score_table.py", evaluations=evaluations / "a", scores="psnr", methods="samples")
    assert (done.stdout, done.stderr) == ("| | psnr ↑ |\n| --- | --- |\n| samples | 20.0 |\n", "")
    done = run_program("score_table.py", evaluations=evaluations / "a", scores="sprn")
    assert done.returncode == 1 and done.stderr.startswith("error: no score sprn in these")
