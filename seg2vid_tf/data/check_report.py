"""What check.py found, as one HTML file with pictures in it."""

import os

import numpy as np

from seg2vid_tf.annotations.doubts import is_set_doubt
from seg2vid_tf.annotations.label_map import colorize
from seg2vid_tf.data.clip import Clip
from seg2vid_tf.data.shards import load_manifest, manifest_spec
from seg2vid_tf.html_page import picture, text

_STYLE = """body { font: 14px sans-serif; margin: 2em; } td, th { padding: 2px 12px 2px 0; text-align: left; }
.wrong { color: #b00; } .clip { display: inline-block; margin: 0 12px 12px 0; } .bar { background: #888; height: 9px; }
figure img { border: 1px solid #ccc; min-width: 384px; image-rendering: pixelated; }
.square { display: inline-block; width: 11px; height: 11px; border: 1px solid #000; margin-right: 6px; }"""


class ClipPictures:
    """Keeps the first, the middle and the last frame of some clips of a split, spread over it, with their label maps.

    Args:
      split_dir: the split.
      most: how many clips.
    """

    def __init__(self, split_dir: str | os.PathLike, most: int):
        manifest = load_manifest(split_dir, sizes=False)
        self.spec = manifest_spec(manifest)
        ids = [clip["clip_id"] for shard in manifest["shards"] for clip in shard["clips"]]
        chosen = np.linspace(0, len(ids) - 1, min(most, len(ids))).astype(int)
        self._wanted = {ids[i] for i in chosen}
        self.pictures: dict[str, np.ndarray] = {}

    def look(self, clip: Clip) -> None:
        """Takes a clip's pictures if it is one of those wanted."""
        if clip.clip_id in self._wanted:
            at = [0, len(clip.frames) // 2, len(clip.frames) - 1]
            rows = (
                np.concatenate(clip.frames[at], axis=1),
                np.concatenate(colorize(clip.label_maps[at], self.spec), axis=1),
            )
            self.pictures[clip.clip_id] = np.concatenate(rows, axis=0)


def html_report(title: str, reports: dict[str, dict], wrong: list[str], pictures: dict) -> str:
    """The report of some splits.

    Args:
      title: what it is about.
      reports: {split: what check_split says}.
      wrong: what is wrong with them beside each other, or could not be read; a line each.
      pictures: {split: ClipPictures}.
    """
    parts = [f"<!doctype html><meta charset=utf-8><title>{text(title)}</title><style>{_STYLE}</style>"]
    parts.append(f"<h1>{text(title)}</h1>")
    parts += [f"<p class=wrong>{text(line)}</p>" for line in wrong]
    for split, report in reports.items():
        height, width = report["size"]
        parts.append(f"<h2>{text(split)}</h2><p>{report['clips']} clips, {report['frames']} frames of ")
        parts.append(f"{height} x {width} pixels (height x width), spec {text(report['spec'].name)}; frames a clip: ")
        parts.append(", ".join(f"{length} ({count} clips)" for length, count in report["lengths"].items()) + "</p>")
        parts += [f"<p class=wrong>{text(error)}</p>" for error in report["errors"]]
        for kind, what in (("still", "in which nothing moves"), ("plain", "of one class alone")):
            if report[kind]:
                parts.append(f"<p>clips {what}, {len(report[kind])}: {text(', '.join(report[kind]))}</p>")
        parts += [
            f"<p>{text(clip_id)}: the same as the frame before: {text(', '.join(map(str, places)))}</p>"
            for clip_id, places in report["doubled"].items()
        ]
        parts += [f"<p>left out: {text(c['clip_id'])}: {text(c['error'])}</p>" for c in report["left_out"]]
        for clip in report["remarks"]:
            mark = " class=wrong" if is_set_doubt(clip["remark"]) else ""
            parts.append(f"<p{mark}>{text(clip['clip_id'])}: {text(clip['remark'])}</p>")
        parts.append(_classes(report["classes"], pictures[split].spec))
        parts += [
            f"<figure class=clip>{picture(image)}<figcaption>{text(clip_id)}</figcaption></figure>"
            for clip_id, image in pictures[split].pictures.items()
        ]
    return "\n".join(parts) + "\n"


def _classes(shares, spec):
    colors = {c.name: c.color for c in spec.classes} | {"(ignored)": (0, 0, 0)}
    rows = [
        f"<tr><td><span class=square style='background: rgb{colors[name]}'></span>{text(name)}</td>"
        f"<td>{share:.2%}</td><td><div class=bar style='width: {share * 400:.0f}px'></div></td></tr>"
        for name, share in sorted(shares.items(), key=lambda item: -item[1])
    ]
    return f"<table>{''.join(rows)}</table>"
