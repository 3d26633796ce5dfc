"""Makes videos from one label map.

    python experiments/generate.py --preset=synthetic_street --label_map=label.png --output=out --num_videos=4

Writes video.gif and video.mp4 (several videos side by side), frames/<video>/<frame>.png and flow.png.
An earlier call's frames in the same folder are replaced, those of further videos removed.

Another style for the same motion, the same --seed: --style_seed=5 draws one, --reference=photo.jpg takes a photo's, and
--restyle=car,building gives those classes alone the style of --restyle_seed (of the presets, cityscapes can do that).
"""

import contextlib
import functools
import pathlib
import warnings

import numpy as np
from absl import flags

from seg2vid_tf.flags import one_given, run

LABEL_MAP = flags.DEFINE_string("label_map", None, "PNG of class ids", required=True)
OUTPUT = flags.DEFINE_string("output", None, "folder for the results", required=True)
SAVED_MODEL = flags.DEFINE_string("saved_model", None, "model folder (newest version) or version folder")
RUN_DIR = flags.DEFINE_string("run_dir", None, "folder of a trained run, instead of --saved_model")
PRESET = flags.DEFINE_string("preset", None, "model that comes with the project, instead of --saved_model")
ONNX = flags.DEFINE_string("onnx", None, "what export.py --format=onnx wrote, instead: runs without TensorFlow")
OPENVINO = flags.DEFINE_string("openvino", None, "what export.py --format=openvino wrote, instead")
SEED = flags.DEFINE_integer("seed", 0, "seed of the first video; each further video takes the next one")
NUM_VIDEOS = flags.DEFINE_integer("num_videos", 1, "how many videos", lower_bound=1)
LABEL_IDS = flags.DEFINE_string("label_ids", None, "label set of the file where it is not the spec's own, as labelIds")
RESIZE = flags.DEFINE_bool("resize", False, "bring maps of another size to the model's (nearest neighbour)")
FIT = flags.DEFINE_enum(
    "fit",
    "squeeze",
    ["squeeze", "crop", "letterbox"],
    "how --resize brings maps and pictures of another shape to the model's size: crop cuts them around the centre; "
    "letterbox keeps all of them and their shape, with borders that are cut off the video again",
)
START_FRAME = flags.DEFINE_string("start_frame", None, "picture to animate: skips stage 1")
REFERENCE = flags.DEFINE_string("reference", None, "picture whose style the start frame takes")
STYLE_SEED = flags.DEFINE_integer("style_seed", None, "seed of the start frame's style, instead of each video's own")
RESTYLE = flags.DEFINE_list(
    "restyle",
    [],
    "classes that take the style of --restyle_seed, by name, which may differ little: try several; needs TensorFlow "
    "and a run, or an export that says how large its networks are, as the preset cityscapes does",
)
RESTYLE_SEED = flags.DEFINE_integer("restyle_seed", 1000, "seed of the style of the --restyle classes")
INSTANCE_MAP = flags.DEFINE_string("instance_map", None, "8- or 16-bit PNG of instance numbers, 0 = none")
PALETTE = flags.DEFINE_bool("palette", False, "read a palette PNG's indices as class ids")
COLORS = flags.DEFINE_string(
    "colors", None, "classes, grey (each channel is the id) or a colour set of the spec: the map is painted so"
)
FLOW_OUT = flags.DEFINE_string("flow_out", None, "folder for the flow, each way, as .flo files and as colours")
NUM_FRAMES = flags.DEFINE_integer(
    "num_frames",
    None,
    "frames after the start frame, the model's own number by default; more come chunk by chunk",
    lower_bound=1,
)
Z_WALK = flags.DEFINE_float(
    "z_walk",
    0.0,
    "how far the motion changes from chunk to chunk, 0 to 1 (drawn anew)",
    lower_bound=0.0,
    upper_bound=1.0,
)
TEMPERATURE = flags.DEFINE_float(
    "temperature",
    None,
    "how much drawn motions differ: 0 not at all, 1 as much as the model expects; default: the model's own",
    lower_bound=0.0,
)
MOTION_OF = flags.DEFINE_string(
    "motion_of", None, "sequence folder (image/ and label/) whose first frames' motion to take"
)
MOTION_LABEL_IDS = flags.DEFINE_string(
    "motion_label_ids", None, "label set of --motion_of's maps where it is not the spec's own, as labelIds"
)
MOTION_COLORS = flags.DEFINE_string("motion_colors", None, "as --colors, of --motion_of's maps")
INTERPOLATE_TO = flags.DEFINE_integer(
    "interpolate_to", None, "seed: the videos move, one after the other, from --seed's motion to this one's"
)
VISIBILITY_OUT = flags.DEFINE_string("visibility_out", None, "folder for the masks of what is seen in both frames")
FPS = flags.DEFINE_float("fps", 8.0, "frames a second of the GIF and the MP4")
FORMATS = flags.DEFINE_list("formats", ["gif", "mp4", "png", "flow"], "what to write, of gif, mp4, png, flow")


