r"""Prepares a data set: frames and label maps -> TFRecord shards with a manifest, in --output/--split.

Rendered streets, no download:
    python experiments/prepare_data.py --dataset=synthetic_street --output=data/street --split=train \
        --num_clips=256 --num_frames=5 --height=64 --width=128 --include_motion
Your own folders of frames and label maps (<input>/<sequence>/image/0000.jpg, <input>/<sequence>/label/0000.png):
    python experiments/prepare_data.py --dataset=frame_folder --input=my_frames --spec=my_classes.json \
        --output=data/mine --split=train
Cityscapes and KITTI as they are downloaded (--labels: maps that a segmenter made; stills have official ones):
    python experiments/prepare_data.py --dataset=cityscapes --input=cityscapes --official_split=train \
        --labels=my_maps --label_ids=trainIds --output=data/city --height=128 --width=256
    python experiments/prepare_data.py --dataset=kitti --layout=odometry --input=kitti --labels=my_maps \
        --label_ids=trainIds --sequences=00,01,02 --crop_to_aspect --output=data/kitti --height=128 --width=256
Cityscapes sequences in folders of their own (image/, label/, inst/), split by sequence:
    python experiments/prepare_data.py --dataset=cityscapes_seq --input=cityscapes_seq --output=data/city \
        --split=validation --sequences=seq0003
Single frames instead of sequences, split by recording, cut to the target's aspect ratio:
    python experiments/prepare_data.py --dataset=frame_folder --input=camvid_stills --spec=camvid --stills \
        --prefixes=0001TP,0016E5 --crop_to_aspect --output=data/camvid --split=train
Annotation that is made (--annotator works with every --dataset): of your own frames, <input>/<sequence>/image alone,
by a segmenter (a TFLite file or a SavedModel's folder), and of videos: a file or folder, KTH Actions (split by person),
UCF-101 (by its official lists):
    python experiments/prepare_data.py --dataset=frame_folder --input=my_frames --annotator=semantic --network=net \
        --output=data/mine --crop_to_aspect
    python experiments/prepare_data.py --dataset=video --input=drive.mp4 --annotator=semantic --network=net.tflite \
        --output=data/drive --num_frames=30 --crop_to_aspect
    python experiments/prepare_data.py --dataset=kth --input=kth --annotator=pose --network=movenet.tflite \
        --output=data/kth --split=validation --height=64 --width=64
    python experiments/prepare_data.py --dataset=ucf101 --input=UCF-101 --split_list=trainlist01.txt \
        --annotator=sketch --actions=Archery,Surfing --output=data/ucf
Persons and their skeletons (strips of frames with joints), split by person:
    python experiments/prepare_data.py --dataset=weizmann_pose --input=weizmann_pose --persons=p5,p6 \
        --height=64 --width=64 --output=data/weizmann_pose --split=validation

With --dry_run any of these says in seconds what it would read, sequence by sequence and class by class, and what is
wrong first, and writes nothing.

When something is wrong with the input, or the program is killed, there is no split yet; finished shards are kept,
and the same command goes on from them. A split that is there already is never overwritten.
"""

import collections
import dataclasses
import functools
import itertools
import pathlib
import sys
import time
from collections.abc import Callable

from absl import flags

from seg2vid_tf.files import check_new
from seg2vid_tf.flags import define_beam_flags, run

FLAGS = flags.FLAGS
# No import of the package's readers before the flags are known to be right: a mistake is told at once.

flags.DEFINE_string("input", "", "what to read: folder of sequences, strips, videos; a video")
flags.DEFINE_string("output", None, "data folder to write to", required=True)
flags.DEFINE_string("split", "train", "sub-folder of --output: train or validation, for the training programs")
flags.DEFINE_integer("height", 64, "height of the stored frames in pixels", lower_bound=1)
flags.DEFINE_integer("width", 128, "width of the stored frames in pixels", lower_bound=1)
flags.DEFINE_integer(
    "num_frames",
    0,
    "frames per clip, the first included; 0: whole sequences, or 5 for synthetic_street. With --annotator a clip is "
    "held in memory at its files' own size",
    lower_bound=0,
)
flags.DEFINE_bool("crop_to_aspect", False, "cut frames around the centre instead of stretching them")

