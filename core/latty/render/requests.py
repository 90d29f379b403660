"""What is asked to be rendered, and whether it can be: known of a whole call before any work."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from latty.errors import Interrupted, LattyError, Problem, UsageError
from latty.presets import Output, Preset, fitting
from latty.presets.formats import FOLDER, STREAM, format_of, suffix_of
from latty.presets.paths import OutputNames
from latty.presets.reading import RECIPE, PresetFile
from latty.reading import is_stream
from latty.render import provenance
from latty.render.named import Unplaced
from latty.render.options import Batches, Options
from latty.render.several import every
from latty.render.sources import PresetSource, read
from latty.render.updating import stale


@dataclass(frozen=True, slots=True)
class RenderRequest:
    """A preset to be rendered.

    ref        a preset; a file, a shipped one's name, "-" for stdin, or a picture that latty made
    overrides  texts such as scene.seed=3, put over the preset
    output     one file, "FOLDER/" of numbered frames or "-" instead of all outputs, None for these
    number     which of the presets that it stands for ([[each]]), of so many
    anyway     what it is made of may have another content
    update     only outputs that are not up to date
    goes_on    of one of several what is made stays, and only the rest is made
    own_batch  the options' batch also for a picture, whose recipe has batches of its own
    precision  of all its scenes, in the place of their own; None = as they say, or the options, or,
               of a picture, whose recipe does not say fp32, that
    """

    ref: str | Preset
    options: Options
    overrides: tuple[str, ...] = ()
    output: str | None = None
    own_batch: bool = False
    precision: str | None = None
    anyway: bool = False
    update: bool = False
    goes_on: bool = False
    number: int = 0
    of: int = 1

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.counted(str(self.ref))

    def counted(self, name: str) -> str:
        """A name of its preset, with which of those it is that the text stands for."""
        return f"{name} ({self.number + 1} of {self.of})" if self.of > 1 else name

    @property
    def is_stream(self) -> bool:
        """Whether its preset comes through stdin or a pipe, and can be read once."""
        return isinstance(self.ref, str) and is_stream(self.ref)

    def resolved(self) -> tuple[Preset, Options]:
        """The preset with its outputs where they are wanted. Raises what `sources.read` does."""
        source = read(self.ref, self.overrides, self.anyway, self.number)
        return self._left(*self._placed(source, source.preset))[:2]

    def checked(self, taken: OutputNames | None = None) -> "CheckedRequest":
        """The same, and what is doubtful about it. Raises PresetError with all that cannot be
        drawn, UsageError for a stream that stands for several, and what `resolved` does.

        taken  the outputs of the presets before it in the same call
        """
        source = read(self.ref, self.overrides, self.anyway, self.number)
        if self.of == 1 and (count := source.loaded.each.count) > 1:
            what = f"{self.name} stands for {count} presets, and can be read once"
            raise UsageError(what, "write it to a file")
        doubts = source.doubts()
        preset, options = self._placed(source, source.preset)
        source.loaded.refuse([*_in_the_way(source.loaded, preset, options, taken or OutputNames())])
        # Where an output was typed, keys of the preset's own were not meant for it.
        own = self.output is None
        warnings = (*source.notes, *doubts.lines(own), *(() if own else _silenced(preset)))
        preset, options, fresh = self._left(preset, options)
        return CheckedRequest(preset, options, warnings, fresh, self.counted(preset.name))

    def _left(self, preset: Preset, options: Options) -> tuple[Preset, Options, tuple[Path, ...]]:
        """What is to be made, and what is up to date."""
        if self.update:
            return stale(preset, options)
        if not self.goes_on or self.of == 1 or options.overwrite:
            return preset, options, ()
        preset, _, fresh = stale(preset, options)
        return preset, options, fresh

    def _placed(self, source: PresetSource, preset: Preset) -> tuple[Preset, Options]:
        options = replace(
            self.options, preset_file=source.file, picture=source.picture, differs=source.differs,
            spelled=source.spelled,
        )  # fmt: skip
        if source.picture is not None:
            options = replace(options, precision="fp32")
        if self.precision is None:
            preset, said = options.as_able(preset)
            options = replace(options, notes=(*options.notes, *said))
        preset = options.settled(preset, self.precision)
        if source.batches and not self.own_batch:
            options = _with_batches(options, preset, source.batches)
        if self.output is not None:
            suffix = suffix_of(self.output)
            same = [one for one in preset.outputs if suffix_of(one.path) == suffix]
            chosen = (same or preset.outputs or (Output(""),))[0]
            place = Path(self.output)
            if place.name in ("", ".."):
                what = f"the output '{self.output}' is a place, and has no name"
                raise UsageError(what, "-o names a file or a folder of frames in it; "
                                       "--out-dir PLACE is for the preset's own names")  # fmt: skip
            ending = FOLDER if suffix == FOLDER else ""
            chosen = fitting(replace(chosen, path=place.name + ending))
            preset = replace(preset, outputs=(chosen,))
            options = replace(options, out_dir=place.parent)
        return preset, options

    def asked(self) -> tuple[str, Callable[[str], str]] | None:
        """What its picture must not name by itself, in words, and what makes an override of the
        user's own; None where nothing is to be asked, or all is wrong."""
        try:
            self.resolved()
        except Unplaced as unplaced:
            return unplaced.said, unplaced.names[0].answered
        except LattyError:
            pass
        return None


