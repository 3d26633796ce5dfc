import dataclasses

import numpy as np

from seg2vid_tf.evaluation.baselines import warped_video, zero_flow
from seg2vid_tf.evaluation.methods import Protocol
from seg2vid_tf.evaluation.report import (
    better,
    chosen_clips,
    clip_pictures,
    comparison_report,
    flow_wheel,
    html_report,
    score_lines,
    score_table,
)

# What metrics.json has besides scores.
FACTS = dict.fromkeys(("without_annotation", "train_data", "networks", "versions", "config_hash"), "")
FACTS |= {"model": {"path": "m"}, "data": {"path": "d", "exact_motion": False}, "warnings": [], "clips": 1}
FACTS |= {"recordings": 1, "model_temperature": 0.7, "protocol": dataclasses.asdict(Protocol())}


def interval(mean):
    return {"mean": mean, "low": None if mean is None else mean - 1, "high": None if mean is None else mean + 1}


def test_which_way_is_better():
    ways = {"psnr@4": 1, "lpips": -1, "frechet_net": -1, "epe_backward": -1, "motion": 0, "lpips_between_seeds": 0}
    ways |= {"kid_net": -1, "kvd_net": -1, "kid_net_stderr": 0}
    assert {name: better(name) for name in ways} == ways


def test_best_median_and_worst_clips():
    chosen = chosen_clips({"psnr": [3.0, 1.0, float("nan"), 2.0], "epe": [0.5, 0.1, 0.2, 0.9]})
    assert chosen == {
        0: ["best psnr 3", "median epe 0.5"],
        1: ["worst psnr 1", "best epe 0.1"],
        3: ["median psnr 2", "worst epe 0.9"],
    }


def test_few_clips_are_not_called_by_two_words():
    assert chosen_clips({"psnr": [3.0, 1.0]}) == {0: ["best psnr 3"], 1: ["worst psnr 1"]}
    assert chosen_clips({"psnr": [3.0], "epe": [float("nan")]}) == {0: ["psnr 3"]}


def test_the_best_of_a_row_is_marked_among_methods_that_know_as_much():
    methods = {"reconstruction": {"psnr": interval(30.0)}, "affine": {"psnr": interval(25.0)}}
    methods |= {"best_of_20": {"psnr": interval(21.0)}, "without_annotation_best_of_20": {"psnr": interval(22.0)}}
    methods |= {"copy_frame_0": {"psnr": interval(20.0)}, "samples": {"psnr": interval(19.0), "epe": interval(None)}}
    table = score_table(methods)
    assert table.count("<td class=best>") == 2
    assert "<td class=best>30<br>" in table and "<td class=best>20<br>" in table
    assert "epe" not in table, "nobody has it"
    order = ["copy_frame_0", "samples", "reconstruction", "affine", "best_of_20"]
    places = [table.index(f"<th>{name}") for name in order]
    assert places == sorted(places), "what no user can have stands last"


def test_a_tie_is_no_win():
    assert score_table({"a": {"psnr": 20.0}, "b": {"psnr": 20.0}}).count("<td class=best>20</td>") == 2


def test_a_comparison_shows_the_scores_of_sets_too():
    one = {"methods": {"samples": {"psnr": interval(20.0)}}, "sets": {"samples": {"frechet_net": 7.25}}, "warnings": []}
    other = {**one, "sets": {"samples": {"frechet_net": 6.5}}, "warnings": ["too few"]}
    page = comparison_report({"a": one, "b": other}, {"b": {"samples": {"psnr": interval(0.0)}}})
    assert "7.25" in page and "<td class=best>6.5</td>" in page and "b: too few" in page and "b minus a" in page


def test_a_report_says_whether_stage_1_was_measured():
    metrics = {**FACTS, "methods": {"samples": {"psnr": 20.0}}, "sets": {}, "by_frame": {}}
    for start_frame in ("real", "generated"):
        page = html_report({**metrics, "protocol": dataclasses.asdict(Protocol(start_frame=start_frame))}, [])
        assert ("evaluate_start_frame.py measures it" in page) == (start_frame == "real")


def test_a_report_says_what_was_really_used():
    def rows(exact_motion=False, **protocol):
        data = {"path": "d", "exact_motion": exact_motion}
        metrics = {**FACTS, "data": data, "protocol": dataclasses.asdict(Protocol(**protocol))}
        page = html_report({**metrics, "methods": {}, "sets": {}, "by_frame": {}}, [])
        assert ">None<" not in page
        return page

    page = rows()
    assert "<td>protocol: temperature</td><td>0.7, the model&#x27;s own</td>" in page
    assert "<td>protocol: window_stride</td><td>windows do not overlap</td>" in page and "horizons" not in page
    assert "a clip&#x27;s first window alone, which has exact motion" in rows(exact_motion=True)
    page = rows(temperature=1.5, window_stride=2, horizons=(1,))
    assert "temperature</td><td>1.5<" in page and "window_stride</td><td>2<" in page and "horizons</td>" in page
    assert "temperature" not in rows(samples=0, max_clips=3)


def test_curves_go_from_the_highest_value_above_to_the_lowest_below():
    curves = {"samples": {"psnr": [20.0, 22.0, 21.0]}, "copy_frame_0": {"psnr": [21.0, 20.5, 20.0]}}
    page = html_report({**FACTS, "methods": {}, "sets": {}, "by_frame": curves}, [])
    # 150 pixels for the two decibels between 20 and 22, from y = 10 down; 370 pixels for the three frames, from x = 40.
    assert "<polyline points='40.0,160.0 225.0,10.0 410.0,85.0'" in page
    assert "<polyline points='40.0,85.0 225.0,122.5 410.0,160.0'" in page
    assert "<circle cx=225.0 cy=10.0" in page and page.count("<polyline") == 2 and page.count("<circle") == 6
    assert ">22</text>" in page and ">20</text>" in page and ">frame 3</text>" in page
    for tag in ("table", "dl", "h2", "figure", "svg"):
        assert page.count(f"<{tag}>") + page.count(f"<{tag} ") == page.count(f"</{tag}>"), tag


def test_names_cannot_break_the_page():
    assert "<script>" not in score_table({"<script>": {"psnr": 1.0}})
    pictures = clip_pictures("<b>", np.zeros((16, 16, 3), np.uint8), {"real": np.zeros((2, 16, 16, 3), np.uint8)}, 4.0)
    assert "&lt;b&gt;" in pictures and pictures.count("data:image/gif") == 1 and pictures.count("data:image/png") == 1


def test_a_video_is_shown_with_its_flow():
    frames = np.zeros((3, 16, 16, 3), np.uint8)
    video = warped_video(frames[0], frames[0, ..., 0], zero_flow(frames) + np.float32([3, 4]))
    told = "its flow over {} frames; the fastest pixel goes 5.0 px in all"
    assert told.format(2) in clip_pictures("clip", frames[0], {"real": frames, "a": video}, 4.0)
    video = dataclasses.replace(video, chunk=1)
    assert told.format(1) in clip_pictures("clip", frames[0], {"real": frames, "a": video}, 4.0)


def test_the_wheel_shows_right_as_red_and_rest_as_white():
    wheel = flow_wheel(65)
    assert (wheel[32, 32] == 255).all()
    red, green, blue = wheel[32, 63].astype(int)
    assert red > 200 and green < 80 and blue < 80


def test_lines_for_a_terminal():
    scores = {"psnr": interval(20.0), "epe": interval(None), "motion": interval(2.5)}
    lines = score_lines({"samples": scores}, ["too few"])
    assert lines == ["samples".ljust(36) + "psnr 20, motion 2.5", "warning: too few"]
