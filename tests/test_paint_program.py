"""experiments/paint.py as a user starts it: what is wrong is told at once. The page itself is tested in tests/web."""

import json

import pytest

from seg2vid_tf.export_folder import DESCRIPTION
from tests.programs import command_line, run_several
from tests.stacks import on_second_stack

pytestmark = on_second_stack

SERVER = {"server": "localhost:8501", "model": "street", "spec": "cityscapes"}
WRONG = {
    "--server and --preset both name a model": {**SERVER, "preset": "cityscapes"},
    "--server and --saved_model both name a model": {**SERVER, "saved_model": "saved_models/cityscapes"},
    "--model goes with --server: give it, too": {"server": "localhost:8501", "spec": "cityscapes"},
    "--spec goes with --server: leave it out": {"preset": "cityscapes", "spec": "cityscapes"},
    "unknown preset 'tea'": {"preset": "tea"},
    "neither a model folder": {"saved_model": "no/such/folder"},
}


def _export(folder, stages, instances):
    """What is read of an export before TensorFlow is loaded."""
    path = folder / "1" / DESCRIPTION
    path.parent.mkdir(parents=True)
    names = ("spec", "size", "num_frames", "style_dim", "latent_dim", "background_latent", "temperature", "smoothness")
    document = {**dict.fromkeys(names), "stages": stages, "instance_boundary": instances}
    path.write_text(json.dumps(document), encoding="utf-8")
    (folder / "1/saved_model.pb").touch()
    return {"saved_model": folder}


@pytest.fixture(scope="module")
def endings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exports")
    exports = [_export(folder / "half", ["motion"], False), _export(folder / "i", ["start_frame", "motion"], True)]
    options = [*WRONG.values(), *exports]
    return run_several([list(map(str, command_line("paint.py", option))) for option in options])[0]


@pytest.mark.parametrize("number, message", [(-2, "a map becomes a video by both stages"), (-1, "use generate.py")])
def test_models_that_the_page_cannot_ask(endings, number, message):
    assert endings[number].startswith("error: ") and message in endings[number]


@pytest.mark.parametrize("number, message", list(enumerate(WRONG)), ids=list(WRONG))
def test_wrong_flags(endings, number, message):
    assert endings[number].startswith("error: ") and message in endings[number]
