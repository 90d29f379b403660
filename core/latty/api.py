"""What `import latty` offers beside the plain values: pictures, films, directions, rankings.

Each function is a few lines over the rooms below, with a progress bar where work is long. What it
returns shows itself in a notebook.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from latty.interactive import viewing, working
from latty.presets import SCHEMA, Output, Preset
from latty.presets import read as read_preset
from latty.scene import FP32, Edit, Layers, Scene

if TYPE_CHECKING:  # torch and numpy take seconds to import
    import numpy as np
    from numpy.typing import NDArray

    from latty.attributes.base import Scorer
    from latty.directions.file import DirectionSet
    from latty.rank import RankRow

__all__ = ["discover", "open_directions", "open_scorer", "picture", "rank_directions",
           "read_preset", "render_preset", "strip"]  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False)
class Picture:
    """A picture or a sheet: `png` is the file, with the preset that draws it again inside."""

    preset: Preset
    png: bytes
    device: str = "auto"

    @property
    def pixels(self) -> "NDArray[np.uint8]":
        """The picture (H, W, 3) uint8, with an opacity (H, W, 4)."""
        from io import BytesIO

        import numpy as np
        from PIL import Image

        with Image.open(BytesIO(self.png)) as image:
            return np.asarray(image if image.mode == "RGBA" else image.convert("RGB"))

    def save(self, path: str | Path, overwrite: bool = False) -> Path:
        """Write it as a .png, .webp, .gif ...; the suffix chooses. `latty render` makes it again
        from that file. Raises WouldOverwrite, OutputError, PresetError for another suffix."""
        place = Path(path).expanduser()
        output = replace(self.preset.outputs[0], path=place.name)
        return render_preset(
            replace(self.preset, outputs=(output,)), place.parent, self.device, overwrite
        )[0]

    def __repr__(self) -> str:
        return f"<Picture of {self.preset.scene.model}, {len(self.png):,} bytes>"

    def _repr_png_(self) -> bytes:
        return self.png


def picture(scene: Scene | str, device: str = "auto", **fields: Any) -> Picture:
    """The picture of a scene, or of a model's name and fields of Scene: `picture("demo", seed=7)`.

    Raises Missing, BadData, DeviceError.
    """
    shown = replace(scene, **fields) if isinstance(scene, Scene) else Scene(scene, **fields)
    return _drawn(shown, Output("picture.png", captions=False), device)


def strip(
    scene: Scene | str,
    direction: str | Edit,
    span: float = 3.0,
    columns: int = 7,
    layers: Layers | None = None,
    device: str = "auto",
    **fields: Any,
) -> Picture:
    """One row of pictures: the scene with `direction` at strengths from -span to +span sigma.

    Raises Missing, BadData, DeviceError.
    """
    shown = replace(scene, **fields) if isinstance(scene, Scene) else Scene(scene, **fields)
    edit = direction if isinstance(direction, Edit) else Edit(direction, 0.0, layers)
    shown = replace(shown, edits=(*shown.edits, edit))
    return _drawn(shown, Output("strip.png", layout="strip", span=span, columns=columns), device)


def _drawn(scene: Scene, output: Output, device: str) -> Picture:
    """Drawn by the very road that `latty render` takes."""
    preset = Preset(SCHEMA, Path(output.path).stem, scene, outputs=(output,))
    with TemporaryDirectory(prefix="latty-") as folder:
        return Picture(preset, render_preset(preset, folder, device)[0].read_bytes(), device)


def render_preset(
    preset: Preset | str | Path,
    out_dir: str | Path = "renders",
    device: str = "auto",
    overwrite: bool = False,
    overrides: Sequence[str] = (),
    anyway: bool = False,
    precision: str | None = None,
) -> list[Path]:
    """Render every output of a preset, a preset file, a shipped preset's name or a picture that
    latty made; the files written.

    overrides  as of `latty render --set`: ["scene.seed=3"]
    precision  "fp32", "bf16" or "fp16", in the place of what it says; None = as it says, else fp32
    anyway     what a picture was made of, or a preset pins, may have other content here

    A call that was stopped goes on where it was. Raises PresetError, Missing, BadData,
    UsageError, WouldOverwrite, OutputError, DeviceError.
    """
    from latty.render import Options, write
    from latty.render.requests import RenderRequest, requested

    options = Options(Path(out_dir).expanduser(), device, overwrite)
    if isinstance(preset, Preset):
        requests = [RenderRequest(preset, options, tuple(overrides), anyway=anyway,
                                  precision=precision)]  # fmt: skip
    else:
        requests = requested([str(preset)], options, tuple(overrides), anyway=anyway,
                             precision=precision, goes_on=True)  # fmt: skip
    checked = [request.checked() for request in requests]
    paths = [path for one in checked for path in one.fresh]
    for wanted in (one for one in checked if one.preset.outputs or not one.fresh):
        with working(wanted.preset.name) as report:
            paths += write(wanted.preset, wanted.options, report)
    return paths


@dataclass(frozen=True, slots=True, repr=False)
class Directions(Sequence[Edit]):
    """A direction set: a sequence of edits of strength 1, by number or by name.

    `faces["smile"]` is an Edit; `faces.edit("smile", 2.5)` one of another strength.
    """

    ref: str
    header: "DirectionSet"

    @property
    def names(self) -> list[str]:
        """The directions' names, in file order."""
        return [info.name for info in self.header.infos]

    def edit(self, name: str, strength: float = 1.0, **fields: Any) -> Edit:
        """The move along a direction by `strength` sigma; `fields` are those of Edit. Raises
        Missing."""
        from latty.directions.store import reference

        return Edit(reference(self.ref, name), strength, **fields)

    def __len__(self) -> int:
        return len(self.header.infos)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice):
            return [self.edit(name) for name in self.names[key]]
        return self.edit(key if isinstance(key, str) else self.names[key])

    def __iter__(self) -> Iterator[Edit]:
        return map(self.edit, self.names)

    def __repr__(self) -> str:
        return f"<Directions {self.ref}: {', '.join(self.names[:8])}{' ...' * (len(self) > 8)}>"

    def _repr_html_(self) -> str:
        header = self.header
        rows = [
            (info.name, f"{info.usable[0]:+g} to {info.usable[1]:+g}", str(info.layers),
             ", ".join(f"{name} {score:.3g}" for name, score in info.scores))
            for info in header.infos
        ]  # fmt: skip
        state = "" if header.complete else ", unfinished"
        title = f"{self.ref}: {header.method} of {header.model}, space {header.space}{state}"
        return _table(title, ("direction", "usable (σ)", "layers", "scores"), rows)


