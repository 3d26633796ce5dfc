import h5py
import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.ops.feature_network import VGG19_LAYERS, load_feature_network, read_npz

RNG = np.random.default_rng(0)


def conv(kernel, inputs, outputs):
    return RNG.normal(size=(kernel, kernel, inputs, outputs)).astype(np.float32) * 0.2, np.full(
        outputs, 0.1, np.float32
    )


def save_npz(path, layers):
    arrays = {}
    for name, (weights, bias) in layers.items():
        arrays[f"{name}_w"], arrays[f"{name}_b"] = weights, bias
    np.savez(path, **arrays)
    return path


@pytest.fixture
def alexnet(tmp_path):
    shapes = [(11, 3, 2), (5, 2, 3), (3, 3, 4), (3, 4, 2), (3, 2, 2)]
    return save_npz(tmp_path / "alex.npz", {f"conv{i}": conv(*shape) for i, shape in enumerate(shapes, 1)})


@pytest.fixture
def vgg16(tmp_path):
    names = {"conv1_1": (3, 3, 2), "conv1_2": (3, 2, 3), "conv2_1": (3, 3, 4)}
    return save_npz(tmp_path / "vgg.npz", {name: conv(*shape) for name, shape in names.items()})


def save_vgg19(path, layers):
    """The layout of Keras' own VGG19 weight file."""
    with h5py.File(path, "w") as file:
        for name, pair in layers.items():
            group = file.create_group(name)
            keys = [f"{name}_{part}_1:0" for part in "Wb"]
            group.attrs["weight_names"] = [key.encode() for key in keys]
            for key, value in zip(keys, pair, strict=True):
                group[key] = value
    return path


@pytest.fixture
def vgg19(tmp_path):
    channels = [3] + [2] * 12
    return save_vgg19(tmp_path / "vgg19.h5", {n: conv(3, channels[i], 2) for i, n in enumerate(VGG19_LAYERS)})


@pytest.mark.parametrize(
    "layout, sizes",
    [
        ("alexnet", [(15, 2), (7, 3), (3, 4), (3, 2), (3, 2)]),
        ("vgg16", [(64, 2), (64, 3), (32, 4)]),
        ("vgg19", [(64, 2)] * 2 + [(32, 2)] * 2 + [(16, 2)] * 4 + [(8, 2)] * 4),
    ],
)
def test_layouts_sizes_and_gradient(layout, sizes, request):
    extract = load_feature_network(request.getfixturevalue(layout))
    image = tf.random.stateless_uniform([1, 64, 64, 3], [1, 2], -1.0, 1.0)
    with tf.GradientTape() as tape:
        tape.watch(image)
        features = extract(image)
        loss = tf.add_n([tf.reduce_mean(f) for f in features])
    assert [(f.shape[1], f.shape[3]) for f in features] == sizes
    assert all(f.dtype == tf.float32 and np.all(f.numpy() >= 0) for f in features)
    gradient = tape.gradient(loss, image).numpy()
    assert np.all(np.isfinite(gradient)) and np.any(gradient)
    np.testing.assert_allclose(tf.function(extract)(image)[-1], features[-1], atol=1e-4)


def test_enlarged_frames_give_larger_maps_of_the_same_picture(vgg16):
    """Every scale sees the enlarged picture itself, and its gradient comes back at the frame's own size."""
    usual, both = load_feature_network(vgg16), load_feature_network(vgg16, scales=(1, 2))
    assert usual.strides == (1, 1, 2) and both.strides == (1, 1, 2, 0.5, 0.5, 1)
    image = tf.random.stateless_uniform([1, 16, 32, 3], [1, 2], -1.0, 1.0)
    expected = [*usual(image), *usual(tf.image.resize(image, [32, 64]))]
    for theirs, ours in zip(expected, both(image), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)
    with tf.GradientTape() as tape:
        tape.watch(image)
        loss = tf.reduce_sum(both(image)[-1])
    assert tape.gradient(loss, image).shape == image.shape


