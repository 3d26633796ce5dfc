"""Every number of a run: frozen dataclasses, the presets, and the JSON that lands in each run folder.

A run trains one stage, so there is one top-level config per stage: ``StartFrameConfig`` (stage 1) and ``MotionConfig``
(stage 2). Each holds the model's sizes, the loss weights and the training schedule. The help texts are what the
programs print at --help (flags.py).
"""

import dataclasses
import json
import math
import numbers
import pathlib

from seg2vid_tf.files import write_text

# What seeds mean: exports, evaluations and runs hold it. 1: tf.random.stateless_normal, which is another under XLA
# (ops/noise.py).
NOISE_VERSION = 2


# A smaller random crop would be a pixel or two of a small frame, and no street any more.
MIN_CROP = 0.1


class RunWarning(UserWarning):
    """A run goes on, though not quite as it began: one line for the program's user."""


@dataclasses.dataclass(frozen=True)
class Range:
    """The numbers that a field may hold.

    Attributes:
      low, high: the bounds; without ``high`` every finite number from ``low`` on.
      open_low, open_high: whether the bound itself is left out.
    """

    low: float
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False

    def __contains__(self, value) -> bool:
        above = self.low < value if self.open_low else self.low <= value
        return above and (value < self.high if self.open_high or self.high == math.inf else value <= self.high)

    def words(self, whole: bool) -> str:
        """What a number, which may have to be ``whole``, must do: "lie in [0, 1)"."""
        if self.high == math.inf:
            return f"be {'' if whole else 'finite and '}{'above' if self.open_low else 'at least'} {self.low}"
        return f"lie in {'(' if self.open_low else '['}{self.low}, {self.high}{')' if self.open_high else ']'}"


AT_LEAST_0, AT_LEAST_1, ABOVE_0 = Range(0), Range(1), Range(0, open_low=True)
SHARE, BELOW_1 = Range(0, 1), Range(0, 1, open_high=True)


def _field(default, help_text: str, allowed: Range | None = None):
    """A field of a config; ``allowed``: what a number, or each number of a tuple, may be."""
    return dataclasses.field(default=default, metadata={"help": help_text, "allowed": allowed})


class _Checked:
    """A part of a config: no number of it lies outside its field's range."""

    def __post_init__(self):
        for field in dataclasses.fields(self):
            allowed, value = field.metadata["allowed"], getattr(self, field.name)
            if allowed is None:
                continue
            many, whole = isinstance(field.default, tuple), not isinstance(field.default, float)
            if many and not (isinstance(value, tuple) and value):
                raise ValueError(f"{field.name} must hold at least one number, received {value!r}")
            for number in value if many else (value,):
                each = f"each number of {field.name}" if many else field.name
                kind = numbers.Integral if whole else numbers.Real
                if not isinstance(number, kind) or isinstance(number, bool):
                    raise ValueError(f"{each} must be a {'whole ' if whole else ''}number, received {value!r}")
                if number not in allowed:
                    raise ValueError(f"{each} must {allowed.words(whole)}, received {value}")


