"""Requests that wait at the same time run as one; what goes wrong with one is its own."""

import concurrent.futures
import threading

import numpy as np
import pytest

from seg2vid_tf.serving.local_server.batching import Batcher
from seg2vid_tf.serving.local_server.configs import BatchingParameters
from seg2vid_tf.serving.status import StatusError


class _Double:
    """Doubles x and keeps the batches it saw; a row of -1 is bad. Runs once the gate is open."""

    def __init__(self, gate=None):
        self.batches, self.gate = [], gate

    def __call__(self, key, inputs, timeout):
        if self.gate is not None:
            self.gate.wait()
        self.batches.append((key, inputs["x"].copy()))
        if (inputs["x"] == -1).any():
            raise StatusError("INVALID_ARGUMENT", "x is -1")
        return {"y": 2 * inputs["x"]}


def _ask(batcher, *rows, key=("double", ("y",)), timeout=30.0):
    return batcher(key, {"x": np.array(rows)}, timeout)["y"].tolist()


@pytest.fixture
def batched():
    """batched(run, parameters) -> Batcher, closed at the end."""
    made = []

    def make(run, **parameters):
        made.append(Batcher(run, BatchingParameters(**{"num_batch_threads": 1, **parameters})))
        return made[-1]

    yield make
    for batcher in made:
        batcher.close()


def _together(batcher, run, requests):
    """Sends requests while another one holds the only thread, so that they wait at the same time: their answers."""
    with concurrent.futures.ThreadPoolExecutor(len(requests) + 1) as pool:
        first = pool.submit(_ask, batcher, 0)
        _until(lambda: not batcher._queues)  # it runs, and waits at the gate
        asked = []
        for number, request in enumerate(requests, 1):
            asked.append(pool.submit(_ask, batcher, *request))
            _until(lambda n=number: sum(map(len, batcher._queues.values())) == n)
        run.gate.set()
        assert first.result() == [0]
        return asked


def _until(true):
    done = threading.Event()
    for _ in range(5000):
        if true():
            return
        done.wait(0.002)
    raise AssertionError("it never came to that")


def test_waiting_requests_share_a_batch_and_each_gets_its_rows(batched):
    run = _Double(threading.Event())
    asked = _together(batched(run, max_batch_size=4), run, [(1,), (2, 3), (4,), (5,)])
    assert [answer.result() for answer in asked] == [[2], [4, 6], [8], [10]]
    assert [rows.tolist() for _, rows in run.batches] == [[0], [1, 2, 3, 4], [5]]


def test_a_bad_row_is_refused_and_its_neighbours_are_answered(batched):
    run = _Double(threading.Event())
    good, bad, other = _together(batched(run, max_batch_size=4), run, [(1,), (-1,), (2,)])
    assert good.result() == [2] and other.result() == [4]
    with pytest.raises(StatusError, match="x is -1"):
        bad.result()


def test_batches_are_filled_up_to_an_allowed_size(batched):
    run = _Double(threading.Event())
    batcher = batched(run, max_batch_size=4, allowed_batch_sizes=(1, 4))
    first, second = _together(batcher, run, [(1,), (2, 3)])
    assert first.result() == [2] and second.result() == [4, 6]
    assert [rows.tolist() for _, rows in run.batches] == [[0], [1, 2, 3, 2]], (
        "by the first row of the last request, as TensorFlow Serving"
    )


def test_other_signatures_and_shapes_never_share_a_batch(batched):
    run = _Double()
    batcher = batched(run, max_batch_size=4, batch_timeout_micros=50_000)
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        asked = [
            pool.submit(_ask, batcher, 1),
            pool.submit(_ask, batcher, 2, key=("other", ("y",))),
            pool.submit(_ask, batcher, [3, 4]),
        ]
        assert [answer.result() for answer in asked] == [[2], [4], [[6, 8]]]
    assert len(run.batches) == 3


def test_a_full_batch_does_not_wait_for_its_time(batched):
    batcher = batched(_Double(), max_batch_size=2, batch_timeout_micros=3_600_000_000)
    assert _ask(batcher, 1, 2) == [2, 4]


def test_a_request_that_has_waited_long_enough_goes_before_a_full_batch(batched):
    run = _Double(threading.Event())
    batcher = batched(run, max_batch_size=1)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(_ask, batcher, 0)]
        _until(lambda: not batcher._queues)
        for number, key in ((1, "other"), (2, "double"), (3, "double")):
            asked.append(pool.submit(_ask, batcher, number, key=(key, ())))
            _until(lambda n=number: sum(map(len, batcher._queues.values())) == n)
        run.gate.set()
        assert [answer.result() for answer in asked] == [[0], [2], [4], [6]]
    assert [rows.tolist() for _, rows in run.batches] == [[0], [1], [2], [3]]


def test_only_a_refusal_makes_the_rows_run_alone(batched):
    class Broken(_Double):
        def __call__(self, key, inputs, timeout):
            super().__call__(key, inputs, timeout)
            if len(self.batches) > 1:
                raise StatusError("DEADLINE_EXCEEDED", "too late")
            return {"y": 2 * inputs["x"]}

    run = Broken(threading.Event())
    for answer in _together(batched(run, max_batch_size=4), run, [(1,), (2,)]):
        with pytest.raises(StatusError, match="too late"):
            answer.result()
    assert len(run.batches) == 2


def test_what_cannot_be_batched_is_refused(batched):
    batcher = batched(_Double(), max_batch_size=2)
    with pytest.raises(StatusError, match="3 rows are more than the largest batch: send at most 2"):
        _ask(batcher, 1, 2, 3)
    with pytest.raises(StatusError, match=r"equal 0th-dimension size: x: \[1\], z: \[2\]"):
        batcher(("s", ()), {"x": np.zeros(1), "z": np.zeros(2)}, 1.0)
    with pytest.raises(StatusError, match=r"equal 0th-dimension size: x: \[\]"):
        batcher(("s", ()), {"x": np.zeros(())}, 1.0)


def test_a_full_queue_is_unavailable_and_a_late_answer_too_late(batched):
    run = _Double(threading.Event())
    batcher = batched(run, max_batch_size=1, max_enqueued_batches=1)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        running = pool.submit(_ask, batcher, 1)
        _until(lambda: not batcher._queues)
        with pytest.raises(StatusError) as late:
            _ask(batcher, 2, timeout=0.01)
        assert late.value.code == "DEADLINE_EXCEEDED"
        with pytest.raises(StatusError) as full:
            _ask(batcher, 3)
        assert full.value.code == "UNAVAILABLE"
        run.gate.set()
        assert running.result() == [2]
    assert [rows.tolist() for _, rows in run.batches] == [[1]], "what nobody waits for is not run"


def test_a_closed_batcher_answers_what_it_took_and_takes_no_more():
    run = _Double(threading.Event())
    batcher = Batcher(run, BatchingParameters(max_batch_size=1, num_batch_threads=1))
    asked = _together(batcher, run, [(1,), (2,)])
    batcher.close()
    assert [answer.result() for answer in asked] == [[2], [4]]
    with pytest.raises(StatusError, match="unloaded"):
        _ask(batcher, 3)
