"""`latty sample`: a sheet of a model's samples."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latty.cli import signals
from latty.cli.main import Run
from latty.cli.out import Progress
from latty.config import Config
from latty.errors import OutputError, UsageError, WouldOverwrite, did_you_mean
from latty.files import replace_whole
from latty.scene import SEED_LIMIT, Label, Noise, Scene

if TYPE_CHECKING:
    from numpy import uint8
    from numpy.typing import NDArray

    from latty.report import Report

MOST = 4096  # pictures on a sheet


def seeds(text: str) -> list[int]:
    """Seeds of a list such as 0-15,40. Raises UsageError."""
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        ends = [first, last] if dash else [first, first]
        if not all(end.isascii() and end.isdecimal() and len(end) <= 10 for end in ends):
            raise UsageError(f"--seeds: '{part}' is no seed or range", "for example 0-15,40")
        low, high = int(ends[0]), int(ends[1])
        if not low <= high < SEED_LIMIT:
            raise UsageError(f"--seeds: '{part}' is no rising range below 2^32", "as in 0-15")
        if len(found) + high - low >= MOST:
            raise UsageError(f"--seeds: more than {MOST} pictures", "make several sheets")
        found += range(low, high + 1)
    return found


def noise(text: str) -> Noise:
    """const, none or a seed. Raises UsageError."""
    if text == "const":
        return "const"
    if text == "none":
        return "none"
    if text.isascii() and text.isdecimal() and int(text[:11]) < SEED_LIMIT:
        return int(text)
    raise UsageError(f"--noise: '{text}' is no kind of noise", "const, none or a seed")


def _whole(name: str, text: str | int | None, low: int, high: int) -> int | None:
    if text is None:
        return None
    if not str(text).isascii() or not str(text).isdecimal() or not low <= int(text) <= high:
        raise UsageError(f"{name}: '{text}' is no whole number from {low} to {high}")
    return int(text)


def scenes(args: Any) -> list[Scene]:
    """One scene per seed, as the flags say. Raises UsageError."""
    if not math.isfinite(args.truncation):
        raise UsageError("--truncation must be a number")
    size, kind = _whole("--size", args.size, 1, 8192), noise(args.noise)
    return [
        Scene(args.model, seed, args.truncation, noise=kind, size=size)
        for seed in seeds(args.seeds)
    ]


def label(text: str, names: Sequence[str]) -> Label:
    """A class index, a class name, or a mixture such as husky=0.7,corgi=0.3. Raises UsageError."""
    pairs: list[tuple[int, float]] = []
    for part in text.split(","):
        name, equals, weight = (word.strip() for word in part.rpartition("="))
        name, share = (name, weight) if equals else (weight, "1")
        if name in names:
            index = list(names).index(name)
        elif name.isascii() and name.isdecimal() and len(name) < 8:
            index = int(name)
        else:
            hint = did_you_mean(name, names) or "this model's classes have no names: give an index"
            raise UsageError(f"--label: no class '{name}'", hint)
        try:
            pairs.append((index, float(share)))
        except ValueError:
            raise UsageError(f"--label: '{share}' is no weight", "as in 3=0.7,5=0.3") from None
    return pairs[0][0] if len(pairs) == 1 and pairs[0][1] == 1 else tuple(pairs)


def sample(run: Run) -> int:
    """Draw, lay out, write."""
    config, wanted = run.config(), scenes(run.args)
    columns = _whole("--columns", run.args.columns, 1, MOST) or math.ceil(math.sqrt(len(wanted)))
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
    tell_notes(run, run.args.model, config)
    facts = {"path": str(path), "bytes": path.stat().st_size, "model": run.args.model}
    run.out.result(str(path), **facts, seeds=[scene.seed for scene in wanted])
    if run.args.show and run.screen is not None:
        run.screen.show(path, config, run.out)
    return 0


def tell_notes(run: Run, model: str, config: Config) -> None:
    """Say what was made up for a model whose file does not hold everything."""
    from latty.models import model_notes

    for note in model_notes(model, config.device):
        run.out.say(f"{Path(model).name}: {note}")


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
