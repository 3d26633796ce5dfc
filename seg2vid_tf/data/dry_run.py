"""What preparing a source would read, told in seconds: sequences, classes by a sample of maps, first problems."""

import collections
import re
import time

import numpy as np

from seg2vid_tf.annotations.doubts import ignored_doubt, is_set_doubt, mask_doubt
from seg2vid_tf.data.clip_source import ClipSource
from seg2vid_tf.data.frame_files import beginnings

_ROWS, _PROBLEMS = 20, 10
_PART = re.compile(r"_\d{8}$")


def dry_run(source: ClipSource, max_samples: int = 60, seconds: float = 8.0) -> tuple[list[str], int]:
    """Looks at a source without writing anything.

    Args:
      source: its files' names have been looked at when it was made.
      max_samples: frames to read, spread evenly over all of them.
      seconds: time after which no more are read.

    Returns:
      What there is, as lines of text, and how many clips have a problem: so many would be left out.
    """
    faults = source.faults()
    stills = len(source) > 1 and all(source.length(clip_id) == 1 for clip_id in source.clip_ids)
    count = f"{len(source)} photographs" if stills else f"{len(source)} clips, {_frames(source)}"
    lines = [f"{count}, spec {source.spec.name}, {source.spec.num_classes} classes"]
    lines += _recordings(source) if stills else _table(source, faults)
    problems, bad_clips = list(faults.items()), set(faults)
    sampled = source.sampled(max_samples)
    if sampled is None:
        lines.append("no map was read: its clips can only be read as a whole")
    else:
        found, bad, warnings = _sample(sampled, seconds)
        lines = warnings + lines
        problems += bad
        bad_clips |= _clips_of(source, {path for place, _ in bad for path in sampled.files(place)})
        lines += found
    if problems:
        lines.append(f"problems, {len(problems)} in {len(bad_clips)} clips, the first:")
        lines += [f"  {clip_id}: {problem}" for clip_id, problem in problems[:_PROBLEMS]]
    return lines, len(bad_clips)


def _clips_of(source, files):
    """The clips that some of these files belong to: a sampled frame has a name of its own."""
    return {clip_id for clip_id in source.clip_ids if not files.isdisjoint(source.files(clip_id))}


def _frames(source):
    lengths = [source.length(clip_id) for clip_id in source.clip_ids]
    return "frames not counted" if None in lengths else f"{sum(lengths)} frames"


def _table(source, faults):
    """A row a sequence, that is, the clips that one run was cut into."""
    runs = collections.defaultdict(list)
    for clip_id in source.clip_ids:
        runs[_PART.sub("", clip_id)].append(clip_id)
    width = max([len("sequence"), *(len(name) for name in list(runs)[:_ROWS])])
    lines = [f"{'sequence':{width}s}  {'clips':>6s}  {'frames':>7s}  {'faulty':>6s}  first file"]
    for name, clips in list(runs.items())[:_ROWS]:
        lengths, files = [source.length(clip) for clip in clips], source.files(clips[0])
        frames = "?" if None in lengths else sum(lengths)
        bad = sum(clip in faults for clip in clips)
        lines.append(f"{name:{width}s}  {len(clips):6d}  {frames:>7}  {bad:6d}  {files[0] if files else ''}")
    if len(runs) > _ROWS:
        lines.append(f"and {len(runs) - _ROWS} more sequences")
    return lines


def _recordings(source):
    """How many photographs there are of each folder, or of what the names of one folder's begin with."""
    files = [source.files(clip_id)[0] for clip_id in source.clip_ids if source.files(clip_id)]
    folders = [(file.parent.parent if file.parent.name == "image" else file.parent).name for file in files]
    what, names = "sequences (--sequences)", folders
    if len(set(folders)) == 1:
        begin = beginnings([file.stem for file in files])
        what, names = "recordings (--prefixes)", [begin[file.stem] for file in files]
    counts = collections.Counter(names)
    if len(counts) == len(source):
        return []
    listed = ", ".join(f"{name} {count}" for name, count in list(counts.items())[:_ROWS])
    more = f" and {len(counts) - _ROWS} more" if len(counts) > _ROWS else ""
    return [f"of {what} {listed}{more}"]


def _sample(source, seconds):
    """What some frames show.

    Returns:
      Lines on their classes, (clip id, what is wrong) of frames, and lines on what makes the shares of classes wrong.
    """
    counts, bad, read, remarks = np.zeros(256, np.int64), [], 0, collections.Counter()
    until, spec = time.monotonic() + seconds, source.spec
    for clip_id in source.clip_ids:
        if time.monotonic() > until:
            break
        try:
            clip = source.read(clip_id)
        except (ValueError, OSError) as error:
            bad.append((clip_id, str(error)))
            continue
        read += 1
        counts += np.bincount(clip.label_maps.ravel(), minlength=256)
        remarks.update([*clip.remarks, *filter(None, [mask_doubt(clip.label_maps, spec)])])
    if not read:
        return ["no frame of the sample could be read"], bad, []
    shares = counts / max(counts.sum(), 1)
    rows = sorted(((shares[c.id], c.name) for c in spec.classes), reverse=True)
    lines = [f"classes, by {read} maps of the sample:"]
    lines += [f"  {share:7.2%}  {name}" for share, name in rows if share]
    lines += [f"  {shares[spec.ignore_id]:7.2%}  (ignored)"] if shares[spec.ignore_id] else []
    absent = [name for share, name in rows if not share]
    lines += [f"  absent: {', '.join(absent)}"] if absent else []
    ignored = round(1000 * shares[spec.ignore_id])
    doubt = ignored_doubt(np.repeat(np.uint8([spec.ignore_id, 0]), [ignored, 1000 - ignored]), spec.ignore_id)
    lines += [f"note: {doubt}"] if doubt else []
    told = {remark: f"{remark} ({times} of {read})" for remark, times in remarks.items()}
    lines += [f"note: {line}" for remark, line in told.items() if not is_set_doubt(remark)]
    return lines, bad, [f"warning: {line}" for remark, line in told.items() if is_set_doubt(remark)]
