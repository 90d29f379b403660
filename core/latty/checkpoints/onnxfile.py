"""ONNX files: what goes in, what comes out, and whether anything could reach beyond the file.

ONNX is a protobuf message (onnx.proto): a graph of operations, with its numbers inside. It is read
here without onnxruntime, and never run. Refused by name are numbers in other files, loops and
branches, operations that no known list holds, kinds of values that no picture has, and functions
that unfold without end. onnxruntime is given what was read here, never the file.
"""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from latty.checkpoints.protobuf import Field, ProtoMessage, ProtoReader, Schema
from latty.checkpoints.refusals import Refusal
from latty.text import clean

NETWORK = "network.onnx"  # the name under which the bytes of a whole file stand among tensors
LARGEST = 2**31  # bytes: protobuf has no larger messages
MOST_FIELDS, DEEPEST, MOST_NODES = 300_000, 16, 100_000
TYPES = {1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64",
         9: "bool", 10: "float16", 11: "float64", 12: "uint32", 13: "uint64", 16: "bfloat16",
         17: "float8e4m3fn", 18: "float8e4m3fnuz", 19: "float8e5m2", 20: "float8e5m2fnuz",
         21: "uint4", 22: "int4"}  # fmt: skip
TAGS = b"\x12\x1a\x22\x28\x30\x32\x3a\x42\x72"  # what may follow the version in a ModelProto
EXPORT = "export the network for use, with all its numbers in one file and its loops unrolled"
CONTROL = {"Loop": "a loop, which may never end", "Scan": "a loop", "SequenceMap": "a loop",
           "If": "a branch"}  # fmt: skip
SETTINGS = {"graph": "a network", "graphs": "networks", "sparse": "a sparse tensor",
            "sparses": "sparse tensors", "tp": "a type", "type_protos": "types"}  # fmt: skip
# What runs: operations on numbers, of ONNX, of what scikit-learn learns, and of onnxruntime's own
# (those that its tools write into a network when they fuse, quantise or lay it out, and those of
# the first converters, which it still runs).
ONNX = """
    Abs Acos Acosh Add Affine AffineGrid And ArgMax ArgMin Asin Asinh Atan Atanh Attention
    AveragePool BatchNormalization Bernoulli BitCast BitShift BitwiseAnd BitwiseNot BitwiseOr
    BitwiseXor BlackmanWindow Cast CastLike Ceil Celu CenterCropPad Clip Col2Im Compress Concat
    ConcatFromSequence Constant ConstantOfShape Conv ConvInteger ConvTranspose Cos Cosh Crop
    CumProd CumSum DFT DeformConv DepthToSpace DequantizeLinear Det Div Dropout
    DynamicQuantizeLinear DynamicSlice Einsum Elu Equal Erf Exp Expand EyeLike Flatten Floor GRU
    Gather GatherElements GatherND Gelu Gemm GlobalAveragePool GlobalLpPool GlobalMaxPool
    Greater GreaterOrEqual GridSample GroupNormalization HammingWindow HannWindow HardSigmoid
    HardSwish Hardmax Identity ImageScaler InstanceNormalization IsInf IsNaN LRN LSTM
    LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax LpNormalization LpPool MatMul
    MatMulInteger Max MaxPool MaxRoiPool MaxUnpool Mean MeanVarianceNormalization
    MelWeightMatrix Min Mish Mod Mul Multinomial Neg NonMaxSuppression NonZero Not OneHot Or
    PRelu Pad ParametricSoftplus Pow QLinearConv QLinearMatMul QuantizeLinear RMSNormalization
    RNN RandomNormal RandomNormalLike RandomUniform RandomUniformLike Range Reciprocal ReduceL1
    ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum
    ReduceSumSquare Relu Reshape Resize ReverseSequence RoiAlign RotaryEmbedding Round STFT
    Scale ScaledTanh Scatter ScatterElements ScatterND Selu SequenceAt SequenceConstruct
    SequenceEmpty SequenceErase SequenceInsert SequenceLength Shape Shrink Sigmoid Sign
    SimplifiedLayerNormalization Sin Sinh Size Slice Softmax Softplus Softsign SpaceToDepth
    Split SplitToSequence Sqrt Squeeze Sub Sum SwiGLU Swish Tan Tanh TensorScatter
    ThresholdedRelu Tile TopK Transpose Trilu Unique Unsqueeze Upsample Where Xor"""
