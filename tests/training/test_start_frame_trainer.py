"""StartFrameTrainer: what a step changes, which examples each term sees, what a step follows from, and its pictures."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.compat import raw_variables
from seg2vid_tf.losses.class_color import palette_distance
from seg2vid_tf.losses.segmentation import labelmix
from seg2vid_tf.models.build import set_precision
from seg2vid_tf.models.start_frame.spectral_conv import SpectralConv2D
from seg2vid_tf.models.start_frame.style_standardisation import fit_styles
from seg2vid_tf.training import start_frame_trainer
from seg2vid_tf.training.start_frame_trainer import StartFrameTrainer
from tests.settings import needs_bfloat16

DISCRIMINATORS = ("segmentation", "multiscale")
OF_THE_ENCODER = {"style_kl", "style_regression"}
ADVERSARIAL = {
    "segmentation": {"adversarial", "discriminator_real", "discriminator_fake", "labelmix"},
    "multiscale": {"adversarial", "feature_matching", "discriminator"},
}


def make_batch(count, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "frames": rng.uniform(-1, 1, (count, 1, 16, 32, 3)).astype(np.float32),
        "label_maps": rng.integers(0, 9, (count, 1, 16, 32)).astype(np.uint8),
    }


@pytest.fixture(scope="module")
def batch():
    return make_batch(2)


def values(owner):
    return [v.numpy() for v in raw_variables(owner)]


def build(config, spec, seed=0):
    keras.utils.set_random_seed(seed)
    return StartFrameTrainer(config, spec)


@pytest.fixture(scope="module")
def unchanged(smallest_start_frame, spec):
    """A trainer of which each test looks at examples and terms alone: it takes no step."""
    return build(smallest_start_frame, spec)


def take_step(trainer, batch, step=0):
    """{name: loss term}, and the trainer has taken the step."""
    tensors = {name: tf.constant(value) for name, value in batch.items()}
    return {k: v.numpy() for k, v in trainer.train_step(tensors, tf.constant(step, tf.int64)).items()}


def terms_of(trainer, batch, step=0):
    """{name: loss term}, and the trainer is as it was."""
    before = {name: values(owner) for name, owner in trainer.checkpointed.items()}
    terms = take_step(trainer, batch, step)
    for name, owner in trainer.checkpointed.items():
        for variable, value in zip(raw_variables(owner), before[name], strict=True):
            variable.assign(value)
    return terms


def generator_terms(trainer, batch, step=0):
    """{name: loss term of the generator}, as a step computes them first: a whole one takes several times as long."""
    tensors = {name: tf.constant(value) for name, value in batch.items()}
    _, terms = trainer._generator_terms(trainer._examples(tensors, tf.constant(step, tf.int64)))
    return {name: term.numpy() for name, term in terms.items()}


@pytest.mark.parametrize("discriminator", DISCRIMINATORS)
def test_one_step_changes_every_network(smallest_start_frame, with_model, spec, batch, discriminator):
    trainer = build(with_model(smallest_start_frame, discriminator=discriminator), spec)
    networks = {"generator", "style_encoder", "generator_average", "style_encoder_average", "discriminator"}
    assert set(trainer.checkpointed) == networks | {"generator_optimizer", "discriminator_optimizer", "styles"}
    before = {name: values(owner) for name, owner in trainer.checkpointed.items()}
    for name in ("generator", "style_encoder"):
        for weights, average in zip(before[name], before[f"{name}_average"], strict=True):
            np.testing.assert_array_equal(average, weights)
    terms = take_step(trainer, batch)
    assert set(terms) == ADVERSARIAL[discriminator] | {"l1"} | OF_THE_ENCODER
    assert all(np.isfinite(v) and v.shape == () for v in terms.values())
    for name in networks:
        changed = [(a != b).any() for a, b in zip(before[name], values(trainer.checkpointed[name]), strict=True)]
        # A patch discriminator's bias of the logits stays: while all logits are inside the hinge's margins, real and
        # fake pull it equally.
        stays = name == "discriminator" and discriminator == "multiscale"
        assert changed.count(False) == stays, (name, changed)
    for name in ("generator_optimizer", "discriminator_optimizer"):
        assert int(trainer.checkpointed[name].iterations.numpy()) == 1


@pytest.mark.parametrize("discriminator", DISCRIMINATORS)
def test_without_a_style_encoder_there_are_no_terms_of_it(smallest_start_frame, with_model, spec, batch, discriminator):
    trainer = build(with_model(smallest_start_frame, discriminator=discriminator, style_encoder=False), spec)
    assert set(take_step(trainer, batch)) == ADVERSARIAL[discriminator] | {"l1"}
    assert "style_encoder_average" not in trainer.checkpointed


@pytest.mark.parametrize("style_encoder", [True, False])
def test_only_a_paired_example_is_held_against_its_real_frame(
    smallest_start_frame, with_model, spec, batch, monkeypatch, style_encoder
):
    """Which one is paired alternates with the place in the batch and with the step; without an encoder all are."""
    monkeypatch.setattr(start_frame_trainer, "perceptual_network", lambda config: lambda frames: [frames[:, ::2]])
    config = with_model(smallest_start_frame, discriminator="multiscale", style_encoder=style_encoder)
    config = dataclasses.replace(config, losses=dataclasses.replace(config.losses, perceptual_weight=2.0))
    trainer = build(config, spec)
    held = {"l1", "perceptual", "feature_matching"} | ({"style_kl"} if style_encoder else set())
    for step in (0, 1):
        terms = generator_terms(trainer, batch, step)
        assert all(terms[name] > 0 for name in held)
        for place in (0, 1):
            frames = batch["frames"].copy()
            frames[place] *= -1.0
            other = generator_terms(trainer, {**batch, "frames": frames}, step)
            paired = (place + step) % 2 == 1 or not style_encoder
            for name in held:
                assert (other[name] != terms[name]) == paired, (name, step, place)


def test_l1_asks_for_no_certain_grain(smallest_start_frame, with_model, spec, batch):
    """It compares the means of 4x4 cells, so pixels may trade places within them."""
    trainer = build(with_model(smallest_start_frame, style_encoder=False), spec)
    cells = batch["frames"].reshape(2, 4, 4, 8, 4, 3)
    turned = cells[:, :, ::-1, :, ::-1].reshape(batch["frames"].shape)
    assert (turned != batch["frames"]).any()
    terms = generator_terms(trainer, batch)
    np.testing.assert_allclose(generator_terms(trainer, {**batch, "frames": turned})["l1"], terms["l1"], rtol=1e-5)
    examples = trainer._examples({name: tf.constant(value) for name, value in batch.items()}, tf.constant(0, tf.int64))
    inputs = {name: examples[name] for name in ("annotation", "style", "noise")}
    fake = trainer.networks["generator"](inputs)["start_frame"].numpy()
    means = [f.reshape(2, 4, 4, 8, 4, 3).mean((2, 4)) for f in (fake, batch["frames"])]
    weight = smallest_start_frame.losses.l1_weight
    np.testing.assert_allclose(terms["l1"], weight * np.abs(means[0] - means[1]).mean(), rtol=1e-4)


def test_a_drawn_style_is_looked_for_where_the_whole_frame_has_it(unchanged):
    """The style regression sees neither paired examples nor those painted in two styles."""
    trainer, batch = unchanged, make_batch(8)
    examples = trainer._examples({name: tf.constant(value) for name, value in batch.items()}, tf.constant(0, tf.int64))
    paired, two_styles = examples["paired"].numpy() > 0, examples["two_styles"].numpy() > 0
    np.testing.assert_array_equal(paired, [False, True] * 4)
    assert two_styles.any() and not two_styles[paired].any() and not two_styles[~paired].all()
    mask = examples["style_mask"].numpy()
    for i, label_map in enumerate(batch["label_maps"][:, 0]):
        # One style or the other for a whole class, and only in an example of two styles.
        sides = [np.unique(mask[i][label_map == k]) for k in range(9)]
        assert all(len(side) == 1 for side in sides) and ((mask[i] == 0).all() or two_styles[i])
    _, terms = trainer._generator_terms(examples)
    for i in range(8):
        style = examples["style"].numpy()
        style[i] += 1.0
        _, other = trainer._generator_terms({**examples, "style": tf.constant(style)})
        seen = not paired[i] and not two_styles[i]
        assert (other["style_regression"].numpy() != terms["style_regression"].numpy()) == seen, i


def test_each_example_is_painted_in_the_styles_that_are_its_own(unchanged):
    """One of two styles in both, a paired one in a draw from the posterior of its frame."""
    trainer, batch = unchanged, make_batch(8)
    examples = trainer._examples({name: tf.constant(value) for name, value in batch.items()}, tf.constant(0, tf.int64))
    assert not examples["swapped_style"].numpy().any()
    read_by = {
        "other_style": examples["two_styles"].numpy() > 0,
        "style_noise": examples["paired"].numpy() > 0,
        "style": examples["paired"].numpy() == 0,
    }
    before = trainer._generator_terms(examples)[0].numpy()
    for name, expected in read_by.items():
        assert expected.any() and not expected.all()
        after = trainer._generator_terms({**examples, name: examples[name] + 1.0})[0].numpy()
        np.testing.assert_array_equal(np.abs(after - before).max(axis=(1, 2, 3)) > 1e-5, expected, err_msg=name)


def test_a_quarter_is_painted_in_the_neighbours_style_and_takes_its_colours(unchanged, smallest_start_frame, spec):
    """Of places 2i and 2i + 1 each borrows from the other, of steps alternate places; without a weight none does."""
    losses = dataclasses.replace(smallest_start_frame.losses, style_color_weight=3.0)
    trainer = build(dataclasses.replace(smallest_start_frame, losses=losses), spec)
    batch = make_batch(4)
    tensors = {name: tf.constant(value) for name, value in batch.items()}
    assert not unchanged._examples(tensors, tf.constant(0, tf.int64))["swapped_style"].numpy().any()
    for step, lent_to in ((0, (0,)), (1, (3,))):
        examples = trainer._examples(tensors, tf.constant(step, tf.int64))
        borrowed, paired = examples["swapped_style"].numpy() > 0, examples["paired"].numpy() > 0
        assert tuple(np.flatnonzero(borrowed)) == lent_to
        assert not (borrowed & (paired | (examples["two_styles"].numpy() > 0))).any()
        fake, terms = trainer._generator_terms(examples)
        for place in range(4):
            frames = batch["frames"].copy()
            frames[place] *= -1.0
            changed = trainer._examples({**tensors, "frames": tf.constant(frames)}, tf.constant(step, tf.int64))
            other_fake, other = trainer._generator_terms(changed)
            lends = (place ^ 1) in lent_to
            assert (other["style_color"].numpy() != terms["style_color"].numpy()) == lends, (step, place)
            moved = np.abs(other_fake - fake).max(axis=(1, 2, 3)) > 1e-5
            # A paired one's own picture follows its frame, and so does the one that borrows from it.
            assert set(np.flatnonzero(moved)) == ({place} if paired[place] else set()) | (
                {place ^ 1} if lends else set()
            )


def test_with_a_palette_every_drawn_and_borrowed_style_says_its_colours(whole_start_frame, spec):
    """The palette is taught by each frame's own classes, and what is painted is held to it where no frame is."""
    trainer = build(whole_start_frame, spec)
    batch = make_batch(4)
    examples = trainer._examples({k: tf.constant(v) for k, v in batch.items()}, tf.constant(0, tf.int64))
    paired = examples["paired"].numpy() > 0
    fake, terms = trainer._generator_terms(examples)
    palette = trainer.networks["generator"].palette
    style = trainer.networks["style_encoder"]({"frame": examples["real"]})["mean"]
    # The term's style is drawn around this one.
    expected = palette_distance(examples["real"], examples["target"], palette(style[:, None, None])[:, 0, 0])
    np.testing.assert_allclose(terms["class_color"], 10.0 * np.mean(expected), rtol=0.2)
    assert 0.9 * np.log(9) < terms["style_classes"] < 1.1 * np.log(9), "of nine classes none is known yet"
    places = labelmix(examples["style_mask"], examples["other_style"][:, None, None], style[:, None, None])
    for place in range(4):
        moved = tf.tensor_scatter_nd_update(fake, [[place]], [fake[place] + 0.5])
        before, after = (trainer._style_color(examples, places, frame).numpy() for frame in (fake, moved))
        assert (before != after) == (not paired[place]), place
    # A frame that has its palette's colours is what is asked for.
    asked = palette.paint(examples["annotation"], places)
    np.testing.assert_allclose(trainer._style_color(examples, places, asked), 0.0, atol=1e-6)