@dataclasses.dataclass(frozen=True)
class StartFrameModelConfig(_Checked):
    """Sizes of stage 1's networks: start-frame generator, style encoder, discriminator."""

    height: int = _field(
        64, "frame height in pixels, divisible by the networks' strides (16 in the tiny preset)", Range(4)
    )
    width: int = _field(
        128, "frame width in pixels, divisible by the networks' strides (16 in the tiny preset)", Range(4)
    )
    style_dim: int = _field(32, "dimensions of the style that one seed draws, but for --class_colors", AT_LEAST_1)
    noise_channels: int = _field(4, "channels of the noise that is drawn at every place of a coarse grid", AT_LEAST_1)
    noise_stride: int = _field(
        8, "pixels that a cell of the noise's grid spans: a power of two, at most the stride", AT_LEAST_1
    )
    generator_filters: tuple[int, ...] = _field(
        (128, 128, 64, 32, 16),
        "channels of the generator's blocks, coarse to fine, each twice the size of the one before",
        AT_LEAST_1,
    )
    spade_filters: int = _field(
        32, "channels in which each block of the generator reads annotation and style", AT_LEAST_1
    )
    fine_spade_filters: int = _field(
        0,
        "as --spade_filters, of the two finest blocks, where a channel costs most; 0: as many as in the others",
        AT_LEAST_0,
    )
    smooth_classes: tuple[str, ...] = _field(
        (), "classes that the generator paints without noise, as road,sky: noise stains what is smooth"
    )
    instance_boundary: bool = _field(
        False, "give the generator the borders between instances too; the data must hold instance maps"
    )
    style_encoder: bool = _field(True, "train an encoder, with which a reference image sets the style")
    style_encoder_filters: tuple[int, ...] = _field(
        (16, 32, 64, 64),
        "channels of the style encoder's layers, each halving the size",
        AT_LEAST_1,
    )
    style_bands: int = _field(
        1,
        "horizontal bands of the picture that the style encoder pools apart: the sky is above, the road below",
        AT_LEAST_1,
    )
    class_colors: bool = _field(
        False,
        "let the style hold a colour for each class, too, which the style encoder finds in the reference, and move "
        "each class towards it: trees take the colour of its trees",
    )
    discriminator: str = _field(
        "segmentation", "segmentation (a U-Net with one class more than the spec) or multiscale (patches)"
    )
    segmentation_filters: tuple[int, ...] = _field(
        (16, 32, 64, 128, 128),
        "channels of the segmentation discriminator, fine to coarse, each halving the size",
        AT_LEAST_1,
    )
    discriminator_features: bool = _field(
        False,
        "let the segmentation discriminator read --perceptual_path's network too: learns faster from few frames",
    )
    feature_scales: tuple[int, ...] = _field(
        (1,),
        "how many times larger --perceptual_path's network sees the frames, once for each: it was trained on pictures "
        "that one object fills, and a car of 30 pixels is little to it",
        AT_LEAST_1,
    )
    feature_projection: bool = _field(
        False,
        "bring the features that the discriminator reads to as many channels as its own first: cheaper, where frames "
        "are enlarged",
    )
    patch_filters: tuple[int, ...] = _field(
        (32, 64, 128), "channels of each patch discriminator's layers (multiscale)", AT_LEAST_1
    )
    patch_scales: int = _field(
        2, "patch discriminators, each at half the resolution of the one before (multiscale)", AT_LEAST_1
    )

    def __post_init__(self):
        super().__post_init__()
        if self.discriminator not in ("segmentation", "multiscale"):
            raise ValueError(f"discriminator must be segmentation or multiscale, received {self.discriminator!r}")
        if self.discriminator_features and self.discriminator != "segmentation":
            raise ValueError(
                "discriminator_features belongs to the segmentation discriminator, received discriminator "
                f"{self.discriminator!r}: change one of them"
            )


@dataclasses.dataclass(frozen=True)
class StartFrameLossConfig(_Checked):
    """Weights of stage 1's losses, each a mean over the batch.

    With a style encoder, feature matching, L1, perceptual distance and KL are 0 for the half of the batch whose style
    is drawn, and the style regression is 0 for the others (start_frame_trainer.py).
    """

    adversarial_weight: float = _field(1.0, "what the discriminator says of the generated frames", AT_LEAST_0)
    labelmix_weight: float = _field(
        10.0,
        "LabelMix (of the OASIS paper): the segmentation discriminator should judge a mixture of a real and a "
        "generated frame, put together class by class, as it judges its parts; this is how far it does not",
        AT_LEAST_0,
    )
    class_balance: float = _field(
        1.0,
        "how much more the pixels of rare classes count in the segmentation discriminator: 1, every class that occurs "
        "counts the same; 0, every pixel does",
        AT_LEAST_0,
    )
    feature_matching_weight: float = _field(
        10.0,
        "L1 between features of the multiscale discriminator, real and generated frames",
        AT_LEAST_0,
    )
    l1_weight: float = _field(
        10.0,
        "L1 between real and generated frame, both averaged over 4x4 pixels; finds each class's colours early",
        AT_LEAST_0,
    )
    perceptual_weight: float = _field(
        0.0, "L1 between features of --perceptual_path's network; needs that file", AT_LEAST_0
    )
    style_kl_weight: float = _field(
        0.01,
        "how far the styles of real frames are from those that seeds draw: KL divergence from N(0, I), nats per frame",
        AT_LEAST_0,
    )
    style_regression_weight: float = _field(
        0.5,
        "L1 between a drawn style and the one encoded from the frame generated with it",
        AT_LEAST_0,
    )
    style_color_weight: float = _field(
        0.0,
        "L1 between each class's mean colour in a frame painted in another example's style and in that example's own "
        "frame; a quarter of the batch is painted so. 0: none is",
        AT_LEAST_0,
    )
    class_color_weight: float = _field(
        10.0,
        "with --class_colors: L1 between the colours that a frame's style stands for and the mean colour of each class "
        "in the frame; a tenth of it is how much finding the classes counts (cross-entropy)",
        AT_LEAST_0,
    )
    mode_seeking_weight: float = _field(
        0.0,
        "how much an example in drawn styles gains by differing from its neighbour, whose label map it is then painted "
        "on, in --perceptual_path's network: 1 - cosine between features",
        AT_LEAST_0,
    )