ONNXRUNTIME = """
    Attention AttnLSTM BiasAdd BiasGelu BiasSplitGelu CDist ConvTransposeWithDynamicPads
    CropAndResize DequantizeLinear DynamicQuantizeLSTM DynamicQuantizeMatMul
    EmbedLayerNormalization ExpandDims FastGelu FusedConv FusedGemm FusedMatMul
    FusedMatMulActivation GatherBlockQuantized GatherND Gelu GridSample GroupNorm
    GroupQueryAttention Inverse MatMulBnb4 MatMulFpQ4 MatMulInteger16 MatMulIntegerToFloat
    MatMulNBits MaxpoolWithMask MoE MultiHeadAttention NhwcConv NhwcFusedConv NhwcMaxPool Pad
    QAttention QEmbedLayerNormalization QGemm QLinearAdd QLinearAveragePool QLinearConcat
    QLinearConv QLinearGlobalAveragePool QLinearLeakyRelu QLinearMul QLinearReduceMean
    QLinearSigmoid QLinearSoftmax QLinearWhere QMoE QuantizeLinear QuickGelu Range
    RotaryEmbedding SimplifiedLayerNormalization SkipGroupNorm SkipLayerNormalization
    SkipSimplifiedLayerNormalization TransposeMatMul Trilu UnfoldTensor Unique"""
LAID_OUT = """
    AveragePool Conv GlobalAveragePool GlobalMaxPool MaxPool ReorderInput ReorderOutput Upsample"""
LEARNED = """
    ArrayFeatureExtractor Binarizer FeatureVectorizer Imputer LinearClassifier LinearRegressor
    Normalizer OneHotEncoder SVMClassifier SVMRegressor Scaler TreeEnsemble
    TreeEnsembleClassifier TreeEnsembleRegressor"""
OPERATIONS = {
    "": frozenset(ONNX.split()),
    "ai.onnx.ml": frozenset(LEARNED.split()),
    "com.microsoft": frozenset(ONNXRUNTIME.split()),
    "com.microsoft.nchwc": frozenset(LAID_OUT.split()),
}


# --- onnx.proto, as far as a network is run from it -----------------------------------------------


def _many(name: str, kind: str | Schema) -> Field:
    return Field(name, kind, many=True)


