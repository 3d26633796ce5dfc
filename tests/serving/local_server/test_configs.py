"""TensorFlow Serving's config files: those that come with the project, and what is wrong with others."""

import importlib.resources

import pytest

from seg2vid_tf.serving.local_server.configs import (
    BatchingParameters,
    read_batching,
    read_models,
    read_prometheus_path,
)

DEPLOY = importlib.resources.files("seg2vid_tf.serving") / "deploy"
ONE = 'model_config_list { config { name: "a" base_path: "/m/a" model_platform: "tensorflow" } }'


@pytest.fixture
def written(tmp_path):
    """written(text) -> a file of it."""

    def write(text):
        (tmp_path / "config").write_text(text)
        return tmp_path / "config"

    return write


def test_the_projects_own_configs_are_what_they_say():
    (model,) = read_models(DEPLOY / "models.config").model_config_list.config
    assert set(model.version_labels) == {"stable", "canary"}
    assert set(model.version_labels.values()) == set(model.model_version_policy.specific.versions)
    batching = read_batching(DEPLOY / "batching.config")
    assert batching.max_batch_size == batching.allowed_batch_sizes[-1] == 4
    assert read_prometheus_path(DEPLOY / "monitoring.config") == "/monitoring/prometheus/metrics"


def test_what_is_not_given_is_the_servers_own_default(written):
    assert read_batching(written("")) == BatchingParameters()
    assert read_batching(written("max_batch_size { value: 3 }")).max_batch_size == 3
    assert read_prometheus_path(written("")) is None
    assert read_prometheus_path(written("prometheus_config { enable: true }")) == "/monitoring/prometheus/metrics"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("max_batch_sise { value: 3 }", "max_batch_sise"),
        ("max_batch_size: 3", "BatchingParameters"),
        ("max_batch_size { value: 0 }", "max_batch_size must be positive, received 0"),
        ("batch_timeout_micros { value: -1 }", "must not be negative"),
        ("max_batch_size { value: 8 } allowed_batch_sizes: 2 allowed_batch_sizes: 4", "must rise to max_batch_size 8"),
        ("max_batch_size { value: 4 } allowed_batch_sizes: 4 allowed_batch_sizes: 2", "must rise"),
    ],
)
def test_wrong_batching_parameters_are_refused(written, text, message):
    with pytest.raises(ValueError, match=message):
        read_batching(written(text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no model"),
        (ONE.replace("{ config", "{ " + ONE[20:-2] + " config"), "twice"),
        (ONE.replace('base_path: "/m/a"', ""), "needs a name and a base_path"),
        (ONE.replace("/m/a", "m/a"), "needs an absolute base_path, has 'm/a'"),
        (ONE.replace("tensorflow", "other"), "model_platform"),
        (ONE.replace("name:", "nme:"), "nme"),
    ],
)
def test_wrong_models_are_refused(written, text, message):
    with pytest.raises(ValueError, match=message):
        read_models(written(text))


def test_a_file_that_is_not_there_is_named(tmp_path):
    for read in (read_models, read_batching, read_prometheus_path):
        with pytest.raises(ValueError, match="no config file"):
            read(tmp_path / "missing")
