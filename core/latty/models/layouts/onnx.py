"""ONNX files with one latent input and one picture output, and perhaps a class.

What the file does not say is found out: axes and sizes by drawing, the range of the numbers by the
last operation or by what a few pictures hold. SETTINGS decide instead where they are given.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from latty.checkpoints.onnxfile import Network, Value
from latty.errors import BadData
from latty.models.families.onnx.drawing import RANGES, Array, OnnxDrawing, OnnxUsage
from latty.models.onnx_session import OnnxSession
from latty.models.parts import Converted, Part
from latty.text import clean

SIGNATURE = {"network.onnx": 1}
SETTINGS = ("range", "layout", "distribution", "classes", "class_names")
FAMILY = "onnx"
ORIGIN = "generators of any framework: one latent, one picture, .onnx"
CHECKED = "the output of torch and numpy for the same numbers, 8 to 64 px"

Shape = Sequence[int | str]

CLASS = ("y", "c", "class", "classes", "label", "labels", "class_id", "class_ids", "class_label",
         "class_labels", "onehot", "one_hot", "cond", "condition")  # fmt: skip
WHOLE, REAL = ("int64", "int32"), ("float32", "float16", "float64")
CHANNELS = (1, 3, 4)
DISTRIBUTIONS = ("normal", "uniform", "truncated")
LOOKED = 16  # pictures that tell the range
BEYOND = 1.5  # no picture of [0, 1] or [-1, 1] has such numbers
LOWEST = -0.05  # a picture of [0, 1] may lie a little below
LAST = {"Tanh": RANGES[0], "Sigmoid": RANGES[1]}
PASSED = ("Identity", "Cast", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten")


def convert(part: Part) -> Converted:
    """The bytes of the file, and under "config" how they are used. Raises BadData, Missing."""
    said = part.beside
    network, file = part.checkpoint.network, clean(part.checkpoint.path.name)
    assert network is not None
    latent, label = _inputs(network, file)
    _refuse_no_pictures([one.shape for one in network.outputs], file)
    session = OnnxSession(network, file)
    usage = OnnxUsage(
        latent.name,
        _columns(latent),
        axes=len(latent.shape or ()),
        latent_type=latent.dtype,
        batch=_rows_at_once(latent),
        distribution=_distribution(said),
        **_classes(label, network, said),
    )
    drawing = OnnxDrawing(session, usage)
    drawing, alone = _batched(_with_output(drawing))
    drawing, why = _measured(drawing, said)
    low, high = drawing.usage.range
    notes = [f"pictures taken to go from {low:g} to {high:g} ({why}); the setting range decides"]
    if "distribution" not in said:
        notes.append("latents taken to be normal; the setting distribution decides")
    notes += [alone] if alone else []
    return Converted(part.torch(), {"config": drawing.usage.to_json()}, tuple(notes))


# --- what goes in ---------------------------------------------------------------------------------


def _inputs(network: Network, file: str) -> tuple[Value, Value | None]:
    """The latent, and the class if there is one. Raises BadData where that cannot be told."""
    inputs = network.wanted
    rest = [one for one in inputs if not _is_row(one) or one.name.lower() in CLASS]
    latents = [one for one in inputs if one not in rest]
    fits = len(latents) == 1 and len(rest) <= 1
    if not fits or not all(_is_row(one) or _is_index(one) for one in rest):
        told = ", ".join(map(str, inputs)) or "nothing"
        what = f"{file} is an ONNX network that takes {told}: not one latent (N, Z)"
        raise BadData(what, "export the generator with a latent, or a latent and a class, alone")
    return latents[0], rest[0] if rest else None


def _is_row(value: Value) -> bool:
    """(N, Z) or (N, Z, 1, 1) of real numbers, Z known."""
    shape = value.shape or ()
    flat = len(shape) == 2 or (len(shape) == 4 and shape[2:] == (1, 1))
    return flat and value.dtype in REAL and isinstance(shape[1], int)


def _is_index(value: Value) -> bool:
    shape = value.shape or ()
    return value.dtype in WHOLE and (len(shape) == 1 or (len(shape) == 2 and shape[1] == 1))


def _distribution(said: Mapping[str, Any]) -> str:
    """How latents are drawn. Raises BadData for a word that is none of those."""
    given = said.get("distribution", DISTRIBUTIONS[0])
    if given not in DISTRIBUTIONS:
        shown = clean(str(given), 40)
        raise BadData(f"the setting distribution is {shown}", f"it is {', '.join(DISTRIBUTIONS)}")
    return str(given)


def _rows_at_once(value: Value) -> int:
    """Of an input whose first axis has a size, else 0."""
    first = (value.shape or (0,))[0]
    return first if isinstance(first, int) else 0


def _columns(value: Value) -> int:
    return int((value.shape or (0, 0))[1])


def _classes(label: Value | None, network: Network, said: Mapping[str, Any]) -> dict[str, Any]:
    """How the class goes in: weights of all classes, or an index. Raises BadData where nobody says
    how many there are, and for settings that do not fit."""
    if label is None:
        return {}
    given = said.get("classes")
    given = int(given) if isinstance(given, str) and given.isdecimal() else given
    known = _columns(label) if _is_row(label) else _rows(label.name, network)
    count = known or given
    if type(count) is not int or not 0 < count <= 100_000:
        what = f"the input {clean(label.name, 40)} is a class, and nothing says of how many"
        raise BadData(what, "a setting says it: classes")
    if given not in (None, count):
        shown = clean(str(given), 20)
        raise BadData(f"the setting classes is {shown}", f"the file has {count}")
    return {"label": label.name, "label_type": label.dtype, "label_axes": len(label.shape or ()),
            "classes": count, "class_names": _class_names(said, count)}  # fmt: skip


def _class_names(said: Mapping[str, Any], count: int) -> tuple[str, ...]:
    """What the classes are called; () where nobody says. Raises BadData for another number."""
    names = said.get("class_names", ())
    names = names.split(",") if isinstance(names, str) else names
    if not isinstance(names, list | tuple) or len(names) not in (0, count):
        raise BadData(f"the setting class_names does not name {count} classes", "a word for each")
    return tuple(str(name).strip() for name in names)


def _rows(name: str, network: Network) -> int:
    """Rows of the table of learned numbers that an index is looked up in; 0 for none."""
    known = {name}
    for node in network.nodes:
        table, looked = (*node.inputs, "", "")[:2]
        if node.kind == "Gather" and looked in known and table in network.numbers:
            return _rows_at_once(network.numbers[table])
        if node.kind in PASSED and node.inputs[:1] and node.inputs[0] in known:
            known |= {*node.outputs}
    return 0


# --- what comes out -------------------------------------------------------------------------------


def _latents(drawing: OnnxDrawing, count: int) -> Array:
    rows = [np.random.RandomState(seed).randn(drawing.usage.z_dim) for seed in range(count)]
    return np.stack(rows).astype(np.float32)


def _with_output(drawing: OnnxDrawing) -> OnnxDrawing:
    """With the one output that is pictures. Raises BadData."""
    found = drawing.outputs(_latents(drawing, drawing.usage.batch or 1))
    shapes = [one.shape for one in found]
    pictures = [i for i, shape in enumerate(shapes) if len(shape) == 4 and _layout(shape)]
    if len(pictures) != 1:
        raise _no_picture(shapes, drawing.session.file)
    return drawing.of(output=pictures[0])


def _refuse_no_pictures(shapes: Sequence[Shape | None], file: str) -> None:
    """Raises BadData where the file itself says that nothing of four axes comes out."""
    if all(shape is not None and len(shape) != 4 for shape in shapes):
        raise _no_picture(shapes, file)


def _no_picture(shapes: Sequence[Shape | None], file: str) -> BadData:
    told = ", ".join("x".join(str(n) or "N" for n in shape or ("?",)) for shape in shapes)
    what = f"{file} is an ONNX network that gives {clean(told, 80)}: not one picture (N, C, H, W)"
    return BadData(what, "export the generator alone; a picture has 1, 3 or 4 channels")


def _layout(shape: tuple[int, ...]) -> str:
    if shape[1] in CHANNELS:
        return "nchw"
    return "nhwc" if shape[3] in CHANNELS else ""


def _batched(drawing: OnnxDrawing) -> tuple[OnnxDrawing, str]:
    """With the number of pictures that come out at once, and a note where that is fixed."""
    fixed = drawing.usage.batch
    if not fixed:
        try:
            if len(drawing.outputs(_latents(drawing, 2))[drawing.usage.output]) == 2:
                return drawing, ""
        except BadData:  # the one picture of its export is written into its shapes
            fixed = 1
    at_once = "one picture" if fixed <= 1 else f"{fixed} pictures"
    return drawing.of(batch=max(fixed, 1)), f"it was exported for {at_once} at a time"


def _measured(drawing: OnnxDrawing, said: Mapping[str, Any]) -> tuple[OnnxDrawing, str]:
    """With axes, sizes and range; and how the range is known. Raises BadData."""
    first = drawing.outputs(_latents(drawing, drawing.usage.batch or 1))[drawing.usage.output]
    layout = str(said.get("layout") or _layout(first.shape)).lower()
    if layout not in ("nchw", "nhwc"):
        raise BadData(f"the setting layout is {clean(layout, 20)}", "it is nchw or nhwc")
    drawing = drawing.of(layout=layout)
    pictures = drawing.raw(_latents(drawing, LOOKED))
    _, channels, height, width = pictures.shape
    if channels not in CHANNELS:
        what = f"{drawing.session.file} gives pictures of {channels} channels"
        raise BadData(what, "1, 3 or 4 can be shown; a setting layout = nhwc has them last")
    ends, why = _range(drawing, pictures, said)
    return drawing.of(range=ends, channels=channels, height=height, width=width), why


def _range(
    drawing: OnnxDrawing, pictures: Array, said: Mapping[str, Any]
) -> tuple[tuple[float, float], str]:
    """What black and white are, and why. Raises BadData for a setting that is no range."""
    if "range" in said:
        given = said["range"]
        ends = given.split(",") if isinstance(given, str) else given
        try:
            low, high = (float(end) for end in ends)
        except (TypeError, ValueError):
            low = high = 0.0
        if (low, high) not in RANGES:
            shown = clean(str(given), 40)
            raise BadData(f"the setting range is {shown}", "it is [-1, 1], [0, 1] or [0, 255]")
        return (low, high), "as the settings say"
    kind = _last(drawing.session.network, drawing.usage.output)
    if kind in LAST:
        return LAST[kind], f"it ends in {kind}"
    low, high = float(pictures.min()), float(pictures.max())
    why = f"{LOOKED} of them hold {low:.3g} to {high:.3g}"
    if low < LOWEST:
        return RANGES[0], why
    return (RANGES[2] if high > BEYOND else RANGES[1]), why


def _last(network: Network, output: int) -> str:
    """The kind of the operation that makes an output, "" where it is not known."""
    name = network.outputs[output].name
    makers = {made: node for node in network.nodes for made in node.outputs}
    while name in makers and makers[name].kind in PASSED and makers[name].inputs:
        name = makers[name].inputs[0]
    return makers[name].kind if name in makers else ""
