"""Configs: the JSON round trip, what from_json refuses, presets, and the difference of two documents."""

import dataclasses
import json

import pytest

from seg2vid_tf.config import (
    MOTION_PRESETS,
    START_FRAME_PRESETS,
    MotionConfig,
    MotionLossConfig,
    MotionModelConfig,
    MotionTrainingConfig,
    StartFrameConfig,
    StartFrameLossConfig,
    StartFrameModelConfig,
    StartFrameTrainingConfig,
    TrainingConfig,
    differences,
    from_json,
    preset,
    to_json,
    with_defaults,
    write_json,
)

CONFIGS = [
    *START_FRAME_PRESETS.values(),
    *MOTION_PRESETS.values(),
    MotionConfig(MotionModelConfig(image_filters=(4, 8), refiner_filters=(4, 8))),
]


@pytest.mark.parametrize("config", CONFIGS)
def test_json_round_trip(config):
    document = json.loads(json.dumps(to_json(config)))
    again = from_json(type(config), document)
    assert again == config and hash(again) == hash(config)


def test_an_unknown_and_a_missing_field_are_named():
    document = to_json(MotionConfig())
    document["training"]["speed"] = document["training"].pop("steps")
    with pytest.raises(
        ValueError, match=r"not a MotionTrainingConfig of this version: missing \['steps'\], unknown \['speed'\]"
    ):
        from_json(MotionConfig, document)
    with pytest.raises(ValueError, match="not a StartFrameConfig"):
        from_json(StartFrameConfig, {})


def test_an_unknown_preset_lists_the_known_ones():
    assert preset(MOTION_PRESETS, "tiny") == MOTION_PRESETS["tiny"]
    for presets in (START_FRAME_PRESETS, MOTION_PRESETS):
        with pytest.raises(ValueError, match=r"unknown preset 'huge': give one of \[.*'tiny'.*\]"):
            preset(presets, "huge")


def test_stage_1_has_four_presets_that_grow():
    sizes = {name: (config.model.height, config.model.width) for name, config in START_FRAME_PRESETS.items()}
    assert sizes == {"tiny": (64, 128), "small": (128, 256), "base": (256, 512), "large": (512, 1024)}


@pytest.mark.parametrize("name", START_FRAME_PRESETS)
def test_a_preset_fits_its_own_networks(name):
    """Every network halves the frame without a rest, and two pixels or more are left."""
    model, training = START_FRAME_PRESETS[name].model, START_FRAME_PRESETS[name].training
    strides = {
        "generator": 2 ** (len(model.generator_filters) - 1),
        "segmentation discriminator": 2 ** (len(model.segmentation_filters) - 1),
        "style encoder": 2 ** len(model.style_encoder_filters),
        "multiscale discriminator": 2 ** (len(model.patch_filters) - 1 + model.patch_scales - 1),
    }
    for network, stride in strides.items():
        assert model.height % stride == 0 and model.width % stride == 0, network
        assert model.height // stride >= 2, network
    assert training.batch_size % training.accumulate == 0


@pytest.mark.parametrize("weight", ["style_color_weight", "mode_seeking_weight"])
def test_what_reads_a_neighbour_needs_one_and_an_encoder(weight):
    losses = StartFrameLossConfig(**{weight: 1.0})
    StartFrameConfig(losses=losses, training=StartFrameTrainingConfig(batch_size=4, accumulate=2))
    with pytest.raises(ValueError, match=f"{weight} 1.0 needs the style encoder"):
        StartFrameConfig(StartFrameModelConfig(style_encoder=False), losses)
    with pytest.raises(ValueError, match=f"{weight} 1.0 .* batch_size / accumulate must be at least 2, received 4 / 4"):
        StartFrameConfig(losses=losses, training=StartFrameTrainingConfig(batch_size=4, accumulate=4))


def test_differences_name_every_leaf():
    old = to_json(MotionConfig())
    new = to_json(MotionConfig(training=MotionTrainingConfig(batch_size=4, seed=3, precision="mixed_bfloat16")))
    assert differences(old, new) == ["training.precision: auto -> mixed_bfloat16", "training.seed: 0 -> 3"]
    assert differences(old, json.loads(json.dumps(old))) == []  # a tuple is a list in JSON
    assert differences({"a": {"b": 1}, "c": 1}, {"a": {}, "c": 1}) == ["a.b: 1 -> None"]


