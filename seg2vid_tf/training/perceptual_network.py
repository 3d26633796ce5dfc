"""The perceptual network of a run: both stages ask for it the same way."""

from collections.abc import Callable

from seg2vid_tf.ops.feature_network import load_feature_extractor


def perceptual_network(config) -> Callable | None:
    """The feature extractor that a config's perceptual loss needs, or None where it has no such loss.

    Raises:
      ValueError: a weight without a file or a file without a weight.
    """
    weight, path = config.losses.perceptual_weight, config.training.perceptual_path
    if bool(weight) != bool(path):
        raise ValueError(f"perceptual_weight {weight} and perceptual_path {path!r} go together: give both or neither")
    return load_feature_extractor(path) if path else None
