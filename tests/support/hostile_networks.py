"""ONNX scorers that a stranger could send: each reaches beyond its file, never ends, or takes all.

`REFUSED` and `GREEDY` are tables of them, `HONEST` one of those that only look odd. Each takes
pictures (N, 3, 16, 16) as x and gives y.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Change = Callable[[onnx.ModelProto], object]
CARD = """\
kind = "onnx"
weights = "{name}.onnx"
size = 16
outputs = ["a", "b"]
activation = "none"
"""
FIRST = ("Flatten", ["x"], ["flat"])
LAST = ("MatMul", ["flat", "w"], ["y"])


def stored(name: str, *numbers: Any, kind: str = "int64") -> TensorProto:
    """A tensor in the file."""
    return numpy_helper.from_array(np.array(numbers, kind), name)


def network(*nodes: Any, numbers: tuple[TensorProto, ...] = (), opset: int = 13) -> onnx.ModelProto:
    """x → flat, then those nodes, a tuple or a NodeProto each."""
    matrix: NDArray[Any] = np.random.RandomState(0).randn(768, 2).astype(np.float32)
    made = [one if isinstance(one, onnx.NodeProto) else helper.make_node(*one)
            for one in (FIRST, *(nodes or (LAST,)))]  # fmt: skip
    graph = helper.make_graph(
        made,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, 16, 16])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 2])],
        [numpy_helper.from_array(matrix, "w"), *numbers],
    )
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def slow(steps: int = 1000, side: int = 2048) -> bytes:
    """It runs for minutes: products of matrices, one after the other."""
    nodes: list[Any] = [
        ("Expand", ["half", "sides"], ["half2"]),
        ("ReduceMean", ["flat"], ["one"]),
        ("Add", ["half2", "one"], ["p0"]),
    ]
    nodes += [("MatMul", [f"p{i}", "half2"], [f"p{i + 1}"]) for i in range(steps)]
    nodes += [("ReduceMean", [f"p{steps}"], ["end"]), ("MatMul", ["flat", "w"], ["y0"]),
              ("Add", ["y0", "end"], ["y"])]  # fmt: skip
    numbers = stored("half", 0.001, kind="float32"), stored("sides", side, side)
    data: bytes = network(*nodes, numbers=numbers).SerializeToString()
    return data


# --- what is refused, and the words that name it --------------------------------------------------


def changed(change: Change, *nodes: Any) -> bytes:
    model = network(*nodes)
    change(model)
    data: bytes = model.SerializeToString()
    return data


def of_node(kind: str, **more: Any) -> bytes:
    """One node of a kind before the last."""
    data: bytes = network(helper.make_node(kind, ["flat"], ["q"], **more), LAST).SerializeToString()
    return data


def body() -> onnx.GraphProto:
    value = helper.make_tensor_value_info("v", TensorProto.FLOAT, None)
    return helper.make_graph([helper.make_node("Relu", ["flat"], ["v"])], "b", [], [value])


def tensor(**more: Any) -> bytes:
    return changed(lambda model: model.graph.initializer.append(TensorProto(name="t", **more)))


def external(**more: Any) -> TensorProto:
    found = TensorProto(name="t", data_type=1, dims=[4], **more)
    found.external_data.add(key="location", value="secret.bin")
    return found


def function(node: onnx.NodeProto, domain: str = "d", name: str = "f") -> bytes:
    def add(model: onnx.ModelProto) -> None:
        opsets = [helper.make_opsetid("", 13), helper.make_opsetid("d", 1)]
        made = helper.make_function(domain, name, ["x"], ["y"], [node], opsets)
        model.functions.append(made)
        model.opset_import.append(helper.make_opsetid("d", 1))

    return changed(add, helper.make_node(name, ["flat"], ["q"], domain=domain), LAST)


def value(**kind: Any) -> bytes:
    more = onnx.ValueInfoProto(name="v", type=onnx.TypeProto(**kind))
    return changed(lambda model: model.graph.value_info.append(more))


def varint(number: int, length: int = 0) -> bytes:
    """As protobuf spells a number, in at least `length` bytes."""
    found = bytearray()
    while number > 127 or len(found) + 1 < length:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


def piece(number: int, data: bytes, length: int = 0) -> bytes:
    """A field of bytes."""
    return varint(number << 3 | 2, length) + varint(len(data), length) + data


def more_graph(data: bytes, length: int = 0) -> bytes:
    """A network whose graph comes in two pieces, the second of which holds that."""
    return network().SerializeToString() + piece(7, data, length)


GOOD: bytes = network().SerializeToString()
IN_PIECES = piece(1, b"value") + piece(5, b"\x10\x01") + piece(5, b"\x70\x01")
ELSEWHERE = piece(1, b"location", 2) + piece(2, b"secret.bin", 2)  # in odd spelling
FLOAT = helper.make_tensor_type_proto(TensorProto.FLOAT, [2])
LIST = onnx.TypeProto(sequence_type=onnx.TypeProto.Sequence(elem_type=FLOAT))
REFUSED: dict[str, tuple[bytes, str]] = {
    "numbers elsewhere": (changed(lambda m: m.graph.initializer.append(external())),
                          "'t' keeps its numbers in another file"),
    "elsewhere, in long varints": (
        more_graph(piece(5, piece(8, b"t") + piece(13, ELSEWHERE, 3), 4), 3),
        "'t' keeps its numbers in another file"),
    "elsewhere, a number past 32 bits": (
        more_graph(piece(5, b"\x10\x01" + b"\x70" + varint(2**32 + 1) + piece(8, b"t"))),
        "'t' keeps its numbers in another file"),
    "elsewhere, a tensor in two pieces": (
        more_graph(piece(1, piece(4, b"Constant") + piece(2, b"q") + piece(5, IN_PIECES))),
        "node 3, Constant, has a tensor that keeps its numbers in another file"),
    "elsewhere, of a setting": (of_node("Relu", value=external()),
                                "Relu, has a tensor that keeps its numbers in another file"),
    "elsewhere, in a function": (
        function(helper.make_node("Constant", [], ["y"], value=external())), "another file"),
    "sparse": (changed(lambda m: m.graph.sparse_initializer.add(values=TensorProto(name="s"))),
               "its tensor 's' is sparse"),
    "a sparse setting": (of_node("Relu", v=onnx.SparseTensorProto()), "Relu, has a sparse tensor"),
    "loop": (of_node("Loop", body=body()), "node 2, Loop, is a loop"),
    "scan": (of_node("Scan", body=body()), "node 2, Scan, is a loop"),
    "map": (of_node("SequenceMap", body=body()), "node 2, SequenceMap, is a loop"),
    "branch": (of_node("If", then_branch=body(), else_branch=body()), "node 2, If, is a branch"),
    "loop of ai.onnx": (of_node("Loop", domain="ai.onnx"), "Loop, is a loop"),
    "loop in a function": (function(helper.make_node("Loop", ["x"], ["y"], name="deep")),
                           "node 1 (deep), Loop, is a loop"),
    "a graph that nobody runs": (of_node("Relu", b=body()), "Relu, has a network among"),
    "graphs that nobody runs": (of_node("Relu", b=[body()]), "Relu, has networks among"),
    "a type": (of_node("Relu", t=FLOAT), "Relu, has a type among"),
    "custom": (of_node("Mine", domain="my.ops"), "Mine, is an operation of my.ops"),
    "custom, of no domain": (of_node("Mine"), "Mine, is an operation that is not run here"),
    "of ONNX-ML": (of_node("ZipMap", domain="ai.onnx.ml"), "an operation of ai.onnx.ml"),
    "search": (of_node("BeamSearch", domain="com.microsoft"), "BeamSearch, is an operation of com"),
    "optional": (of_node("Optional", type=FLOAT), "Optional, is an operation that is not"),
    "text operation": (of_node("StringNormalizer"), "StringNormalizer, is an operation that"),
    "a function called Relu": (function(helper.make_node("Neg", ["x"], ["y"]), "", "Relu"),
                               "its function Relu takes the name of an operation"),
    "a function calls itself": (function(helper.make_node("f", ["x"], ["y"], domain="d")),
                                "its function f calls itself"),
    "text": (tensor(data_type=8, dims=[1], string_data=[b"x"]), "'t' holds no numbers"),
    "text among numbers": (tensor(data_type=1, dims=[0], string_data=[b"x"]), "holds no numbers"),
    "a piece": (tensor(data_type=1, dims=[0], segment=TensorProto.Segment(begin=0, end=9)),
                "'t' is a piece of one"),
    "of no type": (tensor(dims=[0]), "'t' holds no numbers"),
    "larger than the file": (tensor(data_type=1, dims=[2**31]), "2147483648 numbers, it says"),
    "larger than 64 bits": (tensor(data_type=1, dims=[2**32, 2**32]), "numbers, it says"),
    "less than nothing": (tensor(data_type=1, dims=[-1, -4], float_data=[1.0] * 4), "it says"),
    "of a thousand axes": (tensor(data_type=1, dims=[1] * 1000), "a damaged one"),
    "a list comes out": (changed(lambda m: m.graph.output.add(name="v", type=LIST)),
                         "'v' is a sequence"),
    "a list of lists": (value(sequence_type=onnx.TypeProto.Sequence(elem_type=LIST)),
                        "'v' is a sequence"),
    "a table": (value(map_type=onnx.TypeProto.Map(key_type=7, value_type=FLOAT)), "'v' is a map"),
    "a maybe": (value(optional_type=onnx.TypeProto.Optional(elem_type=FLOAT)), "is a optional"),
    "texts": (value(tensor_type=onnx.TypeProto.Tensor(elem_type=8)), "is no tensor of numbers"),
    "training": (changed(lambda m: m.training_info.add()), "it is made for training"),
    "a group": (GOOD + b"\x3b\x3c", "a damaged one"),
    "field 0": (GOOD + b"\x02\x00", "a damaged one"),
    "a number of 11 bytes": (GOOD + b"\x08" + b"\xff" * 10 + b"\1", "damaged"),
    "a graph that is a number": (GOOD + b"\x38\x01", "a damaged one"),
    "longer than the file": (GOOD + piece(7, b"")[:1] + varint(2**40), "cut"),
    "a name that is no text": (more_graph(piece(2, b"\xff\xfe")), "a damaged one"),
    "a million nodes": (more_graph(piece(1, piece(4, b"Relu")) * 600_000), "more parts than any"),
    "nothing": (b"\x08\x08\x3a\x00", "it computes nothing"),
}  # fmt: skip


# --- what is honest by its looks, and takes all memory --------------------------------------------


def greedy(*nodes: Any, numbers: tuple[TensorProto, ...] = (), opset: int = 13) -> bytes:
    """The nodes make `big` of `flat` and numbers."""
    end = [("ReduceMax", ["big"], ["z"], {"keepdims": 0}), ("MatMul", ["flat", "w"], ["y0"]),
           ("Add", ["y0", "z"], ["y"])]  # fmt: skip
    made = [helper.make_node(kind, given, out, **(more[0] if more else {}))
            for kind, given, out, *more in (*nodes, *end)]  # fmt: skip
    data: bytes = network(*made, numbers=numbers, opset=opset).SerializeToString()
    return data


HUGE = 2**31
ONE = stored("one", 1.0, kind="float32")
SIDES = stored("s", HUGE)
GREEDY: dict[str, bytes] = {
    "ConstantOfShape": greedy(("ConstantOfShape", ["s"], ["big"]), numbers=(SIDES,)),
    "beyond": greedy(("ConstantOfShape", ["s"], ["big"]), numbers=(stored("s", 2**62),)),
    "Expand": greedy(("Expand", ["one", "s"], ["big"]), numbers=(ONE, SIDES)),
    "Tile": greedy(("Tile", ["one", "s"], ["big"]), numbers=(ONE, SIDES)),
    "Range": greedy(("Range", ["a", "b", "c"], ["big"]), numbers=(
        numpy_helper.from_array(np.float32(0), "a"), numpy_helper.from_array(np.float32(3e9), "b"),
        numpy_helper.from_array(np.float32(1), "c"))),
    "Pad": greedy(("Pad", ["one", "s"], ["big"]), numbers=(ONE, stored("s", 0, HUGE))),
    "Resize": greedy(("Resize", ["x", "", "", "s"], ["big"]),
                     numbers=(stored("s", 1, 3, 2**15, 2**15),)),
    "OneHot": greedy(("Cast", ["flat"], ["i"], {"to": 7}), ("OneHot", ["i", "s", "v"], ["big"]),
                     numbers=(stored("s", 2**22), stored("v", 0, 1, kind="float32"))),
    "RandomNormal": greedy(("RandomNormal", [], ["big"], {"shape": [HUGE]})),
    "product": greedy(("Expand", ["one", "s"], ["long"]), ("Transpose", ["long"], ["high"]),
                      ("Mul", ["long", "high"], ["big"]), numbers=(ONE, stored("s", 1, 2**16))),
    "Unique": greedy(("ConstantOfShape", ["s"], ["long"]), ("Unique", ["long"], ["big"]),
                     numbers=(stored("s", 2**27),)),
}  # fmt: skip


# --- what is honest, and looks odd ----------------------------------------------------------------


def lists() -> bytes:
    """As exporters split a tensor whose sizes they do not know."""
    model = network(
        helper.make_node("SplitToSequence", ["flat", "half"], ["s"], axis=1),
        ("SequenceAt", ["s", "zero"], ["a"]), ("SequenceAt", ["s", "one"], ["b"]),
        ("SequenceConstruct", ["b", "a"], ["t"]),
        helper.make_node("ConcatFromSequence", ["t"], ["both"], axis=1),
        ("MatMul", ["both", "w"], ["y"]),
        numbers=(numpy_helper.from_array(np.int64(384), "half"),
                 numpy_helper.from_array(np.int64(0), "zero"),
                 numpy_helper.from_array(np.int64(1), "one")))  # fmt: skip
    model.graph.value_info.add(name="s", type=LIST)
    data: bytes = model.SerializeToString()
    return data


def learned() -> bytes:
    """As skl2onnx writes a pipeline of a scaler, a logistic regression and a forest."""
    random = np.random.RandomState(1)
    tree = {"nodes_treeids": [0, 0, 0], "nodes_nodeids": [0, 1, 2], "nodes_featureids": [5, 0, 0],
            "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"], "nodes_values": [0.1, 0.0, 0.0],
            "nodes_truenodeids": [1, 0, 0], "nodes_falsenodeids": [2, 0, 0],
            "target_treeids": [0, 0], "target_nodeids": [1, 2], "target_ids": [0, 1],
            "target_weights": [0.5, -2.0], "n_targets": 2}  # fmt: skip
    ml = {"domain": "ai.onnx.ml"}
    model = network(
        helper.make_node("Scaler", ["flat"], ["f"], offset=[0.1], scale=[2.0], **ml),
        helper.make_node("LinearClassifier", ["f"], ["label", "scores"], post_transform="SOFTMAX",
                         coefficients=random.randn(1536).tolist(), intercepts=[0.5, -0.5],
                         classlabels_ints=[0, 1], **ml),
        helper.make_node("Normalizer", ["scores"], ["p"], norm="L1", **ml),
        helper.make_node("TreeEnsembleRegressor", ["f"], ["q"], **tree, **ml),
        ("Add", ["p", "q"], ["y"]))  # fmt: skip
    model.opset_import.append(helper.make_opsetid("ai.onnx.ml", 3))
    data: bytes = model.SerializeToString()
    return data


def first_converters() -> bytes:
    """With operations of before ONNX 1.0, which its first converters wrote."""
    return greedy(("ImageScaler", ["x"], ["i"], {"bias": [0.1, 0.2, 0.3], "scale": 2.0}),
                  ("Affine", ["i"], ["j"], {"alpha": 0.5, "beta": 1.0}),
                  ("ScaledTanh", ["j"], ["big"], {"alpha": 1.5, "beta": 0.5}), opset=7)  # fmt: skip


def laid_out(folder: Path) -> bytes:
    """As onnxruntime writes a network that it has laid out for this machine."""
    kernel = numpy_helper.from_array(np.random.RandomState(2).randn(16, 3, 3, 3).astype("f"), "k")
    plain = greedy(("Conv", ["x", "k"], ["c"]), ("Relu", ["c"], ["r"]), ("MaxPool", ["r"], ["big"],
                   {"kernel_shape": [2, 2]}), numbers=(kernel,))  # fmt: skip
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(folder / "laid_out.onnx")
    options.log_severity_level = 4
    onnxruntime.InferenceSession(plain, options, providers=["CPUExecutionProvider"])
    return (folder / "laid_out.onnx").read_bytes()


HONEST: dict[str, Callable[[Path], bytes]] = {
    "lists": lambda _: lists(),
    "learned": lambda _: learned(),
    "first converters": lambda _: first_converters(),
    "laid out": laid_out,
}