def test_the_palettes_colours_are_learned(whole_start_frame, spec, monkeypatch):
    """Alone, with the encoder: what a style says of each class comes nearer to the frame it is encoded from."""
    weights = {field.name: 0.0 for field in dataclasses.fields(whole_start_frame.losses)}
    losses = dataclasses.replace(whole_start_frame.losses, **{**weights, "class_color_weight": 10.0})
    training = dataclasses.replace(whole_start_frame.training, learning_rate=1e-2, warmup_steps=0)
    monkeypatch.setattr(start_frame_trainer, "CLASS_FINDER_RATE", 1e-2)
    trainer = build(dataclasses.replace(whole_start_frame, losses=losses, training=training), spec)
    before = {name: values(network) for name, network in trainer.networks.items()}
    batch = {name: tf.constant(value) for name, value in make_batch(4).items()}
    step = tf.function(trainer.train_step)
    terms = [step(batch, tf.constant(i, tf.int64)) for i in range(40)]
    assert terms[-1]["class_color"] < 0.8 * terms[0]["class_color"]
    assert terms[-1]["style_classes"] < terms[0]["style_classes"], "of maps that are noise, some is learned by heart"
    for variable, old in zip(raw_variables(trainer.networks["generator"]), before["generator"], strict=True):
        np.testing.assert_array_equal(variable, old, err_msg="it holds no colours of its own")


