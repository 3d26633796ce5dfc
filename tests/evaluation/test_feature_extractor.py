import keras
import numpy as np
import pytest

from seg2vid_tf.evaluation.feature_extractor import FeatureExtractor


def write(path, shape):
    inputs = keras.Input(shape)
    pool = keras.layers.GlobalAveragePooling3D if len(shape) == 4 else keras.layers.GlobalAveragePooling2D
    keras.Model(inputs, pool()(inputs)).save(path)
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("extractors")
    return {
        "pictures": write(folder / "means_v1.0.keras", (None, None, 3)),
        "clips": write(folder / "pairs.keras", (2, None, None, 3)),
        "any": write(folder / "videos.keras", (None, None, None, 3)),
    }


def video(length):
    """Frame t is red, of strength 51 t: the network sees 0.4 t - 1."""
    frames = np.zeros((length, 4, 6, 3), np.uint8)
    frames[..., 0] = (51 * np.arange(length))[:, None, None]
    return frames


def test_pictures_have_a_vector_each(files):
    extractor = FeatureExtractor(files["pictures"])
    assert (extractor.name, extractor.clip_length) == ("means_v1.0", None)
    np.testing.assert_allclose(extractor(video(3)), [[-1, -1, -1], [-0.6, -1, -1], [-0.2, -1, -1]], atol=1e-6)


def test_a_video_is_read_clip_after_clip(files):
    extractor = FeatureExtractor(files["clips"])
    assert extractor.clip_length == 2
    np.testing.assert_allclose(extractor(video(5))[:, 0], [-0.8, 0.0], atol=1e-6)  # the fifth frame is no clip
    np.testing.assert_allclose(FeatureExtractor(files["any"])(video(5))[:, 0], [-0.2], atol=1e-6)
    with pytest.raises(ValueError, match="pairs reads clips of 2 frames, a video has 1"):
        extractor(video(1))


def test_the_name_says_network_and_preparation(tmp_path):
    """A white pixel is 127 / 128 to FID's Inception and 1 to pytorch-fid's; fvd2 reads two frames, whatever else would
    do.
    """
    pictures, clips = write(tmp_path / "net.keras", (299, 299, 3)), write(tmp_path / "c.keras", (None, None, None, 3))
    white = np.full((3, 4, 6, 3), 255, np.uint8)
    for name, value in (("fid", 127 / 128), ("pytorch_fid", 1), ("clean_fid", 127 / 128)):
        extractor = FeatureExtractor(f"{name}={pictures}")
        assert (extractor.name, extractor.path, extractor.clip_length) == (f"{name}_net", str(pictures), None)
        np.testing.assert_allclose(extractor(white), np.full((3, 3), value), atol=1e-5)
    extractor = FeatureExtractor(f"videogpt_fvd2={clips}")
    assert (extractor.name, extractor.clip_length) == ("videogpt_fvd2_c", 2)
    np.testing.assert_allclose(extractor(white), [[0.5] * 3], atol=1e-5)
    assert FeatureExtractor(pictures).name == "net"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("fid=means_v1.0", None),  # it takes any size
        ("fvd2=pairs", None),
        ("fvd3=pairs", r"fvd3 is for a network that reads clips of 3 frames of \(224, 224\) as float32"),
        ("fid=pairs", r"fid is for a network that reads pictures of \(299, 299\) as float32"),
        ("fvd16=means_v1.0", "fvd16 is for a network that reads clips of 16 frames"),
        ("kid=pairs", "unknown preprocessing 'kid': there are fid,"),
    ],
)
def test_a_preparation_is_for_its_kind_of_network(files, entry, message):
    name, stem = entry.split("=")
    path = next(path for path in files.values() if path.stem == stem)
    if message is None:
        assert FeatureExtractor(f"{name}={path}").name == f"{name}_{stem}"
        return
    with pytest.raises(ValueError, match=message):
        FeatureExtractor(f"{name}={path}")


