"""What a picture's recipe may name: anybody may have written it.

A model, a direction or a latent is meant by its name in the store, by its content (the recipe says
its SHA-256), or as a file below the folder of the picture; a sound or a font as such a file. A file
below the current folder is meant where it has the content. No other file is opened: who has the
picture is asked for it.

Of several that a name may mean, the one that has the content is taken: a name may have gone to
something else since.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import Any

from latty.directions.store import SETS, name_since, new_names
from latty.errors import BadData, LattyError, Missing
from latty.presets import Preset, sounds, to_dict
from latty.presets.contents import SHOWN, WHAT, Difference, difference, scorers_of, source_of
from latty.presets.digests import STORES, WHOLE, digest_of, of_content, same
from latty.presets.naming import respelled
from latty.scene import MIXING, Scene, references, to_table
from latty.tables.words import Path as Key
from latty.tables.words import dotted, shown

Typed = Callable[[Key], bool]  # whether the user gave a key of the preset
TOLD = 5  # names in one message


@dataclass(frozen=True, slots=True)
class Name:
    """Something that a preset names: where it says so, what kind of content it is (one of
    `digests.DIGESTS`), and how it is spelled.

    file   the part of the text that is a file or a name in a store
    """

    key: Key
    kind: str
    text: str
    file: str

    @property
    def words(self) -> str:
        return f"the {WHAT[self.kind]} '{shown(self.file)}'"

    def answered(self, file: str) -> str:
        """The override that puts another file or name here, as `--set` takes it."""
        return f"{dotted(self.key)}={json.dumps(respelled(self.text, self.file, file))}"


class Unplaced(Missing):
    """What a picture names and must not, or what is not here."""

    def __init__(self, picture: str, names: tuple[Name, ...], origin: str = "") -> None:
        words = list(dict.fromkeys(name.words for name in names))
        keys = " ".join(f"--set {dotted(name.key)}=..." for name in names[:TOLD])
        keys += f" and {len(names) - TOLD} more" if len(names) > TOLD else ""
        stored = any(name.kind in STORES for name in names)
        super().__init__(
            _nowhere(picture, words[:TOLD], stored), f"{origin}say which to use: {keys}"
        )
        self.names = names
        self.said = _nowhere(picture, words[:1], names[0].kind in STORES)


def of_archive(recipe: Mapping[str, Any]) -> str:
    """Where the names of a recipe are from, before what else can be done; "" where no archive."""
    said = recipe.get("archive")
    if not isinstance(said, str) or not re.fullmatch("[0-9a-f]{64}", said):
        return ""
    return f"it is from the archive of SHA-256 {said[:SHOWN]}: latty render FILE.latty; or "


def _nowhere(picture: str, words: list[str], stored: bool) -> str:
    is_one = "which is" if len(words) == 1 else "which are"
    where = "neither in your store nor in its folder" if stored else "not in its folder"
    return f"{picture} names {', '.join(words)}, {is_one} {where}"


@dataclass(slots=True)
class Placing:
    """The texts of a recipe's preset while they become names of what is here.

    picture  whose recipe it is: a file, or a folder of frames
    typed    whether a key of the preset was given by the user, who may name any file
    missing  what is left to be named;  differs  what is not what the picture was made of
    notes    what was found under another name than the recipe's, in words
    spelled  how the recipe spells a kind of content and what is here
    renamed  the names of directions now, by their set here and what a recipe says of it; none
             where more than names is another
    """

    picture: Path
    typed: Typed
    missing: list[Name] = field(default_factory=list)
    differs: dict[Difference, None] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)
    spelled: dict[tuple[str, str], str] = field(default_factory=dict)
    renamed: dict[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return self.picture.resolve().parent

    def scene(self, scene: Scene, where: Key, recipe: Mapping[str, Any]) -> Scene:
        """A scene that stands at a key, and is made of what this part of a recipe says. Raises
        BadData for a text that names nothing."""
        found: dict[tuple[str, str], str] = {}
        for key, kind, text in references(to_table(scene)):
            if self.typed((*where, *key)) or text.startswith(MIXING):
                found[kind, text] = text
                continue
            try:
                name = Name((*where, *key), *_split(kind, text))
            except BadData as error:
                raise BadData(f"{self.picture.name}: {error.message}", error.hint) from None
            if (here := self.found(name, recipe)) is not None:
                found.setdefault((kind, text), self._respelled(name, here, recipe))
        return scene.with_references(lambda kind, text: found.get((kind, text), text))

    def found(self, name: Name, recipe: Mapping[str, Any]) -> str | None:
        """The name or path that is meant; None where there is none. Notes what is doubtful. Raises
        BadData where it is no such content."""
        said, chosen = _said(name, recipe), self._candidates(name)
        right = next((one for one in chosen if not said or _is(said, name.kind, one)), None)
        if right is None and (right := _near(name, said)) is not None:
            chosen = [right]
        if right is None and said:
            of = recipe.get("model")
            family = of.get("family") if isinstance(of, dict) else None
            right = of_content(name.kind, said, family) or self._renamed(name, said, chosen)
        if right is None and not chosen:
            self.missing.append(name)
            return None
        here = right or chosen[0]
        if right is None:
            try:
                other = difference(name.kind, name.file, said, here)
            except BadData as error:
                raise BadData(f"{self.picture.name}: {error.message}", error.hint) from None
            if other:
                self.differs[other] = None
        elif right != next(iter(chosen), None):
            there = "is another one here" if chosen else "is not here under that name"
            what = f"{self.picture.name}: {name.words} {there}"
            self.notes[f"{what}: '{shown(right)}' has its content, and is used"] = None
        if name.kind == "directions":
            self.differs |= dict.fromkeys(_scorers(here, recipe))
        self.spelled[name.kind, here] = name.file
        return here

    def _renamed(self, name: Name, said: str, chosen: list[str]) -> str | None:
        """The set that had this SHA-256 before directions of it were renamed."""
        if name.kind != "directions" or len(said) < WHOLE:
            return None
        for source in dict.fromkeys((*chosen, *SETS.files())):
            if (source, said) not in self.renamed:
                self.renamed[source, said] = _new_names(source, said)
            if self.renamed[source, said]:
                return source
        return None

    def _respelled(self, name: Name, here: str, recipe: Mapping[str, Any]) -> str:
        """The text of a name, with what is here; notes a direction of another name."""
        text = name.text
        if names := self.renamed.get((here, _said(name, recipe))):
            old = text[len(name.file) + 1 :]
            text = text[: len(name.file) + 1] + name_since(old, names)
        new = respelled(text, name.file, here)
        if text != name.text:
            what = f"the direction '{shown(name.text)}' is '{shown(new)}' here"
            self.notes[f"{self.picture.name}: {what}"] = None
        return new

    def _candidates(self, name: Name) -> list[str]:
        """What may be meant: the store's of that name, then files in or below the folder."""
        store, found = STORES.get(name.kind), list[str]()
        if store is not None and (
            store.named(name.file) is not None or name.file in store.built_in()
        ):
            found.append(name.file)
        for file in dict.fromkeys((name.file, PurePath(name.file).name)):
            if (below := _inside(self.folder, file, name.kind)) is not None:
                found.append(file if self.folder == Path.cwd().resolve() else str(below))
        return found


