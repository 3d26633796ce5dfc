"""The parts of chaos.py that interrupt programs: kill -9, a full disk, a clock that jumps."""

import contextlib
import functools
import os
import resource
import shutil
import subprocess
import time

from chaos_jobs import HANG_SECONDS, JOBS, changes, ended, prepare_validation, snapshot, started

JUMP_SECONDS = 0.5
_GOOD = {"losses": 0, "wrong": 0, "hangs": 0}
# What says of a program that was killed between its last rename and its end that there is nothing left to do.
_DONE = "already there;", "exists: a version never changes"


def base(report, folder, jobs):
    """The undisturbed results of all jobs that some need, and of those before them; made once.

    Returns:
      Their folder. The report's part "base" has each one's seconds until its first change and its end, and changes.
    """
    folder = folder / "base"
    folder.mkdir(exist_ok=True)
    last = max(list(JOBS).index(job.name) for job in jobs)
    commands = {name: job.command(folder, folder) for name, job in list(JOBS.items())[: last + 1]}
    if last:
        commands = {"validation": prepare_validation(folder), **commands}
    for name, command in commands.items():

        def attempt(_, command=command):
            log = folder.parent / "base.log"
            with started(command, log) as process:
                seen = list(changes(folder, process, HANG_SECONDS))
                if ended(process) != 0:
                    raise RuntimeError(f"{command}: {log.read_text()}")
            first, last = seen[0][1], seen[-1][1]
            return {"first": first, "last": last, "changes": len(seen), "said": f"{first:.0f} to {last:.0f} s"}

        report.tried("base", name, attempt)
    return folder


def _difference(job, base, out):
    """What of a job's result differs from the undisturbed one's; "" where nothing does."""
    expected, found = job.result(base), job.result(out)
    wrong = sorted(name for name in {*expected, *found} if expected.get(name) != found.get(name))
    return f"differs in {', '.join(wrong[:3])}" if wrong else ""


def _lost(before, after):
    """What was finished and is gone or was made anew; steps may only grow."""
    return [
        name
        for name, stamp in before.items()
        if name not in after or (after[name] < stamp if name == "step" else after[name] != stamp)
    ]


class _Disturbed:
    """One job's folder over several tries, and whether each keeps what those before it have finished."""

    def __init__(self, job, base, out):
        self.job, self.base, self.out = job, base, out
        self.log = out.with_name(f"{out.name}.log")
        out.mkdir(parents=True, exist_ok=True)

    @property
    def command(self):
        return self.job.command(self.base, self.out)

    def judged(self, before, status):
        """The outcome of a try: what it lost; where it ended by itself, whether it gave what it should."""
        log, after = self.log.read_text(errors="replace"), self.job.finished(self.out)
        lost, first = _lost(before, after), self.job.first_step(log)
        if first is not None and first < before.get("step", 0):
            lost.append(f"step {before['step']}: it began at {first}")
        outcome = {**_GOOD, "losses": len(lost), "said": "; ".join(lost)}
        if status is None:
            return {**outcome, "hangs": 1, "said": f"hangs: {log[-300:]}"}
        return outcome

    def completed(self, _=None, **more):
        """Runs to the end, which is no try of its own: the outcome; more: of the process."""
        before = self.job.finished(self.out)
        with started(self.command, self.log, **more) as process:
            status = ended(process)
        outcome = self.judged(before, status)
        if status is not None:
            outcome = self.ended(outcome, status)
        return {**outcome, "tries": 0}

    def ended(self, outcome, status):
        """The outcome with what a program gave that ended by itself; the folder is empty for the next one."""
        last = _last_line(self.log)
        if status == 0 or any(done in last for done in _DONE):
            outcome = self.compared(outcome)
        else:
            outcome["losses"] += 1
            outcome["said"] += f"does not go on: {last}"
        self.emptied()
        return outcome

    def compared(self, outcome):
        difference = _difference(self.job, self.base, self.out)
        left = _left_over(self.out)
        outcome["wrong"] += bool(difference)
        outcome["said"] += difference or "the same bytes" + (f", left over: {left[:3]}" if left else "")
        return outcome

    def emptied(self):
        for path in self.out.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _left_over(out):
    """Temporary files and folders that nobody will remove."""
    return [path.name for path in out.rglob("*") if ".tmp" in path.name or "_temp" in path.name]


def _last_line(log):
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else "no word"


def _shared_out(moments, jobs):
    """(job, how many of the moments are its) of each job."""
    return [(job, len(range(number, moments, len(jobs)))) for number, job in enumerate(jobs)]


def kill(report, folder, jobs, moments):
    """Part kill: every job in turn is killed so often, each time going on from where the kill before left it."""
    reference = base(report, folder, jobs)
    for job, count in _shared_out(moments, jobs):
        disturbed = _Disturbed(job, reference, folder / "kill" / job.name)
        measured = report.tries["base"][job.name]
        for moment in range(count):
            report.tried("kill", f"{job.name} {moment}", functools.partial(_killed, disturbed, measured))
        report.tried("kill", f"{job.name} to the end", disturbed.completed)


