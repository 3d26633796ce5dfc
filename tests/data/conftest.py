"""Small clips and folders of frames that the tests of the data room share."""

import numpy as np
import pytest
from PIL import Image

from seg2vid_tf.data.clip import Clip


def _make_clip(clip_id="clip", length=4, height=8, width=12, seed=0, with_motion=False, with_instances=True):
    rng = np.random.default_rng(seed)
    motion = {}
    if with_motion:
        steps = (length - 1, height, width)
        for name in ("flow", "flow_backward"):
            motion[name] = rng.normal(size=(*steps, 2)).astype(np.float32)
        for name in ("visibility", "visibility_backward"):
            motion[name] = rng.integers(0, 2, (*steps, 1)).astype(np.float32)
    return Clip(
        clip_id,
        rng.integers(0, 256, (length, height, width, 3), np.uint8),
        rng.choice([0, 1, 5, 8, 255], (length, height, width)).astype(np.uint8),
        rng.integers(0, 1000, (length, height, width), np.uint16) if with_instances else None,
        **motion,
    )


def _write_sequence(folder, clip, stems=None, suffix=".png"):
    stems = stems or [f"{i:04d}" for i in range(len(clip.frames))]
    kinds = {"image": clip.frames, "label": clip.label_maps, "inst": clip.instance_maps}
    for kind, arrays in kinds.items():
        if arrays is None:
            continue
        (folder / kind).mkdir(parents=True)
        for stem, array in zip(stems, arrays, strict=True):
            Image.fromarray(array).save(folder / kind / f"{stem}{suffix if kind == 'image' else '.png'}")


def _write_strip(folder, name, length=2, side=8, joints=None):
    rng = np.random.default_rng(length)
    folder.mkdir(parents=True, exist_ok=True)
    frames = rng.integers(0, 256, (length, side, side, 3), np.uint8)
    joints = rng.random((length, 17, 3)).astype(np.float32) if joints is None else joints
    Image.fromarray(np.concatenate(list(frames), axis=1)).save(folder / f"{name}.png")
    np.save(folder / f"{name}_kp.npy", joints)
    return frames, joints


@pytest.fixture(scope="session")
def make_clip():
    """make_clip(clip_id, length, height, width, seed, with_motion, with_instances) -> noise, synthetic_street ids."""
    return _make_clip


@pytest.fixture(scope="session")
def write_sequence():
    """write_sequence(folder, clip, stems, suffix): the clip as image/, label/ and inst/ files."""
    return _write_sequence


@pytest.fixture(scope="session")
def write_strip():
    """write_strip(folder, name, length, side, joints) -> (frames, joints): <name>.png and <name>_kp.npy of noise."""
    return _write_strip
