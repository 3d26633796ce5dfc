"""The clips of synthetic_street: determinism, labels, instances, and that frames, flow and visibility agree."""

import hashlib
import platform

import numpy as np
import pytest

from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.data.synthetic_street import SyntheticStreet, render_clip
from tests.programs import run_python

SPEC = load_spec("synthetic_street")


def sample(image, y, x):
    """Bilinear samples of [H, W, C] at pixel coordinates, border replicated."""
    height, width = image.shape[:2]
    y, x = np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)
    y0, x0 = np.minimum(y.astype(int), height - 2), np.minimum(x.astype(int), width - 2)
    ay, ax = (y - y0)[..., None], (x - x0)[..., None]
    top = image[y0, x0] * (1 - ax) + image[y0, x0 + 1] * ax
    bottom = image[y0 + 1, x0] * (1 - ax) + image[y0 + 1, x0 + 1] * ax
    return top * (1 - ay) + bottom * ay


def grid(clip):
    height, width = clip.label_maps.shape[1:]
    return np.mgrid[:height, :width].astype(np.float64)


@pytest.fixture(scope="module")
def clips():
    """Driving and standing streets, 1 + 2 frames each."""
    return list(SyntheticStreet(range(24), 3, 96, 192))


def digest(clip):
    arrays = clip.frames, clip.label_maps, clip.instance_maps, clip.flow, clip.visibility, clip.flow_backward
    return hashlib.sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)).hexdigest()[:16]


def test_same_seed_same_bytes():
    assert digest(render_clip(3, 3, 64, 128)) == digest(render_clip(3, 3, 64, 128))
    assert digest(render_clip(3, 3, 64, 128)) != digest(render_clip(4, 3, 64, 128))


@pytest.mark.skipif(platform.machine() != "x86_64", reason="compilers may fuse multiply and add on other processors")
def test_same_bytes_on_every_numpy():
    assert digest(render_clip(11, 3, 64, 128)) == "416251088fd79468"


def test_needs_no_tensorflow():
    code = "import sys, seg2vid_tf.data.synthetic_street; sys.exit('tensorflow' in sys.modules)"
    assert run_python("-c", code).returncode == 0


def test_shapes_and_types():
    clip = render_clip(12, 4, 48, 80)
    assert clip.clip_id == "street_000012"
    assert clip.frames.shape == (4, 48, 80, 3) and clip.instance_maps.shape == (4, 48, 80)
    assert clip.has_motion and clip.flow.shape == clip.flow_backward.shape == (3, 48, 80, 2)
    assert set(np.unique(clip.visibility)) <= {0.0, 1.0}
    assert np.isfinite(clip.flow).all() and np.isfinite(clip.flow_backward).all()
    assert render_clip(12, 1, 32, 32).flow.shape == (0, 32, 32, 2)


def test_without_motion_the_pictures_are_the_same():
    plain, full = render_clip(5, 2, 64, 128, with_motion=False), render_clip(5, 2, 64, 128)
    assert not plain.has_motion
    np.testing.assert_array_equal(plain.frames, full.frames)
    np.testing.assert_array_equal(plain.instance_maps, full.instance_maps)


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(seed=-1), "seed must be 0 or more, received -1"),
        (dict(num_frames=0), "num_frames must be 1 or more, received 0"),
        (dict(height=16), "received 16x64"),
        (dict(width=31), "received 32x31"),
        (dict(fps=0.0), "fps must be above 0"),
        (dict(fps=float("nan")), "fps must be above 0"),
    ],
)
def test_bad_arguments(change, message):
    arguments = {"seed": 0, "num_frames": 2, "height": 32, "width": 64, **change}
    with pytest.raises(ValueError, match=message):
        render_clip(**arguments)


def test_longer_clip_begins_with_the_same_frames():
    short, long = render_clip(9, 2, 48, 96), render_clip(9, 14, 48, 96)
    np.testing.assert_array_equal(short.frames, long.frames[:2])
    np.testing.assert_array_equal(short.instance_maps, long.instance_maps[:2])
    np.testing.assert_array_equal(short.flow, long.flow[:1])


def test_frame_rate_scales_time():
    # Every second frame at 24 frames per second is a frame at 12.
    slow, fast = render_clip(2, 3, 48, 96), render_clip(2, 5, 48, 96, fps=24.0)
    np.testing.assert_array_equal(slow.label_maps, fast.label_maps[::2])


def test_same_scene_at_two_sizes():
    for seed in range(4):
        small = render_clip(seed, 2, 64, 128)
        large = render_clip(seed, 2, 128, 256)
        cells = large.label_maps.reshape(2, 64, 2, 128, 2)
        found = (cells == small.label_maps[:, :, None, :, None]).any((2, 4))
        assert found.mean() > 0.95
        # Twice the pixels, twice the flow.
        flow = large.flow[0].reshape(64, 2, 128, 2, 2).mean((1, 3)) / 2
        assert np.median(np.abs(flow - small.flow[0])) < 0.02


