"""How each kind of server is started, and what is refused before it is."""

import pytest

from seg2vid_tf.serving.server_flags import ServerFlags, binary_command, docker_command, find_binary


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with a model and configs in it."""
    (tmp_path / "models/street").mkdir(parents=True)
    (tmp_path / "configs").mkdir()
    for name in ("models.config", "batching.config"):
        (tmp_path / "configs" / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_model_is_served_by_its_absolute_path(folder):
    flags = ServerFlags(model_name="street", model_base_path="models/street", port=1, rest_api_port=2)
    command = binary_command("/bin/server", flags)
    assert command[0] == "/bin/server"
    assert {"--model_name=street", f"--model_base_path={folder}/models/street", "--port=1", "--rest_api_port=2"} < {
        *command
    }
    assert not [part for part in command if "batching" in part or "model_config_file=" in part or part.endswith("=")]


def test_batching_and_labels_bring_the_flags_that_they_need(folder):
    flags = ServerFlags(model_config_file="configs/models.config", batching_parameters_file="configs/batching.config")
    command = binary_command("server", flags)
    assert "--enable_batching=true" in command and "--allow_version_labels_for_unavailable_models=true" in command


def test_docker_sees_every_folder_at_its_own_path(folder):
    flags = ServerFlags(model_config_file="configs/models.config", batching_parameters_file="configs/batching.config")
    command = docker_command("image:1-gpu", flags, [f"{folder}/models/street"], "127.0.0.1")
    mounts = [after for before, after in zip(command, command[1:], strict=False) if before == "--volume"]
    assert mounts == [f"{path}:{path}:ro" for path in (f"{folder}/configs", f"{folder}/models/street")]
    image = command.index("image:1-gpu")
    assert "--gpus=all" in command[:image] and f"--model_config_file={folder}/configs/models.config" in command[image:]
    assert "--gpus=all" not in docker_command("image:1", flags, [], "127.0.0.1")
    published = [after for before, after in zip(command, command[1:], strict=False) if before == "--publish"]
    assert published == ["127.0.0.1:8500:8500", "127.0.0.1:8501:8501"], "Docker would open them to everyone"
    assert "[::1]:8501:8501" in docker_command("image:1", flags, [], "::1")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "give --model_base_path, one model's folder, or --model_config_file"),
        ({"model_base_path": "models/street"}, "needs a --model_name"),
        ({"model_config_file": "configs/none"}, "--model_config_file: configs/none does not exist"),
        ({"model_name": "s", "model_base_path": "models/street", "model_config_file": "configs/models.config"}, "not"),
        (
            {"model_name": "s", "model_base_path": "models/street", "model_config_file_poll_wait_seconds": 1},
            "means nothing without --model_config_file",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(folder, given, message):
    with pytest.raises(ValueError, match=message):
        ServerFlags(**given)


def test_the_binary_is_the_one_that_is_named_or_found(folder, monkeypatch):
    program = folder / "tensorflow_model_server"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.delenv("TF_SERVING_BIN", raising=False)
    monkeypatch.setenv("PATH", str(folder))
    assert find_binary() == str(program)
    monkeypatch.setenv("PATH", "/nowhere")
    assert find_binary() is None
    monkeypatch.setenv("TF_SERVING_BIN", str(program))
    assert find_binary() == str(program)
    monkeypatch.setenv("TF_SERVING_BIN", str(folder / "none"))
    with pytest.raises(ValueError, match="TF_SERVING_BIN names"):
        find_binary()
