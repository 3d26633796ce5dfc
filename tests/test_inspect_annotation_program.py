"""experiments/inspect_annotation.py as a user starts it."""

import pathlib
import subprocess
import sys

import numpy as np
from PIL import Image

from seg2vid_tf.annotations.spec import load_spec

PROGRAM = pathlib.Path(__file__).resolve().parents[1] / "experiments" / "inspect_annotation.py"


def _run(*arguments):
    return subprocess.run([sys.executable, str(PROGRAM), *arguments], capture_output=True, text=True, timeout=60)


def test_it_names_counts_and_draws_the_classes(tmp_path):
    ids = np.full((20, 40), 7, np.uint8)
    ids[:5], ids[5:10, :10] = 23, 26
    Image.fromarray(ids).save(tmp_path / "map.png")
    done = _run(
        f"--label_map={tmp_path}/map.png", "--spec=cityscapes", "--label_ids=labelIds", f"--output={tmp_path}/out.png"
    )
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()[1:4]]
    assert lines == [
        ["0", "road", "background", "550", "pixels", "68.75%"],
        ["10", "sky", "background", "200", "pixels", "25.00%"],
        ["13", "car", "foreground", "50", "pixels", "6.25%"],
    ]
    drawn = np.asarray(Image.open(tmp_path / "out.png"))
    colors = {c.name: c.color for c in load_spec("cityscapes").classes}
    for (y, x), name in (((0, 0), "sky"), ((7, 3), "car"), ((15, 30), "road"), ((7, 53), "road"), ((35, 53), "car")):
        np.testing.assert_array_equal(drawn[y, x], colors[name], err_msg=name)


def test_without_a_spec_it_says_which_ones_fit(tmp_path):
    Image.fromarray(np.uint8([[7, 26, 26, 7], [33, 8, 1, 31]])).save(tmp_path / "map.png")  # 1 is the ego vehicle
    done = _run(f"--label_map={tmp_path}/map.png")
    assert done.returncode == 0 and "6 ids" in done.stdout
    lines = done.stdout.splitlines()
    best = lines[lines.index("share of the pixels whose ids are known:") + 1 :]
    assert best[:2] == [f" 87.50%  --spec={name} --label_ids=labelIds" for name in ("cityscapes", "kitti")]
    assert best[2] == " 87.50%  --spec=camvid --label_ids=labelIds", "it tells fewer classes apart"
    assert float(best[3].split("%")[0]) < 87


def test_painted_maps_and_mistakes(tmp_path):
    spec = load_spec("camvid")
    Image.fromarray(np.uint8([[c.color for c in spec.classes]])).save(tmp_path / "map.png")
    done = _run(f"--label_map={tmp_path}/map.png", "--spec=camvid", "--colors=classes")
    assert done.returncode == 0 and all(c.name in done.stdout for c in spec.classes)
    for arguments, message in (
        (["--spec=camvid"], "8-bit RGB PNG, expected 8-bit grey"),
        (["--output=x.png"], "--output needs --spec"),
        (["--spec=camvid", "--colors=classes", "--label_ids=cityscapes"], "give --colors, or --label_ids"),
        (["--spec=camvid", "--colors=mine"], "unknown colour set 'mine'"),
    ):
        failed = _run(f"--label_map={tmp_path}/map.png", *arguments)
        assert failed.returncode == 1 and message in failed.stderr and "Traceback" not in failed.stderr