TENSOR: Schema = {
    1: _many("dims", "int64"), 2: Field("type", "int32"), 3: Field("segment", "bytes"),
    4: _many("float_data", "fixed32"), 5: _many("int32_data", "int32"),
    6: _many("string_data", "bytes"), 7: _many("int64_data", "int64"), 8: Field("name", "text"),
    9: Field("raw_data", "bytes"), 10: _many("double_data", "fixed64"),
    11: _many("uint64_data", "int64"), 13: _many("external_data", "bytes"),
    14: Field("data_location", "int32"),
}  # fmt: skip
SPARSE: Schema = {1: Field("values", TENSOR), 2: Field("indices", TENSOR)}
ATTRIBUTE: Schema = {
    1: Field("name", "text"), 2: Field("f", "fixed32"), 3: Field("i", "int64"),
    4: Field("s", "bytes"), 5: Field("t", TENSOR), 6: Field("graph", "bytes"),
    7: _many("floats", "fixed32"), 8: _many("ints", "int64"), 9: _many("strings", "bytes"),
    10: _many("tensors", TENSOR), 11: _many("graphs", "bytes"), 14: Field("tp", "bytes"),
    15: _many("type_protos", "bytes"), 20: Field("type", "int32"),
    21: Field("reference", "text"), 22: Field("sparse", SPARSE), 23: _many("sparses", SPARSE),
}  # fmt: skip
NODE: Schema = {
    1: _many("inputs", "text"), 2: _many("outputs", "text"), 3: Field("name", "text"),
    4: Field("kind", "text"), 5: _many("attributes", ATTRIBUTE), 7: Field("domain", "text"),
    8: Field("overload", "text"),
}  # fmt: skip
AXIS: Schema = {1: Field("size", "int64"), 2: Field("word", "text")}  # of both the last counts
SHAPE: Schema = {1: _many("axes", AXIS)}
TENSOR_TYPE: Schema = {1: Field("type", "int32"), 2: Field("shape", SHAPE)}
SEQUENCE: Schema = {1: Field("of", {1: Field("tensor", TENSOR_TYPE)})}
TYPE: Schema = {
    1: Field("tensor", TENSOR_TYPE), 4: Field("sequence", SEQUENCE), 5: Field("map", "bytes"),
    7: Field("opaque", "bytes"), 8: Field("sparse", "bytes"), 9: Field("optional", "bytes"),
}  # fmt: skip
VALUE: Schema = {1: Field("name", "text"), 2: Field("type", TYPE)}
GRAPH: Schema = {
    1: _many("nodes", NODE), 2: Field("name", "text"), 5: _many("numbers", TENSOR),
    11: _many("inputs", VALUE), 12: _many("outputs", VALUE), 13: _many("between", VALUE),
    15: _many("sparse", SPARSE),
}  # fmt: skip
OPSET: Schema = {1: Field("domain", "text"), 2: Field("version", "int64")}
FUNCTION: Schema = {
    1: Field("name", "text"), 4: _many("inputs", "text"), 5: _many("outputs", "text"),
    6: _many("attributes", "text"), 7: _many("nodes", NODE), 9: _many("opsets", OPSET),
    10: Field("domain", "text"), 11: _many("defaults", ATTRIBUTE), 12: _many("between", VALUE),
    13: Field("overload", "text"),
}  # fmt: skip
MODEL: Schema = {
    1: Field("version", "int64"), 2: Field("producer", "text"), 7: Field("graph", GRAPH),
    8: _many("opsets", OPSET), 20: _many("training", "bytes"), 25: _many("functions", FUNCTION),
}  # fmt: skip


# --- what a network is ----------------------------------------------------------------------------


class Value(NamedTuple):
    """An input or output of a network: an axis whose size is free is a word, or "" for none."""

    name: str
    dtype: str
    shape: tuple[int | str, ...] | None  # None: not said

    def __str__(self) -> str:
        axes = "x".join(str(axis) or "?" for axis in (self.shape or ("?",)))
        return clean(f"{self.name} {self.dtype} {axes}", 100)


class Node(NamedTuple):
    """One operation: its kind and the names of what goes in and comes out."""

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass
class Network:
    """What an ONNX file says about itself, by the names of its values."""

    message: ProtoMessage = field(repr=False)
    version: int = 0
    opset: int = 0
    producer: str = ""
    inputs: list[Value] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)
    numbers: dict[str, Value] = field(default_factory=dict)  # what was learned
    nodes: list[Node] = field(default_factory=list)

    @property
    def wanted(self) -> list[Value]:
        """Inputs that a caller gives: old files list the learned numbers among the inputs."""
        return [value for value in self.inputs if value.name not in self.numbers]

    def code(self, version: int) -> tuple[list[bytes | memoryview], int]:
        """The network as a file of a version of ONNX's format: its bytes in pieces, and how many
        they are. It holds what was checked, and nothing else."""
        return ProtoMessage(MODEL, {**self.message.found, "version": [version]}).pieces()