def main():
    check_flags()
    from seg2vid_tf.annotations.doubts import warn_of_absent
    from seg2vid_tf.data.fit import content

    spec, size = spec_and_size()
    label_map, shape = read_label_map(spec, size)
    given = pictures(shape, size)
    # Before anything is loaded.
    warn_of_absent(label_map, spec, spec.class_ids(RESTYLE.value, "--restyle"))
    print("loading the model ...", flush=True)
    pipe = load_pipeline()
    print("making the videos ...", flush=True)
    with doubts_told():
        if RESTYLE.value:
            looks = RESTYLE.value, RESTYLE_SEED.value, SEED.value
            given = {"start_frame": pipe.restyled_start_frame(label_map, *looks, **given)}
        elif INTERPOLATE_TO.value is not None and START_FRAME.value is None:
            # One picture for all videos: only their motions differ.
            given = {"start_frame": pipe(label_map, seed=SEED.value, num_frames=1, **given).start_frame[0]}
    given |= {"num_frames": NUM_FRAMES.value, "z_walk": Z_WALK.value, "temperature": TEMPERATURE.value}
    given["z"] = chosen_motion(pipe, label_map)
    with doubts_told():
        out = pipe(label_map, seed=SEED.value, num_videos=NUM_VIDEOS.value, **given)
    out = out.part(*content(shape, size, FIT.value))
    write(out)
    print(f"{number(len(out.frames), 'video')} of {out.frames.shape[1]} frames, {drawn_by()}: {OUTPUT.value}")


def check_flags():
    """What the flags alone show to be wrong is told before anything is read or loaded."""
    from seg2vid_tf import media
    from seg2vid_tf.data.fit import check_fit

    unknown = set(FORMATS.value) - {"gif", "mp4", "png", "flow"}
    if unknown:
        raise ValueError(f"--formats knows gif, mp4, png and flow, received {sorted(unknown)}")
    if MOTION_OF.value and TEMPERATURE.value is not None and not Z_WALK.value:
        raise ValueError("--temperature means nothing with --motion_of, which draws no motion; leave it out")
    if MOTION_OF.value and INTERPOLATE_TO.value is not None:
        raise ValueError("--motion_of and --interpolate_to both say how to move: give one")
    if INTERPOLATE_TO.value is not None and NUM_VIDEOS.value < 2:
        raise ValueError("--interpolate_to is the last of several videos' seeds: give --num_videos of at least 2")
    if MOTION_OF.value and not pathlib.Path(MOTION_OF.value).is_dir():
        raise ValueError(f"--motion_of: no folder {MOTION_OF.value!r}")
    for flag in (MOTION_LABEL_IDS, MOTION_COLORS):
        if flag.value and not MOTION_OF.value:
            raise ValueError(f"--{flag.name} says what the maps of --motion_of are, which is not given; leave it out")
    check_styles()
    check_fit(FIT.value, RESIZE.value)
    for flag in (LABEL_MAP, START_FRAME, REFERENCE, INSTANCE_MAP):
        if flag.value and not pathlib.Path(flag.value).is_file():
            raise ValueError(f"--{flag.name}: no file {flag.value!r}")
    folder = pathlib.Path(OUTPUT.value)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"--output is a folder, and {folder} is a file: name another")
    if {"gif", "mp4"} & set(FORMATS.value):
        media.check_fps(FPS.value)
    if "mp4" in FORMATS.value:
        media.require_mp4()


def check_styles():
    """Refuses flags that contradict each other on the start frame's style, and --restyle where the model cannot.

    Raises:
      ValueError: it names them.
    """
    if RESTYLE.value and (ONNX.value or OPENVINO.value):
        raise ValueError("--restyle needs the networks of --saved_model, --preset or --run_dir: give one of those")
    if RESTYLE.value:
        check_restyle()
    if REFERENCE.value and STYLE_SEED.value is not None:
        raise ValueError("--reference and --style_seed both say which style the start frame has: give one of them")
    if START_FRAME.value and (STYLE_SEED.value is not None or RESTYLE.value or REFERENCE.value):
        raise ValueError(_instead_of_start_frame())
    if RESTYLE_SEED.present and not RESTYLE.value:
        raise ValueError("--restyle_seed is the style of --restyle's classes, which are not given; leave it out")


