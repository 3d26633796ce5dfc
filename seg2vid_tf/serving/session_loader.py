"""Running a SavedModel the way TensorFlow Serving does: through the session loader.

tf.saved_model.load rebuilds Python objects and finds variables that the server does not, so it proves nothing about
serving; a model that runs here runs there.
"""

import os

import numpy as np
import tensorflow as tf


def run_signature(path: str | os.PathLike, signature: str, inputs: dict) -> dict[str, np.ndarray]:
    """Loads a version folder in a fresh session and runs one of its signatures.

    Args:
      path: folder that holds saved_model.pb.
      signature: its name.
      inputs: {input name: array}.

    Returns:
      {output name: array}.

    Raises:
      ValueError: no such signature, or inputs of other names.
    """
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        loaded = tf.compat.v1.saved_model.load(session, ["serve"], str(path)).signature_def
        if signature not in loaded:
            raise ValueError(f"{path} has no signature {signature!r}, it has {sorted(loaded)}")
        definition = loaded[signature]
        if set(inputs) != set(definition.inputs):
            raise ValueError(f"{signature} takes {sorted(definition.inputs)}, received {sorted(inputs)}")
        fetches = {name: tensor.name for name, tensor in definition.outputs.items()}
        return session.run(fetches, {definition.inputs[name].name: value for name, value in inputs.items()})