# Which part of the input.
flags.DEFINE_list("sequences", None, "names of the sequences, drives or cities to take, comma-separated (default: all)")
flags.DEFINE_list("prefixes", None, "recordings to take, by what their files' names begin with (default: all)")
flags.DEFINE_list("exclude_prefixes", None, "recordings to leave out, by what their files' names begin with")
flags.DEFINE_list("persons", None, "persons to take: p0,p1 (weizmann_pose; default: all), 1,2 (kth; the --split's)")
flags.DEFINE_list("actions", None, "actions or classes to take: jack (weizmann_pose), boxing (kth), Archery (ucf101)")
flags.DEFINE_string("official_split", "", "train, val or test")
flags.DEFINE_string("split_list", "", "official list of what to take: trainlist01.txt (ucf101), 00sequences.txt (kth)")
flags.DEFINE_enum("layout", None, ["raw", "odometry", "semantic"], "which of KITTI's downloads --input is")
flags.DEFINE_bool("stills", False, "every frame is a clip of its own, gaps do not matter; of cityscapes, leftImg8bit")
flags.DEFINE_enum(
    "order",
    "number",
    ["number", "name"],
    "how frames follow each other: runs by the numbers or times in their names, or each folder by name, as one run",
)
flags.DEFINE_string("label_suffix", "", "what label maps' names end in behind their frames', as _mask, _train_id")
flags.DEFINE_string("image_suffix", "", "what frames' names end in where their maps' do not, as _leftImg8bit")
flags.DEFINE_integer("frame_step", 1, "take every n-th frame", lower_bound=1)
flags.DEFINE_float("fps", None, "of videos, the frames that are shown at even steps, so many a second", 0.01)
flags.DEFINE_integer("num_clips", 64, "clips to render", lower_bound=1)
flags.DEFINE_integer("first_seed", 0, "seed of the first clip; a validation split takes seeds that train has not", 0)
flags.DEFINE_bool("include_motion", False, "store exact flow and visibility too")

# Label maps: what they are, or what makes them.
flags.DEFINE_string(
    "spec",
    "",
    "classes of the label maps, a built-in name or a JSON file (synthetic_street: one that has a label set of that "
    "name; --annotator: by default cityscapes or coco_pose)",
)
flags.DEFINE_string("labels", "", "folder of the label maps, of the frames' folders' form")
flags.DEFINE_string(
    "label_ids",
    "",
    "label set of the spec that the maps are written in (cityscapes, kitti: labelIds by default), or the "
    "segmenter answers in",
)
flags.DEFINE_string(
    "colors",
    None,
    "classes, grey (each channel is the id) or a colour set of the spec, as camvid32: the maps are painted so; palette "
    "PNGs are read through their palettes",
)
flags.DEFINE_enum(
    "exif",
    None,
    ["turn", "ignore"],
    "frames that their EXIF tags turn or mirror: turn them, or leave them as stored, as their maps were drawn",
)
flags.DEFINE_bool("painted", False, "read the maps in colours, semantic_rgb")
flags.DEFINE_string("network", "", "TFLite file or SavedModel folder of the annotator's network")
flags.DEFINE_float(
    "min_score",
    None,
    "what scores less is left out, 0 to 1: joints (pose, 0.2), pixels of networks that give logits or probabilities "
    "(semantic, 0)",
    lower_bound=0.0,
    upper_bound=1.0,
)
flags.DEFINE_float(
    "edge_strength", 20.0, "grey levels per pixel that a sketch's strong edges change by; weak ones 0.4 of it", 0.1
)
flags.DEFINE_float("line_width", 3.0, "width of the limbs in pixels", lower_bound=0.1)

# How it is stored.
flags.DEFINE_enum("image_format", "png", ["png", "jpeg"], "how frames are stored; png keeps every bit")
flags.DEFINE_integer("quality", 95, "JPEG quality (--image_format=jpeg)", lower_bound=1, upper_bound=100)
flags.DEFINE_integer("clips_per_shard", 32, "clips in one shard file", lower_bound=1)
flags.DEFINE_integer(
    "max_bad_clips", 0, "clips to leave out and report because something is wrong with their files", lower_bound=0
)
flags.DEFINE_bool("dry_run", False, "say what would be read, and its first problems, and write nothing")
flags.DEFINE_string("runner", "", "prepare by Apache Beam: DirectRunner, FlinkRunner, SparkRunner, DataflowRunner")
define_beam_flags()
flags.DEFINE_integer("workers", 1, "with --runner=DirectRunner, processes on this machine", lower_bound=1)


