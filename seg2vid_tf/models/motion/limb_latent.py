"""How z says what limbs do: the lowest waves along time of each bone's turn and of the root's shift.

    turns_t = t/T * sum over waves k of z[k, bone] * 0.5 / (1 + k) * wave_k(t)        radians since frame 0
    shift_t = the same of z's last two numbers of each wave, (dy, dx), in tenths of the frame's height

z is [waves, bones + 2], waves first, so its first numbers are a steady motion, as in latent_map.py.
"""

import numpy as np
import tensorflow as tf

from seg2vid_tf.models.motion.latent_map import temporal_waves

# What z's unit means of a steady motion until frame T: radians, and heights of the frame.
_TURN, _SHIFT = 0.5, 0.05


def count_waves(latent_dim: int, num_bones: int, num_frames: int) -> int:
    """Waves along time of a latent of that many dimensions.

    Raises:
      ValueError: it is no whole number of waves, or there are more waves than frames.
    """
    each = num_bones + 2
    waves = latent_dim // each
    if latent_dim % each or not 1 <= waves <= num_frames:
        raise ValueError(
            f"background_latent: of a skeleton of {num_bones} bones it must be {each} (their turns and the root's dy "
            f"and dx) times 1..{num_frames} waves along time, received {latent_dim}: give {each * num_frames}, say"
        )
    return waves


def z_to_motion(z: tf.Tensor, num_frames: int, num_bones: int, height) -> tuple[tf.Tensor, tf.Tensor]:
    """z float32 [B,Z] -> turns float32 [B,T,L] in radians, shift float32 [B,T,2] in pixels of a frame so high."""
    waves = z.shape[-1] // (num_bones + 2)
    z = tf.reshape(z, [-1, waves, num_bones + 2])
    motion = tf.einsum("bkm,tk->btm", z, np.float32(_basis(waves, num_frames)))
    return motion[..., :-2] * _TURN, motion[..., -2:] * (_SHIFT * tf.cast(height, tf.float32))


def motion_to_z(turns: tf.Tensor, shift: tf.Tensor, waves: int, height) -> tf.Tensor:
    """The z [B,Z] whose motion comes closest to turns [B,T,L] and shift [B,T,2]."""
    inverse = np.float32(np.linalg.pinv(_basis(waves, turns.shape[1])))
    motion = tf.concat([turns / _TURN, shift / (_SHIFT * tf.cast(height, tf.float32))], axis=-1)
    return tf.reshape(tf.einsum("btm,kt->bkm", motion, inverse), [-1, waves * motion.shape[-1]])


def _basis(waves, num_frames):
    """float64 [T,waves]."""
    progress = np.arange(1, num_frames + 1) / num_frames
    return (temporal_waves(waves, num_frames) / (1.0 + np.arange(waves))[:, None] * progress).T
