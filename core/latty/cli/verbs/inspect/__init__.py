"""Say what is in a file, without loading it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latty import home
from latty.cli import importable
from latty.cli import kinds as sniff
from latty.cli.parser import Parser
from latty.cli.run import Run
from latty.cli.verbs.inspect import asked
from latty.cli.verbs.inspect.recipes import media, packed
from latty.errors import BadData, Missing

if TYPE_CHECKING:
    from latty.cli.importable import Checkpoint

ORDER = 110

Facts = dict[str, Any]
LONG = 12  # entries of a list shown to people; -v and --json have them all


def options(parser: Parser) -> None:
    """What it takes."""
    parser.epilog = (
        "Of directions it tells the figures of each, of files of other programs what they hold.\n"
        "Long lists are cut; -v shows all of them, --json always.\n\n"
        '--json: {"file", "bytes", "kind", ...}: what is known of the file;\n'
        'with --layers {"model", "codes", "layers"}.'
    )
    parser.add_argument("file", metavar="FILE", help="a path, or the name of a model, a set "
                        "or latents")  # fmt: skip
    parser.add_argument("--layers", action="store_true", help="a model's layers and their sizes")
    parser.add_argument(
        "--spec", action="store_true", help="draft a spec of a plain network (TOML)"
    )
    parser.add_argument("--set", metavar="KEY=VALUE", action="append", default=[], dest="settings",
                        help="a setting that its file lacks, as for import")  # fmt: skip
    parser.add_json()


def run(run: Run) -> int:
    """A line per fact for people, one object for programs; a file nobody should load is refused."""
    if run.args.layers:
        return asked.layers(run)
    path = _locate(run.args.file)
    path = importable.held(path) or path
    if run.args.spec:
        return asked.spec(path, run)
    kind = "folder" if path.is_dir() else sniff.kind(path)
    readers: dict[str, Callable[[Path], Facts]] = {
        "toml": _preset,
        sniff.ARCHIVE: packed,
        "folder": _folder,
    }
    facts: Facts = {"file": str(path), "bytes": path.stat().st_size, "kind": kind}
    if kind not in (*readers, sniff.OTHER):
        readers[kind] = media
    if kind in readers:
        facts |= {"what": sniff.words(kind)} | readers[kind](path)
    else:
        facts |= _checkpoint(path, run)
    if run.out.json:
        run.out.result("", **facts)
    else:
        run.out.rows(
            [[key, text] for key, text in _lines(facts, None if run.out.loudness > 0 else LONG)]
        )
    return 0


def _locate(ref: str) -> Path:
    """A path, or the name of a shipped preset, a model, a direction set or latents."""
    path = Path(ref).expanduser()
    preset = home.presets_dir() / f"{ref}.toml"
    if path.exists() or preset.is_file():
        return path if path.exists() else preset
    from latty.cli.verbs.inspect import stored

    if (named := stored.named(ref)) is not None:
        return named
    raise Missing(f"there is no file {ref}", "check the path, or see: latty list models")


def _lines(facts: Facts, most: int | None) -> list[tuple[str, str]]:
    """Nested facts as `key  value` lines, lists cut after so many entries."""
    lines: list[tuple[str, str]] = []
    for key, value in facts.items():
        if isinstance(value, Mapping):
            inner = [f"{k} {_short(v, most)}" for k, v in value.items()]
            left = len(inner[most:]) if most is not None else 0
            shown = [*inner[:most], *([f"... {left} more: -v"] if left else [])] or ["-"]
            lines += [(key if i == 0 else "", line) for i, line in enumerate(shown)]
        elif value not in (None, "", []):
            lines.append((key, _short(value, most)))
    return lines


def _short(value: Any, most: int | None) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_short(inner, most)}" for key, inner in value.items())
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        more = ", ..." if most is not None and len(value) > most else ""
        return ", ".join(_short(item, most) for item in value[:most]) + more
    return str(value)


def _checkpoint(path: Path, run: Run) -> Facts:
    """What `latty.checkpoints` sees; raises BadData, after -v has named all that the file asks."""
    from latty.checkpoints import inspection

    seen, read = inspection.look(path)
    refused, asked = seen["refused"], seen["globals"]
    if refused and refused["code"] in ("unknown-format", "json"):  # a vector may be text
        found = importable.facts(path)
        if found and ("text, not a model" in refused["message"] or "note" not in found):
            return {"kind": "text", "what": "text", **found}
    if refused or read is None:
        names = ", ".join(asked) or "nothing"
        run.out.say(f"{path.name} asks for: {names}", loudness=1)
        raise BadData(refused["message"], refused["hint"])
    given = importable.stated(run.args.settings)
    checkpoint = replace(read, given=given)
    meta, tensors = seen["metadata"], seen["tensors"]
    return {
        "kind": seen["kind"],
        "what": sniff.WORDS[seen["kind"]],
        "holds": meta.get("kind", "weights"),
        **(_family(checkpoint, meta) if meta.get("family") else _known(path, checkpoint)),
        "licence": seen["licence"],
        "numbers": seen["numbers"],
        "sha256": seen["sha256"],
        "globals": asked,
        "settings": seen["settings"],
        "tensors": {n: "x".join(map(str, t["shape"])) or "1" for n, t in tensors.items()},
        "metadata": meta,
        "warnings": seen["warnings"],
    }


def _folder(path: Path) -> Facts:
    """An experiment or a pool of another program; raises BadData for all other folders."""
    found = importable.facts(path)
    if "format" not in found and "sets" not in found:
        raise BadData(f"{path} is a folder", found.get("note", "name a file in it"))
    return found


def _known(path: Path, checkpoint: "Checkpoint") -> Facts:
    """A generator's family, what an importer would make of the file, or whose scores it holds."""
    from latty.cli.verbs.inspect import stored

    ours = "kind" in checkpoint.meta  # else the header is not read once more
    if ours and (found := stored.facts(path)):
        return found
    facts = _family(checkpoint, {})
    return facts if facts["family"] else importable.facts(path, checkpoint) or facts


