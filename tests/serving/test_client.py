"""The client beside servers that are away, slow, in a hurry or something else altogether."""

import base64
import contextlib
import http.server
import io
import json
import pathlib
import socket
import threading
import time

import numpy as np
import pytest
from PIL import Image

from seg2vid_tf.annotations.doubts import MapWarning
from seg2vid_tf.annotations.label_map import write_label_map
from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.config import RunWarning
from seg2vid_tf.serving.client import Seg2VidClient
from seg2vid_tf.serving.kept_answers import KeptAnswers
from seg2vid_tf.serving.status import StatusError
from tests.programs import run_python

ROOT = pathlib.Path(__file__).resolve().parents[2]
AVAILABLE = {"model_version_status": [{"version": "2", "state": "AVAILABLE"}]}


@contextlib.contextmanager
def _answering(*answers):
    """An HTTP server that gives these (status, body), one after the other, the last one for ever: its address, seen."""
    seen = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            length = int(self.headers.get("Content-Length") or 0)
            seen.append((self.path, self.rfile.read(length)))
            status, body = answers[min(len(seen), len(answers)) - 1]
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("localhost", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"localhost:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def _sending(*parts):
    """A server that sends the same bytes to whoever connects, part after part, whatever was asked: its address."""
    with socket.create_server(("localhost", 0)) as listening:

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with connection:
                        connection.recv(1 << 16)
                        for number, part in enumerate(parts):
                            time.sleep(0.05 if number else 0)
                            connection.sendall(part)

        threading.Thread(target=serve, daemon=True).start()
        yield f"localhost:{listening.getsockname()[1]}"


def _rest(address, **more):
    return Seg2VidClient(address, "street", "rest", **more)


def _json(document):
    return json.dumps(document).encode()


def test_a_server_that_is_unavailable_is_asked_again():
    unavailable = 503, _json({"error": "the queue is full"})
    with _answering(unavailable, unavailable, (200, _json(AVAILABLE))) as (address, seen):
        assert _rest(address).status() == {2: "AVAILABLE"}
        assert len(seen) == 3 and seen[0][0] == "/v1/models/street"
    with _answering(unavailable) as (address, seen), pytest.raises(StatusError, match="the queue is full") as refused:
        _rest(address, retries=1).status()
    assert refused.value.code == "UNAVAILABLE" and len(seen) == 2


def test_what_is_refused_is_not_asked_again():
    for status, code in ((400, "INVALID_ARGUMENT"), (404, "NOT_FOUND"), (500, "INTERNAL"), (504, "DEADLINE_EXCEEDED")):
        with _answering((status, _json({"error": "no"}))) as (address, seen), pytest.raises(StatusError) as refused:
            _rest(address).status()
        assert (refused.value.code, refused.value.message, len(seen)) == (code, "no", 1)


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_a_server_that_is_not_there_is_unavailable(protocol):
    if protocol == "grpc":
        pytest.importorskip("grpc")
    with socket.create_server(("localhost", 0)) as listening:
        port = listening.getsockname()[1]
    with Seg2VidClient(f"localhost:{port}", "street", protocol, retries=1) as client:
        for ask in (client.status, lambda: client.wait_until_ready(0.5)):
            with pytest.raises(StatusError) as refused:
                ask()
            assert refused.value.code == "UNAVAILABLE"


def test_answers_of_another_kind_are_errors_that_name_the_server():
    for content, code in (
        (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00", "UNAVAILABLE"),  # gRPC's
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", "UNAVAILABLE"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", "UNKNOWN"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", "UNKNOWN"),
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 100\r\n\r\n<", "UNKNOWN"),
    ):
        with _sending(content) as address, pytest.raises(StatusError) as refused:
            _rest(address, retries=0).status()
        assert refused.value.code == code, content


def test_no_answer_in_time_is_a_deadline():
    with socket.create_server(("localhost", 0)) as listening, pytest.raises(StatusError) as late:
        _rest(f"localhost:{listening.getsockname()[1]}", timeout=0.05).status()
    assert late.value.code == "DEADLINE_EXCEEDED"


def test_the_timeout_is_the_whole_answers_and_not_each_reads():
    length = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
    for headers, code in (
        (length, "DEADLINE_EXCEEDED"),
        (b"HTTP/1.1 200 OK\r\nX:", "DEADLINE_EXCEEDED"),
        (b"HTTP/1.1 500 X\r\n\r\n", "INTERNAL"),
    ):
        with _sending(headers, *[b" "] * 200) as address, pytest.raises(StatusError) as late:
            start = time.monotonic()
            _rest(address, timeout=2).status()
        assert late.value.code == code and time.monotonic() - start < 9, "all of it takes 10 seconds"


def test_all_tries_share_the_timeout():
    unavailable = 503, _json({"error": "the queue is full"})
    with _answering(unavailable) as (address, seen), pytest.raises(StatusError, match="the queue is full"):
        start = time.monotonic()
        _rest(address, timeout=3, retries=99).status()
    # At once, and after 0.1, 0.2, 0.4, 0.8 s more: the next pause, 1.6 s, would end too late.
    assert time.monotonic() - start < 9 and len(seen) <= 5


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_proxies_are_for_other_machines(protocol, monkeypatch):
    if protocol == "grpc":
        pytest.importorskip("tensorflow_serving")
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        for name in ("no_proxy", "NO_PROXY", "no_grpc_proxy"):
            monkeypatch.delenv(name, raising=False)
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        for host in ("localhost", "127.0.0.1", "127.1.2.3", "[::1]"):
            with Seg2VidClient(f"{host}:{port}", "street", protocol, retries=0, timeout=5.0) as client:
                with pytest.raises(StatusError) as refused:
                    client.status()
            assert refused.value.code == "UNAVAILABLE", "the proxy would have kept silent"
        proxy.settimeout(0.05)
        with pytest.raises(TimeoutError):
            proxy.accept()
        asked = threading.Thread(target=lambda: pytest.raises(StatusError, _away(protocol).status))
        asked.start()
        proxy.settimeout(60)
        connection, _ = proxy.accept()
        with connection:
            assert b"model.example:8501" in connection.recv(1000)
        asked.join()


def _away(protocol):
    return Seg2VidClient("model.example:8501", "street", protocol, retries=0, timeout=1.0)


def test_version_and_label_are_part_of_the_address():
    with _answering((200, _json(AVAILABLE))) as (address, seen):
        _rest(address, version=2).status()
        _rest(address, label="stable").status()
        Seg2VidClient(address, "a/b c", "rest").status()
    assert [path for path, _ in seen] == [
        "/v1/models/street/versions/2",
        "/v1/models/street/labels/stable",
        "/v1/models/a%2Fb%20c",
    ]


def test_impossible_settings_and_maps_are_refused_before_anything_is_sent():
    with pytest.raises(ValueError, match="protocol must be 'grpc' or 'rest'"):
        Seg2VidClient("localhost:1", "street", "http")
    with pytest.raises(ValueError, match="a version or a label"):
        Seg2VidClient("localhost:1", "street", "rest", version=1, label="stable")
    with pytest.raises(ValueError, match=r"label_map must be uint8 \[H, W\]"):
        _rest("localhost:1").generate(np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(ValueError, match=r"a start frame must be uint8 \[H, W, 3\] or a file, received float32"):
        _rest("localhost:1").animate(np.zeros((4, 4, 3), np.float32), np.zeros((4, 4), np.uint8))


def _sent(address, seen, *arguments, **more):
    """The PNGs that a client sends for a label map, or for a start frame and one."""
    with pytest.raises(StatusError):
        (_rest(address, **more).generate if len(arguments) == 1 else _rest(address, **more).animate)(*arguments)
    inputs = json.loads(seen[-1][1])["inputs"]
    names = ("label_map_png", "start_frame_jpeg")
    files = (io.BytesIO(base64.b64decode(inputs[name][0]["b64"])) for name in names if name in inputs)
    return [np.asarray(Image.open(file)) for file in files]


def test_palette_maps_are_sent_as_ids_where_their_colours_do_not_say_otherwise(tmp_path):
    ids = np.uint8([[0, 1, 2, 2]])
    spec = load_spec("synthetic_street")
    own = [c.color for c in spec.classes[:3]]
    with _answering((404, _json({"error": "no"}))) as (address, seen):
        for colors, given in (
            (own, {}),
            (own, {"spec": spec}),
            ([(1, 200, 3), (40, 5, 60), (7, 80, 9)], {}),
            (own[::-1], None),
            ([(2,) * 3, (0,) * 3, (1,) * 3], None),
        ):
            image = Image.fromarray(ids, "P")
            image.putpalette(np.uint8(colors).ravel().tolist())
            image.save(tmp_path / "p.png")
            if given is not None:
                np.testing.assert_array_equal(_sent(address, seen, tmp_path / "p.png", **given)[0], ids)
                continue
            for how in ({}, {"spec": spec}):
                with pytest.raises(ValueError, match="p.png: a palette PNG whose indices are .*--colors=classes"):
                    _rest(address, **how).generate(tmp_path / "p.png")
        with pytest.raises(ValueError, match=r"ids \[9\] are not in spec 'synthetic_street'"):
            write_label_map(tmp_path / "nine.png", ids + 7)
            _rest(address, spec=spec).generate(tmp_path / "nine.png")


def test_a_start_frame_is_sent_upright_and_an_ignored_map_is_told_of(tmp_path):
    frame = np.zeros((8, 12, 3), np.uint8)
    frame[:, :6] = 250
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(frame).save(tmp_path / "held.jpg", exif=exif, quality=95)
    ignored = np.full((12, 8), 255, np.uint8)
    ignored[0] = 0
    with _answering((404, _json({"error": "no"}))) as (address, seen):
        with pytest.warns(MapWarning, match="label_map: 91.7% of it is ignored .id 255"):
            _, sent = _sent(address, seen, tmp_path / "held.jpg", ignored)
        assert sent.shape == (12, 8, 3) and sent[:5].min() > 200 and sent[7:].max() < 50


def _chunk(shade, frames=2, motion=True):
    """What a server of a model of two frames answers: all of one shade and one class, nothing moves, all is visible."""
    picture, ids = np.full((4, 6, 3), shade, np.uint8), np.full((4, 6), shade, np.uint8)
    outputs = {"frames_bytes": [_file(picture)] * frames, "label_map_bytes": _file(ids)}
    if motion:
        still = np.concatenate([np.full((8, 6), 32768), np.full((4, 6), 65535)]).astype(np.uint16)
        outputs["motion_bytes"] = [_file(still)] * 2
    return 200, _json({"outputs": {name: [value] for name, value in outputs.items()}})


def _file(array):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format="PNG")
    return {"b64": base64.b64encode(buffer.getvalue()).decode()}


def _shades(chunks):
    return [[int(frame[0, 0, 0]) for frame in chunk] for chunk in chunks]


def test_a_longer_video_keeps_what_stays_in_sight():
    """Nothing moves: whatever the chunks' own frames show, all is as frame 0 was."""
    label_map = np.zeros((4, 6), np.uint8)
    with _answering(_chunk(10, 3), _chunk(11), _chunk(12), _chunk(13)) as (address, seen), _rest(address) as client:
        assert _shades(client.video(label_map, seed=7, num_frames=5)) == [[10], [10, 10], [10, 10], [10]]
    asked = [json.loads(body)["inputs"] for _, body in seen[1:]]
    assert [inputs["chunk"] for inputs in asked] == [[0], [1], [2]]


def test_a_long_video_that_fails_midway_is_gone_on_with(tmp_path):
    for name, shade in (("label.png", 0), ("other.png", 1)):
        write_label_map(tmp_path / name, np.full((4, 6), shade, np.uint8))
    video, out_of_memory = tmp_path / "video.gif", (500, _json({"error": "out of memory"}))

    def ask(answers, *more, label_map="label.png"):
        given = "--model=street", f"--label_map={tmp_path / label_map}", f"--output={video}", "--num_frames=5"
        with _answering((200, _json(AVAILABLE)), *answers) as (address, seen):
            done = run_python(ROOT / "experiments/request.py", f"--address={address}", *given, *more)
        return done, [json.loads(body) for _, body in seen[1:]]

    failed, _ = ask([_chunk(10, 3), _chunk(11), out_of_memory])
    assert failed.returncode == 1 and not video.exists()
    assert f"out of memory; the 2 chunks before are kept in {video}.parts: --resume goes on with them" in failed.stderr
    failed, asked = ask([out_of_memory], "--resume", label_map="other.png")
    assert failed.returncode == 1 and "kept" not in failed.stderr, "of another map none is"
    assert [request["signature_name"] for request in asked] == ["serving_default"]
    done, asked = ask([_chunk(12), _chunk(13)], "--resume")
    assert done.returncode == 0 and f"{video}: 6 frames" in done.stdout, done.stderr
    assert [request["inputs"]["chunk"] for request in asked] == [[1], [2]]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["label.png", "other.png", "video.gif"]


def test_answers_are_kept_by_what_was_asked_and_a_new_start_forgets_them(tmp_path):
    answer = {"files": np.array([[b"ab", b""]], object), "flow": np.float32([[1, 2]])}
    asked = []

    def ask(kept, seed, name=b"map"):
        inputs = {"map": np.array([name], object), "seed": np.array([seed], np.int64)}
        return kept.answer(("street", "signature"), inputs, lambda: asked.append(seed) or answer)

    for resume, count in ((False, 2), (True, 0), (False, 2)):
        kept = KeptAnswers(tmp_path / "parts", resume)
        for seed in (1, 2):
            back = ask(kept, seed)
            assert back["files"].tolist() == [[b"ab", b""]] and back["flow"].dtype == np.float32
        assert len(asked) == count and kept.count == 2
        asked.clear()
    ask(KeptAnswers(tmp_path / "parts", True), 1, b"other map")
    assert asked == [1]
    for path in (tmp_path / "parts").iterdir():
        path.write_bytes(b"damaged")
    with pytest.raises(ValueError, match=r"parts/\w+.npz is no answer that was kept, remove it"):
        ask(KeptAnswers(tmp_path / "parts", True), 2)


def test_an_export_without_motions_goes_on_from_its_last_frame():
    label_map, refusal = np.zeros((4, 6), np.uint8), (400, _json({"error": "chunk must lie in 1..1024, received: [0]"}))
    answers = _chunk(10, 3), refusal, _chunk(12, motion=False), _chunk(13, motion=False)
    with _answering(*answers) as (address, seen), _rest(address) as client:
        with pytest.warns(RunWarning, match="blurs from chunk to chunk"):
            assert _shades(client.video(label_map, seed=7, num_frames=5)) == [[10], [10, 10], [12, 12], [13]]
    last = [json.loads(body)["inputs"]["start_frame_jpeg"] for _, body in seen[2:]]
    assert last == [[_file(np.full((4, 6, 3), shade, np.uint8))] for shade in (10, 12)]


def test_a_short_video_is_one_answer():
    with _answering(_chunk(10, 3)) as (address, seen), _rest(address) as client:
        label_map = np.zeros((4, 6), np.uint8)
        assert _shades(client.video(label_map)) == [[10, 10, 10]]
        assert _shades(client.video(label_map, num_frames=1)) == [[10, 10]]
        with pytest.raises(ValueError, match="num_frames must be at least 1, received 0"):
            next(client.video(label_map, num_frames=0))
        with pytest.raises(ValueError, match="walk must lie in 0..1, received 2"):
            next(client.video(label_map, walk=2))
    assert len(seen) == 2


def test_the_models_size_is_read_from_its_signatures():
    def metadata(**signatures):
        return 200, _json({"metadata": {"signature_def": {"signature_def": signatures}}})

    dims = {"dim": [{"size": str(n), "name": ""} for n in (-1, 32, 64)], "unknown_rank": False}
    inputs = {"inputs": {"label_map": {"dtype": "DT_UINT8", "tensor_shape": dims, "name": "x"}}, "outputs": {}}
    with _answering(metadata(animate_tensor=inputs)) as (address, seen):
        assert _rest(address).size() == (32, 64) and seen[0][0] == "/v1/models/street/metadata"
    with _answering(metadata(other=inputs)) as (address, _), pytest.raises(ValueError, match=r"no size.*\['other'\]"):
        _rest(address).size()
