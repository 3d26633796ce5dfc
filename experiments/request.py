"""Asks a server for a video: label map in, GIF out, from any machine.

    python experiments/request.py --label_map=label.png --model=street --output=video.gif
    python experiments/request.py --label_map=label.png --model=street --start_frame=photo.jpg --num_frames=25
    python experiments/request.py --label_map=label.png --model=street --reference=photo.jpg

A video of several chunks (--num_frames) that fails midway keeps those that are there: --resume goes on with them.
It needs no TensorFlow: pip install numpy pillow absl-py, for --protocol=grpc also grpcio protobuf, and this package
with pip install --no-deps -e .
"""

import pathlib
import time

import numpy as np
from absl import flags

from seg2vid_tf.flags import define_wait, run

LABEL_MAP = flags.DEFINE_string("label_map", None, "PNG of class ids, grey or palette", required=True)
SPEC = flags.DEFINE_string("spec", None, "the model's classes, a built-in name or a JSON file, to hold the map against")
LABEL_IDS = flags.DEFINE_string("label_ids", None, "label set of the file where it is not the spec's own, as labelIds")
COLORS = flags.DEFINE_string(
    "colors", None, "classes, grey (each channel is the id) or a colour set of the spec: the map is painted so"
)
RESIZE = flags.DEFINE_bool("resize", False, "bring the map (by nearest) and --start_frame to the model's size")
FIT = flags.DEFINE_enum(
    "fit",
    "squeeze",
    ["squeeze", "crop", "letterbox"],
    "how --resize brings what has another shape to the model's size: crop cuts it around the centre; letterbox keeps "
    "all of it and its shape, with borders that are cut off the video again",
)
MODEL = flags.DEFINE_string("model", None, "the model's name on the server", required=True)
OUTPUT = flags.DEFINE_string("output", "video.gif", "GIF to write")
ADDRESS = flags.DEFINE_string("address", "", "host:port; by default localhost, and the protocol's usual port")
PROTOCOL = flags.DEFINE_enum("protocol", "rest", ["rest", "grpc"], "REST (port 8501) or gRPC (port 8500)")
VERSION = flags.DEFINE_integer("version", None, "the model's version; the newest by default")
LABEL = flags.DEFINE_string("label", None, "label of a version, as stable")
SEED = flags.DEFINE_integer(
    "seed", 0, "what is drawn: the same seed gives the same video", lower_bound=-(2**63), upper_bound=2**63 - 1
)
START_FRAME = flags.DEFINE_string(
    "start_frame", None, "JPEG or PNG of the model's size (--resize brings it there) to animate: skips stage 1"
)
REFERENCE = flags.DEFINE_string(
    "reference", None, "JPEG or PNG whose style the start frame takes; asks --encoder for it"
)
ENCODER = flags.DEFINE_string(
    "encoder", None, "the name under which the server has the model's encoder (NAME/encoder); by default MODEL_encoder"
)
NUM_FRAMES = flags.DEFINE_integer(
    "num_frames", None, "frames after the first; the model's own number by default", lower_bound=1
)
Z_WALK = flags.DEFINE_float("z_walk", 0.0, "how far the motion changes from chunk to chunk, 0 to 1")
RESUME = flags.DEFINE_bool(
    "resume", False, "go on with the chunks that the same request left beside --output when it failed (OUTPUT.parts)"
)
TIMEOUT = flags.DEFINE_float(
    "timeout", 60.0, "longest wait for one answer, all tries together, seconds", lower_bound=0.001
)
WAIT = define_wait()
FPS = flags.DEFINE_float("fps", 8.0, "frames a second of the GIF")


