"""Reads prepared data through and says what it holds and what is wrong with it.

    python experiments/check_data.py --data_dir=data/mine --output=data/mine/report.html

Every record of every split: counts, sizes, classes, clips in which nothing moves or of one class alone, the same clip
or source file in two splits, and for each bad record its shard and byte offset. The report shows clips of every split
beside their label maps. Exit status 1 if something is wrong.
"""

import collections
import pathlib
import sys

from absl import flags

from seg2vid_tf.flags import run

DATA_DIR = flags.DEFINE_string("data_dir", None, "prepared data: a folder of splits, or one split", required=True)
OUTPUT = flags.DEFINE_string("output", "", "HTML file for the report")
PICTURES = flags.DEFINE_integer("pictures", 12, "clips of each split to show in the report", lower_bound=0)


def main():
    from seg2vid_tf.data.check import between_splits, check_split, duplicates
    from seg2vid_tf.data.check_report import ClipPictures, html_report
    from seg2vid_tf.data.shards import MANIFEST
    from seg2vid_tf.files import write_text

    root = pathlib.Path(DATA_DIR.value)
    whole = (root / MANIFEST).is_file()
    splits = [root] if whole else sorted(path.parent for path in root.glob(f"[!.]*/{MANIFEST}"))
    if not splits:
        raise ValueError(f"{root}: no prepared split here; make one, or finish it, with prepare_data.py")
    reports, pictures, wrong = {}, {}, []
    for folder in sorted({path.parent for path in root.glob("[!.]*/shard-*.tfrecord")} - set(splits)):
        wrong.append(f"{folder}: shards without a {MANIFEST}; prepare the split again")
    for split in splits:
        count = 0

        def each(split=split):
            nonlocal count
            count += 1
            if sys.stderr.isatty():
                print(f"{split}: {count} records", end="\r", file=sys.stderr, flush=True)

        try:
            pictures[split.name] = ClipPictures(split, PICTURES.value if OUTPUT.value else 0)
            reports[split.name] = check_split(split, each, pictures[split.name].look)
        except ValueError as error:  # a manifest that cannot be read says nothing of the other splits
            wrong.append(str(error))
            continue
        _print(split, reports[split.name])
    wrong += [f"the same frames twice: {first}, {second}" for first, second in duplicates(reports)]
    wrong += between_splits(reports)
    for line in wrong:
        print(line)
    if OUTPUT.value:
        write_text(OUTPUT.value, html_report(str(root), reports, wrong, pictures))
        print(f"report: {OUTPUT.value}")
    total = sum(len(report["errors"]) for report in reports.values()) + len(wrong)
    if total:
        raise ValueError(f"{root}: things that are wrong, listed above: {total}")


def _print(split, report):
    from seg2vid_tf.annotations.doubts import is_set_doubt
    from seg2vid_tf.data.folder_files import shown

    height, width = report["size"]
    wrong_sets = collections.defaultdict(list)
    for clip in report["remarks"]:
        if is_set_doubt(clip["remark"]):
            wrong_sets[clip["remark"]].append(clip["clip_id"])
    for remark, clip_ids in wrong_sets.items():
        print(f"warning: {split}, clip {shown(clip_ids, 3)}: {remark}")
    print(
        f"{split}: {report['clips']} clips, {report['frames']} frames of {height} x {width} pixels (height x width), "
        f"spec {report['spec'].name}"
    )
    if set(report["lengths"]) == {1}:
        print("  every clip is one picture: stage 1 learns from them, stage 2 needs videos")
    else:
        lengths = ", ".join(f"{length} ({count} clips)" for length, count in report["lengths"].items())
        print(f"  frames a clip: {lengths}")
    shares = sorted(report["classes"].items(), key=lambda item: -item[1])
    print("  classes: " + ", ".join(f"{name} {share:.1%}" for name, share in shares if share))
    absent = [name for name, share in shares if not share and name != "(ignored)"]
    if absent:
        print(f"  classes that never occur: {', '.join(absent)}")
    for kind, what in (("still", "in which nothing moves"), ("plain", "of one class alone")):
        if report[kind]:
            print(f"  clips {what}, {len(report[kind])}: {', '.join(report[kind][:10])}")
    for clip_id, places in list(report["doubled"].items())[:10]:
        print(f"  {clip_id}: the same as the frame before: {', '.join(map(str, places))}")
    if len(report["doubled"]) > 10:
        print(f"  and {len(report['doubled']) - 10} more clips with frames that are the same as the one before")
    for clip in report["left_out"]:
        print(f"  left out: {clip['clip_id']}: {clip['error']}")
    for clip in report["remarks"]:
        if clip["remark"] not in wrong_sets:
            print(f"  {clip['clip_id']}: {clip['remark']}")
    for error in report["errors"]:
        print(f"  {error}")


if __name__ == "__main__":
    run(main)
