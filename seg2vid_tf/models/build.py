"""Networks from configs, with their weights created: what trainers, checkpoints and exports start from."""

import keras
import tensorflow as tf

from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.config import MotionModelConfig, StartFrameModelConfig
from seg2vid_tf.models.motion.cvae import MotionCVAE
from seg2vid_tf.models.start_frame.generator import StartFrameGenerator
from seg2vid_tf.models.start_frame.multiscale_discriminator import MultiscaleDiscriminator
from seg2vid_tf.models.start_frame.segmentation_discriminator import SegmentationDiscriminator
from seg2vid_tf.models.start_frame.style_encoder import StyleEncoder
from seg2vid_tf.ops.feature_network import FeatureNetwork


def annotation_channels(config: StartFrameModelConfig, spec: AnnotationSpec) -> int:
    """Channels of the annotation that stage 1 reads: the classes, and the instance boundary where it is used."""
    return spec.num_classes + int(config.instance_boundary)


def colored_classes(config: StartFrameModelConfig, spec: AnnotationSpec | None) -> int:
    """Classes whose colours a style holds, three numbers each."""
    if config.class_colors and spec is None:
        raise ValueError("class_colors: the style encoder finds the classes of a spec; give it")
    return spec.num_classes if config.class_colors else 0


def build_generator(config: StartFrameModelConfig, spec: AnnotationSpec) -> StartFrameGenerator:
    """The start-frame generator with its weights."""
    channels, colored = annotation_channels(config, spec), colored_classes(config, spec)
    style_dim = config.style_dim + 3 * colored
    generator = StartFrameGenerator(
        num_channels=channels,
        style_dim=style_dim,
        noise_channels=config.noise_channels,
        noise_stride=config.noise_stride,
        filters=config.generator_filters,
        spade_filters=config.spade_filters,
        fine_spade_filters=config.fine_spade_filters,
        smooth_ids=tuple(spec.class_ids(config.smooth_classes, "smooth_classes")),
        colored_classes=colored,
        name="generator",
    )
    _check_size("generator_filters", config, generator.stride)
    side = generator.stride
    generator(
        {
            "annotation": tf.zeros([1, side, side, channels]),
            "style": tf.zeros([1, style_dim]),
            "noise": tf.zeros([1, side // config.noise_stride, side // config.noise_stride, config.noise_channels]),
        }
    )
    return generator


def build_style_encoder(config: StartFrameModelConfig, spec: AnnotationSpec | None = None) -> StyleEncoder:
    """The style encoder with its weights; it asks for the spec where ``class_colors`` is set."""
    colored = colored_classes(config, spec)
    encoder = StyleEncoder(
        config.style_dim + 3 * colored,
        config.style_encoder_filters,
        config.style_bands,
        colored,
        name="style_encoder",
    )
    encoder({"frame": tf.zeros([1, 16 * config.style_bands, 16, 3])})
    return encoder


def build_discriminator(
    config: StartFrameModelConfig, spec: AnnotationSpec, features: FeatureNetwork | None = None
) -> SegmentationDiscriminator | MultiscaleDiscriminator:
    """The discriminator that the config names, with its weights; ``features`` if ``discriminator_features`` is set."""
    if config.discriminator == "segmentation":
        discriminator = SegmentationDiscriminator(
            spec.num_classes,
            config.segmentation_filters,
            features.strides if config.discriminator_features else (),
            config.feature_projection,
            name="discriminator",
        )
        _check_size("segmentation_filters", config, discriminator.stride)
        frame = tf.zeros([1, max(discriminator.stride, 64), max(discriminator.stride, 64), 3])
        inputs = {"frame": frame}
        if config.discriminator_features:
            inputs["features"] = features(frame)
        discriminator(inputs)
        return discriminator
    discriminator = MultiscaleDiscriminator(config.patch_filters, config.patch_scales, name="discriminator")
    smallest = 2 ** (config.patch_scales - 1)
    if min(config.height, config.width) < smallest:
        raise ValueError(
            f"patch_scales {config.patch_scales} halves the frame to nothing: height and width must be at least "
            f"{smallest}, received {config.height} x {config.width}"
        )
    side = 2 ** (len(config.patch_filters) + config.patch_scales)
    annotation = tf.zeros([1, side, side, annotation_channels(config, spec)])
    discriminator({"frame": tf.zeros([1, side, side, 3]), "annotation": annotation})
    return discriminator


def build_video_discriminator(config: MotionModelConfig, spec: AnnotationSpec) -> MultiscaleDiscriminator:
    """Patches of whole clips: the frames are each other's channels, [B,H,W,3(T+1)], beside frame 0's annotation."""
    discriminator = MultiscaleDiscriminator(config.video_filters, 2, name="video_discriminator")
    side = 2 ** (len(config.video_filters) + 2)
    frames = tf.zeros([1, side, side, 3 * (config.num_frames + 1)])
    discriminator({"frame": frames, "annotation": tf.zeros([1, side, side, spec.num_classes])})
    return discriminator


def build_motion(config: MotionModelConfig, spec: AnnotationSpec) -> MotionCVAE:
    """The motion CVAE with its weights."""
    one_path = config.foreground_latent == 0
    if not one_path and (not spec.foreground_ids or not spec.background_ids):
        raise ValueError(
            f"spec {spec.name!r}: the two motion paths need at least one foreground and one background class, "
            f"received foreground {spec.foreground_ids}, background {spec.background_ids}; foreground_latent 0 makes "
            "them one path"
        )
    motion = MotionCVAE(
        background_ids=tuple(range(spec.num_classes)) if one_path else spec.background_ids,
        foreground_ids=() if one_path else spec.foreground_ids,
        num_frames=config.num_frames,
        background_latent=config.background_latent,
        foreground_latent=config.foreground_latent,
        encoder_filters=config.encoder_filters,
        image_filters=config.image_filters,
        refiner_filters=config.refiner_filters,
        flow_scale=config.flow_scale,
        annotated=config.annotated,
        visible=config.visible,
        refined=config.refined,
        prior=config.prior,
        memory=config.memory,
        prior_rank=config.prior_rank,
        instance_motion=config.instance_motion,
        limbs=_limbs(config, spec),
        warp_method=config.warp,
        name="motion",
    )
    _check_size("image_filters", config, motion.stride)
    side = motion.stride
    motion(
        {
            "frames": tf.zeros([1, config.num_frames + 1, side, side, 3]),
            "annotation": tf.zeros([1, side, side, spec.num_classes]),
            "noise": tf.zeros([1, motion.latent_dim]),
        }
    )
    return motion


def _limbs(config, spec):
    """(class id, its two ends) of the limbs that move; (): a model of flow."""
    if config.motion == "flow":
        return ()
    if spec.skeleton is None:
        raise ValueError(
            f"motion limbs: spec {spec.name!r} has no skeleton; give motion flow, or a spec with joints and limbs"
        )
    return tuple(spec.skeleton.limbs.items())


def set_precision(precision: str) -> None:
    """Sets the policy that layers built from now on follow: "float32" or "mixed_bfloat16"."""
    if precision not in ("float32", "mixed_bfloat16"):
        raise ValueError(f"precision must be 'float32' or 'mixed_bfloat16', received {precision!r}")
    keras.mixed_precision.set_global_policy(precision)


def _check_size(name, config, stride):
    if config.height % stride or config.width % stride:
        near = [stride * max(1, round(side / stride)) for side in (config.height, config.width)]
        raise ValueError(
            f"height and width must be divisible by {stride} (from {name}), received {config.height} x {config.width}: "
            f"give --height={near[0]} --width={near[1]}, say, and prepare the data at that size"
        )
