"""What the tests of the training room share."""

import dataclasses

import pytest

from seg2vid_tf.config import (
    MotionConfig,
    MotionLossConfig,
    MotionModelConfig,
    MotionTrainingConfig,
    StartFrameConfig,
    StartFrameLossConfig,
    StartFrameModelConfig,
    StartFrameTrainingConfig,
)

# Half the size of the tests' data: tracing and compiling are most of the time here, and follow the number of layers.
SIZE = {"height": 16, "width": 32}


@pytest.fixture(scope="session")
def smallest_start_frame():
    """The least of stage 1 that still has each of its parts."""
    model = StartFrameModelConfig(
        **SIZE,
        style_dim=4,
        noise_channels=2,
        noise_stride=2,
        generator_filters=(8, 8, 8),
        spade_filters=4,
        style_encoder_filters=(4, 8),
        segmentation_filters=(4, 8),
        patch_filters=(4, 8),
        patch_scales=1,
    )
    return StartFrameConfig(model=model, training=StartFrameTrainingConfig(steps=4, batch_size=2))


@pytest.fixture(scope="session")
def whole_start_frame(smallest_start_frame):
    """The same with every part that a config may leave out, but for the perceptual network's."""
    return dataclasses.replace(
        smallest_start_frame,
        model=dataclasses.replace(smallest_start_frame.model, style_bands=2, fine_spade_filters=3, class_colors=True),
        losses=StartFrameLossConfig(class_balance=0.5, style_color_weight=2.0),
        training=StartFrameTrainingConfig(steps=4, batch_size=4, warmup_steps=2),
    )


@pytest.fixture(scope="session")
def smallest_motion():
    """The least of stage 2 that still has each of its parts; its KL counts from the first step."""
    model = MotionModelConfig(
        **SIZE,
        num_frames=2,
        background_latent=3,
        foreground_latent=2,
        encoder_filters=(8,),
        image_filters=(8, 8, 8),
        refiner_filters=(8, 8),
        flow_scale=4.0,
    )
    losses = MotionLossConfig(kl_warmup_steps=0, kl_weight=0.01)
    return MotionConfig(model=model, losses=losses, training=MotionTrainingConfig(steps=4, batch_size=2))


@pytest.fixture(scope="session")
def with_training():
    """with_training(config, **changes) -> the config with other values of its training fields."""

    def changed(config, **changes):
        return dataclasses.replace(config, training=dataclasses.replace(config.training, **changes))

    return changed


@pytest.fixture(scope="session")
def with_model():
    """with_model(config, **changes) -> the config with other values of its model's fields."""

    def changed(config, **changes):
        return dataclasses.replace(config, model=dataclasses.replace(config.model, **changes))

    return changed


@pytest.fixture(scope="session")
def command_line():
    """command_line(config) -> the flags that make a training program run this config."""

    def arguments(config):
        given = []
        for part in dataclasses.fields(config):
            for field in dataclasses.fields(part.type):
                value = getattr(getattr(config, part.name), field.name)
                text = ",".join(map(str, value)) if isinstance(value, tuple) else value
                if (field.name, value) == ("precision", "auto"):
                    text = "float32"  # two programs beside each other may time a machine differently
                given.append(f"--{field.name}={text}")
        return given

    return arguments
