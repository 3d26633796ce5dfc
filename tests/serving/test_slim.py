"""slim: the same function with fewer nodes."""

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import function_pb2

from seg2vid_tf.serving.slim import slim, slim_function


def _export(path):
    """A variable that is read and changed, shapes and constants that repeat, a branch that nothing reads."""
    module = tf.Module()
    module.count = tf.Variable(0.0)
    module.scale = tf.Variable(3.0)

    def run(x):
        tf.debugging.assert_positive(tf.shape(x)[0], "x: the batch is empty")
        module.count.assign_add(1.0)
        tf.sqrt(tf.cast(tf.shape(x)[1], tf.float32) * 7.0)
        first = x[:, : tf.shape(x)[1] // 2] * module.scale
        second = x[:, tf.shape(x)[1] // 2 :] * module.scale
        same = tf.random.uniform([]) - tf.random.uniform([])
        return {"y": tf.concat([first, second], 1) + 1.0 + 1.0, "same": same, "count": module.count.read_value()}

    run = tf.function(run, input_signature=[tf.TensorSpec([None, None], tf.float32, "x")])
    tf.saved_model.save(module, str(path), signatures=run)


def test_a_slim_model_answers_as_before_and_keeps_what_acts(tmp_path):
    _export(tmp_path)
    before = (tmp_path / "saved_model.pb").stat().st_size
    slim(tmp_path)
    assert (tmp_path / "saved_model.pb").stat().st_size < 0.8 * before
    loaded = tf.saved_model.load(str(tmp_path))
    run = loaded.signatures["serving_default"]
    x = np.arange(8, dtype=np.float32).reshape(2, 4)
    for count in (1.0, 2.0):
        out = run(x=tf.constant(x))
        np.testing.assert_array_equal(out["y"], 3.0 * x + 2.0)
        assert out["count"] == count, "a state that nobody returns changes all the same"
        assert out["same"] != 0.0, "two draws are two"
    try:
        run(x=tf.zeros([0, 4]))
    except tf.errors.InvalidArgumentError as error:
        assert "x: the batch is empty" in str(error)
    else:
        raise AssertionError("a check is kept, though nothing reads it")


def test_what_is_the_same_is_one_node_and_what_nobody_reads_is_none():
    function = function_pb2.FunctionDef()

    def add(name, op, *inputs, **attributes):
        node = function.node_def.add(name=name, op=op, input=inputs)
        for key, value in attributes.items():
            node.attr[key].i = value

    add("sum", "AddV2", "b:output:0", "a:output:0", "^checked")
    add("a", "Const", value=1)
    add("b", "Const", value=1)
    add("c", "Const", value=2)
    add("checked", "Assert", "c:output:0")
    add("d", "Const", "^checked", value=1)
    add("idle", "Mul", "a:output:0", "c:output:0")
    add("drawn", "RandomUniform", "a:output:0")
    add("drawn_again", "RandomUniform", "b:output:0")
    function.ret["sum"], function.ret["d"] = "sum:z:0", "d:output:0"
    function.ret["drawn"], function.ret["again"] = "drawn:output:0", "drawn_again:output:0"
    slim_function(function)
    nodes = {node.name: list(node.input) for node in function.node_def}
    assert len({"a", "b"} & set(nodes)) == 1 and "idle" not in nodes
    (one,) = {"a", "b"} & set(nodes)
    assert nodes["sum"] == [f"{one}:output:0", f"{one}:output:0", "^checked"]
    assert {"c", "checked", "d", "drawn", "drawn_again"} <= set(nodes), "other values, other moments, other draws"
    assert function.ret["sum"] == "sum:z:0"
