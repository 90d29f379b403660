"""A scorer as an ONNX network, and its card."""

import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

ONNX = """\
kind = "onnx"
weights = "n.onnx"
size = 8
range = [-1, 1]
outputs = ["smile", "hat"]
activation = "none"
"""


def onnx_network(
    batch: int | str = "N", last: bool = False, two: bool = False
) -> tuple[bytes, Tensor]:
    """ReLU, mean over the picture, a matrix: as a file, and the matrix (3, 2)."""
    matrix = torch.randn(3, 2, generator=torch.Generator().manual_seed(4))
    shape = [batch, 8, 8, 3] if last else [batch, 3, 8, 8]
    axes = [1, 2] if last else [2, 3]
    nodes = [
        helper.make_node("Relu", ["pixels"], ["positive"]),
        helper.make_node("ReduceMean", ["positive"], ["mean"], axes=axes, keepdims=0),
        helper.make_node("MatMul", ["mean", "matrix"], ["scores"]),
    ]
    outputs = [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [batch, 2])]
    if two:
        nodes += [
            helper.make_node("Split", ["scores"], ["a", "b"], axis=1),
        ]
        outputs = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, 1]) for name in "ab"
        ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, shape)],
        outputs,
        [numpy_helper.from_array(matrix.numpy(), "matrix")],
    )
    opset = [helper.make_opsetid("", 12)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    return model.SerializeToString(), matrix
