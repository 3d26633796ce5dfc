"""Benchmark of the page: from the press of its button until the video is seen, beside the pipeline's own time.

    python experiments/benchmarks/page.py --preset=cityscapes

The page (paint.py) runs in a process of its own and is asked by Chromium, as a visitor asks it; the pipeline makes its
videos of the same model here. Both are asked in turn, on the same cores: a busy machine slows both. The first video of
each, which loads the model, is not counted. Needs the extra "web", playwright (pip) and a Chromium on PATH.
"""

import contextlib
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time

from absl import flags
from served import ROOT, free_ports

from seg2vid_tf.flags import run

PRESET = flags.DEFINE_string("preset", "cityscapes", "model that comes with the project")
REPEATS = flags.DEFINE_integer("repeats", 9, "videos of each that are timed", lower_bound=1)
# A page that says nothing for so long has failed, however slow the machine.
_PATIENCE = 600.0
_SHOWN = "document.querySelector('.s2v-video img')?.src"


def main():
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        raise ValueError("no Chromium on PATH: install it (Debian: apt-get install chromium)")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise ImportError(f"the benchmark asks the page by Playwright: pip install playwright ({error})") from error

    from seg2vid_tf.data.drawn_label_map import drawn_label_map
    from seg2vid_tf.pipeline import Seg2VidPipeline

    with served_page() as address, sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(1000 * _PATIENCE)
        page.goto(address)
        page.wait_for_function("document.querySelector('.s2v-says')?.textContent.startsWith('example 1')")
        pipe = Seg2VidPipeline.from_preset(PRESET.value)
        label_map = drawn_label_map(pipe.spec, pipe.size, 1)
        seconds = {"page": [], "pipeline": []}
        for seed in range(REPEATS.value + 1):
            seconds["page"].append(press(page, seed))
            start = time.perf_counter()
            pipe(label_map, seed=seed)
            seconds["pipeline"].append(time.perf_counter() - start)
        browser.close()
    page_s, pipeline_s = (statistics.median(values[1:]) for values in seconds.values())
    print(f"{len(os.sched_getaffinity(0))} cores, medians of {REPEATS.value} videos of {PRESET.value}, in turn")
    print("| | a video, s | of the pipeline's |\n|---|---|---|")
    print(f"| page | {page_s:.2f} | {page_s / pipeline_s:.2f} |\n| pipeline | {pipeline_s:.2f} | 1 |")


@contextlib.contextmanager
def served_page():
    """The address of the page, in a process that ends with the block."""
    (port,) = free_ports(1)
    command = [sys.executable, str(ROOT / "experiments/paint.py"), f"--preset={PRESET.value}", f"--port={port}"]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        end = time.monotonic() + _PATIENCE
        while True:
            if server.poll() is not None or time.monotonic() > end:
                raise ValueError("the page did not start, see what it said above")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.kill()
        server.wait()


def press(page, seed):
    """Seconds from the press of the button until another video than the one before is there."""
    page.get_by_label("Seed", exact=True).fill(str(seed))  # two other labels hold the word
    before = page.evaluate(_SHOWN)
    page.wait_for_function("!document.querySelector('#s2v-make').disabled")  # shut while the last video is made
    start = time.perf_counter()
    page.click("#s2v-make")
    page.wait_for_function(f"before => {{ const now = {_SHOWN}; return now && now !== before }}", arg=before)
    return time.perf_counter() - start


if __name__ == "__main__":
    run(main)
