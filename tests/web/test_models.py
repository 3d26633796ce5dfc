"""A pipeline and a server in the page's words."""

import numpy as np
import pytest

from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.export_folder import CannotLoad, preset_folder
from seg2vid_tf.serving.status import StatusError
from seg2vid_tf.web.calls import ModelCall
from seg2vid_tf.web.models import LocalModel, ServedModel, by_title
from seg2vid_tf.web.pipelines import Pipelines
from seg2vid_tf.web.settings import Settings


def test_a_local_models_videos_are_the_pipelines(pipe, saved_model):
    model = LocalModel(saved_model.parent, ModelCall(folder="mine"), Pipelines(lambda folder: pipe))
    assert model.has_style == pipe.has_style_encoder and not model.ready, "it is loaded when it is asked"
    label_map = np.zeros(pipe.size, np.uint8)
    label_map[:10] = 6
    longer = pipe.num_frames + 1
    videos = list(model.videos(label_map, Settings(5, 2, longer, 0.3), None))
    expected = pipe(label_map, seed=5, num_videos=2, num_frames=longer, temperature=0.3)
    assert [video.seed for video in videos] == [5, 6]
    for i, video in enumerate(videos):
        np.testing.assert_allclose(video.frames.astype(int), expected.frames[i], atol=1)
        np.testing.assert_allclose(video.flow, expected.flow[i], atol=1e-2)
        assert video.visibility.shape == expected.visibility[i].shape
        assert video.label_maps.shape == expected.label_maps[i].shape
    assert model.ready and model.spec == pipe.spec
    assert (model.size, model.num_frames, model.temperature) == (pipe.size, pipe.num_frames, pipe.temperature)


def test_other_looks_are_painted_once_and_moved_by_every_seed(pipe, saved_model, monkeypatch):
    model = LocalModel(saved_model.parent, ModelCall(folder="mine"), Pipelines(lambda folder: pipe))
    label_map, asked = np.zeros(pipe.size, np.uint8), []
    start = np.full((*pipe.size, 3), 77, np.uint8)
    monkeypatch.setattr(pipe, "restyled_start_frame", lambda *given, **more: asked.append((given[1:], more)) or start)
    videos = list(model.videos(label_map, Settings(5, 2, 1, None, 9, ("car",), 6), None))
    assert asked == [((("car",), 6, 5), {"reference": None, "style_seed": 9})]
    assert [(video.frames[0] == start).all() for video in videos] == [True, True]
    monkeypatch.undo()
    (video,) = model.videos(label_map, Settings(5, 1, 1, None, 9), None)
    np.testing.assert_allclose(video.frames[0].astype(int), pipe(label_map, 5, style_seed=9).start_frame[0], atol=1)


@pytest.mark.parametrize("name, can", [("cityscapes", True), ("synthetic_street", False), ("weizmann_pose", False)])
def test_looks_of_classes_are_offered_where_the_models_document_says_how_large_its_networks_are(name, can):
    model = LocalModel(preset_folder(name), ModelCall(preset=name), Pipelines(None))
    assert (model.has_looks, model.has_style_seeds) == (can, True)


def test_networks_that_cannot_be_loaded_are_told_without_where_they_lie(pipe, saved_model, monkeypatch, capsys):
    def broken(label_map, *looks, **painting):
        raise CannotLoad("/home/me/model is not what was exported")

    model = LocalModel(saved_model.parent, ModelCall(folder="mine"), Pipelines(lambda folder: pipe))
    monkeypatch.setattr(pipe, "restyled_start_frame", broken)
    with pytest.raises(ValueError, match="cannot be loaded; the terminal .* says why") as told:
        list(model.videos(np.zeros(pipe.size, np.uint8), Settings(5, 1, 1, None, None, ("car",)), None))
    assert "/home/me" not in str(told.value) and "/home/me/model is not what" in capsys.readouterr().out


class _Client:
    """Videos of three frames, or as many as are asked for; frame t is all t."""

    def __init__(self, error=None):
        self._error, self.asked = error, []

    def size(self):
        return 4, 6

    def generate(self, label_map, seed=0):
        self.asked.append(seed)
        if self._error and seed:
            raise self._error
        return np.stack([np.full((4, 6, 3), t, np.uint8) for t in range(3)]), label_map

    def video(self, label_map, seed, num_frames):
        yield self.generate(label_map, seed)[0][:1]
        for t in range(1, num_frames + 1):
            yield np.full((1, 4, 6, 3), t, np.uint8)


def _served(**more):
    return ServedModel(_Client(**more), load_spec("cityscapes"), ModelCall(server="here:1", model="street"))


def test_a_server_is_asked_for_as_many_frames_as_are_wanted():
    model = _served()
    assert (model.size, model.num_frames) == ((4, 6), 2)
    label_map = np.zeros((4, 6), np.uint8)
    for length in (1, 5):
        videos = list(model.videos(label_map, Settings(3, 2, length), None))
        assert [video.seed for video in videos] == [3, 4]
        assert [int(frame[0, 0, 0]) for frame in videos[0].frames] == list(range(length + 1))
        assert videos[0].flow is None


def test_who_stops_asking_stops_the_work():
    model = _served()
    videos = model.videos(np.zeros((4, 6), np.uint8), Settings(3, 8, 2), None)
    next(videos)
    videos.close()
    assert model._client.asked == [0, 3]


def test_what_a_server_refuses_is_told():
    model = _served(error=StatusError("UNAVAILABLE", "it is full"))
    with pytest.raises(ValueError, match="the server: .*it is full"):
        next(model.videos(np.zeros((4, 6), np.uint8), Settings(3, 1, 2), None))
    with pytest.raises(ValueError, match="style picture"):
        next(model.videos(np.zeros((4, 6), np.uint8), Settings(3, 1, 2), np.zeros((4, 6, 3), np.uint8)))


def test_each_is_loaded_once_and_few_are_kept():
    loaded = []
    pipelines = Pipelines(lambda folder: loaded.append(folder) or f"pipe {folder}", most=2)
    assert [pipelines[folder] for folder in "aab"] == ["pipe a", "pipe a", "pipe b"] and loaded == ["a", "b"]
    pipelines["a"], pipelines["c"]  # b was not asked for longest
    assert [folder in pipelines for folder in "abc"] == [True, False, True]
    pipelines["a"], pipelines["b"]
    assert loaded == ["a", "b", "c", "b"]


def test_what_cannot_be_loaded_is_asked_for_again():
    answers = iter([ValueError("no"), "pipe"])

    def load(folder):
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    pipelines = Pipelines(load)
    with pytest.raises(ValueError, match="no"):
        pipelines["a"]
    assert "a" not in pipelines and pipelines["a"] == "pipe"


def test_models_of_one_name_are_told_apart():
    class Named:
        def __init__(self, **call):
            self.call = ModelCall(**call)

    models = [Named(folder="city"), Named(preset="street"), Named(preset="city"), Named(folder="city")]
    assert by_title(models) == dict(zip(["city", "street", "city (2)", "city (3)"], models, strict=True))
