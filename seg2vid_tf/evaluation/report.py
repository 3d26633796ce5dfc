"""metrics.json as one HTML file: every method's scores beside the baselines', curves over frames, clips to look at."""

import numpy as np

from seg2vid_tf.evaluation.score_meanings import column_meanings, meanings
from seg2vid_tf.evaluation.video import Video
from seg2vid_tf.html_page import animation, picture, text
from seg2vid_tf.media import flow_to_color

# Scores of which less is better; of the others more is, or neither, as of those in _NEITHER.
_LESS = ("lpips", "warp_error", "epe", "fl_all", "frechet", "kid", "kvd")
_NEITHER = ("motion", "flow_spread", "lpips_between_seeds", "swap")

_STYLE = """body { font: 14px sans-serif; margin: 2em; } td, th { padding: 2px 14px 2px 0; text-align: right; }
th { max-width: 9em; overflow-wrap: anywhere; }
td:first-child, th:first-child { text-align: left; } .best { font-weight: bold; } .warning { color: #b00; }
small { color: #777; font-weight: normal; } figure { display: inline-block; margin: 0 10px 8px 0; }
figcaption { color: #555; } figure img { border: 1px solid #ccc; min-width: 256px; image-rendering: pixelated; }
svg { background: #fafafa; }"""
_COLORS = ("#d62728", "#1f77b4", "#2ca02c", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf")


def better(name: str) -> int:
    """1 where more of a score is better, -1 where less is, 0 where neither."""
    if name.startswith(_NEITHER) or name.endswith(("_stderr", "_stddev")):
        return 0
    return -1 if name.startswith(_LESS) else 1


def flow_wheel(side: int = 96) -> np.ndarray:
    """What the colours of flow mean, uint8 [side,side,3]: each place shows the motion there from the centre."""
    axis = np.linspace(-1.0, 1.0, side)
    wheel = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1)
    colors = flow_to_color(wheel, 1.0)
    colors[np.linalg.norm(wheel, axis=-1) > 1.0] = 255
    return colors


