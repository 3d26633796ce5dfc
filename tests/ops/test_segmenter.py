import pathlib
import pickle
import warnings

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from seg2vid_tf.annotations.label_map import read_label_map
from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.evaluation.segmentation_scores import SegmentationScores
from seg2vid_tf.ops.segmenter import Segmenter

SHARED = pathlib.Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
COLOURS = np.eye(3, dtype=np.uint8) * 200  # red, green, blue: the strongest channel is the class


def write_model(path, function, shape=(1, 4, 6, 3), dtype=tf.float32, quantised=False):
    module = tf.Module()
    module.run = tf.function(function, input_signature=[tf.TensorSpec(shape, dtype)])
    concrete = module.run.get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], module)
    if quantised:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        rng = np.random.default_rng(0)
        converter.representative_dataset = lambda: ([np.float32(rng.uniform(-1, 1, shape))] for _ in range(4))
        converter.inference_output_type = tf.int8
    path.write_bytes(converter.convert())
    return path


def write_saved_model(path, function, shape=(None, None, None, 3), dtype=tf.float32):
    module = tf.Module()
    module.run = tf.function(function, input_signature=[tf.TensorSpec(shape, dtype, name="pictures")])
    tf.saved_model.save(module, str(path), signatures=module.run.get_concrete_function())
    return path


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """name -> file: segmenters at 4x6 that name the strongest colour channel, by ids or logits, float or uint8."""
    folder = tmp_path_factory.mktemp("segmenters")
    return {
        "float_ids": write_model(folder / "i.tflite", lambda x: tf.argmax(x, -1)),
        "float_logits": write_model(folder / "l.tflite", lambda x: 2.0 * x),
        "uint8_ids": write_model(folder / "u.tflite", lambda x: tf.argmax(tf.cast(x, tf.float32), -1), dtype=tf.uint8),
        "threshold": write_model(folder / "t.tflite", lambda x: tf.cast(x[..., 0] > 0, tf.int32)),
        "quantised": write_model(folder / "q.tflite", lambda x: 2.0 * x, quantised=True),
        "saved_ids": write_saved_model(folder / "i", lambda x: {"ids": tf.argmax(x, -1)}, (None, 4, 6, 3)),
        "saved_logits": write_saved_model(folder / "l", lambda x: 2.0 * x, (1, 4, 6, 3)),
        "saved_any_size": write_saved_model(folder / "a", lambda x: tf.nn.softmax(2.0 * x)),
    }


@pytest.mark.parametrize(
    "name", ["float_ids", "float_logits", "uint8_ids", "quantised", "saved_ids", "saved_logits", "saved_any_size"]
)
def test_every_form_gives_ids_at_the_frames_size(models, name):
    segmenter = Segmenter(models[name], num_threads=1)
    assert segmenter.size == (None if name == "saved_any_size" else (4, 6))
    ids = np.array([[[0, 1, 2], [2, 2, 1]], [[1, 1, 0], [0, 2, 0]]], np.uint8)
    large = ids.repeat(4, axis=1).repeat(4, axis=2)  # two frames of 8 x 12, blocks of 4 x 4
    out = segmenter(COLOURS[large])
    assert out.dtype == np.uint8
    np.testing.assert_array_equal(out, large)
    np.testing.assert_array_equal(segmenter(COLOURS[ids]), ids)  # from 2 x 3, smaller than the network


@pytest.mark.parametrize("name", ["float_logits", "saved_logits", "saved_any_size"])
def test_what_it_is_not_sure_of_is_left_open_and_it_can_be_pickled(models, name):
    """Logits are 2 * [-1, 1]: red alone is e^2 / (e^2 + 2 e^-2) = 0.96 red, grey a third of each."""
    frames = np.zeros((1, 4, 6, 3), np.uint8)
    frames[0, :, :3] = (255, 0, 0)
    frames[0, :, 3:] = 100
    for min_score, red, grey in ((0.0, 0, 0), (0.5, 0, 77), (0.97, 77, 77)):
        segmenter = Segmenter(models[name], min_score=min_score, unsure=77)
        for each in (segmenter, pickle.loads(pickle.dumps(segmenter))):
            np.testing.assert_array_equal(each(frames)[0, 0], [red] * 3 + [grey] * 3)


def test_quantised_logits_are_real_numbers(models):
    """Red is 0.96 red, as above; the int8 numbers 127, -128, -128 themselves would make it 1."""
    frames = np.full((1, 4, 6, 3), (255, 0, 0), np.uint8)
    for min_score, expected in ((0.95, 0), (0.98, 77)):
        assert (Segmenter(models["quantised"], min_score=min_score, unsure=77)(frames) == expected).all()


def test_a_saved_model_sees_many_frames_at_once_in_their_order(models):
    ids = np.random.default_rng(0).integers(0, 3, (19, 5, 7)).astype(np.uint8)
    np.testing.assert_array_equal(Segmenter(models["saved_any_size"])(COLOURS[ids]), ids)
    np.testing.assert_array_equal(Segmenter(models["saved_any_size"])(COLOURS[ids[:0]]), ids[:0])


def test_what_is_no_class_id_is_refused(tmp_path):
    frame = np.full((1, 4, 6, 3), 255, np.uint8)
    sigmoid = write_saved_model(tmp_path / "sigmoid", lambda x: tf.sigmoid(4.0 * x[..., :1]))
    with pytest.raises(ValueError, match="sigmoid': numbers like 0.982 are no class ids"):
        Segmenter(sigmoid)(frame)
    with pytest.raises(ValueError, match="nan': it gives NaN or infinity"):
        Segmenter(write_saved_model(tmp_path / "nan", lambda x: tf.math.log(-x)), min_score=0.5)(frame)


