"""The request of a page as Python and as a command line, ready to copy: what the page made, without the page."""

import dataclasses
import shlex

from seg2vid_tf.web.settings import Settings

MAP, STYLE = "map.png", "style.png"


@dataclasses.dataclass(frozen=True)
class ModelCall:
    """How a model is named in a call.

    Attributes:
      preset: one that comes with the project, or
      folder: the name of an export's folder (not where it lies: visitors need not know), or
      server: "host:port", with model and protocol.
    """

    preset: str = ""
    folder: str = ""
    server: str = ""
    model: str = ""
    protocol: str = "rest"

    @property
    def title(self) -> str:
        return self.preset or self.folder or self.model


def python_call(call: ModelCall, settings: Settings, num_frames: int, style: bool) -> str:
    """Python that makes the videos from the map that can be downloaded.

    Args:
      call: the model.
      settings: the request.
      num_frames: the model's T, which need not be said.
      style: whether a style picture is given.
    """
    if call.server:
        return _client_call(call, settings, num_frames)
    source = f"from_preset({call.preset!r})" if call.preset else f"from_saved_model({call.folder!r})"
    painting = [] if settings.style_seed is None else [f"style_seed={settings.style_seed}"]
    arguments = [f'"{MAP}"', f"seed={settings.seed}"]
    if settings.num_videos > 1:
        arguments.append(f"num_videos={settings.num_videos}")
    if settings.num_frames != num_frames:
        arguments.append(f"num_frames={settings.num_frames}")
    if settings.temperature is not None:
        arguments.append(f"temperature={settings.temperature:g}")
    lines = ["from seg2vid_tf.pipeline import Seg2VidPipeline", "", f"pipe = Seg2VidPipeline.{source}"]
    if style:
        lines[:1] = [
            "import pathlib",
            "from seg2vid_tf.data.pictures import read_frame, resize_frame",
            "from seg2vid_tf.pipeline import Seg2VidPipeline",
        ]
        lines.append(f'style = resize_frame(read_frame(pathlib.Path("{STYLE}")), pipe.size)')
        painting.append("reference=style")
    if settings.restyle:
        chosen = f"{list(settings.restyle)!r}, restyle_seed={settings.restyle_seed}, seed={settings.seed}"
        given = ", ".join([f'"{MAP}"', chosen, *painting])
        lines.append(f"start = pipe.restyled_start_frame({given})")
        painting = ["start_frame=start"]
    arguments += painting
    return "\n".join([*lines, f"out = pipe({', '.join(arguments)})", 'out.save_gif("video.gif")'])


def command_line(call: ModelCall, settings: Settings, num_frames: int, style: bool) -> str:
    """The same as commands; arguments as of ``python_call``."""
    if call.server:
        flags = {"address": call.server, "protocol": call.protocol, "model": call.model, "label_map": MAP}
        flags |= {"num_frames": settings.num_frames} if settings.num_frames != num_frames else {}
        seeds = range(settings.seed, settings.seed + settings.num_videos)
        return "\n".join(_command("request.py", flags | {"seed": s, "output": f"video_{s}.gif"}) for s in seeds)
    flags = {"preset": call.preset} if call.preset else {"saved_model": call.folder}
    flags |= {"label_map": MAP, "output": "out", "seed": settings.seed}
    flags |= {"num_videos": settings.num_videos} if settings.num_videos > 1 else {}
    flags |= {"num_frames": settings.num_frames} if settings.num_frames != num_frames else {}
    flags |= {"temperature": f"{settings.temperature:g}"} if settings.temperature is not None else {}
    flags |= {"reference": STYLE} if style else {}
    flags |= {"style_seed": settings.style_seed} if settings.style_seed is not None else {}
    if settings.restyle:
        flags |= {"restyle": ",".join(settings.restyle), "restyle_seed": settings.restyle_seed}
    return _command("generate.py", flags)


def _command(program, flags):
    return " ".join([f"python experiments/{program}", *(f"--{n}={shlex.quote(str(v))}" for n, v in flags.items())])


def _client_call(call, settings, num_frames):
    length = f", num_frames={settings.num_frames}" if settings.num_frames != num_frames else ""
    lines = [
        "import numpy as np",
        "from seg2vid_tf.media import save_gif",
        "from seg2vid_tf.serving.client import Seg2VidClient",
        "",
        f"with Seg2VidClient({call.server!r}, {call.model!r}, {call.protocol!r}) as client:",
        f"    for seed in range({settings.seed}, {settings.seed + settings.num_videos}):",
        f'        frames = np.concatenate(list(client.video("{MAP}", seed{length})))',
        '        save_gif(frames, f"video_{seed}.gif")',
    ]
    return "\n".join(lines)