def test_the_class_finder_learns_alone_first(whole_start_frame, with_training, spec):
    trainer = build(with_training(whole_start_frame, class_finder_steps=30, steps=40), spec)
    assert trainer.prepare_steps == 30
    batch = make_batch(4)
    batch["label_maps"][:] = np.repeat(np.repeat(batch["label_maps"][:, :, ::8, ::8], 8, axis=2), 8, axis=3)
    batch["frames"] = batch["label_maps"][..., None].repeat(3, -1) / 4.0 - np.float32(1)
    tensors = {name: tf.constant(value) for name, value in batch.items()}
    before = {name: values(owner) for name, owner in trainer.checkpointed.items()}
    step = tf.function(trainer.prepare_step)
    terms = [step(tensors, tf.constant(i, tf.int64)) for i in range(30)]
    assert all(terms[-1][name] < 0.8 * terms[0][name] for name in ("style_classes", "class_color"))
    finders = [trainer.checkpointed[name].class_colors for name in ("style_encoder", "style_encoder_average")]
    may_change = {id(v) for owner in (*finders, trainer.class_finder_optimizer) for v in raw_variables(owner)}
    for name, owner in trainer.checkpointed.items():
        for variable, old in zip(raw_variables(owner), before[name], strict=True):
            if id(variable) not in may_change:
                np.testing.assert_array_equal(variable, old, err_msg=name)
    assert any((a != b).any() for a, b in zip(*map(values, finders), strict=True)), "the average trails"


