"""The files for Kubernetes and Slurm give each process a TF_CONFIG that it can read, and all the same cluster."""

import importlib.resources
import json
import os
import subprocess

import pytest
import yaml

from seg2vid_tf.training.workers import Workers, workers_from_environment

DEPLOY = importlib.resources.files("seg2vid_tf.training") / "deploy"


def _kubernetes():
    return list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text(encoding="utf-8")))


@pytest.fixture
def programs(tmp_path):
    """A folder with what the scripts call: each says what it was called with, and TF_CONFIG."""
    folder = tmp_path / "programs"
    folder.mkdir()

    def program(path, text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/usr/bin/env bash\n{text}\n")
        path.chmod(0o755)

    program(folder / "python", 'echo "$TF_CONFIG"; echo "$@"')
    program(folder / "scontrol", 'test "$*" = "show hostnames node[2,10]" && printf "node2\\nnode10\\n"')
    # Two tasks, as Slurm numbers them.
    program(folder / "srun", 'shift; for SLURM_PROCID in 0 1; do SLURM_PROCID=$SLURM_PROCID "$@"; done')
    program(tmp_path / ".venv-3.11/bin/python", 'echo "$TF_CONFIG"; echo "$@"')
    return folder


def _run(command, programs, **env):
    env = {"PATH": f"{programs}:{os.environ['PATH']}", **env}
    done = subprocess.run(command, cwd=programs.parent, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def _place(text, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", text)
    return workers_from_environment(), json.loads(text)["cluster"]["worker"]


def test_each_pod_knows_its_place(programs, monkeypatch):
    service, job, policy = _kubernetes()
    spec = job["spec"]
    pod = spec["template"]["spec"]
    (container,) = pod["containers"]
    env = {entry["name"]: entry["value"] for entry in container["env"]}
    count = int(env["WORKERS"])
    assert spec["completionMode"] == "Indexed" and spec["completions"] == spec["parallelism"] == count
    names = [f"{job['metadata']['name']}-{index}.{pod['subdomain']}:2222" for index in range(count)]
    for index in range(count):
        command = [*container["command"], *container["args"]]
        config, arguments = _run(command, programs, JOB_COMPLETION_INDEX=str(index), **env)
        assert _place(config, monkeypatch) == (Workers(index, count), names)
        assert "--resume" in arguments.split()
    # The names are those of the service, for pods that are not ready yet, too; nobody else reaches the port.
    assert service["metadata"]["name"] == pod["subdomain"] and service["spec"]["clusterIP"] == "None"
    assert service["spec"]["publishNotReadyAddresses"] is True
    assert service["spec"]["selector"] == {"job-name": job["metadata"]["name"]}
    labels = spec["template"]["metadata"]["labels"]
    assert policy["spec"]["podSelector"]["matchLabels"] == labels
    assert policy["spec"]["ingress"] == [
        {"from": [{"podSelector": {"matchLabels": labels}}], "ports": [{"port": 2222}]}
    ]
    assert pod["securityContext"]["runAsNonRoot"] and not pod["automountServiceAccountToken"]
    assert container["securityContext"]["readOnlyRootFilesystem"]


def test_each_slurm_task_knows_its_place(programs, monkeypatch):
    script = DEPLOY / "slurm.sh"
    (programs.parent / "seg2vid_tf/training").mkdir(parents=True)
    (programs.parent / "seg2vid_tf/training/deploy").symlink_to(DEPLOY)
    # The batch script runs with a task number of its own.
    given = {"SLURM_JOB_NODELIST": "node[2,10]", "SLURM_PROCID": "0"}
    lines = _run(["bash", str(script), "--data_dir=a b", "--run_dir=runs/x"], programs, **given)
    for index, (config, arguments) in enumerate(zip(lines[::2], lines[1::2], strict=True)):
        # In the order in which Slurm numbers its tasks, which is not that of the names.
        assert _place(config, monkeypatch) == (Workers(index, 2), ["node2:2222", "node10:2222"])
        assert arguments == "experiments/train_motion.py --resume --data_dir=a b --run_dir=runs/x"
    assert len(lines) == 4
