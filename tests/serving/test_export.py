"""Export: numbered versions, proved before they get their names, described beside the model."""

import contextlib
import json

import numpy as np
import pytest
import tensorflow as tf

import seg2vid_tf
from seg2vid_tf.models.seg2vid import Seg2Vid
from seg2vid_tf.serving import export as export_module
from seg2vid_tf.serving.export import DESCRIPTION, example_inputs, export, verify, versions
from seg2vid_tf.serving.signatures import describe, signatures


@contextlib.contextmanager
def _shifted(variable, by):
    """Adds a number to a variable for the time of the block."""
    before = np.array(variable.numpy())
    variable.assign(before + by)
    try:
        yield
    finally:
        variable.assign(before)


def test_first_version_is_1_and_described(seg2vid, saved_model):
    assert saved_model.name == "1" and saved_model.parent.name == "tiny"
    assert [p.name for p in saved_model.parent.iterdir()] == ["1"]
    description = json.loads((saved_model / DESCRIPTION).read_text(encoding="utf-8"))
    written_by = description.pop("versions")
    assert description == json.loads(json.dumps(describe(seg2vid)))
    assert written_by["seg2vid_tf"] == seg2vid_tf.__version__ and written_by["tensorflow"] == tf.__version__
    assert (saved_model / DESCRIPTION).with_name("MODEL_CARD.md").exists()


@pytest.mark.parametrize(
    "layer,names",
    [
        (lambda model: model.generator.to_rgb, "serving_default: frames_bytes"),
        (lambda model: model.style_encoder.mean, "encode_style: style"),
        (lambda model: model.motion.background_encoder.to_map, "encode_motion: [a-z_]+"),
    ],
    ids=["generator", "style encoder", "motion encoder"],
)
def test_a_model_that_differs_from_its_export_is_found_out(seg2vid, saved_model, layer, names):
    with (
        _shifted(layer(seg2vid).bias, 2.0),
        pytest.raises(ValueError, match=f"{names}: differs by .* from the model in memory"),
    ):
        verify(seg2vid, saved_model)


def test_examples_hold_every_class_and_every_input(seg2vid, seg2vid_with_instances):
    for model in (seg2vid, seg2vid_with_instances):
        examples = example_inputs(model)
        functions = signatures(model)
        assert {n: set(i) for n, i in examples.items()} == {n: {s.name for s in f[1]} for n, f in functions.items()}
    ids = np.unique(example_inputs(seg2vid)["from_tensor"]["label_map"])
    assert ids.tolist() == [*range(seg2vid.spec.num_classes), seg2vid.spec.ignore_id]


def test_a_failed_proof_leaves_no_version_and_nothing_beside_it(seg2vid, tmp_path, monkeypatch):
    def fail(model, path):
        assert (path / "saved_model.pb").exists() and (path / DESCRIPTION).exists()
        assert not path.name.isdigit(), "a server would take it"
        raise ValueError("animate: flow: differs")

    monkeypatch.setattr(export_module, "verify", fail)
    with pytest.raises(ValueError, match="animate: flow: differs"):
        export(seg2vid, tmp_path, "tiny", version=7)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "version,message", [(3, "3 exists: a version never changes"), (0, "positive integer, received 0")]
)
def test_impossible_versions_are_refused_before_any_work(seg2vid, tmp_path, version, message):
    (tmp_path / "tiny" / "3").mkdir(parents=True)
    with pytest.raises(ValueError, match=message):
        export(seg2vid, tmp_path, "tiny", version=version)
    assert [p.name for p in (tmp_path / "tiny").iterdir()] == ["3"]


def test_a_model_without_stage_1_is_refused(seg2vid, tmp_path):
    alone = Seg2Vid(None, seg2vid.motion, seg2vid.spec, seg2vid.size)
    with pytest.raises(ValueError, match="this model has no stage 1"):
        export(alone, tmp_path, "alone")
    assert not list(tmp_path.iterdir())


def test_versions_are_the_numbered_folders_in_order(tmp_path):
    for name in ("10", "9", "1", ".11.123.tmp", "notes"):
        (tmp_path / name).mkdir()
    (tmp_path / "12").write_text("a file")
    assert versions(tmp_path) == [1, 9, 10]
    assert versions(tmp_path / "absent") == []
