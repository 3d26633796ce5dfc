"""Longer clips from shorter ones: the weights of a MotionCVAE, given to one that predicts more frames.

Learning goes much faster on short clips. Of z, what is steady means the same motion in both models, and what changes in
time is stretched over the longer clip. What the networks read and say of single frames is taken over for the frames of
the shorter clip, and those after them are told what its last one is told; the rest is for training to learn.
"""

import numpy as np

from seg2vid_tf.models.motion.cvae import MotionCVAE


def transfer_weights(shorter: MotionCVAE, longer: MotionCVAE) -> None:
    """Gives ``longer`` the weights of ``shorter``, and nothing of what that knows of its training clips' motions.

    Both have one architecture but for num_frames (which may also be the same), flow_scale, memory and prior_rank, and
    latents of as many waves along time. Where flow_scale is as many pixels per frame, frames of a steady motion
    that both predict move alike.

    Raises:
      ValueError: so few frames have fewer waves along time than the longer model's latent has.
    """
    if shorter.limb_encoder is not None:  # no weight of theirs knows how long a clip is
        _copy_alike(shorter, longer)
        return
    old, new = shorter.num_frames, longer.num_frames
    waves = [model.background_encoder.channels // 2 for model in (shorter, longer)]
    if waves[0] != waves[1]:
        raise ValueError(
            f"a model of {new} frames cannot start from one of {old}: their latents are {waves[1]} and {waves[0]} "
            f"waves along time; start from one of {waves[1]} frames or more"
        )
    _copy_alike(shorter, longer)
    for name in ("background_encoder", "foreground_encoder"):
        theirs, ours = getattr(shorter, name), getattr(longer, name)
        if theirs is not None:
            # Both layers read, last, dy and dx of each frame; the first one then reads how each fits.
            _widen(theirs.convs[0].conv.kernel, ours.convs[0].conv.kernel, 2, ((2 * old, 2 * new), (old, new)))
            _widen(theirs.to_map.kernel, ours.to_map.kernel, 0, ((2 * old, 2 * new),))
    theirs, ours = shorter.decoder, longer.decoder
    for before, after in zip(theirs.injections, ours.injections, strict=True):
        for source, target in zip(before.to_frames, after.to_frames, strict=True):
            for name in ("kernel", "bias"):
                per_frame = np.split(np.asarray(getattr(source, name)), old, axis=-1)
                getattr(target, name).assign(np.concatenate(per_frame + per_frame[-1:] * (new - old), axis=-1))
    # They read both flows, last, in units that frame T reaches: the same motion is a smaller number where T is later.
    for level in ours.ups:
        kernel = np.asarray(level.conv.kernel).copy()
        kernel[:, :, -4:] *= new / old
        level.conv.kernel.assign(kernel)


def _copy_alike(theirs, ours):
    """Copies the weights that have one shape in both."""
    for source, target in zip(*(_learned(model) for model in (theirs, ours)), strict=True):
        if source.shape == target.shape:
            target.assign(source)


def _learned(model):
    kept = [v for part in (model.memory, model.aggregated) if part is not None for v in part.variables]
    return [v for v in model.variables if not any(v is each for each in kept)]


def _widen(theirs, ours, axis, blocks):
    """Assigns a kernel whose last inputs are blocks of (old, new) channels: what one gained counts for nothing."""
    value = np.asarray(theirs)
    edges = value.shape[axis] - np.cumsum([old for old, _ in reversed(blocks)])[::-1]
    first, *parts = np.split(value, edges, axis=axis)
    for i, (old, new) in enumerate(blocks):
        padding = [(0, 0)] * value.ndim
        padding[axis] = (0, new - old)
        parts[i] = np.pad(parts[i], padding)
    ours.assign(np.concatenate([first, *parts], axis=axis))
