"""Render presets, or pictures made by latty, to GIF, video and PNG."""

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latty.cli import detach as cli_detach
from latty.cli import signals, workers
from latty.cli.parser import Parser
from latty.cli.run import Run
from latty.cli.values import switches
from latty.errors import Interrupted, LattyError, UsageError, explain, worst
from latty.presets.formats import STREAM
from latty.render import Options, plan, refuse_early
from latty.render.batch import Rendered, render_one, render_there
from latty.render.requests import CheckedRequest, RenderRequest, checked, requested

if TYPE_CHECKING:  # these bring torch
    from latty.jobs.pool import Pool

ORDER = 10
DETACHES = True
STREAMS = ("y4m", "raw", "png")
GO_ON = "the same command goes on with the rest"


def options(parser: Parser) -> None:
    """What it takes."""
    parser.epilog = (
        "PRESET is a .toml file, the name of a shipped preset (hello), - for stdin, an archive of\n"
        "latty pack (FILE.latty, or FILE.latty#NAME), or a picture that latty made: it is\n"
        "rendered again under its own name into --out-dir.\n\n"
        'stdout: the files written. --json: {"preset", "path", "bytes"} per file, or, for a\n'
        'preset that failed, {"preset", "error", "hint", "code"}. --dry-run --json: the plan,\n'
        "one object per file that would be written."
    )
    add = parser.add_argument
    add("presets", nargs="+", metavar="PRESET")
    add("--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides",
        help="change a value of the preset, as in scene.seed=3")  # fmt: skip
    add("--out-dir", metavar="DIR", help="where results go (default: renders)")
    add(
        "-o",
        "--output",
        metavar="PATH",
        help="write one file, there; the suffix is its format, / at its end numbered frames; "
        "- is stdout, for ffmpeg",
    )
    add("--format", choices=STREAMS, help="of -o -: y4m (default), raw (rgb24), png")
    add("--dry-run", action="store_true", help="say what would be made; write nothing")
    add("--show", action="store_true", help="show the results in this terminal afterwards")
    add("--update", action="store_true",
        help="only what is not up to date by the recipe in it, or is missing")  # fmt: skip
    add("--anyway", action="store_true",
        help="what it pins, or a picture was made of, is another here: use that")  # fmt: skip
    parser.add_recipe()
    parser.add_switches()
    parser.add_detach()
    parser.add_workers()
    parser.add_device()
    parser.add_precision()
    parser.add_batch()
    parser.add_image()
    parser.add_json()


def run(run: Run) -> int:
    """Every preset in turn; one that fails does not stop the others, and the code is that of the
    worst. Raises UsageError."""
    args = run.args
    requests = _requests(run)
    if args.output is not None and len(requests) > 1:
        raise UsageError("--output names one file, for one preset", "use --out-dir")
    if args.output == STREAM:
        _refuse_beside_stream(run)
    if run.out.asks and not args.detach:
        requests = [one if one.is_stream else _answered(one, run) for one in requests]
    found = checked(requests)  # mistakes are told before any work, and not in a log
    if args.format or any(map(_streams, found)):
        return _streamed(found, run)
    spread = workers.asked(run) and not args.dry_run
    if args.detach or spread:
        found = [_free(one) for one in found]
    pairs, said = [*zip(requests, found, strict=True)], set[str]()
    if args.detach:
        if not any(codes := [_fault(*pair, run, said) for pair in pairs]):
            done = all(map(_is_fresh, found))
            named = [(str(request.ref), one.preset)
                     for request, one in pairs if isinstance(one, CheckedRequest)]  # fmt: skip
            return 0 if done else cli_detach.detached(run, args.presets, named)
        run.out.say("no job was handed in")
    elif spread:
        codes = [_fault(*pair, run, said) for pair in pairs]
        left = [(request, one) for request, one in pairs
                if isinstance(one, CheckedRequest) and not _is_fresh(one)]  # fmt: skip
        codes += _by_several(left, run, said) if left else []
    else:
        codes = [_tried(*pair, run, said) for pair in pairs]
    if failed := sum(map(bool, codes)):
        run.out.error(f"{failed} of {len(requests)} presets failed")
    return worst(codes)


def _streams(found: CheckedRequest | Exception) -> bool:
    """Whether a preset is a film for stdout."""
    return isinstance(found, CheckedRequest) and [o.path for o in found.preset.outputs] == [STREAM]


