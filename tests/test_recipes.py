"""BUILD.md's recipes, followed to the letter in a copy of the project, and what comes of them."""

import re
import shutil

import numpy as np
import pytest

from tests.programs import ROOT, run_python
from tests.stacks import on_first_stack

pytestmark = on_first_stack

RECIPES = re.search(r"^## Adding .*?(?=^## )", (ROOT / "BUILD.md").read_text(encoding="utf-8"), re.M | re.S)[0]
# A block is for the last file that the line before it names.
BLOCK = re.compile(r"`([\w./]+)`:\n\n((?:```\w+\n.*?^```\n+)+)", re.M | re.S)


def changed(text, diff):
    """A file's text after a diff without line numbers, whose old lines stand in it once."""
    lines = diff.splitlines(keepends=True)
    before, after = ("".join(line[1:] for line in lines if line[0] in f" {sign}") for sign in "-+")
    assert text.count(before) == 1, f"these lines stand {text.count(before)} times in the file:\n{before}"
    return text.replace(before, after)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the package and the programs in which all that BUILD.md says was done."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("seg2vid_tf", "experiments"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    followed = 0
    for name, blocks in BLOCK.findall(RECIPES):
        for language, text in re.findall(r"^```(\w+)\n(.*?)^```$", blocks, re.M | re.S):
            path = folder / name
            assert path.exists() == (language == "diff"), name
            path.write_text(changed(path.read_text(encoding="utf-8"), text) if language == "diff" else text)
            followed += 1
    assert followed == RECIPES.count("\n```\n"), "every block names its file"
    return folder


def prepare(project, *flags):
    """The Clips that prepare_data.py of the copy makes."""
    given = ["--split=train", f"--output={project}/data/{flags[0]}", "--height=32", "--width=64"]
    done = run_python("experiments/prepare_data.py", *flags, *given, env={"PYTHONPATH": str(project)}, folder=project)
    assert done.returncode == 0, done.stderr
    from seg2vid_tf.data.shards import read_clips

    return list(read_clips(project / "data" / flags[0] / "train"))


def test_the_reader(project):
    maps = np.arange(3 * 32 * 64).reshape(3, 32, 64).astype(np.uint8) % 9
    frames = np.random.default_rng(0).integers(0, 256, (3, 32, 64, 3)).astype(np.uint8)
    (project / "clips").mkdir()
    np.savez(project / "clips/walk.npz", frames=frames, label_maps=maps)
    (clip,) = prepare(project, "--dataset=npz_clips", "--input=clips", "--spec=synthetic_street")
    assert clip.clip_id == "walk"
    np.testing.assert_array_equal(clip.frames, frames)
    np.testing.assert_array_equal(clip.label_maps, maps)


def test_the_kind_of_annotation(project):
    rendered = ("--dataset=synthetic_street", "--num_clips=1", "--num_frames=2", "--annotator=brightness")
    (clip,) = prepare(project, *rendered)
    # A frame of that size needs no resizing, so its map follows from what is stored.
    np.testing.assert_array_equal(clip.label_maps, clip.frames.mean(axis=-1) > 127)
    assert 0 < clip.label_maps.mean() < 1


def test_the_loss_and_the_metric(project):
    code = """
import dataclasses
import numpy as np
import tensorflow as tf
from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.config import MotionConfig, MotionLossConfig, MotionModelConfig, MotionTrainingConfig
from seg2vid_tf.evaluation.clip_scores import ClipScores, RealClip
from seg2vid_tf.evaluation.report import better
from seg2vid_tf.evaluation.score_meanings import meanings
from seg2vid_tf.evaluation.video import Video
from seg2vid_tf.training.motion_trainer import MotionTrainer

sizes = {"height": 16, "width": 32, "num_frames": 1, "background_latent": 2, "foreground_latent": 2}
model = MotionModelConfig(**sizes, encoder_filters=(4,), image_filters=(4, 4), refiner_filters=(4,))
losses = MotionLossConfig(charbonnier_weight=3.0)
config = MotionConfig(model=model, losses=losses, training=MotionTrainingConfig(steps=1, batch_size=1))
trainer = MotionTrainer(config, load_spec("synthetic_street"))
clip = tf.zeros([1, 2, 16, 32, 3]), tf.zeros([1, 2, 16, 32], tf.uint8)
terms = trainer.train_step({"frames": clip[0], "label_maps": clip[1]}, tf.constant(0, tf.int64))
print(f"{float(terms['charbonnier']):.4f}", f"{float(terms['refined_l1']):.4f}")

frames, maps = np.full((2, 16, 32, 3), 9, np.uint8), np.zeros((2, 16, 32), np.uint8)
video = Video(frames + np.uint8(4), maps, np.zeros((1, 16, 32, 2), np.float32), chunk=1)
scores, by_frame = ClipScores(external_flow=False).of_video(RealClip(frames, maps), video)
print(scores["mae"], by_frame["mae"], better("mae"), *meanings(["mae"]).values())
"""
    done = run_python("-c", code, env={"PYTHONPATH": str(project)}, folder=project)
    assert done.returncode == 0, done.stderr
    terms, metric = done.stdout.splitlines()
    charbonnier, l1 = map(float, terms.split())
    # Both are of the same difference, their weights 3 and 2; the root of a thousandth's square is what it has at least.
    assert charbonnier >= 3e-3 and charbonnier == pytest.approx(1.5 * l1, abs=3.1e-3)
    assert metric == "4.0 [4.] -1 mean absolute difference to the real frames, grey levels"
    flags = run_python("experiments/train_motion.py", "--help", env={"PYTHONPATH": str(project)}, folder=project)
    assert "--charbonnier_weight" in flags.stdout


def test_a_recipe_that_the_code_left_behind_is_found():
    assert changed("a\nb\nc\n", " a\n-b\n+B\n+b\n") == "a\nB\nb\nc\n"
    with pytest.raises(AssertionError, match="stand 0 times"):
        changed("a\nc\n", " a\n-b\n+B\n")
