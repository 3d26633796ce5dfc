"""The trained models that come with the project make what they made when they were exported, and what their cards say.

Coarse statistics of one clip each are kept in shipped_models.json: means over 4x4 blocks of every frame, which the two
stacks and other machines agree on. To renew them after an export: python tests/test_shipped_models.py
"""

import json
import pathlib
import re

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from seg2vid_tf.annotations.label_map import label_set_table
from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.data.drawn_label_map import drawn_label_map
from seg2vid_tf.data.synthetic_street import render_clip
from seg2vid_tf.evaluation.psnr import psnr
from seg2vid_tf.pipeline import Seg2VidPipeline

ROOT = pathlib.Path(__file__).resolve().parents[1] / "saved_models"
STORED = pathlib.Path(__file__).with_name("shipped_models.json")
NAMES = sorted(folder.name for folder in ROOT.iterdir() if folder.is_dir())
MEBIBYTES = {"one": 40, "all": 120}


def drawn_map(pipe):
    """The label map that the statistics are those of, of whatever spec the model has."""
    return drawn_label_map(pipe.spec, pipe.size, seed=7)


def statistics(clip) -> np.ndarray:
    """float [T+1,4,4,3]: mean grey levels of 4x4 blocks of what a pipeline made."""
    frames = clip.frames[0].astype(np.float64)
    steps, height, width, _ = frames.shape
    return frames.reshape(steps, 4, height // 4, 4, width // 4, 3).mean(axis=(2, 4))


class _WhenAsked(dict):
    """What ``make`` gives for a key, made once: of tests that two processes share, each asks for some models alone."""

    def __init__(self, make):
        super().__init__()
        self._make = make

    def __missing__(self, key):
        self[key] = self._make(key)
        return self[key]


@pytest.fixture(scope="module")
def pipes():
    return _WhenAsked(Seg2VidPipeline.from_preset)


@pytest.fixture(scope="module")
def clips(pipes):
    """{name: what the model makes of the map that is drawn for it}."""
    return _WhenAsked(lambda name: pipes[name](drawn_map(pipes[name]), seed=7))


def test_the_models_that_the_readme_promises_are_there_and_small():
    assert {"synthetic_street", "cityscapes", "weizmann_pose"} <= set(NAMES)
    sizes = [sum(f.stat().st_size for f in (ROOT / name).rglob("*") if f.is_file()) / 2**20 for name in NAMES]
    assert max(sizes) <= MEBIBYTES["one"] and sum(sizes) <= MEBIBYTES["all"]
    for name in NAMES:
        (card,) = (ROOT / name).glob("*/assets.extra/MODEL_CARD.md")
        text = card.read_text()
        assert all(word in text for word in ("PSNR", "copying frame 0")) and re.search(r"\d\.\d dB", text), name
        for part in ("- Data: ", "Known failures: ", r"Licence of\s+the\s+weights:\s+"):
            assert re.search(part + r"\S+(\s+\S+){5}", text), f"{name}: {part} is to be followed by words"


@pytest.mark.parametrize("name", NAMES)
def test_a_clip_is_what_it_was(clips, name):
    stored = np.array(json.loads(STORED.read_text())[name])
    found = statistics(clips[name])
    assert np.abs(found - stored).max() < 1.0, "grey levels"
    assert np.abs(np.diff(found, axis=0)).max() > 1.0, "it moves"


@pytest.mark.parametrize("name", NAMES)
def test_what_is_in_sight_is_the_start_frame_moved_by_the_flow(pipes, clips, name):
    """SciPy's bilinear samples of it at p - flow, and its classes there; the flow back leads to the same pixels."""
    pipe, out = pipes[name], clips[name]
    label_map, size = drawn_map(pipe), np.array(pipe.size)
    pixels = np.stack(np.meshgrid(*(np.arange(side) for side in size), indexing="ij"))

    def at(channels, places):
        samples = [
            map_coordinates(channels[..., i], places, order=1, mode="nearest") for i in range(channels.shape[-1])
        ]
        return np.stack(samples, axis=-1)

    for t in (1, pipe.num_frames):
        flow, back = (field[0, t - 1].astype(np.float64) for field in (out.flow, out.flow_backward))
        source = pixels - np.moveaxis(flow, -1, 0)
        warped, seen = at(out.start_frame[0].astype(np.float64), source), out.visibility[0, t - 1, ..., 0] > 0.99
        assert seen.mean() > 0.5 and np.abs(warped - out.start_frame[0])[seen].max() > 20, "it moves"
        assert np.abs(out.frames[0, t] - warped)[seen].max() < 2.0, "grey levels; the rest of 0.01 is painted"
        nearest = np.clip(np.rint(source).astype(int), 0, size[:, None, None] - 1)
        assert (label_map[tuple(nearest)] == out.label_maps[0, t])[seen].mean() > 0.99
        there_and_back = np.linalg.norm(at(flow, pixels + np.moveaxis(back, -1, 0)) - back, axis=-1)
        assert np.median(there_and_back) < 0.6, "pixels"


def test_synthetic_street_finds_the_motion_that_a_street_was_rendered_with(pipes):
    pipe = pipes["synthetic_street"]
    to_spec = label_set_table(load_spec("cityscapes"), "synthetic_street")
    for seed in (2_000_000, 2_000_001):
        clip = render_clip(seed, pipe.num_frames + 1, *pipe.size)
        found, seen = pipe.reconstruct(clip.frames, to_spec[clip.label_maps[0]]).flow[0], clip.visibility[..., 0] > 0
        error, still = (np.linalg.norm(flow, axis=-1)[seen].mean() for flow in (found - clip.flow, clip.flow))
        assert error < 1.0 < 3.0 < still, (error, still)


def test_synthetic_street_generates_and_reconstructs_unseen_streets(pipes):
    pipe, gains = pipes["synthetic_street"], []
    assert pipe.size == (128, 256) and pipe.spec.name == "cityscapes"
    to_spec = label_set_table(load_spec("cityscapes"), "synthetic_street")
    for seed in (2_000_000, 2_000_001):
        clip = render_clip(seed, pipe.num_frames + 1, *pipe.size, with_motion=False)
        label_map = to_spec[clip.label_maps[0]]
        out = pipe(label_map, seed=seed)
        road = label_map == 0
        assert abs(out.start_frame[0][road].mean() - clip.frames[0][road].mean()) < 40, "the road is grey"
        assert out.frames[0, 0].std() > 20, "not one colour"
        shown = pipe.reconstruct(clip.frames, label_map).frames[0, 1:]
        copied = np.repeat(clip.frames[:1], pipe.num_frames, axis=0)
        gains.append(psnr(clip.frames[1:], shown).mean() - psnr(clip.frames[1:], copied).mean())
    assert np.mean(gains) > 2.0, gains


def test_a_person_moves_and_differently_with_the_seed(pipes):
    pipe = pipes["weizmann_pose"]
    videos = pipe(drawn_map(pipe), seed=0, num_videos=8)
    lengths = np.linalg.norm(videos.flow[:, -1], axis=-1).max(axis=(1, 2))
    assert np.median(lengths) > 4.0, "pixels by frame 8, of the limb that moves most"
    assert np.ptp(lengths) > 2.0


if __name__ == "__main__":
    shipped = {name: Seg2VidPipeline.from_preset(name) for name in NAMES}
    made = {name: np.round(statistics(pipe(drawn_map(pipe), seed=7)), 2).tolist() for name, pipe in shipped.items()}
    STORED.write_text(json.dumps(made) + "\n")
