"""What to make of the present state: formats, size, length; then it is a job."""

import asyncio
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from latty.cli.values import seeds as read_seeds
from latty.errors import LattyError
from latty.jobs import control
from latty.presets.formats import FOLDER, formats
from latty.presets.values import Output, Preset, Track
from latty.scene import Walk
from latty.text import printable
from latty_tui import jobs
from latty_tui.dialogs import device as dialogs_device
from latty_tui.dialogs.fields import FormField, Values, number, or_empty, whole
from latty_tui.dialogs.form import Form
from latty_tui.films import film
from latty_tui.state import FilmSettings

if TYPE_CHECKING:
    from latty_tui.desk import Desk

STILL, SWEEP = "a still", "edits from 0 to here"
LOOPS, LAYOUTS = ("once", "loop", "bounce"), ("frames", "grid", "strip")
SETTLE = 0.15  # seconds after the last key until the plan is made


async def ask(desk: "Desk") -> None:
    """Ask how, and hand the job in. Raises BadData where keyframes do not go together."""
    preset = await asyncio.to_thread(film.preset_of, desk.state)
    devices = await asyncio.to_thread(dialogs_device.devices, desk.config.device)
    order = Order(preset, desk.config.out_dir, desk.model.resolution if desk.model else 256)
    values = await desk.answer(RenderForm(order, devices, desk.config.device))
    if values is None:
        return
    job = await asyncio.to_thread(order.submit, values)
    desk.tell(lambda panel: panel.on_submitted(job))
    warning = await asyncio.to_thread(dialogs_device.logout_kills)
    desk.say(f"job {job[-4:]}: render {printable(values['name'])} (w: the queue)")
    if warning:
        desk.say(warning, "warning")


@dataclass(frozen=True, slots=True)
class Order:
    """What is rendered: a preset of the state, and what the form says of it."""

    preset: Preset
    folder: Path
    own_size: int

    @property
    def moves(self) -> bool:
        """Whether it is a film by itself."""
        return film.moves(self.preset)

    @property
    def first(self) -> Output:
        """The output whose settings the form starts with."""
        return self.preset.outputs[0] if self.preset.outputs else Output("picture.png")

    def moving(self, values: Values) -> bool:
        return self.moves or values.get("moves") == SWEEP

    def made(self, values: Values) -> Preset:
        """The preset as the form wants it."""
        preset = self._swept(values) if values.get("moves") == SWEEP else self.preset
        frames = int(values["frames"]) if values.get("frames") else preset.frames
        if "seeds" in values:
            seeds = tuple(read_seeds(values["seeds"])) if values["seeds"] else ()
            first = seeds[0] if seeds else preset.scene.seed
            preset = replace(preset, seeds=seeds, scene=replace(preset.scene, seed=first))
        outputs = tuple(self._output(word, values) for word in values["formats"].split(","))
        return replace(preset, name=values["name"], frames=frames, outputs=outputs)

    def _swept(self, values: Values) -> Preset:
        """A still whose edits grow from nothing to what they are."""
        scene, easing = self.preset.scene, values.get("easing", "smooth")
        grow = ((f"edits.{i}.strength", edit.strength) for i, edit in enumerate(scene.edits))
        tracks = tuple((key, Track(((0.0, 0.0), (1.0, high)), easing)) for key, high in grow)
        return replace(self.preset, tracks=tracks)

    def _output(self, word: str, values: Values) -> Output:
        path = values["name"] + ("/" if word == "frames" else f".{word}")
        same = (o for o in self.preset.outputs if Path(o.path).suffix == Path(path).suffix)
        output = replace(next(same, self.first), path=path)
        size, fps = values.get("size"), values.get("fps")
        output = replace(output, size=int(size) if size else None)
        if fps:
            loop: Any = values["loop"]
            output = replace(output, fps=float(fps), loop=loop)
        layout: Any = values.get("layout", "frames")
        return replace(output, layout=layout)

    def targets(self, values: Values) -> list[Path]:
        """The files it will be."""
        return [Path(values["folder"]).expanduser() / o.path for o in self.made(values).outputs]

    def plan(self, values: Values) -> str:
        """What would come of it, in words. Blocking. Raises LattyError."""
        from latty.render import Options, plan

        preset = self.made(values)
        sized = (replace(o, size=o.size or preset.scene.size or self.own_size)
                 for o in preset.outputs)  # fmt: skip
        options = Options(Path(values["folder"]).expanduser())
        return "\n".join(
            _words(row) for row in plan(replace(preset, outputs=tuple(sized)), options)
        )

    def submit(self, values: Values) -> str:
        """The id of the job. Its preset is a copy: what is changed here later changes nothing
        there. Blocking. Raises LattyError, OSError."""
        from latty import presets

        sheet = jobs.new_sheet(values["name"])
        try:
            presets.save(self.made(values), sheet)
            presets.read(sheet)  # mistakes are told here, not in a log
            out = Path(values["folder"]).expanduser()
            words = ["render", *(["--force"] if values["force"] == "yes" else []), str(sheet)]
            words += [f"--out-dir={out}", *dialogs_device.words(values)]
            return control.submit(words, int(values.get("gpus", 1)), dialogs_device.wish(values))
        except BaseException:
            shutil.rmtree(sheet.parent, ignore_errors=True)
            raise


