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
        (
            "max_batch_size { value: 8 } allowed_batch_sizes: 2 allowed_batch_sizes: 4",
            "must rise, and end with max_batch_size 8",
        ),
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
        ("custom_model_config {}", "the local server has no custom_model_config: use model_config_list"),
        (ONE.replace("name:", "nme:"), "nme"),
    ],
)
def test_wrong_models_are_refused(written, text, message):
    with pytest.raises(ValueError, match=message):
        read_models(written(text))


def test_what_only_tensorflow_serving_has_is_told_of_and_not_called_wrong(written, caplog):
    text = (
        "max_batch_size { value: 8 } enable_large_batch_splitting { value: true } max_execution_batch_size { value: 4 }"
    )
    assert read_batching(written(text + " pad_variable_length_inputs: true")).max_batch_size == 8
    told = [record.getMessage() for record in caplog.records]
    names = ("pad_variable_length_inputs", "enable_large_batch_splitting", "max_execution_batch_size")
    assert len(told) == 3
    for name, message in zip(names, told, strict=True):
        assert f"config: the local server goes without TensorFlow Serving's {name}: " in message
    caplog.clear()
    logged = ONE.replace("name:", "logging_config { sampling_config { sampling_rate: 0.1 } } name:")
    assert read_models(written(logged)).model_config_list.config[0].name == "a"
    assert "a: the local server goes without TensorFlow Serving's logging_config: it logs no requests" in caplog.text


def test_an_old_files_model_type_is_its_platform(written):
    old = ONE.replace('model_platform: "tensorflow"', "model_type: TENSORFLOW")
    assert read_models(written(old)).model_config_list.config[0].base_path == "/m/a"


def test_a_file_that_is_not_there_is_named(tmp_path):
    for read in (read_models, read_batching, read_prometheus_path):
        with pytest.raises(ValueError, match="no config file"):
            read(tmp_path / "missing")
