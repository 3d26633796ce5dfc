"""A published semantic segmenter, read from a TFLite file, that says what a picture shows.

The network: input uint8 or float32 [1,h,w,3] RGB (0..255, or [-1, 1] where it is float, as DeepLab's), output class ids
[1,h',w'] or [1,h',w',1], or [1,h',w',C] logits. The ids are the file's own; a Cityscapes segmenter gives trainIds,
0..18.
"""

import os
import pathlib
import warnings

import numpy as np
import tensorflow as tf

from seg2vid_tf.annotations.label_map import resize_label_map


class Segmenter:
    """Frames -> class ids. One object may not be called from two threads at once.

    Attributes:
      size: (height, width) that the network sees; frames are resized to it and ids back.
    """

    def __init__(self, path: str, num_threads: int | None = None):
        """Loads the network.

        Args:
          path: the ``.tflite`` file.
          num_threads: CPU threads of the interpreter; None: os.cpu_count().

        Raises:
          ValueError: no such file, not a TFLite model, or not a segmenter as the module docstring has it.
        """
        if not pathlib.Path(path).is_file():
            raise ValueError(f"segmenter: no file {str(path)!r}")
        try:
            self._interpreter = _interpreter(str(path), num_threads or os.cpu_count())
        except (ValueError, RuntimeError) as error:
            raise ValueError(f"segmenter {str(path)!r} is not a TFLite model that runs here: {error}") from error
        inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        shapes = [tuple(int(n) for n in detail["shape_signature"]) for detail in (*inputs, *outputs)]
        found = f"segmenter {str(path)!r}: {len(inputs)} inputs and {len(outputs)} outputs, shapes {shapes}"
        if len(inputs) != 1 or len(outputs) != 1:
            raise ValueError(f"{found}; expected one of each")
        given, made = shapes
        if len(given) != 4 or given[0] not in (1, -1) or min(given[1:3]) < 1 or given[3] != 3:
            raise ValueError(f"{found}; the input must be [1,h,w,3] of one fixed size")
        if len(made) not in (3, 4) or made[0] not in (1, -1):
            raise ValueError(f"{found}; the output must be [1,h,w] class ids or [1,h,w,C] logits")
        if inputs[0]["dtype"] not in (np.uint8, np.float32):
            raise ValueError(f"{found}; the input must be uint8 or float32, it is {inputs[0]['dtype'].__name__}")
        self.size = given[1:3]
        self._path, self._float = str(path), inputs[0]["dtype"] == np.float32
        self._input, self._output = inputs[0]["index"], outputs[0]["index"]

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """Segments frames, one after the other.

        Args:
          frames: uint8 [N,H,W,3] RGB; resized bilinearly to the network's size (antialiased where that is smaller).

        Returns:
          uint8 [N,H,W] class ids, brought back to HxW by nearest neighbour at pixel centres.

        Raises:
          ValueError: other frames than that, or an id above 255.
        """
        frames = np.asarray(frames)
        if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[3] != 3:
            raise ValueError(f"segmenter: expected uint8 [N,H,W,3] frames, received {frames.dtype} {frames.shape}")
        ids = np.empty(frames.shape[:3], np.uint8)
        for index, frame in enumerate(frames):
            ids[index] = resize_label_map(self._segment(frame), frames.shape[1:3])
        return ids

    def _segment(self, frame):
        image = tf.image.resize(frame[None], self.size, antialias=True).numpy()
        image = image / 127.5 - 1.0 if self._float else np.round(image)
        self._interpreter.set_tensor(self._input, image.astype(np.float32 if self._float else np.uint8))
        self._interpreter.invoke()
        output = self._interpreter.get_tensor(self._output)[0]
        if output.ndim == 3:
            output = output[..., 0] if output.shape[-1] == 1 else np.argmax(output, axis=-1)
        if output.min() < 0 or output.max() > 255:
            raise ValueError(f"segmenter {self._path!r}: ids {output.min()}..{output.max()}, expected 0..255")
        return output.astype(np.uint8)


def _interpreter(path, num_threads):
    with warnings.catch_warnings():
        # TensorFlow 2.20 announces a move to another package; the class is there in every version supported here.
        warnings.filterwarnings("ignore", message=r"\s*Warning: tf\.lite\.Interpreter is deprecated")
        interpreter = tf.lite.Interpreter(path, num_threads=num_threads)
    interpreter.allocate_tensors()
    return interpreter
