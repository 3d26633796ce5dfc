"""The settings that the suite runs under arrive: TensorFlow's and oneDNN's own words of a convolution in a program."""

import re

import pytest

from tests.programs import run_python
from tests.settings import SETTINGS
from tests.stacks import on_first_stack

pytestmark = on_first_stack

TALKING = {"ONEDNN_VERBOSE": "1", "TF_CPP_MIN_LOG_LEVEL": "0", "TF_CPP_VMODULE": "local_device=1"}
CONVOLVE = """
import tensorflow as tf
tf.nn.conv2d(tf.ones([1, 64, 64, 32]), tf.ones([3, 3, 32, 32]), 1, "SAME")
"""


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_arrives_in_programs(name):
    done = run_python("-c", CONVOLVE, env={**SETTINGS[name], **TALKING})
    assert done.returncode == 0, done.stderr
    kind, *_, threads = name.split(", ")
    assert set(re.findall(r"CPU work thread pool: \w+, num_threads=(\d+)", done.stderr)) == {threads.split()[0]}
    assert ("exec,cpu,convolution" in done.stdout) == (kind == "oneDNN")
    kept_to_avx2 = "info,cpu,isa:Intel AVX2\n" in done.stdout
    if "AVX2" in name:
        assert kept_to_avx2, done.stdout
    elif kept_to_avx2:
        pytest.skip("this CPU has no more than AVX2")
