import numpy as np
import pytest

from seg2vid_tf.evaluation.kernel_distance import kernel_distance
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
    for number, frames in enumerate(clips):
        scores.add(measures.part(frames, np.zeros(frames.shape[:3], np.uint8), first), number)
    return scores


def test_distances_are_named_after_their_extractors(spec):
    """A shift of all channels by 50 is three times 50^2; so it is of pictures and of clips. The kernel distance holds
    a video's frames against those of other videos only; that of pictures is KID, that of clips KVD.
    """
    measures = SetMeasures(spec, 2, [Fake("net_a"), Fake("net_b", clip_length=-1)])
    real, made = videos(20, seed=0), videos(20, seed=0, shift=50)
    scores, warnings = gathered(measures, spec, made).result(gathered(measures, spec, real))
    assert not warnings and {name: scores.pop(f"frechet_{name}") for name in ("net_a", "net_b")} == {
        "net_a": pytest.approx(7500),
        "net_b": pytest.approx(7500),
    }
    features = [dict(enumerate(each.astype(np.float32).mean(axis=(2, 3)))) for each in (real, made)]
    means = [{i: clip.mean(axis=0, keepdims=True) for i, clip in each.items()} for each in features]
    assert (scores["kid_net_a"], scores["kid_net_a_stderr"]) == pytest.approx(kernel_distance(*features))
    assert (scores["kvd_net_b"], scores["kvd_net_b_stderr"]) == pytest.approx(kernel_distance(*means))
    assert len(scores) == 4


def test_a_preparation_is_part_of_every_name(spec):
    measures = SetMeasures(spec, 2, [Fake("clean_fid_net"), Fake("fvd16_net", clip_length=-1)])
    scores, _ = gathered(measures, spec, videos(5, 0)).result(gathered(measures, spec, videos(5, 1)))
    kernels = {f"{name}{end}" for name in ("kid_clean_fid_net", "kvd_fvd16_net") for end in ("", "_stderr")}
    assert set(scores) == {"frechet_clean_fid_net", "frechet_fvd16_net"} | kernels


def test_a_method_without_some_clips_is_held_against_the_others_by_number(spec):
    """Clip 0 was not made; the clips 1 to 7 are the real ones, and none meets itself."""
    measures, real = SetMeasures(spec, 2, [Fake("net")]), videos(8, seed=0)
    made = SetScores(spec)
    for number in range(1, 8):
        made.add(measures.part(real[number], np.zeros((3, 4, 1), np.uint8), 0), number)
    features = dict(enumerate(real.astype(np.float32).mean(axis=(2, 3))))
    expected = kernel_distance(features, {i: f for i, f in features.items() if i})
    assert made.result(gathered(measures, spec, real))[0]["kid_net"] == pytest.approx(expected[0])


def test_too_few_clips_are_told_and_measure_nothing(spec):
    measures = SetMeasures(spec, 2, [Fake("net", clip_length=-1)])
    sets = [gathered(measures, spec, videos(2, seed)) for seed in (0, 1)]
    scores, warnings = sets[0].result(sets[1])
    assert scores == {"frechet_net": None, "kvd_net": None, "kvd_net_stderr": None}
    assert warnings == [
        "frechet_net: the real set has 2 features, the Frechet distance needs 4",
        "kvd_net: the real set has 2 pictures or clips, the kernel distance needs 3",
    ]


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
    scores.add(measures.part(frames, maps, first=1), 0)
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
