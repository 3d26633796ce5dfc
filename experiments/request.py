"""Asks a server for a video: label map in, GIF out, from any machine.

    python experiments/request.py --label_map=label.png --model=street --output=video.gif
    python experiments/request.py --label_map=label.png --model=street --start_frame=photo.jpg --num_frames=25

By REST, the default, it needs NumPy, Pillow and absl alone (pip install numpy pillow absl-py, and this package with
pip install --no-deps -e .); --protocol=grpc needs the extra "serving".
"""

import time

import numpy as np
from absl import flags

from seg2vid_tf.flags import run

LABEL_MAP = flags.DEFINE_string("label_map", None, "PNG of class ids, grey or palette", required=True)
MODEL = flags.DEFINE_string("model", None, "the model's name on the server", required=True)
OUTPUT = flags.DEFINE_string("output", "video.gif", "GIF to write")
ADDRESS = flags.DEFINE_string("address", "", "host:port; by default localhost, and the protocol's usual port")
PROTOCOL = flags.DEFINE_enum("protocol", "rest", ["rest", "grpc"], "REST (port 8501) or gRPC (port 8500)")
VERSION = flags.DEFINE_integer("version", None, "the model's version; the newest by default")
LABEL = flags.DEFINE_string("label", None, "label of a version, as stable")
SEED = flags.DEFINE_integer(
    "seed", 0, "what is drawn: the same seed gives the same video", lower_bound=-(2**63), upper_bound=2**63 - 1
)
START_FRAME = flags.DEFINE_string("start_frame", None, "JPEG or PNG of the model's size to animate: skips stage 1")
NUM_FRAMES = flags.DEFINE_integer(
    "num_frames", None, "frames after the first; the model's own number by default", lower_bound=1
)
Z_WALK = flags.DEFINE_float("z_walk", 0.0, "how far the motion changes from chunk to chunk, 0 to 1")
TIMEOUT = flags.DEFINE_float("timeout", 60.0, "of one answer, seconds", lower_bound=0.001)
FPS = flags.DEFINE_float("fps", 8.0, "frames a second of the GIF")


def main():
    from seg2vid_tf.media import save_gif
    from seg2vid_tf.serving.client import Seg2VidClient
    from seg2vid_tf.serving.status import StatusError

    if not OUTPUT.value.lower().endswith(".gif"):
        raise ValueError(f"--output is a GIF, name it *.gif, received {OUTPUT.value!r}")
    address = ADDRESS.value.removeprefix("http://").rstrip("/") or "localhost"
    if ":" not in address:
        address += f":{8501 if PROTOCOL.value == 'rest' else 8500}"
    start = time.perf_counter()
    try:
        with Seg2VidClient(address, MODEL.value, PROTOCOL.value, VERSION.value, LABEL.value, TIMEOUT.value) as client:
            frames = ask(client)
    except StatusError as error:
        raise ValueError(f"{address}: {error}") from error
    save_gif(frames, OUTPUT.value, FPS.value)
    print(f"{OUTPUT.value}: {len(frames)} frames, seed {SEED.value}, {time.perf_counter() - start:.2f} s")


def ask(client):
    """uint8 [T+1, H, W, 3]: the first chunk, and as many more as --num_frames needs."""
    if START_FRAME.value:
        frames, label_map = client.animate(START_FRAME.value, LABEL_MAP.value, SEED.value)
    else:
        frames, label_map = client.generate(LABEL_MAP.value, SEED.value)
    wanted = len(frames) if NUM_FRAMES.value is None else NUM_FRAMES.value + 1
    chunk = 0
    while len(frames) < wanted:
        chunk += 1
        more, label_map = client.go_on(frames[-1], label_map, SEED.value, chunk, Z_WALK.value)
        frames = np.concatenate([frames, more])
    return frames[:wanted]


if __name__ == "__main__":
    run(main)
