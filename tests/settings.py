"""The settings that the suite passes under, whatever the machine's own: which instructions sum, in how many threads.

    python -m tests.settings [what pytest takes]        # make test-settings: the whole suite under each

An AVX2 CPU without AVX-512 is had anywhere by telling oneDNN to go no further. TensorFlow's convolutions are oneDNN's
or Eigen's; OMP_NUM_THREADS sets the threads of neither. That the settings arrive in programs shows test_settings.py.
"""

import os
import subprocess
import sys
import time

import pytest

_ONEDNN = {"TF_ENABLE_ONEDNN_OPTS": "1", "ONEDNN_MAX_CPU_ISA": "DEFAULT"}
_KINDS = {"oneDNN": _ONEDNN, "oneDNN, AVX2": {**_ONEDNN, "ONEDNN_MAX_CPU_ISA": "AVX2"}}
_KINDS["Eigen"] = {**_ONEDNN, "TF_ENABLE_ONEDNN_OPTS": "0"}
SETTINGS = {
    f"{kind}, {threads} thread{'s' * (threads > 1)}": {
        **variables,
        "TF_NUM_INTRAOP_THREADS": str(threads),
        "TF_NUM_INTEROP_THREADS": str(threads),
    }
    for kind, variables in _KINDS.items()
    for threads in (1, 2)
}

# TensorFlow asks the CPU, which has bfloat16, and then oneDNN, which may not use it. An AVX2 CPU has no such trouble.
needs_bfloat16 = pytest.mark.skipif(
    os.environ.get("ONEDNN_MAX_CPU_ISA") == "AVX2", reason="oneDNN kept to AVX2 on a CPU with more fails at bfloat16"
)


def main():
    failed = []
    for name, variables in SETTINGS.items():
        print(f"=== {name}", flush=True)
        start = time.monotonic()
        done = subprocess.run([sys.executable, "-m", "pytest", *sys.argv[1:]], env={**os.environ, **variables})
        print(f"=== {name}: exit status {done.returncode} after {time.monotonic() - start:.0f} s", flush=True)
        if done.returncode:
            failed.append(name)
    if failed:
        sys.exit(f"failed under: {'; '.join(failed)}")


if __name__ == "__main__":
    main()
