"""The registries of models: families (architectures) and layouts (their files in the wild).

A family is one file or folder in families/ with

    SIGNATURE    how its own layout is recognised without torch, a literal. {tensor name: the number
                 of its dimensions, or each size with -1 for any, or ... for any shape}; several
                 such tables are alternatives. A name may hold "*"; "*" alone gives a pattern that
                 every name must match. Or "spec": an architecture file describes it; or "no file":
                 it is a model itself.
    ORIGIN       who publishes such files, in a few words: "StyleGAN of genforce and SeFa, .pth"
    CHECKED      what its pictures were compared with: "the reference code's own output", "a real
                 file", "by equation only", or several of them; `latty list formats` and
                 docs/checkpoints.md show both (literals; not of a family without a file)
    PICTURE      optional: how its tensors tell height and width, a literal of two patterns: of the
                 one whose last two sizes the pictures begin with, and of those of which each block
                 has one; they double from block to block. A layout may have it, too
    CODES        optional, a literal: a pattern of names of tensors, and a number. Its codes have
                 so many layers as there are such tensors, and so many more; for headers that do
                 not say "num_layers"
    HEADER       of a model without a file: what its header would say of "num_layers",
                 "num_classes", "resolution" and "channels", a literal
    NOISE        whether the noise of a scene changes its pictures (a literal; True if left out)
    FP32_ONLY    whether `build` takes no dtype (a literal; False if left out)
    build        tensors, header, device -> Generator; strict: every key, shape and number checked.
                 It takes copies of the tensors: they may be the file's own bytes, and are not
                 written into.
                 One that draws in other numbers than float32 takes dtype=torch.bfloat16 and
                 torch.float16, too: what is fed to it and what it gives stay float32
    prepare      optional: part, Converted -> Converted; what is done when a file of others in
                 the family's own layout is converted
    look         optional: Converted -> notes on what only its pictures tell; asked where the model
                 is kept, not each time that a file is opened
    example      optional: () -> tensors and header of a small random network, for the tests that
                 hold for every family; most of ours: tests/support/small_families.py

A layout is one file in layouts/ with SIGNATURE, ORIGIN, CHECKED, FAMILY (the family it becomes) and
`convert`; PREFIX, optional, begins the names of the tensors that it looks at, and is taken off.
One that can write what it reads has EXPORTS = {"as": the word for `latty export`, "of": "model",
"suffix": ".safetensors"} and export(Converted) -> Converted.
Optional, of both: SETTINGS, the settings of a file that a user may state with `--set`; ONLY, those
that must have one value; KNOWN, others that it looks at. A note names whatever else lies beside the
file, unless REMARKS is true: then the entry itself says so.
"""

from collections.abc import Iterator, Mapping
from inspect import signature
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from latty.errors import BadData
from latty.models.precision import dtype_of
from latty.plugins import Registry

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from latty.models.base import Generator, Meta
    from latty.models.parts import Converted, Part

SPEC = "spec"
NO_FILE = "no file"


class Family(Protocol):
    """A generator architecture: a module in families/."""

    def build(
        self, tensors: "Mapping[str, Tensor]", meta: "Meta", device: "torch.device"
    ) -> "Generator":
        """The generator of these tensors, such as (O, I, 3, 3) of a convolution. Raises BadData.

        meta    the free text of the file's header, plus "name", "digest" and "notes"
        """
        ...


class Layout(Protocol):
    """One way in which others store a family: a module in layouts/."""

    def convert(self, part: "Part") -> "Converted":
        """The part in the layout of its family. Raises BadData for tensors that do not fit it."""
        ...


FAMILIES = Registry[Family]("latty.models.families", needs=("SIGNATURE", "build"))
LAYOUTS = Registry[Layout]("latty.models.layouts", needs=("SIGNATURE", "FAMILY", "convert"))


def built(
    name: str,
    tensors: "Mapping[str, Tensor]",
    meta: "Meta",
    device: "torch.device",
    precision: str = "fp32",
) -> "Generator":
    """The generator that a family makes of these tensors, such as (O, I, 3, 3). Raises BadData, of
    a family that takes no `dtype` also for a precision other than fp32."""
    family = FAMILIES.load(name)
    if precision == "fp32":
        return family.build(tensors, meta, device)
    if "dtype" not in signature(family.build).parameters:
        own = meta.get("name", name)
        which = own if own == name else f"{own} ({name})"
        what = f"{which} draws in fp32 only, not in {precision}"
        raise BadData(what, "--precision fp32, or leave the word out of the preset")
    build: Any = family.build
    made: Generator = build(
        tensors, {**meta, "precision": precision}, device, dtype=dtype_of(precision)
    )
    return made


def without_file() -> list[str]:
    """The models that need no file: families that are models themselves."""
    return [name for name in FAMILIES.names() if FAMILIES.constant(name, "SIGNATURE") == NO_FILE]


class Readable(NamedTuple):
    """A kind of file that opens: the entry that reads it, what it becomes, whose it is, and what
    its pictures were checked against."""

    name: str
    family: str
    origin: str
    checked: str
    registry: Registry[Any]


def readable() -> Iterator[Readable]:
    """Every kind of file that opens, families before layouts. An entry of another package that does
    not say whose its files are has the first line of its docstring there."""
    for registry in (FAMILIES, LAYOUTS):
        for name in registry.names():
            family = registry.constant(name, "FAMILY", name)
            origin = registry.constant(name, "ORIGIN") or registry.summary(name)
            if registry.constant(name, "SIGNATURE") != NO_FILE:
                checked = registry.constant(name, "CHECKED", "")
                yield Readable(name, family, origin, checked, registry)


def family_of_header(meta: Mapping[str, str]) -> str:
    """The family that a header written by latty names, "" for all other files."""
    family = meta.get("family", "")
    return family if family in FAMILIES else ""