def test_drawn_styles_are_pushed_from_the_neighbours_picture_on_its_map(
    smallest_start_frame, with_training, spec, feature_file
):
    """Mode seeking: of places 2i and 2i + 1 the one in drawn styles has the other's map; the term moves it alone."""
    losses = dataclasses.replace(smallest_start_frame.losses, style_color_weight=3.0, mode_seeking_weight=2.0)
    config = with_training(dataclasses.replace(smallest_start_frame, losses=losses), perceptual_path=str(feature_file))
    trainer = build(config, spec)
    batch = make_batch(8)
    examples = trainer._examples({k: tf.constant(v) for k, v in batch.items()}, tf.constant(0, tf.int64))
    drawn = np.flatnonzero(examples["drawn_style"])
    assert tuple(drawn) == (2, 6) and not examples["swapped_style"].numpy()[drawn].any()
    shown = [place ^ 1 if place in drawn else place for place in range(8)]
    np.testing.assert_array_equal(examples["real"], batch["frames"][shown, 0])
    np.testing.assert_array_equal(np.argmax(examples["target"], axis=-1), batch["label_maps"][shown, 0])
    fakes = []
    generator = trainer.networks["generator"]

    def painted(inputs, training):
        # On white noise, so that whatever the term says can be asked of each picture.
        fakes.append(tf.Variable(np.random.default_rng(1).uniform(-1, 1, (8, 16, 32, 3)).astype(np.float32)))
        return {"start_frame": fakes[-1]}

    trainer.networks["generator"] = painted
    with tf.GradientTape() as tape:
        term = trainer._generator_terms(examples)[1]["mode_seeking"]
    trainer.networks["generator"] = generator
    assert -2.0 * 2 / 8 < term < 0.0, "two of eight examples, each at most 1 away"
    moved = np.abs(tape.gradient(term, fakes[0])).max(axis=(1, 2, 3))
    assert tuple(np.flatnonzero(moved)) == (2, 6)


