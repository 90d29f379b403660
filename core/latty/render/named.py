"""What a picture's recipe may name: anybody may have written it.

A model, a direction or a latent is meant by its name in the store, by its content (the recipe says
its SHA-256), or as a file below the folder of the picture. No other file is opened: who has the
picture is asked for it.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from latty.checkpoints.safetensors import read_header
from latty.errors import BadData, LattyError, Missing
from latty.models.store import MODELS
from latty.presets import Preset, sounds, to_dict
from latty.presets.contents import Difference, difference, scorers_of
from latty.presets.digests import digest_of
from latty.presets.naming import parts, respelled
from latty.presets.texts import Caption
from latty.scene import MIXING, Scene, references, to_table
from latty.store import Store
from latty.tables.words import Path as Key
from latty.tables.words import dotted, shown

Typed = Callable[[Key], bool]  # whether the user gave a key of the preset
TOLD = 5  # names in one message
# What says in a recipe of which content the files are, by the kind of their store.
SAID = {"model": "model", "direction set": "directions", "latents": "latents"}


@dataclass(frozen=True, slots=True)
class Name:
    """Something that a scene names: where it says so, what it is, and how it is spelled.

    file   the part of the text that is a file or a name in a store
    """

    key: Key
    what: str
    text: str
    file: str

    @property
    def words(self) -> str:
        return f"the {self.what} '{shown(self.file)}'"

    def answered(self, file: str) -> str:
        """The override that puts another file or name here, as `--set` takes it."""
        return f"{dotted(('scene', *self.key))}={json.dumps(respelled(self.text, self.file, file))}"


class Unplaced(Missing):
    """What a picture names and must not, or what is not here."""

    def __init__(self, picture: str, names: tuple[Name, ...]) -> None:
        words = list(dict.fromkeys(name.words for name in names))
        keys = " ".join(f"--set {dotted(('scene', *name.key))}=..." for name in names[:TOLD])
        keys += f" and {len(names) - TOLD} more" if len(names) > TOLD else ""
        super().__init__(_nowhere(picture, words[:TOLD]), f"say which to use: {keys}")
        self.names = names
        self.said = _nowhere(picture, words[:1])


def _nowhere(picture: str, words: list[str]) -> str:
    is_one = "which is" if len(words) == 1 else "which are"
    return f"{picture} names {', '.join(words)}, {is_one} neither in your store nor in its folder"


def placed(
    scene: Scene, picture: Path, recipe: Mapping[str, Any], typed: Typed
) -> tuple[Scene, tuple[Difference, ...]]:
    """The scene of a picture's recipe, whose texts name what is here, and what of that is not what
    the picture was made of.

    typed  whether a key of the preset was given by the user, who may name any file

    Raises Unplaced with all that is left to be named, BadData for a text that names nothing.
    """
    found: dict[tuple[str, str], str] = {}
    missing, differs = [], dict[Difference, None]()
    for key, kind, text in references(to_table(scene)):
        if typed(("scene", *key)) or text.startswith(MIXING):
            found[kind, text] = text
            continue
        try:
            what, store, file = parts(kind, text)
        except BadData as error:
            raise BadData(f"{picture.name}: {error.message}", error.hint) from None
        name = Name(key, what, text, file)
        where = _found(store, file, text, picture.resolve().parent, recipe)
        if where is None:
            missing.append(name)
        else:
            found.setdefault((kind, text), respelled(name.text, name.file, where))
            if other := difference(*_said(store, text, recipe), where):
                differs[other] = None
            if SAID[store.kind] == "directions":
                differs |= dict.fromkeys(_scorers(where, recipe))
    if missing:
        raise Unplaced(picture.name, tuple(missing))
    placed = scene.with_references(lambda kind, text: found.get((kind, text), text))
    return placed, tuple(differs)


def placed_panels(
    preset: Preset, picture: Path, recipe: Mapping[str, Any], typed: Typed
) -> tuple[Preset, tuple[Difference, ...]]:
    """The same for the panels of a preset."""
    said, differs = recipe.get("panels"), list[Difference]()
    known = said if isinstance(said, list) else []

    def change(index: int, scene: Scene) -> Scene:
        of = known[index] if index < len(known) and isinstance(known[index], dict) else {}
        beneath: Typed = lambda key: typed(("panels", index, *key[1:]))  # noqa: E731
        found, more = placed(scene, picture, of, beneath)
        differs.extend(more)
        return found

    return preset.with_panels(change), tuple(differs)


def fonts(
    texts: tuple[Caption, ...],
    picture: Path,
    recipe: Mapping[str, Any],
    typed: Typed,
) -> tuple[Caption, ...]:
    """The texts of a picture's recipe, their fonts as files below the folder of the picture.

    Raises Missing for a font that is not there, BadData for one of other content.
    """
    folder, found = picture.resolve().parent, list(texts)
    said = recipe.get("fonts")
    for index, text in enumerate(texts):
        key = ("text", index, "font")
        if text.font is None or typed(key):
            continue
        font, use = shown(text.font), f"say which to use: --set {dotted(key)}=..."
        if (file := _below(folder, text.font, folders=False)) is None:
            raise Missing(
                f"{picture.name} names the font '{font}', which is not in its folder", use
            )
        wanted = said.get(text.font) if isinstance(said, dict) else None
        if wanted is not None and digest_of(file) != wanted:
            raise BadData(f"'{font}' is not the font that {picture.name} was made with", use)
        found[index] = text.in_font(str(file))
    return tuple(found)


def sounds_beside(
    preset: Preset, picture: Path, recipe: Mapping[str, Any], typed: Typed
) -> tuple[Preset, tuple[Difference, ...]]:
    """The preset of a picture's recipe, its sounds as files below the folder of the picture, and
    which of them are not those that it was made with. Raises Missing."""
    folder, said, differs = picture.resolve().parent, recipe.get("sounds"), []
    found: dict[str, str] = {}
    for key, ref, _ in sounds.named(to_dict(preset)):
        if ref in found or typed(key):
            continue
        if (file := _below(folder, ref, folders=False)) is None:
            what = f"{picture.name} names the sound '{shown(ref)}', which is not in its folder"
            raise Missing(what, f"say which to use: --set {dotted(key)}=...")
        found[ref] = ref if folder == Path.cwd().resolve() else str(file)
        wanted = said.get(ref) if isinstance(said, dict) else None
        if other := difference("sounds", ref, wanted, found[ref]):
            differs.append(other)
    return preset.with_sounds(lambda ref: found.get(ref, ref)), tuple(differs)


def _found(
    store: Store, file: str, text: str, folder: Path, recipe: Mapping[str, Any]
) -> str | None:
    """The name or path that is meant by a file or name in a recipe; None where there is none."""
    if store.named(file) is not None or file in store.built_in():
        return file
    if (below := _below(folder, file, store is MODELS)) is not None:
        return file if folder == Path.cwd().resolve() else str(below)
    content = _said(store, text, recipe)[2]
    said = recipe.get("model")
    family = said.get("family") if isinstance(said, dict) else None
    return _of_content(store, content, family) if isinstance(content, str) else None


def _said(store: Store, text: str, recipe: Mapping[str, Any]) -> tuple[str, str, object]:
    """The kind of a reference, its name in messages, and the digest that a recipe says of it."""
    kind = SAID[store.kind]
    said = recipe.get(kind)
    said = said if isinstance(said, dict) else {}
    return kind, parts(kind, text)[2], said.get("digest" if store is MODELS else text)


def _scorers(source: str, recipe: Mapping[str, Any]) -> Iterator[Difference]:
    """The scorers climbed by the directions of a set that are not those that a recipe says. Raises
    Missing, BadData, OutputError."""
    if not isinstance(said := recipe.get("scorers"), dict):
        return
    for scorer in scorers_of(source):
        if other := difference("scorers", scorer, said.get(scorer), scorer):
            yield other


def _below(folder: Path, file: str, folders: bool) -> Path | None:
    """The file in or below a folder, its links followed; None for any other."""
    if file.startswith("~") or ".." in Path(file).parts or Path(file).is_absolute():
        return None
    try:
        real = (folder / file).resolve()
        is_one = real.is_file() or (folders and real.is_dir())
        return folder / file if is_one and real.is_relative_to(folder) else None
    except (OSError, ValueError, RuntimeError):  # a name no file can have, a loop of links
        return None


def _of_content(store: Store, content: str, family: object) -> str | None:
    """The name of what has this SHA-256, or was imported from a file that has; None for none."""
    for name, path in store.files().items():
        try:
            meta = read_header(path).meta
            likely = store is not MODELS or meta.get("family") == family
            same = likely and digest_of(path) == content  # the largest files are not all read
        except (LattyError, OSError):
            continue
        if same or meta.get("source_sha256") == content:
            return name
    return None