def test_classes_and_instances(clips):
    labels = np.concatenate([c.label_maps.ravel() for c in clips])
    share = np.bincount(labels, minlength=256) / labels.size
    assert set(np.unique(labels)) == set(range(SPEC.num_classes))
    assert share[0] > 0.1 and share[2] > 0.05 and share[6] > 0.03
    for clip in clips:
        has_instance = clip.instance_maps > 0
        np.testing.assert_array_equal(has_instance, np.isin(clip.label_maps, SPEC.foreground_ids))
        pairs = np.unique(np.stack([clip.instance_maps[has_instance], clip.label_maps[has_instance]]), axis=1)
        assert len(np.unique(pairs[0])) == pairs.shape[1], "one class per instance"


def test_pictures_have_contrast(clips):
    spread = [c.frames[0].astype(float).std() for c in clips]
    assert min(spread) > 20
    neighbours = [np.abs(np.diff(c.frames[0].astype(float), axis=1)).mean() for c in clips]
    assert min(neighbours) > 2


def test_warped_frames_meet_on_visible_pixels(clips):
    """frame_t(p) = frame_0(p - flow_t(p)) and frame_0(p) = frame_t(p + flow_backward_t(p)), grey levels of 255."""
    for clip in clips:
        frames, (y, x) = clip.frames.astype(np.float64), grid(clip)
        for t in (1, 2):
            flow, back = clip.flow[t - 1].astype(np.float64), clip.flow_backward[t - 1].astype(np.float64)
            seen, seen_back = clip.visibility[t - 1, ..., 0] == 1, clip.visibility_backward[t - 1, ..., 0] == 1
            assert seen.mean() > 0.6 and seen_back.mean() > 0.5
            warped = sample(frames[0], y - flow[..., 0], x - flow[..., 1])
            warped_back = sample(frames[t], y + back[..., 0], x + back[..., 1])
            error = np.abs(warped - frames[t]).mean(-1)[seen]
            error_back = np.abs(warped_back - frames[0]).mean(-1)[seen_back]
            for e in (error, error_back):
                assert np.median(e) < 3, (clip.clip_id, t)
                assert np.percentile(e, 95) < 22, (clip.clip_id, t)


def test_warping_beats_copying(clips):
    gains = []
    for clip in clips:
        frames, (y, x), seen = clip.frames.astype(np.float64), grid(clip), clip.visibility[1, ..., 0] == 1
        warped = sample(frames[0], y - clip.flow[1, ..., 0], x - clip.flow[1, ..., 1])
        copied = np.abs(frames[0] - frames[2])[seen].mean()
        if copied > 3:
            gains.append(np.abs(warped - frames[2])[seen].mean() / copied)
    assert len(gains) > 10 and np.mean(gains) < 0.35 and max(gains) < 0.8


def test_flows_are_cycle_consistent(clips):
    """f(x + g(x)) = g(x) and g(x - f(x)) = f(x) on visible pixels."""
    for clip in clips:
        y, x = grid(clip)
        flow, back = clip.flow[1].astype(np.float64), clip.flow_backward[1].astype(np.float64)
        cycle = np.abs(sample(flow, y + back[..., 0], x + back[..., 1]) - back).max(-1)
        cycle_back = np.abs(sample(back, y - flow[..., 0], x - flow[..., 1]) - flow).max(-1)
        for error, visible in ((cycle, clip.visibility_backward[1]), (cycle_back, clip.visibility[1])):
            # At a silhouette the bilinear sample of a flow mixes two surfaces' flows: a tenth is left to that.
            assert np.percentile(error[visible[..., 0] == 1], 90) < 0.01


def test_what_comes_from_outside_is_not_visible(clips):
    for clip in clips:
        y, x = grid(clip)
        for field, visible, sign in (
            (clip.flow, clip.visibility, -1),
            (clip.flow_backward, clip.visibility_backward, 1),
        ):
            to_y, to_x = y + sign * field[1, ..., 0], x + sign * field[1, ..., 1]
            outside = (to_y < -0.01) | (to_x < -0.01) | (to_y > y.max() + 0.01) | (to_x > x.max() + 0.01)
            assert not visible[1][outside].any()


def test_visible_pixels_keep_class_and_instance(clips):
    """The nearest pixel at a visible point's place shows the same instance, and nearly always the same class."""
    for clip in clips:
        y, x = grid(clip)
        seen = clip.visibility[0, ..., 0] == 1
        at = np.rint(y - clip.flow[0, ..., 0]).astype(int)[seen], np.rint(x - clip.flow[0, ..., 1]).astype(int)[seen]
        same = clip.instance_maps[0][at] == clip.instance_maps[1][seen]
        assert same.mean() > 0.995
        assert (clip.label_maps[0][at] == clip.label_maps[1][seen]).mean() > 0.97
