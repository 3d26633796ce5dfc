"""The served functions of a Seg2Vid model, and what a caller must know of it.

For people and servers, pictures as files:

    serving_default  label_map_png string [B], seed int64 [B]                     -> frames_bytes string [B,T+1], PNG
    animate          start_frame_jpeg string [B], label_map_png, seed             -> frames_bytes [B,T+1]
    continue         start_frame_jpeg, label_map_png, seed, chunk int64 [B], walk float32 [B]
                                              -> frames_bytes [B,T], motion_bytes string [B,T] (motion_file.py)

and label_map_bytes string [B]: the label map of the last frame. It and the last frame, given to ``continue`` with the
same seed and chunk = 1, 2, .., are the next chunk of a longer video, whose motion changes from chunk to chunk as far as
walk says, 0 (not at all) .. 1 (drawn anew). Chunk 0 is the first one, what ``animate`` makes: from its motion on,
traced_video.py shows every pixel as sharp as it was first seen. start_frame_jpeg may be a PNG, which loses nothing.

For programs, tensors:

    from_tensor      label_map uint8 [B,H,W], style [B,S], z [B,Z], seed int64    -> the tensors below
    animate_tensor   start_frame uint8 [B,H,W,3], label_map, z                    -> the tensors below
    encode_motion    frames uint8 [B,T+1,H,W,3], label_map                        -> z_mean, z_stddev float32 [B,Z]
    recall           label_map, z as a seed draws it                              -> z, the motion that is meant
    encode_style     reference uint8 [B,H,W,3]                                    -> style float32 [B,S], as above

    frames uint8 [B,T+1,H,W,3] (frame 0 is the start frame), flow, flow_backward float32 [B,T,H,W,2] in pixels,
    visibility, visibility_backward float32 [B,T,H,W,1], label_maps uint8 [B,T+1,H,W] (0 is the one given)

A model of both stages has them all; recall where it knows training clips' motions (memory, prior_rank), encode_style
where it has a style encoder.
One of stage 2 alone has animate (as serving_default too), continue, animate_tensor, encode_motion (and recall); one of
stage 1 alone serving_default, whose output is frame_bytes string [B], from_tensor (without z, its output frame uint8
[B,H,W,3]) and encode_style. serving_default and from_tensor of a stage 1 that was trained with instance boundaries take
instance_map int32 [B,H,W] too, 0 = no instance.

An export keeps the two that encode in a SavedModel of their own (export_folder.py): who makes videos waits for neither.

Bad input is refused in the graph, as InvalidArgument with a message that names the input: nothing here broadcasts,
casts or clips it into something else. The same functions run in memory, from a SavedModel and in a server.
"""

import functools
from collections.abc import Callable

import tensorflow as tf

from seg2vid_tf.annotations.picture_guard import decode_picture
from seg2vid_tf.annotations.png_guard import decode_label_map_png
from seg2vid_tf.config import NOISE_VERSION
from seg2vid_tf.models.seeds import walked
from seg2vid_tf.models.seg2vid import Seg2Vid
from seg2vid_tf.ops.image import to_float, to_uint8
from seg2vid_tf.serving.motion_file import LARGEST, UNITS_PER_PIXEL, ZERO

# The most chunks that one request may walk: each costs a draw of z.
MAX_CHUNK = 1024
# What an export's encoder answers.
ENCODER_SIGNATURES = ("encode_motion", "encode_style")


def signatures(
    model: Seg2Vid, shared: Callable[[Callable], Callable] = lambda function: function
) -> dict[str, tuple[Callable, list[tf.TensorSpec]]]:
    """{name: (function, its input signature)} for the model's own frame size.

    Args:
      model: of one stage or both.
      shared: what becomes of a part that several signatures have in common; tf.function writes it once.
    """
    specs, parts = _input_specs(model), _Parts(model, shared)
    functions, checked = {}, functools.partial(_checked, specs)
    if model.motion is not None:
        functions |= _motion_signatures(model, parts, checked)
    if model.start_frame_model is not None:
        build = _start_frame_signatures if model.motion is None else _video_signatures
        functions |= build(model, parts, checked)
    if model.style_encoder is not None:
        functions["encode_style"] = (lambda reference: _encode_style(model, reference, checked), ["reference"])
    # No condition in them is a tensor's, and AutoGraph's looking for one is half of the tracing.
    return {
        name: (tf.autograph.experimental.do_not_convert(function), [specs[i] for i in inputs])
        for name, (function, inputs) in functions.items()
    }


