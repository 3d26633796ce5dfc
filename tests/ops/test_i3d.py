"""I3D from weights made by hand, and from its own where they are to be had."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageSequence

from seg2vid_tf.ops.i3d import I3D
from tests.programs import run_several

WEIGHTS = pathlib.Path(__file__).resolve().parents[3] / "shared/data/weights"
PROGRAM = pathlib.Path(__file__).resolve().parents[2] / "experiments/convert_i3d.py"
BRANCHES = ("Branch_0/Conv3d_0a_1x1", "Branch_1/Conv3d_0b_3x3", "Branch_2/Conv3d_0b_3x3", "Branch_3/Conv3d_0b_1x1")


@pytest.fixture(scope="module")
def arrays():
    """Weights of one channel a unit; its convolutions are zero, so that each unit says its offset alone."""
    units = {"Conv3d_1a_7x7": (7, 3), "Conv3d_2b_1x1": (1, 1), "Conv3d_2c_3x3": (3, 1)}
    channels = 1
    for name in ("3b", "3c", "4b", "4c", "4d", "4e", "4f", "5b", "5c"):
        for i in range(3):
            units[f"Mixed_{name}|Branch_{i}/Conv3d_0a_1x1"] = 1, channels
        units |= {f"Mixed_{name}|Branch_{i}/Conv3d_0b_3x3": (3, 1) for i in (1, 2)}
        units[f"Mixed_{name}|Branch_3/Conv3d_0b_1x1"] = 1, channels
        channels = 4
    made = {}
    for name, (side, inputs) in units.items():
        made[f"params|{name}|Conv_0|kernel"] = np.zeros((side, side, side, inputs, 1), np.float16)
        made[f"params|{name}|BatchNorm_0|bias"] = np.zeros(1, np.float16)
        made[f"batch_stats|{name}|BatchNorm_0|mean"] = np.zeros((1, 1, 1, 1, 1), np.float16)
        made[f"batch_stats|{name}|BatchNorm_0|var"] = np.ones((1, 1, 1, 1, 1), np.float16)
    for i, branch in enumerate(BRANCHES):
        made[f"params|Mixed_5c|{branch}|BatchNorm_0|bias"][:] = i + 1
    # (2 - mean) / sqrt(var + 0.001), mean -3 and variance 3.999: the fourth branch says 4 + 1.5.
    made["batch_stats|Mixed_5c|Branch_3/Conv3d_0b_1x1|BatchNorm_0|mean"][:] = -3.0
    made["batch_stats|Mixed_5c|Branch_3/Conv3d_0b_1x1|BatchNorm_0|var"][:] = 3.999
    made["params|Logits/Conv3d_0c_1x1|Conv_0|kernel"] = np.eye(4, dtype=np.float16).reshape(1, 1, 1, 4, 4)
    made["params|Logits/Conv3d_0c_1x1|Conv_0|bias"] = np.array([0, 0, 0, 10], np.float16)
    return made


def test_branches_stand_in_their_order_and_are_normalised(arrays, tmp_path):
    np.savez(tmp_path / "i3d.npz", **arrays)
    network = I3D(tmp_path / "i3d.npz")
    np.testing.assert_allclose(network(tf.zeros([1, 9, 224, 224, 3])), [[1, 2, 3, 15.5]], rtol=1e-3)


def test_what_is_no_i3d_is_refused(arrays, tmp_path):
    missing = "params|Mixed_4e|Branch_2/Conv3d_0b_3x3|Conv_0|kernel"
    np.savez(tmp_path / "part.npz", **{name: array for name, array in arrays.items() if name != missing})
    with pytest.raises(ValueError, match=r"part.npz holds no I3D: it lacks 'params\|Mixed_4e\|Branch_2/"):
        I3D(tmp_path / "part.npz")(tf.zeros([1, 9, 224, 224, 3]))
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(ValueError, match="text.npz cannot be read as I3D's weights"):
        I3D(tmp_path / "text.npz")


def test_the_program_writes_what_measures_clips(arrays, tmp_path):
    from seg2vid_tf.evaluation.feature_extractor import FeatureExtractor

    np.savez(tmp_path / "i3d.npz", **arrays)
    line = [PROGRAM, f"--weights={tmp_path / 'i3d.npz'}", f"--output={tmp_path / 'i3d'}"]
    (written, refused), printed = run_several([line, line])
    assert written is None and "features [N,400]" in printed
    assert "i3d: already there" in refused
    extractor = FeatureExtractor(f"fvd16={tmp_path / 'i3d'}")
    assert (extractor.name, extractor.clip_length) == ("fvd16_i3d", 16)
    np.testing.assert_allclose(extractor(np.zeros((17, 8, 8, 3), np.uint8)), [[1, 2, 3, 15.5]], rtol=1e-3)


def test_a_known_clips_logits():
    if not (WEIGHTS / "i3d_kinetics400_rgb_f16.npz").exists():
        pytest.skip(f"no I3D weights in {WEIGHTS}")
    check = WEIGHTS / "i3d_check"
    with Image.open(check / "v_CricketShot_g04_c01_rgb.gif") as image:
        frames = np.stack([np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)])
    logits = I3D(WEIGHTS / "i3d_kinetics400_rgb_f16.npz")(tf.constant(frames[None] / np.float32(127.5) - 1.0))
    expected = np.load(check / "expected_logits_f32.npy").reshape(1, -1)
    np.testing.assert_allclose(logits, expected, atol=0.02)
    names = (check / "kinetics400_label_map.txt").read_text().splitlines()
    assert names[int(np.argmax(logits))] == "playing cricket"
