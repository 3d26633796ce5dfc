"""MotionCVAE: stage 2, the flow-based conditional VAE.

    prior      p(z) = N(0, I), or what learned priors, one for each group, make of it (latent_prior.py)
    posterior  z_background ~ q(. | clip, background classes)      z_foreground ~ q(. | clip, foreground classes)
    decoder    flow, flow_backward, visibility, visibility_backward = FlowDecoder(ImageEncoder(x_0, s_0), z)
    warp       warped_t(p) = x_0(p - flow_t(p)), dense_image_warp
    refiner    x_t = FrameRefiner(warped_t, visibility_t, s_0 warped along)

With ``limbs`` z is how a skeleton's limbs turn: q(z | clip) is a LimbEncoder's, flows and s_t a LimbDecoder's, and the
rest is the same.

x_0 is the start frame, s_0 its annotation; z = z_background ++ z_foreground. Shapes: B clips, T predicted frames, H x W
pixels, K annotation channels, Z latent dimensions. Warp, composition, the heads and everything about the latent are
float32 under every precision policy. So the parts do not autocast: each convolution casts its own input, and nothing
else is rounded.
"""

import keras
import tensorflow as tf

from seg2vid_tf.models.built_by_call import BuiltByCall
from seg2vid_tf.models.latent import kl_per_dimension, posterior, reparameterise
from seg2vid_tf.models.motion.aggregated_posterior import AggregatedPosterior
from seg2vid_tf.models.motion.flow_decoder import FlowDecoder
from seg2vid_tf.models.motion.image_encoder import ImageEncoder
from seg2vid_tf.models.motion.instance_motion import find_instances
from seg2vid_tf.models.motion.latent_prior import LatentPrior
from seg2vid_tf.models.motion.limb_decoder import LimbDecoder
from seg2vid_tf.models.motion.limb_encoder import LimbEncoder
from seg2vid_tf.models.motion.motion_encoder import MotionEncoder
from seg2vid_tf.models.motion.motion_memory import MotionMemory
from seg2vid_tf.models.motion.refiner import FrameRefiner
from seg2vid_tf.ops.image import fold_time
from seg2vid_tf.ops.matching import estimate_flow
from seg2vid_tf.ops.occlusion import composite
from seg2vid_tf.ops.warp import warp


