"""What names a preset: a file, a shipped preset's name, stdin, a picture that latty made."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path

from latty import presets
from latty.presets import Preset, pinning
from latty.presets.checking import Doubts, checked
from latty.presets.contents import Changed, Difference
from latty.presets.convert import to_preset
from latty.presets.formats import FOLDER, format_of, media_of, suffix_of
from latty.presets.overrides import apply, parse
from latty.presets.reading import RECIPE, PresetFile, accepted, from_data, load
from latty.render import named, provenance
from latty.render.options import Batches
from latty.render.work import is_frames


@dataclass(frozen=True, slots=True)
class PresetSource:
    """A preset, what it was read from, and of a picture the batches that give its last rounding
    again.

    differs   what has other content than the preset pins, or the picture was made of
    picture   the one in whose recipe it was
    notes     what of it has another name here than there, in words
    spelled   how its recipe, or its preset in an archive, spells a kind of content and what is
              here
    """

    preset: Preset
    loaded: PresetFile
    batches: Batches | None = None
    differs: tuple[Difference, ...] = ()
    picture: Path | None = None
    notes: tuple[str, ...] = ()
    spelled: tuple[tuple[tuple[str, str], str], ...] = ()

    @property
    def file(self) -> Path | None:
        """The file it must not be overwritten in: None for stdin and pictures."""
        return self.loaded.path

    def doubts(self) -> Doubts:
        """What is doubtful about it. Raises PresetError with all that cannot be drawn."""
        return checked(self.loaded, None if self.loaded.kind is RECIPE else self.preset).doubts


def read(
    ref: str | Preset, overrides: Sequence[str] = (), anyway: bool = False, number: int = 0
) -> PresetSource:
    """The preset that `ref` is or names, with `overrides` put over it; of one that stands for
    several that of this number. Raises PresetError, Missing,
    BadData for a picture without a recipe, Unplaced for one that names other people's files,
    UsageError for an override; Changed, but `anyway`, where what it is made of has another
    content."""
    found = _read(ref, overrides, number)
    if found.differs and not anyway:
        pins = found.preset.pins is not None  # of a recipe only what the user puts over it
        other = "the one that it pins" if pins else "the one this was made with"
        raise Changed(found.preset.name if isinstance(ref, Preset) else ref, found.differs, other)
    return found


def _read(ref: str | Preset, overrides: Sequence[str], number: int) -> PresetSource:
    if isinstance(ref, Preset):
        preset = overridden(ref, overrides, ref.name)
        loaded = _without_file(preset, ref.name)
        return PresetSource(preset, loaded, differs=pinning.unlike(preset, loaded, ()))
    path = Path(ref).expanduser()
    if (path.is_file() and media_of(path)) or (path.is_dir() and is_frames(path)):
        return _from_picture(path, overrides)
    file = path if path.is_file() else presets.shipped().get(ref)
    loaded = load(ref if file is None else file, overrides, number)
    preset = to_preset(accepted(loaded), loaded.file)
    differs = dict.fromkeys(pinning.unlike(preset, loaded, overrides))
    if loaded.names is not None and not _is_typed(overrides):
        used = {scene.model for scene in (preset.scene, *preset.scenes)}
        others = loaded.names.archive.others(used)
        differs |= dict.fromkeys(Difference("model", *one) for one in others)
    spelled = tuple(loaded.names.spelled()) if loaded.names is not None else ()
    return PresetSource(preset, loaded, differs=tuple(differs), spelled=spelled)


def _is_typed(overrides: Sequence[str]) -> bool:
    """Whether the user names the model."""
    return any(parse(text).covers(("scene", "model")) for text in overrides)


def _without_file(preset: Preset, name: str) -> PresetFile:
    return from_data(presets.to_dict(preset.of_one_piece), name, RECIPE)


def _from_picture(path: Path, overrides: Sequence[str]) -> PresetSource:
    """The preset in a picture's recipe, to be written under the picture's name; numbered frames
    are written again as a whole folder.

    Anybody may have made it: the output path it names is not used, nor a file that it must not
    name (see latty.render.named). Raises Unplaced for such files.
    """
    recipe = provenance.read(path)
    preset, batches = provenance.recall(path)
    preset = overridden(preset, overrides, path.name)
    folder = path.is_dir() or any(suffix_of(o.path) == FOLDER for o in preset.outputs[:1])
    whole = path if path.is_dir() or not folder else path.resolve().parent
    name = whole.resolve().name + FOLDER if folder else _with_suffix(path)
    outputs = tuple(replace(output, path=name) for output in preset.outputs[:1])
    keys = [parse(text) for text in overrides]
    typed: named.Typed = lambda key: any(one.covers(key) for one in keys)  # noqa: E731
    preset, placing = named.placed(replace(preset, outputs=outputs), whole, recipe, typed)
    loaded, spelled = _without_file(preset, path.name), (*placing.spelled.items(),)
    differs = dict.fromkeys((*placing.differs, *pinning.unlike(preset, loaded, overrides, spelled)))
    return PresetSource(
        preset, loaded, batches, (*differs,), whole.resolve(), (*placing.notes,), spelled
    )


def _with_suffix(path: Path) -> str:
    """The name of a picture; one whose suffix chooses no format gets that of its content."""
    form = None if format_of(path.name) else media_of(path)
    return path.name + (form.suffix if form else "")


def overridden(preset: Preset, overrides: Sequence[str], name: str) -> Preset:
    """The preset with KEY=VALUE texts put over it; `name` is what faults are told of. Raises
    UsageError, PresetError."""
    if not overrides:
        return preset
    data = deepcopy(presets.to_dict(preset))
    for text in overrides:
        apply(data, parse(text))
    return presets.from_recipe(data, name)
