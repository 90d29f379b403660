"""What the name of a preset leads to; of what is none, what it is, and what it is good for."""

import os
from pathlib import Path

from latty import home, reading
from latty.checkpoints import safetensors
from latty.checkpoints.refusals import Refusal
from latty.checkpoints.sniff import HEAD, PICTURES, sniff
from latty.checkpoints.ziparchive import LOCAL
from latty.errors import BadData, Missing, PresetError, Problem, did_you_mean
from latty.presets.archives.manifest import parted
from latty.presets.archives.opening import Names, opened
from latty.presets.formats import recognised
from latty.tables import words

NO_RECIPE = "pictures and films that latty wrote have one, unless another program saved them"
OTHERS = ("wrong-format", "lfs-pointer", "html")  # codes: what a file is, whatever was asked of it
OURS = {  # by what their header says under "kind"
    "generator": ("a model", "a preset names it: scene.model; or: latty sample FILE"),
    "directions": ("a direction set", "a preset names one of it: direction = FILE#NAME"),
    "latents": ("stored latents", "a preset starts at one of them: scene.latent = FILE#0"),
}

OTHER_FORMATS = {".yaml": "YAML", ".yml": "YAML", ".json": "JSON"}


def shipped() -> dict[str, Path]:
    """Name -> file of the presets that come with latty: "hello", and "figures/teaser" of one in a
    folder."""
    top = home.presets_dir()
    found = sorted(top.glob("*.toml")) + sorted(top.glob("*/*.toml"))
    return {path.relative_to(top).with_suffix("").as_posix(): path for path in found}


def shipped_file(name: str) -> Path:
    """The file of a preset that comes with latty. Raises Missing."""
    if name not in shipped():
        raise Missing(f"there is no preset {words.shown(name)}", did_you_mean(name, shipped()))
    return shipped()[name]


def packed(source: str | Path) -> Names | None:
    """The preset in an archive that a text names, "FILE" or "FILE#PRESET"; None for what is no
    archive. Raises BadData, Missing, OutputError."""
    found = parted(source)
    return opened(found[0]).preset(found[1]) if found is not None else None


def find(source: str | Path) -> Path:
    """The file of a path or of a shipped preset's name. Raises Missing."""
    path, name = Path(source), words.shown(str(source), words.LONGEST_FILE)
    try:
        if path.is_dir():
            raise Missing(f"{name} is a folder, not a preset", f"for example {name}/x.toml")
        if path.exists():
            return path
        near = [file.name for file in path.parent.glob("*.toml")]
    except (OSError, ValueError):  # a name that the system refuses
        near = []
    if str(source) in shipped():
        return shipped()[str(source)]
    known = near if path.suffix else [*near, *shipped()]
    raise Missing(f"there is no preset {name}", did_you_mean(words.shown(path.name), known))


def check_suffix(path: Path, file: str) -> None:
    """Raises PresetError for the suffix of another format."""
    if other := OTHER_FORMATS.get(path.suffix.lower()):
        hint = "write it as TOML: key = value, text in quotes, tables as [name]"
        raise PresetError(file, [Problem(0, 0, "", f"presets are TOML; {other} is not read", hint)])


def refuse_others(path: Path, file: str) -> None:
    """Raises BadData where the content of a file shows that it is something else than text; `file`
    is what messages call it; UnfitFile, OSError."""
    with reading.opened(path) as opened:
        head = opened.read(HEAD)
    media = recognised(head)
    for sign, picture in ({head: f"a {media.what}"} if media else PICTURES).items():
        if head.startswith(sign):
            raise BadData(f"{file} is {picture} without a recipe", NO_RECIPE)
    try:
        kind = sniff(head)
    except Refusal as refusal:
        if refusal.code in OTHERS or (head and not head.strip(b"\0")):
            what = refusal.what.replace("not a model", "not a preset")
            raise BadData(f"{file}: {what}", refusal.hint) from None
        return
    what, hint = f"weights or numbers ({kind})", f"see: latty inspect {file}"
    if kind == "safetensors":
        said = safetensors.read_header(path).meta.get("kind", "")
        what, hint = OURS.get(said, (what, hint))
    raise BadData(f"{file} is {what}, not a preset", hint)


def refuse_archive(raw: bytes, name: str) -> None:
    """Raises BadData for an archive that came through a pipe: one is read at any place."""
    if raw.startswith(LOCAL):
        raise BadData(f"{name} is a zip archive, and no preset", "name the file: FILE.latty")


def whole_path(path: Path) -> str:
    """A path from the root. Links stay as they are, but where it goes up from one: ".." is then a
    folder of the link's target."""
    whole = os.path.abspath(path)  # noqa: PTH100
    if ".." in path.parts and path.exists():
        is_one = os.path.exists(whole) and path.samefile(whole)  # noqa: PTH110
        return whole if is_one else str(path.parent.resolve() / path.name)
    return whole
