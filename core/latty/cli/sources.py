"""What the argument PRESET may be: a file, the name of a shipped preset, stdin, a picture."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from latty.cli.kinds import is_media

if TYPE_CHECKING:
    from latty.presets import Preset
    from latty.render.provenance import Batches


@dataclass(frozen=True, slots=True)
class Source:
    """A preset, and the file it must not be overwritten in: None for stdin and pictures."""

    preset: "Preset"
    file: Path | None
    batches: "Batches | None" = None  # of a picture: what gives its bytes again


def read(ref: str, overrides: Sequence[str] = ()) -> Source:
    """The preset that `ref` names, with `overrides` put over it."""
    from latty import presets

    path = Path(ref).expanduser()
    if path.is_file() and is_media(path):
        return _from_picture(path, overrides)
    file = path if path.is_file() else presets.shipped().get(ref)
    return Source(presets.read(ref if file is None else file, overrides), file)


def _from_picture(path: Path, overrides: Sequence[str]) -> Source:
    """The preset in a picture's recipe, to be written under the picture's name.

    Strangers made it: the output path it names is not used.
    """
    from latty import presets
    from latty.presets.overrides import apply, parse
    from latty.render import provenance

    preset, batches = provenance.recall(path)
    if overrides:
        data = deepcopy(presets.to_dict(preset))
        for text in overrides:
            apply(data, parse(text))
        preset = presets.from_dict(data, path.name)
    outputs = tuple(replace(output, path=path.name) for output in preset.outputs[:1])
    return Source(replace(preset, outputs=outputs), None, batches)
