"""The only place where the two TensorFlow stacks differ in this code base (BUILD.md)."""

import keras
import tensorflow as tf

KERAS_3 = int(keras.__version__.split(".")[0]) >= 3

# add_weight(aggregation=...) takes TensorFlow's enum in Keras 2 and a string in Keras 3.
ONLY_FIRST_REPLICA = "only_first_replica" if KERAS_3 else tf.VariableAggregation.ONLY_FIRST_REPLICA


def raw_variables(owner) -> list[tf.Variable]:
    """The tf.Variables behind the variables of a layer, an optimizer or a tf.Module, in its own order."""
    return [v if isinstance(v, tf.Variable) else v.value for v in owner.variables]
