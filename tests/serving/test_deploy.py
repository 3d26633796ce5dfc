"""The files for Docker and Kubernetes start the server with the configs beside them, at paths that are mounted."""

import importlib.resources
import pathlib

import pytest
import yaml

from seg2vid_tf.serving.local_server.configs import read_models
from seg2vid_tf.serving.server_flags import DOCKER_IMAGE

DEPLOY = importlib.resources.files("seg2vid_tf.serving") / "deploy"
SHIPPED = pathlib.Path(__file__).resolve().parents[2] / "saved_models"


def _documents(name):
    return list(yaml.safe_load_all((DEPLOY / name).read_text(encoding="utf-8")))


def _compose():
    (document,) = _documents("docker-compose.yaml")
    services = document["services"]
    mounted = [volume.rsplit(":", 2)[1] for volume in services["serving"]["volumes"]]
    return services["serving"]["command"], mounted


def _kubernetes():
    deployment, _ = _documents("kubernetes.yaml")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return container["args"], [mount["mountPath"] for mount in container["volumeMounts"]]


@pytest.mark.parametrize("read", [_compose, _kubernetes])
def test_configs_and_models_lie_where_they_are_mounted(read):
    arguments, mounted = read()
    flags = dict(argument.removeprefix("--").split("=") for argument in arguments)
    assert (flags["port"], flags["rest_api_port"]) == ("8500", "8501")
    for name in ("model_config_file", "batching_parameters_file", "monitoring_config_file"):
        path = pathlib.PurePosixPath(flags[name])
        assert str(path.parent) in mounted and (DEPLOY / path.name).is_file()
    (model,) = read_models(DEPLOY / "models.config").model_config_list.config
    assert str(pathlib.PurePosixPath(model.base_path).parent) in mounted
    for version in model.version_labels.values():
        assert (SHIPPED / model.name / str(version)).is_dir(), "labels are those of the model that comes along"


def test_probes_ask_for_the_model_that_is_served():
    (model,) = read_models(DEPLOY / "models.config").model_config_list.config
    deployment, service = _documents("kubernetes.yaml")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    for probe in ("startupProbe", "readinessProbe"):
        assert container[probe]["httpGet"] == {"path": f"/v1/models/{model.name}", "port": "rest"}
    assert {port["port"] for port in service["spec"]["ports"]} == {8500, 8501}
    (compose,) = _documents("docker-compose.yaml")
    assert f"/v1/models/{model.name} " in compose["services"]["serving"]["healthcheck"]["test"][-1]


def test_all_name_the_same_release_and_its_gpu_image():
    (compose,) = _documents("docker-compose.yaml")
    release = DOCKER_IMAGE.split(":")[1]
    images = [service["image"] for service in compose["services"].values()]
    assert images == [f"tensorflow/serving:${{TF_SERVING_VERSION:-{release}}}{end}" for end in ("", "-gpu")]
    deployment, _ = _documents("kubernetes.yaml")
    (patch,) = _documents("kubernetes-gpu.yaml")
    containers = [d["spec"]["template"]["spec"]["containers"][0] for d in (deployment, patch)]
    assert [container["image"] for container in containers] == [DOCKER_IMAGE, f"{DOCKER_IMAGE}-gpu"]
    assert containers[0]["name"] == containers[1]["name"], "or the patch would add a container"
    assert containers[1]["resources"]["limits"]["nvidia.com/gpu"] == 1
