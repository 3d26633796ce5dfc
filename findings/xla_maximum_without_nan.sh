#!/usr/bin/env bash
# TensorFlow: a maximum over values forgets NaN where XLA compiles it.
#
# ``tf.reduce_max`` of values with a NaN among them is NaN, unless the function is compiled: then it is the largest of the
# others, and a check for NaN behind it sees nothing. In TensorFlow 2.15 ``tf.clip_by_value`` did the same, and a NaN
# became the lower bound.
#
# Seen 2026-11-29 with TensorFlow 2.21.0. What the project does about it: _locate in seg2vid_tf/ops/warp.py.
set -euo pipefail

seen='reduce_max of (nan, -1, 2): nan
the same compiled: 2.0
clip_by_value of nan into 0..1: nan
clip_by_value compiled (0.0 with 2.15): nan'

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
python=$folder/venv/bin/python
"$python" -m pip install --quiet tensorflow==2.21.0 keras==3.15.1
export TF_CPP_MIN_LOG_LEVEL=3 PYTHONWARNINGS=ignore

found=$("$python" - 2>"$folder/log" <<'END'
import tensorflow as tf

values = tf.constant([float("nan"), -1.0, 2.0])
found = []
for function in (tf.reduce_max, lambda x: tf.clip_by_value(x, 0.0, 1.0)[0]):
    found += [function(values), tf.function(function, jit_compile=True)(values)]

WHAT = [
    "reduce_max of (nan, -1, 2)",
    "the same compiled",
    "clip_by_value of nan into 0..1",
    "clip_by_value compiled (0.0 with 2.15)",
]
found = [float(value) for value in found]
for what, value in zip(WHAT, found, strict=True):
    print(f"{what}: {value}")
END
) || { echo "$0: it could not be shown" >&2; tail -n 20 "$folder/log" >&2; exit 1; }
echo "$found"
[ "$found" = "$seen" ] || { printf '%s: the behaviour is another; seen was\n%s\n' "$0" "$seen" >&2; exit 1; }
