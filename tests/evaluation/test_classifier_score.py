import numpy as np
import pytest

from seg2vid_tf.evaluation.classifier_score import ClassifierScore


def score(*batches):
    gathered = ClassifierScore(batches[0].shape[1])
    for batch in batches:
        gathered.add(batch)
    return gathered.result()


def test_the_same_verdict_of_all_is_1_and_a_class_each_the_number_of_classes():
    assert score(np.tile([0.7, 0.2, 0.1], (5, 1))) == pytest.approx(1.0)
    assert score(np.eye(4)) == pytest.approx(4.0)


def test_the_formula_by_hand():
    """p(y) is a half each; KL((0.9, 0.1) || p) = 0.9 ln 1.8 + 0.1 ln 0.2 for both pictures."""
    expected = np.exp(0.9 * np.log(1.8) + 0.1 * np.log(0.2))
    both = np.array([[0.9, 0.1], [0.1, 0.9]])
    assert score(both) == pytest.approx(expected)
    assert score(both[:1], both[1:]) == pytest.approx(expected), "batch by batch"
    assert score(np.log(both) + 7.0) == pytest.approx(expected), "logits"


def test_quantised_probabilities_need_not_add_up():
    """In steps of 1/256 the small ones of 1000 classes vanish: what is left counts as a whole."""
    both = np.array([[0.9, 0.1], [0.1, 0.9]])
    assert score(0.7 * both) == pytest.approx(score(both))
    assert score(np.array([[1.004, 0.0], [0.0, 1.004]])) == pytest.approx(2.0)


def test_logits_are_known_by_all_pictures_together():
    """The first picture's alone could be probabilities."""
    first, second = np.array([[0.9, 0.1]]), np.array([[-3.0, 5.0]])
    softmax = [np.exp(each) / np.exp(each).sum() for each in (first, second)]
    assert score(first, second) == score(second, first) == pytest.approx(score(*softmax))


def test_what_a_classifier_may_not_say():
    with pytest.raises(ValueError, match=r"classes must be \[N, 3\], received \[2, 4\]"):
        ClassifierScore(3).add(np.zeros((2, 4)))
    with pytest.raises(ValueError, match="NaN or infinity"):
        ClassifierScore(1).add(np.array([[np.nan]]))
    with pytest.raises(ValueError, match="no picture"):
        ClassifierScore(3).result()
    with pytest.raises(ValueError, match="of 1 of 2 pictures the classifier gives every class 0"):
        score(np.array([[0.5, 0.5], [0.0, 0.0]]))


def test_over_ten_splits_as_published():
    """Five splits of both pictures, whose score is as above, and five of one picture twice, of which it is 1."""
    both = np.array([[0.9, 0.1], [0.1, 0.9]])
    one = np.exp(0.9 * np.log(1.8) + 0.1 * np.log(0.2))
    gathered = ClassifierScore(2)
    for batch in [both] * 5 + [both[[0, 0]]] * 5:
        gathered.add(batch)
    assert gathered.over_splits() == pytest.approx(((one + 1) / 2, (one - 1) / 2))
    for batch in (both, both[[1, 1]]) * 5:
        gathered.add(batch)
    # Twenty batches are two a split: two splits of both pictures twice, one of both and one picture twice, two of that
    # alone, and five of both and the other one twice, whose score is the third's.
    three, other = (np.sum(p * np.log(p / [0.7, 0.3])) for p in np.array([[0.9, 0.1], [0.1, 0.9]]))
    third = np.exp(0.75 * three + 0.25 * other)
    scores = [one, one, third, 1.0, 1.0, *[third] * 5]
    assert gathered.over_splits() == pytest.approx((np.mean(scores), np.std(scores)))
    few = ClassifierScore(2)
    for _ in range(9):
        few.add(both)
    with pytest.raises(ValueError, match="the set has 9 videos, a score over 10 splits needs 10"):
        few.over_splits()
