"""Generation by tensors as ONNX or OpenVINO graphs of one row each, proved against TensorFlow (converted.py runs them).

A signature's graph is taken as TensorFlow runs it, of a run or of an export of whatever version, and what tf2onnx has
nothing for is put in its place by its equal:

    noise of a seed                a further input: the random words come from outside
    the pictures of tf.shape       constants: batch 1, and the model's own size
    antialiased, area resizing     two products with fixed matrices
    dense_image_warp               GridSample
    checks of the input            nothing: the pipeline has checked it

tf2onnx says "successfully converted" of graphs that nothing runs, or that answer otherwise
(findings/tf2onnx_successfully_converted.sh): so each is held against ONNX's own operations, then run and compared
before its folder appears.
"""

import logging
import os
import pathlib
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from seg2vid_tf.config import NOISE_VERSION
from seg2vid_tf.export_folder import newest_version, read_description, write_sums
from seg2vid_tf.files import replacing_folder
from seg2vid_tf.models.seg2vid import Seg2Vid
from seg2vid_tf.serving.converted import ALSO_INPUT, KINDS, SIGNATURES, ConvertedModel
from seg2vid_tf.serving.export import write_description
from seg2vid_tf.serving.signatures import describe, signatures
from seg2vid_tf.serving.verify import example_values, verify

# The newest that tf2onnx 1.17 writes; ONNX Runtime has it since 1.14.
OPSET = 18
_WARP = "dense_image_warp"


def convert_export(path: pathlib.Path, target: pathlib.Path, kind: str, say: Callable[[str], None] = lambda _: None):
    """Converts an export.

    Args:
      path: its version or model folder.
      target: the folder to be written, which must not exist.
      kind: one of ``converted.KINDS``.
      say: told what is done now, as each step takes up to a minute.

    Raises:
      ValueError: there is no such export, it makes no videos, or ``target`` exists; or a converted graph cannot be run
        or answers otherwise than the export does: it names the signature and the difference.
    """
    folder = newest_version(path)
    loaded = tf.saved_model.load(str(folder))
    functions = {
        name: (function, list(function.structured_input_signature[1]))
        for name, function in loaded.signatures.items()
        if name in SIGNATURES
    }
    card = (folder / "assets.extra" / "MODEL_CARD.md").read_text(encoding="utf-8")
    _convert(functions, read_description(folder), card, target, kind, say)


def convert_model(
    model: Seg2Vid, card: str, target: pathlib.Path, kind: str, say: Callable[[str], None] = lambda _: None
):
    """Converts a model in memory; otherwise as ``convert_export``."""
    functions = {
        name: (tf.function(function, autograph=False), [spec.name for spec in inputs])
        for name, (function, inputs) in signatures(model).items()
        if name in SIGNATURES
    }
    _convert(functions, describe(model), card, target, kind, say)


def _convert(functions, description, card, target, kind, say):
    """functions: {signature: (function, the names of its inputs)}."""
    if "motion" not in description["stages"]:
        raise ValueError(f"{target}: the model paints start frames alone, and what is converted makes videos")
    if description["noise_version"] != NOISE_VERSION:
        raise ValueError(f"{target}: the model's seeds are of the old kind: export its run again, then convert that")
    # It has no encoder: TensorFlow stays where motions and styles are read from pictures.
    description = {**description, "encoder": [], "converted": sorted(functions)}
    values = example_values(description)
    expected = {}
    with replacing_folder(target) as temporary:
        for name, (function, names) in functions.items():
            inputs = {key: values[key] for key in names}
            outputs = function(**{key: tf.constant(value) for key, value in inputs.items()})
            expected[name] = inputs, {key: value.numpy() for key, value in outputs.items()}
            say(f"converting {name}")
            _write(to_onnx(function, inputs, name), temporary / name, kind)
        write_description(temporary, description, card)
        write_sums(temporary)
        say(f"asking the {kind} graphs what TensorFlow has answered")
        verify(expected, ConvertedModel(temporary, kind), f"{target.parents[1].name} as {kind}")


def _write(graph, path, kind):
    file = path.with_suffix(KINDS["onnx"])
    file.write_bytes(graph.SerializeToString(deterministic=True))
    if kind == "openvino":
        import openvino

        # Half the digits are half a file, and flow that is off by some hundredths of a pixel.
        openvino.save_model(openvino.convert_model(str(file)), str(path.with_suffix(KINDS[kind])), False)
        file.unlink()