def check_restyle():
    """Raises ValueError where the model's own document shows that it cannot paint some classes in another look."""
    from seg2vid_tf.export_folder import can_restyle, model_name, read_description, restyle_refusal

    folder = export_folder()
    if folder is not None and not can_restyle(read_description(folder)):
        raise ValueError(f"--restyle: {restyle_refusal(model_name(folder))}")


def takes_reference():
    """Whether the model paints in a photo's style, as far as its own document says: a run's is not read for it."""
    from seg2vid_tf.export_folder import may_take_style, read_description

    folder = export_folder()
    return folder is None or may_take_style(read_description(folder))


def _instead_of_start_frame():
    """Why --start_frame has no other look, and the flags, of those that were given, that paint one."""
    given = {"style_seed": STYLE_SEED.value is not None, "restyle": RESTYLE.value, "reference": REFERENCE.value}
    named = ", ".join(f"--{name}" for name, value in given.items() if value)
    message = f"--start_frame's picture keeps its look, which {named} would change: leave out --start_frame or {named}"
    if given["reference"] or not takes_reference():
        return message
    message += f"; to have it painted in the photo's style: --reference={START_FRAME.value} instead of --start_frame"
    message += ", and no --style_seed" if given["style_seed"] else ""
    return message + (f", and --restyle={','.join(RESTYLE.value)} as it is" if given["restyle"] else "")


def read_label_map(spec, size):
    """(uint8 [H,W] at the model's size, (height, width) of the file's own)."""
    from seg2vid_tf.annotations.doubts import read_doubted_map, warn_of_doubts
    from seg2vid_tf.annotations.label_map import shown_classes
    from seg2vid_tf.data.fit import map_at

    told = {"label_ids": LABEL_IDS.value, "palette": PALETTE.value, "colors": COLORS.value}
    label_map = read_doubted_map(LABEL_MAP.value, spec, **told)
    print(f"{LABEL_MAP.value}: {label_map.shape[0]} x {label_map.shape[1]} (height x width), read as {_read_as(spec)}")
    print(f"it shows {shown_classes(label_map, spec)}")
    warn_of_doubts(label_map, spec, LABEL_MAP.value)
    return map_at(label_map, size, FIT.value, RESIZE.value, LABEL_MAP.value), label_map.shape


@contextlib.contextmanager
def doubts_told():
    """For calls of the pipeline with a map whose doubts were told: it would tell them again, while it works."""
    from seg2vid_tf.annotations.doubts import MapWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MapWarning)
        yield


def _read_as(spec):
    """What the map's numbers, or colours, were taken for."""
    if COLORS.value:
        return f"painted, --colors={COLORS.value} of {spec.name}"
    if LABEL_IDS.value:
        return f"numbers of {spec.name}'s label set {LABEL_IDS.value}"
    first, last = spec.classes[0], spec.classes[-1]
    return f"ids of {spec.name}, {first.id} {first.name} to {last.id} {last.name}"


def write(out):
    """The videos, and what goes with them, as --formats and the other flags of files say."""
    from seg2vid_tf import media

    folder = pathlib.Path(OUTPUT.value)
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


def number(count, what):
    return f"{count} {what}" + ("s" if count > 1 else "")


def drawn_by():
    """What start frames and motions came from, for people."""
    first, last = SEED.value, SEED.value + NUM_VIDEOS.value - 1
    seeds = f"seed {first}" if first == last else f"seeds {first} to {last}"
    if INTERPOLATE_TO.value is not None:
        return f"motions from seed {first}'s to seed {INTERPOLATE_TO.value}'s"
    return f"{seeds}, motion of {MOTION_OF.value}" if MOTION_OF.value else seeds


def spec_and_size():
    """What the model says of label maps in its own document, read without TensorFlow."""
    from seg2vid_tf.annotations.spec import AnnotationSpec
    from seg2vid_tf.export_folder import read_description
    from seg2vid_tf.run_folder import RunFolder

    folder = export_folder()
    if folder is None:
        config, spec = RunFolder(pathlib.Path(RUN_DIR.value) / "motion").load("motion")
        return spec, (config.model.height, config.model.width)
    description = read_description(folder)
    return AnnotationSpec.from_json(description["spec"]), tuple(description["size"])


