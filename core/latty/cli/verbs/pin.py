"""Write into presets which content their models, sets and latents are, or check that."""

from dataclasses import replace
from pathlib import Path

from latty import presets
from latty.cli import rewriting
from latty.cli.parser import Parser
from latty.cli.run import Run
from latty.errors import Missing, UsageError
from latty.presets import contents, pinning, shipped
from latty.presets.archives.opening import refuse_packed
from latty.reading import is_stream
from latty.render.several import has_no_file, read_all

ORDER = 125


def options(parser: Parser) -> None:
    """What it takes."""
    rewriting.options(
        parser,
        "differs",
        "[pins] says the SHA-256 of the files that a preset names. A render refuses other content\n"
        "under these names (65); --anyway uses it. Comments and all else in the preset stay.\n\n"
        '--json: {"preset", "pins"}, and with --check {"preset", "ok", "differs"};',
    )


def run(run: Run) -> int:
    """Every preset in turn."""
    return rewriting.each(run, _check if run.args.check else _pin)


def _pin(ref: str, run: Run) -> int:
    """Raises UsageError, PresetError, Missing, BadData, OutputError, Locked."""
    path = Path(ref).expanduser()
    shared = ref in shipped() and not path.is_file()
    if shared or is_stream(ref) or ref.startswith(("/dev/", "/proc/")):
        raise UsageError(f"{ref} is no file of yours", "write it to one: latty pin mine.toml")
    refuse_packed(ref, "what is in it has its digest beside it")
    if has_no_file(ref):
        raise UsageError(f"{ref} is no preset", "a picture says digests in its recipe: pin a .toml")
    preset = presets.read(ref)
    pins = pinning.pins_of([one.preset for one in read_all(ref, anyway=True)], path.parent)
    presets.save(replace(preset, pins=pins), ref)
    table = presets.to_dict(replace(preset, pins=pins))["pins"]
    names = [kind if isinstance(said, str) else ", ".join(said) for kind, said in table.items()]
    run.out.result(f"{ref}: pinned {', '.join(names)}", preset=ref, pins=table)
    return 0


def _check(ref: str, run: Run) -> int:
    """0 where all is as it was pinned. Raises PresetError, Missing, BadData."""
    refuse_packed(ref, "every render of it compares what is in it")
    preset = presets.read(ref)
    if preset.pins is None:
        raise Missing(f"{ref} pins nothing", f"latty pin {ref}")
    folder = Path(ref).expanduser().parent
    differs = tuple(dict.fromkeys(
        one for part in read_all(ref, anyway=True)
        for one in pinning.pinned(part.preset, folder)
    ))  # fmt: skip
    error = contents.Changed(ref, differs, "the one that it pins") if differs else None
    found = [{"what": one.what, "said": one.said, "found": one.found} for one in differs]
    words = "" if error else f"{ref}: as it was pinned"
    if words or run.out.json:
        run.out.result(words, preset=ref, ok=not differs, differs=found)
    if error:
        run.out.error(f"{error.message} (latty pin {ref} renews them)")
    return error.exit_code if error else 0
