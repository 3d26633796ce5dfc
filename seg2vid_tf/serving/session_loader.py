"""Running a SavedModel the way TensorFlow Serving does: through the session loader.

tf.saved_model.load rebuilds Python objects and finds variables that the server does not, so it proves nothing about
serving; a model that runs here runs there.
"""

import os

import numpy as np
import tensorflow as tf


class SessionLoader:
    """A version folder, loaded in a session of its own until it is closed; use it in a with statement.

    Args:
      path: folder that holds saved_model.pb.
    """

    def __init__(self, path: str | os.PathLike):
        self._path = path
        self._session = tf.compat.v1.Session(graph=tf.Graph())
        try:
            self._signatures = tf.compat.v1.saved_model.load(self._session, ["serve"], str(path)).signature_def
        except BaseException:
            self.close()
            raise

    def run(self, signature: str, inputs: dict) -> dict[str, np.ndarray]:
        """Runs one signature.

        Args:
          signature: its name.
          inputs: {input name: array}.

        Returns:
          {output name: array}.

        Raises:
          ValueError: no such signature, or inputs of other names.
        """
        if signature not in self._signatures:
            raise ValueError(f"{self._path} has no signature {signature!r}, it has {sorted(self._signatures)}")
        definition = self._signatures[signature]
        if set(inputs) != set(definition.inputs):
            raise ValueError(f"{signature} takes {sorted(definition.inputs)}, received {sorted(inputs)}")
        fetches = {name: tensor.name for name, tensor in definition.outputs.items()}
        return self._session.run(fetches, {definition.inputs[name].name: value for name, value in inputs.items()})

    def close(self) -> None:
        """Ends the session; a second time does nothing."""
        self._session.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
