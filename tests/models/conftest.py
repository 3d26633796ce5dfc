"""What the tests of the networks share: random inputs of every network, and copies of a network."""

import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.annotations.pose import draw_pose
from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.annotations.standing_pose import standing_pose
from seg2vid_tf.models.motion.cvae import MotionCVAE
from seg2vid_tf.models.start_frame.generator import StartFrameGenerator
from seg2vid_tf.models.start_frame.multiscale_discriminator import MultiscaleDiscriminator


def _inputs(model, spec, batch, height, width, seed=0):
    """Random inputs of a network; one in eight of the annotation's pixels is ignored. Limbs are a person's."""
    rng = np.random.default_rng(seed)

    def normal(*shape):
        return tf.constant(rng.normal(size=shape), tf.float32)

    def image(*shape):
        return tf.constant(rng.uniform(-1, 1, shape), tf.float32)

    if getattr(model, "limb_encoder", None) is not None:
        spec = load_spec("weizmann_pose")
        ids = draw_pose(np.stack([standing_pose(seed + k) for k in range(batch)]), spec, (height, width))
    else:
        ids = rng.integers(0, spec.num_classes, (batch, height, width))
    ids[rng.random(ids.shape) < 0.125] = spec.ignore_id
    annotation = tf.one_hot(ids, spec.num_classes)
    if isinstance(model, StartFrameGenerator):
        noise = normal(batch, height // model.noise_stride, width // model.noise_stride, model.noise_channels)
        return {"annotation": annotation, "style": normal(batch, model.style_dim), "noise": noise}
    if isinstance(model, MotionCVAE):
        # A picture that moves by a pixel a frame: in noise nothing can be matched, and what is found is wild.
        size = [side + model.num_frames for side in (height, width)]
        canvas = tf.image.resize(image(batch, height // 4 + 2, width // 4 + 2, 3), size, "bicubic")
        frames = [canvas[:, t : t + height, t : t + width] for t in range(model.num_frames + 1)]
        frames = tf.clip_by_value(tf.stack(frames, axis=1), -1.0, 1.0)
        return {"annotation": annotation, "frames": frames, "noise": normal(batch, model.latent_dim)}
    frame = image(batch, height, width, 3)
    if isinstance(model, MultiscaleDiscriminator):
        return {"annotation": annotation, "frame": frame}
    if getattr(model, "feature_strides", ()):
        # The channels of conftest.py's feature_file.
        maps = zip(model.feature_strides, (4, 4, 6) * (len(model.feature_strides) // 3), strict=True)
        return {"frame": frame, "features": [normal(batch, int(height / s), int(width / s), c) for s, c in maps]}
    return {"frame": frame}


def _copy(model, inputs):
    """A second network with the first one's config and weights, built under the current precision policy."""
    twin = type(model).from_config(model.get_config())
    twin(inputs)
    twin.set_weights(model.get_weights())
    return twin


@pytest.fixture(scope="session")
def make_inputs():
    """make_inputs(model, spec, batch, height, width, seed=0) -> the network's input dict."""
    return _inputs


@pytest.fixture(scope="session")
def copy_model():
    """copy_model(model, inputs) -> another instance with equal config and weights."""
    return _copy
