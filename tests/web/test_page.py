"""The page, where Gradio is installed (extra "web", which "dev" does not bring: 200 MB)."""

import json

import numpy as np
import pytest

pytest.importorskip("gradio", reason="pip install -e '.[web]'")
from seg2vid_tf.web.kept_videos import KeptVideos
from seg2vid_tf.web.page import answers, make_app
from seg2vid_tf.web.painting import write_painting
from tests.web.fake_model import FakeModel


@pytest.fixture
def model():
    return FakeModel()


@pytest.fixture
def painting(model):
    label_map = np.zeros(model.size, np.uint8)
    label_map[:9, :40] = 255
    return json.dumps(write_painting(label_map, model.spec))


def _answers(model, painting, seed, num_videos, num_frames, temperature=0.7, looks=(None, [], 1000)):
    form = seed, num_videos, num_frames, temperature, *looks
    return answers({"other": None, "street": model}, KeptVideos(), painting, "street", *form)


def test_a_request_is_answered_step_by_step(model, painting):
    steps = list(_answers(model, painting, 7, 2, 4, 0.5))
    assert model.made == [7, 8]
    said = [status.split(">")[1].split("<")[0] for _, _, status in steps]
    assert said == ["video 1 of 2 ...", "video 2 of 2 ...", "done: seeds 7 to 8, frames 4, temperature 0.5"]
    given, videos, _ = steps[-1]
    assert "is ignored" in given and all(step[0] == given for step in steps)
    assert "Seed 7" in videos and "Seed 8" in videos and "temperature=0.5" in videos
    assert "Seed 7" not in steps[0][1] and "Seed 8" not in steps[1][1]


def test_a_model_that_must_be_loaded_says_so_and_one_without_temperature_is_given_none(model, painting):
    model.ready, model.temperature = False, None
    steps = list(_answers(model, painting, 7, 1, 4, temperature=1.5))
    assert "loading street" in steps[0][2] and "done" in steps[1][2]
    assert "temperature" not in steps[-1][1]


def test_looks_are_asked_for_where_the_model_has_them(model, painting):
    looks = 5, ["car", "road"], 8
    (*_, (_, videos, _)) = _answers(model, painting, 7, 1, 4, looks=looks)
    assert "style_seed=5" in videos and "--restyle=car,road --restyle_seed=8" in videos
    model.has_looks = False
    (*_, (_, videos, _)) = _answers(model, painting, 7, 1, 4, looks=looks)
    assert "style_seed=5" in videos and "restyle" not in videos
    model.has_style_seeds = False
    (*_, (_, videos, _)) = _answers(model, painting, 7, 1, 4, looks=looks)
    assert "style_seed" not in videos


def test_a_class_of_another_look_that_the_map_does_not_show_is_told(model, painting):
    (*_, (given, _, _)) = _answers(model, painting, 7, 1, 4, looks=(None, ["road", "car", "sky"], 8))
    assert "the label map shows no car and no sky, whose other look changes nothing" in given
    (*_, (given, _, _)) = _answers(model, painting, 7, 1, 4, looks=(None, ["road"], 8))
    assert "other look" not in given


def test_who_stops_asking_stops_the_work(model, painting):
    steps = _answers(model, painting, 7, 8, 4)
    next(steps), next(steps)
    steps.close()
    assert model.made == [7]


def test_what_is_wrong_is_told_in_the_page(model, painting):
    for arguments, message in (
        ((painting, -1, 1, 4), "seed: a whole number"),
        (("{", 0, 1, 4), "the painting is no JSON"),
        ((json.dumps({**json.loads(painting), "reference": "YWJj"}), 0, 1, 4), "the style picture: not a readable"),
    ):
        (*_, (_, videos, status)) = _answers(model, *arguments)
        assert "role='alert'" in status and message in status and videos == ""
    styled = json.dumps({**json.loads(painting), "reference": "YWJj"})
    (*_, (_, _, status)) = _answers(model, styled, 0, 1, 4, looks=(5, [], 1000))
    assert "a style seed and a photo both say how all looks" in status
    assert model.made == []


def test_the_app_is_built(model):
    assert callable(make_app({"a": model, "b": FakeModel("weizmann_pose")}, here_only=True))
