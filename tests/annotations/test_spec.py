"""Annotation specs: the JSON round trip and what from_json refuses."""

import json

import pytest

from seg2vid_tf.annotations.spec import AnnotationSpec, load_spec


@pytest.mark.parametrize("name", ["cityscapes", "synthetic_street"])
def test_json_round_trip(name):
    spec = load_spec(name)
    assert AnnotationSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label_sets": ["labelIds"]}, "not an annotation spec"),
        ({"label_sets": {"labelIds": [0, 1]}}, "not an annotation spec"),
        ({"label_sets": {"labelIds": {"7": 77}}}, r"label set 'labelIds' maps to unknown ids \[77\]"),
        ({"classes": [1, 2]}, "not an annotation spec"),
        ({"classes": []}, r"class ids must be 0..K-1 in order, received \[\]"),
        ({"ignore_id": 3}, "ignore_id must lie between the last class id and 255, received 3"),
    ],
)
def test_documents_that_are_no_spec_are_refused(change, message, tmp_path):
    document = {**load_spec("synthetic_street").to_json(), **change}
    with pytest.raises(ValueError, match=message):
        AnnotationSpec.from_json(document)
    (tmp_path / "mine.json").write_text(json.dumps(document))
    with pytest.raises(ValueError, match=f"mine.json: .*{message}"):
        load_spec(str(tmp_path / "mine.json"))


def test_other_documents_are_refused():
    for document in ([], {}, "spec", None):
        with pytest.raises(ValueError, match="not an annotation spec"):
            AnnotationSpec.from_json(document)
