import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.annotations.spec import AnnotationSpec, LabelClass
from seg2vid_tf.evaluation.start_frame_scores import StartFrameScores

SPEC = AnnotationSpec(
    "tiny",
    tuple(LabelClass(i, name, (i, i, i), False) for i, name in enumerate(("road", "sky"))),
    255,
    {"cityscapes": {0: 0, 10: 1}},
)
LABELS = np.array([[[0, 1], [1, 255]], [[1, 1], [0, 0]]], np.uint8)  # 7 pixels count


def frames(red):
    """uint8 [B,H,W,3] whose red is what the stand-in segmenter says."""
    return np.stack([np.asarray(red, np.uint8)] * 3, axis=-1)


class RedSegmenter:
    """Stand-in: the trainId of a pixel is its red value; counts the frames it was asked for."""

    def __init__(self):
        self.frames = 0

    def __call__(self, images):
        self.frames += len(images)
        return images[..., 0]


def mean_difference(a, b):
    """Stand-in for LPIPS: mean |a - b| of [-1, 1] pictures, per pair; 255 grey levels are 2."""
    return tf.reduce_mean(tf.abs(a - b), axis=(1, 2, 3))


REAL = frames([[[0, 10], [0, 0]], [[10, 10], [0, 0]]])  # one of the seven wrong
GOOD = frames([[[0, 0], [0, 0]], [[10, 10], [0, 0]]])  # two of the seven wrong


def test_segmenter_scores_by_hand():
    """Real: 3 of 3 road and 3 of 4 sky found, one sky called road: IoU 3/4 and 3/4. Generated: 2 sky called road: road
    3/5, sky 2/4.
    """
    scores = StartFrameScores(SPEC, segmenter=RedSegmenter())
    scores.add(LABELS, REAL, [GOOD])
    result = scores.result()
    assert result == {
        "frames": 2,
        "segmenter_accuracy": pytest.approx(5 / 7),
        "segmenter_mean_iou": pytest.approx((3 / 5 + 2 / 4) / 2),
        "segmenter_accuracy_real": pytest.approx(6 / 7),
        "segmenter_mean_iou_real": pytest.approx(3 / 4),
        "segmenter_accuracy_ratio": pytest.approx(5 / 6),
        "segmenter_mean_iou_ratio": pytest.approx((3 / 5 + 2 / 4) / 2 / (3 / 4)),
    }
    assert all(type(value) in (int, float) for value in result.values())


def test_lpips_and_diversity_by_hand():
    """Seeds at 51, 102 and 0 grey levels from black are 0.4, 0.8 and 0 from a black real frame; their pairs are 0.4,
    0.4 and 0.8 apart. The second batch has one seed, 102 from its real frame.
    """
    scores = StartFrameScores(SPEC, lpips=mean_difference)
    grey = {level: np.full((2, 2, 2, 3), level, np.uint8) for level in (0, 51, 102)}
    scores.add(LABELS, grey[0], [grey[51], grey[102], grey[0]])
    assert scores.result() == {
        "frames": 2,
        "lpips": pytest.approx(0.4),
        "lpips_between_seeds": pytest.approx((0.4 + 0.4 + 0.8) / 3),
    }
    scores.add(LABELS[:1], grey[0][:1], [grey[102][:1]])
    assert scores.result()["lpips"] == pytest.approx((0.4 + 0.4 + 0.8) / 3) and scores.result()["frames"] == 3


def test_one_seed_has_no_diversity():
    scores = StartFrameScores(SPEC, lpips=mean_difference)
    scores.add(LABELS, REAL, [REAL])
    assert scores.result() == {"frames": 2, "lpips": 0.0}


def test_real_frames_are_segmented_once():
    segmenter = RedSegmenter()
    fresh = StartFrameScores(SPEC, segmenter, mean_difference)
    fresh.add(LABELS, REAL, [GOOD])
    kept = fresh.segment(REAL)
    np.testing.assert_array_equal(kept, [[[0, 1], [0, 0]], [[1, 1], [0, 0]]])
    segmenter.frames = 0
    again = StartFrameScores(SPEC, segmenter, mean_difference)
    again.add(LABELS, REAL, [GOOD], segmented_real=kept)
    assert segmenter.frames == 2 and again.result() == fresh.result()
    assert StartFrameScores(SPEC, lpips=mean_difference).segment(REAL) is None


def test_no_ratio_where_the_real_frames_score_nothing():
    scores = StartFrameScores(SPEC, RedSegmenter())
    scores.add(LABELS, frames(np.full((2, 2, 2), 99)), [GOOD])
    result = scores.result()
    assert result["segmenter_accuracy_real"] == 0 and not any("ratio" in name for name in result)


def test_refusals():
    with pytest.raises(ValueError, match="give a segmenter, lpips or both"):
        StartFrameScores(SPEC)
    nameless = AnnotationSpec("tiny", SPEC.classes, 255, {})
    with pytest.raises(ValueError, match="give it a label set 'cityscapes'"):
        StartFrameScores(nameless, RedSegmenter())
    StartFrameScores(nameless, lpips=mean_difference)
    scores = StartFrameScores(SPEC, RedSegmenter(), mean_difference)
    with pytest.raises(ValueError, match="no frame was scored"):
        scores.result()
    with pytest.raises(ValueError, match="generated: received no frames"):
        scores.add(LABELS, REAL, [])
    with pytest.raises(ValueError, match=r"label_maps must be uint8 \[B,H,W\], received uint8 \(2, 2\)"):
        scores.add(LABELS[0], REAL, [GOOD])
    with pytest.raises(ValueError, match=r"real must be uint8 \(2, 2, 2, 3\), received float64"):
        scores.add(LABELS, REAL / 255, [GOOD])
    with pytest.raises(ValueError, match=r"generated\[1\] must be uint8 \(2, 2, 2, 3\), received uint8 \(1, 2, 2, 3\)"):
        scores.add(LABELS, REAL, [GOOD, GOOD[:1]])
    with pytest.raises(ValueError, match="target: id 9 is not in spec"):
        scores.add(np.full_like(LABELS, 9), REAL, [GOOD])
    with pytest.raises(ValueError, match="no frame was scored"):
        scores.result()
