"""Which versions are served: a new one is loaded before an old one goes, a bad one changes nothing."""

import threading

import pytest
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from seg2vid_tf.serving.local_server import models as models_module
from seg2vid_tf.serving.local_server.models import Models
from seg2vid_tf.serving.status import StatusError


class _FakeServable:
    """Counts its users; a folder that holds a file "bad" cannot be loaded."""

    log: list

    def __init__(self, folder, version, batching):
        self.log.append(f"load {version}")
        if (folder / "bad").exists():
            raise RuntimeError("a warm-up request failed")
        self.version, self.users, self.retired = version, 0, threading.Event()

    def __enter__(self):
        self.users += 1

    def __exit__(self, *_):
        self.users -= 1

    def retire(self, seconds=None):
        self.log.append(f"unload {self.version}")
        self.retired.set()


@pytest.fixture
def log(monkeypatch):
    _FakeServable.log = []
    monkeypatch.setattr(models_module, "Servable", _FakeServable)
    return _FakeServable.log


@pytest.fixture
def folder(tmp_path):
    """folder(*versions, bad=()) adds versions to the model's folder, which it returns."""

    def add(*versions, bad=()):
        for version in (*versions, *bad):
            (tmp_path / "m" / str(version)).mkdir(parents=True)
        for version in bad:
            (tmp_path / "m" / str(version) / "bad").touch()
        return tmp_path / "m"

    return add


def _config(folder, more=""):
    text = f'model_config_list {{ config {{ name: "m" base_path: "{folder}" model_platform: "tensorflow" {more} }} }}'
    return text_format.Parse(text, model_server_config_pb2.ModelServerConfig())


def _states(models):
    return {version: state.state for version, state in models.status("m").items()}


def test_the_newest_version_is_loaded_before_the_old_one_goes(log, folder):
    models = Models(_config(folder(1, 2)))
    models.poll()
    assert log == ["load 2"] and _states(models) == {2: "AVAILABLE"}
    folder(10)
    models.poll()
    assert log == ["load 2", "load 10", "unload 2"] and _states(models) == {10: "AVAILABLE", 2: "END"}
    with models.use("m") as servable:
        assert (servable.version, servable.users) == (10, 1)
    assert servable.users == 0


def test_a_version_that_fails_leaves_the_old_one_and_is_tried_again(log, folder, monkeypatch):
    models = Models(_config(folder(1)))
    models.poll()
    folder(bad=[2])
    models.poll()
    models.poll()
    assert log == ["load 1", "load 2"], "not at once"
    assert _states(models) == {2: "LOADING", 1: "AVAILABLE"}
    assert "a warm-up request failed" in models.status("m")[2].error
    monkeypatch.setattr(models_module, "_RETRY_SECONDS", 0.0)
    for _ in range(9):
        models.poll()
    assert log == ["load 1", *["load 2"] * 6], "five times more"
    assert _states(models) == {2: "END", 1: "AVAILABLE"}
    with models.use("m") as servable:
        assert servable.version == 1


def test_policies_say_which_versions_are_wanted(log, folder):
    where = folder(1, 2, 3)
    for policy, wanted in (
        ("", [3]),
        ("latest { num_versions: 2 }", [3, 2]),
        ("all {}", [3, 2, 1]),
        ("specific { versions: 1 versions: 7 }", [1]),
    ):
        models = Models(_config(where, f"model_version_policy {{ {policy} }}" if policy else ""))
        models.poll()
        assert list(_states(models)) == wanted, policy


def test_labels_and_numbers_name_versions(log, folder):
    config = _config(
        folder(1, 2),
        'model_version_policy { all {} } version_labels { key: "stable" value: 1 } '
        'version_labels { key: "soon" value: 3 }',
    )
    models = Models(config)
    models.poll()
    for asked, version in (({}, 2), ({"version": 1}, 1), ({"label": "stable"}, 1)):
        with models.use("m", **asked) as servable:
            assert servable.version == version
    for asked, code, message in (
        ({"label": "soon"}, "NOT_FOUND", r"Specific\(m, 3\)"),
        ({"label": "other"}, "INVALID_ARGUMENT", "Unrecognized servable version label: other"),
        ({"version": 9}, "NOT_FOUND", r"Specific\(m, 9\)"),
    ):
        with pytest.raises(StatusError, match=message) as refused, models.use("m", **asked):
            pass
        assert refused.value.code == code
    with pytest.raises(StatusError, match="version 9 of model m"):
        models.status("m", 9)
    assert list(models.status("m", label="stable")) == [1]


def test_an_unknown_model_and_an_empty_folder_are_not_found(log, tmp_path):
    models = Models(_config(tmp_path / "nothing"))
    models.poll()
    for name, request in (("m", r"Latest\(m\)"), ("other", r"Latest\(other\)")):
        with pytest.raises(StatusError, match=request) as refused, models.use(name):
            pass
        assert refused.value.code == "NOT_FOUND"
        with pytest.raises(StatusError, match=f"any versions of model {name}"):
            models.status(name)


def test_a_label_moves_to_loaded_versions_alone(log, folder):
    def labelled(version):
        policy = "model_version_policy { latest { num_versions: 2 } }"
        return _config(folder(), f'{policy} version_labels {{ key: "stable" value: {version} }}')

    folder(1, 2)
    models = Models(_config(folder()))
    models.poll()
    models.reload(labelled(3))  # a new one may wait for its version
    with pytest.raises(StatusError, match=r"label stable of m: version 4 is not loaded, \[1, 2\] are") as refused:
        models.reload(labelled(4))
    assert refused.value.code == "FAILED_PRECONDITION"
    models.reload(labelled(2))
    with models.use("m", label="stable") as servable:
        assert servable.version == 2


def test_a_folder_that_is_away_changes_nothing_and_odd_names_are_no_versions(log, folder, tmp_path):
    models = Models(_config(folder(1)))
    models.poll()
    (tmp_path / "m").rename(tmp_path / "away")
    models.poll()
    with models.use("m") as servable:
        assert servable.version == 1
    (tmp_path / "away").rename(tmp_path / "m")
    for name in ("²", "0007", "9" * 20, "-1", "3.tmp"):
        folder(name)
    models.poll()
    assert _states(models) == {1: "AVAILABLE"}


def test_a_version_that_comes_back_is_loaded_again(log, folder, tmp_path):
    models = Models(_config(folder(1, 2)))
    models.poll()
    (tmp_path / "m/2").rename(tmp_path / "2")
    models.poll()
    (tmp_path / "2").rename(tmp_path / "m/2")
    models.poll()
    assert log == ["load 2", "load 1", "unload 2", "load 2", "unload 1"]


def test_another_config_takes_over_whole_or_not_at_all(log, folder, tmp_path):
    models = Models(_config(folder(1, 2)))
    models.poll()
    with pytest.raises(StatusError, match="names no model"):
        models.reload(model_server_config_pb2.ModelServerConfig())
    with models.use("m") as servable:
        assert servable.version == 2
    models.reload(_config(tmp_path / "m", "model_version_policy { specific { versions: 1 } }"))
    assert log == ["load 2", "load 1", "unload 2"]
    other = _config(tmp_path / "m")
    other.model_config_list.config[0].name = "n"
    models.reload(other)
    with pytest.raises(StatusError, match=r"Latest\(m\)"), models.use("m"):
        pass
    with models.use("n") as servable:
        assert servable.version == 2


def test_closing_unloads_everything(log, folder):
    models = Models(_config(folder(1)), poll_seconds=3600.0)
    models.start()
    models.close()
    assert log == ["load 1", "unload 1"]
