#!/usr/bin/env bash
# OpenVINO on a CPU: a convolution answers wrongly where its picture is read in two further ways.
#
# Read by a convolution (through the transposition from channels last that converted TensorFlow graphs have), by a
# product with a matrix (through a Reshape) and by a Tile, the picture reaches the convolution as something else: its
# answer is far off and differs from one compilation to the next. The other two answers are right, and so is the
# convolution's with either of the other two alone. Converted from ONNX such a graph fails in the same way, while ONNX
# Runtime answers right. So a conversion that was proved piece by piece may still be wrong as a whole.
#
# Seen 2026-12-01 with OpenVINO 2026.4.1 (the same with 2024.4.0, 2025.0.0, 2025.4.1 and 2026.0.0), NumPy 2.4.6. What
# the project does about it: seg2vid_tf/serving/convert.py.
set -euo pipefail

seen='convolution: right
convolution and product: right
convolution and Tile: right
convolution, product and Tile: the convolution wrong, the others right'

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
python=$folder/venv/bin/python
"$python" -m pip install --quiet openvino==2026.4.1 numpy==2.4.6

found=$("$python" - 2>"$folder/log" <<'END'
import numpy as np
import openvino
from openvino import opset13 as op

core, rng = openvino.Core(), np.random.default_rng(0)


def normal(*shape):
    return rng.normal(size=shape).astype(np.float32)


given = [normal(1, 8, 8, 2), normal(1, 8, 8, 2)]
parameters = [op.parameter(value.shape, np.float32) for value in given]
picture = op.concat(parameters, 3)
kernel, matrix = normal(4, 4, 3, 3), normal(2, 8)
readers = {
    "convolution": op.convolution(op.transpose(picture, [0, 3, 1, 2]), kernel, [1, 1], [1, 1], [1, 1], [1, 1]),
    "product": op.matmul(matrix, op.reshape(picture, [1, 8, 32], False), False, False),
    "Tile": op.reshape(op.tile(op.unsqueeze(picture, 1), [1, 3, 1, 1, 1]), [3, 8, 8, 4], False),
}


def right():
    """The same in NumPy."""
    whole = np.concatenate(given, axis=3)
    padded = np.pad(whole[0].transpose(2, 0, 1), [(0, 0), (1, 1), (1, 1)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    return {
        "convolution": np.einsum("ihwyx,oiyx->ohw", windows, kernel)[None],
        "product": matrix @ whole.reshape(1, 8, 32),
        "Tile": np.repeat(whole, 3, axis=0),
    }


def wrong(names):
    model = openvino.Model([readers[name] for name in names], parameters)
    answers = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(given)
    expected = right()
    return [n for i, n in enumerate(names) if not np.allclose(answers[i], expected[n], atol=1e-3)]


for names in (["convolution"], ["convolution", "product"], ["convolution", "Tile"], list(readers)):
    said = " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
    found = wrong(names)
    print(f"{said}: " + (f"the {', '.join(found)} wrong, the others right" if found else "right"))
END
) || { echo "$0: it could not be shown" >&2; tail -n 20 "$folder/log" >&2; exit 1; }
echo "$found"
[ "$found" = "$seen" ] || { printf '%s: the behaviour is another; seen was\n%s\n' "$0" "$seen" >&2; exit 1; }
