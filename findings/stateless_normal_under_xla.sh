#!/usr/bin/env bash
# TensorFlow: of one seed, tf.random.stateless_normal draws wholly other numbers where XLA compiles it.
#
# "Stateless" is read as: the same seed, shape and algorithm, the same numbers. The integers agree to the bit, the normals
# that are made of them do not, because XLA has a formula of its own. A generator of pictures that draws its noise so
# makes another picture of a seed once a flag turns clustering on. With a seed that is known while the function is traced
# all is well: the draw is folded into a constant before XLA sees it, so a test of that kind finds nothing.
#
# Seen 2026-11-29 with TensorFlow 2.21.0 (2.15 does the same). What the project does about it: seg2vid_tf/ops/noise.py.
set -euo pipefail

seen='integers that differ: 0 of 100000
normals that differ: 100000 of 100000
normals that differ, the seed a constant: 0 of 100000'

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
python=$folder/venv/bin/python
"$python" -m pip install --quiet tensorflow==2.21.0 keras==3.15.1
export TF_CPP_MIN_LOG_LEVEL=3 PYTHONWARNINGS=ignore

found=$("$python" - 2>"$folder/log" <<'END'
import tensorflow as tf

def integers(seed):
    return tf.random.stateless_uniform([100_000], seed, None, None, tf.int32, alg="philox")

def normals(seed):
    return tf.random.stateless_normal([100_000], seed, alg="philox")

def of_a_constant(_):
    return normals([1, 2])

found, seed = [], tf.constant([1, 2])
for draw in (integers, normals, of_a_constant):
    compiled = tf.function(draw, jit_compile=True)(seed)
    found.append(f"{(draw(seed).numpy() != compiled.numpy()).sum()} of 100000")

WHAT = [
    "integers that differ",
    "normals that differ",
    "normals that differ, the seed a constant",
]
for what, value in zip(WHAT, found, strict=True):
    print(f"{what}: {value}")
END
) || { echo "$0: it could not be shown" >&2; tail -n 20 "$folder/log" >&2; exit 1; }
echo "$found"
[ "$found" = "$seen" ] || { printf '%s: the behaviour is another; seen was\n%s\n' "$0" "$seen" >&2; exit 1; }