def test_every_field_of_a_preset_has_a_help_text():
    for config in CONFIGS:
        for part in dataclasses.fields(config):
            for field in dataclasses.fields(part.type):
                assert field.metadata["help"].strip(), field.name


def test_write_json_leaves_no_temporary_file(tmp_path):
    write_json(tmp_path / "deep" / "config.json", {"a": 1})
    assert json.loads((tmp_path / "deep" / "config.json").read_text()) == {"a": 1}
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["config.json"]


def test_a_schedule_of_zero_is_refused():
    with pytest.raises(ValueError, match="sample_every must be at least 1, received 0"):
        TrainingConfig(sample_every=0)


@pytest.mark.parametrize("decay", [-0.1, 1.0])
def test_an_average_that_never_moves_or_runs_away_is_refused(decay):
    with pytest.raises(ValueError, match=rf"ema_decay must lie in \[0, 1\), received {decay}"):
        StartFrameTrainingConfig(ema_decay=decay)
    with pytest.raises(ValueError, match="accumulate must be at least 1, received 0"):
        StartFrameTrainingConfig(accumulate=0)


@pytest.mark.parametrize(
    ("config_class", "name"),
    [
        (StartFrameLossConfig, "l1_weight"),
        (MotionLossConfig, "cycle_weight"),
        (StartFrameTrainingConfig, "discriminator_learning_rate"),
        (MotionTrainingConfig, "learning_rate"),
    ],
)
@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_weights_and_rates_are_finite_and_not_negative(config_class, name, value):
    with pytest.raises(ValueError, match=f"{name} must be finite and at least 0, received {value}"):
        config_class(**{name: value})


def test_a_first_moment_that_never_forgets_is_refused():
    with pytest.raises(ValueError, match=r"beta_1 must lie in \[0, 1\), received 1.0"):
        MotionTrainingConfig(beta_1=1.0)


def test_a_generator_that_would_never_learn_is_refused():
    StartFrameConfig(training=StartFrameTrainingConfig(steps=5, generator_start=4))
    with pytest.raises(ValueError, match="generator_start 5: the generator would learn in none of the 5 steps"):
        StartFrameConfig(training=StartFrameTrainingConfig(steps=5, generator_start=5))
    with_colors = StartFrameModelConfig(class_colors=True)
    both = StartFrameTrainingConfig(steps=5, generator_start=2, class_finder_steps=3)
    with pytest.raises(ValueError, match="generator_start 2 and class_finder_steps 3: the generator would learn in no"):
        StartFrameConfig(with_colors, training=both)


def test_what_belongs_to_class_colors_is_refused_without():
    StartFrameConfig(StartFrameModelConfig(class_colors=True), training=StartFrameTrainingConfig(class_finder_steps=3))
    with pytest.raises(ValueError, match="class_finder_steps 3 belongs to class_colors, which is false"):
        StartFrameConfig(training=StartFrameTrainingConfig(class_finder_steps=3))
    with pytest.raises(ValueError, match="class_colors needs the style encoder"):
        StartFrameConfig(StartFrameModelConfig(class_colors=True, style_encoder=False))


def test_an_unknown_discriminator_is_refused():
    assert StartFrameModelConfig().discriminator == "segmentation"
    with pytest.raises(ValueError, match="discriminator must be segmentation or multiscale, received 'patch'"):
        StartFrameModelConfig(discriminator="patch")
    with pytest.raises(ValueError, match="discriminator_features belongs to the segmentation discriminator"):
        StartFrameModelConfig(discriminator="multiscale", discriminator_features=True)


def test_sizes_that_no_network_can_have_are_refused():
    for name in ("style_dim", "noise_channels", "spade_filters", "patch_scales"):
        with pytest.raises(ValueError, match=f"{name} must be at least 1, received 0"):
            StartFrameModelConfig(**{name: 0})
    with pytest.raises(ValueError, match="num_frames must be at least 1, received 0"):
        MotionModelConfig(num_frames=0)
    with pytest.raises(ValueError, match=r"refiner_filters may have no more entries than image_filters"):
        MotionModelConfig(image_filters=(4, 8), refiner_filters=(4, 4, 4))
    with pytest.raises(ValueError, match=r"image_filters needs at least two entries, received \(4,\)"):
        MotionModelConfig(image_filters=(4,), refiner_filters=(4,))


def fields():
    """(part's class, field) of every field of both stages' configs."""
    parts = [field.type for config in (StartFrameConfig, MotionConfig) for field in dataclasses.fields(config)]
    return [(part, field) for part in parts for field in dataclasses.fields(part)]


