"""The models that a checkout holds: what their server draws is what their pipeline draws."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.pipeline import Seg2VidPipeline

VERSIONS = sorted((pathlib.Path(__file__).resolve().parents[1] / "saved_models").glob("*/*/saved_model.pb"))


@pytest.mark.parametrize("path", VERSIONS, ids=lambda path: "/".join(path.parts[-3:-1]))
def test_server_and_pipeline_draw_the_same_motions(path):
    pipe = Seg2VidPipeline.from_saved_model(path.parent)
    label_map = np.zeros(pipe.size, np.uint8)
    label_map[: pipe.size[0] // 2, ::2] = 2
    served = tf.saved_model.load(str(path.parent)).signatures["serving_default"]
    png = tf.io.encode_png(label_map[..., None])[None]
    frames = served(label_map_png=png, seed=tf.constant([3], tf.int64))["frames_bytes"][0]
    frames = np.stack([tf.io.decode_png(frame).numpy() for frame in frames])
    found = pipe(label_map, seed=3).frames[0]
    assert np.abs(found.astype(int) - frames).max() <= 1
    assert np.abs(np.diff(found.astype(int), axis=0)).max() > 3, "it moves"
