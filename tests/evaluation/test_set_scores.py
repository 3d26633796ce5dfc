import numpy as np
import pytest

from seg2vid_tf.evaluation.set_scores import SetMeasures, SetScores


class Fake:
    """An extractor: the mean of each channel, of pictures or of the whole clip."""

    def __init__(self, name, clip_length=None):
        self.name, self.clip_length = name, clip_length

    def __call__(self, video):
        means = video.astype(np.float32).mean(axis=(1, 2))
        return means.mean(axis=0, keepdims=True) if self.clip_length else means


def videos(count, seed, shift=0):
    frames = np.random.default_rng(seed).integers(0, 100, (count, 3, 1, 1, 3)) + shift
    return np.repeat(frames, 4, axis=2).astype(np.uint8)


def gathered(measures, spec, clips, first=0):
    scores = SetScores(spec)
    for frames in clips:
        scores.add(measures.part(frames, np.zeros(frames.shape[:3], np.uint8), first))
    return scores


def test_frechet_distances_are_named_after_their_extractors(spec):
    """A shift of all channels by 50 is three times 50^2; so it is of pictures and of clips."""
    measures = SetMeasures(spec, 2, [Fake("net_a"), Fake("net_b", clip_length=-1)])
    real, made = videos(20, seed=0), videos(20, seed=0, shift=50)
    scores, warnings = gathered(measures, spec, made).result(gathered(measures, spec, real))
    assert scores == {"frechet_net_a": pytest.approx(7500), "frechet_net_b": pytest.approx(7500)} and not warnings


def test_too_few_clips_are_told_and_measure_nothing(spec):
    measures = SetMeasures(spec, 2, [Fake("net", clip_length=-1)])
    sets = [gathered(measures, spec, videos(3, seed)) for seed in (0, 1)]
    scores, warnings = sets[0].result(sets[1])
    assert scores == {"frechet_net": None}
    assert warnings == ["frechet_net: the real set has 3 features, the Frechet distance needs 4"]


def test_segmenter_and_classifier_look_at_the_frames_that_were_made(spec):
    """Frame 0 is real and black; the others are seen as class 1 where the map says 1, and as 0 where it says 2."""
    frames = np.zeros((3, 2, 2, 3), np.uint8)
    frames[1:] = 1
    maps = np.array([[[0, 0], [0, 0]], [[1, 1], [2, 2]], [[1, 1], [2, 2]]], np.uint8)

    def segment(pictures):
        seen = pictures[..., 0].copy()
        seen[:, 1] = 0
        return seen

    measures = SetMeasures(spec, 2, classifier=Fake("net"), segment=segment)
    scores = SetScores(spec)
    scores.add(measures.part(frames, maps, first=1))
    result, _ = scores.result(scores)
    assert result["segmenter_accuracy"] == 0.5 and result["segmenter_mean_iou"] == pytest.approx(1 / 3)
    assert result["classifier_score_net"] == pytest.approx(1.0)


def test_networks_that_do_not_go_together(spec):
    with pytest.raises(ValueError, match=r"different names, received \['net', 'net'\]"):
        SetMeasures(spec, 2, [Fake("net"), Fake("net")])
    with pytest.raises(ValueError, match="net: a classifier must read pictures"):
        SetMeasures(spec, 2, classifier=Fake("net", clip_length=-1))
    SetMeasures(spec, 2, [Fake("net", clip_length=3)])
    with pytest.raises(ValueError, match="net reads clips of 4 frames, a video has 3"):
        SetMeasures(spec, 2, [Fake("net", clip_length=4)])
