"""Export: numbered versions, proved before they get their names, described beside the model."""

import json
import os
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

import seg2vid_tf
from seg2vid_tf.export_folder import DESCRIPTION, encoder_folder, newest_version, read_description, versions
from seg2vid_tf.files import held_folder
from seg2vid_tf.models.seg2vid import Seg2Vid
from seg2vid_tf.serving import export as export_module
from seg2vid_tf.serving.export import export
from seg2vid_tf.serving.prediction_log import read_log, write_log
from seg2vid_tf.serving.signatures import describe
from seg2vid_tf.serving.warmup import warm_up


def test_first_version_is_1_and_described(seg2vid, saved_model):
    assert saved_model.name == "1" and saved_model.parent.name == "tiny"
    assert sorted(p.name for p in saved_model.parent.iterdir()) == ["1", "encoder"]
    assert [p.name for p in (saved_model.parent / "encoder").iterdir()] == ["1"], "a base path of its own"
    description = json.loads((saved_model / DESCRIPTION).read_text(encoding="utf-8"))
    written_by = description.pop("versions")
    assert description == json.loads(json.dumps(describe(seg2vid)))
    assert written_by["seg2vid_tf"] == seg2vid_tf.__version__ and written_by["tensorflow"] == tf.__version__
    assert (saved_model / DESCRIPTION).with_name("MODEL_CARD.md").exists()


def test_a_server_can_run_every_warm_up_request(saved_model, session_loader, videos, encodings):
    pytest.importorskip("tensorflow_serving")
    seen = {}

    def run(signature, inputs):
        assert {len(value) for value in inputs.values()} == {1}
        seen[signature] = session_loader.run(signature, inputs)

    assert set(warm_up(saved_model, run)) == set(seen) == set(videos)
    assert seen["continue"]["frames_bytes"].shape == (1, 2)
    assert set(warm_up(encoder_folder(saved_model), lambda *_: {})) == set(encodings)


def test_answers_on_disk_are_those_that_were_given(expected, tmp_path):
    pytest.importorskip("tensorflow_serving")
    write_log(tmp_path / "log", "tiny", expected)
    back = read_log(tmp_path / "log")
    assert set(back) == set(expected)
    for signature, pair in expected.items():
        for given, read in zip(pair, back[signature], strict=True):
            assert set(given) == set(read)
            for name, value in given.items():
                assert read[name].dtype == value.dtype
                np.testing.assert_array_equal(read[name], value)
    (tmp_path / "log").write_bytes(b"no records, only some bytes")
    with pytest.raises(ValueError, match="cannot be read as TFRecords"):
        read_log(tmp_path / "log")
    with pytest.raises(ValueError, match="cannot be read as TFRecords"):
        read_log(tmp_path / "missing")


def test_the_same_requests_are_the_same_bytes(tmp_path):
    """Protocol buffers lay a map's entries down in an order of the process unless they are asked not to."""
    pytest.importorskip("tensorflow_serving")
    inputs = {f"input_{i}": np.array([i]) for i in range(12)}
    write_log(tmp_path / "one", "tiny", {"paint": (inputs, {})})
    write_log(tmp_path / "other", "tiny", {"paint": (dict(reversed(inputs.items())), {})})
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_a_failed_proof_leaves_no_version_and_nothing_beside_it(seg2vid, tmp_path, monkeypatch):
    def fail(expected, loader, name):
        path = pathlib.Path(name)
        assert (path / "saved_model.pb").exists() and (path / DESCRIPTION).exists()
        assert not path.name.isdigit(), "a server would take it"
        raise ValueError("animate: flow: differs")

    monkeypatch.setattr(export_module, "verify", fail)
    painting = Seg2Vid(seg2vid.generator, None, seg2vid.spec, seg2vid.size)
    with pytest.raises(ValueError, match="animate: flow: differs"):
        export(painting, tmp_path, "tiny", version=7)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "version,message", [(3, "3 exists: a version never changes"), (0, "positive integer, received 0")]
)
def test_impossible_versions_are_refused_before_any_work(seg2vid, tmp_path, version, message):
    (tmp_path / "tiny" / "3").mkdir(parents=True)
    with pytest.raises(ValueError, match=message):
        export(seg2vid, tmp_path, "tiny", version=version)
    assert [p.name for p in (tmp_path / "tiny").iterdir()] == ["3"]


