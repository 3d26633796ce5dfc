"""Seg2VidPipeline: one label map in, videos out.

    pipe = Seg2VidPipeline.from_saved_model("saved_models/synthetic_street")
    out = pipe("label.png", seed=7, num_videos=4)
    out.frames.shape          # (4, T+1, H, W, 3) uint8, frame 0 is the start frame
    out.save_gif("city.gif", fps=8)

Shapes: N videos of T+1 frames, H x W = ``pipe.size``. Seeds: video i of a call is what ``seed + i`` alone would give.
"""

import functools
import math
import os
import pathlib
import threading
import warnings
from collections.abc import Callable, Sequence

import numpy as np

from seg2vid_tf.annotations.doubts import warn_of_absent, warn_of_doubts
from seg2vid_tf.annotations.label_map import read_label_map, validate_label_map
from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.config import NOISE_VERSION
from seg2vid_tf.export_folder import (
    CannotLoad,
    can_restyle,
    check_sums,
    encoder_folder,
    model_name,
    newest_version,
    preset_folder,
    read_description,
    restyle_refusal,
)
from seg2vid_tf.models.motion.latent_frequencies import sampling_stddev
from seg2vid_tf.models.seeds import draw, draw_style, walk
from seg2vid_tf.ops.numpy_noise import per_example_normal
from seg2vid_tf.output import Seg2VidOutput
from seg2vid_tf.traced_video import TracedVideo

# Videos made at once: bounds the memory of a large num_videos.
MAX_BATCH = 8
# Of a chunk's outputs, those that begin with the frame that is animated.
WITH_FRAME_0 = ("frames", "label_maps")


def interpolate_motion(first: np.ndarray, last: np.ndarray, count: int) -> np.ndarray:
    """Motions along the great circle from one to another, where each is as likely as the two are.

    Args:
      first, last: float [Z].
      count: at least 2, the ends included.

    Returns:
      float32 [count,Z].
    """
    if count < 2:
        raise ValueError(f"count must be at least 2, received {count}: the ends are among them")
    cosine = np.dot(first, last) / max(np.linalg.norm(first) * np.linalg.norm(last), 1e-12)
    angle = max(np.arccos(np.clip(cosine, -1.0, 1.0)), 1e-4)
    share = np.linspace(0.0, 1.0, count)[:, None]
    return ((np.sin((1 - share) * angle) * first + np.sin(share * angle) * last) / np.sin(angle)).astype(np.float32)


