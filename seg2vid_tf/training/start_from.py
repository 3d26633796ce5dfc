"""start_from: a new run's networks begin with the weights of another run, or of an exported model."""

import dataclasses

import keras

from seg2vid_tf.compat import raw_variables
from seg2vid_tf.config import differences, to_json
from seg2vid_tf.exported_weights import trained_networks
from seg2vid_tf.models.build import build_generator, build_motion, build_style_encoder
from seg2vid_tf.models.motion.transfer_weights import transfer_weights
from seg2vid_tf.models.start_frame.generator import StartFrameGenerator
from seg2vid_tf.training.moving_average import copy_weights

# What a run that starts from another one may have otherwise: networks of the same weights, in another setting.
_FREE = ("height", "width", "flow_scale", "warp", "temperature", "smoothness", "smooth_classes", "instance_motion")
# Where one of these is another, stage 1's discriminator starts anew: it is not what the run was for.
_DISCRIMINATOR = (
    "discriminator",
    "segmentation_filters",
    "discriminator_features",
    "feature_scales",
    "feature_projection",
    "patch_filters",
    "patch_scales",
)


def start_from(run_dir: str, stage: str, trainer) -> None:
    """Gives a trainer's networks the weights of another run's newest checkpoint, or of an export.

    Optimizers start afresh.

    Where the run kept a moving average, network and average both take the average: it is what the run's samples show.
    A network that the run did not train (a video discriminator) keeps its random weights, one of shorter clips too,
    and so does a discriminator that an export did not keep, or that has other sizes here.

    Args:
      run_dir: the other run; the frames' size, and the pixels that a flow head's unit stands for, may be others.
        Stage 2 may have predicted fewer frames (models/motion/transfer_weights.py), and remembered more or fewer
        motions.
      stage: "start_frame" or "motion".
      trainer: StartFrameTrainer or MotionTrainer, before its first step.

    Raises:
      ValueError: no such run or checkpoint, or one of another stage, spec or of networks of other sizes.
    """
    other = trained_networks(run_dir, stage)
    config, spec = other.load(stage)
    if spec != trainer.spec:
        raise ValueError(
            f"init_from: {other.path} was trained on spec {spec.name!r}, this data has {trainer.spec.name!r}"
        )
    motion = stage == "motion"
    shorter = motion and config.model.num_frames < trainer.num_frames
    looks_back = "memory", "prior_rank"  # what is learned of the training clips once training is over
    rebuilt = shorter or (
        motion and any(getattr(config.model, name) != getattr(trainer.config.model, name) for name in looks_back)
    )
    found = {line.split(":")[0]: line for line in differences(to_json(config.model), to_json(trainer.config.model))}
    may_change = {*_FREE, *_DISCRIMINATOR, *looks_back, *["num_frames"] * shorter}
    if not motion and trainer.config.model.class_colors:
        may_change.add("class_colors")  # what it adds is learned anew
    changed = [line for name, line in found.items() if name not in may_change]
    if changed:
        raise ValueError(
            f"init_from: the networks of {other.path} are others: {'; '.join(changed)}; give that run's flags"
        )
    trained = other.names()
    networks = {
        name: owner
        for name, owner in trainer.checkpointed.items()
        if name in trained and isinstance(owner, keras.layers.Layer)
    }
    if judged_otherwise := [line for name, line in found.items() if name in _DISCRIMINATOR]:
        networks.pop("discriminator", None)
        print(f"init_from: the discriminator starts anew, as it is another: {'; '.join(judged_otherwise)}", flush=True)
    if rebuilt:
        # Of the other networks only a video discriminator could be taken over, of clips as long.
        networks = ({} if shorter else networks) | {
            "motion": build_motion(dataclasses.replace(config.model, warp="native"), spec)
        }
    _restore(other, config, spec, networks)
    if rebuilt:
        transfer_weights(networks["motion"], trainer.motion)
    for name, network in trainer.checkpointed.items():
        if f"{name}_average" in networks:
            copy_weights(networks[f"{name}_average"], network)


def first_networks(run_dir: str, trainer) -> dict:
    """{name: network} of stage 1 as a run began with them, for ``average_with_start``.

    Args:
      run_dir: the run or export that it began from.
      trainer: StartFrameTrainer of the run.

    Raises:
      ValueError: ``run_dir`` has no such networks, or of other sizes or another spec.
    """
    other, spec = trained_networks(run_dir, "start_frame"), trainer.spec
    config, its_spec = other.load("start_frame")
    if its_spec != spec:
        raise ValueError(f"init_from: {other.path} was trained on another spec than {spec.name!r}, this data's")
    model = dataclasses.replace(trainer.config.model, class_colors=config.model.class_colors)
    first = {
        "generator_average": build_generator(model, spec),
        "style_encoder_average": build_style_encoder(model, spec),
    }
    _restore(other, config, spec, first)
    return first


def _restore(other, config, spec, networks):
    """Gives the networks their weights in ``other``, whose config and spec these are.

    One with a palette takes those of one without, too, and keeps what the palette adds.
    """
    stand_ins = {}
    for name, network in networks.items():
        if getattr(network, "palette_variables", ()) and not config.model.class_colors:
            build = build_generator if isinstance(network, StartFrameGenerator) else build_style_encoder
            stand_ins[name] = build(config.model, spec)
    if other.restore({**networks, **stand_ins}, newest_only=True) == 0:
        raise ValueError(f"init_from: {other.path} has no checkpoint yet")
    for name, stand_in in stand_ins.items():
        for variable, value in zip(_without_palette(networks[name]), raw_variables(stand_in), strict=True):
            variable.assign(value)


def _without_palette(network):
    """Its variables but for those that ``class_colors`` adds."""
    added = {id(variable) for variable in network.palette_variables}
    return [variable for variable in raw_variables(network) if id(variable) not in added]


def average_with_start(first: dict, trainer, share: float) -> None:
    """Moves stage 1's averaged networks part of the way back to those that the run began with.

    Source: Wortsman et al., "Model soups" (ICML 2022): between networks on one way of learning the mean of the weights
    is often better than either end.

    Args:
      first: of ``first_networks``.
      trainer: StartFrameTrainer, after its last step and before its style is standardised.
      share: of the first networks, in [0, 1].
    """
    for name, network in first.items():
        ours = trainer.averages[name.removesuffix("_average")]
        # What the first networks did not have is not averaged.
        variables = raw_variables(ours) if network.palette_variables else _without_palette(ours)
        for variable, start in zip(variables, raw_variables(network), strict=True):
            variable.assign((1.0 - share) * variable + share * start)