class _Parts:
    """What several signatures have in common, as functions of tensors of the model's own size."""

    def __init__(self, model, shared):
        self.maps = shared(lambda files: _decoded_maps(files, model))
        self.pictures = shared(lambda files: _decoded_pictures(files, model))
        self.draw = shared(model.draw)
        self.paint = shared(
            lambda *inputs: tf.ensure_shape(model.start_frame_model.paint(*inputs), [None, *model.size, 3])
        )
        self.animate = shared(
            lambda start_frame, label_map, z: _served(label_map, model.animate(start_frame, label_map, z))
        )
        transforms = model.motion is not None and model.motion.transforms_draws
        self.recall = shared(model.motion_of_draw) if transforms else model.motion_of_draw
        self.encode = shared(_encoded)


def describe(model: Seg2Vid) -> dict:
    """What a caller must know of a model: the JSON document beside its SavedModel."""
    motion = model.motion
    return {
        "spec": model.spec.to_json(),
        "size": list(model.size),
        "stages": [
            name for name, part in (("start_frame", model.start_frame_model), ("motion", motion)) if part is not None
        ],
        "num_frames": 0 if motion is None else motion.num_frames,
        "style_dim": 0 if model.generator is None else model.generator.style_dim,
        "latent_dim": 0 if motion is None else motion.latent_dim,
        "background_latent": 0 if motion is None else motion.latent_sizes[0],
        "temperature": model.temperature,
        "smoothness": model.smoothness,
        "noise_version": NOISE_VERSION,
        "instance_boundary": model.start_frame_model is not None and model.start_frame_model.uses_instances,
        "encoder": [
            name
            for name, part in zip(ENCODER_SIGNATURES, (motion, model.style_encoder), strict=True)
            if part is not None
        ],
    }


def _input_specs(model) -> dict[str, tf.TensorSpec]:
    """{name: what the input of that name is}, of all signatures."""
    size, motion = model.size, model.motion
    shapes = {
        **dict.fromkeys(("label_map_png", "start_frame_jpeg"), (tf.string, [])),
        **dict.fromkeys(("seed", "chunk"), (tf.int64, [])),
        "walk": (tf.float32, []),
        "label_map": (tf.uint8, size),
        "instance_map": (tf.int32, size),
        **dict.fromkeys(("start_frame", "reference"), (tf.uint8, [*size, 3])),
    }
    if motion is not None:
        shapes |= {"z": (tf.float32, [motion.latent_dim]), "frames": (tf.uint8, [motion.num_frames + 1, *size, 3])}
    if model.generator is not None:
        shapes["style"] = (tf.float32, [model.generator.style_dim])
    return {name: tf.TensorSpec([None, *shape], dtype, name) for name, (dtype, shape) in shapes.items()}


def _checked_chunk(chunk, walk):
    """chunk, once both are known to be right."""
    right = tf.reduce_all((chunk >= 0) & (chunk <= MAX_CHUNK))
    checks = [tf.debugging.Assert(right, [f"chunk must lie in 0..{MAX_CHUNK}, received:", chunk])]
    right = tf.reduce_all((walk >= 0.0) & (walk <= 1.0))
    checks.append(tf.debugging.Assert(right, ["walk must lie in 0..1, received:", walk]))
    with tf.control_dependencies([check for check in checks if check is not None]):
        return tf.identity(chunk)