@dataclasses.dataclass(frozen=True)
class MotionModelConfig(_Checked):
    """Sizes of the motion CVAE (stage 2)."""

    height: int = _field(64, "frame height in pixels, divisible by 16", AT_LEAST_1)
    width: int = _field(128, "frame width in pixels, divisible by 16", AT_LEAST_1)
    num_frames: int = _field(4, "frames T predicted after the start frame", AT_LEAST_1)
    background_latent: int = _field(1024, "latent dimensions of the camera's motion", AT_LEAST_1)
    foreground_latent: int = _field(
        256,
        "latent dimensions of the objects' own motion; 0: one path for all classes instead of two",
        AT_LEAST_0,
    )
    encoder_filters: tuple[int, ...] = _field(
        (48, 64, 96),
        "channels of each motion encoder at 1/4, 1/8, .. of the size",
        AT_LEAST_1,
    )
    image_filters: tuple[int, ...] = _field(
        (24, 48, 96, 128),
        "channels of the image encoder at 1/2, 1/4, 1/8 and 1/16 of the size; the decoder mirrors them",
        AT_LEAST_1,
    )
    refiner_filters: tuple[int, ...] = _field(
        (16, 32, 48),
        "channels of the refiner's U-Net at 1/2, 1/4, .. of the size",
        AT_LEAST_1,
    )
    flow_scale: float = _field(
        16.0, "pixels of motion at the last frame that the number 1 from the flow network stands for", ABOVE_0
    )
    video_filters: tuple[int, ...] = _field(
        (32, 64, 128),
        "channels of the video discriminator's layers, which --video_adversarial_weight switches on",
        AT_LEAST_1,
    )
    annotated: bool = _field(
        True, "let the networks see the annotation; without it they see the picture alone, and foreground_latent is 0"
    )
    visible: bool = _field(True, "predict visibility; without it every pixel counts as visible and none is painted")
    refined: bool = _field(True, "paint what is not visible; without it the frames are the warped start frame")
    prior: str = _field(
        "standard", "prior of the motion: standard, N(0, I), or learned from start frame and annotation"
    )
    temperature: float = _field(
        0.7,
        "how widely seeds draw motions, 1: as the prior says for the frame as a whole; training does not use it",
        AT_LEAST_0,
    )
    smoothness: float = _field(
        2.0,
        "how much less the fine details of a drawn motion vary: what changes f times across the frame varies by "
        "1 / (1 + f) to this power; 0: as much as the rest",
        AT_LEAST_0,
    )
    memory: int = _field(
        0,
        "motions of training clips to remember; seeds then recall those that annotations like theirs had, which suits "
        "people more than cameras; 0: seeds draw from the prior",
        AT_LEAST_0,
    )
    prior_rank: int = _field(
        0,
        "directions in which the motions of training clips go together, looked at once training is over; seeds then "
        "draw from that Gaussian, as it is with --temperature=1 --smoothness=0; 0: seeds draw from the prior",
        AT_LEAST_0,
    )
    instance_motion: bool = _field(
        False,
        "move each connected piece of a foreground class as one thing, which shifts and grows, instead of every place "
        "of the foreground by itself",
    )
    motion: str = _field(
        "flow",
        "what z says: flow, of every place of the frame, or limbs, how the limbs of a skeleton turn: rigid, joined by "
        "construction, in front of a background that stands still; specs with a skeleton alone",
    )
    warp: str = _field("native", "bilinear warp: native, compiled (XLA), or addons (Python < 3.12)")

    def __post_init__(self):
        super().__post_init__()
        if self.prior not in ("standard", "learned"):
            raise ValueError(f"prior must be standard or learned, received {self.prior!r}")
        if self.memory and self.prior_rank:
            raise ValueError(
                f"memory {self.memory} and prior_rank {self.prior_rank} both say what a draw means: give one of them"
            )
        if self.prior_rank > self.background_latent + self.foreground_latent:
            raise ValueError(
                f"prior_rank may be at most background_latent + foreground_latent, "
                f"{self.background_latent + self.foreground_latent}, received {self.prior_rank}"
            )
        if not self.annotated and self.foreground_latent:
            raise ValueError(
                "without the annotation (annotated is false) nothing tells foreground from background: set "
                f"foreground_latent to 0, received {self.foreground_latent}"
            )
        if self.instance_motion and not self.foreground_latent:
            raise ValueError(
                "instance_motion moves the things of the foreground, and foreground_latent 0 leaves none: set "
                "instance_motion to false, or foreground_latent above 0"
            )
        if self.motion not in ("flow", "limbs"):
            raise ValueError(f"motion must be flow or limbs, received {self.motion!r}")
        if self.motion == "limbs":
            self._check_limbs()
        if len(self.image_filters) < 2:
            raise ValueError(f"image_filters needs at least two entries, received {self.image_filters}")
        if len(self.refiner_filters) > len(self.image_filters):
            raise ValueError(
                f"refiner_filters may have no more entries than image_filters, received {self.refiner_filters} "
                f"and {self.image_filters}: the refiner would halve the frame more often than its size allows"
            )

    def _check_limbs(self):
        """Refuses what limbs do not have: a second group, a prior over places, details of the frame to be smooth in."""
        for name, wanted in (("foreground_latent", 0), ("prior", "standard"), ("smoothness", 0.0), ("annotated", True)):
            if getattr(self, name) != wanted:
                raise ValueError(
                    f"motion limbs needs {name} {wanted}, received {getattr(self, name)}: change one of them"
                )