@pytest.mark.parametrize("class_colors", [False, True])
def test_a_class_that_no_picture_shows_stays_as_unlabelled_pixels_are(
    smallest_start_frame, with_model, spec, class_colors
):
    trainer = build(with_model(smallest_start_frame, class_colors=class_colors), spec)
    trainer.zero_unseen_classes([8])
    batch = make_batch(2)
    batch["label_maps"][batch["label_maps"] == 8] = 7
    for step in range(2):
        take_step(trainer, batch, step)
    label_maps = np.full([1, 1, 16, 32], 7, np.uint8)
    label_maps[..., 10:] = 8
    shown = {"frames": tf.zeros([1, 1, 16, 32, 3]), "label_maps": tf.constant(label_maps)}
    label_maps = np.where(label_maps == 8, spec.ignore_id, label_maps)
    np.testing.assert_array_equal(
        trainer.paint(shown, 1), trainer.paint({**shown, "label_maps": tf.constant(label_maps)}, 1)
    )


@pytest.mark.parametrize("spread", [1.0, 1.5])
def test_a_finished_run_draws_the_styles_of_its_pictures_and_paints_the_same_in_each(
    smallest_start_frame, with_training, spec, spread
):
    trainer = build(with_training(smallest_start_frame, style_spread=spread), spec)
    batch = {name: tf.constant(value) for name, value in make_batch(8).items()}
    take_step(trainer, batch)
    real, label_maps = batch["frames"][:, 0], batch["label_maps"][:, 0]
    seeds = tf.range(8, dtype=tf.int64)
    networks = {name: values(network) for name, network in trainer.networks.items()}
    averages = {name: values(network) for name, network in trainer.averages.items()}
    model = trainer.start_frame_model
    referenced = model.paint(label_maps, model.encode_style(real), seeds).numpy()
    said = {name: value.numpy() for name, value in model.style_encoder({"frame": real}).items()}
    mean, factor = fit_styles(*(np.tile(said[name], (64, 1)) for name in ("mean", "log_variance")))  # 512 pictures
    trainer.standardise_style(lambda start: tf.data.Dataset.from_tensors(batch).repeat())
    styles = model.encode_style(real).numpy()
    # The covariance is that of the means and the posteriors' own together.
    np.testing.assert_allclose(styles.mean(0), 0.0, atol=1e-3)
    assert (np.linalg.eigvalsh(np.cov(styles, rowvar=False)) < (1.0 + 8 / 7) / spread**2).all()
    np.testing.assert_allclose(styles, (said["mean"] - mean) @ np.linalg.inv(spread * factor).T, atol=1e-3)
    again = model.paint(label_maps, tf.constant(styles), seeds).numpy()
    np.testing.assert_allclose(again, referenced, atol=1e-4)
    drawn = model.paint(label_maps, model.draw_style(seeds), seeds).numpy()
    assert np.abs(drawn - referenced).max() > 1e-3
    for name, network in trainer.networks.items():
        for before, now in zip(networks[name], values(network), strict=True):
            np.testing.assert_array_equal(now, before)
    # Going on, the averages begin anew from the networks; without having finished they stay.
    trainer.resume_averages()
    for name, network in trainer.averages.items():
        for expected, now in zip(networks[name], values(network), strict=True):
            np.testing.assert_array_equal(now, expected)
    assert any((a != b).any() for a, b in zip(averages["generator"], networks["generator"], strict=True))
    take_step(trainer, batch, 1)
    kept = values(trainer.averages["generator"])
    trainer.resume_averages()
    for expected, now in zip(kept, values(trainer.averages["generator"]), strict=True):
        np.testing.assert_array_equal(now, expected)


