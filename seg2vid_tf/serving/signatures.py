"""The served functions of a Seg2Vid model, and what a caller must know of it.

    serving_default  label_map_png string [B], seed int64 [B]                  -> frames_bytes string [B,T+1], PNG
    from_tensor      label_map uint8 [B,H,W], style [B,S], z [B,Z], seed int64 -> the tensors below
    animate          start_frame uint8 [B,H,W,3], label_map uint8 [B,H,W], z   -> the tensors below
    encode_motion    frames uint8 [B,T+1,H,W,3], label_map uint8 [B,H,W]       -> z_mean, z_stddev float32 [B,Z]
    encode_style     reference uint8 [B,H,W,3]                                 -> style float32 [B,S], for from_tensor

serving_default and from_tensor are there where the model has a stage 1, and take instance_map int32 [B,H,W] too
(0 = no instance) where it was trained with instance boundaries; encode_style where it has a style encoder.

    frames uint8 [B,T+1,H,W,3] (frame 0 is the start frame), flow, flow_backward float32 [B,T,H,W,2] in pixels,
    visibility, visibility_backward float32 [B,T,H,W,1], label_maps uint8 [B,T+1,H,W] (0 is the one given)

The last frame and the last label map, animated again, are the next chunk of a longer video.

Bad input is refused in the graph, as InvalidArgument with a message that names the input: nothing here broadcasts,
casts or clips it into something else. The same functions run in memory, from a SavedModel and in a server.
"""

from collections.abc import Callable

import tensorflow as tf

from seg2vid_tf.annotations.png_guard import decode_label_map_png
from seg2vid_tf.models.seg2vid import Seg2Vid
from seg2vid_tf.ops.image import to_float, to_uint8


def signatures(model: Seg2Vid) -> dict[str, tuple[Callable, list[tf.TensorSpec]]]:
    """{name: (function, its input signature)} for the model's own frame size."""
    height, width = model.size
    label_map = tf.TensorSpec([None, height, width], tf.uint8, "label_map")
    z = tf.TensorSpec([None, model.motion.latent_dim], tf.float32, "z")
    seeds = tf.TensorSpec([None], tf.int64, "seed")

    def serving_default(label_map_png, seed, instance_map=None):
        label_map_png, seed, *instances = _checked(label_map_png=label_map_png, seed=seed, **_given(instance_map))
        decoded = tf.map_fn(
            lambda png: decode_label_map_png(png, model.spec, model.size),
            label_map_png,
            fn_output_signature=tf.TensorSpec([height, width], tf.uint8),
        )
        frames = _served(decoded, model.generate(decoded, *model.draw(seed), seed, *instances))["frames"]
        flat = tf.reshape(frames, [-1, height, width, 3])
        encoded = tf.map_fn(tf.io.encode_png, flat, fn_output_signature=tf.TensorSpec([], tf.string))
        return {"frames_bytes": tf.reshape(encoded, [-1, model.motion.num_frames + 1])}

    def from_tensor(label_map, style, z, seed, instance_map=None):
        inputs = _checked(label_map=label_map, style=style, z=z, seed=seed, **_given(instance_map))
        return _served(inputs[0], model.generate(*inputs))

    def animate(start_frame, label_map, z):
        start_frame, label_map, z = _checked(start_frame=start_frame, label_map=label_map, z=z)
        return _served(label_map, model.animate(to_float(start_frame), label_map, z))

    def encode_motion(frames, label_map):
        frames, label_map = _checked(frames=frames, label_map=label_map)
        posterior = model.encode_motion(to_float(frames), label_map)
        return {"z_mean": posterior.mean(), "z_stddev": posterior.stddev()}

    def encode_style(reference):
        (reference,) = _checked(reference=reference)
        return {"style": model.painter.encode_style(to_float(reference))}

    functions = {
        "animate": (
            animate,
            [tf.TensorSpec([None, height, width, 3], tf.uint8, "start_frame"), label_map, z],
        ),
        "encode_motion": (
            encode_motion,
            [tf.TensorSpec([None, model.motion.num_frames + 1, height, width, 3], tf.uint8, "frames"), label_map],
        ),
    }
    if model.painter is not None:
        instances = [tf.TensorSpec([None, height, width], tf.int32, "instance_map")] * model.painter.uses_instances
        png = tf.TensorSpec([None], tf.string, "label_map_png")
        style = tf.TensorSpec([None, model.generator.style_dim], tf.float32, "style")
        functions["serving_default"] = (serving_default, [png, seeds, *instances])
        functions["from_tensor"] = (from_tensor, [label_map, style, z, seeds, *instances])
    if model.style_encoder is not None:
        functions["encode_style"] = (encode_style, [tf.TensorSpec([None, height, width, 3], tf.uint8, "reference")])
    # No condition in them is a tensor's, and AutoGraph's looking for one is half of the tracing.
    return {name: (tf.autograph.experimental.do_not_convert(f), inputs) for name, (f, inputs) in functions.items()}


def describe(model: Seg2Vid) -> dict:
    """What a caller must know of a model: the JSON document beside its SavedModel."""
    return {
        "spec": model.spec.to_json(),
        "size": list(model.size),
        "num_frames": model.motion.num_frames,
        "style_dim": 0 if model.generator is None else model.generator.style_dim,
        "latent_dim": model.motion.latent_dim,
        "background_latent": model.motion.latent_sizes[0],
        "temperature": model.temperature,
        "smoothness": model.smoothness,
        "instance_boundary": model.painter is not None and model.painter.uses_instances,
    }


def _given(instance_map):
    return {} if instance_map is None else {"instance_map": instance_map}


def _served(label_map, outputs):
    frames = tf.concat([outputs["start_frame"][:, None], outputs["frames"]], axis=1)
    label_maps = tf.concat([label_map[:, None], outputs["label_maps"]], axis=1)
    names = ("flow", "flow_backward", "visibility", "visibility_backward")
    return {"frames": to_uint8(frames), "label_maps": label_maps, **{name: outputs[name] for name in names}}


def _checked(**inputs):
    """The inputs, in order, usable only where every one has the same batch size, at least 1, and holds finite numbers.

    Unequal batches would broadcast in silence; an empty one fails deep inside, in an optimised convolution.
    """
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
