"""How an ONNX network is given latents and classes, and what its pictures are."""

import json
from dataclasses import asdict, dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from latty.errors import BadData
from latty.models.onnx_session import OnnxSession
from latty.tables.reading import Kind, from_data
from latty.tables.rules import array, matching, option, record, says, text, whole, word

Array = NDArray[np.float32]

RANGES = ((-1.0, 1.0), (0.0, 1.0), (0.0, 255.0))
NAME = text(1000)
RANGE = matching("[-1, 1], [0, 1] or [0, 255]", lambda v: v in [[*ends] for ends in RANGES])
KIND = Kind("settings", limit=2**20, hint="import the file again")


@dataclass(frozen=True, slots=True)
class OnnxUsage:
    """How a network is used: a latent and perhaps a class go in, output number `output` comes out.

    latent, label     names of inputs; "" = no class
    axes, label_axes  (N, Z) or (N, Z, 1, 1); (N,), (N, 1) or (N, C)
    label_type        of an index, "int64" or "int32", or of weights of all classes, "float32"
    batch             pictures at once; 0 = any number
    layout            "nchw" or "nhwc"
    range             what black and white are
    """

    latent: str = field(metadata=says(NAME))
    z_dim: int = field(metadata=says(whole(1, 2**20)))
    axes: int = option(2, whole(2, 4))
    latent_type: str = option("float32", word("float32", "float16", "float64"))
    distribution: str = option("normal", word("normal", "uniform", "truncated"))
    label: str = option("", text(1000, 0))
    label_type: str = option("float32", word("float32", "float16", "float64", "int64", "int32"))
    label_axes: int = option(2, whole(1, 2))
    classes: int = option(0, whole(0, 100_000))
    class_names: tuple[str, ...] = option((), array(text(200)))
    batch: int = option(0, whole(0, 4096))
    output: int = option(0, whole(0, 100))
    layout: str = option("nchw", word("nchw", "nhwc"))
    range: tuple[float, ...] = option(RANGES[0], RANGE)
    channels: int = option(3, whole(1, 4))
    height: int = option(1, whole(1, 16384))
    width: int = option(1, whole(1, 16384))

    def to_json(self) -> str:
        """For a header; `usage_of` reads it."""
        return json.dumps({key: value for key, value in asdict(self).items() if value != ()})


USAGE = record(OnnxUsage)


def usage_of(config: dict[str, object]) -> OnnxUsage:
    """What the header of a stored model says. Raises PresetError with every fault."""
    found: OnnxUsage = from_data(config, "the settings of the ONNX model", KIND).checked(USAGE)
    return found


@dataclass(frozen=True, eq=False)
class OnnxDrawing:
    """A network that is open, and how it is used."""

    session: OnnxSession
    usage: OnnxUsage

    def of(self, **changes: object) -> "OnnxDrawing":
        """The same network, used otherwise."""
        return OnnxDrawing(self.session, replace(self.usage, **changes))  # type: ignore[arg-type]

    def outputs(self, z: Array, weights: Array | None = None) -> list[NDArray[np.generic]]:
        """All outputs as they are, of latents (N, Z) and class weights (N, C); N must fit the
        batch. Raises BadData, MemoryError."""
        usage = self.usage
        latent = z.astype(usage.latent_type)
        values = {usage.latent: latent[:, :, None, None] if usage.axes == 4 else latent}
        if usage.label:
            if weights is None:
                weights = np.eye(1, usage.classes, dtype=np.float32).repeat(len(z), 0)
            values[usage.label] = self._label(weights)
        return self.session.run(values)

    def _label(self, weights: Array) -> NDArray[np.generic]:
        """Weights (N, C) as the network takes them. Raises BadData for a mixture where it takes
        one class."""
        usage = self.usage
        if not usage.label_type.startswith("int"):
            whole: NDArray[np.generic] = weights.astype(usage.label_type)
            return whole
        if not (weights == 1).any(1).all():
            what = f"{self.session.file} takes one class, and no mixture of classes"
            raise BadData(what, "name one class")
        index: NDArray[np.generic] = weights.argmax(1).astype(usage.label_type)
        return index[:, None] if usage.label_axes == 2 else index

    def raw(self, z: Array, weights: Array | None = None) -> Array:
        """Pictures (N, C, H, W) of any number of latents, in the network's own range."""
        count, usage = len(z), self.usage
        step = usage.batch or max(count, 1)
        found = [self._part(z[i : i + step], weights if weights is None else weights[i : i + step])
                 for i in range(0, count, step)]  # fmt: skip
        if not found:
            return np.zeros((0, usage.channels, usage.height, usage.width), np.float32)
        return np.concatenate(found)

    def _part(self, z: Array, weights: Array | None) -> Array:
        """One run; a network of a fixed batch gets its last latent repeated."""
        count, lacks = len(z), max(0, self.usage.batch - len(z))
        if lacks:
            z = np.concatenate([z, z[-1:].repeat(lacks, 0)])
            if weights is not None:
                weights = np.concatenate([weights, weights[-1:].repeat(lacks, 0)])
        found = self.outputs(z, weights)[self.usage.output]
        if found.ndim != 4 or len(found) != len(z):
            what = f"{self.session.file} gives {found.shape} for {len(z)} latents, not pictures"
            raise BadData(what, "export it for a batch of any size, or of one")
        if self.usage.layout == "nhwc":
            found = found.transpose(0, 3, 1, 2)
        return np.ascontiguousarray(found[:count], np.float32)

    def pictures(self, z: Array, weights: Array | None = None) -> Array:
        """Pictures (N, C, H, W) in [-1, 1]."""
        low, high = self.usage.range
        raw = self.raw(z, weights)
        return raw if (low, high) == (-1, 1) else (raw - low) * (2 / (high - low)) - 1
