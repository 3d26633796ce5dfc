import numpy as np
import pytest

from seg2vid_tf.annotations.spec import AnnotationSpec, LabelClass
from seg2vid_tf.evaluation.style_scores import StyleScores, class_colors, rgb_to_lab

SPEC = AnnotationSpec(
    "tiny", tuple(LabelClass(i, n, (i, i, i), False) for i, n in enumerate(("road", "sky", "pole"))), 255, {}
)


def test_lab_of_known_colours():
    """Published values under D65, to their last digit: white, black, the primaries, and middle grey."""
    known = {
        (255, 255, 255): (100.0, 0.0, 0.0),
        (0, 0, 0): (0.0, 0.0, 0.0),
        (255, 0, 0): (53.24, 80.09, 67.20),
        (0, 255, 0): (87.73, -86.18, 83.18),
        (0, 0, 255): (32.30, 79.19, -107.86),
        (119, 119, 119): (50.03, 0.0, 0.0),
    }
    np.testing.assert_allclose(rgb_to_lab(np.array(list(known), np.uint8)), list(known.values()), atol=0.02)


def flat(*levels):
    """A grey picture of ten columns, uint8 [2,10,3]: the first half is the first level, the other half the second."""
    row = np.repeat(np.asarray(levels, np.uint8), 10 // len(levels))
    return np.repeat(np.repeat(row[None, :, None], 2, axis=0), 3, axis=2)


def lightness(level):
    return rgb_to_lab(np.array([level] * 3, np.uint8))[0]


HALVES = np.repeat(np.array([[0] * 5 + [1] * 5], np.uint8), 2, axis=0)


def test_the_mean_is_of_lab_and_of_classes_that_take_enough():
    label_map = np.zeros((10, 10), np.uint8)
    label_map[0, :2], label_map[1, :3], label_map[2, :5] = 1, 2, 255  # 2 % is too little, 3 % is not
    picture = np.zeros((1, 10, 10, 3), np.uint8)
    picture[0, 1, :3] = np.array([0, 255, 255])[:, None]
    colors = class_colors(picture, label_map)
    assert set(colors) == {0, 2, 255}
    np.testing.assert_allclose(colors[2], [[200 / 3, 0, 0]], atol=1e-4)


def test_shares_by_hand():
    """Two seeds; the reference's road is 100 and its sky 200. In its style the road comes to 100 and 120, and the sky
    stays at 40, as in a random style; there the road is 60.
    """
    scores = StyleScores(SPEC)
    styled, random = np.stack([flat(100, 40), flat(120, 40)]), np.stack([flat(60, 40)] * 2)
    scores.add(HALVES, flat(0, 0), HALVES, flat(100, 200), styled, random)
    result = scores.result()
    near, far = (lightness(120) - lightness(100)) / 2, lightness(100) - lightness(60)
    sky = lightness(200) - lightness(40)
    assert result["pairs"] == 1 and set(result) == {"pairs", "classes"}
    assert result["classes"] == {
        "road": pytest.approx({"pairs": 1, "reference_style": near, "random_style": far, "share": 1 - near / far}),
        "sky": pytest.approx({"pairs": 1, "reference_style": sky, "random_style": sky, "share": 0.0}),
        "all": pytest.approx(
            {
                "pairs": 2,
                "reference_style": (near + sky) / 2,
                "random_style": (far + sky) / 2,
                "share": 1 - (near + sky) / (far + sky),
            }
        ),
    }


def test_means_are_taken_over_pairs_before_the_share():
    """A pair whose random style is already there adds nothing to the way; the sky is in one pair alone."""
    scores, road = StyleScores(SPEC), np.zeros((2, 10), np.uint8)
    black, grey = flat(0)[None], flat(100)[None]
    scores.add(HALVES, flat(0), HALVES, flat(100), grey, black)
    scores.add(road, flat(0), HALVES, flat(100), black, grey)
    classes = scores.result()["classes"]
    assert classes["road"] == pytest.approx(
        {"pairs": 2, "reference_style": lightness(100) / 2, "random_style": lightness(100) / 2, "share": 0.0}
    )
    assert classes["sky"]["pairs"] == 1 and classes["sky"]["share"] == 1.0


def test_the_segmenter_looks_at_both_styles_and_the_real_picture():
    """It calls what is bright sky. Real: all right. Reference style: one seed right, one half. Random: half."""
    scores = StyleScores(SPEC, lambda pictures: (pictures[..., 0] > 127).astype(np.uint8))
    good, dark = flat(0, 255), flat(0, 0)
    scores.add(HALVES, good, HALVES, good, np.stack([good, dark]), np.stack([dark, dark]))
    result = scores.result()
    assert result["segmenter_accuracy"] == {"reference_style": 0.75, "random_style": 0.5, "real": 1.0}
    assert result["segmenter_accuracy_ratio"] == {"reference_style": 0.75, "random_style": 0.5}


def test_refusals():
    scores, one = StyleScores(SPEC), flat(0)[None]
    with pytest.raises(ValueError, match="of any of 0 pairs"):
        scores.result()
    with pytest.raises(ValueError, match=r"random_style must be uint8 \(2, 10, 3\), received uint8 \(0, 2, 10, 3\)"):
        scores.add(HALVES, flat(0), HALVES, flat(0), one, one[:0])
    with pytest.raises(ValueError, match=r"real must be uint8 \(2, 10, 3\), received uint8 \(1, 1, 10, 3\)"):
        scores.add(HALVES, flat(0)[:1], HALVES, flat(0), one, one)
    scores.add(HALVES, flat(0), np.full_like(HALVES, 255), flat(0), one, one)
    with pytest.raises(ValueError, match="no class takes 2% of both maps of any of 1 pairs"):
        scores.result()
