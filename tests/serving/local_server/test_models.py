"""Which versions are served: a new one is loaded before an old one goes, a bad one changes nothing."""

import threading

import pytest
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from seg2vid_tf.export_folder import newest_version, version_folders
from seg2vid_tf.serving.local_server import models as models_module
from seg2vid_tf.serving.local_server.models import Models
from seg2vid_tf.serving.status import StatusError


class _FakeServable:
    """Counts its users; a folder that holds a file "bad" cannot be loaded."""

    log: list

    def __init__(self, folder, version, batching, most_rows):
        self.log.append(f"load {version}")
        if (folder / "bad").exists():
            raise RuntimeError("a warm-up request failed")
        self.version, self.users, self.free = version, 0, threading.Event()
        self.free.set()

    def __enter__(self):
        self.users += 1
        return self

    def __exit__(self, *_):
        self.users -= 1

    def retire(self, seconds=None):
        self.free.wait()
        self.log.append(f"unload {self.version}")


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
    """{version: its state}, once what is taken away is."""
    for thread in list(models._retiring):
        thread.join()
    return {version: state.state for version, state in models.status("m").items()}


def test_the_newest_version_is_loaded_before_the_old_one_goes(log, folder):
    models = Models(_config(folder(1, 2)))
    models.poll()
    assert log == ["load 2"] and _states(models) == {2: "AVAILABLE"}
    folder(10)
    models.poll()
    assert _states(models) == {10: "AVAILABLE", 2: "END"} and log == ["load 2", "load 10", "unload 2"]
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
    for name in ("²", "9" * 20, "9" * 19, "-1", "3.tmp"):
        folder(name)
    models.poll()
    assert _states(models) == {1: "AVAILABLE"}


def test_version_folders_are_numbers_whatever_zeros_they_begin_with(log, folder):
    models = Models(_config(folder("00000123", "0007", "7"), "model_version_policy { all {} }"))
    models.poll()
    assert _states(models) == {123: "AVAILABLE", 7: "AVAILABLE"}
    assert version_folders(folder()) == {7: folder() / "7", 123: folder() / "00000123"}, "of 0007 and 7 the last one"
    assert newest_version(folder()) == folder() / "00000123"


def test_a_slow_call_holds_up_its_own_version_alone(log, folder):
    models = Models(_config(folder(1)))
    models.poll()
    with models.use("m") as slow:
        slow.free.clear()
        folder(2)
        models.poll()
        folder(3)
        models.poll()
        assert log[:3] == ["load 1", "load 2", "load 3"] and "unload 1" not in log
        assert models.status("m")[1].state == "UNLOADING"
        with models.use("m") as servable:
            assert servable.version == 3
        slow.free.set()
    assert _states(models) == {3: "AVAILABLE", 2: "END", 1: "END"}


def test_a_version_that_is_wanted_again_waits_until_it_is_gone(log, folder, tmp_path):
    models = Models(_config(folder(1, 2)))
    models.poll()
    with models.use("m") as slow:
        slow.free.clear()
        models.reload(_config(folder(), "model_version_policy { specific { versions: 1 } }"))
        models.reload(_config(folder()))
        assert log == ["load 2", "load 1"], "version 2 is on its way out"
        slow.free.set()
    assert _states(models) == {2: "END", 1: "AVAILABLE"}
    models.poll()
    assert _states(models) == {2: "AVAILABLE", 1: "END"}
    assert log == ["load 2", "load 1", "unload 2", "load 2", "unload 1"]


def test_callers_reload_nothing_from_elsewhere(log, folder, tmp_path):
    models = Models(_config(folder(1)))
    models.poll()
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "1").mkdir(parents=True)
    (folder() / "link").symlink_to(elsewhere)
    for path in (elsewhere, folder() / "link", folder() / ".." / "elsewhere", tmp_path, "/"):
        with pytest.raises(StatusError, match=f"base_path {path} of m is not in {folder()}") as refused:
            models.reload_for_caller(_config(path))
        assert refused.value.code == "PERMISSION_DENIED"
    assert log == ["load 1"]
    (folder() / "encoder" / "4").mkdir(parents=True)
    models.reload_for_caller(_config(folder() / "encoder"))
    assert _states(models)[4] == "AVAILABLE"


def test_a_version_that_comes_back_is_loaded_again(log, folder, tmp_path):
    models = Models(_config(folder(1, 2)))
    models.poll()
    (tmp_path / "m/2").rename(tmp_path / "2")
    models.poll()
    assert _states(models) == {2: "END", 1: "AVAILABLE"}
    (tmp_path / "2").rename(tmp_path / "m/2")
    models.poll()
    assert _states(models) == {2: "AVAILABLE", 1: "END"}
    assert log == ["load 2", "load 1", "unload 2", "load 2", "unload 1"]


def test_another_config_takes_over_whole_or_not_at_all(log, folder, tmp_path):
    models = Models(_config(folder(1, 2)))
    models.poll()
    with pytest.raises(StatusError, match="names no model"):
        models.reload(model_server_config_pb2.ModelServerConfig())
    with models.use("m") as servable:
        assert servable.version == 2
    models.reload(_config(tmp_path / "m", "model_version_policy { specific { versions: 1 } }"))
    assert _states(models) == {2: "END", 1: "AVAILABLE"}
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
