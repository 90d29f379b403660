"""Presets (or pictures that latty made) become GIFs, videos and pictures."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latty.cli import detach as cli_detach
from latty.cli import signals, sources, workers
from latty.cli.out import Progress, seconds
from latty.cli.parser import Parser
from latty.cli.run import Run
from latty.config import Config
from latty.errors import Interrupted, LattyError, UsageError, explain

if TYPE_CHECKING:
    from latty.presets import Preset
    from latty.render import Options

ORDER = 10
DETACHES = True


def options(parser: Parser) -> None:
    """What it takes."""
    parser.epilog = (
        "PRESET is a .toml file, the name of a shipped preset (hello), - for stdin, or a picture\n"
        "that latty made: it is rendered again under its own name into --out-dir.\n\n"
        'stdout: the files written. --json: {"preset", "path", "bytes"} per file, or, for a\n'
        'preset that failed, {"preset", "error", "hint", "code"}. --dry-run --json: the plan,\n'
        "one object per file that would be written."
    )
    add = parser.add_argument
    add("presets", nargs="+", metavar="PRESET")
    add("--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides",
        help="change a value of the preset, as in scene.seed=3")  # fmt: skip
    add("--out-dir", metavar="DIR", help="where results go (default: renders)")
    add("-o", "--output", metavar="PATH", help="write one file, there; the suffix is its format")
    add("--force", action="store_true", help="overwrite what is there; apply directions of others")
    add("--dry-run", action="store_true", help="say what would be made; write nothing")
    add("--show", action="store_true", help="show the results in this terminal afterwards")
    parser.add_detach()
    parser.add_workers()
    parser.add_device()
    parser.add_batch()
    parser.add_image()
    parser.add_json()


def run(run: Run) -> int:
    """Every preset in turn; one that fails does not stop the others."""
    if run.args.output is not None and len(run.args.presets) > 1:
        raise UsageError("--output names one file, for one preset", "use --out-dir")
    if run.args.detach:
        for ref in run.args.presets:
            sources.read(ref, run.args.overrides)  # mistakes are told here, not in a log
        return cli_detach.detached(run, run.args.presets)
    spread = len(run.args.presets) > 1 or run.args.engine == "ray"
    if workers.asked(run) and spread and not run.args.dry_run:
        from latty.cli import apart

        return _summed(run, apart.render(run))
    config, failed = run.config(), 0
    for ref in run.args.presets:
        signals.check("the same command goes on with the rest")
        try:
            one(ref, run, config)
        except (Interrupted, BrokenPipeError):
            raise
        except Exception as error:
            tell_failure(ref, run, error)
            failed += 1
    return _summed(run, failed)


def _summed(run: Run, failed: int) -> int:
    if failed:
        run.out.error(f"{failed} of {len(run.args.presets)} presets failed")
    return 1 if failed else 0


def tell_failure(ref: str, run: Run, error: Exception) -> None:
    """Raises the error where nobody foresaw it, or where there is no other preset to go on with."""
    known = explain(error)
    if known is not None and run.out.json:
        run.out.result("", preset=ref, error=known.message, hint=known.hint,
                       code=known.exit_code)  # fmt: skip
    if known is None or len(run.args.presets) == 1:
        raise error
    run.out.error(_place(ref, known))


def _place(ref: str, error: LattyError) -> str:
    """With several presets an error must say whose it is."""
    text = str(error)
    return text if ref in text else f"{ref}: {text}"


def one(ref: str, run: Run, config: Config) -> None:
    """One preset: its files, and what is said of them."""
    source = sources.read(ref, run.args.overrides)
    preset, options = _aimed(source, run, config)
    if run.args.dry_run:
        return _plan(preset, options, run)
    paths = _write(preset, options, run)
    run.say_notes(preset.scene.model)
    for path in paths:
        run.out.result(str(path), preset=preset.name, path=str(path), bytes=_size(path))
    for path in paths:
        run.show(path)


def _aimed(source: sources.Source, run: Run, config: Config) -> "tuple[Preset, Options]":
    """The preset with its outputs where the command line wants them."""
    from latty.presets import Output
    from latty.render import Options

    preset, out_dir = source.preset, config.out_dir
    if run.args.output is not None:
        target = Path(run.args.output).expanduser()
        same = [o for o in preset.outputs if Path(o.path).suffix == target.suffix]
        chosen = replace((same or preset.outputs or (Output(""),))[0], path=target.name)
        preset, out_dir = replace(preset, outputs=(chosen,)), target.parent
    options = Options(
        out_dir=out_dir,
        device=config.device,
        force=run.args.force,
        batch=config.batch if run.args.batch or not source.batches else source.batches,
        sidecar=config.sidecar,
        preset_file=source.file,
    )
    return preset, options


def _plan(preset: "Preset", options: "Options", run: Run) -> None:
    from latty.render import plan

    for item in plan(preset, options):
        run.out.result(_words(item), **item)


def _words(item: dict[str, Any]) -> str:
    """`renders/x.gif  frames 48, size 256, ...`."""
    rest = ", ".join(f"{k} {v}" for k, v in item.items() if k != "path" and v is not None)
    return f"{item.get('path', '')}  {rest}".strip()


def _write(preset: "Preset", options: "Options", run: Run) -> list[Path]:
    """All outputs. A signal from here on finishes its frame first."""
    import time

    import torch  # noqa: F401  the slow part, while a signal may still leave at once

    from latty.render import write

    progress, begun = Progress(run.out, preset.name), time.monotonic()
    with signals.cooperative():
        try:
            paths = write(preset, options, progress)
        finally:
            progress.close()
    run.out.say(f"{preset.name}: {seconds(time.monotonic() - begun)}", loudness=1)
    return paths


def _size(path: Path) -> int:
    """Bytes of a file, or of the numbered frames in a folder."""
    if path.is_dir():
        return sum(file.stat().st_size for file in path.iterdir() if file.is_file())
    return path.stat().st_size
