"""A page to paint a label map on, and to see it move: opens at http://127.0.0.1:7860.

    python experiments/paint.py --preset=cityscapes
    python experiments/paint.py --saved_model=runs/mine/saved_models/mine --port=8080
    python experiments/paint.py --server=localhost:8501 --model=street --spec=cityscapes

Needs the extra "web" (pip install -e '.[web]'). On the page you choose between the models that come with the project
and those of --saved_model, which may be given several times; each is loaded when its first video is made. With --server
the page has that server's model alone, and needs no TensorFlow. It is for this machine alone unless --host opens it to
others, who then can use it without a password.
"""

import importlib.util
import pathlib

from absl import flags

from seg2vid_tf.flags import define_wait, run

PRESET = flags.DEFINE_string("preset", None, "model that comes with the project: the one that is chosen at first")
SAVED_MODEL = flags.DEFINE_multi_string(
    "saved_model", [], "model folder (newest version) or version folder, offered first; may be given several times"
)
SERVER = flags.DEFINE_string("server", None, "host:port of a server that runs, instead; with --model and --spec")
MODEL = flags.DEFINE_string("model", None, "the model's name on the server")
SPEC = flags.DEFINE_string("spec", None, "the classes of the server's model: a built-in name or a JSON file")
PROTOCOL = flags.DEFINE_enum(
    "protocol", "rest", ["rest", "grpc"], "how the server is asked: port 8501, or 8500 for gRPC"
)
WAIT = define_wait()
HOST = flags.DEFINE_string("host", "127.0.0.1", "address to listen at; 0.0.0.0 lets everybody on the network in")
PORT = flags.DEFINE_integer("port", 7860, "port to listen at", lower_bound=1, upper_bound=65535)


def main():
    for flag in (MODEL, SPEC):
        if bool(flag.value) != bool(SERVER.value):
            raise ValueError(f"--{flag.name} goes with --server: {'give it, too' if SERVER.value else 'leave it out'}")
    for flag in (PRESET, SAVED_MODEL):
        if SERVER.value and flag.value:
            raise ValueError(f"--server and --{flag.name} both name a model: give one of them")
    models = [] if SERVER.value else local_models()
    print("starting the page ...", flush=True)
    try:
        import uvicorn

        from seg2vid_tf.web.page import make_app
    except ImportError as error:
        raise ImportError(f"the page needs the extra web: pip install -e '.[web]' ({error})") from error

    from seg2vid_tf.web.models import by_title

    here_only = HOST.value in ("127.0.0.1", "localhost", "::1")
    app = make_app(by_title(models or [served_model()]), here_only)
    shown = f"[{HOST.value}]" if ":" in HOST.value else HOST.value
    print(f"paint at http://{shown}:{PORT.value} (Ctrl+C ends it)", flush=True)
    uvicorn.run(app, host=HOST.value, port=PORT.value, log_level="warning")


def local_models():
    """The models of --saved_model, then those that come with the project, --preset's first of all; none is loaded."""
    from seg2vid_tf.export_folder import preset_folder, presets
    from seg2vid_tf.web.calls import ModelCall
    from seg2vid_tf.web.models import LocalModel
    from seg2vid_tf.web.pipelines import Pipelines

    pipelines = Pipelines(load)
    given = [pathlib.Path(name) for name in SAVED_MODEL.value]
    models = [LocalModel(folder, ModelCall(folder=folder.resolve().name), pipelines) for folder in given]
    shipped = [name for name in presets() if preset_folder(name).resolve() not in {f.resolve() for f in given}]
    models += [LocalModel(preset_folder(name), ModelCall(preset=name), pipelines) for name in shipped]
    if PRESET.value:
        preset_folder(PRESET.value)  # refuses an unknown one
        models.sort(key=lambda model: model.call.preset != PRESET.value)
    if not models:
        raise ValueError("no model comes with this installation: give --saved_model, an export's folder, or --server")
    if importlib.util.find_spec("tensorflow") is None:
        raise ImportError("models of this machine need TensorFlow, which is not installed; --server needs none")
    return models


def load(folder):
    """The pipeline of a version folder."""
    print(f"loading TensorFlow and {folder} ...", flush=True)
    import tensorflow as tf

    from seg2vid_tf.pipeline import Seg2VidPipeline
    from seg2vid_tf.web.pipelines import refuse_unloaded

    # As in generate.py: optimising the graph takes longer than it saves in the few calls of a sitting.
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    try:
        pipe = Seg2VidPipeline.from_saved_model(folder)
    except (OSError, ValueError) as error:
        refuse_unloaded(folder, error)
    print("loaded", flush=True)
    return pipe


def served_model():
    """The model of the server that the flags name."""
    from seg2vid_tf.annotations.spec import load_spec
    from seg2vid_tf.serving.client import Seg2VidClient
    from seg2vid_tf.serving.status import StatusError
    from seg2vid_tf.serving.wait import wait_for_server
    from seg2vid_tf.web.calls import ModelCall
    from seg2vid_tf.web.models import ServedModel

    spec, address = load_spec(SPEC.value), SERVER.value.removeprefix("http://").rstrip("/")
    client = Seg2VidClient(address, MODEL.value, PROTOCOL.value, spec=spec)
    call = ModelCall(server=address, model=MODEL.value, protocol=PROTOCOL.value)
    try:
        wait_for_server(client, address, WAIT.value)
        return ServedModel(client, spec, call)
    except StatusError as error:
        hint = "; is there a server? serve.py starts one" if error.code == "UNAVAILABLE" else ""
        raise ValueError(f"{address}: {error}{hint}") from error


if __name__ == "__main__":
    run(main)