def test_saved_models_that_are_none_or_other(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="empty' is not a SavedModel that runs here"):
        Segmenter(tmp_path / "empty")
    damaged = write_saved_model(tmp_path / "damaged", lambda x: tf.argmax(x, -1)) / "saved_model.pb"
    damaged.write_bytes(damaged.read_bytes().replace(b"ArgMax", b"ArgMix"))
    with pytest.raises(ValueError, match="damaged' is not a SavedModel that runs here"):
        Segmenter(damaged.parent)
    picky = write_saved_model(tmp_path / "picky", lambda x: tf.argmax(tf.ensure_shape(x, [None, 32, 32, 3]), -1))
    with pytest.raises(ValueError, match=r"picky' fails on pictures \(1, 4, 6, 3\)"):
        Segmenter(picky)(np.zeros((1, 4, 6, 3), np.uint8))
    two = write_saved_model(tmp_path / "two", lambda x: {"a": x, "b": x})
    with pytest.raises(ValueError, match=r"1 inputs and 2 outputs, .*; expected one of each"):
        Segmenter(two)
    module = tf.Module()
    module.run = tf.function(lambda x: x, input_signature=[tf.TensorSpec([None, 4, 4, 3])])
    signature = module.run.get_concrete_function()
    tf.saved_model.save(module, str(tmp_path / "named"), signatures={"a": signature, "b": signature})
    with pytest.raises(ValueError, match=r"signatures \['a', 'b'\], expected one, or one called serving_default"):
        Segmenter(tmp_path / "named")


def test_a_float_network_sees_minus_one_to_one(models):
    """Red above 127.5 is above 0."""
    frames = np.zeros((1, 4, 6, 3), np.uint8)
    frames[0, :, :, 0] = [0, 100, 127, 128, 200, 255]
    np.testing.assert_array_equal(Segmenter(models["threshold"])(frames)[0, 0], [0, 0, 0, 1, 1, 1])


def test_no_deprecation_noise(models):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Segmenter(models["float_ids"])


def test_ids_in_one_channel_are_ids(tmp_path):
    """Logits of a single class would name class 0 everywhere."""
    segmenter = Segmenter(write_model(tmp_path / "kept.tflite", lambda x: tf.cast(x[..., :1] > 0, tf.int32) + 3))
    frame = np.zeros((1, 4, 6, 3), np.uint8)
    frame[0, 1:3, 2:] = 200
    np.testing.assert_array_equal(segmenter(frame), np.where(frame[..., 0] > 0, 4, 3))


def test_refusals(models, tmp_path):
    with pytest.raises(ValueError, match="segmenter: no file .*absent.tflite"):
        Segmenter(tmp_path / "absent.tflite")
    (tmp_path / "text.tflite").write_text("not a model at all")
    with pytest.raises(ValueError, match="text.tflite' is not a TFLite model"):
        Segmenter(tmp_path / "text.tflite")
    (tmp_path / "cut.tflite").write_bytes(models["float_ids"].read_bytes()[:200])
    with pytest.raises(ValueError, match="cut.tflite' is not a TFLite model"):
        Segmenter(tmp_path / "cut.tflite")
    grey = write_model(tmp_path / "grey.tflite", lambda x: x * 2.0, shape=(1, 4, 6, 1))
    with pytest.raises(ValueError, match=r"grey.tflite.*\(1, 4, 6, 1\).*input must be \[1,h,w,3\] or"):
        Segmenter(grey)
    classifier = write_model(tmp_path / "classifier.tflite", lambda x: tf.reduce_mean(x, [1, 2]))
    with pytest.raises(ValueError, match=r"output must be \[N,h,w\] class ids or \[N,h,w,C\] logits"):
        Segmenter(classifier)
    pose = write_model(tmp_path / "pose.tflite", lambda x: tf.reshape(x[:, :2, :3], [1, 1, 6, 3]))
    with pytest.raises(ValueError, match=r"\(1, 1, 6, 3\)\]; the output must be"):
        Segmenter(pose)
    with pytest.raises(ValueError, match="input must be uint8, int32 or float32, it is int64"):
        Segmenter(write_model(tmp_path / "int.tflite", lambda x: x[..., 0] * 2, dtype=tf.int64))
    with pytest.raises(ValueError, match="gives ids without a score, so min_score=0.5 is useless"):
        Segmenter(models["float_ids"], min_score=0.5)
    wide = Segmenter(write_model(tmp_path / "wide.tflite", lambda x: tf.cast(x[..., 0] * 400.0, tf.int32)))
    with pytest.raises(ValueError, match=r"wide.tflite': ids 400..400, expected 0..255"):
        wide(np.full((1, 4, 6, 3), 255, np.uint8))
    segmenter = Segmenter(models["float_ids"])
    for frames in (np.zeros((4, 6, 3), np.uint8), np.zeros((1, 4, 6, 3), np.float32)):
        with pytest.raises(ValueError, match=r"expected uint8 \[N,H,W,3\] frames, received"):
            segmenter(frames)


def test_the_shared_segmenter_agrees_with_people():
    model = SHARED / "weights" / "deeplab_mobilenet_edgetpu_slim_cityscapes_quant.tflite"
    stills = SHARED / "cityscapes_seq" / "gtfine_stills"
    if not model.is_file() or not stills.is_dir():
        pytest.skip("../shared/data holds no Cityscapes segmenter or no gtfine_stills")
    spec = load_spec("cityscapes")
    name = "aachen_000000_000019"
    frame = np.asarray(Image.open(stills / "image" / f"{name}.jpg"))
    scores = SegmentationScores(spec)
    scores.add(
        read_label_map(stills / "label" / f"{name}.png", spec, label_ids="labelIds"), Segmenter(model)(frame[None])[0]
    )
    assert scores.result()["pixel_accuracy"] > 0.9
