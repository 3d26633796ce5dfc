"""StartFrameMeasures: the scores of held-out frames, as StartFrameScores gives them by hand; real ones are kept."""

import dataclasses
import types

import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.evaluation.lpips import load_lpips
from seg2vid_tf.evaluation.start_frame_scores import StartFrameScores
from seg2vid_tf.ops.image import to_uint8
from seg2vid_tf.ops.segmenter import Segmenter
from seg2vid_tf.training import start_frame_measures
from seg2vid_tf.training.start_frame_measures import MEASURED_SEEDS, StartFrameMeasures


@pytest.fixture(scope="module")
def judged_spec(spec):
    """A spec that a segmenter which answers 0, 1 or 2 can speak."""
    return dataclasses.replace(spec, label_sets={"cityscapes": {0: 0, 1: 1, 2: 6}})


@pytest.fixture(scope="module")
def segmenter_path(tmp_path_factory):
    """Names the strongest colour channel."""
    path = tmp_path_factory.mktemp("networks") / "segmenter.tflite"
    module = tf.Module()
    module.run = tf.function(lambda x: tf.argmax(x, -1), input_signature=[tf.TensorSpec((1, 32, 32, 3), tf.float32)])
    converter = tf.lite.TFLiteConverter.from_concrete_functions([module.run.get_concrete_function()], module)
    path.write_bytes(converter.convert())
    return str(path)


@pytest.fixture(scope="module")
def lpips_path(tmp_path_factory):
    """A random network of two channels a layer."""
    rng, arrays = np.random.default_rng(0), {}
    for i, (size, channels) in enumerate(((11, 3), (5, 2), (3, 2), (3, 2), (3, 2)), 1):
        arrays[f"conv{i}_w"] = rng.normal(size=(size, size, channels, 2)).astype(np.float32)
        arrays[f"conv{i}_b"], arrays[f"lin{i - 1}"] = np.ones(2, np.float32), np.ones(2)
    path = tmp_path_factory.mktemp("networks") / "lpips.npz"
    np.savez(path, **arrays)
    return str(path)


@pytest.fixture(scope="module")
def batches():
    """Four batches of two."""
    rng = np.random.default_rng(1)
    columns = {
        "frames": rng.uniform(-1, 1, (8, 1, 32, 32, 3)).astype(np.float32),
        "label_maps": rng.choice([0, 1, 6, 255], (8, 1, 32, 32)).astype(np.uint8),
    }
    return tf.data.Dataset.from_tensor_slices(columns).batch(2)


def trainer_that_shifts(shift):
    """What it paints follows from the real frame, the seed and ``shift`` (the "training")."""

    def paint(batch, seed):
        return tf.roll(batch["frames"][:, 0], [shift, seed], axis=[1, 2])

    return types.SimpleNamespace(paint=paint)


def by_hand(batches, spec, segmenter_path, lpips_path, shift):
    scores = StartFrameScores(
        spec, segmenter_path and Segmenter(segmenter_path, 1), lpips_path and load_lpips(lpips_path)
    )
    for batch in batches:
        painted = [to_uint8(trainer_that_shifts(shift).paint(batch, seed)).numpy() for seed in MEASURED_SEEDS]
        scores.add(batch["label_maps"][:, 0].numpy(), to_uint8(batch["frames"][:, 0]).numpy(), painted)
    return scores.result()


def test_the_scores_are_those_by_hand_and_real_frames_are_segmented_once(
    batches, judged_spec, segmenter_path, lpips_path, monkeypatch
):
    segmented = []

    class Counting(Segmenter):
        def __call__(self, frames):
            segmented.append(len(frames))
            return super().__call__(frames)

    monkeypatch.setattr(start_frame_measures, "Segmenter", Counting)
    measures = StartFrameMeasures(batches, judged_spec, segmenter_path, lpips_path, num_frames=3)
    assert segmented == [2, 2, 1, 1]  # three frames, not two whole batches; once as they are, once to prove it works
    for shift in (0, 5):
        result = measures(trainer_that_shifts(shift))
        expected = by_hand(batches.unbatch().take(3).batch(2), judged_spec, segmenter_path, lpips_path, shift)
        assert result == pytest.approx(expected, rel=1e-6) and result["frames"] == 3
        assert 0 < result["segmenter_accuracy"] < 1 and result["lpips_between_seeds"] > 0
    assert segmented == [2, 2, 1, 1] + [2, 1] * 2  # of the painted ones only the first seed's


def test_one_network_is_enough_and_too_few_frames_are_all_measured(batches, judged_spec, segmenter_path, lpips_path):
    seen = StartFrameMeasures(batches.take(1), judged_spec, segmenter_path, "", num_frames=100)(trainer_that_shifts(1))
    assert seen == by_hand(batches.take(1), judged_spec, segmenter_path, None, 1)
    assert seen["frames"] == 2 and not any("lpips" in name for name in seen)
    compared = StartFrameMeasures(batches, judged_spec, "", lpips_path, num_frames=1)(trainer_that_shifts(1))
    assert set(compared) == {"frames", "lpips", "lpips_between_seeds"}


def test_frames_that_cannot_be_scored_are_refused_at_once(batches, judged_spec, segmenter_path, lpips_path):
    ignored = batches.map(lambda batch: {**batch, "label_maps": tf.ones_like(batch["label_maps"]) * 255})
    with pytest.raises(ValueError, match="no pixel was scored"):
        StartFrameMeasures(ignored, judged_spec, segmenter_path, "", num_frames=4)
    small = batches.map(lambda batch: {name: value[:, :, :16] for name, value in batch.items()})
    with pytest.raises(ValueError, match="at least 31x31"):
        StartFrameMeasures(small, judged_spec, "", lpips_path, num_frames=1)


def test_nothing_to_measure_with_is_refused(batches, judged_spec, spec, segmenter_path):
    with pytest.raises(ValueError, match="nothing to measure with"):
        StartFrameMeasures(batches, judged_spec, "", "", num_frames=1)
    with pytest.raises(ValueError, match="synthetic_street"):
        StartFrameMeasures(batches, spec, segmenter_path, "", num_frames=1)  # no label set "cityscapes"
