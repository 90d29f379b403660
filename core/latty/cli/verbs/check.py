"""Name every mistake of a preset at once, as file:line:col."""

from pathlib import Path

from latty.cli.parser import Parser
from latty.cli.run import Run
from latty.errors import LattyError, PresetError

ORDER = 120


def options(parser: Parser) -> None:
    """What it takes."""
    parser.epilog = (
        '--json: {"preset", "ok", "warnings", "problems"} per preset;\n'
        'a problem is {"line", "column", "key", "what", "hint"}.'
    )
    parser.add_argument("presets", nargs="+", metavar="PRESET",
                        help="a .toml, a name, a picture that latty made, or -")  # fmt: skip
    parser.add_json()


def run(run: Run) -> int:
    """Every problem of every preset: the code of the only one, or 1 if some of several failed."""
    codes = [_one(ref, run) for ref in run.args.presets]
    return codes[0] if len(codes) == 1 else int(any(codes))


def _one(ref: str, run: Run) -> int:
    try:
        warnings = _warnings(ref)
    except LattyError as error:
        listed = error.problems if isinstance(error, PresetError) else ()
        keys = ("line", "column", "key", "what", "hint")
        problems = [{key: getattr(problem, key) for key in keys} for problem in listed]
        problems = problems or [dict(zip(keys, (0, 0, "", error.message, error.hint), strict=True))]
        if run.out.json:
            run.out.result("", preset=ref, ok=False, warnings=[], problems=problems)
        run.out.error(str(error))
        return error.exit_code
    for warning in warnings:
        run.out.say(warning)
    run.out.result(f"{ref}: ok", preset=ref, ok=True, warnings=warnings, problems=[])
    return 0


def _warnings(ref: str) -> list[str]:
    """Of a preset, or none of a picture, whose recipe names what is here. Raises LattyError."""
    from latty import presets
    from latty.presets.formats import media_of
    from latty.render.work import is_frames

    path = Path(ref)
    if not (media_of(path) or (path.is_dir() and is_frames(path))):
        return presets.check(ref)
    from latty.render import sources

    sources.read(ref)
    return []
