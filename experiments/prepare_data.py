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
Videos, whose annotation is made: a file or folder, KTH Actions (split by person), UCF-101 (by its official lists):
    python experiments/prepare_data.py --dataset=video --input=drive.mp4 --annotator=semantic --network=net.tflite \
        --output=data/drive --num_frames=30 --crop_to_aspect
    python experiments/prepare_data.py --dataset=kth --input=kth --annotator=pose --network=movenet.tflite \
        --output=data/kth --split=validation --height=64 --width=64
    python experiments/prepare_data.py --dataset=ucf101 --input=UCF-101 --split_list=trainlist01.txt \
        --annotator=sketch --actions=Archery,Surfing --output=data/ucf
Persons and their skeletons (strips of frames with joints), split by person:
    python experiments/prepare_data.py --dataset=weizmann_pose --input=weizmann_pose --persons=p5,p6 \
        --height=64 --width=64 --output=data/weizmann_pose --split=validation

When something is wrong with the input, or the program is killed, there is no split yet; finished shards are kept,
and the same command goes on from them. A split that is there already is never overwritten.
"""

import pathlib
import sys
import time

from absl import flags

from seg2vid_tf.flags import run

FLAGS = flags.FLAGS

flags.DEFINE_enum(
    "dataset",
    None,
    [
        *("synthetic_street", "frame_folder", "cityscapes", "cityscapes_seq", "kitti", "weizmann_pose"),
        *("video", "kth", "ucf101"),
    ],
    "where the clips come from",
    required=True,
)
flags.DEFINE_string(
    "input", "", "what to read: folder of sequences, strips, videos; a video (all but synthetic_street)"
)
flags.DEFINE_string("output", None, "data folder to write to", required=True)
flags.DEFINE_string("split", "train", "sub-folder of --output: train or validation, for the training programs")
flags.DEFINE_integer("height", 64, "height of the stored frames in pixels", lower_bound=1)
flags.DEFINE_integer("width", 128, "width of the stored frames in pixels", lower_bound=1)
flags.DEFINE_list(
    "sequences", None, "names of the sequences, drives or cities (cityscapes) to take, comma-separated (default: all)"
)
flags.DEFINE_string(
    "colors", None, "classes, or a colour set of the spec, as camvid32: the maps are painted so (frame_folder)"
)
flags.DEFINE_string("official_split", "", "train, val or test (cityscapes)")
flags.DEFINE_string("labels", "", "folder of the label maps, of the frames' folders' form (cityscapes, kitti)")
flags.DEFINE_enum("layout", None, ["raw", "odometry", "semantic"], "which of the downloads --input is (kitti)")
flags.DEFINE_bool("painted", False, "read the maps in colours, semantic_rgb (kitti)")
flags.DEFINE_list(
    "prefixes", None, "recordings to take, by what their files' names begin with (frame_folder; default: all)"
)
flags.DEFINE_bool(
    "stills", False, "every frame is a clip of its own, gaps do not matter (frame_folder); leftImg8bit (cityscapes)"
)
flags.DEFINE_bool("crop_to_aspect", False, "cut frames around the centre instead of stretching them (files of frames)")
flags.DEFINE_string(
    "spec",
    "",
    "classes of the label maps: a built-in name or a JSON file (frame_folder; synthetic_street, in its own classes by "
    "default, for a spec that has a label set of that name; the others bring their own)",
)
flags.DEFINE_string(
    "label_ids",
    "",
    "label set of the spec that the files are written in (cityscapes and kitti: labelIds by default)",
)
flags.DEFINE_list(
    "persons", None, "persons to take: p0,p1 (weizmann_pose; default: all), 1,2 (kth; default: the --split's)"
)
flags.DEFINE_list(
    "actions",
    None,
    "actions or classes to take: jack,wave1 (weizmann_pose), boxing (kth), Archery (ucf101; default: all)",
)
flags.DEFINE_string("split_list", "", "official list of the videos to take, trainlist01.txt (ucf101)")
flags.DEFINE_integer("frame_step", 1, "take every n-th frame (video, kth, ucf101)", lower_bound=1)
flags.DEFINE_enum("annotator", None, ["semantic", "pose", "sketch"], "what makes the annotation (video, kth, ucf101)")
flags.DEFINE_string("network", "", "TFLite file of the annotator's network (semantic, pose)")
flags.DEFINE_float(
    "min_score",
    None,
    "what scores less is left out: joints (pose, 0.2), pixels of networks that give logits (semantic)",
)
flags.DEFINE_float("line_width", 3.0, "width of the limbs in pixels (weizmann_pose, --annotator=pose)", lower_bound=0.1)
flags.DEFINE_enum("image_format", "png", ["png", "jpeg"], "how frames are stored; png keeps every bit")
flags.DEFINE_integer("quality", 95, "JPEG quality (--image_format=jpeg)", lower_bound=1, upper_bound=100)
flags.DEFINE_bool("include_motion", False, "store exact flow and visibility too (synthetic_street)")
flags.DEFINE_integer("num_clips", 64, "clips to render (synthetic_street)", lower_bound=1)
flags.DEFINE_integer(
    "first_seed", 0, "seed of the first clip; a validation split takes seeds that train has not (synthetic_street)", 0
)
flags.DEFINE_integer(
    "num_frames", 0, "frames per clip, the first included; 0: whole sequences, or 5 for synthetic_street", lower_bound=0
)
flags.DEFINE_integer("clips_per_shard", 32, "clips in one shard file", lower_bound=1)
flags.DEFINE_integer(
    "max_bad_clips", 0, "clips to leave out and report because something is wrong with their files", lower_bound=0
)

VIDEOS = {"video", "kth", "ucf101"}
flags.DEFINE_string("runner", "", "prepare by Apache Beam: DirectRunner, FlinkRunner, SparkRunner, DataflowRunner")
flags.DEFINE_multi_string(
    "beam_flags", [], "a flag of Beam's own, once for each: --beam_flags=--flink_master=host:8081"
)

# The flags that only some data sets use.
DATASETS_OF_FLAG = {
    "input": {"frame_folder", "cityscapes", "cityscapes_seq", "kitti", "weizmann_pose", *VIDEOS},
    "sequences": {"frame_folder", "cityscapes", "cityscapes_seq", "kitti"},
    "spec": {"frame_folder", "synthetic_street", *VIDEOS},
    "prefixes": {"frame_folder"},
    "colors": {"frame_folder"},
    "stills": {"frame_folder", "cityscapes"},
    "official_split": {"cityscapes"},
    "labels": {"cityscapes", "kitti"},
    **dict.fromkeys(("layout", "painted"), {"kitti"}),
    **dict.fromkeys(("label_ids", "crop_to_aspect"), {"frame_folder", "cityscapes", "kitti", *VIDEOS}),
    "persons": {"weizmann_pose", "kth"},
    "actions": {"weizmann_pose", "kth", "ucf101"},
    "line_width": {"weizmann_pose", *VIDEOS},
    "split_list": {"ucf101"},
    **dict.fromkeys(("frame_step", "annotator", "network", "min_score"), VIDEOS),
    **dict.fromkeys(("include_motion", "num_clips", "first_seed"), {"synthetic_street"}),
}


def main():
    _refuse_unused_flags()
    source = _source()
    # Imported after the checks that need no TensorFlow, so that a mistake is told at once.
    from seg2vid_tf.data.shard_writer import write_shards

    options = {
        name: FLAGS[name].value
        for name in ("clips_per_shard", "image_format", "quality", "include_motion", "max_bad_clips")
    }
    if FLAGS.runner:
        from seg2vid_tf.data.beam_writer import ShardWriter, write_shards_with_beam

        writer = ShardWriter(source, FLAGS.output, FLAGS.split, **options)
        _report(write_shards_with_beam(writer, FLAGS.runner, FLAGS.beam_flags), source)
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


def _report(manifest, source):
    megabytes = sum(shard["bytes"] for shard in manifest["shards"]) / 1e6
    print(
        f"{FLAGS.output}/{FLAGS.split}: {manifest['num_clips']} clips, {manifest['num_frames']} frames of "
        f"{FLAGS.width}x{FLAGS.height}, {megabytes:.1f} MB in {len(manifest['shards'])} shards, spec {source.spec.name}"
    )
    for bad in manifest["bad_clips"]:
        print(f"left out {bad['clip_id']}: {bad['error']}", file=sys.stderr)


def _source():
    """The ClipSource of --dataset."""
    from seg2vid_tf.annotations.spec import load_spec

    size, length = (FLAGS.height, FLAGS.width), FLAGS.num_frames or None
    if FLAGS.dataset == "synthetic_street":
        from seg2vid_tf.data.clip_source import Relabelled
        from seg2vid_tf.data.synthetic_street import SyntheticStreet

        seeds = range(FLAGS.first_seed, FLAGS.first_seed + FLAGS.num_clips)
        street = SyntheticStreet(seeds, length or 5, *size, with_motion=FLAGS.include_motion)
        own = street.spec
        spec = load_spec(FLAGS.spec) if FLAGS.spec else own
        if spec != own:
            if own.name not in spec.label_sets:
                raise ValueError(
                    f"--spec={FLAGS.spec}: it has no label set {own.name!r}, its ids for a rendered street's classes "
                    f"(it has {sorted(spec.label_sets)}); add one to its file, or leave --spec out"
                )
            return Relabelled(street, spec, own.name)
        return street
    if FLAGS.dataset in VIDEOS:
        return _annotated_videos(size, length)
    if FLAGS.dataset == "cityscapes":
        from seg2vid_tf.data.cityscapes import Cityscapes

        return Cityscapes(
            FLAGS.input,
            size,
            official_split=FLAGS.official_split,
            labels=FLAGS.labels or None,
            cities=FLAGS.sequences,
            stills=FLAGS.stills,
            max_length=length,
            label_ids=FLAGS.label_ids or "labelIds",
            crop_to_aspect=FLAGS.crop_to_aspect,
        )
    if FLAGS.dataset == "kitti":
        from seg2vid_tf.data.kitti import Kitti

        return Kitti(
            FLAGS.input,
            size,
            layout=FLAGS.layout,
            labels=FLAGS.labels or None,
            sequences=FLAGS.sequences,
            label_ids=FLAGS.label_ids or "labelIds",
            painted=FLAGS.painted,
            max_length=length,
            crop_to_aspect=FLAGS.crop_to_aspect,
        )
    if FLAGS.dataset == "cityscapes_seq":
        from seg2vid_tf.data.cityscapes_seq import cityscapes_seq

        return cityscapes_seq(FLAGS.input, size, sequences=FLAGS.sequences, max_length=length)
    if FLAGS.dataset == "weizmann_pose":
        from seg2vid_tf.data.weizmann_pose import WeizmannPose

        return WeizmannPose(
            FLAGS.input,
            size,
            persons=FLAGS.persons,
            actions=FLAGS.actions,
            max_length=length,
            line_width=FLAGS.line_width,
        )
    from seg2vid_tf.data.frame_folder import FrameFolder

    return FrameFolder(
        FLAGS.input,
        load_spec(FLAGS.spec),
        size,
        label_ids=FLAGS.label_ids or None,
        sequences=FLAGS.sequences,
        max_length=length,
        prefixes=FLAGS.prefixes,
        stills=FLAGS.stills,
        colors="" if FLAGS.colors == "classes" else FLAGS.colors,
        crop_to_aspect=FLAGS.crop_to_aspect,
    )


def _annotated_videos(size, length):
    """The clips of videos, with the maps that --annotator makes of them at the files' own size."""
    from seg2vid_tf.annotations.spec import load_spec
    from seg2vid_tf.data.annotated import Annotated
    from seg2vid_tf.data.kth import PERSONS, kth_videos
    from seg2vid_tf.data.ucf101 import ucf101_videos
    from seg2vid_tf.data.video import VideoClips, find_videos

    if FLAGS.dataset == "kth":
        if FLAGS.persons is None and FLAGS.split not in PERSONS:
            raise ValueError(f"--split={FLAGS.split}: give --persons, or one of the splits {sorted(PERSONS)}")
        if FLAGS.persons is not None and not all(person.isdigit() for person in FLAGS.persons):
            raise ValueError(f"--persons of kth are numbers, 1 to 25, received {','.join(FLAGS.persons)}")
        persons = PERSONS[FLAGS.split] if FLAGS.persons is None else [int(person) for person in FLAGS.persons]
        videos = kth_videos(FLAGS.input, persons, FLAGS.actions)
    elif FLAGS.dataset == "ucf101":
        videos = ucf101_videos(FLAGS.input, FLAGS.split_list, FLAGS.actions)
    else:
        videos = find_videos(FLAGS.input)
    given = {} if FLAGS.min_score is None else {"min_score": FLAGS.min_score}
    if FLAGS.annotator == "sketch":
        from seg2vid_tf.data.annotators.sketch import SketchAnnotator

        annotator = SketchAnnotator()
    elif FLAGS.annotator == "pose":
        from seg2vid_tf.data.annotators.pose import PoseAnnotator

        spec = load_spec(FLAGS.spec or "coco_pose")
        annotator = PoseAnnotator(FLAGS.network, spec, line_width=FLAGS.line_width, **given)
    else:
        from seg2vid_tf.data.annotators.semantic import SemanticAnnotator

        spec = load_spec(FLAGS.spec or "cityscapes")
        annotator = SemanticAnnotator(FLAGS.network, spec, label_ids=FLAGS.label_ids or None, **given)
    clips = VideoClips(
        videos, annotator.spec, None, reader=FLAGS.dataset, max_length=length, frame_step=FLAGS.frame_step
    )
    cache = pathlib.Path(FLAGS.output) / ".annotations"
    return Annotated(clips, annotator, size, crop_to_aspect=FLAGS.crop_to_aspect, cache=cache)


