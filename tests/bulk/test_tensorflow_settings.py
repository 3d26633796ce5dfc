"""What a bulk job's workers tell TensorFlow: in time, or refused."""

import os
import sys

import pytest
import tensorflow as tf

from seg2vid_tf.bulk.tensorflow_settings import TensorFlowSettings
from seg2vid_tf.data import beam_runner
from seg2vid_tf.flags import ONEDNN


def test_onednn_is_set_before_tensorflow_loads(monkeypatch):
    monkeypatch.delenv(ONEDNN, raising=False)
    monkeypatch.delitem(sys.modules, "tensorflow")
    TensorFlowSettings(onednn="0").apply()
    assert os.environ[ONEDNN] == "0"


def test_a_worker_elsewhere_has_the_jobs_onednn_before_its_work_is_unpickled(monkeypatch):
    monkeypatch.setenv(ONEDNN, "0")
    work = beam_runner._elsewhere(str)
    monkeypatch.delenv(ONEDNN)
    monkeypatch.delitem(sys.modules, "tensorflow")
    work(1)
    assert os.environ[ONEDNN] == "0"


def test_another_onednn_than_the_jobs_is_refused_once_tensorflow_is_loaded(monkeypatch):
    monkeypatch.setenv(ONEDNN, "1")
    TensorFlowSettings(onednn="1").apply()
    TensorFlowSettings(onednn=None).apply()
    with pytest.raises(ValueError, match=f"{ONEDNN}='1' .* the job was started with '0': set it in the workers'"):
        TensorFlowSettings(onednn="0").apply()
    assert os.environ[ONEDNN] == "1"


def test_other_threads_than_tensorflow_has_begun_with_are_refused():
    tf.zeros([]).numpy()
    threads = tf.config.threading.get_intra_op_parallelism_threads()
    TensorFlowSettings(threads or None).apply()
    with pytest.raises(ValueError, match="TensorFlow has begun with other threads than 1000"):
        TensorFlowSettings(1000).apply()
