"""The trained models that come with the project do what their cards say."""

import numpy as np

from seg2vid_tf.data.synthetic_street import render_clip
from seg2vid_tf.evaluation.psnr import psnr
from seg2vid_tf.pipeline import Seg2VidPipeline


def test_synthetic_street_generates_and_reconstructs_unseen_streets():
    pipe = Seg2VidPipeline.from_preset("synthetic_street")
    assert pipe.size == (64, 128) and pipe.spec.name == "synthetic_street"
    gains = []
    for seed in (2_000_000, 2_000_001, 2_000_002):
        clip = render_clip(seed, pipe.num_frames + 1, *pipe.size, with_motion=False)
        out = pipe(clip.label_maps[0], seed=seed)
        assert out.frames.shape == (1, 5, 64, 128, 3)
        road = clip.label_maps[0] == 0
        assert abs(out.start_frame[0][road].mean() - clip.frames[0][road].mean()) < 60, "the road is grey"
        assert out.frames[0, 0].std() > 20, "not one colour"
        shown = pipe.reconstruct(clip.frames, clip.label_maps[0]).frames[0, 1:]
        copied = np.repeat(clip.frames[:1], pipe.num_frames, axis=0)
        gains.append(psnr(clip.frames[1:], shown).mean() - psnr(clip.frames[1:], copied).mean())
    assert np.mean(gains) > 0.5, gains
