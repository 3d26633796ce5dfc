"""Proof of an export: it answers as the model in memory does, and holds nothing that a stock server could not run.

What a loader is: signatures, by name, and run(signature, inputs) -> outputs, by name, of arrays: SessionLoader,
CApiLoader, PythonLoader.
"""

import os
import pathlib

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.models.motion.latent_frequencies import sampling_stddev
from seg2vid_tf.models.seg2vid import Seg2Vid
from seg2vid_tf.serving.motion_file import UNITS_PER_PIXEL, decode_motion
from seg2vid_tf.serving.signatures import describe, signatures

# A pixel may round the other way where another graph sums in another order; flow may move by as much as that is worth.
PIXEL_TOLERANCE = 1
FLOAT_TOLERANCE = 1e-2
# Share of a picture's, a flow's or a visibility's numbers that may be others: a label map is decided pixel by pixel,
# at a layer's border the last bit decides with which layer a pixel moves, and where two flows all but contradict each
# other whether it counts as seen, and so whether it is painted.
CHANGED_PIXELS = 1e-3
# Most by which one of these may be another: a border moves with what lies beside it, pictures change altogether.
BORDER_TOLERANCE = 0.5


class PythonLoader:
    """An export as tf.saved_model.load rebuilds it."""

    def __init__(self, path: str | os.PathLike):
        self.signatures = dict(tf.saved_model.load(str(path)).signatures)

    def run(self, signature: str, inputs: dict) -> dict[str, np.ndarray]:
        """As of SessionLoader."""
        outputs = self.signatures[signature](**{name: tf.constant(value) for name, value in inputs.items()})
        return {name: value.numpy() for name, value in outputs.items()}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass  # nothing is held open


def check_servable(path: str | os.PathLike) -> None:
    """Looks through an export for what a server lacks.

    Raises:
      ValueError: an operation that TensorFlow itself does not have, one that only XLA compiles, a function that asks to
        be compiled, or a signature's input without a free batch; it names them.
    """
    model = saved_model_pb2.SavedModel.FromString((pathlib.Path(path) / "saved_model.pb").read_bytes())
    (graph,) = model.meta_graphs
    functions = graph.graph_def.library.function
    known = {function.signature.name for function in functions}
    nodes = [*graph.graph_def.node, *(node for function in functions for node in function.node_def)]
    used = {node.op for node in nodes} - known
    custom = sorted(op for op in used if not hasattr(tf.raw_ops, op))
    xla = sorted(op for op in used if op.startswith("Xla"))
    compiled = sorted(f.signature.name for f in functions if f.attr["_XlaMustCompile"].b)
    fixed = sorted(
        f"{name}: {key}"
        for name, signature in graph.signature_def.items()
        for key, tensor in signature.inputs.items()
        if tensor.tensor_shape.unknown_rank or not tensor.tensor_shape.dim or tensor.tensor_shape.dim[0].size != -1
    )
    for what, found in (
        ("operations that are not TensorFlow's own", custom),
        ("operations that only XLA compiles", xla),
        ("functions that ask XLA to compile them", compiled),
        ("inputs without a free batch", fixed),
    ):
        if found:
            raise ValueError(f"{path}: {what}, which a server cannot take: {', '.join(found)}")


def answers(model: Seg2Vid) -> dict[str, tuple[dict, dict]]:
    """{signature: (example inputs, what the model in memory answers)}, arrays by name."""
    found = {}
    functions = signatures(model)
    for signature, inputs in example_inputs(model).items():
        function, _ = functions[signature]
        outputs = function(**{name: tf.constant(value) for name, value in inputs.items()})
        found[signature] = inputs, {name: value.numpy() for name, value in outputs.items()}
    return found


def verify(expected: dict[str, tuple[dict, dict]], loader, name: str) -> None:
    """Runs every signature of an export, on a batch of two and on each row of it alone.

    Args:
      expected: ``answers`` of the model that was exported.
      loader: the export, in one of the loaders.
      name: of the export, for messages.

    Raises:
      ValueError: other signatures, or an output differs from the model's in memory; it names the signature, the output
        and the difference.
    """
    if set(loader.signatures) != set(expected):
        raise ValueError(f"{name} has signatures {sorted(loader.signatures)}, expected {sorted(expected)}")
    for signature, (inputs, outputs) in expected.items():
        # A row alone last: a server answers it whatever was asked along with it.
        for rows in (slice(0, 2), slice(0, 1), slice(1, 2)):
            served = loader.run(signature, {key: value[rows] for key, value in inputs.items()})
            if set(served) != set(outputs):
                raise ValueError(f"{name}: {signature} gives {sorted(served)}, expected {sorted(outputs)}")
            for output, value in outputs.items():
                _compare(f"{name}: {signature}: {output}", value[rows], served[output])


