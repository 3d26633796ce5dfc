r"""Makes videos in bulk: label maps x seeds -> MP4s, PNG frames or a TFRecord split to train on, with a manifest.

Every label map of a folder and its sub-folders, four videos each, by two processes of this machine:
    python experiments/generate_dataset.py --preset=cityscapes --input=my_maps --seeds=0..3 --workers=2 \
        --output=out/videos
Rendered streets instead, as a split that the training programs read:
    python experiments/generate_dataset.py --preset=synthetic_street --scenes=0..1999 --format=tfrecord \
        --output=data/made/train
The maps of a prepared split's clips, by a cluster whose workers see the same disk:
    python experiments/generate_dataset.py --saved_model=/shared/models/city --input=/shared/data/city/train \
        --output=/shared/made --runner=FlinkRunner --beam_flags=--flink_master=host:8081

Apache Beam (the extra "beam") shares the work out. The bytes are the same whatever the runner, the number of workers
or how often the job was stopped, on CPUs of one kind. A map that cannot be used is left out and named in manifest.json,
with the reason; that file says of each clip what it was made of. A job that was stopped goes on with the same command;
the output folder appears when all is there, until then the clips are in .<name>.unfinished beside it.
"""

import contextlib
import json
import pathlib
import re
import sys

from absl import flags

from seg2vid_tf.flags import define_beam_flags, one_given, run

INPUT = flags.DEFINE_string("input", None, "folder of label maps, or a prepared split: frame 0's map of each clip")
PATTERN = flags.DEFINE_string(
    "pattern", "*.png", "which files of --input are label maps, as '*_labelIds.png' or 'label/*.png'"
)
SCENES = flags.DEFINE_string(
    "scenes", None, "instead of --input, rendered streets, or drawn persons for a model of poses: numbers, as --seeds"
)
OUTPUT = flags.DEFINE_string("output", None, "new folder for the clips and manifest.json", required=True)
FORMAT = flags.DEFINE_enum(
    "format",
    "mp4",
    ["mp4", "png", "tfrecord"],
    "a file a clip, a folder of frames a clip, or shards that the training programs read as a split",
)
SAVED_MODEL = flags.DEFINE_string("saved_model", None, "model folder (newest version) or version folder")
PRESET = flags.DEFINE_string("preset", None, "model that comes with the project, instead of --saved_model")
SEEDS = flags.DEFINE_string("seeds", "0", "seeds of each map's videos: 0..3 or 0,5,7 or both")
LABEL_IDS = flags.DEFINE_string("label_ids", None, "label set of the maps where it is not the spec's own, as labelIds")
PALETTE = flags.DEFINE_bool("palette", False, "read palette PNGs' indices as class ids")
COLORS = flags.DEFINE_string(
    "colors", None, "classes, grey (each channel is the id) or a colour set of the spec: the maps are painted so"
)
RESIZE = flags.DEFINE_bool("resize", False, "bring maps of another size to the model's (nearest neighbour)")
FIT = flags.DEFINE_enum(
    "fit",
    "squeeze",
    ["squeeze", "crop", "letterbox"],
    "how --resize brings maps of another shape to the model's size, as in generate.py",
)
INSTANCE_MAPS = flags.DEFINE_string(
    "instance_maps", None, "folder of instance maps under the label maps' names, for a model that reads them"
)
NUM_FRAMES = flags.DEFINE_integer(
    "num_frames", None, "frames after the start frame, the model's own number by default", lower_bound=1
)
Z_WALK = flags.DEFINE_float(
    "z_walk", 0.0, "how far the motion changes from chunk to chunk, 0 to 1", lower_bound=0.0, upper_bound=1.0
)
TEMPERATURE = flags.DEFINE_float(
    "temperature",
    None,
    "how much drawn motions differ: 0 not at all, 1 as much as the model expects; default: the model's own",
    lower_bound=0.0,
)
FPS = flags.DEFINE_float("fps", 8.0, "frames a second of MP4s")
IMAGE_FORMAT = flags.DEFINE_enum("image_format", "png", ["png", "jpeg"], "how tfrecord stores frames")
QUALITY = flags.DEFINE_integer("quality", 95, "JPEG quality (--image_format=jpeg)", lower_bound=1, upper_bound=100)
BATCH_SIZE = flags.DEFINE_integer("batch_size", 8, "videos that a worker makes at once", lower_bound=1)
CLIPS_PER_SHARD = flags.DEFINE_integer(
    "clips_per_shard", 32, "clips in one piece of work, which is what a stop may lose", lower_bound=1
)
WORKERS = flags.DEFINE_integer("workers", 1, "processes on this machine, a core and 1 GB each", lower_bound=1)
THREADS = flags.DEFINE_integer(
    "threads", 1, "TensorFlow's threads in each worker; another number may give other bytes", lower_bound=1
)
RUNNER = flags.DEFINE_string("runner", "DirectRunner", "DirectRunner, FlinkRunner, SparkRunner, DataflowRunner")
BEAM_FLAGS = define_beam_flags()
_MOST_TOLD = 10
# {flag: with what value of which other flag it means something}.
_ONLY_WITH = {"fps": ("format", "mp4"), "image_format": ("format", "tfrecord"), "quality": ("image_format", "jpeg")}


