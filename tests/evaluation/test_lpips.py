import pathlib

import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.evaluation.lpips import load_lpips
from seg2vid_tf.ops.feature_network import LPIPS_MEAN, LPIPS_STD
from seg2vid_tf.ops.image import to_float

WEIGHTS = pathlib.Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "weights"


def kernel(size, out_channels, centre=None):
    """[size, size, 3, out]: zero, or at its centre ``centre``, [3, out]."""
    weights = np.zeros((size, size, 3, out_channels), np.float32)
    if centre is not None:
        weights[size // 2, size // 2] = centre
    return weights


def arrays(centre=None, bias=(0.0, 0.0), lin=(1.0, 1.0)):
    """A two-channel AlexNet whose first map is a 1x1 mix of the picture and whose other maps are zero."""
    network = {"conv1_w": kernel(11, 2, centre), "conv1_b": np.array(bias, np.float32), "lin0": np.array(lin)}
    for i, size in enumerate((5, 3, 3, 3), 2):
        network[f"conv{i}_w"] = np.zeros((size, size, 2, 2), np.float32)
        network[f"conv{i}_b"], network[f"lin{i - 1}"] = np.zeros(2, np.float32), np.ones(2)
    return network


def flat(red, green, blue, size=31):
    """[1, size, size, 3] of one colour, given in the network's own normalised units."""
    colour = np.array([red, green, blue], np.float32) * LPIPS_STD + LPIPS_MEAN
    return np.broadcast_to(colour.astype(np.float32), (1, size, size, 3))


def test_two_channels_by_hand(tmp_path):
    """Channels = (red, green). (3, 4) has the unit vector (0.6, 0.8), (1, 0) has (1, 0):
    2 * (0.6 - 1)^2 + 5 * 0.8^2 = 3.52 with lin weights 2 and 5; the other layers are zero in both.
    """
    np.savez(tmp_path / "w.npz", **arrays(np.eye(3)[:, :2], lin=(2.0, 5.0)))
    lpips = load_lpips(tmp_path / "w.npz")
    one, other, longer = flat(3, 4, 9), flat(1, 0, -9), flat(6, 8, 0)
    np.testing.assert_allclose(lpips(one, other), [3.52], rtol=1e-5)
    np.testing.assert_allclose(lpips(other, one), [3.52], rtol=1e-5)
    np.testing.assert_allclose(lpips(one, longer), [0.0], atol=1e-10)  # only the direction counts
    batch = lpips(np.concatenate([one, one]), np.concatenate([one, other]))
    assert batch.dtype == tf.float32
    np.testing.assert_allclose(batch, [0.0, 3.52], rtol=1e-5)


def test_one_layer_more_adds_to_the_sum(tmp_path):
    """A constant bias on layer 5 is equal in both pictures: nothing is added. A dead map against a live one is 1."""
    network = arrays(np.eye(3)[:, :2])
    network["conv5_b"] = np.array([7.0, 0.0], np.float32)
    np.savez(tmp_path / "w.npz", **network)
    lpips = load_lpips(tmp_path / "w.npz")
    np.testing.assert_allclose(lpips(flat(3, 4, 0), flat(-1, -1, 0)), [1.0], rtol=1e-5)


def test_refusals(tmp_path):
    whole = arrays()
    for missing, key in ((["lin0", "lin4"], "conv1_w"), (["conv3_b"], "lin0")):
        np.savez(tmp_path / "w.npz", **{k: v for k, v in whole.items() if k not in missing})
        with pytest.raises(ValueError) as raised:
            load_lpips(tmp_path / "w.npz")
        assert f"w.npz': missing {missing}, found" in str(raised.value) and key in str(raised.value)
    np.savez(tmp_path / "w.npz", **{**whole, "lin2": np.ones(3)})
    with pytest.raises(ValueError, match=r"w.npz': lin2 must be \(2,\), found \(3,\)"):
        load_lpips(tmp_path / "w.npz")
    with pytest.raises(ValueError, match="no file .*absent.npz"):
        load_lpips(tmp_path / "absent.npz")
    np.savez(tmp_path / "w.npz", **whole)
    lpips = load_lpips(tmp_path / "w.npz")
    picture = flat(0, 0, 0)
    with pytest.raises(ValueError, match=r"LPIPS of b: expected float .* received uint8 \(1, 31, 31, 3\)"):
        lpips(picture, np.zeros((1, 31, 31, 3), np.uint8))
    with pytest.raises(ValueError, match=r"received float32 \(31, 31, 3\)"):
        lpips(picture[0], picture[0])
    with pytest.raises(ValueError, match=r"one size, at least 31x31, received \(1, 31, 31, 3\) and \(1, 32, 32, 3\)"):
        lpips(picture, flat(0, 0, 0, 32))
    with pytest.raises(ValueError, match="at least 31x31"):
        lpips(flat(0, 0, 0, 30), flat(0, 0, 0, 30))


def test_the_published_numbers():
    path, check = WEIGHTS / "lpips_alex.npz", WEIGHTS / "lpips_check"
    if not path.is_file() or not check.is_dir():
        pytest.skip("../shared/data/weights holds no lpips_alex.npz with its checked pictures")
    pictures = [tf.io.decode_png((check / f"ex_{name}.png").read_bytes(), 3) for name in ("ref", "p0", "p1")]
    reference, one, other = (to_float(picture)[None] for picture in pictures)
    lpips = load_lpips(path)
    distances = lpips(tf.repeat(reference, 3, axis=0), tf.concat([one, other, reference], axis=0))
    np.testing.assert_allclose(distances, [0.7219, 0.1376, 0.0], atol=1e-4)
    np.testing.assert_allclose(lpips(one, reference), distances[:1], atol=1e-6)
