"""MotionCVAE: stage 2, the flow-based conditional VAE.

    z ~ N(0, I), or what learned priors, one for each group, make of it (latent_prior.py)
    z_background ~ q(. | clip, background classes)      z_foreground ~ q(. | clip, foreground classes)
    flow, flow_backward, visibility, visibility_backward = FlowDecoder(ImageEncoder(start_frame, annotation), z):
        two layers, background and foreground, put together by the annotation
    warped_t = dense_image_warp(start_frame, flow_t)
    frame_t  = FrameRefiner(warped_t, visibility_t, annotation warped along)

Warp, composition, the heads and everything about the latent are float32 under every precision policy. So the parts do
not autocast: each convolution casts its own input, and nothing else is rounded.
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
from seg2vid_tf.models.motion.motion_encoder import MotionEncoder
from seg2vid_tf.models.motion.motion_memory import MotionMemory
from seg2vid_tf.models.motion.refiner import FrameRefiner
from seg2vid_tf.ops.matching import matched_motion
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
        warp_method: str = "native",
        **kwargs,
    ):
        super().__init__(**{"autocast": False, **kwargs})
        self.background_encoder = MotionEncoder(
            background_latent, num_frames, encoder_filters, name="background_encoder"
        )
        self.foreground_encoder = None
        if foreground_latent:
            self.foreground_encoder = MotionEncoder(
                foreground_latent, num_frames, encoder_filters, name="foreground_encoder"
            )
        self.image_encoder = ImageEncoder(image_filters, name="image_encoder")
        self.decoder = FlowDecoder(
            num_frames,
            image_filters,
            flow_scale,
            (background_latent, foreground_latent),
            visible,
            warp_method,
            name="decoder",
        )
        self.refiner = FrameRefiner(refiner_filters, name="refiner") if visible and refined else None
        self.num_frames = num_frames
        self.latent_sizes = (background_latent, foreground_latent)
        self.latent_dim = background_latent + foreground_latent
        self.priors = None
        if prior == "learned":
            names = ("background_prior", "foreground_prior")
            groups = zip(self.latent_sizes, names, strict=True)
            self.priors = [LatentPrior(size, num_frames, name=name) for size, name in groups if size]
        self.memory = None
        if memory:
            classes = len(background_ids) + len(foreground_ids)
            self.memory = MotionMemory(memory, self.latent_dim, classes, name="memory")
        self.aggregated = None
        if prior_rank:
            self.aggregated = AggregatedPosterior(prior_rank, self.latent_dim, name="aggregated")
        self.stride = 2 ** len(image_filters)
        self._background_ids = tf.constant(background_ids, tf.int32)
        self._foreground_ids = tf.constant(foreground_ids, tf.int32)
        self._annotated = annotated
        self._instance_motion = instance_motion
        self._warp_method = warp_method
        self._config = {
            "background_ids": tuple(background_ids),
            "foreground_ids": tuple(foreground_ids),
            "num_frames": num_frames,
            "background_latent": background_latent,
            "foreground_latent": foreground_latent,
            "encoder_filters": tuple(encoder_filters),
            "image_filters": tuple(image_filters),
            "refiner_filters": tuple(refiner_filters),
            "flow_scale": flow_scale,
            "annotated": annotated,
            "visible": visible,
            "refined": refined,
            "prior": prior,
            "memory": memory,
            "prior_rank": prior_rank,
            "instance_motion": instance_motion,
            "warp_method": warp_method,
        }

    def get_config(self):
        return dict(self._config)

    def encode(self, frames, annotation, matched=None):
        """The TFP posterior of z, event [Z].

        Args:
          frames: [B,T+1,H,W,3] in [-1,1].
          annotation: of frame 0, [B,H,W,K].
          matched: what ``matched_motion`` finds in the frames, where that is known already.
        """
        annotation = self._seen(annotation)
        displacements, fits = matched_motion(frames) if matched is None else matched
        velocities = displacements / self.decoder.pixels_of_velocity()
        groups = []
        for encoder, ids in (
            (self.background_encoder, self._background_ids),
            (self.foreground_encoder, self._foreground_ids),
        ):
            if encoder is not None:
                groups.append(encoder(frames[:, 0], tf.gather(annotation, ids, axis=-1), velocities, fits))
        if self.priors is not None:
            groups = [
                prior.outside(prior(frames[:, 0], annotation), *group)
                for prior, group in zip(self.priors, groups, strict=True)
            ]
        return posterior(*(tf.concat(parts, axis=-1) for parts in zip(*groups, strict=True)))

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
        seen = self._seen(annotation)
        levels = self.image_encoder(start_frame, seen)
        if self.priors is not None:
            parts = zip(self.priors, tf.split(z, [prior.latent_dim for prior in self.priors], axis=-1), strict=True)
            z = tf.concat([prior.inside(prior(start_frame, seen), part) for prior, part in parts], axis=-1)
        named = tf.gather(seen, self._foreground_ids, axis=-1)
        foreground = tf.clip_by_value(tf.reduce_sum(named, axis=-1, keepdims=True), 0.0, 1.0)
        picture = tf.concat([start_frame, seen], axis=-1)
        instances = find_instances(named) if self._instance_motion else None
        outputs = self.decoder(levels, picture, foreground, z, instances)
        steps, classes = self.num_frames, annotation.shape[-1]
        height, width = tf.shape(start_frame)[1], tf.shape(start_frame)[2]
        sources = tf.repeat(tf.concat([start_frame, annotation], axis=-1), steps, axis=0)
        flow = tf.reshape(outputs["flow"], [-1, height, width, 2])
        # The start frame and its annotation are given, not learned: no gradient into them, and no scatter.
        moved = warp(tf.stop_gradient(sources), flow, method=self._warp_method)
        warped, moved_annotation = moved[..., :3], moved[..., 3:]
        visibility = tf.reshape(outputs["visibility"], [-1, height, width, 1])
        frames = warped if self.refiner is None else self.refiner(warped, visibility, self._seen(moved_annotation))
        outputs["annotations"] = tf.reshape(moved_annotation, [-1, steps, height, width, classes])
        outputs["warped"] = tf.reshape(warped, [-1, steps, height, width, 3])
        outputs["frames"] = tf.reshape(frames, [-1, steps, height, width, 3])
        return outputs

    def recall(self, annotation, drawn):
        """The motion that a draw float32 [B,Z] means beside an annotation [B,H,W,K]: itself, unless ``recalls``."""
        if self.memory is not None:
            return self.memory(annotation, drawn)
        return drawn if self.aggregated is None else self.aggregated(drawn)

    @property
    def recalls(self) -> bool:
        """Whether a draw means another motion than itself."""
        return self.memory is not None or self.aggregated is not None

    def forget(self) -> None:
        """Makes draws what they are: what was learned of the training clips belongs to weights that will change."""
        for part in (self.memory, self.aggregated):
            if part is not None:
                part.forget()

    def _seen(self, annotation):
        """What the networks see of an annotation."""
        return annotation if self._annotated else tf.zeros_like(annotation)

    def call(self, inputs, training=False):
        """Reconstructs clips through the posterior.

        Args:
          inputs: {frames float32 [B,T+1,H,W,3], annotation float32 [B,H,W,K] of frame 0, noise float32 [B,Z]: standard
            normal, or zeros for the posterior mean}, and displacements and fits as ``matched_motion`` gives them, where
            they are known already.

        Returns:
          What ``decode`` returns, and kl: the KL of the posterior from the prior per latent dimension, nats [B,Z].
        """
        matched = (inputs["displacements"], inputs["fits"]) if "fits" in inputs else None
        distribution = self.encode(inputs["frames"], inputs["annotation"], matched)
        z = reparameterise(distribution, inputs["noise"])
        outputs = self.decode(inputs["frames"][:, 0], inputs["annotation"], z)
        return {**outputs, "kl": kl_per_dimension(distribution)}