@dataclasses.dataclass(frozen=True)
class MotionLossConfig(_Checked):
    """Weights of stage 2's losses; each is a mean over clips, and within a clip over frames and (visible) pixels."""

    refined_l1_weight: float = _field(2.0, "L1 of the refined frames", AT_LEAST_0)
    warped_l1_weight: float = _field(1.0, "L1 of the warped frames, both directions, on visible pixels", AT_LEAST_0)
    photometric_weight: float = _field(1.0, "0.85 (1-SSIM)/2 + 0.15 L1 of the refined frames", AT_LEAST_0)
    smoothness_weight: float = _field(0.01, "edge-aware smoothness of both flows, per pixel of flow", AT_LEAST_0)
    cycle_weight: float = _field(
        0.02, "cycle consistency of the two flows on visible pixels, per pixel of flow", AT_LEAST_0
    )
    visibility_weight: float = _field(0.1, "share of pixels declared occluded, both directions", AT_LEAST_0)
    visibility_consistency_weight: float = _field(
        0.5,
        "cross-entropy of visibility against where the two flows contradict each other, both directions",
        AT_LEAST_0,
    )
    structure_weight: float = _field(
        0.5,
        "share of the visible pixels that the annotation warped along gives to another class",
        AT_LEAST_0,
    )
    flow_weight: float = _field(
        0.0,
        "end-point error of both flows against exact ones, per pixel, hidden ones too, but none that leaves the "
        "picture; 0: learned from the frames alone",
        AT_LEAST_0,
    )
    occlusion_weight: float = _field(
        0.0,
        "cross-entropy of both visibilities against exact ones, and 1 - the Dice overlap of what is occluded; "
        "0: learned from the frames alone",
        AT_LEAST_0,
    )
    video_adversarial_weight: float = _field(
        0.0,
        "hinge of a discriminator that judges whole refined clips; 0: there is none",
        AT_LEAST_0,
    )
    kl_weight: float = _field(1e-4, "KL of the posterior from the prior, nats per clip", AT_LEAST_0)
    kl_warmup_steps: int = _field(500, "steps over which the KL weight grows from 0", AT_LEAST_0)
    free_bits: float = _field(0.0, "nats per latent dimension that the KL does not punish", AT_LEAST_0)
    perceptual_weight: float = _field(
        0.0,
        "L1 between features of --perceptual_path's network, warped and refined frames",
        AT_LEAST_0,
    )

    @property
    def exact_motion(self) -> bool:
        """Whether a loss compares with exact motion, which the data must hold then."""
        return self.flow_weight > 0 or self.occlusion_weight > 0


