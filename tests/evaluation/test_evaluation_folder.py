import json

import numpy as np
import pytest

from seg2vid_tf.evaluation.compare import compare
from seg2vid_tf.evaluation.evaluation_folder import EvaluationFolder, config_hash
from seg2vid_tf.evaluation.summary import summarise

IDENTITY = {
    "data": {"path": "a", "digest": "d"},
    "train_data": [{"path": "t", "digest": "t"}],
    "protocol": {"num_frames": 2},
    "without_annotation": None,
    "networks": {"lpips": {"path": "n", "digest": "n"}},
}


def record(psnr, lpips=0.5, recording="a"):
    return {
        "recording": recording,
        "scores": {method: {"psnr": psnr, "lpips": lpips} for method in ("samples", "mean_flow")},
        "by_frame": {"samples": {"psnr": [psnr + 1, psnr - 1]}},
    }


def filled(path, *psnrs, identity=IDENTITY, recording="clip{}"):
    folder = EvaluationFolder(path)
    folder.start(identity)
    for number, psnr in enumerate(psnrs):
        parts = {m: {"segmenter": np.eye(9, 10, dtype=np.int64)} for m in ("real", "samples")}
        folder.save(number, record(psnr, recording=recording.format(number)), parts)
    (path / "metrics.json").write_text("{}")
    return folder


def test_what_was_measured_comes_back(tmp_path, spec):
    folder = filled(tmp_path / "a", 20.0, float("nan"), 24.0)
    assert [folder.has(n) for n in range(4)] == [True, True, True, False]
    found = list(folder.clips())
    assert found[0][0] == record(20.0, recording="clip0") and np.isnan(found[1][0]["scores"]["samples"]["psnr"])
    np.testing.assert_array_equal(found[2][1]["samples"]["segmenter"], np.eye(9, 10))
    metrics = summarise(folder, spec)
    assert (metrics["clips"], metrics["recordings"], metrics["warnings"]) == (3, 3, [])
    assert metrics["methods"]["samples"]["psnr"]["mean"] == 22.0
    assert metrics["methods"]["samples"]["psnr"]["clips"] == 2
    assert metrics["sets"]["samples"] == {"segmenter_accuracy": 1.0, "segmenter_mean_iou": 1.0}


def test_what_a_kill_leaves_half_written_is_no_clip(tmp_path, spec):
    folder = filled(tmp_path / "a", 20.0)
    (tmp_path / "a" / "clips" / ".000001.123.tmp.json").write_text("{")
    assert len(list(folder.clips())) == 1 and not folder.has(1)


def test_a_classifier_says_logits_or_probabilities_in_all_sets(tmp_path, spec):
    """Of the real picture alone they could be either; one of which it says nothing is told, and ends nothing."""
    folder = filled(tmp_path / "a")
    name, logits = "classifier_score_net", np.array([[0.0, 1.0]])
    folder.save(0, record(20.0), {"real": {name: logits}, "samples": {name: logits * 5}})
    folder.save(1, record(20.0), {"real": {name: logits[:, ::-1]}, "samples": {name: logits}})
    softmax = np.exp(logits) / np.exp(logits).sum()
    expected = np.exp(np.sum(softmax * np.log(2 * softmax)))
    splits = {f"{name}_10_splits{end}": None for end in ("", "_stddev")}
    assert summarise(folder, spec)["sets"]["real"] == {name: pytest.approx(expected), **splits}
    folder = filled(tmp_path / "b")
    folder.save(0, record(20.0), {"real": {name: logits}, "samples": {name: logits * 0}})
    metrics = summarise(folder, spec)
    assert metrics["sets"] == {"real": {name: 1.0, **splits}, "samples": {name: None, **splits}}
    assert metrics["warnings"][1:] == [
        f"{name}_10_splits: the set has 1 videos, a score over 10 splits needs 10",
        f"{name}: of 1 of 1 pictures the classifier gives every class 0",
    ]


def test_windows_of_one_recording_have_no_interval_and_the_words_why(tmp_path, spec):
    metrics = summarise(filled(tmp_path / "a", 20.0, 22.0, 24.0, recording="drive"), spec)
    none = {"low": None, "high": None, "clips": 3, "recordings": 1}
    assert metrics["methods"]["samples"]["psnr"] == {"mean": 22.0, **none} and metrics["recordings"] == 1
    (why,) = metrics["warnings"]
    assert why.startswith("no intervals: all clips (3) are of one recording, 'drive', and do not say how far others")


def test_a_score_that_some_clips_lack_keeps_their_recordings(tmp_path, spec):
    folder = filled(tmp_path / "a", 20.0)
    for number, recording in ((1, "x"), (2, "x")):
        more = record(20.0, recording=recording)
        more["scores"]["samples"]["swap"] = float(number)
        folder.save(number, more, {})
    none = {"low": None, "high": None, "clips": 2, "recordings": 1}
    assert summarise(folder, spec)["methods"]["samples"]["swap"] == {"mean": 1.5, **none}


def test_an_evaluation_that_did_not_say_what_clips_were_cut_from_is_refused(tmp_path, spec):
    folder = filled(tmp_path / "a")
    folder.save(0, {name: value for name, value in record(20.0).items() if name != "recording"}, {})
    with pytest.raises(ValueError, match="000000.json was measured by an older version of evaluate.py: delete"):
        summarise(folder, spec)


def test_curves_are_means_over_clips(tmp_path, spec):
    metrics = summarise(filled(tmp_path / "a", 20.0, 24.0), spec)
    assert metrics["by_frame"]["samples"]["psnr"] == [23.0, 21.0]