def to_onnx(function, inputs: dict[str, np.ndarray], name: str):
    """A signature's ONNX model of one row; ``noise`` takes the place of ``seed``.

    Args:
      function: of named tensors, that gives named tensors.
      inputs: arrays [B,...] by name: an example.
      name: of the signature, for messages.

    Raises:
      ValueError: it holds what neither ONNX nor this module has an equal of, or tf2onnx fails on it.
    """
    try:
        import onnx
        import tf2onnx
    except ImportError as error:
        raise ValueError(f"{error}: pip install 'seg2vid_tf[onnx]' makes what is converted") from error

    # Else tf2onnx copies the whole graph before each of its passes, which takes as long as they do, and hides the ones
    # that fail (findings/tf2onnx_catches_errors.sh).
    os.environ["TF2ONNX_CATCH_ERRORS"] = "FALSE"
    logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)  # what it says of its doings is not what was done
    graph, noise, outputs = _of_one_row(function, {key: value[:1] for key, value in inputs.items()})
    given = [f"{key}:0" for key in inputs if key != "seed" or not noise] + noise
    try:
        model, _ = tf2onnx.convert.from_graph_def(
            graph,
            name=name,
            input_names=given,
            output_names=list(outputs),
            opset=OPSET,
            custom_op_handlers={
                "ResizeArea": (_resized, ["ResizeArea"]),
                "ScaleAndTranslate": (_resized, ["ScaleAndTranslate"]),
                "PyFunc": (_warped, ["PyFunc"]),
            },
            tensors_to_rename={**{tensor: tensor.removesuffix(":0") for tensor in given}, **outputs},
        )
    except Exception as error:  # its passes raise what they come upon
        raise ValueError(f"{name}: tf2onnx does not convert it: {type(error).__name__}: {error}") from error
    unknown = {node.op_type for node in model.graph.node if not onnx.defs.has(node.op_type, node.domain)}
    if unknown:
        raise ValueError(f"{name}: ONNX has no {', '.join(sorted(unknown))}, and no equal of it is known here")
    return model


def _of_one_row(function, inputs):
    """(graph with its weights, of known shapes; [the noise's placeholder]; {an output's tensor: its name})."""
    specs = {key: tf.TensorSpec(value.shape, tf.as_dtype(value.dtype), key) for key, value in inputs.items()}
    named = tf.function(lambda **tensors: function(**tensors), autograph=False).get_concrete_function(**specs)
    frozen = convert_variables_to_constants_v2(named, lower_control_flow=False)
    keys = [key + ALSO_INPUT * (key in inputs) for key in sorted(named.structured_outputs)]
    outputs = {tensor.name: key for key, tensor in zip(keys, frozen.outputs, strict=True)}
    graph = frozen.graph.as_graph_def()
    for node in graph.node:  # the checks are done when nothing waits for them
        kept = [name for name in node.input if not name.startswith("^")]
        del node.input[:]
        node.input.extend(kept)
    drawn = _drawn(graph)
    with tf.Graph().as_default() as known:
        replaced = {}
        if drawn is not None:
            with tf.compat.v1.Session(graph=tf.Graph()) as session:
                with session.graph.as_default():
                    tf.import_graph_def(graph, name="")
                noise = session.run(drawn, {f"{key}:0": value for key, value in inputs.items()})
            replaced = {drawn: tf.compat.v1.placeholder(tf.float32, noise.shape, "noise")}
        tf.import_graph_def(graph, input_map=replaced, name="")
        roots = [name.split(":")[0] for name in outputs]
        graph = tf.compat.v1.graph_util.extract_sub_graph(known.as_graph_def(), roots)
        _without_shapes(graph, known)
        _with_warps(graph, known)
    return graph, [] if drawn is None else ["noise:0"], outputs


def _drawn(graph):
    """The tensor that a loop over the seeds has filled with random numbers; None where there is none."""
    random = {f.signature.name for f in graph.library.function if any("Random" in node.op for node in f.node_def)}
    loops = {node.name for node in graph.node if "While" in node.op and node.attr["body"].func.name in random}
    found = [n.name for n in graph.node if n.op == "TensorListStack" and n.input[0].split(":")[0] in loops]
    if len(found) > 1:
        raise ValueError(f"the graph draws in {len(found)} places, one is known of: {found}")
    return f"{found[0]}:0" if found else None


def _without_shapes(graph, known):
    """Makes constants of all shapes that are asked for; ``known``: the graph that TensorFlow found them in."""
    for node in graph.node:
        if node.op != "Shape":
            continue
        shape = known.get_operation_by_name(node.name).inputs[0].shape.as_list()
        dtype = tf.as_dtype(node.attr["out_type"].type)
        node.op = "Const"
        del node.input[:]
        node.attr.clear()
        node.attr["dtype"].type = dtype.as_datatype_enum
        node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(shape, dtype))


