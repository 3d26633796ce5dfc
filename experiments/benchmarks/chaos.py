"""Interrupts, damages and crowds what this project writes and serves, and counts what that cost.

    python experiments/benchmarks/chaos.py --output=out/chaos
    python experiments/benchmarks/chaos.py --output=out/chaos --parts=kill,disk --jobs=prepare,motion --moments=10

Everything is in miniature, so that hundreds of tries take minutes. Parts:

    kill      kill -9 at random moments of preparing, training (both stages), exporting and evaluating, half of them the
              instant a file changes; then resumed to the same bytes
    disk      the same programs on a disk that is full at random moments; given room, they go on to the same bytes
    damage    checkpoints, shards, exports, evaluations and their documents with one flipped bit, or cut short: refused
              by name, or answered as before
    requests  thousands of requests, 64 at once, half of them bad, slow or broken off: good answers to the bit, memory
    swaps     versions that take over under load: every request is answered, by the one or the other
    clock     the clock that Python tells jumps by days, back and forth, under the programs and under a server

A loss is what was finished and is gone or made anew, and a run that needs a hand; a wrong answer is one that differs
from what an undisturbed run gives; a hang is what does not end. Each try is kept in report.json as it comes: the same
command goes on after a stop. What is drawn follows from --seed, the instant of a kill also from the machine's pace.
"""

import json
import os
import pathlib
import zlib

import numpy as np
from absl import flags
from chaos_jobs import JOBS, ROOT

from seg2vid_tf.config import write_json
from seg2vid_tf.flags import run

PARTS = flags.DEFINE_list("parts", ["kill", "disk", "damage", "requests", "swaps", "clock"], "what to try")
CHOSEN_JOBS = flags.DEFINE_list("jobs", list(JOBS), "the programs that kill, disk and clock are about")
OUTPUT = flags.DEFINE_string("output", None, "folder for the report and all that is made", required=True)
SEED = flags.DEFINE_integer("seed", 0, "of everything that is drawn")
MOMENTS = flags.DEFINE_integer("moments", 50, "kills in all", lower_bound=1)
FULL = flags.DEFINE_integer("full", 20, "full disks in all", lower_bound=1)
DAMAGED = flags.DEFINE_integer("damaged", 200, "damaged files", lower_bound=1)
REQUESTS = flags.DEFINE_integer("requests", 10_000, "requests in all", lower_bound=64)
AT_ONCE = flags.DEFINE_integer("at_once", 64, "requests at once", lower_bound=1)
SWAPS = flags.DEFINE_integer("swaps", 20, "versions that take over", lower_bound=1)
COUNTED = ("losses", "wrong", "hangs")


class Report:
    """What was tried, as it comes: {part: {try: {"losses", "wrong", "hangs", "said"}}}."""

    def __init__(self, path):
        self.path = path
        self.tries = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def tried(self, part, name, attempt):
        """The outcome of a try that is in the report already, or of ``attempt(rng)``, which then is."""
        known = self.tries.setdefault(part, {})
        if name not in known:
            # By its name: what is drawn for a try does not hang on which tries came before it.
            rng = np.random.default_rng([SEED.value, zlib.crc32(f"{part} {name}".encode())])
            known[name] = {**dict.fromkeys(COUNTED, 0), "said": "", **attempt(rng)}
            write_json(self.path, self.tries)
            bad = ", ".join(f"{known[name][what]} {what}" for what in COUNTED if known[name][what])
            print(f"{part} {name}: {known[name]['said']}{bad and f'  !!! {bad}'}", flush=True)
        return known[name]

    def table(self, parts):
        lines = ["| part | tries | losses | wrong answers | hangs |", "|---|---|---|---|---|"]
        for part in parts:
            tries = self.tries.get(part, {}).values()
            counts = " | ".join(str(sum(outcome[what] for outcome in tries)) for what in COUNTED)
            lines.append(f"| {part} | {sum(outcome.get('tries', 1) for outcome in tries)} | {counts} |")
        return "\n".join(lines)


def main():
    unknown = set(CHOSEN_JOBS.value) - set(JOBS)
    if unknown:
        raise ValueError(f"--jobs takes {', '.join(JOBS)}, received {', '.join(sorted(unknown))}")
    # TensorFlow loads here: --help needs none.
    import chaos_files
    import chaos_runs
    import chaos_server

    folder, jobs = pathlib.Path(OUTPUT.value).absolute(), [JOBS[name] for name in CHOSEN_JOBS.value]
    folder.mkdir(parents=True, exist_ok=True)
    report = Report(folder / "report.json")
    parts = {
        "kill": lambda: chaos_runs.kill(report, folder, jobs, MOMENTS.value),
        "disk": lambda: chaos_runs.disk(report, folder, jobs, FULL.value),
        "damage": lambda: chaos_files.damage(report, chaos_runs.base(report, folder, JOBS.values()), DAMAGED.value),
        "requests": lambda: chaos_server.requests(report, folder, REQUESTS.value, AT_ONCE.value),
        "swaps": lambda: chaos_server.swaps(report, folder, SWAPS.value),
        "clock": lambda: chaos_runs.clock(report, folder, jobs) or chaos_server.clock(report, folder),
    }
    unknown = set(PARTS.value) - set(parts)
    if unknown:
        raise ValueError(f"--parts takes {', '.join(parts)}, received {', '.join(sorted(unknown))}")
    for part in PARTS.value:
        parts[part]()
    print(report.table(PARTS.value))


if __name__ == "__main__":
    os.environ.setdefault("PYTHONPATH", str(ROOT))
    run(main)