_MOST_REMARKS = 10


@dataclasses.dataclass(frozen=True)
class DataSet:
    """A value of --dataset.

    Fields:
      read: (size, length, annotator or None) -> its ClipSource; the size is None where an annotator is to see all.
      needs: flags that must be given.
      flags: the others that it uses.
      maps: those of both that say what the given label maps are, and mean nothing with an annotator.
    """

    read: Callable
    needs: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    maps: tuple[str, ...] = ()


def _street(size, length, annotator):
    from seg2vid_tf.annotations.spec import load_spec
    from seg2vid_tf.data.clip_source import Relabelled
    from seg2vid_tf.data.synthetic_street import SyntheticStreet

    seeds = range(FLAGS.first_seed, FLAGS.first_seed + FLAGS.num_clips)
    size = (FLAGS.height, FLAGS.width)  # rendered, so an annotator sees no more at any other
    street = SyntheticStreet(seeds, length or 5, *size, with_motion=FLAGS.include_motion)
    own = street.spec
    spec = load_spec(FLAGS.spec) if FLAGS.spec and not annotator else own
    if spec == own:
        return street
    if own.name not in spec.label_sets:
        raise ValueError(
            f"--spec={FLAGS.spec}: it has no label set {own.name!r}, its ids for a rendered street's classes "
            f"(it has {sorted(spec.label_sets)}); add one to its file, or leave --spec out"
        )
    return Relabelled(street, spec, own.name)


def _of_pictures(length, annotator):
    """What the readers of picture files have in common; clips that are annotated are cut by Annotated, not by them."""
    crop = FLAGS.crop_to_aspect and not annotator
    return {"labelled": not annotator, "max_length": length, "crop_to_aspect": crop}


def _frame_folder(size, length, annotator):
    from seg2vid_tf.annotations.spec import load_spec
    from seg2vid_tf.data.frame_folder import FrameFolder

    maps = {}
    if not annotator:
        maps = {"label_ids": FLAGS.label_ids or None, "colors": FLAGS.colors, "exif": FLAGS.exif}
    return FrameFolder(
        FLAGS.input,
        annotator.spec if annotator else load_spec(FLAGS.spec),
        size,
        sequences=FLAGS.sequences,
        prefixes=FLAGS.prefixes,
        exclude_prefixes=FLAGS.exclude_prefixes,
        stills=FLAGS.stills,
        order=FLAGS.order,
        label_suffix=FLAGS.label_suffix,
        image_suffix=FLAGS.image_suffix,
        **_of_pictures(length, annotator),
        **maps,
    )


def _cityscapes(size, length, annotator):
    from seg2vid_tf.data.cityscapes import Cityscapes

    return Cityscapes(
        FLAGS.input,
        size,
        official_split=FLAGS.official_split,
        labels=FLAGS.labels or None,
        cities=FLAGS.sequences,
        stills=FLAGS.stills,
        label_ids=FLAGS.label_ids or "labelIds",
        **_of_pictures(length, annotator),
    )


def _cityscapes_seq(size, length, annotator):
    from seg2vid_tf.data.cityscapes_seq import cityscapes_seq

    return cityscapes_seq(FLAGS.input, size, sequences=FLAGS.sequences, labelled=not annotator, max_length=length)


def _kitti(size, length, annotator):
    from seg2vid_tf.data.kitti import Kitti

    return Kitti(
        FLAGS.input,
        size,
        layout=FLAGS.layout,
        labels=FLAGS.labels or None,
        sequences=FLAGS.sequences,
        label_ids=FLAGS.label_ids or "labelIds",
        painted=FLAGS.painted,
        **_of_pictures(length, annotator),
    )