@dataclasses.dataclass(frozen=True)
class TrainingConfig(_Checked):
    """Schedule of a run."""

    steps: int = _field(
        2000,
        "optimizer steps in all, those of a resumed run included; --decay and --jitter are counted from it",
        AT_LEAST_1,
    )
    batch_size: int = _field(8, "clips per step, over all devices", AT_LEAST_1)
    learning_rate: float = _field(2e-4, "Adam's learning rate", AT_LEAST_0)
    beta_1: float = _field(0.9, "Adam's first-moment decay; 0 suits adversarial training", BELOW_1)
    decay: float = _field(
        0.5, "share of the steps, at the end, over which the learning rates fall linearly to 0", SHARE
    )
    flip: bool = _field(True, "mirror half of the clips")
    crop: float = _field(
        1.0, "smallest share of height and width that a random training crop keeps; 1: no crops", Range(MIN_CROP, 1)
    )
    recolor: float = _field(0.0, "most by which a clip's brightness, contrast and saturation change, 0 to 1", SHARE)
    seed: int = _field(0, "seed of the weights, the data order and the noise", Range(0, 2**32 - 1))
    precision: str = _field(
        "auto", "float32, mixed_bfloat16, or auto: mixed_bfloat16 where this machine is faster with it, timed at start"
    )
    perceptual_path: str = _field(
        "",
        "weights of the network whose features --perceptual_weight compares: VGG19 (.h5), VGG16 or AlexNet (.npz)",
    )
    init_from: str = _field(
        "",
        "run, or exported model (saved_models/NAME), whose networks this one starts from, of the same spec and "
        "channels; none: random weights",
    )
    checkpoint_every: int = _field(200, "steps between checkpoints", AT_LEAST_1)
    sample_every: int = _field(200, "steps between pictures of validation clips", AT_LEAST_1)
    measure_every: int = _field(
        500,
        "steps between measurements on held-out frames (stage 1, with --segmenter_path or --lpips_path)",
        AT_LEAST_1,
    )
    log_every: int = _field(20, "steps between TensorBoard scalars", AT_LEAST_1)


@dataclasses.dataclass(frozen=True)
class StartFrameTrainingConfig(TrainingConfig):
    """Schedule of stage 1."""

    learning_rate: float = _field(5e-4, "Adam's learning rate of the generator and the style encoder", AT_LEAST_0)
    discriminator_learning_rate: float = _field(1e-3, "Adam's learning rate of the discriminator", AT_LEAST_0)
    beta_1: float = _field(0.0, "Adam's first-moment decay; 0 suits adversarial training", BELOW_1)
    warmup_steps: int = _field(
        0,
        "steps over which both learning rates grow from 0: Adam's first steps can make the output one colour for good",
        AT_LEAST_0,
    )
    generator_start: int = _field(
        0,
        "steps before generator and style encoder begin to learn: the discriminator does so alone until then, where it "
        "starts anew beside networks from --init_from",
        AT_LEAST_0,
    )
    class_finder_steps: int = _field(
        0,
        "with --class_colors: first steps in which the style encoder alone learns, to find the classes in a picture; "
        "each takes a fraction of a whole step's time",
        AT_LEAST_0,
    )
    style_spread: float = _field(
        1.0,
        "how much wider than training pictures' styles seeds draw them, in training and after: more differ more, as "
        "far as the generator learns to paint them well",
        ABOVE_0,
    )
    ema_decay: float = _field(0.999, "decay of the moving average of the weights, which is what is exported", BELOW_1)
    init_share: float = _field(
        0.0,
        "share of --init_from's weights in what the run ends with: between two networks of which one began as the "
        "other often lies a better one (model soups)",
        SHARE,
    )
    accumulate: int = _field(
        1,
        "parts of each device's batch that pass one after the other: the same step in less memory",
        AT_LEAST_1,
    )

    def __post_init__(self):
        super().__post_init__()
        if self.init_share and not self.init_from:
            raise ValueError(f"init_share {self.init_share} is a share of init_from's weights, which is not given")


