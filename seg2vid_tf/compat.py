"""The only place where the two TensorFlow stacks differ in this code base (BUILD.md)."""

import keras
import tensorflow as tf

KERAS_3 = int(keras.__version__.split(".")[0]) >= 3

# add_weight(aggregation=...) takes TensorFlow's enum in Keras 2 and a string in Keras 3.
ONLY_FIRST_REPLICA = "only_first_replica" if KERAS_3 else tf.VariableAggregation.ONLY_FIRST_REPLICA


def raw_variables(layer: keras.layers.Layer) -> list[tf.Variable]:
    """The tf.Variables behind a layer's weights, in the layer's order."""
    return [v.value if KERAS_3 else v for v in layer.variables]