def test_a_version_that_cannot_get_its_name_leaves_no_encoder(seg2vid, tmp_path, monkeypatch):
    """The two are renamed one after the other: half a model is none."""
    monkeypatch.setattr(export_module, "_make_part", lambda model, path, *_: path.mkdir())
    monkeypatch.setattr(export_module, "answers", lambda model: dict.fromkeys(export_module.signatures(model)))
    rename, done = os.rename, []

    def once(source, target):
        if done:
            raise OSError("no space left on device")
        done.append(target)
        rename(source, target)

    monkeypatch.setattr(export_module.os, "rename", once)
    with pytest.raises(OSError, match="no space left"):
        export(seg2vid, tmp_path, "tiny")
    assert done == [encoder_folder(tmp_path / "tiny" / "1")] and list(tmp_path.iterdir()) == []


def test_what_a_kill_left_is_removed_and_its_version_free_again(seg2vid, tmp_path, monkeypatch):
    """It came between the two renames: the encoder has its name, its model not yet."""
    monkeypatch.setattr(export_module, "_make_part", lambda model, path, *_: path.mkdir())
    monkeypatch.setattr(export_module, "answers", lambda model: dict.fromkeys(export_module.signatures(model)))
    model = tmp_path / "tiny"
    for name in (".2.77.tmp", "encoder/2", "encoder/.3.77.tmp", "1", "encoder/1", ".mine.tmp"):
        (model / name).mkdir(parents=True)
    (model / "encoder/2/half").touch()
    assert export(seg2vid, tmp_path, "tiny", version=2) == model / "2"
    found = sorted(path.relative_to(model).as_posix() for path in model.rglob("*"))
    assert found == [".mine.tmp", "1", "2", "encoder", "encoder/1", "encoder/2"]
    with held_folder(model), pytest.raises(ValueError, match="tiny is in use by process"):
        export(seg2vid, tmp_path, "tiny")


def test_nothing_is_written_twice_and_no_gradient(seg2vid, saved_model):
    rows = {
        "label_map": ([*seg2vid.size], tf.uint8),
        "style": ([4], tf.float32),
        "z": ([10], tf.float32),
        "seed": ([], tf.int64),
    }
    specs = [tf.TensorSpec([None, *shape], dtype) for shape, dtype in rows.values()]
    graph = tf.function(seg2vid.generate, input_signature=specs).get_concrete_function().graph
    expected = sum(op.type == "Conv2D" for op in graph.get_operations())
    document = saved_model_pb2.SavedModel.FromString((saved_model / "saved_model.pb").read_bytes())
    functions = document.meta_graphs[0].graph_def.library.function
    nodes = [node for function in functions for node in function.node_def]
    assert sum(node.op == "Conv2D" for node in nodes) == expected
    assert not any(node.op == "UnsortedSegmentSum" for node in nodes), "a warp's gradient"
    assert max(node.attr["value"].ByteSize() for node in nodes if node.op == "Const") < 10_000, "a table"


def test_an_encoder_is_no_model_of_its_own(saved_model):
    folder = newest_version(saved_model.parent / "encoder")
    with pytest.raises(ValueError, match=f"{folder} is the encoder of a model.* give {saved_model.parent}"):
        read_description(folder)


def test_versions_are_the_numbered_folders_in_order(tmp_path):
    for name in ("10", "9", "1", ".11.123.tmp", "notes"):
        (tmp_path / name).mkdir()
    (tmp_path / "12").write_text("a file")
    assert versions(tmp_path) == [1, 9, 10]
    assert versions(tmp_path / "absent") == []
