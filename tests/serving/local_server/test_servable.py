"""What a version refuses before its graph sees it, and how many requests run at once."""

import concurrent.futures
import threading

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2

from seg2vid_tf.serving.local_server import servable as servable_module
from seg2vid_tf.serving.local_server.configs import BatchingParameters
from seg2vid_tf.serving.local_server.servable import Servable
from seg2vid_tf.serving.status import StatusError


class _Loader:
    """Doubles x; counts how many do at once."""

    def __init__(self, folder):
        definition = meta_graph_pb2.SignatureDef()
        definition.inputs["x"].dtype = tf.float32.as_datatype_enum
        definition.inputs["x"].tensor_shape.dim.add(size=-1)
        definition.outputs["y"].dtype = tf.float32.as_datatype_enum
        self.signatures = {"serving_default": definition}
        self.lock, self.running, self.most, self.go_on = threading.Lock(), 0, 0, threading.Event()

    def run(self, signature, inputs, outputs, timeout):
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)
        self.go_on.wait(timeout)
        with self.lock:
            self.running -= 1
        return {"y": 2 * inputs["x"]}

    def close(self):
        pass


@pytest.fixture
def servable(monkeypatch, tmp_path):
    """servable(batching) -> a version in tmp_path, which has no warm-up requests."""
    monkeypatch.setattr(servable_module, "SessionLoader", _Loader)
    made = []

    def make(batching=None, most_rows=3):
        made.append(Servable(tmp_path, 1, batching, most_rows))
        return made[-1]

    yield make
    for each in made:
        each._loader.go_on.set()
        each.retire()


@pytest.mark.parametrize("batching", [None, BatchingParameters(max_batch_size=4, allowed_batch_sizes=(2, 4))])
def test_a_request_without_a_row_is_refused_and_does_not_reach_a_batch(servable, batching):
    version = servable(batching)
    version._loader.go_on.set()
    with pytest.raises(StatusError, match=r"x has no row, its shape is \[0\]") as refused:
        version.predict("", {"x": np.zeros(0, np.float32)})
    assert refused.value.code == "INVALID_ARGUMENT" and version._loader.most == 0
    assert version.predict("", {"x": np.float32([3])})["y"].tolist() == [6]


def test_rows_are_bounded_where_no_batching_does_it(servable):
    version = servable()
    version._loader.go_on.set()
    assert version.predict("", {"x": np.float32([1, 2, 3])})["y"].tolist() == [2, 4, 6]
    with pytest.raises(StatusError, match="4 rows are more than 3: .*--batching_parameters_file"):
        version.predict("", {"x": np.zeros(4, np.float32)})


def test_no_more_run_at_once_than_a_batcher_would_run(servable):
    version, most = servable(), BatchingParameters().num_batch_threads
    with concurrent.futures.ThreadPoolExecutor(most + 2) as pool:
        asked = [pool.submit(version.predict, "", {"x": np.float32([i])}) for i in range(most + 2)]
        with pytest.raises(StatusError, match=r"no answer within 0.05 s"):
            while version._loader.running < most:
                pass
            version.predict("", {"x": np.float32([0])}, timeout=0.05)
        version._loader.go_on.set()
        assert [answer.result()["y"].tolist() for answer in asked] == [[2 * i] for i in range(most + 2)]
    assert version._loader.most == most
