"""Jitter moves frames and tells their exact motion."""

import numpy as np
import tensorflow as tf

from seg2vid_tf.ops.warp import warp
from seg2vid_tf.training.jitter import jittered, random_displacements

SEEDS = tf.constant([3, 4], tf.int64)


def _batch(spec, size, **exact):
    rng = np.random.default_rng(0)
    label_maps = rng.integers(0, spec.num_classes, (2, 3, *size)).astype(np.uint8)
    return {"frames": tf.constant(rng.uniform(-1, 1, (2, 3, *size, 3)), tf.float32), "label_maps": label_maps, **exact}


def test_a_shift_by_hand(spec):
    """Frame t shows at x what was at x + (1, -2): flow and backward flow lose (1, -2), and a border has no source."""
    size = (6, 8)
    shift = tf.broadcast_to(tf.constant([1.0, -2.0]), [2, 2, *size, 2])
    exact = {name: tf.broadcast_to(tf.constant([0.5, 1.0]), [2, 2, *size, 2]) for name in ("flow", "flow_backward")}
    exact |= {name: tf.ones([2, 2, *size, 1]) for name in ("visibility", "visibility_backward")}
    batch = _batch(spec, size, **exact)
    result = jittered(batch, shift)
    assert result.keys() == batch.keys()
    for name in ("frames", "label_maps"):
        before, after = np.asarray(batch[name]), result[name].numpy()
        assert after.dtype == before.dtype
        np.testing.assert_array_equal(after[:, 0], before[:, 0])
        np.testing.assert_allclose(after[:, 1:, :-1, 2:], before[:, 1:, 1:, :-2], atol=1e-6)
    for name in ("flow", "flow_backward"):
        np.testing.assert_allclose(result[name], np.broadcast_to([-0.5, 3.0], (2, 2, *size, 2)), atol=1e-5)
    inside = np.zeros(size)
    inside[:-1, 2:] = 1
    np.testing.assert_array_equal(result["visibility"][..., 0], np.broadcast_to(inside, (2, 2, *size)))
    # Frame 0's pixel p is at p + (-0.5, 3): it leaves on the right.
    inside = np.ones(size)
    inside[:, -3:] = 0
    np.testing.assert_array_equal(result["visibility_backward"][..., 0], np.broadcast_to(inside, (2, 2, *size)))


def test_both_flows_of_a_bent_clip_fit_each_other(spec):
    """A still clip: then g'(x - f'(x)) = f'(x), and the frames are frame 0 warped by f'."""
    size = (48, 64)
    zero, one = tf.zeros([2, 2, *size, 2]), tf.ones([2, 2, *size, 1])
    batch = _batch(spec, size, flow=zero, flow_backward=zero, visibility=one, visibility_backward=one)
    batch["frames"] = tf.repeat(batch["frames"][:, :1], 3, axis=1)
    displacements = random_displacements(SEEDS, 2, size, 1.5)
    result = jittered(batch, displacements)
    f, g = (tf.reshape(result[name], [-1, *size, 2]) for name in ("flow", "flow_backward"))
    inside = np.reshape(result["visibility"], [-1, *size]) > 0
    assert 0.8 < inside.mean() < 1.0
    np.testing.assert_allclose(warp(g, f).numpy()[inside], f.numpy()[inside], atol=0.1)
    start = tf.repeat(batch["frames"][:, 0], 2, axis=0)
    np.testing.assert_allclose(warp(start, f), np.reshape(result["frames"][:, 1:], [-1, *size, 3]), atol=1e-5)


def test_what_is_known_of_a_pixel_goes_where_the_pixel_goes(spec):
    """A car's edge between columns 3 and 4, everything moved by (0, 0.75): nearest pixels, nothing between 0 and 10."""
    size = (4, 8)
    car = np.zeros([2, 2, *size, 1], np.float32)
    car[..., 4:, :] = 1.0
    exact = {"flow": tf.constant(10.0 * car * [0.0, 1.0], tf.float32), "flow_backward": tf.zeros([2, 2, *size, 2])}
    exact |= {"visibility": tf.constant(1.0 - car), "visibility_backward": tf.constant(1.0 - car)}
    batch = _batch(spec, size, **exact)
    batch["label_maps"] = np.concatenate([car[:, :1], car], axis=1)[..., 0].astype(np.uint8) * 8
    result = jittered(batch, tf.broadcast_to(tf.constant([0.0, 0.75]), [2, 2, *size, 2]))
    there = np.zeros(size)
    there[:, 3:] = 1.0
    np.testing.assert_allclose(result["flow"][1, 1, ..., 1], 10.0 * there - 0.75, atol=1e-5)
    np.testing.assert_array_equal(result["visibility"][1, 1, ..., 0], 1.0 - there)
    np.testing.assert_array_equal(result["label_maps"][1, 1:], [8 * there] * 2)
    # Frame 0 stays where it is, and so does what is hidden of it; column 0 has left on the left.
    expected = 1.0 - car[1, 1, ..., 0]
    expected[:, 0] = 0.0
    np.testing.assert_array_equal(result["visibility_backward"][1, 1, ..., 0], expected)


def test_displacements_are_smooth_seeded_and_as_long_as_asked():
    size = (32, 64)
    seeds = tf.range(200, dtype=tf.int64)
    drawn = random_displacements(seeds, 4, size, 1.0).numpy()
    np.testing.assert_array_equal(random_displacements(seeds[7:8], 4, size, 1.0)[0], drawn[7])
    # Two parts, the steady one t / T and each frame's own 0.5, of a shift and half of it at each node.
    for t in range(4):
        at_a_node = drawn[:, t, 16, 32].std()
        expected = np.sqrt(((t + 1) / 4) ** 2 + 0.5**2) * np.sqrt(1 + 0.25)
        np.testing.assert_allclose(at_a_node, expected, rtol=0.15)
    assert np.abs(np.diff(drawn, axis=2)).max() < 0.5 and np.abs(np.diff(drawn, axis=3)).max() < 0.5
    assert not random_displacements(seeds, 4, size, 0.0).numpy().any()
