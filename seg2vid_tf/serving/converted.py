"""Generation where TensorFlow is too much: what convert.py wrote, run by ONNX Runtime or OpenVINO beside NumPy.

    <root>/<name>/onnx/<version>/       from_tensor.onnx, animate_tensor.onnx, recall.onnx where draws recall, and
                                        assets.extra/ with seg2vid.json, MODEL_CARD.md, SHA256SUMS
    <root>/<name>/openvino/<version>/   the same as .xml and .bin

The signatures are those of signatures.py, their graphs of one row: a batch is asked row by row. What from_tensor's
graph is given in place of the seed is the noise that the seed stands for, drawn here.
"""

import os
import pathlib

import numpy as np

from seg2vid_tf.export_folder import SUMS, check_sums, read_description, version_folders
from seg2vid_tf.models.seeds import NOISE_STREAM
from seg2vid_tf.ops.numpy_noise import per_example_normal

# {what an export was converted to: the ending of its graphs' files}.
KINDS = {"onnx": ".onnx", "openvino": ".xml"}
# What is converted of the signatures, as far as a model has them.
SIGNATURES = ("from_tensor", "animate_tensor", "recall")
# What ends an output's name in a graph one of whose inputs has that name: a graph may hold a name once.
ALSO_INPUT = ".out"


class ConvertedModel:
    """One version of a converted export; a graph is loaded when it is first asked.

    Args:
      path: a version folder, or the folder of versions, whose newest is taken.
      kind: one of ``KINDS``.

    Attributes:
      signatures: their names.
      description: what ``serving.signatures.describe`` says of the model.

    Raises:
      ValueError: no converted export lies there, or a file is missing or not what was written.
    """

    def __init__(self, path: str | os.PathLike, kind: str):
        self._folder, self._kind, self._sessions = converted_folder(pathlib.Path(path), kind), kind, {}
        self.description = read_description(self._folder)
        self.signatures = [name for name in SIGNATURES if name in self.description.get("converted", [])]
        files = [self._folder / SUMS, *(self._file(name) for name in self.signatures)]
        missing = [str(file) for file in files if not file.is_file()]
        if missing or not self.signatures:
            raise ValueError(f"{self._folder} is not whole, it lacks {missing or SIGNATURES}: convert the model again")
        check_sums(self._folder)

    def call(self, signature: str, **inputs: np.ndarray) -> dict[str, np.ndarray]:
        """Asks a signature row by row; inputs and outputs are arrays [B,...] by name."""
        session = self._session(signature)
        if "noise" in session.inputs:
            seed = inputs.pop("seed")
            inputs["noise"] = per_example_normal(seed, session.inputs["noise"][1:], NOISE_STREAM)
        (rows,) = {len(value) for value in inputs.values()}
        answers = [session.run({name: value[i : i + 1] for name, value in inputs.items()}) for i in range(rows)]
        return {name: np.concatenate([answer[name] for answer in answers]) for name in answers[0]}

    def run(self, signature: str, inputs: dict) -> dict[str, np.ndarray]:
        """As of the loaders that verify.py takes."""
        return self.call(signature, **inputs)

    def _session(self, signature):
        if signature not in self._sessions:
            self._sessions[signature] = _SESSIONS[self._kind](self._file(signature))
        return self._sessions[signature]

    def _file(self, signature):
        return self._folder / f"{signature}{KINDS[self._kind]}"


class _OnnxRuntimeSession:
    def __init__(self, path):
        try:
            import onnxruntime
        except ImportError as error:
            raise ValueError(f"{path} needs ONNX Runtime ({error}): pip install onnxruntime") from error
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        # Threads that wait turn in circles otherwise, on cores that others could use.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.inputs = {each.name: each.shape for each in self._session.get_inputs()}
        self._outputs = [each.name for each in self._session.get_outputs()]

    def run(self, inputs):
        names = [name.removesuffix(ALSO_INPUT) for name in self._outputs]
        return dict(zip(names, self._session.run(self._outputs, inputs), strict=True))


class _OpenVinoSession:
    def __init__(self, path):
        try:
            import openvino
        except ImportError as error:
            raise ValueError(f"{path} needs OpenVINO ({error}): pip install openvino") from error
        # Unasked, it computes in bfloat16 wherever the CPU can: 128.5 and 129 are one place in a picture then.
        options = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
        compiled = openvino.Core().compile_model(str(path), "CPU", options)
        self._request = compiled.create_infer_request()
        self.inputs = {each.get_any_name(): list(each.get_shape()) for each in compiled.inputs}
        self._outputs = {each.get_any_name().removesuffix(ALSO_INPUT): each for each in compiled.outputs}

    def run(self, inputs):
        found = self._request.infer(inputs)
        # The request gives views of its own memory, which the next row fills anew.
        return {name: np.array(found[output]) for name, output in self._outputs.items()}


_SESSIONS = {"onnx": _OnnxRuntimeSession, "openvino": _OpenVinoSession}


def converted_folder(path: pathlib.Path, kind: str) -> pathlib.Path:
    """A version folder itself, or the newest one of a folder of versions.

    Raises:
      ValueError: it is neither.
    """
    if any(path.glob(f"*{KINDS[kind]}")):
        return path
    versions = list(version_folders(path).values())
    if not versions or not any(versions[-1].glob(f"*{KINDS[kind]}")):
        raise ValueError(
            f"{path} is neither a folder of versions (<version>/*{KINDS[kind]} in it) nor a version folder of a "
            f"model that export.py --format={kind} wrote"
        )
    return versions[-1]
