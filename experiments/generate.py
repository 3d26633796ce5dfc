"""Makes videos from one label map.

    python experiments/generate.py --label_map=label.png --saved_model=saved_models/street --output=out --num_videos=4

Writes video.gif and video.mp4 (several videos side by side), frames/<video>/<frame>.png and flow.png.
An earlier call's frames in the same folder are replaced, those of further videos removed.
"""

import functools
import pathlib

import numpy as np
from absl import flags

from seg2vid_tf.flags import run

LABEL_MAP = flags.DEFINE_string("label_map", None, "PNG of class ids", required=True)
OUTPUT = flags.DEFINE_string("output", None, "folder for the results", required=True)
SAVED_MODEL = flags.DEFINE_string("saved_model", None, "model folder (newest version) or version folder")
RUN_DIR = flags.DEFINE_string("run_dir", None, "folder of a trained run, instead of --saved_model")
PRESET = flags.DEFINE_string("preset", None, "model that comes with the project, instead of --saved_model")
SEED = flags.DEFINE_integer("seed", 0, "seed of the first video; each further video takes the next one")
NUM_VIDEOS = flags.DEFINE_integer("num_videos", 1, "how many videos", lower_bound=1)
LABEL_IDS = flags.DEFINE_string("label_ids", None, "label set of the file where it is not the spec's own, as labelIds")
RESIZE = flags.DEFINE_bool("resize", False, "bring maps of another size to the model's (nearest neighbour)")
START_FRAME = flags.DEFINE_string("start_frame", None, "picture to animate: skips stage 1")
REFERENCE = flags.DEFINE_string("reference", None, "picture whose style the start frame takes")
INSTANCE_MAP = flags.DEFINE_string("instance_map", None, "8- or 16-bit PNG of instance numbers, 0 = none")
PALETTE = flags.DEFINE_bool("palette", False, "read a palette PNG's indices as class ids")
FLOW_OUT = flags.DEFINE_string("flow_out", None, "folder for the flow, each way, as .flo files and as colours")
NUM_FRAMES = flags.DEFINE_integer(
    "num_frames", None, "frames after the start frame, the model's own number by default; more come chunk by chunk"
)
Z_WALK = flags.DEFINE_float("z_walk", 0.0, "how far the motion changes from chunk to chunk, 0 to 1 (drawn anew)")
TEMPERATURE = flags.DEFINE_float(
    "temperature", None, "how much drawn motions differ: 0 not at all, 1 as the prior says; default: the model's own"
)
MOTION_OF = flags.DEFINE_string(
    "motion_of", None, "sequence folder (image/ and label/) whose first frames' motion to take"
)
INTERPOLATE_TO = flags.DEFINE_integer(
    "interpolate_to", None, "seed: the videos move, one after the other, from --seed's motion to this one's"
)
VISIBILITY_OUT = flags.DEFINE_string("visibility_out", None, "folder for the masks of what is seen in both frames")
FPS = flags.DEFINE_float("fps", 8.0, "frames a second of the GIF and the MP4")
FORMATS = flags.DEFINE_list("formats", ["gif", "mp4", "png", "flow"], "what to write, of gif, mp4, png, flow")


