"""A page to paint a label map on, and to see it move: opens at http://127.0.0.1:7860.

    python experiments/paint.py --preset=cityscapes
    python experiments/paint.py --saved_model=runs/mine/saved_models/mine --port=8080
    python experiments/paint.py --server=localhost:8501 --model=street --spec=cityscapes

Needs the extra "web" (pip install -e '.[web]'). With --server, by REST, it needs no TensorFlow. It is for this machine
alone unless --host opens it to others, who then can use it without a password.
"""

import pathlib

from absl import flags

from seg2vid_tf.flags import run

PRESET = flags.DEFINE_string("preset", None, "model that comes with the project")
SAVED_MODEL = flags.DEFINE_string("saved_model", None, "model folder (newest version) or version folder, instead")
SERVER = flags.DEFINE_string("server", None, "host:port of a server that runs, instead; with --model and --spec")
MODEL = flags.DEFINE_string("model", None, "the model's name on the server")
SPEC = flags.DEFINE_string("spec", None, "the classes of the server's model: a built-in name or a JSON file")
PROTOCOL = flags.DEFINE_enum("protocol", "rest", ["rest", "grpc"], "how the server is asked; gRPC: extra serving")
HOST = flags.DEFINE_string("host", "127.0.0.1", "address to listen at; 0.0.0.0 lets everybody on the network in")
PORT = flags.DEFINE_integer("port", 7860, "port to listen at", lower_bound=1, upper_bound=65535)


def main():
    given = [flag for flag in (PRESET, SAVED_MODEL, SERVER) if flag.value]
    if len(given) != 1:
        names = [flag.name for flag in given]
        raise ValueError(f"give exactly one of --preset, --saved_model and --server, received {names}")
    for flag in (MODEL, SPEC):
        if bool(flag.value) != bool(SERVER.value):
            raise ValueError(f"--{flag.name} goes with --server: {'give it, too' if SERVER.value else 'leave it out'}")
    folder = None if SERVER.value else model_folder()
    try:
        import uvicorn

        from seg2vid_tf.web.page import make_app
    except ImportError as error:
        raise ImportError(f"the page needs the extra web: pip install -e '.[web]' ({error})") from error

    model = served_model() if SERVER.value else local_model(folder)
    here_only = HOST.value in ("127.0.0.1", "localhost", "::1")
    app = make_app(model, here_only)
    shown = f"[{HOST.value}]" if ":" in HOST.value else HOST.value
    print(f"paint at http://{shown}:{PORT.value} (Ctrl+C ends it)", flush=True)
    uvicorn.run(app, host=HOST.value, port=PORT.value, log_level="warning")


def model_folder():
    """The folder of the model that the flags name, which is one."""
    from seg2vid_tf.serving.layout import newest_version, preset_folder, read_description

    folder = preset_folder(PRESET.value) if PRESET.value else pathlib.Path(SAVED_MODEL.value)
    description = read_description(newest_version(folder))
    if set(description["stages"]) != {"start_frame", "motion"}:
        raise ValueError(
            f"{folder} has {description['stages']} alone, a map becomes a video by both stages: export both"
        )
    if description["instance_boundary"]:
        raise ValueError(f"{folder} was trained with instances, which the page cannot paint: use generate.py")
    return folder


def local_model(folder):
    """The model in a folder, loaded into this process."""
    print("loading TensorFlow and the model ...", flush=True)
    import tensorflow as tf

    from seg2vid_tf.pipeline import Seg2VidPipeline
    from seg2vid_tf.web.calls import ModelCall
    from seg2vid_tf.web.models import LocalModel

    # As in generate.py: optimising the graph takes longer than it saves in the few calls of a sitting.
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    call = ModelCall(preset=PRESET.value) if PRESET.value else ModelCall(folder=folder.resolve().name)
    return LocalModel(Seg2VidPipeline.from_saved_model(folder), call)


def served_model():
    """The model of the server that the flags name."""
    from seg2vid_tf.annotations.spec import load_spec
    from seg2vid_tf.serving.client import Seg2VidClient
    from seg2vid_tf.serving.status import StatusError
    from seg2vid_tf.web.calls import ModelCall
    from seg2vid_tf.web.models import ServedModel

    spec, address = load_spec(SPEC.value), SERVER.value.removeprefix("http://").rstrip("/")
    client = Seg2VidClient(address, MODEL.value, PROTOCOL.value, spec=spec)
    call = ModelCall(server=address, model=MODEL.value, protocol=PROTOCOL.value)
    try:
        return ServedModel(client, spec, call)
    except StatusError as error:
        raise ValueError(f"{address}: {error}") from error


if __name__ == "__main__":
    run(main)