def _motion_signatures(model, parts, checked):
    """Stage 2."""

    def animate(start_frame_jpeg, label_map_png, seed):
        files = {"start_frame_jpeg": start_frame_jpeg, "label_map_png": label_map_png}
        start_frame, label_map, seed = checked(**files, seed=seed)
        start_frame, label_map = parts.pictures(start_frame), parts.maps(label_map)
        z = parts.recall(label_map, parts.draw(seed)[1])
        return parts.encode(parts.animate(to_float(start_frame), label_map, z))

    def continue_(start_frame_jpeg, label_map_png, seed, chunk, walk):
        files = {"start_frame_jpeg": start_frame_jpeg, "label_map_png": label_map_png}
        start_frame, label_map, seed, chunk, walk = checked(**files, seed=seed, chunk=chunk, walk=walk)
        chunk = _checked_chunk(chunk, walk)
        start_frame, label_map = parts.pictures(start_frame), parts.maps(label_map)
        _, drawn = parts.draw(seed)
        z = parts.recall(label_map, walked(drawn, seed, chunk, walk, model.sampling_stddev))
        chunk = parts.animate(to_float(start_frame), label_map, z)
        answer = parts.encode(chunk)
        return {**answer, "frames_bytes": answer["frames_bytes"][:, 1:], "motion_bytes": _motion_files(chunk)}

    def animate_tensor(start_frame, label_map, z):
        start_frame, label_map, z = checked(start_frame=start_frame, label_map=label_map, z=z)
        return parts.animate(to_float(start_frame), label_map, z)

    def encode_motion(frames, label_map):
        frames, label_map = checked(frames=frames, label_map=label_map)
        posterior = model.encode_motion(to_float(frames), label_map)
        return {"z_mean": posterior.mean(), "z_stddev": posterior.stddev()}

    def recall(label_map, z):
        label_map, z = checked(label_map=label_map, z=z)
        return {"z": parts.recall(label_map, z)}

    files = ["start_frame_jpeg", "label_map_png"]
    recalls = {"recall": (recall, ["label_map", "z"])} if model.motion.transforms_draws else {}
    return {
        "serving_default": (animate, [*files, "seed"]),
        "animate": (animate, [*files, "seed"]),
        "continue": (continue_, [*files, "seed", "chunk", "walk"]),
        "animate_tensor": (animate_tensor, ["start_frame", "label_map", "z"]),
        "encode_motion": (encode_motion, ["frames", "label_map"]),
        **recalls,
    }


def _video_signatures(model, parts, checked):
    """Both stages together: Seg2Vid.generate, its two halves each written once."""

    def serving_default(label_map_png, seed, instance_map=None):
        label_map_png, seed, *instances = checked(label_map_png=label_map_png, seed=seed, **_given(instance_map))
        label_map = parts.maps(label_map_png)
        style, drawn = parts.draw(seed)
        z = parts.recall(label_map, drawn)
        return parts.encode(parts.animate(parts.paint(label_map, style, seed, *instances), label_map, z))

    def from_tensor(label_map, style, z, seed, instance_map=None):
        inputs = checked(label_map=label_map, style=style, z=z, seed=seed, **_given(instance_map))
        label_map, style, z, seed, *instances = inputs
        return parts.animate(parts.paint(label_map, style, seed, *instances), label_map, z)

    instances = ["instance_map"] * model.start_frame_model.uses_instances
    return {
        "serving_default": (serving_default, ["label_map_png", "seed", *instances]),
        "from_tensor": (from_tensor, ["label_map", "style", "z", "seed", *instances]),
    }


def _start_frame_signatures(model, parts, checked):
    """Stage 1."""

    def serving_default(label_map_png, seed, instance_map=None):
        label_map_png, seed, *instances = checked(label_map_png=label_map_png, seed=seed, **_given(instance_map))
        label_map = parts.maps(label_map_png)
        style = model.start_frame_model.draw_style(seed)
        return {"frame_bytes": _png_files(to_uint8(parts.paint(label_map, style, seed, *instances)))}

    def from_tensor(label_map, style, seed, instance_map=None):
        inputs = checked(label_map=label_map, style=style, seed=seed, **_given(instance_map))
        return {"frame": to_uint8(parts.paint(*inputs))}

    instances = ["instance_map"] * model.start_frame_model.uses_instances
    return {
        "serving_default": (serving_default, ["label_map_png", "seed", *instances]),
        "from_tensor": (from_tensor, ["label_map", "style", "seed", *instances]),
    }