class Seg2VidPipeline:
    """A model behind its signatures, wherever it comes from.

    Use one of the ``from_`` constructors.

    Args:
      functions: {signature name: function of named arrays, which gives named arrays} (serving/signatures.py).
      description: what ``serving.signatures.describe`` says of the model.
      load_encoder: gives the functions of the encoder, which most callers never ask for; None: ``functions`` has them.
      load_networks: gives stage 1 itself, a StartFrameModel, which ``restyled_start_frame`` alone asks for; None: it
        cannot be had.
      name: what messages call the model.
    """

    def __init__(
        self,
        functions: dict[str, Callable],
        description: dict,
        load_encoder: Callable[[], dict[str, Callable]] | None = None,
        load_networks: Callable | None = None,
        name: str = "this model",
    ):
        self._functions, self._name = functions, name
        self._load_encoder = None if load_encoder is None else _once(load_encoder)
        self._networks = None if load_networks is None else _once(load_networks)
        self._style_dim = description["style_dim"]
        self.latent_dim = description["latent_dim"]
        self.background_latent = description["background_latent"]
        self.temperature, self._smoothness = description["temperature"], description["smoothness"]
        self.noise_version = description["noise_version"]
        self._normal = per_example_normal if self.noise_version == NOISE_VERSION else _normal_of_version_1
        self.spec = AnnotationSpec.from_json(description["spec"])
        self.size = tuple(description["size"])
        self.num_frames = description["num_frames"]
        self.uses_instances = description["instance_boundary"]
        self.has_style_encoder = "encode_style" in {*functions, *description["encoder"]}
        self.has_start_frame = "from_tensor" in functions

    @classmethod
    def from_saved_model(cls, path: str | os.PathLike) -> "Seg2VidPipeline":
        """Loads an export.

        Args:
          path: a version folder, or a model folder, whose newest version is taken.

        Raises:
          ValueError: there is no export of this package at ``path``, or it is damaged.
        """
        folder = newest_version(pathlib.Path(path))
        description = read_description(folder)
        if "motion" not in description["stages"]:
            raise ValueError(f"{folder} paints start frames alone, a video needs stage 2: export both stages")
        if description["noise_version"] != NOISE_VERSION:
            warnings.warn(
                f"{folder}: its seeds are of the old kind (noise_version {description['noise_version']}, now "
                f"{NOISE_VERSION}): they mean here what they mean on its server, and something else under XLA; export "
                "the model again",
                stacklevel=2,
            )
        encoder = encoder_folder(folder)
        load_encoder = functools.partial(_loaded, encoder) if description["encoder"] else None
        load_networks = functools.partial(_stage_1, folder) if can_restyle(description) else None
        return cls(_loaded(folder), description, load_encoder, load_networks, model_name(folder))

    @classmethod
    def from_run(cls, run_dir: str | os.PathLike, start_frame: bool = True) -> "Seg2VidPipeline":
        """Takes the newest checkpoints of both stages: <run_dir>/start_frame and <run_dir>/motion.

        Args:
          run_dir: the folder of both stages' runs.
          start_frame: whether stage 1 is wanted; without it every call needs a start frame.
        """
        import tensorflow as tf  # an ONNX export needs none

        from seg2vid_tf.models.restore import seg2vid_from_run  # builds networks: an export needs none of that
        from seg2vid_tf.serving.signatures import describe, signatures

        model = seg2vid_from_run(run_dir, ("start_frame", "motion") if start_frame else ("motion",))
        functions = {
            name: _of_arrays(tf.function(f, input_signature=inputs)) for name, (f, inputs) in signatures(model).items()
        }
        return cls(functions, describe(model), None, functools.partial(_stage_1, run_dir) if start_frame else None)

    @classmethod
    def from_onnx(cls, path: str | os.PathLike) -> "Seg2VidPipeline":
        """Loads what export.py --format=onnx wrote, by ONNX Runtime: no TensorFlow is imported.

        Args:
          path: a version folder, or the folder of versions, whose newest is taken.

        Raises:
          ValueError: there is no such export at ``path``, or it is damaged.
        """
        return cls._from_converted(path, "onnx")

    @classmethod
    def from_openvino(cls, path: str | os.PathLike) -> "Seg2VidPipeline":
        """Loads what export.py --format=openvino wrote, by OpenVINO; otherwise as ``from_onnx``."""
        return cls._from_converted(path, "openvino")

    @classmethod
    def _from_converted(cls, path, kind):
        from seg2vid_tf.serving.converted import ConvertedModel  # ONNX Runtime and OpenVINO are extras

        model = ConvertedModel(path, kind)
        return cls({name: functools.partial(model.call, name) for name in model.signatures}, model.description)

    @classmethod
    def from_preset(cls, name: str) -> "Seg2VidPipeline":
        """Loads a trained model that comes with the project: a folder of saved_models/.

        Raises:
          ValueError: no model of that name; it lists the known ones.
        """
        return cls.from_saved_model(preset_folder(name))

    def __call__(
        self,
        annotation: str | os.PathLike | np.ndarray,
        seed: int = 0,
        num_videos: int = 1,
        start_frame: np.ndarray | None = None,
        z: np.ndarray | None = None,
        reference: np.ndarray | None = None,
        instance_map: np.ndarray | None = None,
        num_frames: int | None = None,
        z_walk: float = 0.0,
        temperature: float | None = None,
        style_seed: int | None = None,
    ) -> Seg2VidOutput:
        """Makes videos from one annotation.

        Args:
          annotation: path of a label map PNG, or integers [H,W], of the pipeline's spec and size.
          seed: of the first video; video i has seed + i.
          num_videos: N.
          start_frame: uint8 [H,W,3]; skips stage 1, and must be given where the model has none.
          z: float32 [N,Z]; replaces the motion that the seeds would draw.
          reference: uint8 [H,W,3], a picture whose style every video takes instead of what the seeds would draw; the
            model must have a style encoder.
          instance_map: integers [H,W], 0 = no instance; where ``uses_instances``, and only there (a start frame needs
            none).
          num_frames: frames after the start frame; None: the model's T. A longer video is made in chunks of T, each
            from the last frame of the one before and the label map that its motion left; what stays in sight keeps
            the sharpness of the frame that showed it first (traced_video.py).
          z_walk: how far the motion changes from chunk to chunk, 0 (not at all) .. 1 (drawn anew).
          temperature: how much the motions that seeds draw differ: 0 not at all, 1 as much as the prior says for the
            frame as a whole, its details less; None: the model's own, which its server draws with too.
          style_seed: whose style every video takes, instead of its own seed's: another look of the same motion.

        Raises:
          ValueError: an input is not as documented; it names the input, what was received and the fix.
        """
        label_map = self._label_map(annotation)
        if num_videos < 1:
            raise ValueError(f"num_videos must be at least 1, received {num_videos}")
        num_frames = self._checked_length(num_frames, z_walk)
        seed = _checked_seed(seed, num_videos)
        stddev = self._drawn_stddev(temperature)
        if z is not None:
            z = self._checked_z(z, num_videos)
        if start_frame is not None:
            start_frame = _checked_image("start_frame", start_frame, (*self.size, 3))
        elif not self.has_start_frame:
            raise ValueError("start_frame: this model has no stage 1 to paint one, give it")
        painting = self._painting(start_frame, reference, style_seed, instance_map)
        parts = []
        for first in range(0, num_videos, MAX_BATCH):
            count = min(MAX_BATCH, num_videos - first)
            seeds = _seeds(seed + first, count)
            rows = {name: np.repeat(value[None], count, axis=0) for name, value in painting.items()}
            label_maps = np.repeat(label_map[None], count, axis=0)
            given = None if z is None else z[first : first + count]
            parts.append(self._made(label_maps, seeds, rows, given, num_frames, z_walk, stddev))
        videos = {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}
        return Seg2VidOutput(**videos, frames_per_chunk=self.num_frames)

    def batch(
        self,
        label_maps: np.ndarray,
        seeds: Sequence[int],
        instance_maps: np.ndarray | None = None,
        num_frames: int | None = None,
        z_walk: float = 0.0,
        temperature: float | None = None,
    ) -> Seg2VidOutput:
        """Makes one video of each of several annotations in one pass: video i is that of label_maps[i] and seeds[i].

        Args:
          label_maps: integers [N,H,W], of the pipeline's spec and size; N is what memory holds.
          seeds: N of them.
          instance_maps: integers [N,H,W]; where ``uses_instances``, and only there.
          num_frames, z_walk, temperature: as in ``__call__``.

        Raises:
          ValueError: an input is not as documented.
        """
        label_maps = np.asarray(label_maps)
        if label_maps.ndim != 3 or len(label_maps) != len(seeds) or not len(seeds):
            raise ValueError(
                f"label_maps must be [N,H,W] with a seed for each, received {label_maps.shape} and {len(seeds)} seeds"
            )
        label_maps = validate_label_map(label_maps, self.spec, self.size, name="label_maps")
        if not self.has_start_frame:
            raise ValueError("this model has no stage 1 to paint start frames: export both stages")
        num_frames = self._checked_length(num_frames, z_walk)
        seeds = np.array([_checked_seed(seed, 1) for seed in seeds], np.int64)
        painting = self._with_instances({}, instance_maps, (len(label_maps), *self.size))
        made = self._made(label_maps, seeds, painting, None, num_frames, z_walk, self._drawn_stddev(temperature))
        return Seg2VidOutput(**made, frames_per_chunk=self.num_frames)

    def _made(self, label_maps, seeds, rows, z, num_frames, z_walk, stddev):
        """The outputs of N rows; rows: what is painted from, or {"start_frame": ..}; z: None where the seeds draw."""
        style, motion = draw(seeds, self._style_dim, stddev, self._normal)
        motion, recalls = (motion, True) if z is None else (z, False)
        inputs = {"label_map": label_maps, "z": self._recalled(label_maps, motion) if recalls else motion, **rows}
        if "start_frame" in rows:
            chunk = self._run("animate_tensor", inputs)
        else:
            chunk = self._run("from_tensor", {"style": style, "seed": seeds, **inputs})
        return self._continued(chunk, motion, seeds, num_frames, z_walk, stddev, recalls)

    def _continued(self, chunk, z, seeds, num_frames, z_walk, stddev, recalls):
        """The outputs of a first chunk, and of as many more as num_frames asks for; z: a draw where it recalls."""
        outputs = {name: [value[:, :1]] if name in WITH_FRAME_0 else [] for name, value in chunk.items()}
        frames, label_maps = (chunk[name] for name in WITH_FRAME_0)
        video = TracedVideo(frames[:, 0], label_maps[:, 0])
        chunks = -(-num_frames // self.num_frames)
        for number in range(chunks):
            if number > 0:
                z = walk(z, seeds, number, z_walk, stddev, self._normal)
                motion = self._recalled(label_maps[:, -1], z) if recalls else z
                last = {"start_frame": frames[:, -1], "label_map": label_maps[:, -1], "z": motion}
                chunk = self._run("animate_tensor", last)
            frames, label_maps = chunk["frames"][:, 1:], chunk["label_maps"][:, 1:]
            if chunks > 1:  # a video of one chunk is what the model, and its server, make
                frames, label_maps = video.add(chunk["flow"], chunk["visibility"], frames, label_maps)
            for name, value in {**chunk, "frames": frames, "label_maps": label_maps}.items():
                outputs[name].append(value)
        lengths = {name: num_frames + (name in WITH_FRAME_0) for name in outputs}
        return {name: np.concatenate(values, axis=1)[:, : lengths[name]] for name, values in outputs.items()}

    def _recalled(self, label_maps, drawn):
        """The motions that draws [N,Z] stand for beside label maps [N,H,W]: others where the model has a memory."""
        if "recall" not in self._functions:
            return drawn
        return self._run("recall", {"label_map": label_maps, "z": drawn})["z"]

    def draw_motion(
        self,
        annotation: str | os.PathLike | np.ndarray,
        seed: int = 0,
        num_videos: int = 1,
        temperature: float | None = None,
    ) -> np.ndarray:
        """The motions that seeds stand for: float32 [N,Z], row i that of seed + i; arguments as in ``__call__``."""
        drawn = self._drawn(seed, num_videos, self._drawn_stddev(temperature))
        return self._recalled(np.repeat(self._label_map(annotation)[None], num_videos, axis=0), drawn)

    def restyled_start_frame(
        self,
        annotation: str | os.PathLike | np.ndarray,
        classes: Sequence[str],
        restyle_seed: int,
        seed: int = 0,
        reference: np.ndarray | None = None,
        style_seed: int | None = None,
        instance_map: np.ndarray | None = None,
    ) -> np.ndarray:
        """A start frame, some of whose classes look otherwise; ``__call__`` takes it as start_frame.

        An export must say how large its networks are, as older releases' do not: of the presets, cityscapes can.
        A class that the label map does not show changes nothing; a warning says so.

        Args:
          classes: names of those that take the style of ``restyle_seed``.
          restyle_seed: the seed of their style.
          annotation, seed, reference, style_seed, instance_map: as in ``__call__``, of all else.

        Returns:
          uint8 [H,W,3].

        Raises:
          ValueError: as ``__call__``, an unknown class, or a model without the networks of stage 1, as a converted one.
          CannotLoad: a ValueError, too: these networks are damaged.
        """
        if self._networks is None or not self.has_start_frame:
            raise ValueError(restyle_refusal(self._name))
        import tensorflow as tf

        from seg2vid_tf.models.start_frame.restyle import restyled
        from seg2vid_tf.ops.image import to_uint8

        label_map, seeds = self._label_map(annotation), _seeds(_checked_seed(seed, 1), 1)
        ids, other_seed = self.spec.class_ids(list(classes), "classes"), _checked_seed(restyle_seed, 1)
        warn_of_absent(label_map, self.spec, ids)
        rows = self._painting(None, reference, style_seed, instance_map)
        style = rows.get("style", draw_style(seeds, self._style_dim, self._normal)[0])
        styles = restyled(self._networks(), tf.constant(style[None]), label_map, ids, other_seed)
        instances = rows["instance_map"][None] if "instance_map" in rows else None
        return to_uint8(self._networks().paint(label_map[None], styles, seeds, instances)).numpy()[0]

    def encode_motion(
        self, frames: np.ndarray, annotation: str | os.PathLike | np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The motion of a real clip; given to ``__call__`` as z, other pictures move as the clip does.

        Args:
          frames: uint8 [T+1,H,W,3].
          annotation: label map of frame 0, as in ``__call__``.

        Returns:
          float32 [Z] each: mean and standard deviation of z's posterior.
        """
        frames = _checked_image("frames", frames, (self.num_frames + 1, *self.size, 3))
        inputs = {"frames": frames[None], "label_map": self._label_map(annotation)[None]}
        encoded = self._run("encode_motion", inputs)
        return encoded["z_mean"][0], encoded["z_stddev"][0]

    def reconstruct(
        self, frames: np.ndarray, annotation: str | os.PathLike | np.ndarray, mode: str = "mean", seed: int = 0
    ) -> Seg2VidOutput:
        """What stage 2 shows after frame 0 of a real clip, N = 1.

        Args:
          frames: uint8 [T+1,H,W,3].
          annotation: label map of frame 0, as in ``__call__``.
          mode: where z comes from: "mean" or "sample" of the clip's posterior, or "prior", which has not seen the clip.
          seed: of the draw, for "sample" and "prior".
        """
        if mode not in ("mean", "sample", "prior"):
            raise ValueError(f"mode must be mean, sample or prior, received {mode!r}")
        mean, stddev = self.encode_motion(frames, annotation)
        z = mean
        if mode == "sample":
            z = mean + self._drawn(seed, 1, stddev)[0]
        elif mode == "prior":
            z = self.draw_motion(annotation, seed)[0]
        return self(annotation, start_frame=frames[0], z=z[None])

    def _painting(self, start_frame, reference, style_seed, instance_map):
        """What is animated, or what stage 1 reads besides label map and seed.

        Returns:
          {start_frame uint8 [H,W,3]}, or {style [S], instance_map int32 [H,W]} as far as they are given.
        """
        given = {"reference": reference, "style_seed": style_seed, "instance_map": instance_map}
        if start_frame is not None:
            useless = [name for name, value in given.items() if value is not None]
            if useless:
                raise ValueError(f"{' and '.join(useless)} would not be used, leave out: start_frame skips stage 1")
            return {"start_frame": start_frame}
        rows = {}
        if style_seed is not None:
            if reference is not None:
                raise ValueError("reference and style_seed both say which style the start frame has: give one of them")
            rows["style"] = draw_style(_seeds(_checked_seed(style_seed, 1), 1), self._style_dim, self._normal)[0]
        if reference is not None:
            if not self.has_style_encoder:
                raise ValueError("reference: this model has no style encoder, leave it out")
            reference = _checked_image("reference", reference, (*self.size, 3))
            rows["style"] = self._run("encode_style", {"reference": reference[None]})["style"][0]
        return self._with_instances(rows, instance_map, self.size)

    def _with_instances(self, rows, instance_map, shape):
        """The rows with instance_map int32 of that shape, which is given where the model reads it, and only there."""
        if self.uses_instances != (instance_map is not None):
            needs = "needs one, integers [H,W]" if self.uses_instances else "was trained without, leave it out"
            raise ValueError(f"instance_map: this model {needs}")
        if instance_map is None:
            return rows
        instance_map = np.asarray(instance_map)
        if not np.issubdtype(instance_map.dtype, np.integer) or instance_map.shape != shape:
            raise ValueError(
                f"instance_map must be integers {shape}, received {instance_map.dtype} {instance_map.shape}"
            )
        return {**rows, "instance_map": instance_map.astype(np.int32)}

    def _checked_length(self, num_frames, z_walk):
        check_length(num_frames, z_walk)
        return self.num_frames if num_frames is None else num_frames

    def _label_map(self, annotation):
        if isinstance(annotation, str | os.PathLike):
            label_map, name = read_label_map(annotation, self.spec), str(annotation)
        else:
            label_map, name = np.asarray(annotation), "annotation"
        if label_map.ndim != 2:
            raise ValueError(f"{name}: a label map is [height, width], received shape {label_map.shape}")
        label_map = validate_label_map(label_map, self.spec, self.size, name=name)
        warn_of_doubts(label_map, self.spec, name)
        return label_map

    def _drawn_stddev(self, temperature):
        temperature = self.temperature if temperature is None else temperature
        check_temperature(temperature)
        sizes = self.background_latent, self.latent_dim - self.background_latent
        return sampling_stddev(sizes, self.num_frames, temperature, self._smoothness)

    def _drawn(self, seed, num_videos, stddev):
        seeds = _seeds(_checked_seed(seed, num_videos), num_videos)
        return draw(seeds, self._style_dim, stddev, self._normal)[1]

    def _checked_z(self, z, num_videos):
        z = np.asarray(z, np.float32)
        if z.shape != (num_videos, self.latent_dim):
            raise ValueError(
                f"z must be float32 {(num_videos, self.latent_dim)}, one row per video, received {z.shape}"
            )
        if not np.isfinite(z).all():
            raise ValueError(
                f"z: {np.count_nonzero(~np.isfinite(z))} of {z.size} values are NaN or infinite: "
                "draw it from a standard normal, or leave it out"
            )
        return z

    def _run(self, signature, inputs):
        if signature not in self._functions and self._load_encoder is not None:
            self._functions = {**self._functions, **self._load_encoder()}
        if signature not in self._functions:
            raise ValueError(
                f"{signature} is no signature of this model, which has {sorted(self._functions)}: one that was "
                "converted has no encoder, load the SavedModel that it was made of"
            )
        return self._functions[signature](**inputs)


def check_length(num_frames: int | None, z_walk: float) -> None:
    """Raises ValueError where one of these arguments of ``Seg2VidPipeline.__call__`` is out of range."""
    if num_frames is not None and num_frames < 1:
        raise ValueError(f"num_frames must be at least 1, received {num_frames}")
    if not 0 <= z_walk <= 1:
        raise ValueError(f"z_walk must lie in 0..1, received {z_walk}")


def check_temperature(temperature: float | None) -> None:
    """As check_length."""
    if temperature is not None and not 0 <= temperature < math.inf:
        raise ValueError(f"temperature must be finite and at least 0, received {temperature}")


def _seeds(first, count):
    """int64 [count]: first, first + 1, .."""
    return first + np.arange(count, dtype=np.int64)


def _normal_of_version_1(seeds, shape, stream):
    from seg2vid_tf.ops import noise  # an export that draws so is TensorFlow's

    return noise.per_example_normal(seeds, shape, stream, noise_version=1).numpy()


def _of_arrays(function):
    """A function of tensors as one of arrays."""
    import tensorflow as tf

    def call(**inputs):
        outputs = function(**{name: tf.convert_to_tensor(value) for name, value in inputs.items()})
        return {name: value.numpy() for name, value in outputs.items()}

    return call


def _once(load):
    """A function that loads when it is first called, and never again, even if two threads call it at a time."""
    lock, loaded = threading.Lock(), []

    def get():
        with lock:
            if not loaded:
                try:
                    loaded.append(load())
                except (OSError, ValueError) as error:
                    raise CannotLoad(str(error)) from error
            return loaded[0]

    return get


def _stage_1(path):
    from seg2vid_tf.models.restore import load_start_frame_model

    return load_start_frame_model(path)[0]


def _loaded(folder):
    """{signature: function} of a SavedModel."""
    import tensorflow as tf

    if not folder.exists():
        raise ValueError(f"{folder} is missing, the model's encoder: copy the model's folder as a whole")
    check_sums(folder)
    try:
        loaded = tf.saved_model.load(str(folder))
    except (OSError, tf.errors.OpError) as error:
        raise ValueError(f"{folder} cannot be loaded, export the model again: {str(error).splitlines()[0]}") from error
    # Signatures alone do not keep the variables alive.
    return {name: _of_arrays(functools.partial(_call, loaded, name)) for name in loaded.signatures}


def _call(loaded, signature, **inputs):
    return loaded.signatures[signature](**inputs)


def _checked_seed(seed, num_videos):
    if not isinstance(seed, int | np.integer):
        raise ValueError(f"seed must be an integer, received {seed!r}")
    if not -(2**63) <= int(seed) <= 2**63 - num_videos:
        raise ValueError(
            f"seed .. seed + num_videos - 1 must fit into int64, received seed {seed}, num_videos {num_videos}"
        )
    return int(seed)


def _checked_image(name, image, shape):
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.shape != shape:
        raise ValueError(f"{name} must be uint8 {shape}, received {image.dtype} {image.shape}")
    return image