def open_directions(ref: str) -> Directions:
    """A direction set: its name in the store, or its file. Raises Missing, BadData."""
    from latty.directions.store import set_info

    return Directions(ref, set_info(ref))


def discover(
    method: str,
    model: str,
    name: str,
    device: str = "auto",
    overwrite: bool = False,
    precision: str = FP32,
    **params: Any,
) -> Directions:
    """Find directions of a model and keep them under `name`, as `latty discover` does.

    method  "ganspace", "sefa", "interfacegan", ...: see `latty list methods`
    precision  in which the model draws what is looked at; methods that train take fp32 only
    params  the method's own: `discover("ganspace", "demo", "mine", components=20)`

    Ctrl-C keeps what was found so far, and the same call goes on. Raises UsageError for a
    parameter that the method does not have, Missing, BadData, WouldOverwrite, Locked.
    """
    from latty.directions.discovery import claimed
    from latty.directions.discovery import discover as search
    from latty.models import open_model

    with claimed(name) as target, working(method) as report:
        generator = open_model(model, device, precision)
        search(method, params, generator, target, report, overwrite, viewing=viewing())
    return open_directions(name)


def open_scorer(name: str) -> "Scorer":
    """A scorer of pictures: "factors", "brightness", ..., one of the store or a card's path.

    Raises Missing, BadData.
    """
    from latty.attributes import open_scorer as opened

    return opened(name)


@dataclass(frozen=True, slots=True, repr=False)
class Ranking(Sequence["RankRow"]):
    """What each direction does to each attribute, strongest correlation first."""

    ref: str
    rows: "tuple[RankRow, ...]"

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Any) -> Any:
        return self.rows[index]

    def __repr__(self) -> str:
        return f"<Ranking of {self.ref}: {len(self)} rows>"

    def _repr_html_(self) -> str:
        rows = [
            (row.attribute, row.direction, f"{row.figures.corr:+.2f}", f"{row.amplitude:+.2f}",
             f"{row.selectivity:.2f}")
            for row in self.rows
        ]  # fmt: skip
        head = ("attribute", "direction", "corr", "amplitude (sd)", "selectivity")
        return _table(f"{self.ref}, ranked", head, rows)


def rank_directions(
    ref: str,
    scorers: str,
    seeds: Iterable[int] = range(16),
    model: str = "",
    device: str = "auto",
    steps: int = 7,
    precision: str = FP32,
) -> Ranking:
    """Measure what each direction of a set does to the attributes of `scorers` ("smile,yaw").

    model      another one than the set was made for
    precision  in which the model draws

    Raises Missing, UsageError, BadData.
    """
    from latty import rank

    plan, generator = rank.planned(ref, model, scorers, device, seeds=tuple(seeds), steps=steps,
                                   precision=precision)  # fmt: skip
    with working("rank") as report:
        found = rank.rows(rank.curves(plan, generator, report))
    order = sorted(found, key=lambda row: (row.attribute, -abs(row.figures.corr)))
    return Ranking(ref, tuple(order))


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """An HTML table whose cells are escaped."""

    def line(cells: Sequence[str], tag: str) -> str:
        return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"

    body = "".join(line(row, "td") for row in rows)
    return f"<table><caption>{escape(title)}</caption>{line(head, 'th')}{body}</table>"
