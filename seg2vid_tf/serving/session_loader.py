"""Running a SavedModel the way TensorFlow Serving does: through the session loader.

tf.saved_model.load rebuilds Python objects and finds variables that the server does not, so it proves nothing about
serving; a model that runs here runs there.
"""

import os
import pathlib

import numpy as np
import tensorflow as tf

from seg2vid_tf.export_folder import check_sums


class SessionLoader:
    """A version folder, loaded in a session of its own until it is closed; use it in a with statement.

    Args:
      path: folder that holds saved_model.pb.

    Attributes:
      signatures: {name: SignatureDef}.

    Raises:
      ValueError: its files are not those that were exported.
    """

    def __init__(self, path: str | os.PathLike):
        check_sums(pathlib.Path(path))
        self._path = path
        self._session = tf.compat.v1.Session(graph=tf.Graph())
        try:
            loaded = tf.compat.v1.saved_model.load(self._session, ["serve"], str(path))
        except BaseException:
            self.close()
            raise
        self.signatures = dict(loaded.signature_def)
        self.signatures.pop("__saved_model_init_op", None)  # no signature of ours

    def run(
        self, signature: str, inputs: dict, outputs: tuple[str, ...] | None = None, timeout: float | None = None
    ) -> dict[str, np.ndarray]:
        """Runs one signature.

        Args:
          signature: its name.
          inputs: {input name: array}.
          outputs: names of the outputs wanted; None: all.
          timeout: seconds, or None for as long as it takes.

        Returns:
          {output name: array}.

        Raises:
          ValueError: no such signature, or inputs of other names.
          tf.errors.OpError: what the graph says, DeadlineExceededError where it took too long.
        """
        if signature not in self.signatures:
            raise ValueError(f"{self._path} has no signature {signature!r}, it has {sorted(self.signatures)}")
        definition = self.signatures[signature]
        if set(inputs) != set(definition.inputs):
            raise ValueError(f"{signature} takes {sorted(definition.inputs)}, received {sorted(inputs)}")
        fetches = {name: definition.outputs[name].name for name in outputs or definition.outputs}
        feeds = {definition.inputs[name].name: value for name, value in inputs.items()}
        options = None
        if timeout is not None:
            options = tf.compat.v1.RunOptions(timeout_in_ms=max(1, int(timeout * 1000)))
        return self._session.run(fetches, feeds, options)

    def close(self) -> None:
        """Ends the session; a second time does nothing."""
        self._session.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