def _split(kind: str, text: str) -> tuple[str, str, str]:
    """Kind of content, the text, and the file or name in it. Raises BadData."""
    content, file = source_of(kind, text)
    return content, text, file


def placed(
    preset: Preset, picture: Path, recipe: Mapping[str, Any], typed: Typed
) -> tuple[Preset, Placing]:
    """The preset of a picture's recipe, whose texts name what is here, and what was noticed on the
    way. Raises Unplaced with all that is left to be named, BadData for a text that names nothing.
    """
    placing = Placing(picture, typed)
    scene = placing.scene(preset.scene, ("scene",), recipe)
    said = recipe.get("panels")
    known = said if isinstance(said, list) else []

    def panel(index: int, scene: Scene) -> Scene:
        of = known[index] if index < len(known) and isinstance(known[index], dict) else {}
        return placing.scene(scene, ("panels", index), of)

    preset = replace(preset, scene=scene).with_panels(panel)
    heard = dict[str, str]()
    for key, ref, _ in sounds.named(to_dict(preset)):
        if ref not in heard and not typed(key):
            heard[ref] = placing.found(Name(key, "sounds", ref, ref), recipe) or ref
    texts = list(preset.texts)
    for index, text in enumerate(texts):
        key = ("text", index, "font")
        if text.font is not None and not typed(key):
            file = placing.found(Name(key, "fonts", text.font, text.font), recipe)
            texts[index] = text.in_font(file or text.font)
    if placing.missing:
        raise Unplaced(picture.name, tuple(placing.missing), of_archive(recipe))
    preset = replace(preset, texts=tuple(texts))
    return preset.with_sounds(lambda ref: heard.get(ref, ref)), placing


def _said(name: Name, recipe: Mapping[str, Any]) -> str:
    """The digest that a recipe says of something; "" where it says none."""
    table = recipe.get(name.kind)
    table = table if isinstance(table, dict) else {}
    said = table.get("digest" if name.kind == "model" else name.text)
    return said if isinstance(said, str) else ""


def _is(said: str, kind: str, source: str) -> bool:
    with suppress(LattyError, OSError):  # what cannot be read is told where it is used
        return same(said, kind, source)
    return False


def _new_names(source: str, said: str) -> Mapping[str, str]:
    with suppress(LattyError, OSError):  # told where it is used
        return new_names(source, said) or {}
    return {}


def _scorers(source: str, recipe: Mapping[str, Any]) -> Iterator[Difference]:
    """The scorers climbed by the directions of a set that are not those that a recipe says. Raises
    Missing, BadData, OutputError."""
    if not isinstance(said := recipe.get("scorers"), dict):
        return
    for scorer, spelled in scorers_of(source).items():
        if other := difference("scorers", spelled, said.get(spelled), scorer):
            yield other


def _near(name: Name, said: str) -> str | None:
    """The file below the current folder that has this name and this SHA-256; it is read as nothing
    but bytes before that is known."""
    place, store = _inside(Path(), name.file, name.kind), STORES.get(name.kind)
    if place is None or len(said) != WHOLE:
        return None
    with suppress(LattyError, OSError):  # what cannot be read is none
        is_folder = store is not None and store.inside and place.is_dir()
        file = place / store.inside if store is not None and is_folder else place
        return name.file if digest_of(file) == said else None
    return None


def _inside(folder: Path, file: str, kind: str) -> Path | None:
    """The file of a kind of content in or below a folder, its links followed, or the folder that is
    such content: of a model, or of latents. None for any other."""
    if file.startswith("~") or ".." in Path(file).parts or Path(file).is_absolute():
        return None
    place, store = folder / file, STORES.get(kind)
    try:
        real = place.resolve()
        if store is not None and store.inside and real.is_dir():
            real = (real / store.inside).resolve()
        is_one = real.is_file() or (kind == "model" and real.is_dir())
        return place if is_one and real.is_relative_to(folder.resolve()) else None
    except (OSError, ValueError, RuntimeError):  # a name no file can have, a loop of links
        return None