def _weizmann_pose(size, length, annotator):
    from seg2vid_tf.data.weizmann_pose import WeizmannPose

    return WeizmannPose(
        FLAGS.input,
        size,
        labelled=not annotator,
        persons=FLAGS.persons,
        actions=FLAGS.actions,
        max_length=length,
        line_width=FLAGS.line_width,
    )


def _videos(find, size, length, annotator):
    from seg2vid_tf.data.video import VideoClips, not_read

    videos, ranges, remarks, recording_of = find()
    # UCF-101's lists name what is to be read.
    if FLAGS.dataset != "ucf101":
        remarks += not_read(FLAGS.input, videos, [FLAGS.split_list])
    return VideoClips(
        videos,
        annotator.spec,
        reader=FLAGS.dataset,
        max_length=length,
        frame_step=FLAGS.frame_step,
        fps=FLAGS.fps,
        ranges=ranges,
        remarks=remarks,
        recording_of=recording_of,
    )


def _any_videos():
    from seg2vid_tf.data.video import find_videos

    return find_videos(FLAGS.input), None, (), None


def _kth_videos():
    from seg2vid_tf.data.kth import PERSONS, kth_frame_ranges, kth_recording, kth_videos

    if FLAGS.persons is None and FLAGS.split not in PERSONS:
        raise ValueError(f"--split={FLAGS.split}: give --persons, or one of the splits {sorted(PERSONS)}")
    if FLAGS.persons is not None and not all(person.isdigit() for person in FLAGS.persons):
        raise ValueError(f"--persons of kth are numbers, 1 to 25, received {','.join(FLAGS.persons)}")
    persons = PERSONS[FLAGS.split] if FLAGS.persons is None else [int(person) for person in FLAGS.persons]
    videos = kth_videos(FLAGS.input, persons, FLAGS.actions)
    if FLAGS.split_list:
        return videos, kth_frame_ranges(FLAGS.split_list, videos), (), kth_recording
    pauses = "whole videos, pauses without a person too; --split_list=00sequences.txt takes the official parts"
    return videos, None, (pauses,), kth_recording


def _ucf101_videos():
    from seg2vid_tf.data.ucf101 import ucf101_recording, ucf101_videos

    return ucf101_videos(FLAGS.input, FLAGS.split_list, FLAGS.actions), None, (), ucf101_recording


DATASETS = {
    "synthetic_street": DataSet(_street, flags=("num_clips", "first_seed", "include_motion", "spec"), maps=("spec",)),
    "frame_folder": DataSet(
        _frame_folder,
        needs=("input", "spec"),
        flags=(
            *("sequences", "prefixes", "exclude_prefixes", "stills", "order", "label_suffix", "image_suffix"),
            *("label_ids", "colors", "exif", "crop_to_aspect"),
        ),
        maps=("spec", "label_ids", "colors", "exif", "label_suffix"),
    ),
    "cityscapes": DataSet(
        _cityscapes,
        needs=("input", "official_split"),
        flags=("sequences", "stills", "labels", "label_ids", "crop_to_aspect"),
        maps=("labels", "label_ids"),
    ),
    "cityscapes_seq": DataSet(_cityscapes_seq, needs=("input",), flags=("sequences",)),
    "kitti": DataSet(
        _kitti,
        needs=("input", "layout"),
        flags=("sequences", "labels", "label_ids", "painted", "crop_to_aspect"),
        maps=("labels", "label_ids", "painted"),
    ),
    "weizmann_pose": DataSet(
        _weizmann_pose, needs=("input",), flags=("persons", "actions", "line_width"), maps=("line_width",)
    ),
    "video": DataSet(
        functools.partial(_videos, _any_videos),
        needs=("input", "annotator", "num_frames"),
        flags=("frame_step", "fps", "crop_to_aspect"),
    ),
    "kth": DataSet(
        functools.partial(_videos, _kth_videos),
        needs=("input", "annotator"),
        flags=("persons", "actions", "split_list", "frame_step", "fps", "crop_to_aspect"),
    ),
    "ucf101": DataSet(
        functools.partial(_videos, _ucf101_videos),
        needs=("input", "annotator", "split_list"),
        flags=("actions", "frame_step", "fps", "crop_to_aspect"),
    ),
}
# What each annotator needs, and uses besides.
ANNOTATORS = {
    "semantic": (("network",), ("spec", "label_ids", "min_score")),
    "pose": (("network",), ("spec", "line_width", "min_score")),
    "sketch": ((), ("edge_strength",)),
}
flags.DEFINE_enum("dataset", None, list(DATASETS), "where the clips come from", required=True)
flags.DEFINE_enum("annotator", None, list(ANNOTATORS), "what makes the annotation instead of given maps")