def test_the_style_regression_teaches_the_generator_alone(smallest_start_frame, spec):
    weights = {field.name: 0.0 for field in dataclasses.fields(smallest_start_frame.losses)}
    losses = dataclasses.replace(smallest_start_frame.losses, **{**weights, "style_regression_weight": 1.0})
    trainer = build(dataclasses.replace(smallest_start_frame, losses=losses), spec)
    before = {name: values(network) for name, network in trainer.networks.items()}
    assert take_step(trainer, make_batch(8))["style_regression"] > 0
    for old, new in zip(before["style_encoder"], values(trainer.networks["style_encoder"]), strict=True):
        np.testing.assert_array_equal(old, new)
    assert any((a != b).any() for a, b in zip(before["generator"], values(trainer.networks["generator"]), strict=True))


def test_generator_and_discriminator_have_their_own_learning_rates(smallest_start_frame, with_training, spec, batch):
    config = with_training(smallest_start_frame, learning_rate=0.0, discriminator_learning_rate=1e-2)
    trainer = build(config, spec)
    before = {name: values(owner) for name, owner in trainer.checkpointed.items()}
    take_step(trainer, batch)
    for name in ("generator", "style_encoder"):
        for old, new in zip(before[name], values(trainer.checkpointed[name]), strict=True):
            np.testing.assert_array_equal(old, new)
    for old, new in zip(before["discriminator"], values(trainer.adversary.discriminator), strict=True):
        assert (old != new).any()


def test_a_step_follows_from_seed_and_step_alone(smallest_start_frame, with_training, spec, batch):
    all_terms = []
    for seed, step in ((0, 0), (0, 0), (0, 2), (1, 0)):
        trainer = build(with_training(smallest_start_frame, seed=seed), spec, seed=7)
        tf.random.set_seed(len(all_terms))  # nothing may draw from TensorFlow's own
        all_terms.append(take_step(trainer, batch, step))
    assert all_terms[0] == all_terms[1]
    for name in ("adversarial", "l1", "discriminator_fake", "labelmix"):
        assert len({float(terms[name]) for terms in all_terms}) == 3, name


def power_iterations(discriminator):
    """(matrix float32 [n, filters], variable u) of every spectrally normalised convolution."""
    convs = [layer for layer in discriminator._flatten_layers() if isinstance(layer, SpectralConv2D)]
    assert convs
    return [(np.array(conv.kernel).reshape(-1, conv.filters), conv.u) for conv in convs]


