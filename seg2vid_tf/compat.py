"""The only place where the two TensorFlow stacks differ in this code base (BUILD.md)."""

import keras
import tensorflow as tf

KERAS_3 = int(keras.__version__.split(".")[0]) >= 3

# add_weight(aggregation=...) takes TensorFlow's enum in Keras 2 and a string in Keras 3.
ONLY_FIRST_REPLICA = "only_first_replica" if KERAS_3 else tf.VariableAggregation.ONLY_FIRST_REPLICA


def raw_variables(owner) -> list[tf.Variable]:
    """The tf.Variables behind the variables of a layer, an optimizer or a tf.Module.

    Checkpoints and exports store them by their place here, which is Keras 2's on both stacks: of layers that a model
    holds in a list, those that train come first. Keras 3 has each layer's together.
    """
    if KERAS_3 and isinstance(owner, keras.Model):
        attributes = [held for name, held in vars(owner).items() if name != "_layers"]  # Keras' own list of them all
        found = {id(v): v for held in attributes for v in _trainable_first(held)}
        variables = [*found.values(), *(v for v in owner.variables if id(v) not in found)]
    else:
        variables = owner.variables
    return [v if isinstance(v, tf.Variable) else v.value for v in variables]


def _trainable_first(held):
    """The variables of what an attribute of a model holds: a layer or a list of them; none of anything else."""
    if isinstance(held, keras.Model):
        return held.variables
    layers = [each for each in (held if isinstance(held, list) else [held]) if isinstance(each, keras.layers.Layer)]
    kinds = "trainable_variables", "non_trainable_variables"
    return [v for kind in kinds for layer in layers for v in getattr(layer, kind)]
