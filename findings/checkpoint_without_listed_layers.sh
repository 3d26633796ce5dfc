#!/usr/bin/env bash
# Keras 3: tf.train.Checkpoint leaves out every layer that a model holds in a list, without a word.
#
# ``save`` succeeds, ``restore(...).assert_consumed()`` succeeds, and the layers come back with random weights. Under
# Keras 2 the same lines save all of them; Keras' own .weights.h5 saves all of them too.
#
# Seen 2026-11-29 with TensorFlow 2.21.0 and Keras 3.15.1. What the project does about it: RunFolder.save in
# seg2vid_tf/run_folder.py stores variables by number.
set -euo pipefail

seen='weights of the model: 6
variables in its checkpoint: 2
layers in a list come back: False
the layer outside comes back: True'

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
python=$folder/venv/bin/python
"$python" -m pip install --quiet tensorflow==2.21.0 keras==3.15.1
export TF_CPP_MIN_LOG_LEVEL=3 PYTHONWARNINGS=ignore

found=$("$python" - 2>"$folder/log" <<'END'
import tempfile

import keras
import numpy as np
import tensorflow as tf

class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.blocks = [keras.layers.Dense(2), keras.layers.Dense(2)]
        self.head = keras.layers.Dense(1)

    def call(self, x):
        for block in self.blocks:
            x = block(x)
        return self.head(x)

first, other = Net(), Net()
for net in (first, other):
    net(tf.ones([1, 3]))
with tempfile.TemporaryDirectory() as folder:
    path = tf.train.Checkpoint(net=first).save(f"{folder}/ckpt")
    stored = [name for name, _ in tf.train.list_variables(path) if name.startswith("net/")]
    tf.train.Checkpoint(net=other).restore(path).assert_consumed()

def same(a, b):
    return bool(np.array_equal(a.kernel, b.kernel))

found = len(first.weights), len(stored), same(first.blocks[0], other.blocks[0]), same(first.head, other.head)

WHAT = [
    "weights of the model",
    "variables in its checkpoint",
    "layers in a list come back",
    "the layer outside comes back",
]
for what, value in zip(WHAT, found, strict=True):
    print(f"{what}: {value}")
END
) || { echo "$0: it could not be shown" >&2; tail -n 20 "$folder/log" >&2; exit 1; }
echo "$found"
[ "$found" = "$seen" ] || { printf '%s: the behaviour is another; seen was\n%s\n' "$0" "$seen" >&2; exit 1; }