def example_inputs(model: Seg2Vid) -> dict[str, dict[str, np.ndarray]]:
    """One fixed batch of two per signature (``example_values``)."""
    values = example_values(describe(model))
    return {name: {s.name: values[s.name] for s in specs} for name, (_, specs) in signatures(model).items()}


def example_values(description: dict) -> dict[str, np.ndarray]:
    """Two fixed rows for every input, by its name, with every class of the spec and its ignore id in them.

    Args:
      description: what ``signatures.describe`` says of the model.
    """
    rng = np.random.default_rng(0)
    (height, width), steps = description["size"], description["num_frames"]
    spec = AnnotationSpec.from_json(description["spec"])
    ids = np.array([*range(spec.num_classes), spec.ignore_id], np.uint8)
    blocks = 2, height // 4, width // 4
    blocks = np.resize(rng.permutation(ids), np.prod(blocks)).reshape(blocks)
    label_map = np.ascontiguousarray(np.kron(blocks, np.ones((4, 4), np.uint8)))
    # Pictures that move by a pixel a frame: in noise nothing can be matched, and what is found hangs on the last bit.
    coarse = rng.uniform(0.0, 255.0, (2, height // 8 + 2, width // 8 + 2, 3))
    scene = np.round(tf.image.resize(coarse, (height + steps, width + steps))).astype(np.uint8)
    frames = np.stack([scene[:, steps - t :][:, :height, t : t + width] for t in range(steps + 1)], axis=1)
    # Motions as seeds draw them: those no model was made for tear pictures, where the last bit decides again.
    latent_dim, background = description["latent_dim"], description["background_latent"]
    style = rng.standard_normal((2, description["style_dim"])).astype(np.float32)
    sizes = background, latent_dim - background
    stddev = sampling_stddev(sizes, steps, description["temperature"], description["smoothness"])
    return {
        "label_map": label_map,
        "label_map_png": np.array([tf.io.encode_png(m[..., None]).numpy() for m in label_map], object),
        "instance_map": (label_map // 4).astype(np.int32),
        "frames": frames,
        "start_frame": frames[:, 0],
        "reference": frames[:, 0],
        "start_frame_jpeg": np.array([e(frames[0, 0]).numpy() for e in (tf.io.encode_jpeg, tf.io.encode_png)], object),
        "seed": np.array([3, 4], np.int64),
        "chunk": np.array([0, 3], np.int64),
        "walk": np.array([0.0, 0.5], np.float32),
        "style": style,
        "z": stddev * rng.standard_normal((2, latent_dim)).astype(np.float32),
    }


def _compare(what, expected, served, step=0.0):
    """step: between two numbers that a file can hold; one that lies between two may be stored as either."""
    if what.endswith("motion_bytes") and expected.shape == served.shape:
        parts = zip(("flow", "visibility"), _motions(expected), _motions(served), strict=True)
        for part, *pair in parts:
            _compare(f"{what} {part}", *pair, step=1 / UNITS_PER_PIXEL)
        return
    if expected.shape == served.shape and expected.dtype == served.dtype == object:
        expected, served = (np.stack([tf.io.decode_image(p).numpy() for p in a.ravel()]) for a in (expected, served))
    if expected.shape != served.shape or expected.dtype != served.dtype:
        raise ValueError(f"{what}: {served.dtype} {served.shape}, in memory {expected.dtype} {expected.shape}")
    output, off = what.rsplit(" ", 1)[1], np.abs(served.astype(np.float64) - expected.astype(np.float64))
    tolerance = PIXEL_TOLERANCE if expected.dtype == np.uint8 else FLOAT_TOLERANCE + step
    most = np.max(off, initial=0.0)
    if "flow" in output and not most <= BORDER_TOLERANCE:
        raise ValueError(f"{what}: differs by {most:.3g} from the model in memory, allowed {BORDER_TOLERANCE}")
    if expected.dtype == np.uint8 or "visibility" in output or "flow" in output:
        beyond = 0.0 if "label_map" in output else tolerance  # ids lie nowhere between each other
        share = float(np.mean(~(off <= beyond)))
        if not share <= CHANGED_PIXELS:
            raise ValueError(
                f"{what}: differs by more than {beyond:g} from the model in memory in {share:.2g} of its values, "
                f"allowed {CHANGED_PIXELS:g} of them"
            )
    elif not most <= tolerance:
        raise ValueError(f"{what}: differs by {most:.3g} from the model in memory, allowed {tolerance}")


def _motions(files):
    """Flow and visibility of motion files, each of all of them."""
    return [np.stack(part) for part in zip(*(decode_motion(file) for file in files.ravel()), strict=True)]
