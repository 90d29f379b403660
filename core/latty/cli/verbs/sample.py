"""A sheet of a model's samples."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latty.cli import signals
from latty.cli.out import Progress
from latty.cli.parser import Parser
from latty.cli.run import Run
from latty.cli.values import MOST, label, noise, seeds, whole
from latty.config import Config
from latty.errors import OutputError, UsageError, WouldOverwrite
from latty.files import replace_whole
from latty.scene import Scene

if TYPE_CHECKING:
    from numpy import uint8
    from numpy.typing import NDArray

    from latty.report import Report

ORDER = 20


def scenes(args: Any) -> list[Scene]:
    """One scene per seed, as the flags say. Raises UsageError."""
    if not math.isfinite(args.truncation):
        raise UsageError("--truncation must be a number")
    size, kind = whole("--size", args.size, 1, 8192), noise(args.noise)
    return [
        Scene(args.model, seed, args.truncation, noise=kind, size=size)
        for seed in seeds(args.seeds)
    ]


def options(parser: Parser) -> None:
    """What it takes."""
    parser.epilog = 'stdout: the file written. --json: {"path", "bytes", "model", "seeds"}.'
    add = parser.add_argument
    add("model", metavar="MODEL", help="a name (latty list models) or a path")
    add("--seeds", default="0-15", metavar="LIST", help="such as 0-15,40 (default: 0-15)")
    add("--label", metavar="N", help="class: an index, a name, or a mixture such as 3=0.7,5=0.3")
    add("--truncation", type=float, default=1.0, metavar="PSI", help="1 = as sampled, 0 = mean")
    add("--noise", default="const", metavar="KIND", help="const, none or a seed")
    add("--size", type=int, metavar="PX", help="height of one picture")
    add("--columns", type=int, metavar="N", help="pictures in a row (default: nearly square)")
    add("-o", "--output", metavar="PATH", help="a .png (default: MODEL-samples.png in --out-dir)")
    add("--out-dir", metavar="DIR", help="where results go (default: renders)")
    add("--force", action="store_true", help="overwrite what is there")
    add("--show", action="store_true", help="show the sheet in this terminal afterwards")
    parser.add_device()
    parser.add_batch()
    parser.add_image()
    parser.add_json()


def run(run: Run) -> int:
    """Draw, lay out, write."""
    config, wanted = run.config(), scenes(run.args)
    columns = whole("--columns", run.args.columns, 1, MOST) or math.ceil(math.sqrt(len(wanted)))
    path = _target(run.args, config)
    if path.exists() and not run.args.force:
        raise WouldOverwrite(f"{path} is there already", "use --force, or name another with -o")
    _refuse_early(run.args.model, path)
    progress = Progress(run.out, run.args.model)
    try:
        pixels = sheet(wanted, columns, config, progress, label_text=run.args.label)
        _write(path, pixels, _recipe(run.args, wanted))
    finally:
        progress.close()
    run.say_notes(run.args.model)
    facts = {"path": str(path), "bytes": path.stat().st_size, "model": run.args.model}
    run.out.result(str(path), **facts, seeds=[scene.seed for scene in wanted])
    run.show(path)
    return 0


def _refuse_early(model: str, path: Path) -> None:
    """What would fail at the end, or after torch was imported, fails now."""
    from latty.models.store import model_file

    model_file(model)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write into {path.parent}: {error.strerror}") from None


def _target(args: Any, config: Config) -> Path:
    if args.output is None:
        return config.out_dir / f"{Path(args.model).stem}-samples.png"
    path = Path(args.output).expanduser()
    if path.suffix.lower() != ".png" or path.is_dir():
        raise UsageError(f"--output: {path} is no .png", "a sheet is a PNG")
    return path


def sheet(
    wanted: Sequence[Scene],
    columns: int,
    config: Config,
    report: "Report",
    captions: bool = True,
    label_text: str | None = None,
) -> "NDArray[uint8]":
    """One picture (H, W, 3) of all scenes, in rows, each with its seed below it."""
    from latty.models import open_model
    from latty.render import grids, pictures

    generator = open_model(wanted[0].model, config.device)
    if label_text is not None:
        names = generator.class_names() if hasattr(generator, "class_names") else ()
        wanted = [replace(scene, label=label(label_text, names)) for scene in wanted]
    drawn: list[NDArray[uint8]] = []
    with signals.cooperative():
        report(0, len(wanted), "samples")
        for batch in _batches(wanted, config.batch):
            drawn.extend(pictures(batch, generator))
            report(len(drawn), len(wanted), "samples")
    below = [str(scene.seed) for scene in wanted] if captions else []
    return grids.sheet(drawn, below, columns)


def _batches(items: Sequence[Scene], size: int) -> Iterator[Sequence[Scene]]:
    return (items[i : i + size] for i in range(0, len(items), size))


def _recipe(args: Any, wanted: Sequence[Scene]) -> str:
    """What was asked for, as the sheet's text field: not a preset, but enough to ask again."""
    from latty.cli.out import to_json

    names = ("truncation", "label", "noise", "size")
    said = {name: getattr(args, name) for name in names}
    model = Path(args.model).name  # a folder's name is nobody's business
    return to_json({"sample": {"model": model, "seeds": [s.seed for s in wanted], **said}})


def _write(path: Path, pixels: "NDArray[uint8]", recipe: str) -> None:
    """The whole file or none. Raises OutputError."""
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    text, data = PngInfo(), BytesIO()
    text.add_itxt("latty", recipe, zip=True)
    Image.fromarray(pixels).save(data, "PNG", pnginfo=text)
    try:
        replace_whole(path, [data.getvalue()])
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from None
