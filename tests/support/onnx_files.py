"""Small ONNX generators, written for the purpose: latent @ W (+ a row per class), as a picture."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from latty.checkpoints import onnxfile
from latty.models.onnx_session import OnnxSession

FLOATS = {"float32": TensorProto.FLOAT, "float16": TensorProto.FLOAT16}


def opened(data: bytes) -> OnnxSession:
    """The network in the bytes of a file, ready to run."""
    return OnnxSession(onnxfile.read(memoryview(data)), "net.onnx")


@dataclass(frozen=True)
class Recipe:
    """What a file is like; `array` says what it draws.

    ends    -1, 0 or 255: tanh, sigmoid, or tanh in 0..255, of floats; 256: of bytes
    label   "", "onehot" or "index"
    baked   the batch of one is written into a reshape, although the file calls it free
    """

    z_dim: int = 8
    channels: int = 3
    height: int = 8
    width: int = 8
    batch: int | str = "N"
    axes: int = 2
    last: bool = False  # channels last
    ends: int = -1
    label: str = ""
    classes: int = 5
    dtype: str = "float32"
    baked: bool = False
    version: int = 8

    @property
    def matrices(self) -> tuple[NDArray[Any], NDArray[Any]]:
        random = np.random.RandomState(0)
        numbers = self.channels * self.height * self.width
        return tuple(  # type: ignore[return-value]
            random.randn(rows, numbers).astype(np.float32) for rows in (self.z_dim, self.classes)
        )

    def array(self, z: NDArray[Any], labels: NDArray[Any] | None = None) -> NDArray[Any]:
        """Pictures (N, C, H, W) in [-1, 1] of latents (N, Z), as float32."""
        matrix, rows = self.matrices
        x = z.astype(self.dtype).astype(np.float32) @ matrix
        if labels is not None:
            x = x + rows[labels]
        sides = (self.height, self.width)
        shape = (*sides, self.channels) if self.last else (self.channels, *sides)
        x = x.reshape(-1, *shape)
        x = x.transpose(0, 3, 1, 2) if self.last else x
        return 2 / (1 + np.exp(-x)) - 1 if self.ends == 0 else np.tanh(x)

    def data(self) -> bytes:
        """The file."""
        matrix, rows = self.matrices
        sides = [self.height, self.width]
        shape = [*sides, self.channels] if self.last else [self.channels, *sides]
        latent = [self.batch, self.z_dim, *([1, 1] if self.axes == 4 else [])]
        inputs = [helper.make_tensor_value_info("z", FLOATS[self.dtype], latent)]
        steps: list[tuple[str, list[str], dict[str, Any]]] = [
            ("Flatten", ["z"], {}), ("Cast", [""], {"to": TensorProto.FLOAT}),
            ("MatMul", ["", "matrix"], {}),
        ]  # fmt: skip
        nodes, current = [], "z"
        constants = {"matrix": matrix, "half": np.array(127.5, np.float32)}
        if self.label:
            constants["rows"] = rows
            whole = self.label == "index"
            kind, axes = (TensorProto.INT64, [self.batch]) if whole else (
                TensorProto.FLOAT, [self.batch, self.classes])  # fmt: skip
            inputs.append(helper.make_tensor_value_info("label", kind, axes))
            given = ["rows", "label"] if whole else ["label", "rows"]
            nodes.append(helper.make_node("Gather" if whole else "MatMul", given, ["row"]))
            steps.append(("Add", ["", "row"], {}))
        constants["shape"] = np.array([1 if self.baked else -1, *shape], np.int64)
        steps.append(("Reshape", ["", "shape"], {}))
        steps.append(("Sigmoid" if self.ends == 0 else "Tanh", [""], {}))
        if self.ends >= 255:
            steps += [("Mul", ["", "half"], {}), ("Add", ["", "half"], {})]
        if self.ends == 256:
            steps.append(("Cast", [""], {"to": TensorProto.UINT8}))
        for i, (kind, names, more) in enumerate(steps):
            made = "img" if i == len(steps) - 1 else f"x{i}"
            nodes.append(
                helper.make_node(kind, [name or current for name in names], [made], **more)
            )
            current = made
        number = TensorProto.UINT8 if self.ends == 256 else TensorProto.FLOAT
        output = helper.make_tensor_value_info("img", number, [self.batch, *shape])
        stored = [numpy_helper.from_array(array, name) for name, array in constants.items()]
        graph = helper.make_graph(nodes, "generator", inputs, [output], stored)
        opset = [helper.make_opsetid("", 17)]
        model = helper.make_model(graph, opset_imports=opset, ir_version=self.version)
        return model.SerializeToString()


def slow(steps: int = 2000, side: int = 1500) -> bytes:
    """A generator that draws for minutes: products of matrices, one after the other."""
    model = onnx.load_from_string(Recipe().data())
    (last,) = (node for node in model.graph.node if node.output[0] == "img")
    last.output[0] = "real"
    made = [helper.make_node("ReduceMean", ["real"], ["one"]),
            helper.make_node("Expand", ["one", "sides"], ["p0"])]  # fmt: skip
    made += [helper.make_node("MatMul", [f"p{i}", "p0"], [f"p{i + 1}"]) for i in range(steps)]
    made += [helper.make_node("ReduceMean", [f"p{steps}"], ["end"]),
             helper.make_node("Add", ["real", "end"], ["img"])]  # fmt: skip
    model.graph.node.extend(made)
    model.graph.initializer.append(numpy_helper.from_array(np.array([side, side]), "sides"))
    data: bytes = model.SerializeToString()
    return data