def identity_conv(inputs=3, kernel=3):
    weights = np.zeros((kernel, kernel, inputs, 3), np.float32)
    weights[kernel // 2, kernel // 2] = np.eye(3)
    return weights, np.zeros(3, np.float32)


def test_normalisation_of_every_layout(tmp_path):
    white = tf.ones([1, 16, 16, 3])
    vgg = load_feature_network(save_npz(tmp_path / "v.npz", {"conv1_1": identity_conv()}))
    expected = (1 - np.array([0.485, 0.456, 0.406])) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(vgg(white)[0][0, 8, 8], expected, rtol=1e-5)
    caffe = load_feature_network(save_vgg19(tmp_path / "c.h5", {name: identity_conv() for name in VGG19_LAYERS}))
    # BGR: the first output channel is what the first kernel channel, blue, saw.
    np.testing.assert_allclose(caffe(white)[0][0, 8, 8], 255 - np.array([103.939, 116.779, 123.68]), rtol=1e-5)
    layers = {f"conv{i}": identity_conv(kernel=k) for i, k in enumerate((11, 5, 3, 3, 3), 1)}
    lpips = load_feature_network(save_npz(tmp_path / "a.npz", layers))
    np.testing.assert_allclose(
        lpips(tf.ones([1, 64, 64, 3]))[0][0, 8, 8], np.array([1.030, 1.088, 1.188]) / [0.458, 0.448, 0.450], rtol=1e-5
    )


def test_weights_enter_no_checkpoint(alexnet):
    module = tf.Module()
    module.extract = load_feature_network(alexnet)
    assert module.variables == () and tf.train.Checkpoint(m=module).save_counter.numpy() == 0


def test_wrong_files_are_named(tmp_path, alexnet):
    with pytest.raises(ValueError, match="no file .*missing.npz"):
        load_feature_network(tmp_path / "missing.npz")
    (tmp_path / "weights.pt").write_bytes(b"x")
    with pytest.raises(ValueError, match=r"must be a .npz or .h5 file, received .*weights.pt"):
        load_feature_network(tmp_path / "weights.pt")
    for name in ("broken.npz", "broken.h5"):
        (tmp_path / name).write_bytes(b"not an archive")
        with pytest.raises(ValueError, match=f"{name}.* cannot be read"):
            load_feature_network(tmp_path / name)
    np.savez(tmp_path / "other.npz", kernel=np.zeros(3))
    with pytest.raises(ValueError, match=r"other.npz.*found \['kernel'\]"):
        load_feature_network(tmp_path / "other.npz")
    gap = save_npz(tmp_path / "gap.npz", {"conv1_1": conv(3, 3, 2), "conv2_1": conv(3, 2, 2)})
    with pytest.raises(ValueError, match="without a gap"):
        load_feature_network(gap)
    unfit = save_npz(tmp_path / "unfit.npz", {"conv1_1": conv(3, 4, 2)})
    with pytest.raises(ValueError, match=r"unfit.npz.*convolution 1 must be \[kh, kw, 3, out\]"):
        load_feature_network(unfit)
    short = save_vgg19(tmp_path / "short.h5", {"block1_conv1": conv(3, 3, 2)})
    with pytest.raises(ValueError, match=r"missing \['block1_conv2'"):
        load_feature_network(short)


def test_read_npz_gives_every_array(tmp_path):
    np.savez(tmp_path / "two.npz", a=np.arange(3), b=np.ones((2, 2), np.float32))
    arrays = read_npz(tmp_path / "two.npz")
    assert sorted(arrays) == ["a", "b"]
    np.testing.assert_array_equal(arrays["a"], [0, 1, 2])
    np.save(tmp_path / "one.npy", np.ones(3))
    (tmp_path / "one.npy").rename(tmp_path / "one.npz")
    with pytest.raises(ValueError, match="one.npz.* cannot be read as .npz"):
        read_npz(tmp_path / "one.npz")
    np.savez(tmp_path / "nan.npz", whole=np.ones(2), broken=np.array([1.0, np.nan]), words=np.array(["a"]))
    with pytest.raises(ValueError, match=r"nan.npz': \['broken'\] hold NaN or infinity"):
        read_npz(tmp_path / "nan.npz")
    (tmp_path / "empty.npz").write_bytes(b"")
    with pytest.raises(ValueError, match="empty.npz' cannot be read as .npz"):
        read_npz(tmp_path / "empty.npz")
