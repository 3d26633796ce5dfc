#!/usr/bin/env bash
# x264, as PyAV's wheels bring it: with one thread, the same frames become one of two files, and what else was allocated in
# the process decides which.
#
# One thread is what is said to make x264 repeatable: its help has "--non-deterministic" for the chance that is left between
# threads. Yet with other allocations between two encodings the bytes differ; both files play alike. The parameter
# cpu-independent=1, made for equal results on unlike CPUs, ends it; so do asm=0 and mbtree=0. Who keeps the SHA-256 of
# videos, or compares them between runs, needs one of these.
#
# Seen 2026-11-30 with PyAV 18.1.0 (x86-64, AVX-512). What the project does about it: seg2vid_tf/media.py.
set -euo pipefail

seen='one thread: 2 files of 200 encodings
one thread, cpu-independent=1: 1 files of 200 encodings'

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
python=$folder/venv/bin/python
"$python" -m pip install --quiet av==18.1.0 numpy==2.4.6

found=$("$python" - <<'END'
import io

import av
import numpy as np

rng = np.random.default_rng(0)
frames = (np.cumsum(rng.integers(0, 256, (3, 32, 64, 3)), axis=0) // 3).astype(np.uint8)


def encoded(parameters):
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=8)
        stream.height, stream.width, stream.pix_fmt = 32, 64, "yuv420p"
        stream.options = {"crf": "16", **parameters}
        stream.codec_context.thread_count = 1
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return file.getvalue()


for words, parameters in (("", {}), (", cpu-independent=1", {"x264-params": "cpu-independent=1"})):
    files = set()
    for _ in range(200):
        between = [bytearray(rng.integers(1_000, 200_000)) for _ in range(20)]  # moves what is allocated next
        files.add(encoded(parameters))
        del between
    print(f"one thread{words}: {len(files)} files of 200 encodings")
END
)

echo "$found"
[ "$found" = "$seen" ] || { printf '%s: the behaviour is another; seen was\n%s\n' "$0" "$seen" >&2; exit 1; }
