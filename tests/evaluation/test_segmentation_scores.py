import dataclasses

import numpy as np
import pytest

from seg2vid_tf.annotations.spec import AnnotationSpec, LabelClass, load_spec
from seg2vid_tf.evaluation.segmentation_scores import SegmentationScores, cityscapes_to_spec

NAMES = ("road", "car", "sky", "tree")
SPEC = AnnotationSpec("tiny", tuple(LabelClass(i, n, (i, i, i), False) for i, n in enumerate(NAMES)), 255, {})


def ids(*rows):
    return np.array(rows, np.uint8)


def test_by_hand():
    """Target: 3 road, 1 car, 1 ignored (255). Road is hit twice and once called car, car is hit: accuracy 3 / 4,
    road 2 / 3, car 1 / 2. What is predicted on the ignored pixel (sky) counts nowhere.
    """
    scores = SegmentationScores(SPEC)
    scores.add(ids([0, 0, 0, 1, 255]), ids([0, 0, 1, 1, 2]))
    assert scores.result() == {
        "pixel_accuracy": 0.75,
        "mean_iou": pytest.approx((2 / 3 + 1 / 2) / 2),
        "iou": {"road": pytest.approx(2 / 3), "car": 0.5},
    }


def test_counts_add_up_over_calls_of_any_shape():
    whole, parts = SegmentationScores(SPEC), SegmentationScores(SPEC)
    target, prediction = np.random.default_rng(0).integers(0, 4, (2, 3, 2, 5), dtype=np.uint8)
    whole.add(target, prediction)
    parts.add(target[0], prediction[0])
    parts.add(target[1:], prediction[1:])
    parts.add(target[2, 0, 0], prediction[2, 0, 0])
    parts.add(np.full((2, 2), 255, np.uint8), np.zeros((2, 2), np.uint8))
    whole.add(target[2, 0, 0], prediction[2, 0, 0])
    assert whole.result() == parts.result()


def test_a_class_that_is_only_predicted_pulls_the_mean_down():
    scores = SegmentationScores(SPEC)
    scores.add(ids([0, 0], [0, 0]), ids([0, 0], [2, 2]))
    assert scores.result() == {"pixel_accuracy": 0.5, "mean_iou": 0.25, "iou": {"road": 0.5, "sky": 0.0}}


def test_a_prediction_outside_the_classes_is_wrong():
    """4 and 255 are no classes: two of four road pixels missed, and nobody else is charged."""
    scores = SegmentationScores(SPEC)
    scores.add(ids([0, 0, 0, 0]), ids([0, 0, 4, 255]))
    assert scores.result() == {"pixel_accuracy": 0.5, "mean_iou": 0.5, "iou": {"road": 0.5}}


def test_refusals_count_nothing():
    scores = SegmentationScores(SPEC)
    with pytest.raises(ValueError, match=r"prediction must be uint8 \(1, 2\), received int64 \(1, 2\)"):
        scores.add(ids([0, 1]), np.zeros((1, 2), np.int64))
    with pytest.raises(ValueError, match=r"prediction must be uint8 \(1, 2\), received uint8 \(2,\)"):
        scores.add(ids([0, 1]), ids(0, 1))
    with pytest.raises(ValueError, match="target must be uint8 .* received float32"):
        scores.add(np.zeros((1, 2), np.float32), ids([0, 1]))
    with pytest.raises(ValueError, match=r"target: id 7 is not in spec 'tiny' \(0..3, 255 = ignored\)"):
        scores.add(ids([0, 7]), ids([0, 1]))
    with pytest.raises(ValueError, match="no pixel was scored"):
        scores.result()
    scores.add(ids([255]), ids([0]))
    with pytest.raises(ValueError, match="every target pixel is ignored"):
        scores.result()


def test_cityscapes_ids_in_another_spec():
    np.testing.assert_array_equal(cityscapes_to_spec(load_spec("cityscapes")), np.arange(256))
    own = dataclasses.replace(SPEC, label_sets={"cityscapes": {0: 0, 13: 1, 14: 1, 10: 2, 8: 3}})
    table = cityscapes_to_spec(own)
    np.testing.assert_array_equal(table[[0, 13, 14, 10, 8, 5, 255]], [0, 1, 1, 2, 3, 255, 255])
    with pytest.raises(ValueError, match="'tiny' cannot be measured .*: give it a label set 'cityscapes'"):
        cityscapes_to_spec(SPEC)