def main():
    _refuse_unused_flags()
    check_new(pathlib.Path(FLAGS.output) / FLAGS.split)  # before every video is read through
    source = _source()
    for remark in source.remarks:
        print(f"note: {remark}", file=sys.stderr)
    if FLAGS.dry_run:
        _dry_run(source)
        return
    # Imported after the checks that need no TensorFlow, so that a mistake is told at once.
    from seg2vid_tf.data.shard_writer import ShardWriter, write_shards

    options = {
        name: FLAGS[name].value
        for name in ("clips_per_shard", "image_format", "quality", "include_motion", "max_bad_clips")
    }
    if FLAGS.runner:
        from seg2vid_tf.data.beam_writer import write_shards_with_beam

        writer = ShardWriter(source, FLAGS.output, FLAGS.split, **options)
        _report(write_shards_with_beam(writer, FLAGS.runner, FLAGS.beam_flags, FLAGS.workers), source)
        return
    total = len(source)
    started = time.monotonic()

    def progress(num_clips, num_frames, end="\r"):
        if sys.stderr.isatty() or end == "\n":
            rate = num_frames / (time.monotonic() - started)
            line = f"{num_clips}/{total} clips, {num_frames} frames, {rate:.0f} frames/s"
            print(line, end=end, file=sys.stderr, flush=True)

    manifest = write_shards(source, FLAGS.output, split=FLAGS.split, progress=progress, **options)
    progress(manifest["num_clips"], manifest["num_frames"], end="\n")
    _report(manifest, source)


def _size():
    """As every other program says sizes."""
    return f"{FLAGS.height} x {FLAGS.width} pixels (height x width)"


def _dry_run(source):
    from seg2vid_tf.data.dry_run import dry_run

    lines, bad_clips = dry_run(source)
    print("\n".join(lines))
    print(f"nothing was written; it would be {FLAGS.output}/{FLAGS.split}, of {_size()}")
    if bad_clips > FLAGS.max_bad_clips:
        raise ValueError(f"bad clips, listed above: {bad_clips}; --max_bad_clips={FLAGS.max_bad_clips} is allowed")


def _report(manifest, source):
    from seg2vid_tf.annotations.doubts import is_set_doubt
    from seg2vid_tf.data.folder_files import shown

    odd = collections.defaultdict(list)
    for remark in manifest["remarks"]:
        odd[remark["remark"]].append(remark["clip_id"])
    for remark in filter(is_set_doubt, [*odd]):
        print(f"warning: clip {shown(odd.pop(remark), 3)}: {remark}", file=sys.stderr)
    megabytes = sum(shard["bytes"] for shard in manifest["shards"]) / 1e6
    print(
        f"{FLAGS.output}/{FLAGS.split}: {manifest['num_clips']} clips, {manifest['num_frames']} frames of "
        f"{_size()}, {megabytes:.1f} MB in {len(manifest['shards'])} shards, spec {source.spec.name}"
    )
    for bad in manifest["bad_clips"]:
        print(f"left out {bad['clip_id']}: {bad['error']}", file=sys.stderr)
    for remark, clip_ids in list(odd.items())[:_MOST_REMARKS]:
        print(f"note: clip {shown(clip_ids, 3)}: {remark}", file=sys.stderr)
    if len(odd) > _MOST_REMARKS:
        print(f"note: {len(odd) - _MOST_REMARKS} more are in the manifest, check_data.py shows them", file=sys.stderr)