def chosen_clips(scores: dict[str, list[float]]) -> dict[int, list[str]]:
    """The clips worth a look: {number: ["worst psnr 17.2", ..]}, best, median and worst by each score.

    Args:
      scores: {name: one value per clip, NaN where it has none}.
    """
    chosen: dict[int, list[str]] = {}
    for name, values in scores.items():
        values = np.asarray(values, np.float64)
        order = np.argsort(values * -better(name), kind="stable")
        order = order[np.isfinite(values[order])]
        last = len(order) - 1
        # A place has one word, its last: of two clips the median is the worst, and one alone is none of the three.
        places = {len(order) // 2: "median ", last: "worst ", 0: "best " if last else ""} if len(order) else {}
        for at, word in places.items():
            chosen.setdefault(int(order[at]), []).append(f"{word}{name} {values[order[at]]:.3g}")
    return dict(sorted(chosen.items()))


def clip_pictures(title: str, annotation: np.ndarray, videos: dict[str, Video | np.ndarray], fps: float) -> str:
    """The pictures of one clip.

    Args:
      title: which one it is.
      annotation: uint8 [H,W,3], frame 0's in colours.
      videos: {name: Video, or the real frames uint8 [T+1,H,W,3]}; of each Video also flow and visibility of frame T.
      fps: of the animations.
    """
    rows = [[_figure(picture(annotation), "annotation")]]
    for name, video in videos.items():
        if not isinstance(video, Video):
            rows[0].append(_figure(animation(video, fps), name))
            continue
        longest = np.linalg.norm(video.flow[-1], axis=-1).max()
        row = [_figure(animation(video.frames, fps), name)]
        over = len(video.flow) - video.sources[-1]
        told = f"its flow over {over} frames; the fastest pixel goes {longest:.1f} px in all"
        row.append(_figure(picture(flow_to_color(video.flow[-1])), told))
        if video.visibility is not None:
            seen = np.rint(255 * video.visibility[-1, ..., 0]).astype(np.uint8)
            row.append(_figure(picture(seen), "its visibility"))
        rows.append(row)
    lines = ["".join(row) for row in rows]
    return f"<h3>{text(title)}</h3>{''.join(f'<div>{line}</div>' for line in lines)}"


def html_report(metrics: dict, pictures: list[str]) -> str:
    """The report of one evaluation: metrics.json, and pictures of some clips."""
    told = {**metrics, "protocol": _protocol(metrics)}
    facts = ("model", "without_annotation", "data", "train_data", "protocol", "networks", "versions", "config_hash")
    parts = [
        _head("seg2vid_tf evaluation"),
        f"<h1>{text(metrics['model']['path'])} on {text(metrics['data']['path'])}</h1>",
        *(f"<p class=warning>{text(line)}</p>" for line in metrics["warnings"]),
        *_how_to_read(metrics),
        score_table(metrics["methods"]),
    ]
    if any(value is not None for scores in metrics["sets"].values() for value in scores.values()):
        parts += ["<h2>Of all clips together</h2>", score_table(metrics["sets"])]
    if metrics["by_frame"]:
        parts.append("<h2>Over the frames</h2>")
        names = {name for scores in metrics["by_frame"].values() for name in scores}
        parts += [_curves(name, metrics["by_frame"]) for name in sorted(names)]
    parts += ["<h2>Clips</h2>", _figure(picture(flow_wheel()), "colours of flow"), *pictures]
    scores = dict.fromkeys(n for kind in ("methods", "sets") for each in metrics[kind].values() for n in each)
    parts.append(f"<h2>What the scores are</h2>{_listed(meanings(scores))}")
    columns = column_meanings([*metrics["methods"], *metrics["sets"]])
    parts.append(f"<h2>What the columns are</h2>{_listed(columns)}")
    parts.append("<h2>What this was made of</h2><table>")
    for name, value in ((fact, told[fact]) for fact in facts if told[fact]):
        for key, each in value.items() if isinstance(value, dict) else ((name, value),):
            label = name if key == name else f"{name}: {key}"
            parts.append(f"<tr><td>{text(label)}</td><td>{text(each)}</td></tr>")
    return "\n".join([*parts, "</table>"]) + "\n"


def _listed(meant):
    return f"<dl>{''.join(f'<dt>{text(name)}</dt><dd>{text(meaning)}</dd>' for name, meaning in meant.items())}</dl>"


def _protocol(metrics):
    """The protocol as it was used: no None, and nothing of what was not asked for."""
    protocol = dict(metrics["protocol"])
    if protocol["temperature"] is None and protocol["samples"]:
        protocol["temperature"] = f"{metrics['model_temperature']:g}, the model's own"
    if protocol["window_stride"] is None:
        first_alone = "a clip's first window alone, which has exact motion"
        protocol["window_stride"] = first_alone if metrics["data"]["exact_motion"] else "windows do not overlap"
    if protocol["max_clips"] is None:
        protocol["max_clips"] = "no limit"
    return {name: value for name, value in protocol.items() if value not in (None, [], ())}


def _how_to_read(metrics):
    if metrics["protocol"]["start_frame"] == "real":
        yield (
            "<p>Every video starts from the <b>real</b> first frame: what stage 1 paints is not in these scores, "
            "evaluate_start_frame.py measures it.</p>"
        )
    yield (
        "<p>What a user gets are the samples. Hold them against copy_frame_0, a picture that stands still, by motion, "
        "warp_error_real, epe, or a network's distance between sets: PSNR and SSIM punish every motion that is not the "
        "real clip's, also a good one, so a still picture often leads there. On the right of samples stand methods "
        "that know more than any user does: reconstruction and affine see the real clip's later frames, best_of is "
        "chosen by them; they show what is possible.</p>"
    )
    yield (
        f"<p>{metrics['clips']} clips of {metrics['recordings']} recordings; mean, below it the 95 % interval over "
        "recordings (bootstrap), where there are two or more; bold: best in its row, of those that do not know the "
        "real clip and of those that do. &uarr; more is better, &darr; less is. PSNR is in dB, EPE, motion and "
        "flow_spread in pixels; fl_all is the share of wrong flow. A still picture has no warp error along its own "
        "flow: see motion beside it, and warp_error_real.</p>"
    )


def comparison_report(metrics: dict[str, dict], differences: dict[str, dict]) -> str:
    """Several evaluations side by side.

    Args:
      metrics: {folder: its metrics.json}, the first one is what the others are held against.
      differences: {folder: compare.compare of the first and it}, without the first.
    """
    first = next(iter(metrics))
    parts = [_head("seg2vid_tf comparison"), f"<h1>{text(', '.join(metrics))}</h1>"]
    parts += [f"<p class=warning>{text(p)}: {text(line)}</p>" for p, m in metrics.items() for line in m["warnings"]]
    for method in metrics[first]["methods"]:
        beside = {path: each["methods"][method] for path, each in metrics.items() if method in each["methods"]}
        of_sets = {path: each["sets"][method] for path, each in metrics.items() if method in each["sets"]}
        parts += [f"<h2>{text(method)}</h2>", score_table(beside), *([score_table(of_sets)] if of_sets else [])]
        for path, found in differences.items():
            if method in found:
                title = f"{text(path)} minus {text(first)}, clip by clip; bold: their 95 % interval is without 0"
                parts += [f"<p>{title}</p>", _difference_table(found[method])]
    return "\n".join(parts) + "\n"


def score_lines(methods: dict[str, dict], warnings: list[str]) -> list[str]:
    """What a terminal shows of an evaluation: a line per method, PSNR and the like, then the warnings."""
    shown = ("psnr", "ssim", "lpips", "warp_error_external", "motion", "warp_error_real", "epe", "occlusion_f1")
    lines = []
    for method, scores in methods.items():
        means = [f"{name} {scores[name]['mean']:.4g}" for name in shown if mean_of(scores.get(name)) is not None]
        lines.append(f"{method:36s}{', '.join(means)}")
    return lines + [f"warning: {line}" for line in warnings]


def _sees_the_clip(method):
    """Whether its videos follow from the real clip's later frames too, or were chosen by them."""
    method = method.removeprefix("without_annotation_")
    return method in ("reconstruction", "affine", "real") or method.startswith("best_of_")


def score_table(methods: dict[str, dict]) -> str:
    """A row per score, a column per method, those that see the real clip last.

    Args:
      methods: {method: {score: number, None, or mean_with_interval}}.
    """
    methods = dict(sorted(methods.items(), key=lambda item: _sees_the_clip(item[0])))
    names = dict.fromkeys(n for scores in methods.values() for n, value in scores.items() if mean_of(value) is not None)
    rows = [f"<tr><th></th>{''.join(f'<th>{text(method)}</th>' for method in methods)}</tr>"]
    for name in names:
        means = {m: mean_of(scores[name]) for m, scores in methods.items() if mean_of(scores.get(name)) is not None}
        best = set()
        for informed in (False, True):
            group = {m: v for m, v in means.items() if _sees_the_clip(m) == informed}
            if better(name) and len(group) > 1:
                top = (max if better(name) > 0 else min)(group.values())
                best |= {method for method, value in group.items() if value == top}
        cells = "".join(_cell(scores.get(name), method in best) for method, scores in methods.items())
        arrow = {1: " &uarr;", -1: " &darr;", 0: ""}[better(name)]
        rows.append(f"<tr><td>{text(name)}{arrow}</td>{cells}</tr>")
    return f"<table>{''.join(rows)}</table>"


def mean_of(value):
    """A score as metrics.json has it, a number, mean_with_interval or None -> its number, or None."""
    return value["mean"] if isinstance(value, dict) else value


def _cell(value, best):
    if mean_of(value) is None:
        return "<td></td>"
    shown = f"{mean_of(value):.4g}"
    if isinstance(value, dict) and value["low"] is not None:
        shown += f"<br><small>{value['low']:.4g} to {value['high']:.4g}</small>"
    return f"<td{' class=best' if best else ''}>{shown}</td>"


def _difference_table(scores):
    rows = []
    for name, value in scores.items():
        sure = value["low"] is not None and (value["low"] > 0 or value["high"] < 0)
        rows.append(f"<tr><td>{text(name)}</td>{_cell(value, sure)}</tr>")
    return f"<table>{''.join(rows)}</table>"


def _head(title):
    return f"<!doctype html><meta charset=utf-8><title>{title}</title><style>{_STYLE}</style>"


def _figure(image, caption):
    return f"<figure>{image}<figcaption>{text(caption)}</figcaption></figure>"


def _curves(name, methods, width=420, height=180):
    curves = {method: scores[name] for method, scores in methods.items() if name in scores}
    values = np.concatenate([np.asarray(curve) for curve in curves.values()])
    low, high = float(values.min()), float(values.max())
    lines, legend = [], []
    for color, (method, curve) in zip(_COLORS * 2, curves.items(), strict=False):
        x = np.linspace(40, width - 10, len(curve)) if len(curve) > 1 else [width / 2]
        y = 10 + (height - 30) * (high - np.asarray(curve)) / max(high - low, 1e-12)
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
        lines.append(f"<polyline points='{points}' fill=none stroke='{color}' stroke-width=2 />")
        lines += [f"<circle cx={a:.1f} cy={b:.1f} r=3 fill='{color}' />" for a, b in zip(x, y, strict=True)]
        legend.append(f"<span style='color:{color}'>&#9632; {text(method)}</span>")
    last = len(next(iter(curves.values())))
    axis = (
        f"<text x=2 y=16 font-size=11>{high:.3g}</text><text x=2 y={height - 18} font-size=11>{low:.3g}</text>"
        f"<text x=40 y={height - 3} font-size=11>frame 1</text>"
        f"<text x={width - 10} y={height - 3} font-size=11 text-anchor=end>frame {last}</text>"
    )
    svg = f"<svg width={width} height={height}>{axis}{''.join(lines)}</svg>"
    return f"<figure>{svg}<figcaption>{text(name)}: {' '.join(legend)}</figcaption></figure>"