def _refuse_beside_stream(run: Run) -> None:
    """Raises UsageError for switches that mean nothing to a film on stdout, and for a terminal."""
    args = run.args
    for switch in ("json", "detach", "show", "dry_run", "update"):
        if getattr(args, switch):
            raise UsageError(f"--{switch.replace('_', '-')} goes with no stream", "leave it out")
    if sys.stdout is None or sys.stdout.isatty():
        hint = f"pipe it: latty render {args.presets[0]} -o - | ffmpeg -i - film.mov"
        raise UsageError("a film is no text for a terminal", hint)


def _streamed(presets: Sequence[CheckedRequest | Exception], run: Run) -> int:
    """The film of the one preset on stdout, and nothing else there. Raises UsageError."""
    if len(presets) > 1:
        raise UsageError("a stream is the film of one preset", "render one at a time")
    (found,) = presets
    if isinstance(found, Exception):
        raise found
    if not _streams(found):
        raise UsageError("--format is that of a stream", "add -o -, or give the file a suffix")
    _refuse_beside_stream(run)
    for warning in found.warnings:
        run.out.say(warning)
    from latty.render import stream

    kind, name, spread = run.args.format or "", found.preset.name, workers.asked(run)
    with ExitStack() as held:
        pool = held.enter_context(_processes(run, found.options.device)) if spread else None
        progress = held.enter_context(run.progress(name))
        held.enter_context(signals.cooperative())
        told = stream(found.preset, kind, found.options, sys.stdout.buffer, progress, pool)
    run.out.say(told)
    return 0


def _requests(run: Run) -> list[RenderRequest]:
    args, config = run.args, run.config()
    options = Options(
        config.out_dir,
        config.device,
        precision=config.precision,
        batch=config.frames_at_once,
        sidecar=config.sidecar,
        recipe=config.recipe,
        frame_cache=config.frame_bytes,
        **switches(args),
    )
    output = args.output
    if output is not None and output.startswith("~"):
        output = str(Path(output).expanduser()) + "/" * output.endswith("/")
    return requested(
        args.presets, options, tuple(args.overrides), force=args.force,
        output=output, own_batch=bool(args.batch), precision=args.precision, anyway=args.anyway,
        update=args.update, goes_on=not args.dry_run,
    )  # fmt: skip


def _answered(request: RenderRequest, run: Run) -> RenderRequest:
    """The request with the files that its picture may not name by itself, where a person at the
    terminal names them."""
    while asked := request.asked():
        if not (answer := run.out.ask(f"{asked[0]}; yours (a name or a path): ")):
            break
        request = replace(request, overrides=(*request.overrides, asked[1](answer)))
    return request


def _free(found: CheckedRequest | Exception) -> CheckedRequest | Exception:
    """The same, or what would stop its job at once."""
    if isinstance(found, CheckedRequest) and not _is_fresh(found):
        try:
            refuse_early(found.preset, found.options)
        except LattyError as error:
            return error
    return found


def _is_fresh(found: CheckedRequest | Exception) -> bool:
    """Whether all of it is up to date."""
    return isinstance(found, CheckedRequest) and bool(found.fresh) and not found.preset.outputs


def _fault(
    request: RenderRequest, found: CheckedRequest | Exception, run: Run, said: set[str]
) -> int:
    """The code of what is wrong with a preset before it is rendered, 0 for a good one; that is
    told, and what is doubtful. Raises the error of the only one."""
    if isinstance(found, Exception):
        run.progress(request.name).failed(found)
        return _tell_failure(request, run, found, said)
    for warning in found.warnings:
        run.out.say(warning)
    for path in found.fresh:
        if run.out.json:
            run.out.result("", preset=found.preset.name, path=str(path), up_to_date=True)
        else:
            run.out.say(f"{path} is up to date")
    return 0


def _tried(
    request: RenderRequest, found: CheckedRequest | Exception, run: Run, said: set[str]
) -> int:
    """The code of one preset; raises what stops them all."""
    signals.check(GO_ON)
    if (code := _fault(request, found, run, said)) or isinstance(found, Exception):
        return code
    if _is_fresh(found):
        return 0
    if run.args.dry_run:
        return _attempted(lambda: _planned(found, run), request, run, said)
    return _attempted(lambda: _tell(_rendered(found, run), run), request, run, said)


def _attempted(work: Callable[[], None], request: RenderRequest, run: Run, said: set[str]) -> int:
    """The code of work on a preset; raises what stops them all."""
    try:
        work()
    except (Interrupted, BrokenPipeError):
        raise
    except Exception as error:
        return _tell_failure(request, run, error, said)
    return 0


