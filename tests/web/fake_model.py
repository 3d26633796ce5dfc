"""A model for the page that makes no video: the map's own colours, moving to the right by a pixel a frame.

python fake_model.py SPECS PORT PAUSE     # the page with one for each of the specs, as cityscapes,weizmann_pose; each
                                          # video takes PAUSE seconds, and its seed is printed
"""

import sys
import time

import numpy as np

from seg2vid_tf.annotations.label_map import colorize
from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.web.calls import ModelCall
from seg2vid_tf.web.models import Video, by_title


class FakeModel:
    lacks, num_frames, temperature, ready = "", 4, 0.7, True
    has_style = has_style_seeds = has_looks = True

    def __init__(self, spec="cityscapes", size=(32, 64), pause=0.0):
        self.spec, self.size, self.call, self.made = load_spec(spec), size, ModelCall(preset=spec), []
        self._pause = pause

    def videos(self, label_map, settings, reference):
        for seed in range(settings.seed, settings.seed + settings.num_videos):
            maps = np.stack([np.roll(label_map, t, axis=1) for t in range(settings.num_frames + 1)])
            flow = np.zeros((settings.num_frames, *self.size, 2), np.float32)
            flow[..., 1] = 1
            time.sleep(self._pause)
            self.made.append(seed)
            print(seed, flush=True)
            yield Video(seed, colorize(maps, self.spec), maps, flow, np.ones_like(flow[..., :1]))


if __name__ == "__main__":
    import uvicorn

    from seg2vid_tf.web.page import make_app

    specs, port, pause = sys.argv[1:]
    models = by_title(FakeModel(spec, (64, 128), float(pause)) for spec in specs.split(","))
    app = make_app(models, here_only=True)
    uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="warning")