def _killed(disturbed, measured, rng):
    """One kill -9; a program that ends before its moment is held against the undisturbed one and starts again."""
    said = ""
    while True:
        before = disturbed.job.finished(disturbed.out)
        at_change = int(rng.integers(1, 1 + measured["changes"])) if rng.random() < 0.5 else None
        at_second = rng.uniform(measured["first"], measured["last"])
        with started(disturbed.command, disturbed.log) as process:
            if at_change is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(at_second)
            else:
                for count, _ in changes(disturbed.out, process, HANG_SECONDS):
                    if count == at_change:
                        break
            alive = process.poll() is None
            process.kill()
            process.wait()
        outcome = disturbed.judged(before, -1)
        when = f"change {at_change}" if at_change else f"second {at_second:.1f}"
        if alive:
            reached = disturbed.job.finished(disturbed.out)
            outcome["said"] = f"{said}at {when}, {reached.get('step', len(reached))} finished {outcome['said']}"
            return outcome
        outcome = disturbed.ended(outcome, process.returncode)
        if outcome["losses"] or outcome["wrong"]:
            return outcome
        said = "(ended once before its moment, the same bytes) "


class _SmallDisk:
    """A folder that holds so many bytes: a tmpfs of its own where that may be mounted, else files of limited size."""

    def __init__(self, folder):
        self.folder, self._limit = folder, None
        folder.mkdir(parents=True, exist_ok=True)
        self.mounted = subprocess.run(["mount", "-t", "tmpfs", "chaos", folder], capture_output=True).returncode == 0
        self.kind = "tmpfs" if self.mounted else "RLIMIT_FSIZE"

    def hold(self, size):
        """Room for so many bytes from now on; None: enough for all."""
        if self.mounted:
            options = f"remount,size={max(4096, size if size is not None else 1 << 30)}"
            subprocess.run(["mount", "-o", options, self.folder], check=True, capture_output=True)
        else:
            self._limit = size

    def started(self, command, log):
        if self._limit is None:
            return started(command, log)
        limit = self._limit
        return started(command, log, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))

    def close(self):
        if self.mounted:
            subprocess.run(["umount", "-l", self.folder], check=True)


def disk(report, folder, jobs, moments):
    """Part disk: each job on a disk of several sizes, ever larger, and at last with room enough."""
    reference = base(report, folder, jobs)
    for job, count in _shared_out(moments, jobs):
        report.tried("disk", job.name, functools.partial(_full, job, reference, folder / "disk" / job.name, count))


def _full(job, reference, out, count, rng):
    """All tries of one job, as a disk does not outlive its mount."""
    small = _SmallDisk(out)
    outcome, said = {**_GOOD, "tries": count}, []
    try:
        disturbed = _Disturbed(job, reference, out)
        log, whole = disturbed.log, _whole_size(job, reference, out, small)
        disturbed.emptied()
        for share in sorted(rng.uniform(0.0, 1.0, count)):
            small.hold(int(share * whole))
            before, content = job.finished(out), None
            with small.started(disturbed.command, log) as process:
                status = ended(process)
            tried = disturbed.judged(before, status)
            text = log.read_text(errors="replace")
            if status == 0:
                content = _difference(job, reference, out)
                tried["wrong"] += bool(content)
                said.append(f"{share:.0%}: it fitted")
            elif status is not None:
                line = _last_line(log)
                clear = line.startswith("error:") and "Traceback" not in text and str(out) in line
                tried["losses"] += not clear
                said.append(f"{share:.0%}: {'refused' if clear else f'NOT CLEAR: {text[-1500:]}'}")
            for what in _GOOD:
                outcome[what] += tried[what]
            said += [tried["said"]] * bool(tried["said"])
        small.hold(None)
        last = disturbed.completed()
        for what in _GOOD:
            outcome[what] += last[what]
        return {**outcome, "said": f"{small.kind} of {whole >> 10} KiB, full at {'; '.join(said)}; {last['said']}"}
    finally:
        small.close()


def _whole_size(job, reference, out, small):
    """Bytes that the job's files take in the end; of RLIMIT_FSIZE, the largest one's."""
    small.hold(None)
    with started(job.command(reference, out), out.with_name(f"{out.name}.log")) as process:
        ended(process)
    if small.mounted:
        found = os.statvfs(out)
        return (found.f_blocks - found.f_bfree) * found.f_frsize
    return max(size for size, _ in snapshot(out).values())


# What Python runs before a program: time.time, of which all of time's functions that tell the date are made here.
_JUMPS = """
import random, time

def _jumping(clock, unit):
    def told():
        turn = random.Random(f"{SEED} {time.monotonic() // JUMP_SECONDS}")
        return clock() + turn.choice([0, 1, -1, 30, -30, 400, -400]) * 86_400 * unit
    return told

time.time, time.time_ns = _jumping(time.time, 1), _jumping(time.time_ns, 10**9)
"""


def jumping_clock(folder, rng):
    """Variables for a Python process whose clock jumps by up to 400 days, back and forth, twice a second.

    The C++ of TensorFlow and gRPC keeps the machine's clock: libfaketime, which would reach it, stops their threads.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = _JUMPS.replace("SEED", str(rng.integers(1 << 30))).replace("JUMP_SECONDS", str(JUMP_SECONDS))
    (folder / "sitecustomize.py").write_text(text)
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])}


def clock(report, folder, jobs):
    """Part clock: each job while the clock jumps."""
    reference = base(report, folder, jobs)
    for job in jobs:
        report.tried("clock", job.name, functools.partial(_by_clock, job, reference, folder / "clock"))


def _by_clock(job, reference, folder, rng):
    disturbed = _Disturbed(job, reference, folder / job.name)
    disturbed.emptied()
    start = time.monotonic()
    outcome = disturbed.completed(env=jumping_clock(folder, rng))
    return {**outcome, "tries": int((time.monotonic() - start) / JUMP_SECONDS)}