def _with_warps(graph, known):
    """Makes one operation of each warp, which its gradient has wrapped: (what is sampled, picture, flow).

    No operation of TensorFlow is one; PyFunc, which it never looks into, stands for it until ``_warped``.
    """
    for node in list(graph.node):
        if node.op != "IdentityN" or len(node.input) != 3:
            continue
        sampled, image, flow = (tensor.shape for tensor in known.get_operation_by_name(node.name).inputs)
        if image.rank != 4 or sampled != image or flow != [*image[:3], 2]:
            continue
        warp = graph.node.add(op="PyFunc", name=f"{node.name}/{_WARP}", input=node.input[1:])
        warp.attr["token"].s = _WARP.encode()
        warp.attr["Tin"].list.type.extend([tf.float32.as_datatype_enum] * 2)
        warp.attr["Tout"].list.type.append(tf.float32.as_datatype_enum)
        node.op = "EnsureShape"
        del node.input[:]
        node.input.append(warp.name)
        node.attr.clear()
        node.attr["T"].type = tf.float32.as_datatype_enum
        node.attr["shape"].shape.CopyFrom(image.as_proto())


def _resized(ctx, node, name, args):
    """tf2onnx's handler of what resizes as a product over the columns and one over the rows does.

    Columns first, as then the picture itself needs no Reshape: beside a convolution and a Tile of the same picture,
    OpenVINO answers otherwise where one is (findings/openvino_three_readers.sh).
    """
    size = node.inputs[1].get_tensor_value()
    batch, height, width, channels = ctx.get_shape(node.input[0])
    weights = _area_weights if node.type == "ResizeArea" else _antialiased_weights
    rows, columns = weights(height, size[0]), weights(width, size[1])
    picture, outputs, dtypes = node.input[0], node.output, node.output_dtypes
    ctx.remove_node(node.name)
    x = ctx.make_node("MatMul", [_constant(ctx, columns), picture]).output[0]
    x = _reshaped(ctx, x, [batch, height, size[1] * channels])
    x = ctx.make_node("MatMul", [_constant(ctx, rows), x]).output[0]
    shape = [batch, *size, channels]
    to = _constant(ctx, np.array(shape, np.int64))
    ctx.make_node("Reshape", [x, to], name=node.name, outputs=outputs, shapes=[shape], dtypes=dtypes)


def _warped(ctx, node, name, args):
    """tf2onnx's handler of a warp: image [B,H,W,C] at p - flow(p), [B,H,W,2] in pixels, (dy, dx)."""
    image, flow = node.input
    batch, height, width, channels = ctx.get_shape(image)
    outputs, dtypes = node.output, node.output_dtypes
    ctx.remove_node(node.name)
    # GridSample counts from -1 to 1, x before y.
    y, x = np.meshgrid(np.linspace(-1.0, 1.0, height), np.linspace(-1.0, 1.0, width), indexing="ij")
    steps = np.float32([[0.0, 2.0 / (height - 1)], [2.0 / (width - 1), 0.0]])
    moved = ctx.make_node("MatMul", [flow, _constant(ctx, steps)]).output[0]
    places = ctx.make_node("Sub", [_constant(ctx, np.float32(np.stack([x, y], axis=-1))[None]), moved]).output[0]
    channels_first = [batch, channels, height, width]
    planes = ctx.make_node("Transpose", [image], attr={"perm": [0, 3, 1, 2]}, shapes=[channels_first], dtypes=dtypes)
    attr = {"mode": "bilinear", "padding_mode": "border", "align_corners": 1}
    sampled = ctx.make_node("GridSample", [planes.output[0], places], attr=attr, shapes=[channels_first], dtypes=dtypes)
    shape = [batch, height, width, channels]
    perm = {"perm": [0, 2, 3, 1]}
    ctx.make_node(
        "Transpose", sampled.output, attr=perm, name=node.name, outputs=outputs, shapes=[shape], dtypes=dtypes
    )


def _reshaped(ctx, tensor, shape):
    return ctx.make_node("Reshape", [tensor, _constant(ctx, np.array(shape, np.int64))]).output[0]


def _constant(ctx, value):
    from tf2onnx.utils import make_name

    return ctx.make_const(make_name("constant"), value).output[0]


def _area_weights(old, new):
    """float32 [new,old]: the share of each old cell in each new one, as ResizeArea weighs them."""
    cells, scale = np.arange(old), old / new
    left = np.arange(new)[:, None] * scale
    return np.float32(np.clip(np.minimum(cells + 1, left + scale) - np.maximum(cells, left), 0.0, None) / scale)


def _antialiased_weights(old, new):
    """float32 [new,old]: tf.image.resize(bilinear, antialias=True): a triangle as wide as the coarser of both grids."""
    scale = old / new
    centres = (np.arange(new)[:, None] + 0.5) * scale
    weights = np.maximum(0.0, 1.0 - np.abs(centres - np.arange(old) - 0.5) / max(scale, 1.0))
    return np.float32(weights / weights.sum(axis=1, keepdims=True))
