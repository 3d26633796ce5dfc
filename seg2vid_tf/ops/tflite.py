"""Published networks in TFLite files, from pictures to one tensor."""

import os
import pathlib
import warnings

import numpy as np
import tensorflow as tf


class TFLiteNetwork:
    """A network with one input, pictures [1,h,w,3] of one fixed size, and one output.

    It can be pickled, by its path. One object may not be called from two threads at once.

    Attributes:
      size: (height, width) of its input.
      output_shape: of its output.
      dtype: of its input.
    """

    def __init__(self, path: str | os.PathLike, kind: str, num_threads: int | None = None):
        """Loads the network.

        Args:
          path: the ``.tflite`` file.
          kind: what messages call it.
          num_threads: CPU threads of the interpreter; None: os.cpu_count().

        Raises:
          ValueError: no such file, not a TFLite model, or not such a network.
        """
        self._arguments = (path, kind, num_threads)
        name = f"{kind} {str(path)!r}"
        if not pathlib.Path(path).is_file():
            raise ValueError(f"{kind}: no file {str(path)!r}")
        try:
            self._interpreter = _interpreter(str(path), num_threads or os.cpu_count())
        except (ValueError, RuntimeError) as error:
            raise ValueError(f"{name} is not a TFLite model that runs here: {error}") from error
        inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        shapes = [tuple(int(n) for n in detail["shape_signature"]) for detail in (*inputs, *outputs)]
        self.found = f"{name}: {len(inputs)} inputs and {len(outputs)} outputs, shapes {shapes}"
        if len(inputs) != 1 or len(outputs) != 1:
            raise ValueError(f"{self.found}; expected one of each")
        given, self.output_shape = shapes
        if len(given) != 4 or given[0] not in (1, -1) or min(given[1:3]) < 1 or given[3] != 3:
            raise ValueError(f"{self.found}; the input must be [1,h,w,3] of one fixed size")
        self.dtype = inputs[0]["dtype"]
        if self.dtype not in (np.uint8, np.int32, np.float32):
            raise ValueError(f"{self.found}; the input must be uint8, int32 or float32, it is {self.dtype.__name__}")
        self.size = given[1:3]
        self._input, self._output = inputs[0]["index"], outputs[0]["index"]
        self._scale, self._zero = outputs[0]["quantization"]

    def __reduce__(self):
        return TFLiteNetwork, self._arguments

    def __call__(self, frame: np.ndarray) -> np.ndarray:
        """uint8 [H,W,3] RGB -> the output without its batch, in real numbers where it is quantised.

        The frame is resized bilinearly (antialiased where that is smaller), and becomes [-1,1] where the network reads
        floats, 0..255 where it reads integers.
        """
        image = tf.image.resize(frame[None], self.size, antialias=True).numpy()
        image = image / 127.5 - 1.0 if self.dtype == np.float32 else np.round(image)
        self._interpreter.set_tensor(self._input, image.astype(self.dtype))
        self._interpreter.invoke()
        output = self._interpreter.get_tensor(self._output)[0]
        return (output.astype(np.float32) - self._zero) * self._scale if self._scale else output


def _interpreter(path, num_threads):
    with warnings.catch_warnings():
        # TensorFlow 2.20 announces a move to another package; the class is there in every version supported here.
        warnings.filterwarnings("ignore", message=r"\s*Warning: tf\.lite\.Interpreter is deprecated")
        interpreter = tf.lite.Interpreter(path, num_threads=num_threads)
    interpreter.allocate_tensors()
    return interpreter