def test_a_folder_goes_on_with_its_own_evaluation_alone(tmp_path):
    folder = filled(tmp_path / "a", 20.0)
    folder.start(json.loads(json.dumps(IDENTITY)))
    folder.start({**IDENTITY, "data": {"path": "the same elsewhere", "digest": "d"}})
    with pytest.raises(ValueError, match=r"holds another evaluation; it differs in protocol.num_frames: 2 -> 3"):
        folder.start({**IDENTITY, "protocol": {"num_frames": 3}})
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / ".evaluation.1.tmp.json").write_text("{")
    EvaluationFolder(tmp_path / "b").start(IDENTITY)  # a kill left only that
    (tmp_path / "b" / "evaluation.json").write_text("{")
    with pytest.raises(ValueError, match="evaluation.json is damaged .*: give another --output"):
        EvaluationFolder(tmp_path / "b").start(IDENTITY)
    (tmp_path / "b" / "evaluation.json").unlink()
    (tmp_path / "b" / "mine.txt").write_text("x")
    with pytest.raises(ValueError, match="is there and holds no evaluation"):
        EvaluationFolder(tmp_path / "b").start(IDENTITY)
    assert (tmp_path / "b" / "mine.txt").read_text() == "x"
    with pytest.raises(ValueError, match="mine.txt is a file: give another --output"):
        EvaluationFolder(tmp_path / "b" / "mine.txt").start(IDENTITY)


def test_the_training_datas_mean_flow_is_made_once(tmp_path):
    flow, folder = np.ones((2, 4, 6, 2), np.float32), EvaluationFolder(tmp_path / "a")
    for made in ((flow, ["first", "second"]), (None, [])):  # what the second one makes is not asked for
        found, warnings = folder.train_data(lambda made=made: made)
        np.testing.assert_array_equal(found, flow)
        assert warnings == ["first", "second"]
    assert EvaluationFolder(tmp_path / "b").train_data(lambda: (None, ["none"])) == (None, ["none"])
    (tmp_path / "b" / "train_data.npz").write_bytes(b"")
    with pytest.raises(ValueError, match="train_data.npz is damaged .*: delete .*train_data.npz and go on"):
        EvaluationFolder(tmp_path / "b").train_data(lambda: (None, []))


def test_damaged_files_are_named(tmp_path, spec):
    folder = filled(tmp_path / "a", 20.0)
    arrays = tmp_path / "a" / "clips" / "000000.npz"
    whole = arrays.read_bytes()
    for cut in (b"", b"PK", whole[: len(whole) // 2], whole[:-1], whole[:200] + b"\xff" * 100 + whole[300:]):
        arrays.write_bytes(cut)
        with pytest.raises(ValueError, match="000000.npz is damaged .* delete .*000000.json and go on"):
            list(folder.clips())
    (tmp_path / "a" / "clips" / "000000.json").write_text("{")
    with pytest.raises(ValueError, match="000000.json is damaged"):
        list(folder.clips())
    with pytest.raises(ValueError, match="no clip was measured"):
        summarise(EvaluationFolder(tmp_path / "c"), spec)


def test_evaluations_are_compared_clip_by_clip(tmp_path):
    one, other = filled(tmp_path / "a", 20.0, 30.0), filled(tmp_path / "b", 21.0, 31.0)
    difference = compare(one, other)["samples"]["psnr"]
    assert difference == {"mean": 1.0, "low": 1.0, "high": 1.0, "clips": 2, "recordings": 2}, (
        "though the clips differ by 10"
    )
    hotter = {"num_frames": 2, "temperature": 1.0}
    elsewhere = {**IDENTITY, "data": {"path": "b", "digest": "d"}, "protocol": hotter}
    assert compare(one, filled(tmp_path / "c", 20.0, 30.0, identity=elsewhere))["samples"]["psnr"]["mean"] == 0.0
    changed = {**IDENTITY, "data": {"path": "a", "digest": "e"}}
    with pytest.raises(
        ValueError,
        match="cannot be compared with .*: they differ in data.digest: d -> e. Evaluate both on the same clips",
    ):
        compare(one, filled(tmp_path / "d", 1.0, identity=changed))
    changed = {**IDENTITY, "networks": {"lpips": {"path": "n", "digest": "another"}}}
    with pytest.raises(ValueError, match="networks.lpips.digest: n -> another"):
        compare(one, filled(tmp_path / "e", 1.0, identity=changed))
    without = filled(tmp_path / "f", 1.0, 2.0, identity={**IDENTITY, "networks": {}, "train_data": []})
    assert set(compare(one, other)) == {"samples", "mean_flow"} and set(compare(one, without)) == {"samples"}
    old = {key: value for key, value in IDENTITY.items() if key != "without_annotation"}
    with pytest.raises(ValueError, match="was measured by an older version"):
        compare(one, filled(tmp_path / "g", 1.0, identity=old))
    more = record(25.0, recording="clip0")
    more["scores"]["samples"]["fvd"] = 1.0
    alone = filled(tmp_path / "h", 20.0)
    alone.save(0, more, {})
    assert set(compare(filled(tmp_path / "i", 20.0), alone)["samples"]) == {"psnr", "lpips"}, (
        "what one lacks is left out"
    )
    (tmp_path / "b" / "metrics.json").unlink()
    with pytest.raises(ValueError, match="is it the --output of a finished evaluation"):
        compare(one, other)


def test_a_config_hash_is_of_the_values_and_not_of_their_order():
    assert config_hash({"a": 1, "b": 2}) == config_hash({"b": 2, "a": 1}) != config_hash({"a": 1, "b": 3})
    one, two = ({"train_data": [{"path": path, "digest": "d"}]} for path in ("a", "b"))
    assert config_hash(one) == config_hash(two)
