"""A sheet of a model's samples."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from latty.cli import signals
from latty.cli.out import Progress
from latty.cli.parser import Parser
from latty.cli.run import Run
from latty.cli.values import MOST, label, noise, seeds, whole
from latty.config import Config
from latty.errors import OutputError, UsageError, WouldOverwrite
from latty.presets import SCHEMA, Output, Preset
from latty.presets.formats import format_of
from latty.render import Options, write
from latty.scene import Scene
from latty.tables.words import shown

ORDER = 20


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
    args, config = run.args, run.config()
    preset, path = _preset(args), _target(args, config)
    if path.exists() and not args.force:
        raise WouldOverwrite(f"{path} is there already", "use --force, or name another with -o")
    _refuse_early(args.model, path)
    preset = replace(preset, outputs=(replace(preset.outputs[0], path=path.name),))
    progress = Progress(run.out, args.model)
    try:
        if args.label is not None:
            preset = _labelled(preset, args.label, config.device)
        options = Options(path.parent, config.device, args.force, config.batch)
        with signals.cooperative():
            write(preset, options, progress)
    finally:
        progress.close()
    run.say_notes(args.model)
    facts = {"path": str(path), "bytes": path.stat().st_size, "model": args.model}
    run.out.result(str(path), **facts, seeds=list(preset.seeds))
    run.show(path)
    return 0


def _preset(args: Any) -> Preset:
    """The sheet as a preset. Raises UsageError."""
    if not -2 <= args.truncation <= 2:
        raise UsageError("--truncation must be a number from -2 to 2")
    size, kind, wanted = whole("--size", args.size, 8, 4096), noise(args.noise), seeds(args.seeds)
    columns = whole("--columns", args.columns, 1, MOST) or math.ceil(math.sqrt(len(wanted)))
    scene = Scene(args.model, wanted[0], args.truncation, noise=kind, size=size)
    name = shown(f"{Path(args.model).stem}-samples")
    output = Output("", columns=columns, captions="short")
    return Preset(SCHEMA, name, scene, seeds=tuple(wanted), outputs=(output,))


def _labelled(preset: Preset, text: str, device: str) -> Preset:
    """The preset with a class; the model knows the names. Raises UsageError."""
    from latty.models import open_model

    generator = open_model(preset.scene.model, device)
    names = generator.class_names() if hasattr(generator, "class_names") else ()
    return replace(preset, scene=replace(preset.scene, label=label(text, names)))


def _refuse_early(model: str, path: Path) -> None:
    """What would fail at the end, or after torch was imported, fails now."""
    from latty.models.store import model_file

    model_file(model)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write into {path.parent}: {error.strerror}") from None


def _target(args: Any, config: Config) -> Path:
    """The sheet's file. Raises UsageError for one that is no still picture."""
    if args.output is None:
        return config.out_dir / f"{Path(args.model).stem}-samples.png"
    path, form = Path(args.output).expanduser(), format_of(args.output)
    if form is None or form.film or path.is_dir():
        raise UsageError(f"--output: {path} is no .png", "a sheet is a still picture")
    return path
