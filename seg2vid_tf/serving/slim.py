"""A SavedModel without what it holds twice or for nothing: half the nodes, so half the time until it is loaded.

Tracing writes a constant wherever a number is used, asks for a shape wherever one is needed, keeps what only a gradient
would read, and notes every tensor's shape beside it, which a loader finds out itself. TensorFlow's graph optimiser
merges and drops the same at every first call, after all of it was loaded; here it is done once, by its rules: what runs
is what a function's outputs or its control outputs depend on, and two nodes are one where operation, inputs, control
inputs and attributes are.
"""

import pathlib
from collections.abc import Iterable

from tensorflow.core.framework import function_pb2, node_def_pb2
from tensorflow.core.protobuf import saved_model_pb2

from seg2vid_tf.files import replacing

# What may be merged: the result follows from the inputs, and there is no state.
_PURE = frozenset(
    "Const Shape StridedSlice Pack Unpack Range Cast Reshape ExpandDims Squeeze Transpose ConcatV2 Slice Fill "
    "ZerosLike OnesLike Tile GatherV2 AddV2 Sub Mul RealDiv FloorDiv FloorMod Maximum Minimum Neg Square Equal Less "
    "LessEqual Greater GreaterEqual LogicalAnd LogicalOr LogicalNot Prod Sum Max Min All Pad".split()
)
# What no server reads: every tensor's shape, which follows from the operations, and which function is its gradient.
_UNREAD_ATTRIBUTES = ("_output_shapes", "_gradient_op_type")


def slim(folder: pathlib.Path) -> None:
    """Rewrites the saved_model.pb of a folder; what it computes stays the same."""
    path = folder / "saved_model.pb"
    model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    for meta in model.meta_graphs:
        for function in meta.graph_def.library.function:
            slim_function(function)
        _without_unread_attributes(meta.graph_def.node)
    with replacing(path) as temporary:
        temporary.write_bytes(model.SerializeToString(deterministic=True))
    (folder / "fingerprint.pb").unlink(missing_ok=True)  # of the file that was


def slim_function(function: function_pb2.FunctionDef) -> None:
    """Merges and drops nodes of one function, in place."""
    kept, merged, seen = [], {}, {}
    for node in _in_order(function.node_def):
        inputs = [_renamed(name, merged) for name in node.input]
        del node.input[:]
        # Two control inputs may have become one.
        node.input.extend(name for i, name in enumerate(inputs) if not name.startswith("^") or name not in inputs[:i])
        _without_unread_attributes([node])
        same = seen.setdefault(_identity(node), node.name) if node.op in _PURE else node.name
        if same != node.name:
            merged[node.name] = same
        else:
            kept.append(node)
    for results in (function.ret, function.control_ret):
        for name, source in results.items():
            results[name] = _renamed(source, merged)
    wanted = _reached(kept, [*function.ret.values(), *function.control_ret.values()])
    kept = [node for node in kept if node.name in wanted]
    del function.node_def[:]
    function.node_def.extend(kept)


def _in_order(nodes: Iterable[node_def_pb2.NodeDef]) -> list[node_def_pb2.NodeDef]:
    """Every node after those that it reads."""
    by_name, done, ordered = {node.name: node for node in nodes}, set(), []
    for first in by_name.values():
        stack = [(first, iter(first.input))]
        entered = {first.name}
        if first.name in done:
            continue
        while stack:
            node, inputs = stack[-1]
            for name in inputs:
                name = _node(name)
                if name in by_name and name not in done and name not in entered:
                    entered.add(name)
                    stack.append((by_name[name], iter(by_name[name].input)))
                    break
            else:
                stack.pop()
                done.add(node.name)
                ordered.append(node)
    return ordered


def _reached(nodes, results):
    """Names of the nodes that the results depend on."""
    by_name = {node.name: node for node in nodes}
    todo, reached = [_node(name) for name in results], set()
    while todo:
        name = todo.pop()
        if name in by_name and name not in reached:
            reached.add(name)
            todo += map(_node, by_name[name].input)
    return reached


def _identity(node):
    attributes = tuple((name, node.attr[name].SerializeToString(deterministic=True)) for name in sorted(node.attr))
    return node.op, node.device, tuple(node.input), attributes


def _node(name):
    """The node that an input of the form ^node, node or node:output:index names."""
    return name.removeprefix("^").split(":")[0]


def _renamed(name, merged):
    control, node = "^" * name.startswith("^"), _node(name)
    return control + merged.get(node, node) + name.removeprefix("^")[len(node) :]


def _without_unread_attributes(nodes):
    for node in nodes:
        for attribute in _UNREAD_ATTRIBUTES:
            node.attr.pop(attribute, None)
