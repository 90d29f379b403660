"""`latty check`: every mistake of a preset at once, without rendering it."""

from latty.cli.main import Run
from latty.errors import LattyError, PresetError


def check(run: Run) -> int:
    """Every problem of every preset: the code of the only one, or 1 if some of several failed."""
    codes = [_one(ref, run) for ref in run.args.presets]
    return codes[0] if len(codes) == 1 else int(any(codes))


def _one(ref: str, run: Run) -> int:
    from latty import presets

    try:
        warnings = presets.check(ref)
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
