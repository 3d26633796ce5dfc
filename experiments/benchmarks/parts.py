"""Measures one part of one checkout, in this process: what against.py starts, and prints a JSON object.

    PYTHONPATH=TREE python experiments/benchmarks/parts.py --part=clip --tree=TREE --folder=scratch

It runs with the package of either checkout, so it uses only what both have.
"""

import contextlib
import http.client
import json
import pathlib
import resource
import subprocess
import sys
import time

import numpy as np
from absl import flags
from served import free_ports
from timing import gflop, median_seconds, random_batch, step_cost

from seg2vid_tf.flags import run

PART = flags.DEFINE_string("part", None, "which", required=True)
TREE = flags.DEFINE_string("tree", None, "the checkout", required=True)
FOLDER = flags.DEFINE_string("folder", None, "scratch of this checkout; holds its export", required=True)
MODEL_SIZE = flags.DEFINE_string("model_size", "small", "sizes of both stages")
REPEATS = 3
NAME = "against"
START_SECONDS = 600


def main():
    print(json.dumps(PARTS[PART.value](pathlib.Path(FOLDER.value))))


def export(folder):
    from seg2vid_tf.annotations.spec import load_spec
    from seg2vid_tf.config import START_FRAME_PRESETS, preset
    from seg2vid_tf.models.build import build_generator, build_style_encoder
    from seg2vid_tf.models.seg2vid import Seg2Vid
    from seg2vid_tf.serving.export import export as write

    spec, paint = load_spec("cityscapes"), preset(START_FRAME_PRESETS, MODEL_SIZE.value).model
    size = paint.height, paint.width
    write(
        Seg2Vid(build_generator(paint, spec), built_motion(spec), spec, size, build_style_encoder(paint)), folder, NAME
    )
    return {}


def built_motion(spec):
    """Stage 2 with a learned prior, as the shipped models have."""
    import dataclasses

    from seg2vid_tf.config import MOTION_PRESETS, preset
    from seg2vid_tf.models.build import build_motion

    return build_motion(dataclasses.replace(preset(MOTION_PRESETS, MODEL_SIZE.value).model, prior="learned"), spec)


def files(folder):
    return {"saved_model.pb, bytes": (folder / NAME / "1" / "saved_model.pb").stat().st_size}


def load(folder):
    import tensorflow as tf

    from seg2vid_tf.serving.c_api_loader import CApiLoader
    from seg2vid_tf.serving.session_loader import SessionLoader

    path, found = str(folder / NAME / "1"), {}
    for name, loader in (("session loader", SessionLoader), ("C API", CApiLoader), ("Python", tf.saved_model.load)):
        start = time.process_time()
        loader(path)
        found[f"loading, {name}, CPU s"] = time.process_time() - start
    return found


def generate(folder):
    from PIL import Image

    ids = np.random.default_rng(0).integers(0, 19, (8, 16)).astype(np.uint8)
    size = json.loads((folder / NAME / "1/assets.extra/seg2vid.json").read_text())["size"]
    Image.fromarray(np.kron(ids, np.ones((size[0] // 8, size[1] // 16), np.uint8))).save(folder / "label.png")
    command = [sys.executable, f"{TREE.value}/experiments/generate.py", f"--saved_model={folder / NAME}"]
    command += [f"--label_map={folder / 'label.png'}", f"--output={folder / 'out'}", "--formats=gif"]
    subprocess.run(command, check=True, capture_output=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"generate.py, CPU s": used.ru_utime + used.ru_stime}


def server(folder):
    ports = free_ports(2)
    command = [sys.executable, f"{TREE.value}/experiments/serve.py", "--server=local", f"--model_name={NAME}"]
    command += [f"--model_base_path={folder / NAME}", f"--port={ports[0]}", f"--rest_api_port={ports[1]}"]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not available(ports[1]):
            if process.poll() is not None or time.perf_counter() - start > START_SECONDS:
                raise ValueError(f"serve.py did not come up in {START_SECONDS} s: {' '.join(command)}")
            time.sleep(0.05)
        return {"server until AVAILABLE, s": time.perf_counter() - start}
    finally:
        process.terminate()
        process.wait(60)


def available(port):
    with contextlib.closing(http.client.HTTPConnection("localhost", port, timeout=10)) as connection:
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("GET", f"/v1/models/{NAME}")
            return b"AVAILABLE" in connection.getresponse().read()
    return False


def clip(folder):
    import tensorflow as tf

    from seg2vid_tf.annotations.spec import load_spec

    motion, inputs = built_motion(load_spec("cityscapes")), clip_inputs()
    call = lambda: motion.decode(inputs["frames"][:, 0], inputs["annotation"], tf.zeros([1, motion.latent_dim]))  # noqa: E731
    return {"clip at batch 1, GFLOP": gflop(call), "clip at batch 1, s": timed(call, "frames")}


def matching(folder):
    from seg2vid_tf.annotations.spec import load_spec

    motion, inputs = built_motion(load_spec("cityscapes")), clip_inputs()
    call = lambda: {"mean": motion.encode(inputs["frames"], inputs["annotation"]).mean()}  # noqa: E731
    return {"posterior of a clip, s": timed(call, "mean")}


def clip_inputs():
    import tensorflow as tf

    from seg2vid_tf.config import MOTION_PRESETS, preset

    model = preset(MOTION_PRESETS, MODEL_SIZE.value).model
    batch = random_batch(19, (1, model.num_frames + 1, model.height, model.width))
    return {"frames": batch["frames"], "annotation": tf.one_hot(batch["label_maps"][:, 0], 19)}


def timed(call, output):
    import tensorflow as tf

    traced = tf.function(call)
    return median_seconds(lambda: traced()[output].numpy(), REPEATS)


def motion(folder):
    return trained("MOTION_PRESETS", "motion_trainer", "MotionTrainer", 2, "stage 2")


def start_frame(folder):
    return trained("START_FRAME_PRESETS", "start_frame_trainer", "StartFrameTrainer", 4, "stage 1")


def trained(presets, module, trainer, batch_size, stage):
    """A training step's time, and what it takes of memory beyond TensorFlow."""
    import importlib

    import tensorflow as tf

    from seg2vid_tf import config as configs
    from seg2vid_tf.annotations.spec import load_spec

    spec, config = load_spec("cityscapes"), configs.preset(getattr(configs, presets), MODEL_SIZE.value)
    trainer_class = getattr(importlib.import_module(f"seg2vid_tf.training.{module}"), trainer)
    tf.zeros([1]).numpy()
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    frames = getattr(config.model, "num_frames", 0) + 1
    batch = random_batch(spec.num_classes, (batch_size, frames, config.model.height, config.model.width))
    cost = step_cost(trainer_class(config, spec), batch, REPEATS)
    step = f"{stage}, training step of batch {batch_size}"
    return {f"{step}, s": cost["seconds"], f"{step}, peak MiB": cost["peak_gib"] * 1024 - own}


def tests(folder):
    start = time.perf_counter()
    command = [sys.executable, "-m", "pytest", "tests", "-n", "auto", "--maxprocesses=4", "--dist", "worksteal"]
    done = subprocess.run(command, cwd=TREE.value, capture_output=True, text=True)
    if done.returncode:
        raise ValueError(f"the tests of {TREE.value} fail: {done.stdout[-2000:]}")
    return {"make test, s": time.perf_counter() - start}


_ALL = (export, files, load, generate, server, clip, motion, start_frame, matching, tests)
PARTS = {part.__name__: part for part in _ALL}

if __name__ == "__main__":
    run(main)
