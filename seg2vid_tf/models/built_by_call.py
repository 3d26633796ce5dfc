"""BuiltByCall: what every layer here that holds other layers derives from, before its Keras class.

Keras 3 builds a layer without a build() by tracing its call, and each layer inside traces its own once more: the
operations at the bottom of five levels are traced five times, and making a model takes four times as long. A layer
whose own weights are all made in its constructor needs none of that: what it holds is built as it is called.
"""


class BuiltByCall:
    """A layer that is built as soon as it is called."""

    def build(self, input_shape=None):
        self.built = True
