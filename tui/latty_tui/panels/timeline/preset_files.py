"""Presets in the studio: saved, loaded, edited in $EDITOR, and followed while others write them."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from latty.errors import LattyError, Loses, OutputError, PresetError, Unkept
from latty.files import Stamp, stamp_of
from latty.presets import Preset
from latty_tui.desk import Desk
from latty_tui.dialogs import apart
from latty_tui.dialogs.ask import Ask
from latty_tui.dialogs.choose import Choice, Choose, Decide
from latty_tui.films import documents, film
from latty_tui.films.documents import Document
from latty_tui.panels.timeline.editor import run_editor
from latty_tui.panels.timeline.problems import Problems
from latty_tui.state import State

TYPED = ""  # the choice of those who type a path


class PresetFiles:
    """The file of the present preset, if there is one; `changed` is called when it is another."""

    def __init__(self, desk: Desk, changed: Callable[[], object]) -> None:
        self.desk, self._changed = desk, changed
        self.document: Document | None = None
        self._packed: tuple[Path, str] | None = None  # an archive, and which preset of it
        self._at_it = asyncio.Lock()  # nobody follows the file while we write it

    @property
    def current(self) -> Document | None:
        """The file, while the state is of its preset: undo leads out of it, and back."""
        found = self.document
        return found if found is not None and found.name == self.desk.state.name else None

    @property
    def archive(self) -> Path | None:
        """The archive that the state is from, while no file has it."""
        path, name = self._packed or (None, "")
        return path if self.current is None and name == self.desk.state.name else None

    @property
    def dirty(self) -> bool:
        """Whether the state says something else than the file."""
        return self.current is not None and self.current.saved != self._preset()

    def title(self) -> str:
        """The file's name, and whether it is behind."""
        if self.current is None:
            place = f" in {documents.shown(self.archive)}" if self.archive else ""
            return self.desk.state.name + place
        return documents.shown(self.current.path) + (" (changed)" if self.dirty else "")

    def _preset(self) -> Preset | None:
        """The preset of the state, None where its keyframes make none."""
        try:
            return film.preset_of(self.desk.state)
        except LattyError:
            return None

    def _set(self, document: Document | None) -> None:
        self.document = document
        self._changed()

    async def find_again(self) -> None:
        """The file of the last run, where its preset is still the present one."""
        name = self.desk.state.name
        found = await asyncio.to_thread(_last, name) if name else None
        if found is not None and self.document is None:
            self._set(found)

    # Loading.

    async def open(
        self, ref: str, what: str = "load", answers: tuple[str, ...] = (), anyway: bool = False
    ) -> bool:
        """Load a preset; what is wrong with it is shown, and False. What a picture must not name
        by itself is asked for: `answers` hold what was said. So is whether to go on where what it
        was made of has another content here: `anyway`."""
        if names := await asyncio.to_thread(documents.several, ref):
            self._ask_which(ref, names)
            return False
        try:
            # Who writes another name that is not there is shown the line.
            lacking = None if what == "load" else self.desk.state.directions
            found = await asyncio.to_thread(documents.read, ref, answers, anyway, lacking)
        except PresetError as error:
            await self._problems(error, Path(ref).expanduser())
            return False
        except LattyError as error:
            if told := documents.differing(error):
                self._ask_whether(told, ref, what, answers)
            elif asked := documents.asked(error):
                self._ask(*asked, ref, answers)
            else:
                self.desk.fail(error, f"cannot load {ref}")
            return False
        state = await asyncio.to_thread(film.state_of, found.preset)
        await self._go_to(state, f"{what} {state.name}")
        if found.file is not None and not documents.is_shipped(found.file):
            path = found.file.absolute()
            self._set(Document(path, state.name, self._preset(), found.stamp))
            await asyncio.to_thread(documents.remember, path)
        else:
            self._packed = (found.archive, state.name) if found.archive else None
            self._set(None)
        if found.warnings:
            more = f" (and {len(found.warnings) - 1} more)" if found.warnings[1:] else ""
            self.desk.say(found.warnings[0] + more, "warning")
        return True

    def _ask_which(self, ref: str, names: list[str]) -> None:
        """One preset of an archive of several."""
        choices = [Choice(name, name.rpartition("#")[2]) for name in names]
        what = documents.shown(Path(ref).expanduser())
        self.desk.ask(Choose(f"{what} holds {len(names)} presets: load which?", choices),
                      self._load)  # fmt: skip

    def _ask_whether(
        self, differing: list[tuple[str, str]], ref: str, what: str, answers: tuple[str, ...]
    ) -> None:
        """Go on with what is here, or leave it."""
        told = [": ".join(one) for one in differing]
        choices = [
            Choice(None, "no", "leave it"),
            Choice(True, "yes", "go on with what is here: the picture may be another one"),
        ]

        def sure(_: object) -> None:
            self.desk.opening(self.open(ref, what, answers, anyway=True), "presets")

        name = documents.shown(Path(ref).expanduser())
        self.desk.ask(Decide(f"{name} was made with something else: go on?", choices, told), sure)

    def _ask(
        self, what: str, answered: Callable[[str], str], ref: str, answers: tuple[str, ...]
    ) -> None:
        """Which file of the user's is meant, one after the other."""

        def named(text: str) -> None:
            more = (*answers, answered(text))
            self.desk.opening(self.open(ref, answers=more), "presets")

        hint = "yours: a name in the store, or the path of a file"
        self.desk.ask(Ask(what, "", _said, hint), named)

    async def _go_to(self, state: State, what: str) -> None:
        another = state.scene.model != self.desk.state.scene.model
        if another and not await self.desk.openable(state.scene.model):
            return
        self.desk.change(state, what)
        model = state.scene.model
        if self.desk.opened != model and self.desk.state.scene.model == model:
            self.desk.background(self.desk.open_model(model), "open")

    async def ask_to_load(self) -> None:
        """Choose one, or type a path."""
        found = await asyncio.to_thread(documents.offers, self.desk.config.out_dir)
        choices = [Choice(TYPED, "another file ...", "type its path"),
                   *(Choice(one.ref, one.name, one.what) for one in found)]  # fmt: skip
        choices.append(choices.pop(0))

        def chosen(ref: str) -> None:
            if ref == TYPED:
                hint = "a .toml or .latty file, or a picture or film that latty made"
                self.desk.ask(Ask("load which file", "", _file, hint), self._load)
            else:
                self._load(ref)

        self.desk.ask(Choose("load a preset", choices), chosen)

    def _load(self, ref: str) -> None:
        self.desk.opening(self.open(ref), "presets")

    # Saving.

    async def ask_to_save(self) -> None:
        """Ask for the name and write it."""
        if not await apart.settled(self.desk, "save"):
            return
        state = self.desk.state
        try:
            film.preset_of(state)
        except LattyError as error:
            self.desk.fail(error, "these keyframes make no film")
            return
        now = self.current
        value = documents.shown(now.path) if now else state.name or _suggested(state)
        kept = f"{documents.shown(self.archive)} stays as it is: " if self.archive else ""
        self.desk.ask(
            Ask(f"{kept}save the preset as", value, lambda text: documents.target(text, Path.cwd()),
                "a name, or a path that ends in .toml"),
            self._named,
        )  # fmt: skip

    def _named(self, path: Path) -> None:
        mine = self.current is not None and self.current.path == path
        known = self.current.stamp if mine and self.current is not None else None
        self.desk.opening(self._save_if_sure(path, known, mine), "presets")

    async def _save_if_sure(self, path: Path, known: Stamp | None, mine: bool) -> None:
        """Write over what is there only where that is what we know, or somebody says so."""
        there = await asyncio.to_thread(stamp_of, path)
        if there in (None, known):
            await self._save_keeping(path)
            return
        what = "has been changed by another program" if mine else "is there"
        question = f"{documents.shown(path)} {what}: write over it?"
        choices = [Choice(None, "no", "keep the file"),
                   Choice(True, "yes", "what is not said anew in it stays")]  # fmt: skip

        def sure(_: object) -> None:  # of what is there now, and of nothing that comes meanwhile
            self.desk.opening(self._save_if_sure(path, there, mine), "presets")

        self.desk.ask(Decide(question, choices), sure)

    async def _save_keeping(self, path: Path, loses: Loses = "nothing") -> None:
        """Write it; ask where something of the file cannot stay."""
        try:
            await self.save(path, loses)
        except Unkept as error:
            lost = error.loses
            what = "write it anew: comments, [vars] and what it extends are lost"
            if lost == "placeholders":
                what = "write the numbers themselves in their place"
            no = Choice(None, "no", f"keep the file; {error.hint}")
            question = f"{error.message}: save it all the same?"

            def sure(_: object) -> None:
                self.desk.opening(self._save_keeping(path, lost), "presets")

            self.desk.ask(Decide(question, [no, Choice(True, "yes", what)]), sure)

    async def save(self, path: Path, loses: Loses = "nothing") -> None:
        """Write the state's preset. Raises LattyError."""
        mine = self.current is not None and self.current.path == path
        name = self.desk.state.name if mine else path.stem[:100]
        state = replace(self.desk.state, name=name)
        preset = film.preset_of(state)
        keys = film.as_saved(state).keys
        async with self._at_it:
            stamp = await asyncio.to_thread(documents.save, preset, path, loses)
            now = self.desk.state
            keys = keys if now.keys == state.keys else now.keys  # as they are in the file now
            self.desk.amend(replace(now, name=name, keys=keys))  # undo takes no file back
            self._set(Document(path, name, preset, stamp))
        outputs = ", ".join(output.path for output in preset.outputs)
        self.desk.say(f"saved {documents.shown(path)}; it renders to {outputs}")

    # Following the file.

    async def look(self) -> None:
        """Load the file again where somebody else has written it."""
        now = self.current
        if now is None or self._at_it.locked() or not self._free():
            return
        async with self._at_it:
            stamp = await asyncio.to_thread(stamp_of, now.path)
            if stamp in (None, now.stamp) or self.document is not now:
                return
            self.document = replace(now, stamp=stamp)  # told once
            for dialog in self.desk.dialogs:
                if isinstance(dialog, Problems):
                    dialog.dismiss(None)
            lost = self.dirty
            if await self.open(str(now.path), "reload"):
                yours = "; u brings yours back" if lost else ""
                self.desk.say(f"{documents.shown(now.path)} has changed: loaded again{yours}")

    def _free(self) -> bool:
        """Whether no dialog asks for something: but what was wrong may be mended by now."""
        dialogs = self.desk.dialogs
        return not dialogs or (len(dialogs) == 1 and isinstance(dialogs[0], Problems))

    # Editing.

    async def edit(self) -> None:
        """Open the present preset in the editor and take what it saves."""
        now = self.current
        if now is not None and not self.dirty:
            await self._edit(now.path)
            return
        preset = film.preset_of(self.desk.state)
        original = now.path if now is not None else None
        path = await asyncio.to_thread(documents.copied, preset, original)
        await self._edit(path, own=await asyncio.to_thread(documents.content, path))

    async def _edit(self, path: Path, line: int = 0, own: bytes | None = None) -> None:
        """`own`: what was in a file that is for the editor alone."""
        async with self._at_it:
            before = await asyncio.to_thread(stamp_of, path)
            await run_editor(self.desk, documents.editor(path, line))
            after = await asyncio.to_thread(stamp_of, path)
            if own is not None:
                await self._take(path, own)
            elif after != before:
                if self.document is not None and self.document.path == path:
                    self.document = replace(self.document, stamp=after)
                await self.open(str(path), "edit")

    async def _take(self, path: Path, own: bytes) -> None:
        """The preset of a file that was for the editor alone."""
        try:
            if await asyncio.to_thread(documents.content, path) != own:
                lacking = self.desk.state.directions
                found = await asyncio.to_thread(documents.read, str(path), lacking=lacking)
                state = film.state_of(found.preset)
                await self._go_to(state, f"edit {state.name}")
        except PresetError as error:
            await self._problems(error, path, own)
            return
        except OSError as error:
            raise OutputError(f"{path}: {error.strerror}") from None
        documents.thrown_away(path)

    async def _problems(self, error: PresetError, path: Path, own: bytes | None = None) -> None:
        """Say what is wrong; the editor opens there."""
        from latty.presets import shipped

        path = path if path.is_file() else shipped().get(str(path), path)
        lines = await asyncio.to_thread(documents.lines, path)

        def answered(line: int) -> None:
            self.desk.background(self._edit(path, line, own), "presets")

        def left() -> None:
            if own is not None:
                documents.thrown_away(path)

        text = bool(lines) and path.suffix == ".toml" and not documents.is_shipped(path)
        self.desk.ask(Problems(error, lines, text), answered, left)

    # The picture.

    async def export(self) -> None:
        """The present picture as PNG, in its whole size, with its recipe."""
        state = self.desk.state
        name = documents.file_name(state.name or _suggested(state))
        folder = str(self.desk.config.out_dir.expanduser().absolute())
        path = await self.desk.engine.call(
            "export", scene=film.picture_of(state), stem=name, folder=folder
        )
        self.desk.say(f"saved {documents.shown(Path(path))}")


def _last(name: str) -> Document | None:
    """The file that was used last, where its preset is of this name."""
    found = documents.last(name)
    if found is None or found.file is None:
        return None
    with suppress(LattyError):
        saved = film.preset_of(film.state_of(found.preset))
        return Document(found.file, name, saved, found.stamp)
    return None


def _suggested(state: State) -> str:
    """A name for what has none: its model and seed."""
    seed = state.scene.seed
    model = documents.file_name(Path(state.scene.model).stem)
    return f"{model}-{seed}" if isinstance(seed, int) else model


def _said(text: str) -> str:
    """Raises ValueError where nothing was said."""
    if not (words := text.strip()):
        raise ValueError("a name in the store, or the path of a file")
    return words


def _file(text: str) -> str:
    """Raises ValueError where there is no such file."""
    path = Path(text.strip()).expanduser()
    if not documents.leads(path):
        raise ValueError("there is no such file" if text.strip() else "the path of a file")
    return str(path)
