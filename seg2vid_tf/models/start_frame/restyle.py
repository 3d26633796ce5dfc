"""Another style for some classes of a label map: red cars in the same street."""

import numpy as np
import tensorflow as tf

from seg2vid_tf.models.start_frame.start_frame_model import StartFrameModel


def restyled(
    model: StartFrameModel, style: tf.Tensor, label_map: np.ndarray, classes: list[int], seed: int
) -> tf.Tensor:
    """Styles place by place, as StartFrameModel.paint takes them.

    Args:
      model: what draws the other style.
      style: float32 [B,S], of all other classes.
      label_map: uint8 [H,W].
      classes: ids of those that take the style of ``seed``.

    Returns:
      float32 [B,H,W,S].
    """
    other = model.draw_style(tf.constant([seed], tf.int64))
    chosen = np.isin(label_map, classes)[None, ..., None]
    return tf.where(chosen, other[:, None, None], style[:, None, None])