def _planned(found: CheckedRequest, run: Run) -> None:
    for item in plan(found.preset, found.options):
        run.out.result(_words(item), **item)


def _rendered(found: CheckedRequest, run: Run, pool: "Pool | None" = None) -> Rendered:
    """All outputs, drawn by a pool where there is one. A signal from here on finishes its frame
    first."""
    preset, options = found.preset, found.options
    with run.progress(found.name) as progress:
        refuse_early(preset, options)
        import torch  # noqa: F401  the slow part, while a signal may still leave at once

        with signals.cooperative():
            return render_one(preset, options, progress, pool)


def _processes(run: Run, device: str) -> AbstractContextManager["Pool"]:
    """A pool for this device; this process computes as those of the pool do. Brings torch."""
    where = workers.kind_of(device)
    workers.compute_as_they_do()
    return workers.pool(run, where)


def _by_several(
    left: Sequence[tuple[RenderRequest, CheckedRequest]], run: Run, said: set[str]
) -> list[int]:
    """Presets rendered by several processes: each by one of them, or, where there are fewer presets
    than processes or one can be read only once, one after the other with its frames drawn by all.
    The codes of those that failed."""
    requests, device = [one for one, _ in left], left[0][1].options.device
    with _processes(run, device) as pool:
        few = len(left) < max(2, pool.at_once) if run.args.engine == "local" else len(left) == 1
        if not few and not any(one.is_stream for one in requests):
            where = workers.kind_of(device)
            here = [replace(one, options=replace(one.options, device=where)) for one in requests]
            return _by_presets(here, pool, run, said)
        codes = list[int]()
        for request, found in left:
            signals.check(GO_ON)

            def work(found: CheckedRequest = found) -> None:
                _tell(_rendered(found, run, pool), run)

            codes.append(_attempted(work, request, run, said))
    return codes


def _by_presets(
    requests: Sequence[RenderRequest], pool: "Pool", run: Run, said: set[str]
) -> list[int]:
    """Presets told in whatever order they end; the codes of those that failed."""
    from latty.jobs.pool import finished

    calls, failed = [(one, str(Path.cwd())) for one in requests], list[int]()
    with signals.cooperative(), run.progress("render", GO_ON) as progress:
        ends = finished(pool, render_there, calls, progress, "presets", by_steps=True)
        for number, future in ends:
            progress.close()
            error, request = future.exception(), requests[number]
            if isinstance(error, Exception):
                run.progress(request.name).failed(error)
                failed.append(_tell_failure(request, run, error, said))
            else:
                done = future.result()
                run.progress(request.counted(done.name)).done(took=done.seconds)
                _tell(done, run)
    return failed


def _tell(done: Rendered, run: Run) -> None:
    for note in done.notes:
        run.out.say(f"{Path(done.model).name}: {note}")
    warnings = run.say_allowed(done.allowed)
    more = {"warnings": warnings} if warnings else {}
    for path in done.paths:
        run.out.result(str(path), preset=done.name, path=str(path), bytes=_size(path), **more)
    for path in done.paths:
        run.show(path)


def _tell_failure(request: RenderRequest, run: Run, error: Exception, said: set[str]) -> int:
    """Its code. What several have that one preset stands for is told once: `said` holds what was.
    Raises the error where nobody foresaw it, or where there is no other preset to go on with."""
    known, name = explain(error), request.name
    if known is not None and run.out.json:
        run.out.result("", preset=name, error=known.message, hint=known.hint,
                       code=known.exit_code)  # fmt: skip
    if known is None or [name] == run.args.presets:
        raise error
    text = str(known)  # with several presets an error must say whose it is
    if request.of == 1 or f"{request.ref}: {text}" not in said:
        run.out.error(text if name in text else f"{name}: {text}")
    said.add(f"{request.ref}: {text}")
    return known.exit_code


def _words(item: dict[str, Any]) -> str:
    """`renders/x.gif  frames 48, size 256, ...`."""
    rest = ", ".join(f"{k} {v}" for k, v in item.items() if k != "path" and v is not None)
    return f"{item.get('path', '')}  {rest}".strip()


def _size(path: Path) -> int:
    """Bytes of a file, or of the numbered frames in a folder."""
    if path.is_dir():
        return sum(file.stat().st_size for file in path.iterdir() if file.is_file())
    return path.stat().st_size
