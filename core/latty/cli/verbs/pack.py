"""Put presets and all that they name into one file, to be rendered on another machine."""

from pathlib import Path
from typing import TYPE_CHECKING

from latty import files, locks
from latty.cli.parser import Parser
from latty.cli.run import Run
from latty.errors import UsageError
from latty.text import bytes_words

if TYPE_CHECKING:
    from latty.presets.archives.packing import Pack

ORDER = 127


def options(parser: Parser) -> None:
    """What it takes."""
    parser.epilog = (
        "In it: the presets and those that they extend, direction sets, stored latents,\n"
        "scorers, sounds, fonts, and where each model is from. latty render FILE.latty renders\n"
        "it anywhere; nothing of it goes into a store. The same content packs to the same.\n\n"
        'stdout: the file. --json: {"path", "bytes", "sha256", "presets", "members", "models"}.'
    )
    parser.add_argument("presets", nargs="+", metavar="PRESET", help="a .toml, or a shipped name")
    parser.add_argument("-o", "--output", metavar="FILE.latty", required=True)
    parser.add_argument("--with-model", action="store_true",
                        help="the models, too, as latty imported them")  # fmt: skip
    parser.add_overwrite()
    parser.add_json()


def run(run: Run) -> int:
    """Check every preset, gather, write. Raises UsageError, PresetError, Missing, BadData,
    WouldOverwrite, Locked, OutputError."""
    from latty.models.store import MODELS
    from latty.presets.archives.opening import SUFFIX, manifest_of
    from latty.presets.digests import digest_of

    target = Path(run.args.output).expanduser()
    if target.suffix.lower() != SUFFIX:
        raise UsageError(f"-o {run.args.output} is no name of an archive", f"end it in {SUFFIX}")
    files.refuse_existing(target, run.args.overwrite)
    with locks.writing(target):
        files.refuse_existing(target, run.args.overwrite)
        pack = _gathered(run)
        files.write(target, pack.content())
    manifest, size = manifest_of(target), target.stat().st_size
    for one in manifest.models:
        if not one.file and not MODELS.ships(one.name):
            way = f"latty fetch {one.zoo}" if one.zoo else f"--with-model, or send {one.source}"
            run.out.say(f"the model {one.name} is not in it: {way}")
    run.out.result(str(target), path=str(target), bytes=size, sha256=digest_of(target),
                   presets=list(manifest.presets), members=dict(manifest.members),
                   models=[one.facts() for one in manifest.models])  # fmt: skip
    return 0


def _gathered(run: Run) -> "Pack":
    """What the archive will hold. Raises PresetError, UsageError, Missing, BadData."""
    from latty.presets.archives.opening import refuse_packed
    from latty.presets.archives.packing import Pack
    from latty.render.several import has_no_file, read_all

    pack = Pack(_addresses(run), run.args.with_model)
    for ref in dict.fromkeys(run.args.presets):
        refuse_packed(ref, "it can be sent")
        if has_no_file(ref):
            raise UsageError(f"{ref} is no file of a preset", "as in: latty pack mine.toml")
        told = dict[str, None]()
        for source in read_all(ref):
            told |= dict.fromkeys(source.doubts().lines())
            pack.add(source.loaded)
        for warning in told:
            run.out.say(warning)
    for line in pack.doubts:
        run.out.say(line)
    for name, one in pack.pieces.items():
        if name.startswith("models/"):
            run.out.say(f"with {name.partition('/')[2]}: {bytes_words(one.size)}")
    return pack


def _addresses(run: Run) -> dict[str, str]:
    """Address -> name of what `latty fetch` fetches."""
    from latty.models import zoo

    own = run.config().zoo
    entries = zoo.read(Path(own).expanduser() if own else None)
    return {entry.address: name for name, entry in entries.items()}