@pytest.mark.parametrize("discriminator", DISCRIMINATORS)
def test_parts_of_a_batch_take_the_step_of_the_whole(
    smallest_start_frame, with_model, with_training, spec, discriminator
):
    """Each part advances the discriminator's power iterations, so its step is the same once these have converged."""
    trainers, terms = [], []
    for parts in (1, 2):
        config = with_model(smallest_start_frame, discriminator=discriminator)
        config = with_training(
            config, accumulate=parts, batch_size=4, learning_rate=0.1, discriminator_learning_rate=0.1
        )
        trainers.append(build(config, spec))
        for matrix, u in power_iterations(trainers[-1].adversary.discriminator):
            u.assign(np.linalg.svd(matrix)[2][:1])  # where the iteration leads
        for optimizer in (trainers[-1].generator_optimizer, trainers[-1].discriminator_optimizer):
            optimizer.epsilon = 1.0  # Adam would divide rounding noise by its own size
        terms.append(take_step(trainers[-1], make_batch(4)))
    assert set(terms[0]) == set(terms[1])
    for name, term in terms[0].items():
        np.testing.assert_allclose(terms[1][name], term, rtol=1e-5, atol=1e-6, err_msg=name)
    for name, owner in trainers[0].checkpointed.items():
        for whole, parted in zip(values(owner), values(trainers[1].checkpointed[name]), strict=True):
            np.testing.assert_allclose(parted, whole, rtol=1e-4, atol=1e-5, err_msg=name)


def test_the_generators_step_in_parts_never_waits_for_power_iterations(smallest_start_frame, with_training, spec):
    """Generator, encoder and averages agree from the first step on; the power iterations are further ahead."""
    trainers = []
    for parts in (1, 4):
        trainers.append(build(with_training(smallest_start_frame, accumulate=parts, learning_rate=0.1), spec))
        trainers[-1].generator_optimizer.epsilon = 1.0
        before = [(matrix, np.array(u), u) for matrix, u in power_iterations(trainers[-1].adversary.discriminator)]
        take_step(trainers[-1], make_batch(4))
        for matrix, expected, u in before:
            for _ in range(parts):
                expected = expected @ matrix.T @ matrix
            np.testing.assert_allclose(np.array(u), expected / np.linalg.norm(expected), rtol=1e-3, atol=1e-4)
    for name in ("generator", "style_encoder", "generator_average", "style_encoder_average"):
        pairs = zip(values(trainers[0].checkpointed[name]), values(trainers[1].checkpointed[name]), strict=True)
        for whole, parted in pairs:
            np.testing.assert_allclose(parted, whole, rtol=1e-4, atol=1e-5, err_msg=name)


@needs_bfloat16
@pytest.mark.parametrize("discriminator", DISCRIMINATORS)
def test_a_step_in_mixed_precision_is_close_to_one_in_float32(
    smallest_start_frame, with_model, spec, batch, discriminator
):
    config, terms = with_model(smallest_start_frame, discriminator=discriminator, class_colors=True), []
    for precision in ("float32", "mixed_bfloat16"):
        set_precision(precision)
        try:
            terms.append(take_step(build(config, spec), batch))
        finally:
            set_precision("float32")
    for name, value in terms[0].items():
        assert terms[1][name].dtype == np.float32, name
        np.testing.assert_allclose(terms[1][name], value, rtol=0.05, atol=5e-3, err_msg=name)


def test_instance_boundaries_reach_the_networks(smallest_start_frame, with_model, spec, batch):
    trainer = build(with_model(smallest_start_frame, instance_boundary=True, discriminator="multiscale"), spec)
    instance_maps = np.zeros((2, 1, 16, 32), np.int32)
    terms = terms_of(trainer, {**batch, "instance_maps": instance_maps})
    instance_maps[:, :, 4:9, 7:20] = 3
    other = terms_of(trainer, {**batch, "instance_maps": instance_maps})
    for name in ("l1", "discriminator"):
        assert np.isfinite(other[name]) and other[name] != terms[name]
    tensors = {name: tf.constant(value) for name, value in {**batch, "instance_maps": instance_maps}.items()}
    assert len(trainer.samples(tensors)) == 2