def _refuse_unused_flags():
    """A flag that this --dataset or --image_format would ignore is a mistake worth a word."""
    for name, datasets in DATASETS_OF_FLAG.items():
        if FLAGS[name].present and FLAGS.dataset not in datasets:
            raise ValueError(f"--{name} means nothing with --dataset={FLAGS.dataset}; leave it out")
    if FLAGS.stills and FLAGS["num_frames"].present:
        raise ValueError("--num_frames means nothing with --stills; leave it out")
    if FLAGS.beam_flags and not FLAGS.runner:
        raise ValueError("--beam_flags means nothing without --runner")
    if FLAGS["quality"].present and FLAGS.image_format != "jpeg":
        raise ValueError(
            f"--quality means nothing with --image_format={FLAGS.image_format}; leave it out, or add "
            "--image_format=jpeg"
        )
    if FLAGS.dataset in DATASETS_OF_FLAG["input"] and not FLAGS.input:
        raise ValueError(f"--dataset={FLAGS.dataset} needs --input, see --help")
    needed = [("frame_folder", "spec"), ("cityscapes", "official_split"), ("kitti", "layout"), ("ucf101", "split_list")]
    for dataset, name in [*needed, *((video, "annotator") for video in sorted(VIDEOS))]:
        if FLAGS.dataset == dataset and not FLAGS[name].value:
            raise ValueError(f"--dataset={dataset} needs --{name}, see --help")
    if FLAGS.labels and not FLAGS.label_ids:
        raise ValueError(
            "--labels needs --label_ids: the ids that those maps hold, trainIds (most segmenters) or labelIds"
        )
    if FLAGS.painted and FLAGS.label_ids:
        raise ValueError("--label_ids means nothing with --painted; leave it out")
    if FLAGS.layout == "semantic" and FLAGS["num_frames"].present:
        raise ValueError("--num_frames means nothing with --layout=semantic, which is stills; leave it out")
    if FLAGS.colors is not None and FLAGS.label_ids:
        raise ValueError("maps hold ids or colours: give --label_ids or --colors")
    if FLAGS.dataset == "video" and not FLAGS.num_frames:
        raise ValueError("--dataset=video needs --num_frames: a clip is held in memory as a whole")
    for name, annotators in (
        ("network", ("semantic", "pose")),
        ("min_score", ("semantic", "pose")),
        ("label_ids", ("semantic",)),
        ("spec", ("semantic", "pose")),
        ("line_width", ("pose",)),
    ):
        if FLAGS.annotator and FLAGS[name].present and FLAGS.annotator not in annotators:
            raise ValueError(f"--{name} means nothing with --annotator={FLAGS.annotator}; leave it out")
    if FLAGS.annotator in ("semantic", "pose") and not FLAGS.network:
        raise ValueError(f"--annotator={FLAGS.annotator} needs --network, see --help")


if __name__ == "__main__":
    run(main)