def is_onnx(head: bytes) -> bool:
    """Whether a file begins as ONNX does: field 1, a small version, another field of the kind."""
    return len(head) > 3 and head[0] == 8 and 0 < head[1] < 128 and head[2] in TAGS


def read(code: memoryview) -> Network:
    """The network of a whole file. Raises Refusal for what is damaged or reaches beyond it."""
    if len(code) >= LARGEST:
        raise Refusal("too-big", "ONNX has no files of 2 GiB and more")
    model = ProtoReader(MOST_FIELDS).read(code, MODEL)
    graph = model.one("graph")
    if graph is None or not graph.all("nodes") or not graph.all("outputs"):
        raise Refusal("no-model", "it is no ONNX network: it computes nothing")
    if model.all("training"):
        raise Refusal("wrong-format", "it is made for training", "export it for use")
    _Check(model).run()
    opsets = {_domain(one): one.one("version", 0) for one in model.all("opsets")}
    return Network(
        model,
        model.one("version", 0),
        opsets.get("", 0),
        model.one("producer", ""),
        [_value(one) for one in graph.all("inputs")],
        [_value(one) for one in graph.all("outputs")],
        {one.name: one for one in map(_learned, graph.all("numbers"))},
        [Node(one.one("kind", ""), tuple(one.all("inputs")), tuple(one.all("outputs")))
         for one in graph.all("nodes")],
    )  # fmt: skip


def _learned(tensor: ProtoMessage) -> Value:
    dtype = TYPES.get(tensor.one("type", 0), "")
    return Value(tensor.one("name", ""), dtype, tuple(tensor.numbers("dims")))


def _value(value: ProtoMessage) -> Value:
    kind = value.one("type", ProtoMessage(TYPE)).one("tensor")
    if kind is None:
        return Value(value.one("name", ""), "no tensor", None)
    shape, dtype = kind.one("shape"), TYPES.get(kind.one("type", 0), "")
    axes = None if shape is None else tuple(map(_axis, shape.all("axes")))
    return Value(value.one("name", ""), dtype, axes)


def _axis(axis: ProtoMessage) -> int | str:
    size = axis.one([*axis.found][-1]) if axis.found else ""
    free = isinstance(size, int) and not 0 < size < LARGEST
    return "" if free else size


def _domain(message: ProtoMessage) -> str:
    domain: str = message.one("domain", "")
    return "" if domain == "ai.onnx" else domain


# --- what is refused ------------------------------------------------------------------------------

Called = tuple[str, str, str]  # domain, name and overload of a function, or of an operation


def _called(node: ProtoMessage, name: str) -> Called:
    return _domain(node), node.one(name, ""), node.one("overload", "")


