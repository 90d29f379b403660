"""Write into presets which content their models, sets and latents are, or check that."""

from dataclasses import replace
from pathlib import Path

from latty import presets
from latty.cli.parser import Parser
from latty.cli.run import Run
from latty.errors import LattyError, Missing, UsageError, explain, worst
from latty.presets import contents, shipped
from latty.presets.formats import media_of
from latty.reading import is_stream

ORDER = 125


def options(parser: Parser) -> None:
    """What it takes."""
    parser.epilog = (
        "[pins] says the SHA-256 of the files that a preset names. A render refuses other content\n"
        "under these names (65); --anyway uses it. Comments and all else in the preset stay.\n\n"
        '--json: {"preset", "pins"}, and with --check {"preset", "ok", "differs"};\n'
        'for one that failed {"preset", "error", "hint", "code"}.'
    )
    parser.add_argument("presets", nargs="+", metavar="PRESET", help="a .toml")
    parser.add_argument("--check", action="store_true", help="write nothing; 65 where one differs")
    parser.add_json()


def run(run: Run) -> int:
    """Every preset in turn; one that fails does not stop the others, and the code is that of the
    worst."""
    return worst([_tried(ref, run) for ref in run.args.presets])


def _tried(ref: str, run: Run) -> int:
    """The code of one preset, after its error was said. Raises one that nobody foresaw."""
    try:
        return (_check if run.args.check else _pin)(ref, run)
    except (LattyError, OSError) as error:
        if (known := explain(error)) is None:
            raise
        if run.out.json:
            run.out.result("", preset=ref, error=known.message, hint=known.hint,
                           code=known.exit_code)  # fmt: skip
        run.out.error(str(known))
        return known.exit_code


def _pin(ref: str, run: Run) -> int:
    """Raises UsageError, PresetError, Missing, BadData, OutputError, Locked."""
    path = Path(ref).expanduser()
    shared = ref in shipped() and not path.is_file()
    if shared or is_stream(ref) or ref.startswith(("/dev/", "/proc/")):
        raise UsageError(f"{ref} is no file of yours", "write it to one: latty pin mine.toml")
    if path.is_dir() or (path.is_file() and media_of(path)):
        raise UsageError(f"{ref} is no preset", "a picture says digests in its recipe: pin a .toml")
    preset = presets.read(ref)
    pins = contents.pins_of(preset)
    presets.save(replace(preset, pins=pins), ref)
    table = presets.to_dict(replace(preset, pins=pins))["pins"]
    names = [kind if isinstance(said, str) else ", ".join(said) for kind, said in table.items()]
    run.out.result(f"{ref}: pinned {', '.join(names)}", preset=ref, pins=table)
    return 0


def _check(ref: str, run: Run) -> int:
    """0 where all is as it was pinned. Raises PresetError, Missing, BadData."""
    preset = presets.read(ref)
    if preset.pins is None:
        raise Missing(f"{ref} pins nothing", f"latty pin {ref}")
    differs = tuple(contents.pinned(preset))
    error = contents.Changed(ref, differs, "the one that it pins") if differs else None
    found = [{"what": one.what, "said": one.said, "found": one.found} for one in differs]
    words = "" if error else f"{ref}: as it was pinned"
    if words or run.out.json:
        run.out.result(words, preset=ref, ok=not differs, differs=found)
    if error:
        run.out.error(f"{error.message} (latty pin {ref} renews them)")
    return error.exit_code if error else 0