def main():
    _check_flags()
    seeds = numbers("seeds", SEEDS.value)
    target = pathlib.Path(OUTPUT.value)
    from seg2vid_tf.annotations.spec import AnnotationSpec
    from seg2vid_tf.export_folder import newest_version, preset_folder, read_description

    flag = one_given(SAVED_MODEL, PRESET)
    model = newest_version(preset_folder(PRESET.value) if flag is PRESET else pathlib.Path(SAVED_MODEL.value))
    description = read_description(model)
    spec, size = AnnotationSpec.from_json(description["spec"]), tuple(description["size"])
    maps = _maps(spec, size, description["instance_boundary"])
    print(f"{len(maps.names)} label maps x {len(seeds)} seeds; loading TensorFlow ...", file=sys.stderr, flush=True)
    from seg2vid_tf.bulk.bulk_job import run_job  # a mistake above is told at once
    from seg2vid_tf.bulk.generated_clips import GeneratedClips
    from seg2vid_tf.bulk.video_writer import VideoWriter
    from seg2vid_tf.data.shard_writer import ShardWriter

    source = GeneratedClips(
        maps,
        model,
        seeds,
        num_frames=NUM_FRAMES.value,
        z_walk=Z_WALK.value,
        temperature=TEMPERATURE.value,
        batch_size=BATCH_SIZE.value,
        threads=THREADS.value,
    )
    # Any number of inputs may be refused.
    common = {"clips_per_shard": CLIPS_PER_SHARD.value, "max_bad_clips": len(source)}
    where = (source, target.absolute().parent, target.absolute().name)
    if FORMAT.value == "tfrecord":
        writer = ShardWriter(*where, **common, image_format=IMAGE_FORMAT.value, quality=QUALITY.value)
    else:
        writer = VideoWriter(*where, **common, video_format=FORMAT.value, fps=FPS.value)
    _report(run_job(writer, RUNNER.value, BEAM_FLAGS.value, WORKERS.value), source)


def numbers(flag: str, text: str) -> list[int]:
    """ "0..3,7" -> [0, 1, 2, 3, 7].

    Raises:
      ValueError: it is no such list, or has a number twice.
    """
    found = []
    for part in text.split(","):
        ends = re.fullmatch(r"\s*(-?\d+)(?:\.\.(-?\d+))?\s*", part)
        if ends is None:
            raise ValueError(f"--{flag} takes numbers, as 0..3 or 0,5,7, received {text!r}")
        first, last = int(ends[1]), int(ends[2] or ends[1])
        if last < first:
            raise ValueError(f"--{flag}: {part!r} ends before it begins")
        found += range(first, last + 1)
    if len(set(found)) < len(found):
        raise ValueError(f"--{flag} names a number twice: {text!r}")
    return found