def main():
    from seg2vid_tf.annotations.spec import load_spec
    from seg2vid_tf.data.fit import check_fit
    from seg2vid_tf.media import save_gif
    from seg2vid_tf.serving.client import Seg2VidClient
    from seg2vid_tf.serving.kept_answers import KeptAnswers
    from seg2vid_tf.serving.status import StatusError
    from seg2vid_tf.serving.wait import wait_for_server

    for flag in (LABEL_IDS, COLORS):
        if flag.value and not SPEC.value:
            raise ValueError(f"--{flag.name} needs --spec, the model's classes: its server does not tell them")
    check_fit(FIT.value, RESIZE.value)
    if START_FRAME.value and REFERENCE.value:
        raise ValueError("--start_frame is animated as it is, --reference says how one is painted: give one of them")
    if ENCODER.value and not REFERENCE.value:
        raise ValueError("--encoder is asked for the style of --reference, which is not given; leave it out")
    spec = load_spec(SPEC.value) if SPEC.value else None
    if not OUTPUT.value.lower().endswith(".gif"):
        raise ValueError(f"--output is a GIF, name it *.gif, received {OUTPUT.value!r}")
    address = ADDRESS.value.removeprefix("http://").rstrip("/") or "localhost"
    if ":" not in address:
        address += f":{8501 if PROTOCOL.value == 'rest' else 8500}"
    kept = KeptAnswers(pathlib.Path(f"{OUTPUT.value}.parts"), RESUME.value)
    try:
        which = PROTOCOL.value, VERSION.value, LABEL.value, TIMEOUT.value
        with Seg2VidClient(address, MODEL.value, *which, spec=spec, kept=kept) as client:
            wait_for_server(client, address, WAIT.value)
            start = time.perf_counter()
            style = None
            if REFERENCE.value:
                style = style_of_reference(address, which, client.size())
            frames = ask(client, spec, style)
    except StatusError as error:
        hint = "; is there a server? serve.py starts one" if error.code == "UNAVAILABLE" else ""
        if kept.count:
            hint += f"; the {kept.count} chunks before are kept in {kept.folder}: --resume goes on with them"
        raise ValueError(f"{address}: {error}{hint}") from error
    save_gif(frames, OUTPUT.value, FPS.value)
    kept.remove()
    print(f"{OUTPUT.value}: {len(frames)} frames, seed {SEED.value}, {time.perf_counter() - start:.2f} s")


def style_of_reference(address, which, size):
    """float32 [S]: the style of --reference, as the model's encoder on the server says; size: the model's."""
    from seg2vid_tf.data.pictures import read_frame, resize_frame
    from seg2vid_tf.serving.client import Seg2VidClient
    from seg2vid_tf.serving.status import StatusError

    name = ENCODER.value or f"{MODEL.value}_encoder"
    reference = resize_frame(read_frame(pathlib.Path(REFERENCE.value)), size)
    try:
        with Seg2VidClient(address, name, *which) as encoder:
            return encoder.predict("encode_style", {"reference": reference[None]})["style"][0]
    except StatusError as error:
        if error.code != "NOT_FOUND":
            raise
        raise ValueError(
            f"the server has no model {name!r} to encode --reference: serve the model's encoder, "
            "saved_models/NAME/encoder, as a model of its own and name it by --encoder (serving/README.md, Versions)"
        ) from error


def ask(client, spec, style):
    """uint8 [T+1, H, W, 3]: the first chunk, and as many more as --num_frames needs."""
    from seg2vid_tf.annotations.color_map import read_told_map
    from seg2vid_tf.annotations.label_map import resize_label_map
    from seg2vid_tf.data.fit import content, fitted
    from seg2vid_tf.data.pictures import read_frame, resize_frame
    from seg2vid_tf.serving.status import StatusError

    label_map, start_frame, kept = LABEL_MAP.value, START_FRAME.value, (slice(None), slice(None))
    if LABEL_IDS.value or COLORS.value:
        # A palette file's indices are ids, unless its colours are asked for.
        told = {"label_ids": LABEL_IDS.value, "colors": COLORS.value, "palette": COLORS.value is None}
        label_map = read_told_map(label_map, spec, **told)
    if RESIZE.value:
        size, label_map = client.size(), client.read_label_map(label_map)
        kept = content(label_map.shape, size, FIT.value)
        label_map = fitted(label_map, size, FIT.value, resize_label_map)
        if start_frame is not None:
            start_frame = read_frame(pathlib.Path(start_frame))
            if content(start_frame.shape[:2], size, FIT.value) != kept:
                raise ValueError("--start_frame and --label_map have not one shape, which --fit=letterbox needs")
            start_frame = fitted(start_frame, size, FIT.value, resize_frame)
    if style is not None:
        start_frame = client.paint(label_map, style, SEED.value)
    try:
        chunks = list(client.video(label_map, SEED.value, NUM_FRAMES.value, start_frame, Z_WALK.value))
    except StatusError as error:
        if error.code == "INVALID_ARGUMENT":
            check_size(LABEL_MAP, client.read_label_map(label_map).shape, client.size())
            if isinstance(start_frame, str):
                check_size(START_FRAME, read_frame(pathlib.Path(start_frame)).shape[:2], client.size())
        raise
    return np.concatenate(chunks)[:, kept[0], kept[1]]


def check_size(flag, found, size):
    """Says what a map or a picture that was refused for its size lacks.

    Raises:
      ValueError: found, (height, width) of what the flag names, is not size, the model's.
    """
    if found != size:
        raise ValueError(
            f"--{flag.name} is {found[0]} x {found[1]} (height x width), the model on the server takes {size[0]} x "
            f"{size[1]}: give --resize to bring it there, and --fit=crop or letterbox to keep its shape"
        )


if __name__ == "__main__":
    run(main)