def _words(row: dict[str, Any]) -> str:
    """`renders/smile.gif: 48 pictures of 256 px, 94 frames in 3.9 s, at most 12 MB of disk`."""
    film_of = f", {row['frames']} frames in {row['seconds']:g} s" if row["seconds"] else ""
    some = "1 picture" if row["pictures"] == 1 else f"{row['pictures']} pictures"
    disk = f"at most {max(0.1, row['bytes'] / 1e6):.3g} MB of disk"
    return f"{row['path']}: {some} of {row['size']} px{film_of}, {disk}"


class RenderForm(Form):
    """The form, with the plan of what would be made below it."""

    HELP: ClassVar[str] = "What a render will be. The line below says what comes of it."

    def __init__(self, order: Order, devices: Sequence[str], device: str) -> None:
        super().__init__("render", _fields(order, devices, device))
        self.order = order
        self._timer: Any = None
        self._free_name()

    def _free_name(self) -> None:
        """Not that of a file that is there."""
        field, values = self.fields["name"], {n: f.value for n, f in self.fields.items()}
        for count in range(2, 1000):
            with suppress(LattyError, ValueError):
                if not any(path.exists() for path in self.order.targets(values)):
                    break
            values["name"] = f"{field.value}-{count}"
        self.fields["name"] = replace(field, value=values["name"])

    def check(self, values: Values) -> tuple[str, str] | None:
        if not values["formats"]:
            return "formats", "choose a format: Space"
        if values["force"] == "no":
            there = next((path for path in self.order.targets(values) if path.exists()), None)
            if there is not None:
                return "name", f"{there} is there already: another name, or overwrite it"
        return None

    def changed(self, values: Values) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(SETTLE, lambda: self._plan(values))

    def _plan(self, values: Values) -> None:
        self.run_worker(self._tell_plan(values), group="plan", exclusive=True, exit_on_error=False)

    async def _tell_plan(self, values: Values) -> None:
        try:
            self.tell(await asyncio.to_thread(self.order.plan, values))
        except (LattyError, OSError) as error:
            self.tell(str(error), wrong=True)


def _fields(order: Order, devices: Sequence[str], device: str) -> list[FormField]:
    preset, first = order.preset, order.first
    sweep = not order.moves and bool(preset.scene.edits)
    fixed = isinstance(preset.scene.seed, Walk) or preset.scene.latent is not None
    ways = (SWEEP, STILL) if sweep else (STILL,)
    return [
        FormField("name", "name", _name(order), "of the file, without its ending",
              read=_file_name),
        FormField("moves", "as", ways[0], "a film in which the edits grow, or one picture", ways,
              when=lambda values: sweep),
        FormField("formats", "formats", "gif" if sweep or order.moves else "png",
              "Space: this one too; frames is a folder of PNGs", _formats(), many=True),
        FormField("size", "height in px", str(first.size or ""),
              f"empty: the model's own, {preset.scene.size or order.own_size}",
              read=or_empty(whole(8, 4096))),
        *_film_fields(order),
        FormField("layout", "the png is", first.layout,
              "frames: a sheet; grid, strip: edits in steps from -3 to +3", LAYOUTS,
              when=lambda values: bool(preset.scene.edits)
              and "png" in values["formats"].split(",")),
        FormField("seeds", "seeds", ",".join(map(str, preset.seeds)),
              "empty: this one; as in 1-4,9: all of them side by side",
              read=or_empty(_seeds), when=lambda values: not fixed),
        FormField("folder", "into", str(order.folder), "the folder of the files", read=_some),
        FormField("force", "overwrite", "no", "files of that name", ("no", "yes")),
        *dialogs_device.fields(devices, device),
    ]  # fmt: skip


def _formats() -> tuple[str, ...]:
    """Films, pictures, and "frames" for a folder of them."""
    found = [one for one in formats().values() if one.offered]
    found.sort(key=lambda one: (one.suffix == FOLDER, not one.film, one.suffix))
    return tuple("frames" if one.suffix == FOLDER else one.suffix[1:] for one in found)


def _film_fields(order: Order) -> list[FormField]:
    """How long, how fast, how often: of what moves."""
    usual, first = FilmSettings(), order.first
    frames, fps, loop = usual.frames, usual.fps, usual.loop
    if order.moves:
        frames, fps, loop = order.preset.frames, first.fps, first.loop
    return [
        FormField("frames", "frames", str(frames), "how many pictures the film has",
              read=whole(2, 100000), when=order.moving),
        FormField("fps", "pictures a second", f"{fps:g}", "from 1 to 120", read=number(1, 120),
              when=order.moving),
        FormField("loop", "then", loop,
              "once: it stops; loop: again from the start; bounce: there and back", LOOPS,
              when=order.moving),
    ]  # fmt: skip


def _name(order: Order) -> str:
    """What it is called already, else after its edits, or its model and seed."""
    scene = order.preset.scene
    if order.preset.name != film.UNNAMED:
        return Path(order.first.path).stem or order.preset.name
    words = [edit.direction.replace("#", "/").rpartition("/")[2] for edit in scene.edits[:2]]
    words = words or [Path(scene.model).stem, str(scene.seed if isinstance(scene.seed, int) else 0)]
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in "-".join(words))[:60]


def _some(text: str) -> str:
    if not text:
        raise ValueError("a folder, as in renders")
    return text


def _seeds(text: str) -> list[int]:
    found = read_seeds(text)
    if len(found) > 64:
        raise ValueError("64 seeds at most")
    return found


def _file_name(text: str) -> str:
    from latty.presets.paths import name_fault

    if "/" in text or (fault := name_fault(f"{text}.gif")):
        raise ValueError("a name without a slash" if "/" in text else f"it {fault}")
    if not text:
        raise ValueError("a name")
    return text