@dataclasses.dataclass(frozen=True)
class MotionTrainingConfig(TrainingConfig):
    """Schedule of stage 2."""

    batch_size: int = _field(4, "clips per step, over all devices", AT_LEAST_1)
    clip_norm: float = _field(1.0, "largest global norm of the gradient", ABOVE_0)
    reverse: bool = _field(False, "show half of the clips backwards in time; not beside exact motion")
    jitter: float = _field(
        0.0,
        "pixels by which a clip's later frames are shifted and bent at random, so that any motion is learned and not a "
        "few scenes' own; one standard deviation, falling to 0 until the run's end",
        AT_LEAST_0,
    )
    discriminator_learning_rate: float = _field(2e-4, "Adam's learning rate of the video discriminator", AT_LEAST_0)


# A run may be resumed with other values of these; every other field is part of what the run is.
RESUMABLE_FIELDS = ("steps", "perceptual_path", "checkpoint_every", "sample_every", "measure_every", "log_every")


@dataclasses.dataclass(frozen=True)
class StartFrameConfig:
    """Everything a stage 1 run is made of."""

    model: StartFrameModelConfig = StartFrameModelConfig()
    losses: StartFrameLossConfig = StartFrameLossConfig()
    training: StartFrameTrainingConfig = StartFrameTrainingConfig()

    def __post_init__(self):
        before = self.training.generator_start + self.training.class_finder_steps
        if self.training.steps <= before:
            given = f"generator_start {self.training.generator_start}"
            if self.training.class_finder_steps:
                given += f" and class_finder_steps {self.training.class_finder_steps}"
            raise ValueError(
                f"{given}: the generator would learn in none of the {self.training.steps} steps; give more steps, or "
                "fewer before it starts"
            )
        if self.model.class_colors and not self.model.style_encoder:
            raise ValueError("class_colors needs the style encoder, and style_encoder is false: change one of them")
        if self.training.class_finder_steps and not self.model.class_colors:
            raise ValueError(
                f"class_finder_steps {self.training.class_finder_steps} belongs to class_colors, which is false: set "
                "it to true, or class_finder_steps to 0"
            )
        if self.training.init_share and not self.model.style_encoder:
            raise ValueError(f"init_share {self.training.init_share} needs style_encoder, received False")
        if self.training.style_spread != 1.0 and not self.model.style_encoder:
            raise ValueError(f"style_spread {self.training.style_spread} needs style_encoder, received False")
        for name in ("style_color_weight", "mode_seeking_weight"):
            weight = getattr(self.losses, name)
            if weight and not self.model.style_encoder:
                raise ValueError(
                    f"{name} {weight} needs the style encoder, and style_encoder is false: set it to true, or "
                    f"{name} to 0"
                )
            if weight and self.training.batch_size // self.training.accumulate < 2:
                raise ValueError(
                    f"{name} {weight} needs each example's neighbour in the batch: batch_size / accumulate must be at "
                    f"least 2, received {self.training.batch_size} / {self.training.accumulate}"
                )


@dataclasses.dataclass(frozen=True)
class MotionConfig:
    """Everything a stage 2 run is made of."""

    model: MotionModelConfig = MotionModelConfig()
    losses: MotionLossConfig = MotionLossConfig()
    training: MotionTrainingConfig = MotionTrainingConfig()


