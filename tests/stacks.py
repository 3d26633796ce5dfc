"""On which of the two TensorFlow stacks a test of a whole program runs, where one of them is enough.

What the networks compute is tested on both. Programs, the server and the evaluator call the same functions on either
stack, and what programs refuse and documents say asks no network: they are shared out, so that both stacks are through
in half the time. BOTH_STACKS=1 in the environment runs all on both, as make test-settings does.
"""

import os

import pytest

from seg2vid_tf.compat import KERAS_3

_BOTH = os.environ.get("BOTH_STACKS") == "1"

AS_FIRST = _BOTH or not KERAS_3  # whether this process runs what is the first stack's
AS_SECOND = _BOTH or KERAS_3
on_first_stack = pytest.mark.skipif(not AS_FIRST, reason="on the first stack; on both with BOTH_STACKS=1")
on_second_stack = pytest.mark.skipif(not AS_SECOND, reason="on the second stack; on both with BOTH_STACKS=1")