def requested(
    refs: Sequence[str],
    options: Options,
    overrides: tuple[str, ...] = (),
    *,
    force: bool = False,
    **rest: Any,
) -> list[RenderRequest]:
    """A request for each preset that is named, of an archive for each that is in it, of one with
    [[each]] for each that it stands for; `rest` as in RenderRequest. Raises BadData for one that
    writes more than each.MOST outputs, without `force`."""
    return [
        RenderRequest(one, options, overrides, **rest, number=number, of=count)
        for ref in refs
        for one, number, count in every(ref, overrides, force)
    ]


@dataclass(frozen=True, slots=True)
class CheckedRequest:
    """A request whose preset can be drawn, and what is doubtful about it, line by line.

    fresh   what is up to date, and no output of the preset any more
    name    what people are told of it
    """

    preset: Preset
    options: Options
    warnings: tuple[str, ...]
    fresh: tuple[Path, ...] = ()
    name: str = ""


def checked(requests: Sequence[RenderRequest]) -> "list[CheckedRequest | Exception]":
    """Each request of one call, or why it cannot be rendered: before any work, all of them. What is
    doubtful about several presets that one stands for is said once.

    Raises what stops them all: Interrupted, BrokenPipeError.
    """
    taken, found = OutputNames(), list[CheckedRequest | Exception]()
    told: dict[object, set[str]] = {}
    for number, request in enumerate(requests):
        said = told.setdefault(request.ref if request.of > 1 else number, set())
        try:
            one = request.checked(taken)
            new = tuple(line for line in one.warnings if line not in said)
            said.update(new)
            found.append(replace(one, warnings=new))
        except (Interrupted, BrokenPipeError):
            raise
        except Exception as error:
            found.append(error)
    return found


def _in_the_way(
    source: PresetFile, preset: Preset, options: Options, taken: OutputNames
) -> Iterator[Problem]:
    """Outputs that a preset before this one writes, too. A picture is drawn again under its name
    and chooses none: what is there already is told where it is written."""
    for index, output in enumerate(preset.outputs if source.kind is not RECIPE else ()):
        place = str((options.out_dir / output.path).absolute())
        if fault := taken.claim(place, source.file):
            keys = ", ".join(f"{{{key}}}" for key in source.each.values)
            hint = f"say in it what differs: {keys}" if keys else ""
            yield source.problem(("outputs", index, "path"), fault, hint)


def _silenced(preset: Preset) -> Iterator[str]:
    """The sound that a film loses to an output which was typed."""
    for output in preset.outputs:
        form = format_of(output.path)
        if output.sound is not None and form is not None and "sound" not in form.reads:
            way = "with ffmpeg, -i SOUND beside -i - adds it" if form.suffix == STREAM else ""
            what = f"{output.path} carries no sound: the film goes out without {output.sound}"
            yield f"{what}; {way}" if way else what


def _with_batches(options: Options, preset: Preset, batches: Batches) -> Options:
    """Drawn in the batches of a picture's recipe, as far as they fit in memory."""
    fit = provenance.fitting(preset, batches)
    cut = [(was, now) for (_, was), (_, now) in zip(batches, fit, strict=True) if was != now]
    said = [
        f"drawn {now} at once, not {was} as its recipe says: last bits may differ"
        for was, now in cut[:1]
    ]
    return replace(options, batch=fit, notes=(*options.notes, *said))