def _check_flags():
    from seg2vid_tf.data.fit import check_fit

    one_given(INPUT, SCENES)
    for name, (other, value) in _ONLY_WITH.items():
        if flags.FLAGS[name].present and flags.FLAGS[other].value != value:
            raise ValueError(f"--{name} means nothing without --{other}={value}; leave it out")
    if INPUT.value and not pathlib.Path(INPUT.value).is_dir():
        raise ValueError(f"--input: no folder {INPUT.value!r}")
    if INSTANCE_MAPS.value and not pathlib.Path(INSTANCE_MAPS.value).is_dir():
        raise ValueError(f"--instance_maps: no folder {INSTANCE_MAPS.value!r}")
    check_fit(FIT.value, RESIZE.value)
    if FIT.value == "letterbox" and FORMAT.value == "tfrecord":
        raise ValueError(
            "--fit=letterbox cuts clips to their maps' shapes, and a split has one size: --fit=crop keeps it"
        )
    if PALETTE.value and COLORS.value:
        raise ValueError("a palette's indices are ids, or its colours are: leave out --palette or --colors")
    if WORKERS.value > 1 and RUNNER.value != "DirectRunner":
        raise ValueError(f"--workers are of this machine: {RUNNER.value} has flags of its own for them (--beam_flags)")


def _say_what_the_first_shows(maps, spec):
    """So that files whose ids are of another kind are seen before they are thousands of videos."""
    from seg2vid_tf.annotations.label_map import shown_classes

    with contextlib.suppress(ValueError, OSError):  # the job counts it as refused, and says why
        shown = shown_classes(maps.read(maps.names[0]).label_map, spec)
        print(f"the first, {maps.names[0]}, shows {shown}", file=sys.stderr)


def _is_split(manifest):
    """Whether a file is a prepared split's manifest: other programs call theirs so, too."""
    try:
        return "schema_version" in json.loads(manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError):
        return False


def _maps(spec, size, reads_instances):
    """The MapSource that the flags name."""
    from seg2vid_tf.bulk.map_sources import FolderMaps, SceneMaps, SplitMaps, Told

    is_split = bool(INPUT.value) and _is_split(pathlib.Path(INPUT.value) / "manifest.json")
    if SCENES.value or is_split:
        of_files = (LABEL_IDS, PALETTE, COLORS, PATTERN, INSTANCE_MAPS, *(() if is_split else (RESIZE, FIT)))
        for flag in of_files:
            if flag.present:
                what = "a prepared split" if is_split else "--scenes"
                raise ValueError(f"--{flag.name} says something of files, and {what} has none; leave it out")
    if SCENES.value:
        scenes = numbers("scenes", SCENES.value)
        if scenes[0] < 0:
            raise ValueError(f"--scenes are 0 or more, received {SCENES.value!r}")
        return SceneMaps(scenes, spec, size, reads_instances)
    told = Told(LABEL_IDS.value, PALETTE.value, COLORS.value, RESIZE.value, FIT.value)
    if is_split:
        return SplitMaps(pathlib.Path(INPUT.value), spec, size, told, reads_instances)
    if reads_instances != bool(INSTANCE_MAPS.value):
        fix = "give --instance_maps" if reads_instances else "leave --instance_maps out"
        raise ValueError(f"this model reads {'' if reads_instances else 'no '}instance maps: {fix}")
    instances = pathlib.Path(INSTANCE_MAPS.value) if INSTANCE_MAPS.value else None
    maps = FolderMaps(pathlib.Path(INPUT.value), spec, size, PATTERN.value, told, instances)
    _say_what_the_first_shows(maps, spec)
    return maps


def _report(manifest, source):
    refused = {source.recording(bad["clip_id"]): bad["error"] for bad in manifest["bad_clips"]}
    for name, error in list(refused.items())[:_MOST_TOLD]:
        print(f"refused {name}: {error}", file=sys.stderr)
    if len(refused) > _MOST_TOLD:
        print(f"and {len(refused) - _MOST_TOLD} more, all under bad_clips in manifest.json", file=sys.stderr)
    remarks = {}
    for remark in manifest["remarks"]:
        remarks.setdefault(remark["remark"], []).append(remark["clip_id"])
    for remark, clip_ids in list(remarks.items())[:_MOST_TOLD]:
        more = f" and {len(clip_ids) - 1} more" if len(clip_ids) > 1 else ""
        print(f"note: {clip_ids[0]}{more}: {remark}", file=sys.stderr)
    inputs = len({source.recording(clip_id) for clip_id in source.clip_ids})
    print(
        f"{OUTPUT.value}: {manifest['num_clips']} clips, {manifest['num_frames']} frames by {source.model}, "
        f"{len(refused)} of {inputs} inputs refused"
    )


if __name__ == "__main__":
    run(main)
