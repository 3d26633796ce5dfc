"""What test_segmenter.py does not cover: Keras files and networks of clips."""

import pickle

import keras
import numpy as np
import pytest

from seg2vid_tf.ops.picture_network import PictureNetwork


def channel_means(shape):
    """A Keras model without weights: the means of the three channels over frames (if any), height and width."""
    inputs = keras.Input(shape)
    pool = keras.layers.GlobalAveragePooling3D if len(shape) == 4 else keras.layers.GlobalAveragePooling2D
    return keras.Model(inputs, pool()(inputs))


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_a_keras_file_reads_pictures_of_its_size(tmp_path, ending):
    path = tmp_path / f"means.{ending}"
    channel_means((4, 6, 3)).save(path)
    network = PictureNetwork(path, "extractor")
    assert network.size == (4, 6) and network.clip_length is None and network.output_shape == (-1, 3)
    frames = np.zeros((2, 8, 12, 3), np.uint8)
    frames[1, ..., 0] = 255
    for each in (network, pickle.loads(pickle.dumps(network))):
        (outputs,) = each.outputs(frames)
        np.testing.assert_allclose(outputs, [[-1, -1, -1], [1, -1, -1]], atol=1e-6)


def test_clips_go_whole_into_a_network_of_clips(tmp_path):
    path = tmp_path / "clips.keras"
    channel_means((2, 4, 6, 3)).save(path)
    network = PictureNetwork(path, "extractor", clips=True)
    assert network.clip_length == 2 and network.size == (4, 6)
    clips = np.zeros((3, 2, 8, 12, 3), np.uint8)
    clips[1, 1, ..., 2] = 255  # blue in one of two frames: the mean of -1 and 1
    (outputs,) = network.outputs(clips)
    np.testing.assert_allclose(outputs, [[-1, -1, -1], [-1, -1, 0], [-1, -1, -1]], atol=1e-6)


def test_where_pictures_are_wanted_a_network_of_clips_is_refused(tmp_path):
    path = tmp_path / "clips.keras"
    channel_means((2, 4, 6, 3)).save(path)
    with pytest.raises(ValueError, match=r"extractor '.*clips.keras'.*the input must be \[1,h,w,3\] or \[N,h,w,3\], h"):
        PictureNetwork(path, "extractor")


def test_a_file_that_is_no_keras_model(tmp_path):
    path = tmp_path / "broken.keras"
    path.write_bytes(b"no model")
    with pytest.raises(ValueError, match="broken.keras' is not a Keras model that runs here"):
        PictureNetwork(path, "extractor")