START_FRAME_PRESETS = {
    "tiny": StartFrameConfig(),
    "small": StartFrameConfig(
        model=StartFrameModelConfig(
            height=128,
            width=256,
            generator_filters=(256, 256, 128, 64, 48, 24),
            spade_filters=48,
            style_encoder_filters=(16, 32, 64, 64, 64),
            segmentation_filters=(16, 32, 64, 128, 256, 256),
            patch_filters=(48, 96, 192, 192),
        ),
        training=StartFrameTrainingConfig(steps=12_000, batch_size=2),
    ),
    "base": StartFrameConfig(
        model=StartFrameModelConfig(
            height=256,
            width=512,
            style_dim=64,
            generator_filters=(512, 512, 256, 256, 128, 64, 32),
            spade_filters=64,
            style_encoder_filters=(32, 64, 128, 128, 128, 128),
            segmentation_filters=(32, 64, 128, 256, 256, 512, 512),
            patch_filters=(64, 128, 256, 256),
        ),
        training=StartFrameTrainingConfig(steps=100_000, batch_size=16),
    ),
    "large": StartFrameConfig(
        model=StartFrameModelConfig(
            height=512,
            width=1024,
            style_dim=64,
            generator_filters=(1024, 1024, 512, 512, 256, 128, 64, 32),
            spade_filters=128,
            style_encoder_filters=(32, 64, 128, 256, 256, 256),
            segmentation_filters=(32, 64, 128, 256, 512, 512, 512),
            patch_filters=(64, 128, 256, 512),
            patch_scales=3,
        ),
        training=StartFrameTrainingConfig(steps=200_000, batch_size=16),
    ),
}
MOTION_PRESETS = {
    "tiny": MotionConfig(),
    "small": MotionConfig(
        model=MotionModelConfig(height=128, width=256, flow_scale=32.0),
        training=MotionTrainingConfig(steps=20_000, batch_size=2),
    ),
    "base": MotionConfig(
        model=MotionModelConfig(
            height=256,
            width=512,
            num_frames=8,
            encoder_filters=(64, 96, 128),
            image_filters=(32, 64, 128, 192),
            refiner_filters=(16, 32, 64, 96),
            flow_scale=64.0,
        ),
        training=MotionTrainingConfig(steps=100_000, batch_size=16),
    ),
    "long": MotionConfig(
        model=MotionModelConfig(height=128, width=256, num_frames=15, flow_scale=64.0),
        training=MotionTrainingConfig(steps=100_000, batch_size=16),
    ),
}


def preset(presets: dict, name: str):
    """The preset of that name; ValueError naming the known ones otherwise."""
    if name not in presets:
        raise ValueError(f"unknown preset {name!r}: give one of {sorted(presets)}")
    return presets[name]


def to_json(config) -> dict:
    """A config dataclass as a JSON document."""
    return dataclasses.asdict(config)


def with_defaults(config_class, document: dict) -> tuple[dict, list[str]]:
    """A document of ``to_json``, and of the fields that it lacks, as one from before they existed does, the defaults.

    Returns:
      (the document with them, ["training.jitter 0.0", ...]).
    """
    whole, lacked = dict(document), []
    for part, defaults in to_json(config_class()).items():
        if isinstance(document.get(part), dict):
            whole[part] = {**defaults, **document[part]}
            lacked += [f"{part}.{name} {defaults[name]}" for name in defaults if name not in document[part]]
    return whole, lacked


def from_json(config_class, document: dict):
    """The config of that class which ``to_json`` wrote.

    Raises:
      ValueError: a field is missing or unknown.
    """
    fields = {f.name: f for f in dataclasses.fields(config_class)}
    if set(document) != set(fields):
        raise ValueError(
            f"not a {config_class.__name__} of this version: missing {sorted(set(fields) - set(document))}, "
            f"unknown {sorted(set(document) - set(fields))}; use the version of seg2vid_tf that wrote it"
        )
    values = {}
    for name, value in document.items():
        if dataclasses.is_dataclass(fields[name].type):
            value = from_json(fields[name].type, value)
        values[name] = tuple(value) if isinstance(value, list) else value
    return config_class(**values)


def write_json(path: pathlib.Path, document: dict) -> None:
    """Writes a JSON document, through a temporary name."""
    write_text(path, json.dumps(document, indent=2) + "\n")


def differences(old: dict, new: dict, prefix: str = "") -> list[str]:
    """The leaves in which two JSON documents differ, as "training.seed: 0 -> 1"."""
    lines = []
    for key in sorted(set(old) | set(new)):
        a, b = old.get(key), new.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            lines += differences(a, b, f"{prefix}{key}.")
        elif json.dumps(a) != json.dumps(b):
            lines.append(f"{prefix}{key}: {a} -> {b}")
    return lines