def _source():
    """The ClipSource of --dataset, with the maps that --annotator makes, if one is given."""
    size, length, read = (FLAGS.height, FLAGS.width), FLAGS.num_frames or None, DATASETS[FLAGS.dataset].read
    if FLAGS.annotator is None:
        return read(size, length, None)
    from seg2vid_tf.data.annotated import Annotated

    annotator = _annotator()
    cache = pathlib.Path(FLAGS.output) / ".annotations"
    clips = read(None, length, annotator)
    # Beam's workers are elsewhere.
    each = None if FLAGS.runner or not sys.stderr.isatty() else _show_annotated
    return Annotated(clips, annotator, size, crop_to_aspect=FLAGS.crop_to_aspect, cache=cache, each=each)


def _show_annotated(num_frames):
    print(f"this clip: {num_frames} frames annotated", end="\r", file=sys.stderr, flush=True)


def _annotator():
    from seg2vid_tf.annotations.spec import load_spec

    given = {} if FLAGS.min_score is None else {"min_score": FLAGS.min_score}
    if FLAGS.annotator == "sketch":
        from seg2vid_tf.data.annotators.sketch import SketchAnnotator

        return SketchAnnotator(low=0.4 * FLAGS.edge_strength, high=FLAGS.edge_strength)
    if FLAGS.annotator == "pose":
        from seg2vid_tf.data.annotators.pose import PoseAnnotator

        return PoseAnnotator(FLAGS.network, load_spec(FLAGS.spec or "coco_pose"), line_width=FLAGS.line_width, **given)
    from seg2vid_tf.data.annotators.semantic import SemanticAnnotator

    spec = load_spec(FLAGS.spec or "cityscapes")
    return SemanticAnnotator(FLAGS.network, spec, label_ids=FLAGS.label_ids or None, **given)


def _refuse_unused_flags():
    """A flag that is missing, or would be ignored, is a mistake worth a word."""
    chosen, asked = DATASETS[FLAGS.dataset], f"--dataset={FLAGS.dataset}"
    needs, used = {*chosen.needs}, {*chosen.flags}
    if FLAGS.annotator:
        asked += f" --annotator={FLAGS.annotator}"
        needed, others = ANNOTATORS[FLAGS.annotator]
        needs, used = needs - {*chosen.maps} | {*needed}, used - {*chosen.maps} | {*others, "crop_to_aspect"}
    everything = [(d.needs, d.flags) for d in DATASETS.values()] + list(ANNOTATORS.values())
    special = set(itertools.chain.from_iterable(itertools.chain.from_iterable(everything)))
    for name in sorted(special - needs - used - {"num_frames", "annotator"}):
        if FLAGS[name].present:
            raise ValueError(f"--{name} means nothing with {asked}; leave it out")
    for name in sorted(needs):
        if not FLAGS[name].value:
            why = ": a clip is held in memory as a whole" if name == "num_frames" else ", see --help"
            raise ValueError(f"{asked} needs --{name}{why}")
    for name, refused, why in (
        ("num_frames", FLAGS.stills, "--stills"),
        ("num_frames", FLAGS.layout == "semantic", "--layout=semantic, which is stills"),
        ("order", FLAGS.stills, "--stills"),
        ("frame_step", FLAGS.fps, "--fps"),
        ("label_ids", FLAGS.painted, "--painted"),
        ("beam_flags", not FLAGS.runner, "no --runner"),
        ("workers", not FLAGS.runner, "no --runner"),
        ("quality", FLAGS.image_format != "jpeg", f"--image_format={FLAGS.image_format}"),
    ):
        if FLAGS[name].present and refused:
            raise ValueError(f"--{name} means nothing with {why}; leave it out")
    for name in ("sequences", "prefixes", "exclude_prefixes", "persons", "actions"):
        twice = sorted({value for value in FLAGS[name].value or () if FLAGS[name].value.count(value) > 1})
        if twice:
            raise ValueError(f"--{name} names {', '.join(twice)} twice: name each once")
    if FLAGS.prefixes and FLAGS.exclude_prefixes:
        raise ValueError("--prefixes takes recordings and --exclude_prefixes leaves recordings out: give one of them")
    if FLAGS.labels and not FLAGS.label_ids:
        raise ValueError(
            "--labels needs --label_ids: the ids that those maps hold, trainIds (most segmenters) or labelIds"
        )
    if FLAGS.colors not in (None, "grey") and FLAGS.label_ids:
        raise ValueError("maps hold ids or colours: give --label_ids or --colors")


if __name__ == "__main__":
    run(main)