def _encode_style(model, reference, checked):
    (reference,) = checked(reference=reference)
    return {"style": model.start_frame_model.encode_style(to_float(reference))}


def _given(instance_map):
    return {} if instance_map is None else {"instance_map": instance_map}


def _decoded_maps(files, model):
    spec = tf.TensorSpec(model.size, tf.uint8)
    return tf.map_fn(lambda png: decode_label_map_png(png, model.spec, model.size), files, fn_output_signature=spec)


def _decoded_pictures(files, model):
    spec = tf.TensorSpec([*model.size, 3], tf.uint8)
    return tf.map_fn(lambda f: decode_picture(f, model.size, "start_frame_jpeg"), files, fn_output_signature=spec)


def _served(label_map, outputs):
    frames = tf.concat([outputs["start_frame"][:, None], outputs["frames"]], axis=1)
    label_maps = tf.concat([label_map[:, None], outputs["label_maps"]], axis=1)
    names = ("flow", "flow_backward", "visibility", "visibility_backward")
    return {"frames": to_uint8(frames), "label_maps": label_maps, **{name: outputs[name] for name in names}}


def _encoded(served):
    frames = served["frames"]
    files = _png_files(tf.reshape(frames, [-1, *frames.shape[2:]]))
    return {
        "frames_bytes": tf.reshape(files, [-1, frames.shape[1]]),
        "label_map_bytes": _png_files(served["label_maps"][:, -1, :, :, None]),
    }


def _motion_files(served):
    """Flow and visibility of every frame as files (motion_file.py), string [B,T]."""
    stored = tf.concat([served["flow"] * UNITS_PER_PIXEL + ZERO, served["visibility"] * LARGEST], axis=-1)
    stored = tf.cast(tf.round(tf.clip_by_value(stored, 0.0, LARGEST)), tf.uint16)
    _, steps, height, width, parts = stored.shape
    below_each_other = tf.reshape(tf.transpose(stored, [0, 1, 4, 2, 3]), [-1, parts * height, width, 1])
    return tf.reshape(_png_files(below_each_other), [-1, steps])


def _png_files(pictures):
    """uint8 or uint16 [N,H,W,C] -> string [N]."""
    return tf.map_fn(tf.io.encode_png, pictures, fn_output_signature=tf.TensorSpec([], tf.string))


def _checked(specs, **inputs):
    """The inputs, in order, usable only where every one has its shape and the same batch size, at least 1, and holds
    finite numbers.

    A server compares types, not shapes, with a signature: a seed in a row of its own would broadcast in silence, and so
    would unequal batches; an empty one fails deep inside, in an optimised convolution.
    """
    inputs = {
        name: tf.ensure_shape(value, specs[name].shape, name=f"shape_of_{name}") for name, value in inputs.items()
    }
    (first, reference), *others = inputs.items()
    batch = tf.shape(reference)[0]
    checks = [tf.debugging.assert_positive(batch, f"{first}: the batch is empty, send at least one row")]
    for name, value in others:
        message = f"{name} and {first} must have the same batch size"
        checks.append(tf.debugging.assert_equal(tf.shape(value)[0], batch, message))
    for name, value in inputs.items():
        if value.dtype.is_floating:
            finite = tf.reduce_all(tf.math.is_finite(value))
            checks.append(tf.debugging.assert_equal(finite, True, f"{name} holds NaN or infinity"))
    # Without the dependency, what the bad input breaks further on may speak first. Eagerly a check raises or is None.
    with tf.control_dependencies([check for check in checks if check is not None]):
        return [tf.identity(value) for value in inputs.values()]
