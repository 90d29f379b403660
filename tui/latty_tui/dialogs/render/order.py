"""What is rendered: a preset of the state and what the form says of it; and its job."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from latty.cli.values import seeds as read_seeds
from latty.jobs import control
from latty.presets import Output, Preset, Track, fitting
from latty.presets.formats import format_of
from latty.text import bytes_words, size_words
from latty_tui import jobs
from latty_tui.dialogs import device as dialogs_device
from latty_tui.dialogs.fields import Values
from latty_tui.dialogs.readers import fps as read_fps
from latty_tui.dialogs.readers import seconds as read_seconds
from latty_tui.dialogs.render import faults

SWEEP = "edits from 0 to here"
UPDATE = "update"
SWITCHES = {"yes": ["--overwrite"], UPDATE: ["--update"]}  # by what is said of overwriting


@dataclass(frozen=True, slots=True)
class Order:
    """What is rendered: a preset of the state, and what the form says of it."""

    preset: Preset
    folder: Path
    own_size: tuple[int, int]  # height and width of the model's pictures, in px

    @property
    def moves(self) -> bool:
        """Whether it is a film by itself."""
        return self.preset.plays

    @property
    def first(self) -> Output:
        """The output whose settings the form starts with."""
        return self.preset.outputs[0] if self.preset.outputs else Output("picture.png")

    def moving(self, values: Values) -> bool:
        return self.moves or values.get("moves") == SWEEP

    def made(self, values: Values) -> Preset:
        """The preset as the form wants it."""
        preset = self._swept(values) if values.get("moves") == SWEEP else self.preset
        if "seeds" in values:
            seeds = tuple(read_seeds(values["seeds"])) if values["seeds"] else ()
            first = seeds[0] if seeds else preset.scene.seed
            preset = replace(preset, seeds=seeds, scene=replace(preset.scene, seed=first))
        outputs = tuple(self._output(word, values) for word in values["formats"].split(","))
        made = replace(preset, name=values["name"], outputs=outputs)
        if seconds := values.get("seconds"):
            return replace(made, frames=1, seconds=read_seconds(seconds))
        frames = int(values["frames"]) if values.get("frames") else preset.count()
        same = preset.seconds is None and frames == preset.count()
        return made if same else replace(made, frames=frames, seconds=None)

    def _swept(self, values: Values) -> Preset:
        """A still whose edits grow from nothing to what they are: what goes by a way in strength,
        what goes to a place in amount."""
        scene, easing = self.preset.scene, values.get("easing", "smooth")
        ways = ("strength" if edit.mode == "relative" else "amount" for edit in scene.edits)
        grow = ((f"edits.{i}.{way}", getattr(edit, way))
                for i, (way, edit) in enumerate(zip(ways, scene.edits, strict=True)))  # fmt: skip
        tracks = tuple((key, Track(((0.0, 0.0), (1.0, high)), easing)) for key, high in grow)
        return replace(self.preset, tracks=tracks)

    def _output(self, word: str, values: Values) -> Output:
        path = values["name"] + ("/" if word == "frames" else f".{word}")
        same = (o for o in self.preset.outputs if Path(o.path).suffix == Path(path).suffix)
        output = replace(next(same, self.first), path=path)
        size, fps = values.get("size"), values.get("fps")
        form = format_of(path)
        reads = form.reads if form is not None else frozenset[str]()
        changes: dict[str, Any] = {
            "size": int(size) if size else None,
            "layout": values.get("layout", "frames"),
            "width": _whole(values.get("width")),
            "height": _whole(values.get("height")),
            "fit": values.get("fit", output.fit),
        }
        if fps:
            changes |= {"fps": read_fps(fps), "loop": values["loop"]}
        if "max_bytes" in reads:
            changes["max_bytes"] = values.get("max_bytes") or None
        codec = values.get("codec", "")
        if form is not None and form.codecs:
            changes["codec"] = codec if codec in form.codecs else None
        return fitting(replace(output, **changes))

    def targets(self, values: Values) -> list[Path]:
        """The files it will be."""
        return [Path(values["folder"]).expanduser() / o.path for o in self.made(values).outputs]

    def plan(self, values: Values) -> str:
        """What would come of it, in words. Blocking. Raises LattyError."""
        from latty.render import Options, plan
        from latty.render.updating import stale

        preset = self.made(values)
        options = Options(Path(values["folder"]).expanduser())
        fresh: tuple[Path, ...] = ()
        if values.get("overwrite") == UPDATE:
            preset, options, fresh = stale(preset, options)
        skipped = [f"{path} is up to date, and is left" for path in fresh]
        rows = plan(preset, options, self.own_size) if preset.outputs else []  # all is up to date
        return "\n".join([*skipped, *map(_words, rows)])

    def submit(self, values: Values) -> str:
        """The id of the job. Its preset is a copy, with copies of what it names of an archive: what
        is changed here later, or cleaned, changes nothing there. Blocking. Raises LattyError,
        OSError."""
        sheet, made = jobs.new_sheet(values["name"]), self.made(values)
        try:
            jobs.write_sheet(made, sheet)
            faults.refuse(made)  # mistakes are told here, not in a log
            out = Path(values["folder"]).expanduser()
            words = [
                "render",
                *SWITCHES.get(values["overwrite"], []),
                str(sheet),
            ]
            words += [f"--out-dir={out}", *dialogs_device.words(values)]
            return control.submit(words, int(values.get("gpus", 1)), dialogs_device.wish(values))
        except BaseException:
            shutil.rmtree(sheet.parent, ignore_errors=True)
            raise


def _whole(text: str | None) -> int | None:
    return int(text) if text else None


def _words(row: dict[str, Any]) -> str:
    """`renders/smile.gif: 48 pictures of 256 px, 94 frames in 3.9 s, about 12 MB`."""
    film = f", {row['frames']} frames in {row['seconds']:g} s" if row["seconds"] else ""
    some = "1 picture" if row["pictures"] == 1 else f"{row['pictures']} pictures"
    disk = f"about {bytes_words(row['bytes'])}"
    same = row["frame"] in (None, f"{row['width']} x {row['size']} px")
    frame = "" if same else f" in {row['frame']}"
    pictures = f"{some} of {size_words(row['size'], row['width'])}{frame}"
    return f"{row['path']}: {pictures}{film}, {disk}"


def seeds(text: str) -> list[int]:
    """As in 1-4,9: 64 at most. Raises UsageError, ValueError."""
    found = read_seeds(text)
    if len(found) > 64:
        raise ValueError("64 seeds at most")
    return found