def _family(checkpoint: "Checkpoint", meta: Mapping[str, str]) -> Facts:
    """Of a file of ours its own words; of others what their tensors' names give away."""
    from latty.models.recognition import check_given, picture_size, recognise
    from latty.models.store import said_size

    if meta.get("family"):
        height, width = said_size(checkpoint.meta) or (None, None)
        notes = [line for line in checkpoint.meta.get("notes", "").split("\n") if line]
        return {"family": meta["family"], "origin": meta.get("origin"),
                "height": height, "width_px": width, "notes": notes}  # fmt: skip
    found = recognise(checkpoint)
    if found is None:
        note = "its tensors' names are of no family that latty knows; --spec drafts a spec of them"
        return {"family": None, "note": note}
    check_given(found)
    height, width = picture_size(found) or (None, None)
    return {"family": found.family, "origin": found.origin, "part": found.part.name,
            "height": height, "width_px": width,
            "settings beside": found.part.beside, "notes": [*found.part.left_out]}  # fmt: skip


def _preset(path: Path) -> Facts:
    """What a preset says, unchecked: `latty check` judges it, and costs three times as much."""
    try:
        data = sniff.document(path)
    except (ValueError, RecursionError, OSError, BadData) as error:
        return {"note": f"cannot be read: {error}"}
    scene = _table(data.get("scene"))
    if not scene:
        return {"note": "no [scene]: not a preset"}
    return {
        "holds": "preset",
        "name": data.get("name"),
        "schema": data.get("schema"),
        "model": scene.get("model"),
        "seed": scene.get("seed"),
        "frames": data.get("frames"),
        "each": [_table(one).get("key") for one in _list(data.get("each"))],
        "edits": [_table(edit).get("direction") for edit in _list(scene.get("edits"))],
        "outputs": [_table(output).get("path") for output in _list(data.get("outputs"))],
    }


def _table(value: Any) -> Facts:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