def main():
    from seg2vid_tf import media

    unknown = set(FORMATS.value) - {"gif", "mp4", "png", "flow"}
    if unknown:
        raise ValueError(f"--formats knows gif, mp4, png and flow, received {sorted(unknown)}")
    if MOTION_OF.value and TEMPERATURE.value is not None and not Z_WALK.value:
        raise ValueError("--temperature means nothing with --motion_of, which draws no motion; leave it out")
    if MOTION_OF.value and INTERPOLATE_TO.value is not None:
        raise ValueError("--motion_of and --interpolate_to both say how to move: give one")
    for flag in (LABEL_MAP, START_FRAME, REFERENCE, INSTANCE_MAP):
        if flag.value and not pathlib.Path(flag.value).is_file():
            raise ValueError(f"--{flag.name}: no file {flag.value!r}")
    folder = pathlib.Path(OUTPUT.value)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"--output is a folder, and {folder} is a file: name another")
    if "mp4" in FORMATS.value:
        media.require_mp4()

    from seg2vid_tf.annotations.label_map import read_label_map
    from seg2vid_tf.data.pictures import read_frame, read_instance_map, resize_frame
    from seg2vid_tf.pipeline import Seg2VidPipeline  # TensorFlow loads here: a mistake above is told at once.

    pipe = load_pipeline(Seg2VidPipeline)
    size = pipe.size if RESIZE.value else None
    label_map = read_label_map(LABEL_MAP.value, pipe.spec, size, LABEL_IDS.value, PALETTE.value)
    if label_map.shape != pipe.size:
        raise ValueError(
            f"{LABEL_MAP.value} is {label_map.shape}, the model takes {pipe.size}: give --resize to bring it there"
        )
    given = {}
    for flag in (START_FRAME, REFERENCE):
        if flag.value:
            frame = read_frame(pathlib.Path(flag.value))
            if frame.shape[:2] != pipe.size:
                print(f"--{flag.name}: resized from {frame.shape[:2]} to the model's {pipe.size} (height, width)")
            given[flag.name] = resize_frame(frame, pipe.size)
    if INSTANCE_MAP.value:
        given["instance_map"] = read_instance_map(pathlib.Path(INSTANCE_MAP.value), pipe.size, RESIZE.value)
    if INTERPOLATE_TO.value is not None and START_FRAME.value is None:
        # One picture for all videos: only their motions differ.
        given = {"start_frame": pipe(label_map, seed=SEED.value, num_frames=1, **given).start_frame[0]}
    given |= {"num_frames": NUM_FRAMES.value, "z_walk": Z_WALK.value, "temperature": TEMPERATURE.value}
    given["z"] = chosen_motion(pipe, label_map)
    out = pipe(label_map, seed=SEED.value, num_videos=NUM_VIDEOS.value, **given)
    if "gif" in FORMATS.value:
        out.save_gif(folder / "video.gif", FPS.value)
    if "mp4" in FORMATS.value:
        out.save_mp4(folder / "video.mp4", FPS.value)
    if "png" in FORMATS.value:
        media.remove_stale_frames(folder / "frames", *out.frames.shape[:2])
        out.save_frames(folder / "frames")
    if "flow" in FORMATS.value:
        out.save_flow(folder / "flow.png")
    if FLOW_OUT.value:
        out.save_flow_files(FLOW_OUT.value)
    if VISIBILITY_OUT.value:
        out.save_visibility(VISIBILITY_OUT.value)
    print(f"{len(out.frames)} videos of {out.frames.shape[1]} frames, seeds from {SEED.value}: {folder}")


def load_pipeline(pipeline_class):
    """The pipeline that exactly one of the three flags names."""
    given = [f for f in (SAVED_MODEL, RUN_DIR, PRESET) if f.value]
    if len(given) != 1:
        raise ValueError(
            f"give exactly one of --saved_model, --run_dir and --preset, received {[f.name for f in given]}"
        )
    constructors = {
        "saved_model": pipeline_class.from_saved_model,
        # A picture to animate skips stage 1, which then may be missing.
        "run_dir": functools.partial(pipeline_class.from_run, start_frame=START_FRAME.value is None),
        "preset": pipeline_class.from_preset,
    }
    return constructors[given[0].name](given[0].value)


def chosen_motion(pipe, label_map):
    """float32 [N,Z], where a flag says how to move; None: as the seeds draw it."""
    if MOTION_OF.value:
        from seg2vid_tf.data.frame_folder import FrameFolder

        length = pipe.num_frames + 1
        clips = FrameFolder(MOTION_OF.value, pipe.spec, pipe.size, label_ids=LABEL_IDS.value, max_length=length)
        clip = next(iter(clips))
        motion, _ = pipe.encode_motion(clip.frames, clip.label_maps[0])
        return np.repeat(motion[None], NUM_VIDEOS.value, axis=0)
    if INTERPOLATE_TO.value is not None:
        from seg2vid_tf.pipeline import interpolate_motion

        first, last = (
            pipe.draw_motion(label_map, seed, temperature=TEMPERATURE.value)[0]
            for seed in (SEED.value, INTERPOLATE_TO.value)
        )
        return interpolate_motion(first, last, NUM_VIDEOS.value)
    return None


if __name__ == "__main__":
    run(main)