@pytest.mark.parametrize("style_encoder", [True, False])
def test_samples_are_annotation_three_seeds_own_style_and_real(
    smallest_start_frame, with_model, spec, batch, style_encoder
):
    trainer = build(with_model(smallest_start_frame, style_encoder=style_encoder), spec)
    take_step(trainer, batch)
    tensors = {name: tf.constant(value) for name, value in batch.items()}
    rows = trainer.samples(tensors)
    assert len(rows) == 2 and all(len(row) == (6 if style_encoder else 5) for row in rows)
    annotation, *painted, real = rows[1]
    np.testing.assert_array_equal(real, batch["frames"][1, 0])
    colors = np.array([c.color for c in spec.classes])[batch["label_maps"][1, 0]]
    np.testing.assert_allclose(annotation, colors / 127.5 - 1.0, atol=1e-6)
    for seed, picture in zip((1, 2, 3), painted, strict=False):
        np.testing.assert_allclose(picture, trainer.paint(tensors, seed)[1], atol=1e-6)
    pictures = [p.numpy() for p in painted]
    assert all((a != b).any() for i, a in enumerate(pictures) for b in pictures[:i])
    # By the averages, which the step moved less than the networks.
    for network, average in ((trainer.networks[name], trainer.averages[name]) for name in trainer.networks):
        assert any((a != b).any() for a, b in zip(values(network), values(average), strict=True))
    assert trainer.start_frame_model.generator is trainer.averages["generator"]


def test_a_perceptual_weight_without_a_file_is_refused(smallest_start_frame, spec):
    losses = dataclasses.replace(smallest_start_frame.losses, perceptual_weight=2.0)
    with pytest.raises(ValueError, match="perceptual_path is missing: perceptual_weight 2.0 read"):
        StartFrameTrainer(dataclasses.replace(smallest_start_frame, losses=losses), spec)


def test_frames_are_enlarged_for_the_perceptual_network_or_refused(
    smallest_start_frame, with_model, with_training, spec, feature_file
):
    config = with_model(smallest_start_frame, discriminator_features=True, feature_scales=(2,))
    trainer = build(with_training(config, perceptual_path=str(feature_file)), spec)
    assert trainer.adversary.discriminator.feature_strides == (0.5, 0.5, 1)
    with pytest.raises(ValueError, match=r"feature_scales \(2,\) enlarge frames for a network that is not given"):
        StartFrameTrainer(with_model(smallest_start_frame, feature_scales=(2,)), spec)


def test_the_discriminator_learns_alone_until_the_generator_starts(smallest_start_frame, with_training, spec, batch):
    trainer = build(with_training(smallest_start_frame, generator_start=1, steps=3), spec)
    taught = trainer.adversary.discriminator, *trainer.networks.values()
    moved = []
    for step in range(2):
        before = [values(network) for network in taught]
        take_step(trainer, batch, step)
        moved.append(
            [
                any((a != b).any() for a, b in zip(values(network), old, strict=True))
                for network, old in zip(taught, before, strict=True)
            ]
        )
    assert moved == [[True, False, False], [True, True, True]]


def test_the_discriminator_reads_the_perceptual_network(
    smallest_start_frame, with_model, with_training, spec, batch, feature_file
):
    """Through it a gradient reaches the generator; without a file the config is refused."""
    config = with_model(smallest_start_frame, discriminator_features=True)
    with pytest.raises(ValueError, match="perceptual_path is missing: .*discriminator_features True read"):
        StartFrameTrainer(config, spec)
    trainer = build(with_training(config, perceptual_path=str(feature_file)), spec)
    discriminator = trainer.adversary.discriminator
    assert discriminator.feature_strides == (1, 1, 2)
    assert "perceptual" not in take_step(trainer, batch), "no weight, no term"
    # Deaf to the frame itself, it still teaches: by the features alone.
    stem = discriminator.stem.kernel
    stem.assign(tf.zeros_like(tf.convert_to_tensor(stem)))
    fake = tf.constant(batch["frames"][:, 0])
    with tf.GradientTape() as tape:
        tape.watch(fake)
        examples = trainer._examples(
            {name: tf.constant(value) for name, value in batch.items()}, tf.constant(0, tf.int64)
        )
        loss = trainer.adversary.generator_terms(examples, fake)["adversarial"]
    assert np.abs(tape.gradient(loss, fake)).max() > 0.0
