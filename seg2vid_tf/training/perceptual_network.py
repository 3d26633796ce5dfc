"""The perceptual network of a run: both stages ask for it the same way, in the precision that the run computes in."""

import keras

from seg2vid_tf.ops.feature_network import FeatureNetwork, load_feature_network


def perceptual_network(config) -> FeatureNetwork | None:
    """The network that a config's perceptual loss or discriminator reads, or None where nothing does.

    Raises:
      ValueError: something reads it and no file is given, or the other way round.
    """
    path = config.training.perceptual_path
    readers = {
        name: getattr(part, name)
        for part, name in (
            (config.losses, "perceptual_weight"),
            (config.losses, "mode_seeking_weight"),  # stage 2 has neither this
            (config.model, "discriminator_features"),  # nor this
        )
        if hasattr(part, name)
    }
    reading = [f"{name} {value}" for name, value in readers.items() if value]
    if reading and not path:
        raise ValueError(
            f"perceptual_path is missing: {' and '.join(reading)} read a fixed network; give its file (the AlexNet of "
            "LPIPS or VGG16 as .npz, Keras' VGG19 as .h5), or set them to 0 or false"
        )
    if path and not reading:
        raise ValueError(
            f"perceptual_path {path!r}: nothing reads it; leave it out, or give one of {', '.join(readers)}"
        )
    scales = getattr(config.model, "feature_scales", (1,))  # stage 2 has none
    if scales != (1,) and not path:
        raise ValueError(f"feature_scales {scales} enlarge frames for a network that is not given: leave them out")
    dtype = keras.mixed_precision.global_policy().compute_dtype
    return load_feature_network(path, dtype, scales) if path else None