class _Check:
    """One look at all of a model. Raises Refusal, which names what is refused."""

    def __init__(self, model: ProtoMessage) -> None:
        self.model = model
        self.functions: dict[Called, Counter[Called]] = {}  # what each calls, and how often

    def run(self) -> None:
        graph, functions = self.model.one("graph"), self.model.all("functions")
        for function in functions:
            name = _called(function, "name")
            if name[0] in OPERATIONS:
                raise _refused(f"its function {clean(name[1])} takes the name of an operation")
            self.functions[name] = Counter()
        for function in functions:
            for default in function.all("defaults"):
                self.attribute(default, f"its function {clean(function.one('name', ''))}")
            self.values(function.all("between"), inside=True)
            self.functions[_called(function, "name")] += self.nodes(function.all("nodes"))
        calls = self.nodes(graph.all("nodes"))
        for tensor in graph.all("numbers"):
            self.tensor(tensor, f"its tensor '{clean(tensor.one('name', ''))}'")
        for sparse in graph.all("sparse"):
            name = sparse.one("values", ProtoMessage(TENSOR)).one("name", "")
            raise _refused(f"its tensor '{clean(name)}' is sparse")
        for place in ("inputs", "outputs", "between"):
            self.values(graph.all(place), place == "between")
        self.unfold(calls)

    def nodes(self, nodes: Iterable[ProtoMessage]) -> Counter[Called]:
        """How often each operation is called."""
        calls = Counter[Called]()
        for number, node in enumerate(nodes, 1):
            called = domain, kind, _ = _called(node, "kind")
            name = node.one("name", "")
            where = f"its node {number}{f' ({clean(name)})' if name else ''}, {clean(kind)},"
            if not domain and kind in CONTROL:
                raise _refused(f"{where} is {CONTROL[kind]}")
            if called not in self.functions and kind not in OPERATIONS.get(domain, ()):
                of = f" of {clean(domain)}" if domain else ""
                raise _refused(f"{where} is an operation{of} that is not run here")
            for attribute in node.all("attributes"):
                self.attribute(attribute, where)
            calls[called] += 1
        return calls

    def attribute(self, attribute: ProtoMessage, where: str) -> None:
        for tensor in (*attribute.all("t"), *attribute.all("tensors")):
            self.tensor(tensor, f"{where} has a tensor that")
        for name in attribute.found:
            if name in SETTINGS:
                raise _refused(f"{where} has {SETTINGS[name]} among its settings")

    def tensor(self, tensor: ProtoMessage, what: str) -> None:
        """A tensor holds numbers, all of them in the file, and no more than the file."""
        if tensor.all("external_data") or tensor.one("data_location"):
            raise _refused(f"{what} keeps its numbers in another file")
        if tensor.one("type", 0) not in TYPES or tensor.all("string_data"):
            raise _refused(f"{what} holds no numbers")
        if "segment" in tensor.found:
            raise _refused(f"{what} is a piece of one")
        dims = tensor.numbers("dims")
        said = math.prod(dims)
        if min(dims, default=0) < 0 or said > 2 * sum(map(_size, tensor.found.values())):
            raise _refused(f"{what} has {said} numbers, it says, which are not in the file")

    def values(self, values: Iterable[ProtoMessage], inside: bool = False) -> None:
        """Tensors of numbers; inside a network lists of them, too, as exporters split tensors."""
        for value in values:
            kind = value.one("type", ProtoMessage(TYPE))
            if inside and kind.found.keys() == {"sequence"}:
                of = kind.one("sequence").one("of")
                kind = of if of is not None and of.found else kind
            name, others = clean(value.one("name", "")), kind.found.keys() - {"tensor"}
            if others:
                raise _refused(f"its value '{name}' is a {min(others)}, and no tensor")
            dtype = kind.one("tensor", ProtoMessage(TENSOR_TYPE)).one("type", 0)
            if dtype and dtype not in TYPES:
                raise _refused(f"its value '{name}' is no tensor of numbers")

    def unfold(self, calls: Counter[Called]) -> None:
        """Refuse functions that call themselves, or unfold to more nodes than any network has."""
        sizes: dict[Called, int] = {}

        def size(name: Called, above: tuple[Called, ...]) -> int:
            if name in above or len(above) > DEEPEST:
                raise Refusal("too-big", f"its function {clean(name[1])} calls itself", EXPORT)
            if name not in sizes:
                inner = self.functions.get(name)
                sizes[name] = 1 if inner is None else total(inner, (*above, name))
            return sizes[name]

        def total(kinds: Counter[Called], above: tuple[Called, ...]) -> int:
            return sum(count * size(kind, above) for kind, count in kinds.items())

        if total(calls, ()) > MOST_NODES:
            raise Refusal("too-big", "its network has more parts than any generator")


def _size(values: list[object]) -> int:
    """Bytes of the numbers in a field of a tensor: one that stands alone is at least one."""
    return sum(len(value) if isinstance(value, memoryview) else 1 for value in values)


def _refused(what: str) -> Refusal:
    return Refusal("wrong-format", what, EXPORT)