def export_folder():
    """The version folder of the model that the flags name; None of a run."""
    from seg2vid_tf.export_folder import newest_version, preset_folder

    flag = one_given(SAVED_MODEL, RUN_DIR, PRESET, ONNX, OPENVINO)
    if flag is RUN_DIR:
        return None
    if flag.name in ("onnx", "openvino"):
        from seg2vid_tf.serving.converted import converted_folder

        return converted_folder(pathlib.Path(flag.value), flag.name)
    return newest_version(preset_folder(PRESET.value) if flag is PRESET else pathlib.Path(SAVED_MODEL.value))


def pictures(shape, size):
    """{input of the pipeline: its value} of what start frames are painted from; shape: the map's.

    Pictures and instance maps are at the model's (height, width).
    """
    from seg2vid_tf.annotations.label_map import resize_label_map
    from seg2vid_tf.data.fit import content, fitted
    from seg2vid_tf.data.pictures import TURNS, exif_orientation, read_frame, read_instance_map, resize_frame

    found = {} if STYLE_SEED.value is None else {"style_seed": STYLE_SEED.value}
    for flag in (START_FRAME, REFERENCE):
        if flag.value:
            frame, turned = read_frame(pathlib.Path(flag.value)), exif_orientation(pathlib.Path(flag.value))
            if turned != 1:
                print(f"--{flag.name}: {TURNS[turned]}, as its EXIF tag says")
            height, width = frame.shape[:2]
            if flag is START_FRAME and content((height, width), size, FIT.value) != content(shape, size, FIT.value):
                raise ValueError(
                    f"--start_frame is {height} x {width} (height x width), --label_map {shape[0]} x {shape[1]}: with "
                    "--fit=letterbox both must have one shape"
                )
            if (height, width) != size:
                print(f"--{flag.name}: {height} x {width} resized to the model's {size[0]} x {size[1]} ({FIT.value})")
            found[flag.name] = fitted(frame, size, FIT.value, resize_frame)
    if INSTANCE_MAP.value:
        path = pathlib.Path(INSTANCE_MAP.value)
        if RESIZE.value:
            found["instance_map"] = fitted(read_instance_map(path), size, FIT.value, resize_label_map)
        else:
            found["instance_map"] = read_instance_map(path, size)
    return found


def load_pipeline():
    """The pipeline of the model that the flags name; TensorFlow loads here, where that model needs it."""
    from seg2vid_tf.pipeline import Seg2VidPipeline

    if not (ONNX.value or OPENVINO.value):
        import tensorflow as tf

        # A graph that runs once or a few times: optimising it takes twice as long as running it, and saves nothing.
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    constructors = {
        "saved_model": Seg2VidPipeline.from_saved_model,
        # A picture to animate skips stage 1, which then may be missing.
        "run_dir": functools.partial(Seg2VidPipeline.from_run, start_frame=START_FRAME.value is None),
        "preset": Seg2VidPipeline.from_preset,
        "onnx": Seg2VidPipeline.from_onnx,
        "openvino": Seg2VidPipeline.from_openvino,
    }
    flag = one_given(SAVED_MODEL, RUN_DIR, PRESET, ONNX, OPENVINO)
    return constructors[flag.name](flag.value)


def chosen_motion(pipe, label_map):
    """float32 [N,Z], where a flag says how to move; None: as the seeds draw it."""
    if MOTION_OF.value:
        from seg2vid_tf.annotations.doubts import warn_of_doubts
        from seg2vid_tf.data.frame_folder import FrameFolder

        length = pipe.num_frames + 1
        told = {"label_ids": MOTION_LABEL_IDS.value, "colors": MOTION_COLORS.value}
        told["crop_to_aspect"] = FIT.value != "squeeze"
        clips = FrameFolder(MOTION_OF.value, pipe.spec, pipe.size, max_length=length, **told)
        clip = next(iter(clips))
        for remark in (*clips.remarks, *clip.remarks):
            print(f"--motion_of: {remark}")
        warn_of_doubts(clip.label_maps[0], pipe.spec, f"--motion_of={MOTION_OF.value}")
        with doubts_told():
            motion, _ = pipe.encode_motion(clip.frames, clip.label_maps[0])
        return np.repeat(motion[None], NUM_VIDEOS.value, axis=0)
    if INTERPOLATE_TO.value is not None:
        from seg2vid_tf.pipeline import interpolate_motion

        with doubts_told():
            first, last = (
                pipe.draw_motion(label_map, seed, temperature=TEMPERATURE.value)[0]
                for seed in (SEED.value, INTERPOLATE_TO.value)
            )
        return interpolate_motion(first, last, NUM_VIDEOS.value)
    return None


if __name__ == "__main__":
    run(main)
