"""MultiscaleDiscriminator beyond the shared checklist: its scales, their shapes, what each of them reads."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.models.build import build_discriminator
from seg2vid_tf.models.start_frame.multiscale_discriminator import MultiscaleDiscriminator


@pytest.fixture
def discriminator(spec, start_frame_config):
    return build_discriminator(dataclasses.replace(start_frame_config.model, discriminator="multiscale"), spec)


def test_scales_and_shapes(discriminator, spec, make_inputs):
    assert isinstance(discriminator, MultiscaleDiscriminator)
    outputs = discriminator(make_inputs(discriminator, spec, 2, 32, 64))
    # Two layers, the first of stride 2; the second scale sees half the size.
    assert [tuple(x.shape) for x in outputs["logits"]] == [(2, 16, 32, 1), (2, 8, 16, 1)]
    assert [[tuple(f.shape) for f in scale] for scale in outputs["features"]] == [
        [(2, 16, 32, 8), (2, 16, 32, 12)],
        [(2, 8, 16, 8), (2, 8, 16, 12)],
    ]


def test_every_scale_reads_frame_and_annotation(discriminator, spec, make_inputs):
    inputs = make_inputs(discriminator, spec, 1, 32, 32)
    logits = discriminator(inputs)["logits"]
    for name in inputs:
        others = discriminator({**inputs, name: tf.reverse(inputs[name], [2])})["logits"]
        for a, b in zip(logits, others, strict=True):
            assert np.abs(a.numpy() - b.numpy()).max() > 1e-4, name


def test_scales_have_their_own_weights(discriminator):
    first, second = (d.convs[0].kernel.numpy() for d in discriminator.discriminators)
    assert first.shape == second.shape and (first != second).any()
