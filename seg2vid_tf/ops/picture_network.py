"""Published networks, from pictures or clips to one tensor: TFLite files, Keras files and SavedModel folders."""

import os
import pathlib
import warnings
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from seg2vid_tf.ops.published_preprocessing import PublishedPreprocessing

# Pixels that a network of any batch size sees at once: eight pictures of 512x1024.
_PIXELS = 1 << 22
# A Rescaling layer's factor below, or a Normalization layer's mean above this is for numbers up to 255.
_SMALL, _LARGE = 1 / 32, 2.0


class PictureNetwork:
    """A network with one input, pictures [N,h,w,3] or, where they are asked for, clips [N,T,h,w,3], and one output.

    It can be pickled, by its path. One object may not be called from two threads at once.

    Attributes:
      size: (height, width) of its input; None: it takes pictures as they are.
      clip_length: frames T of the clips that it takes, -1 where any number will do; None: it takes pictures.
      output_shape: of its output, its batch first; -1 where it is not fixed, () where even its rank is not.
      dtype: of its input.
      found: what messages say of it.
      fed: how pictures become what it reads, in words.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        kind: str,
        num_threads: int | None = None,
        clips: bool = False,
        preprocessing: PublishedPreprocessing | None = None,
    ):
        """Loads the network.

        Args:
          path: the ``.tflite`` file, the ``.keras`` or ``.h5`` file, or a SavedModel's folder. A SavedModel is a
            program, and an ``.h5`` file may hold one: load none that you do not trust.
          kind: what messages call it.
          num_threads: CPU threads of the TFLite interpreter; None: os.cpu_count(). The others run as TensorFlow does.
          clips: whether a network of clips will do too.
          preprocessing: how its pictures are prepared; None: as ``outputs`` says.

        Raises:
          ValueError: nothing there, not a model of these kinds, not such a network, or none that this preprocessing is
            for.
        """
        self._arguments = (path, kind, num_threads, clips, preprocessing)
        self._name = f"{kind} {str(path)!r}"
        if pathlib.Path(path).is_dir():
            self._graph = _SavedModel(path, self._name)
        elif pathlib.Path(path).suffix in (".keras", ".h5") and pathlib.Path(path).is_file():
            self._graph = _KerasFile(path, self._name)
        elif pathlib.Path(path).is_file():
            self._graph = _TFLite(path, self._name, num_threads or os.cpu_count())
        else:
            raise ValueError(f"{kind}: no file {str(path)!r}, nor a SavedModel's folder")
        inputs, outputs = self._graph.inputs, self._graph.outputs
        shapes = [shape for shape, _ in (*inputs, *outputs)]
        self.found = f"{self._name}: {len(inputs)} inputs and {len(outputs)} outputs, shapes {shapes}"
        if len(inputs) != 1 or len(outputs) != 1:
            raise ValueError(f"{self.found}; expected one of each, pictures in and one tensor out")
        (given, self.dtype), (self.output_shape, _) = *inputs, *outputs
        sides = given[-3:-1]
        self._check_input_shape(given, clips)
        if self.dtype not in (np.uint8, np.int32, np.float32):
            raise ValueError(f"{self.found}; the input must be uint8, int32 or float32, it is {self.dtype.__name__}")
        self.clip_length = given[1] if len(given) == 5 else None
        if -1 in given[1:] and not self._graph.takes_any_size:
            raise ValueError(f"{self.found}; the input must be of one fixed size")
        self.size = None if sides == (-1, -1) else sides
        self._preprocessing = preprocessing
        if preprocessing is not None:
            self._check_preprocessing()
            self.size, self.clip_length = preprocessing.size, preprocessing.clip_length
        self._rescales = self.dtype == np.float32 and self._graph.rescales
        self.fed = self._how_fed()
        self._one_by_one = given[0] == 1 or not self._graph.takes_any_batch

    def __reduce__(self):
        return PictureNetwork, self._arguments

    def _check_preprocessing(self):
        wanted = self._preprocessing
        length = self.clip_length if self.clip_length != -1 else wanted.clip_length
        if self.size not in (None, wanted.size) or length != wanted.clip_length or self.dtype != np.float32:
            read = "pictures" if wanted.clip_length is None else f"clips of {wanted.clip_length} frames"
            raise ValueError(
                f"{self.found}; {wanted.name} is for a network that reads {read} of {wanted.size} as float32"
            )

    def _check_input_shape(self, shape, clips):
        sides = shape[-3:-1]
        pictures = len(shape) in ((4, 5) if clips else (4,)) and shape[0] in (1, -1) and shape[-1] == 3
        if not pictures or (sides != (-1, -1) and min(sides) < 1):
            wanted = ", or clips [N,T,h,w,3]" if clips else ""
            raise ValueError(
                f"{self.found}; the input must be [1,h,w,3] or [N,h,w,3]{wanted}, h and w fixed or both not"
            )

    def _how_fed(self):
        """A network that brings its own Rescaling reads 0..255, whatever else is usual."""
        if self._preprocessing is not None:
            numbers = f"{self._preprocessing.name}'s preparation"
            return f"{numbers}, but 0..255: it rescales them itself" if self._rescales else numbers
        size = "as they are" if self.size is None else f"{self.size[0]}x{self.size[1]}, bilinear with antialiasing"
        if self._rescales:
            return f"{size}, 0..255: it rescales them itself"
        return f"{size}, {'[-1,1]' if self.dtype == np.float32 else '0..255'}"

    def outputs(self, frames: np.ndarray) -> Iterator[np.ndarray]:
        """uint8 [N,H,W,3] RGB -> the outputs [n,...] of a few frames after the others, real where they are quantised.

        A network of clips takes uint8 [N,T,H,W,3] instead, its ``clip_length`` frames each.

        Frames are resized bilinearly to ``size`` (antialiased where that is smaller), and become [-1,1] where the
        network reads floats, 0..255 where it reads integers or is a Keras file that rescales such by a layer of its
        own; with a preprocessing, what that makes of them, in 0..255 for such a file.

        Raises:
          ValueError: the network fails, as one that takes only multiples of 32 does.
        """
        rows, columns = self.size or frames.shape[-3:-1]
        pixels = rows * columns * int(np.prod(frames.shape[1:-3]))
        count = 1 if self._one_by_one else max(1, _PIXELS // pixels)
        for first in range(0, len(frames), count):
            images = self._prepared(frames[first : first + count])
            try:
                yield self._graph.run(images.astype(self.dtype))
            except (tf.errors.OpError, RuntimeError) as error:
                raise ValueError(f"{self._name} fails on pictures {images.shape}: {error}") from error

    def _prepared(self, images):
        """uint8 [...,H,W,3] -> numbers [...,h,w,3] as the network reads them."""
        if self._preprocessing is not None:
            return self._preprocessing(images, scaled=not self._rescales)
        if self.size is not None:
            pictures = images.reshape((-1, *images.shape[-3:]))
            resized = tf.image.resize(pictures, self.size, antialias=True).numpy()
            images = resized.reshape((*images.shape[:-3], *self.size, 3))
        if self._rescales:
            return images
        return images / np.float32(127.5) - 1.0 if self.dtype == np.float32 else np.round(images)


class _TFLite:
    takes_any_size = takes_any_batch = rescales = False

    def __init__(self, path, name, num_threads):
        try:
            with warnings.catch_warnings():
                # TensorFlow 2.20 announces a move to another package; the class is there in every version supported.
                said = r"\s*Warning: (tf\.lite\.Interpreter is deprecated|Please use the LiteRT interpreter)"
                warnings.filterwarnings("ignore", message=said)
                self._interpreter = tf.lite.Interpreter(str(path), num_threads=num_threads)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0].encode("ascii", "replace").decode()  # bytes of the file may be in it
            raise ValueError(f"{name} is not a TFLite model that runs here: {reason}") from error
        details = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        self.inputs, self.outputs = (
            [(tuple(int(n) for n in detail["shape_signature"]), detail["dtype"]) for detail in side] for side in details
        )
        self._details = details

    def run(self, images):
        (given,), (made,) = self._details
        self._interpreter.set_tensor(given["index"], images)
        self._interpreter.invoke()
        output, (scale, zero) = self._interpreter.get_tensor(made["index"]), made["quantization"]
        return (output.astype(np.float32) - zero) * scale if scale else output


class _SavedModel:
    takes_any_size = takes_any_batch = True
    rescales = False  # it may: its graph does not say so

    def __init__(self, path, name):
        try:
            self._loaded = tf.saved_model.load(str(path))  # its variables live as long as it does
        # What is damaged in it is an error of any kind: of protobuf, of the graph, of a key that is not there.
        except Exception as error:
            raise ValueError(f"{name} is not a SavedModel that runs here: {error}") from error
        signatures = self._loaded.signatures
        only = next(iter(signatures)) if len(signatures) == 1 else "serving_default"
        if only not in signatures:
            raise ValueError(f"{name}: signatures {sorted(signatures)}, expected one, or one called serving_default")
        self._run = signatures[only]
        inputs, outputs = self._run.structured_input_signature[1], self._run.structured_outputs
        self.inputs, self.outputs = ([_form(tensor) for tensor in side.values()] for side in (inputs, outputs))
        self._input = next(iter(inputs), None)

    def run(self, images):
        (output,) = self._run(**{self._input: tf.constant(images)}).values()
        return output.numpy()


class _KerasFile:
    takes_any_size = takes_any_batch = True

    def __init__(self, path, name):
        try:
            # Losses and optimizers of its training are not needed. Keras' safe mode refuses code inside a .keras file.
            self._model = keras.models.load_model(str(path), compile=False)
        except Exception as error:  # of any kind, as for a SavedModel
            raise ValueError(f"{name} is not a Keras model that runs here: {error}") from error
        self.rescales = any(_takes_0_to_255(layer) for layer in _layers(self._model))
        sides = self._model.inputs, self._model.outputs
        self.inputs, self.outputs = ([_form(tensor) for tensor in side] for side in sides)

    def run(self, images):
        return np.asarray(self._model(tf.constant(images), training=False))


def _layers(model):
    """The layers of a model, and of the models in it, wrapped ones too (TimeDistributed)."""
    for layer in model.layers:
        layer = getattr(layer, "layer", layer)
        yield layer
        if hasattr(layer, "layers"):
            yield from _layers(layer)


def _takes_0_to_255(layer):
    """Whether a layer brings 0..255 to small numbers: one that makes [-1,1] of them multiplies by 1/127.5.

    A factor about 1, as of one that makes [0,1] of [-1,1], is for numbers that are small already. Normalization's mean
    tells the same.
    """
    if isinstance(layer, keras.layers.Normalization):
        return np.abs(layer.mean).max() > _LARGE
    return isinstance(layer, keras.layers.Rescaling) and np.abs(layer.scale).max() < _SMALL


def _form(tensor):
    """(shape, dtype) of a signature's tensor or a Keras model's."""
    shape = tf.TensorShape(tensor.shape)
    sides = () if shape.rank is None else tuple(-1 if n is None else n for n in shape)
    return sides, tf.as_dtype(tensor.dtype).as_numpy_dtype