def test_every_number_has_a_range_and_says_so():
    for part, field in fields():
        allowed, many = field.metadata["allowed"], isinstance(field.default, tuple)
        if isinstance(field.default, bool | str) or field.type == tuple[str, ...]:
            assert allowed is None
            continue
        for value in [allowed.low] * allowed.open_low + [allowed.low - 1, float("nan"), "1", True, None]:
            with pytest.raises(ValueError, match=rf"{field.name} must .*received"):
                part(**{field.name: (value,) if many else value})
        if not isinstance(field.default, float):
            with pytest.raises(ValueError, match=f"{field.name} must be a whole number, received"):
                part(**{field.name: (2.5,) if many else 2.5})
        if many:
            with pytest.raises(ValueError, match=rf"{field.name} must hold at least one number, received \(\)"):
                part(**{field.name: ()})


@pytest.mark.parametrize(
    ("part", "name", "value", "words"),
    [
        (MotionModelConfig, "flow_scale", 0.0, "be finite and above 0"),
        (MotionModelConfig, "encoder_filters", (4, 0), "be at least 1"),
        (MotionTrainingConfig, "clip_norm", 0.0, "be finite and above 0"),
        (MotionTrainingConfig, "crop", 0.05, r"lie in \[0.1, 1\]"),
        (MotionTrainingConfig, "recolor", 1.5, r"lie in \[0, 1\]"),
        (MotionTrainingConfig, "seed", -1, r"lie in \[0, 4294967295\]"),
        (MotionLossConfig, "kl_warmup_steps", -1, "be at least 0"),
    ],
)
def test_a_number_outside_its_range_is_named_with_it(part, name, value, words):
    with pytest.raises(ValueError, match=rf"{name} must {words}, received"):
        part(**{name: value})


def test_what_an_old_document_lacks_gets_its_default():
    document = to_json(MotionConfig(training=MotionTrainingConfig(steps=7)))
    assert with_defaults(MotionConfig, document) == (document, [])
    old = json.loads(json.dumps(document))
    del old["training"]["jitter"], old["model"]["memory"]
    whole, lacked = with_defaults(MotionConfig, old)
    assert lacked == ["model.memory 0", "training.jitter 0.0"]
    assert from_json(MotionConfig, whole) == from_json(MotionConfig, document)
    assert with_defaults(MotionConfig, {"model": []}) == ({"model": []}, [])  # no document: from_json says so


def test_what_draws_mean_is_said_once_and_by_no_more_directions_than_there_are():
    model = MotionConfig().model
    with pytest.raises(ValueError, match="memory 2 and prior_rank 3 both say what a draw means: give one of them"):
        dataclasses.replace(model, memory=2, prior_rank=3)
    most = model.background_latent + model.foreground_latent
    with pytest.raises(ValueError, match=f"prior_rank may be at most .*, {most}, received {most + 1}"):
        dataclasses.replace(model, prior_rank=most + 1)


def test_things_need_a_foreground():
    with pytest.raises(ValueError, match="foreground_latent 0 leaves none: set instance_motion to false"):
        dataclasses.replace(MotionConfig().model, foreground_latent=0, instance_motion=True)


@pytest.mark.parametrize(
    ("name", "wrong", "wanted"),
    [
        ("foreground_latent", 256, 0),
        ("prior", "learned", "standard"),
        ("smoothness", 2.0, 0.0),
        ("annotated", False, True),
    ],
)
def test_limbs_refuse_what_they_do_not_have(name, wrong, wanted):
    right = {"foreground_latent": 0, "smoothness": 0.0}
    assert dataclasses.replace(MotionConfig().model, motion="limbs", **right).motion == "limbs"
    with pytest.raises(ValueError, match=f"motion limbs needs {name} {wanted}, received {wrong}: change one of them"):
        dataclasses.replace(MotionConfig().model, motion="limbs", **{**right, name: wrong})
    with pytest.raises(ValueError, match="motion must be flow or limbs, received 'arms'"):
        dataclasses.replace(MotionConfig().model, motion="arms")


def test_two_layers_without_annotation_are_refused():
    with pytest.raises(ValueError, match="set foreground_latent to 0, received 256"):
        MotionModelConfig(annotated=False)
    assert not MotionModelConfig(annotated=False, foreground_latent=0).annotated
