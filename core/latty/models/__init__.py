"""Generators: an entry per family, one per layout of other programs. `open_model` opens all."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from latty.models.store import GENERATOR, mark_used, model_file, said_channels, said_size

if TYPE_CHECKING:  # torch takes seconds to import: names and headers must not wait for it
    from latty.models.base import Generator


def open_model(ref: str, device: str = "auto", precision: str = "fp32") -> "Generator":
    """The generator `ref` names: a model that ships, one in the store, or the path of any
    checkpoint or of a folder that holds one.

    precision  of its layers: fp32, bf16 or fp16; "auto" is fp32 here

    Those that were opened last are kept, as many as fit into a quarter of the memory. Raises
    Missing where there is none, BadData where the file cannot be used, or its family draws in fp32
    only, DeviceError for a device that is not here or does not compute like that.
    """
    from latty.models.device import pick_device
    from latty.models.kept import GENERATORS
    from latty.models.opening import opened
    from latty.models.precision import refuse, settled

    file, where, precision = model_file(ref), pick_device(device), settled(precision)
    refuse(precision, where)
    within = file is not None and Path(ref).expanduser() == file.parent
    name = ref if file is None else file.parent.resolve().name if within else file.stem
    changed = _changed(file) if file else ()
    if file is not None:
        mark_used(file)
    return GENERATORS.get(
        (file, name, where, precision),
        changed,
        lambda: opened(file, name, changed, where, precision),
    )


def look(ref: str) -> None:
    """Refuse what `open_model` would, as far as that is seen before torch is imported, which takes
    seconds; what was read of a file is kept for `open_model`. Raises Missing, BadData, OutputError.
    """
    if (file := model_file(ref)) is not None:
        from latty.models import opening

        opening.look(file, _changed(file))


def _changed(file: Path) -> tuple[int, ...]:
    """When a file and those that may hold its settings were last written, in ns; -1: not there."""
    from latty.models.parts import settings_files

    found = []
    for place in (file, *map(file.with_name, settings_files(file))):
        try:
            found.append(place.stat().st_mtime_ns)
        except OSError:
            found.append(-1)
    return tuple(found)


def picture_size(ref: str) -> tuple[int, int]:
    """Height and width in px of the pictures of the model that `ref` names, by its header where
    that says them. Raises what `open_model` does."""
    if (said := known_size(ref)) is not None:
        return said
    info = open_model(ref, "cpu").info
    return info.height, info.width_px


def known_size(ref: str) -> tuple[int, int] | None:
    """The same by its header alone, None where that does not say them; torch is not imported.
    Raises Missing, BadData, OutputError."""
    return said_size(_meta(ref))


def picture_channels(ref: str) -> int:
    """How many numbers a finished picture of the model that `ref` names has for each pixel: 4 where
    it has an opacity, else 3. By its header, as `picture_size`."""
    said = said_channels(_meta(ref)) or open_model(ref, "cpu").info.channels
    return 4 if said == 4 else 3


def _meta(ref: str) -> Mapping[str, str]:
    """What the header of a model's file says, if latty wrote it; of one without a file what it
    would. Raises Missing, BadData, OutputError."""
    from latty.checkpoints.safetensors import read_header, says_kind

    if (file := model_file(ref)) is None:
        from latty.models.registries import FAMILIES

        header: Mapping[str, str] = FAMILIES.constant(ref, "HEADER", {})
        return header
    return read_header(file).meta if says_kind(file, GENERATOR) else {}


def draws_any_size(ref: str) -> bool:
    """Whether the model that `ref` names draws at any size (AnySize), as its family says."""
    from latty.models.registries import FAMILIES

    return ref in FAMILIES and model_file(ref) is None and FAMILIES.constant(ref, "ANY_SIZE", False)


def forget_all() -> None:
    """Let go of the generators that `open_model` keeps."""
    from latty.models.kept import GENERATORS

    GENERATORS.clear()


def is_kept(generator: "Generator") -> bool:
    """Whether opening its model again would give this very generator."""
    from latty.models.kept import GENERATORS

    return generator in GENERATORS
