"""Seeds mean the same where XLA compiles the graph, as TF_XLA_FLAGS makes it do for any program: the whole video."""

import numpy as np

from tests.programs import run_python
from tests.stacks import on_second_stack

pytestmark = on_second_stack

# Every cluster that XLA can take; its first one is logged.
BY_XLA = {
    "TF_XLA_FLAGS": "--tf_xla_auto_jit=2 --tf_xla_cpu_global_jit --tf_xla_min_cluster_size=4",
    "TF_CPP_MIN_LOG_LEVEL": "0",
}
# All that seeds draw, style, motion and the start frame's noise, is drawn inside this signature.
SERVE = """
import sys
import numpy as np
import tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
inputs = np.load(sys.argv[2])
seeds = tf.constant(inputs["seed"])
maps = tf.constant([tf.io.encode_png(m[..., None]).numpy() for m in inputs["label_map"]])
files = model.signatures["serving_default"](label_map_png=maps, seed=seeds)["frames_bytes"]
np.save(sys.argv[3], [[tf.io.decode_png(file).numpy() for file in video] for video in files])
"""


def test_a_seed_gives_the_same_video_compiled_or_not(saved_model, tmp_path):
    label_map = np.zeros((3, 32, 64), np.uint8)
    label_map[:, :14], label_map[:, 16:24, 20:34] = 6, 8
    np.savez(tmp_path / "inputs.npz", label_map=label_map, seed=np.array([3, -4, 2**40]))
    videos = []
    for name, env in (("plain", {}), ("compiled", BY_XLA)):
        done = run_python("-c", SERVE, saved_model, tmp_path / "inputs.npz", tmp_path / f"{name}.npy", env=env)
        assert done.returncode == 0, done.stderr
        assert ("Compiled cluster using XLA" in done.stderr) == (name == "compiled"), done.stderr
        videos.append(np.load(tmp_path / f"{name}.npy").astype(int))
    assert np.abs(videos[0] - videos[1]).max() <= 1, "grey levels"
    assert min(np.abs(videos[0][i] - videos[1][j]).max() for i in range(3) for j in range(3) if i != j) > 20