class MotionCVAE(BuiltByCall, keras.Model):
    """Start frame + annotation + latent -> T frames.

    Args:
      background_ids: annotation channels that move with the camera.
      foreground_ids: annotation channels that move on their own; (): one path for all, no foreground latent.
      num_frames: T.
      background_latent: latent dimensions of the first group.
      foreground_latent: latent dimensions of the second.
      encoder_filters: channels of each motion encoder.
      image_filters: channels of the image encoder, mirrored by the decoder.
      refiner_filters: channels of the refiner.
      flow_scale: pixels per unit of a flow head.
      annotated: whether the networks see the annotation.
      visible: whether visibility is predicted; without it, it is 1 everywhere and nothing is painted.
      refined: whether a refiner paints what is not visible.
      prior: "standard", N(0, I), or "learned", p(z | start frame, annotation).
      memory: motions of training clips that draws recall (motion_memory.py); 0: none.
      prior_rank: directions of the Gaussian that draws come from (aggregated_posterior.py); 0: there is none.
      instance_motion: whether each thing of the foreground moves as one (instance_motion.py).
      limbs: (class id, its two ends) of a skeleton's limbs, which then move as rigid bodies (limb_decoder.py); (): z is
        a flow's.
      warp_method: "native", "compiled" or "addons" (ops/warp.py).
    """

    def __init__(
        self,
        background_ids: tuple[int, ...],
        foreground_ids: tuple[int, ...],
        num_frames: int,
        background_latent: int,
        foreground_latent: int,
        encoder_filters: tuple[int, ...],
        image_filters: tuple[int, ...],
        refiner_filters: tuple[int, ...],
        flow_scale: float,
        annotated: bool = True,
        visible: bool = True,
        refined: bool = True,
        prior: str = "standard",
        memory: int = 0,
        prior_rank: int = 0,
        instance_motion: bool = False,
        limbs: tuple = (),
        warp_method: str = "native",
        **kwargs,
    ):
        arguments = {name: value for name, value in locals().items() if name not in ("self", "kwargs", "__class__")}
        super().__init__(**{"autocast": False, **kwargs})
        self.num_frames = num_frames
        self.latent_sizes = (background_latent, foreground_latent)
        self.latent_dim = background_latent + foreground_latent
        self.stride = 2 ** len(image_filters)
        self._config = arguments
        self._background_ids = tf.constant(background_ids, tf.int32)
        self._foreground_ids = tf.constant(foreground_ids, tf.int32)
        # The order in which parts are made is that of their variables in checkpoints and exports.
        self.background_encoder, self.foreground_encoder = (
            MotionEncoder(size, num_frames, encoder_filters, name=f"{group}_encoder") if size and not limbs else None
            for group, size in self._groups()
        )
        self.limb_encoder = LimbEncoder(num_frames, limbs, self.latent_dim, name="limb_encoder") if limbs else None
        self.image_encoder = ImageEncoder(image_filters, name="image_encoder")
        self.decoder = self._make_decoder()
        self.refiner = FrameRefiner(refiner_filters, name="refiner") if visible and refined else None
        self.priors = None
        if prior == "learned":
            self.priors = [
                LatentPrior(size, num_frames, name=f"{group}_prior") for group, size in self._groups() if size
            ]
        self._build_sampling_prior(memory, prior_rank, len(background_ids) + len(foreground_ids))

    def _make_decoder(self):
        config, of_both = self._config, {"visible": self._config["visible"], "warp_method": self._config["warp_method"]}
        frames_and_filters = self.num_frames, config["image_filters"]
        if config["limbs"]:
            return LimbDecoder(*frames_and_filters, config["limbs"], self.latent_dim, **of_both, name="decoder")
        return FlowDecoder(*frames_and_filters, config["flow_scale"], self.latent_sizes, **of_both, name="decoder")

    def _build_sampling_prior(self, memory, prior_rank, num_classes):
        """What seeds sample from, if not from N(0, I): fitted to training clips, after training."""
        self.memory = self.aggregated = None
        if memory:
            self.memory = MotionMemory(memory, self.latent_dim, num_classes, name="memory")
        if prior_rank:
            self.aggregated = AggregatedPosterior(prior_rank, self.latent_dim, name="aggregated")

    def _groups(self):
        return zip(("background", "foreground"), self.latent_sizes, strict=True)

    def get_config(self):
        return dict(self._config)

    def call(self, inputs, training=False):
        """Reconstructs clips through the posterior.

        Args:
          inputs: {frames float32 [B,T+1,H,W,3], annotation float32 [B,H,W,K] of frame 0, noise float32 [B,Z]: standard
            normal, or zeros for the posterior mean}, and displacements and fits as ``estimate_flow`` gives them, where
            they are known already.

        Returns:
          What ``decode`` returns, and kl: the KL of the posterior from the prior per latent dimension, nats [B,Z].
        """
        frames, annotation = inputs["frames"], inputs["annotation"]
        matched = (inputs["displacements"], inputs["fits"]) if "fits" in inputs else None
        # q(z | clip), in coordinates where the prior, learned or not, is N(0, I): the KL is the same in both.
        distribution = self.encode(frames, annotation, matched)
        z = reparameterise(distribution, inputs["noise"])  # [B,Z]
        outputs = self.decode(frames[:, 0], annotation, z)  # x_1 .. x_T
        return {**outputs, "kl": kl_per_dimension(distribution)}

    def encode(self, frames, annotation, matched=None):
        """The TFP posterior of z, event [Z].

        Args:
          frames: [B,T+1,H,W,3] in [-1,1].
          annotation: of frame 0, [B,H,W,K].
          matched: what ``estimate_flow`` finds in the frames, where that is known already.
        """
        if self.limb_encoder is not None:
            return posterior(*self.limb_encoder(frames, annotation))
        start_frame, annotation = frames[:, 0], self._annotation_for_networks(annotation)
        displacements, fits = estimate_flow(frames) if matched is None else matched  # [B,T,h,w,2], [B,T,h,w,1]
        velocities = displacements / self.decoder.pixels_per_velocity()  # of order 1
        groups = []
        for encoder, ids in (
            (self.background_encoder, self._background_ids),
            (self.foreground_encoder, self._foreground_ids),
        ):
            if encoder is not None:
                groups.append(encoder(start_frame, tf.gather(annotation, ids, axis=-1), velocities, fits))
        if self.priors is not None:
            groups = [
                prior.normalise(prior(start_frame, annotation), *group)
                for prior, group in zip(self.priors, groups, strict=True)
            ]
        mean, log_variance = (tf.concat(parts, axis=-1) for parts in zip(*groups, strict=True))  # [B,Z] each
        return posterior(mean, log_variance)

    def decode(self, start_frame, annotation, z):
        """Animates start frames.

        Args:
          start_frame: float32 [B,H,W,3] in [-1,1].
          annotation: float32 [B,H,W,K].
          z: float32 [B,Z].

        Returns:
          {flow, flow_backward, visibility, visibility_backward, warped, frames} as the package's docstring defines
          them, and annotations: float32 [B,T,H,W,K], the annotation warped along.
        """
        tf.debugging.assert_equal(
            tf.shape(start_frame)[1:3] % self.stride,
            0,
            f"start_frame: height and width must be divisible by {self.stride}",
        )
        seen_annotation = self._annotation_for_networks(annotation)
        features = self.image_encoder(start_frame, seen_annotation)  # [B,H/2^i,W/2^i,F_i], i = 1, 2, ..
        z = self._denormalise(z, start_frame, seen_annotation)
        outputs = self._decode_motion(features, start_frame, seen_annotation, z)  # flow [B,T,H,W,2], visibility, ..
        layers = None
        if self.limb_encoder is None:
            warped, moved_annotation = self._warp(outputs["flow"], start_frame, annotation)  # [B*T,H,W,3], [B*T,H,W,K]
        else:
            # With soft edges, which no flow has; and limbs are drawn anew, whose lines would blur.
            starts = tf.repeat(start_frame, self.num_frames, axis=0)
            warped = composite(fold_time(outputs.pop("body")), starts, fold_time(outputs.pop("moved_share")))
            layers = [fold_time(outputs.pop(name)) for name in ("foreground", "hidden_share")]
            moved_annotation = fold_time(outputs["annotations"])
        frames = warped
        if self.refiner is not None:
            visibility = fold_time(outputs["visibility"])
            frames = self.refiner(warped, visibility, self._annotation_for_networks(moved_annotation), layers)
        size = tf.shape(start_frame)[1], tf.shape(start_frame)[2]
        for name, value in {"annotations": moved_annotation, "warped": warped, "frames": frames}.items():
            outputs[name] = tf.reshape(value, [-1, self.num_frames, *size, value.shape[-1]])
        return outputs

    def _denormalise(self, z, start_frame, annotation):
        """z [B,Z], whose prior is N(0, I) -> z as the decoder reads it."""
        if self.priors is None:
            return z
        parts = zip(self.priors, tf.split(z, [prior.latent_dim for prior in self.priors], axis=-1), strict=True)
        return tf.concat([prior.denormalise(prior(start_frame, annotation), part) for prior, part in parts], axis=-1)

    def _decode_motion(self, features, start_frame, annotation, z):
        """{flow, flow_backward [B,T,H,W,2], visibility, visibility_backward [B,T,H,W,1]}; limbs have more to say."""
        if self.limb_encoder is not None:
            return self.decoder(features, tf.concat([start_frame, annotation], axis=-1), z)
        classes = tf.gather(annotation, self._foreground_ids, axis=-1)
        foreground = tf.clip_by_value(tf.reduce_sum(classes, axis=-1, keepdims=True), 0.0, 1.0)
        picture = tf.concat([start_frame, annotation], axis=-1)
        instances = find_instances(classes) if self._config["instance_motion"] else None
        return self.decoder(features, picture, foreground, z, instances)

    def _warp(self, flow, *pictures):
        """Pictures [B,H,W,C] as the flow moves them, one after the other in time: each [B*T,H,W,C]."""
        sources = tf.repeat(tf.concat(pictures, axis=-1), self.num_frames, axis=0)
        # The start frame and its annotation are given, not learned: no gradient into them, and no scatter.
        moved = warp(tf.stop_gradient(sources), fold_time(flow), method=self._config["warp_method"])
        return tf.split(moved, [picture.shape[-1] for picture in pictures], axis=-1)

    def _annotation_for_networks(self, annotation):
        """The annotation as the networks see it: all zeros in a model without annotation."""
        return annotation if self._config["annotated"] else tf.zeros_like(annotation)

    def motion_of_draw(self, annotation, drawn):
        """The motion [B,Z] that a draw float32 [B,Z] stands for beside an annotation [B,H,W,K]."""
        if self.memory is not None:
            return self.memory(annotation, drawn)
        return drawn if self.aggregated is None else self.aggregated(drawn)

    @property
    def transforms_draws(self) -> bool:
        """Whether a sampling prior, memory or aggregated posterior, maps a draw to another motion."""
        return self.memory is not None or self.aggregated is not None

    def reset_sampling_prior(self) -> None:
        """Makes draws motions themselves again: a sampling prior belongs to the weights that it was fitted for."""
        for part in (self.memory, self.aggregated):
            if part is not None:
                part.forget()
