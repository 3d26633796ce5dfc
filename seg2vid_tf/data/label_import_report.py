"""What label_import.py did, as lines and as one HTML file with pictures beside their maps."""

import numpy as np

from seg2vid_tf.annotations.label_map import colorize, resize_label_map
from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.data.label_import import SAMPLE_WIDTH, ImportReport
from seg2vid_tf.data.name_places import sheet
from seg2vid_tf.data.pictures import read_frame, resize_frame
from seg2vid_tf.html_page import picture, text

_STYLE = (
    "body { font: 14px sans-serif; margin: 2em } td { padding: 2px 12px 2px 0 } .wrong { color: #b00 } "
    "img { max-width: 100% }"
)


def name_rows(report: ImportReport, spec: AnnotationSpec) -> list[str]:
    """A line for each of the tool's names: what it became, its share of the pixels, its pictures; unknown ones last."""
    return [
        f"  {share:7.2%} in {count:6d} pictures  {name}  ->  {ours}" for name, ours, share, count in _rows(report, spec)
    ]


def places_sheet(report: ImportReport) -> np.ndarray | None:
    """A picture of where the names that are not known lie, uint8 [H, W, 3]; None where all are known."""
    total = max(sum(report.pixels.values()), 1)
    places = {name: (where, report.pixels[name] / total) for name, where in report.places.items()}
    return sheet(places) if places else None


def html_report(title: str, report: ImportReport, spec: AnnotationSpec) -> str:
    """The report as HTML."""
    parts = [f"<!doctype html><meta charset=utf-8><title>{text(title)}</title><style>{_STYLE}</style>"]
    count = "1 map" if report.written == 1 else f"{report.written} maps"
    parts.append(f"<h1>{text(title)}</h1><p>{count}, spec {text(spec.name)}</p>")
    if report.without_picture:
        parts.append(f"<p class=wrong>without a picture: {text(', '.join(report.without_picture[:20]))}</p>")
    if report.unlabelled:
        parts.append(f"<p class=wrong>nothing labelled: {text(', '.join(report.unlabelled[:20]))}</p>")
    colors = {c.name: "#{:02x}{:02x}{:02x}".format(*c.color) for c in spec.classes}
    rows = (
        f"<tr{' class=wrong' if ours.startswith('(') else ''}><td>{text(name)}</td>"
        f"<td style='border-left: 1em solid {colors.get(ours, '#000')}'>{text(ours)}</td>"
        f"<td>{share:.2%}</td><td>{count}</td></tr>"
        for name, ours, share, count in _rows(report, spec)
    )
    parts.append(f"<table><tr><td>theirs</td><td>ours</td><td>pixels</td><td>pictures</td></tr>{''.join(rows)}</table>")
    for name, (file, label_map) in report.samples.items():
        parts.append(_sample(name, file, label_map, spec))
    return "\n".join(parts) + "\n"


def _sample(name, file, label_map, spec):
    """A picture beside its map; of one that prepare_data.py will refuse (an alpha channel, ...) why, and the map."""
    why = ""
    try:
        frame = read_frame(file)
    except ValueError as error:
        frame, why = np.full((*label_map.shape, 3), 255, np.uint8), f"<br><span class=wrong>{text(str(error))}</span>"
    size = max(1, round(frame.shape[0] * SAMPLE_WIDTH / frame.shape[1])), SAMPLE_WIDTH
    drawn = colorize(resize_label_map(label_map, size), spec)
    return f"<p>{picture(np.concatenate([resize_frame(frame, size), drawn], axis=1))}<br>{text(name)}{why}</p>"


def _rows(report, spec):
    names = {c.id: c.name for c in spec.classes} | {spec.ignore_id: "ignored"}
    total = max(sum(report.pixels.values()), 1)
    rows = [
        (
            name or "(nothing drawn)",
            names.get(report.ids[name], "(unknown, ignored: --map names its class)"),
            count / total,
        )
        for name, count in report.pixels.most_common()
    ]
    rows = [
        (name, ours, share, report.pictures["" if name == "(nothing drawn)" else name]) for name, ours, share in rows
    ]
    return sorted(rows, key=lambda row: row[1].startswith("("))
