import json

import numpy as np
import pytest

from seg2vid_tf.evaluation.compare import compare
from seg2vid_tf.evaluation.evaluation_folder import EvaluationFolder, config_hash
from seg2vid_tf.evaluation.summary import summarise

IDENTITY = {"data": {"path": "a", "digest": "d"}, "protocol": {"num_frames": 2}}


def record(psnr, lpips=0.5):
    return {
        "scores": {"samples": {"psnr": psnr, "lpips": lpips}},
        "by_frame": {"samples": {"psnr": [psnr + 1, psnr - 1]}},
    }


def filled(path, *psnrs, identity=IDENTITY):
    folder = EvaluationFolder(path)
    folder.start(identity)
    for number, psnr in enumerate(psnrs):
        parts = {m: {"segmenter": np.eye(9, 10, dtype=np.int64)} for m in ("real", "samples")}
        folder.save(number, record(psnr), parts)
    (path / "metrics.json").write_text("{}")
    return folder


def test_what_was_measured_comes_back(tmp_path, spec):
    folder = filled(tmp_path / "a", 20.0, float("nan"), 24.0)
    assert [folder.has(n) for n in range(4)] == [True, True, True, False]
    found = list(folder.clips())
    assert found[0][0] == record(20.0) and np.isnan(found[1][0]["scores"]["samples"]["psnr"])
    np.testing.assert_array_equal(found[2][1]["samples"]["segmenter"], np.eye(9, 10))
    metrics = summarise(folder, spec)
    assert metrics["clips"] == 3
    assert metrics["methods"]["samples"]["psnr"]["mean"] == 22.0
    assert metrics["methods"]["samples"]["psnr"]["clips"] == 2
    assert metrics["sets"]["samples"] == {"segmenter_accuracy": 1.0, "segmenter_mean_iou": 1.0}


def test_what_a_kill_leaves_half_written_is_no_clip(tmp_path, spec):
    folder = filled(tmp_path / "a", 20.0)
    (tmp_path / "a" / "clips" / ".000001.123.tmp.json").write_text("{")
    assert len(list(folder.clips())) == 1 and not folder.has(1)


def test_curves_are_means_over_clips(tmp_path, spec):
    metrics = summarise(filled(tmp_path / "a", 20.0, 24.0), spec)
    assert metrics["by_frame"]["samples"]["psnr"] == [23.0, 21.0]


def test_a_folder_goes_on_with_its_own_evaluation_alone(tmp_path):
    folder = filled(tmp_path / "a", 20.0)
    folder.start(json.loads(json.dumps(IDENTITY)))
    with pytest.raises(ValueError, match=r"holds another evaluation; it differs in protocol.num_frames: 2 -> 3"):
        folder.start({**IDENTITY, "protocol": {"num_frames": 3}})
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "mine.txt").write_text("x")
    with pytest.raises(ValueError, match="is there and holds no evaluation"):
        EvaluationFolder(tmp_path / "b").start(IDENTITY)
    assert (tmp_path / "b" / "mine.txt").read_text() == "x"


def test_damaged_files_are_named(tmp_path, spec):
    folder = filled(tmp_path / "a", 20.0)
    (tmp_path / "a" / "clips" / "000000.npz").write_bytes(b"PK")
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
    assert difference == {"mean": 1.0, "low": 1.0, "high": 1.0, "clips": 2}, "though the clips differ by 10"
    elsewhere = {"data": {"path": "b", "digest": "d"}, "protocol": {"num_frames": 2}}
    assert compare(one, filled(tmp_path / "c", 20.0, 30.0, identity=elsewhere))["samples"]["psnr"]["mean"] == 0.0
    changed = {"data": {"path": "a", "digest": "e"}, "protocol": {"num_frames": 2}}
    with pytest.raises(
        ValueError, match="cannot be compared with .*: its data is {'digest': 'e'}, not {'digest': 'd'}"
    ):
        compare(one, filled(tmp_path / "d", 1.0, identity=changed))
    (tmp_path / "b" / "metrics.json").unlink()
    with pytest.raises(ValueError, match="is it the --output of a finished evaluation"):
        compare(one, other)


def test_a_config_hash_is_of_the_values_and_not_of_their_order():
    assert config_hash({"a": 1, "b": 2}) == config_hash({"b": 2, "a": 1}) != config_hash({"a": 1, "b": 3})
