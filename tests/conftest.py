"""What several test files share: tiny configs, one tiny Seg2Vid, its export, and a tiny prepared data set.

Tracing is the slow part of these tests, so everything that traces is built once per session.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# As the programs do (flags.run): what they print is compared with what this process computes.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import contextlib
import dataclasses
import fcntl
import pathlib

import hypothesis
import numpy as np
import pytest

from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.config import (
    MotionConfig,
    MotionModelConfig,
    MotionTrainingConfig,
    StartFrameConfig,
    StartFrameModelConfig,
    StartFrameTrainingConfig,
)

# How long an example takes is the machine's business.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

SIZE = (32, 64)
NUM_FRAMES = 2
SLOW = ("training/", "test_benchmarks", "test_generate_program", "test_fuzz")


def pytest_collection_modifyitems(items):
    """Slow files first, so that at the end no process waits for the last test of another."""
    items.sort(key=lambda item: not any(name in item.nodeid for name in SLOW))


@pytest.fixture(scope="session")
def spec():
    return load_spec("synthetic_street")


@pytest.fixture(scope="session")
def start_frame_config():
    """Stage 1 in miniature."""
    model = StartFrameModelConfig(
        height=SIZE[0],
        width=SIZE[1],
        style_dim=4,
        noise_channels=3,
        noise_stride=2,
        generator_filters=(16, 12, 8),
        spade_filters=8,
        style_encoder_filters=(8, 12),
        segmentation_filters=(8, 12, 16),
        patch_filters=(8, 12),
        patch_scales=2,
    )
    return StartFrameConfig(model=model, training=StartFrameTrainingConfig(steps=4, batch_size=2))


@pytest.fixture(scope="session")
def feature_file(tmp_path_factory) -> pathlib.Path:
    """A perceptual network in miniature, random weights: three convolutions, of strides 1, 1 and 2."""
    import numpy as np

    rng, arrays = np.random.default_rng(0), {}
    for name, inputs, outputs in (("conv1_1", 3, 4), ("conv1_2", 4, 4), ("conv2_1", 4, 6)):
        arrays[f"{name}_w"] = rng.normal(0, 0.4, (3, 3, inputs, outputs)).astype(np.float32)
        arrays[f"{name}_b"] = rng.normal(0, 0.1, outputs).astype(np.float32)
    path = tmp_path_factory.mktemp("weights") / "features.npz"
    np.savez(path, **arrays)
    return path


@pytest.fixture(scope="session")
def motion_config():
    """Stage 2 in miniature."""
    model = MotionModelConfig(
        height=SIZE[0],
        width=SIZE[1],
        num_frames=NUM_FRAMES,
        background_latent=6,
        foreground_latent=4,
        encoder_filters=(8, 8),
        image_filters=(8, 12, 16),
        refiner_filters=(8, 8),
        flow_scale=8.0,
        temperature=0.5,
    )
    return MotionConfig(model=model, training=MotionTrainingConfig(steps=4, batch_size=2))


@pytest.fixture(scope="session")
def limb_config(motion_config):
    """The sizes of the tiny motion model of limbs: ten bones, two waves."""
    return dataclasses.replace(
        motion_config.model, motion="limbs", background_latent=24, foreground_latent=0, smoothness=0.0
    )


@pytest.fixture(scope="session")
def limb_motion(limb_config):
    """The tiny motion model of limbs, with outputs that hear everything."""
    import keras

    from seg2vid_tf.models.build import build_motion

    keras.utils.set_random_seed(0)
    motion, rng = build_motion(limb_config, load_spec("weizmann_pose")), np.random.default_rng(1)
    for head in (motion.decoder.body_head, motion.refiner.to_rgb):
        head.kernel.assign(rng.normal(0, 0.1, head.kernel.shape).astype(np.float32))
    return motion


@pytest.fixture(scope="session")
def seg2vid(spec, start_frame_config, motion_config):
    """Seg2Vid with random weights; its flow heads are not zero, so that frames really move."""
    import keras

    from seg2vid_tf.models.build import build_generator, build_motion, build_style_encoder
    from seg2vid_tf.models.seg2vid import Seg2Vid

    keras.utils.set_random_seed(0)
    generator = build_generator(start_frame_config.model, spec)
    style_encoder = build_style_encoder(start_frame_config.model, spec)
    motion = build_motion(motion_config.model, spec)
    shake_heads(motion)
    return Seg2Vid(
        generator, motion, spec, SIZE, style_encoder, motion_config.model.temperature, motion_config.model.smoothness
    )


def shake_palette(generator, style_encoder):
    """Gives what says and reads the palette, all zeros at first, small random weights, from a fixed seed."""
    rng = np.random.default_rng(2)
    readers = [block.reader.color for block in generator.blocks]
    colors = style_encoder.class_colors
    for layer in (generator.shade, colors.mean, colors.log_variance, *readers):
        layer.kernel.assign(rng.normal(0, 0.2, layer.kernel.shape).astype(np.float32))


def shake_heads(motion):
    """Gives the zero-initialised output heads of a motion model small random weights, from a fixed seed."""
    import numpy as np

    rng = np.random.default_rng(1)
    decoder = motion.decoder
    # A pixel or so of flow: the test frames are noise, where more than that is no longer a motion.
    for head in (decoder.flow_head, decoder.visibility_head):
        head.kernel.assign(rng.normal(0, 0.06, head.kernel.shape).astype(np.float32))
    for head in (decoder.coarse_flow_heads[-1], decoder.upsampling_head):
        head.kernel.assign(rng.normal(0, 0.03, head.kernel.shape).astype(np.float32))
    for encoder in (motion.background_encoder, motion.foreground_encoder):
        for head in (encoder.to_map, encoder.log_variance):
            head.kernel.assign(rng.normal(0, 0.1, head.kernel.shape).astype(np.float32))
    painted = motion.refiner.to_rgb
    painted.kernel.assign(rng.normal(0, 0.1, painted.kernel.shape).astype(np.float32))


@contextlib.contextmanager
def shared_folder(name, tmp_path_factory):
    """A folder of all test processes, where one of them at a time makes what is called so, if it is not there yet."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield root