def test_a_network_of_one_size_is_not_prepared_for_another(tmp_path):
    with pytest.raises(ValueError, match=r"clean_fid is for a network that reads pictures of \(299, 299\) as float32"):
        FeatureExtractor(f"clean_fid={write(tmp_path / 'small.keras', (224, 224, 3))}")


def test_what_is_no_extractor_or_no_video(files, tmp_path):
    inputs = keras.Input((4, 6, 3))
    keras.Model(inputs, keras.layers.Conv2D(2, 1)(inputs)).save(tmp_path / "map.keras")
    with pytest.raises(ValueError, match=r"the output must be one vector a picture or clip, \[N,C\]"):
        FeatureExtractor(tmp_path / "map.keras")
    with pytest.raises(ValueError, match="feature extractor: no file"):
        FeatureExtractor(tmp_path / "none.tflite")
    with pytest.raises(ValueError, match="classifier: no file"):
        FeatureExtractor(tmp_path / "none.tflite", "classifier")
    with pytest.raises(ValueError, match=r"means_v1.0: expected a uint8 \[T,H,W,3\] video, received float32"):
        FeatureExtractor(files["pictures"])(np.zeros((1, 4, 6, 3), np.float32))


def test_nan_is_no_feature(tmp_path):
    layer, inputs = keras.layers.Dense(2), keras.Input((4, 6, 3))
    model = keras.Model(inputs, layer(keras.layers.GlobalAveragePooling2D()(inputs)))
    layer.bias.assign([0.0, np.nan])  # in one of its numbers
    model.save(tmp_path / "nan.keras")
    with pytest.raises(ValueError, match="nan: it gives NaN or infinity"):
        FeatureExtractor(tmp_path / "nan.keras")(video(1))


def rescaling(path, layer, nested=False, shape=(4, 6, 3)):
    """A network that says its mean colours after a layer that is its own."""
    inputs = keras.Input(shape)
    scaled = keras.Sequential([layer])(inputs) if nested else layer(inputs)
    keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(scaled)).save(path)
    return path


@pytest.mark.parametrize(
    ("layer", "grey_128"),
    [
        (keras.layers.Rescaling(1 / 255), 128 / 255),
        (keras.layers.Rescaling(1 / 127.5, -1.0), 128 / 127.5 - 1),
        (keras.layers.Normalization(mean=[124.0, 116.0, 104.0], variance=[4.0, 4.0, 4.0]), (2.0, 6.0, 12.0)),
        (keras.layers.Rescaling(0.5, 0.5), 128 / 255),  # it reads [-1,1], as others do
        (keras.layers.Normalization(mean=[0.5] * 3, variance=[0.25] * 3), 2 * (128 / 127.5 - 1 - 0.5)),
    ],
)
@pytest.mark.parametrize("nested", [False, True])
def test_a_network_with_a_scaling_of_its_own_gets_what_that_reads(layer, grey_128, nested, tmp_path):
    layer = type(layer).from_config(layer.get_config())
    extractor = FeatureExtractor(rescaling(tmp_path / "net.keras", layer, nested))
    grey = np.full((1, 4, 6, 3), 128, np.uint8)
    np.testing.assert_allclose(extractor(grey), np.broadcast_to(np.float32(grey_128), (1, 3)), atol=1e-5)


def test_how_pictures_are_prepared_is_told(files, tmp_path):
    own = rescaling(tmp_path / "own.keras", keras.layers.Rescaling(1 / 255), shape=(299, 299, 3))
    assert FeatureExtractor(files["pictures"]).fed == "as they are, [-1,1]"
    assert FeatureExtractor(own).fed == "299x299, bilinear with antialiasing, 0..255: it rescales them itself"
    assert FeatureExtractor(f"fid={write(tmp_path / 'net.keras', (299, 299, 3))}").fed == "fid's preparation"
    extractor = FeatureExtractor(f"fid={own}")
    assert extractor.fed == "fid's preparation, but 0..255: it rescales them itself"
    np.testing.assert_allclose(extractor(np.full((1, 4, 6, 3), 255, np.uint8)), [[1.0] * 3], atol=1e-5)
