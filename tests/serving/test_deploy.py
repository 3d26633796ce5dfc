"""The files for Docker and Kubernetes start the server with the configs beside them, at paths that are mounted.

They open no more than they say: gRPC alone unless REST is asked for, and that through the proxy.
"""

import importlib.resources
import pathlib
import re

import pytest
import yaml

from seg2vid_tf.serving.local_server.configs import read_models, read_prometheus_path
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


def _pod():
    """The pod's description, and its two containers: the server's and the proxy's."""
    deployment, *_ = _documents("kubernetes.yaml")
    pod = deployment["spec"]["template"]["spec"]
    serving, proxy = pod["containers"]
    return pod, serving, proxy


def _kubernetes():
    _, serving, _ = _pod()
    return serving["args"], [mount["mountPath"] for mount in serving["volumeMounts"]]


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
    _, serving, _ = _pod()
    for probe in ("startupProbe", "readinessProbe"):
        assert serving[probe]["httpGet"] == {"path": f"/v1/models/{model.name}", "port": "rest"}
    (compose,) = _documents("docker-compose.yaml")
    assert f"/v1/models/{model.name} " in compose["services"]["serving"]["healthcheck"]["test"][-1]


def test_grpc_alone_is_open_and_rest_through_the_proxy_where_it_is_asked_for():
    (compose,) = _documents("docker-compose.yaml")
    services, here = compose["services"], "${BIND:-127.0.0.1}"
    for name in ("serving", "serving-gpu"):
        assert services[name]["ports"] == [f"{here}:8500:8500"]
        assert "serving" in services[name]["networks"]["default"]["aliases"], "as nginx.conf calls it"
    assert services["proxy"]["ports"] == [f"{here}:8501:8080"] and services["proxy"]["profiles"] == ["rest"]
    _, service, policy = _documents("kubernetes.yaml")
    assert [(port["name"], port["port"]) for port in service["spec"]["ports"]] == [("grpc", 8500)]
    (rest,) = _documents("kubernetes-rest.yaml")
    assert rest["spec"]["ports"] == [{"name": "rest", "port": 8501, "targetPort": "proxy"}]
    pod, serving, proxy = _pod()
    ports = {port["name"]: port["containerPort"] for port in serving["ports"] + proxy["ports"]}
    assert ports == {"grpc": 8500, "rest": 8501, "proxy": 8080, "metrics": 8081}
    (ingress,) = policy["spec"]["ingress"]
    assert {port["port"] for port in ingress["ports"]} == set(ports.values()) - {ports["rest"]}
    assert pod["hostAliases"] == [{"ip": "127.0.0.1", "hostnames": ["serving"]}]


def test_no_container_is_root_writes_its_files_or_grows_without_bound():
    (compose,) = _documents("docker-compose.yaml")
    for name, service in compose["services"].items():
        assert service["read_only"] is True and service["cap_drop"] == ["ALL"] and service["tmpfs"] == ["/tmp"], name
        assert service["security_opt"] == ["no-new-privileges:true"] and service["mem_limit"] and service["pids_limit"]
        assert service.get("user", "").startswith("65534") or "unprivileged" in service["image"], name
        assert all(volume.endswith(":ro") for volume in service["volumes"]), name
    pod, *containers = _pod()
    assert pod["securityContext"]["runAsNonRoot"] is True and pod["securityContext"]["runAsUser"] == 65534
    assert pod["automountServiceAccountToken"] is False
    for container in containers:
        context, limits = container["securityContext"], container["resources"]["limits"]
        assert context["readOnlyRootFilesystem"] is True and context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]} and {"cpu", "memory"} <= set(limits)
        assert {"readinessProbe", "livenessProbe"} <= set(container)
        writable = [mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")]
        assert writable == ["/tmp"]


def test_the_proxy_lets_through_what_clients_ask_and_no_more():
    text = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    text = re.sub(r"(?m)^\s*#.*$", "", text)
    assert text.count("{") == text.count("}")
    assert re.findall(r"listen (\d+);", text) == ["8080", "8081"] and "server serving:8501;" in text
    for limit in ("client_max_body_size 2m", "limit_conn address", "limit_conn all", "limit_req zone=rate"):
        assert limit in text
    for written in re.findall(r"(?:pid|_path) (\S+);", text):
        assert written.startswith("/tmp/"), "the root is read-only"
    predict, status = re.findall(r"location ~ (\S+) \{", text)
    which = ("/v1/models/a", "/v1/models/a/versions/7", "/v1/models/a/labels/stable")
    for path in which:
        assert (
            re.search(predict, path + ":predict") and re.search(status, path) and re.search(status, path + "/metadata")
        )
        assert not re.search(predict, path + ":classify") and not re.search(status, path + ":predict")
    for path in ("/monitoring/prometheus/metrics", "/v1/models", "/", "/v1/models/a/versions/x"):
        assert not re.search(predict, path) and not re.search(status, path)
    assert f"location = {read_prometheus_path(DEPLOY / 'monitoring.config')} {{" in text
    deployment, *_ = _documents("kubernetes.yaml")
    annotations = deployment["spec"]["template"]["metadata"]["annotations"]
    assert annotations["prometheus.io/port"] == "8081" and annotations["prometheus.io/path"] in text


def test_all_name_the_same_release_and_its_gpu_image():
    (compose,) = _documents("docker-compose.yaml")
    release = DOCKER_IMAGE.split(":")[1]
    images = [compose["services"][name]["image"] for name in ("serving", "serving-gpu")]
    assert images == [f"tensorflow/serving:${{TF_SERVING_VERSION:-{release}}}{end}" for end in ("", "-gpu")]
    (patch,) = _documents("kubernetes-gpu.yaml")
    _, serving, proxy = _pod()
    (patched,) = patch["spec"]["template"]["spec"]["containers"]
    assert [serving["image"], patched["image"]] == [DOCKER_IMAGE, f"{DOCKER_IMAGE}-gpu"]
    assert serving["name"] == patched["name"], "or the patch would add a container"
    assert patched["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert proxy["image"] == compose["services"]["proxy"]["image"]