def exported_once(model, name, tmp_path_factory) -> pathlib.Path:
    """The version folder of a model's export, which one of the test processes makes for all of them."""
    from seg2vid_tf.serving.export import export

    with shared_folder(name, tmp_path_factory) as root:
        if not (root / "exports" / name).exists():
            export(model, root / "exports", name)
    return root / "exports" / name / "1"


@pytest.fixture(scope="session")
def label_map():
    """Sky over buildings over road, a car, and some ignored pixels."""
    ids = np.zeros(SIZE, np.uint8)
    ids[:10], ids[10:18], ids[16:24, 20:34], ids[30:] = 6, 2, 8, 255
    return ids


@pytest.fixture(scope="session")
def saved_model(seg2vid, tmp_path_factory) -> pathlib.Path:
    """The version folder of the tiny Seg2Vid's export."""
    return exported_once(seg2vid, "tiny", tmp_path_factory)


@pytest.fixture(scope="session")
def session_loader(saved_model):
    """The tiny Seg2Vid's export in the session loader."""
    from seg2vid_tf.serving.session_loader import SessionLoader

    with SessionLoader(saved_model) as loaded:
        yield loaded


@pytest.fixture(scope="session")
def pipe(saved_model):
    """The pipeline of the tiny Seg2Vid's export, from its model folder."""
    from seg2vid_tf.pipeline import Seg2VidPipeline

    return Seg2VidPipeline.from_saved_model(saved_model.parent)


@pytest.fixture(scope="session")
def seg2vid_with_instances(spec, start_frame_config, motion_config):
    """Another one, smaller still: stage 1 reads instance maps and has no style encoder, stage 2 remembers motions."""
    import keras
    import numpy as np

    from seg2vid_tf.models.build import build_generator, build_motion
    from seg2vid_tf.models.seg2vid import Seg2Vid

    keras.utils.set_random_seed(0)
    sizes = {"height": 16, "width": 32}
    model = dataclasses.replace(
        start_frame_config.model, **sizes, generator_filters=(8, 8, 8), instance_boundary=True, style_encoder=False
    )
    motion = dataclasses.replace(
        motion_config.model,
        **sizes,
        num_frames=1,
        encoder_filters=(4,),
        image_filters=(4, 4),
        refiner_filters=(4,),
        memory=3,
    )
    motion = build_motion(motion, spec)
    shake_heads(motion)
    rng = np.random.default_rng(2)
    keys = rng.integers(0, 65, motion.memory.keys.shape) / 64
    motion.memory.remember(np.float32(keys), rng.normal(0, 2, motion.memory.motions.shape).astype(np.float32))
    return Seg2Vid(build_generator(model, spec), motion, spec, (16, 32))


@pytest.fixture(scope="session")
def saved_model_with_instances(seg2vid_with_instances, tmp_path_factory) -> pathlib.Path:
    """The version folder of its export."""
    return exported_once(seg2vid_with_instances, "instances", tmp_path_factory)


@pytest.fixture(scope="session")
def run_dir(seg2vid, spec, start_frame_config, motion_config, tmp_path_factory) -> pathlib.Path:
    """A run folder whose newest checkpoints hold the tiny Seg2Vid."""
    from seg2vid_tf.run_folder import RunFolder

    root = tmp_path_factory.mktemp("runs") / "tiny"
    averages = {"generator_average": seg2vid.generator, "style_encoder_average": seg2vid.style_encoder}
    for stage, config, objects in (
        ("start_frame", start_frame_config, averages),
        ("motion", motion_config, {"motion": seg2vid.motion}),
    ):
        folder = RunFolder(root / stage)
        folder.start(stage, config, spec, "clips", resume=False)
        folder.save(objects, step=4)
    return root


@pytest.fixture(scope="session")
def street_data(spec, tmp_path_factory) -> pathlib.Path:
    """A prepared synthetic_street data set: train/ (4 clips) and validation/ (2 clips), 4 frames of 32 x 64 each."""
    from seg2vid_tf.data.shard_writer import write_shards
    from seg2vid_tf.data.synthetic_street import SyntheticStreet

    root = tmp_path_factory.mktemp("street")
    for split, seeds in (("train", range(4)), ("validation", range(100, 102))):
        write_shards(SyntheticStreet(seeds, 4, *SIZE), root, split=split, clips_per_shard=2, include_motion=True)
    return root


def with_training(config, **changes):
    """The config with other values of its training fields."""
    return dataclasses.replace(config, training=dataclasses.replace(config.training, **changes))
