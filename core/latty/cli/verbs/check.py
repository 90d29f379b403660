"""Name every mistake of a preset at once, as file:line:col."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from latty.cli.parser import Parser
from latty.cli.run import Run
from latty.errors import LattyError, PresetError, Problem, explain, worst

if TYPE_CHECKING:
    from latty.render.requests import CheckedRequest

ORDER = 120
KEYS = ("line", "column", "key", "what", "hint", "file")
TOLD = 20  # errors of the presets that one stands for, in words


def options(parser: Parser) -> None:
    """What it takes."""
    parser.epilog = (
        "What cannot be rendered is an error, what does nothing or is doubtful a warning; two\n"
        "presets that write one output are an error of the second.\n\n"
        '--json: {"preset", "ok", "warnings", "problems", "presets", "files", "pictures"} per\n'
        "preset, the last three how many it stands for, writes and draws; a problem is\n"
        '{"line", "column", "key", "what", "hint", "file"}; "file": where it is not the preset.'
    )
    add = parser.add_argument
    add("presets", nargs="+", metavar="PRESET",
        help="a .toml, a name, an archive, a picture that latty made, or -")  # fmt: skip
    add("--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides",
        help="change a value of the preset, as in scene.seed=3")  # fmt: skip
    parser.add_json()


def run(run: Run) -> int:
    """Every problem of every preset; the code is that of the worst."""
    from latty.render import Options
    from latty.render.planning import pictures
    from latty.render.requests import CheckedRequest, checked, requested

    options, overrides = Options(run.config().out_dir), tuple(run.args.overrides)
    requests = requested(run.args.presets, options, overrides)
    pairs = zip(requests, checked(requests), strict=True)
    codes = []
    for ref, several in groupby(pairs, lambda pair: str(pair[0].ref)):
        found = [one for _, one in several]
        errors = {str(one): one for one in found if isinstance(one, Exception)}
        if errors:
            codes.append(_told(ref, [*errors.values()], run))
        else:
            good = [one for one in found if isinstance(one, CheckedRequest)]
            warnings = [line for one in good for line in (*one.warnings, *_other_sizes(one))]
            for warning in warnings:
                run.out.say(warning)
            count = sum(len(one.preset.outputs) for one in good)
            drawn = sum(pictures(one.preset) for one in good)
            numbers = {"presets": len(good), "files": count, "pictures": drawn}
            told = len(good) > 1 or any(o.is_table for one in good for o in one.preset.outputs)
            said = "".join(f", {number:,} {word if number != 1 else word[:-1]}"
                           for word, number in numbers.items() if told)  # fmt: skip
            run.out.result(f"{ref}: ok{said}", preset=ref, ok=True, warnings=warnings,
                           problems=[], **numbers)  # fmt: skip
    return worst(codes)


def _other_sizes(found: "CheckedRequest") -> Iterator[str]:
    """Which films get another size than their frames have, where headers say how large its models'
    pictures are."""
    from latty.models import known_size
    from latty.render.planning import evened

    sizes = [known_size(scene.model) for scene in found.preset.scenes]
    if found.preset.outputs and sizes[0] is not None and None not in sizes:
        yield from evened(found.preset, found.options, sizes[0])


def _told(ref: str, errors: Sequence[Exception], run: Run) -> int:
    """The code of the errors of a preset, after they were said. Raises one that nobody foresaw."""
    known = list[LattyError]()
    for error in errors:
        if (found := explain(error)) is None:
            raise error
        known.append(found)
    if run.out.json:
        problems = [_table(problem) for one in known for problem in _problems(one)]
        run.out.result("", preset=ref, ok=False, warnings=[], problems=problems)
    for one in known[:TOLD]:
        run.out.error(str(one))
    if (rest := len(known) - TOLD) > 0:
        run.out.error(f"{ref}: and {rest:,} more")
    return worst(one.exit_code for one in known)


def _problems(error: LattyError) -> Sequence[Problem]:
    listed = error.problems if isinstance(error, PresetError) else ()
    return listed or [Problem(0, 0, "", error.message, error.hint)]


def _table(problem: Problem) -> dict[str, Any]:
    return {key: getattr(problem, key) for key in KEYS}
