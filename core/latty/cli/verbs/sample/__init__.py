"""Draw a contact sheet of a model's samples, or a file for each, with their latents."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from latty.cli import signals
from latty.cli.parser import Parser
from latty.cli.run import Run
from latty.cli.values import (
    MOST,
    label,
    noise,
    seed_ranges,
    seeds,
    size,
    switches,
    truncation,
    whole,
)
from latty.errors import UsageError
from latty.presets import SCHEMA, Output, Preset
from latty.presets.formats import format_of
from latty.render import Allowed, Options, write
from latty.render.batch import refuse_early
from latty.scene import Scene

ORDER = 20


def options(parser: Parser) -> None:
    """What it takes."""
    parser.epilog = (
        "With --files a folder is written (docs/pools.md): a picture for each seed, their latents\n"
        "in latents.safetensors, and manifest.csv; the same command goes on where it was stopped.\n"
        "Eight pictures, of large ones fewer, are drawn at once there, whatever --batch says.\n\n"
        'stdout: the file or folder written. --json: {"path", "bytes", "model", "seeds"}, or\n'
        '{"path", "model", "files", "latents", "manifest", "arrays"}.'
    )
    add = parser.add_argument
    add("model", metavar="MODEL", help="a name (latty list models) or a path")
    add("--seeds", default="0-15", metavar="LIST", help="such as 0-15,40 (default: 0-15)")
    add("--label", metavar="N", help="class: an index, a name, or a mixture: husky:0.7,lynx:0.3")
    add("--truncation", type=float, default=1.0, metavar="PSI", help="1 = as sampled, 0 = mean")
    add("--noise", default="const", metavar="KIND", help="const, none or a seed")
    add("--size", type=int, metavar="PX", help="height of one picture")
    add("--columns", type=int, metavar="N", help="pictures in a row (default: nearly square)")
    add("--files", metavar="NAME", help="a file for each seed in the folder -o, such as "
        "{seed:06d}.png")  # fmt: skip
    add("--save-latents", metavar="LIST", help="with --files: z, w (behind the mapping), wp (of "
        "each layer), or several as in z,w (default: z)")  # fmt: skip
    add("-o", "--output", metavar="PATH", help="a .png (default: MODEL-samples.png in --out-dir); "
        "with --files a folder (default: MODEL-pool)")  # fmt: skip
    add("--out-dir", metavar="DIR", help="where results go (default: renders)")
    add("--show", action="store_true", help="show the sheet in this terminal afterwards")
    parser.add_recipe()
    parser.add_switches()
    parser.add_device()
    parser.add_precision()
    parser.add_batch()
    parser.add_image()
    parser.add_json()


def run(run: Run) -> int:
    """Draw, lay out, write; with --files a pool. Raises UsageError."""
    args, config = run.args, run.config()
    if args.files is not None:
        from latty.cli.verbs.sample import pool

        return pool.write(run, _scene(args))
    if args.save_latents is not None:
        raise UsageError("--save-latents goes with --files", "such as --files {seed:06d}.png")
    scene, columns = _scene(args), whole("--columns", args.columns, 1, MOST)
    path, wanted = _target(args, config.out_dir), seeds(args.seeds)
    refuse_early(args.model, [path], switches(args)["overwrite"])
    allowed: list[Allowed] = []
    with run.progress(args.model) as progress:
        scene = replace(
            scene, label=label(args.label, args.model, config.device, run.precision(args.model))
        )
        columns = columns or math.ceil(math.sqrt(len(wanted)))
        output = Output(path.name, columns=columns, captions="short")
        preset = Preset(SCHEMA, "samples", scene, seeds=tuple(wanted), outputs=(output,))
        options = Options(
            path.parent,
            config.device,
            precision=run.precision(args.model),
            batch=config.frames_at_once,
            recipe=config.recipe,
            tell=allowed.append,
            **switches(args),
        )
        with signals.cooperative():
            write(preset, options, progress)
    run.say_allowed(allowed)
    run.say_notes(args.model)
    facts = {"path": str(path), "bytes": path.stat().st_size, "model": args.model}
    run.out.result(str(path), **facts, seeds=wanted)
    run.show(path)
    return 0


def _scene(args: Any) -> Scene:
    """What every picture shares. Raises UsageError."""
    psi, height = truncation(args.truncation), size(args.size)
    first = seed_ranges(args.seeds)[0].start
    return Scene(args.model, first, psi, noise=noise(args.noise), size=height)


def _target(args: Any, out_dir: Path) -> Path:
    """The sheet's file. Raises UsageError for one that is no still picture."""
    if args.output is None:
        return out_dir / f"{Path(args.model).stem}-samples.png"
    path, form = Path(args.output).expanduser(), format_of(args.output)
    if form is None or form.film or path.is_dir():
        raise UsageError(f"--output: {path} is no .png", "a sheet is a still picture")
    return path
