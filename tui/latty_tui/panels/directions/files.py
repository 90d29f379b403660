"""What the directions' panel does to files: rename, flip, delete, export, keep the edits.

The engine does it (torch reads and writes the arrays); the stack follows. A set that ships with
latty is never changed: a direction of it is copied to a set "my-SET" of the user's first.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from latty.directions.bin import SetChange
from latty.store import name_from
from latty.text import printable
from latty_tui.dialogs.ask import Ask
from latty_tui.dialogs.choose import Choice, Decide
from latty_tui.dialogs.readers import free_name
from latty_tui.library import sets
from latty_tui.library.marks import read_tags
from latty_tui.library.sets import DirectionEntry, SetEntry
from latty_tui.panel import opens
from latty_tui.panels.directions import renaming
from latty_tui.panels.directions.listing import DirectionList


class FileActions(DirectionList):
    """One action each, on what is under the cursor."""

    @property
    def _call(self) -> Callable[..., Any]:
        return self.desk.engine.call

    def _target(self) -> tuple[DirectionEntry | None, SetEntry] | None:
        """The direction, or the whole set (None), under the cursor."""
        row = self.row
        if row is None or row.entry is None:
            self.desk.say("choose a direction or a set first")
            return None
        return row.found, row.entry

    def _do(self, work: Any) -> None:
        self.desk.background(work, "files")

    # Rename.

    @opens
    def action_rename(self) -> None:
        if (target := self._target()) is None:
            return
        found, entry = target
        if found is None:
            self._rename_set(entry)
            return

        def named(name: str) -> None:
            if name != found.info.name:
                self._do(self._rename(found, name))

        taken = {one.info.name for one in sets.directions(entry)} - {found.info.name}
        hint = f"{entry.name} ships with latty: a copy of it gets the name" if entry.shipped else ""
        self._ask(f"rename {found.ref}", found.info.name, renaming.name_reader(taken), hint, named)

    async def _rename(self, found: DirectionEntry, name: str) -> None:
        path, changes = await self._change(found.entry, "rename", found.info.name, to=name)
        await self._moved(found.ref, f"{path.stem}/{name}", f"rename to {name}", changes)

    def _rename_set(self, entry: SetEntry) -> None:
        if self._ships(entry):
            return

        def named(name: str) -> None:
            if name != entry.name:
                self._do(self._set_renamed(entry, name))

        taken = {one.name for one in self.entries} - {entry.name}
        self._ask(f"rename the set {entry.name}", entry.name, renaming.set_reader(taken), "", named)

    async def _set_renamed(self, entry: SetEntry, name: str) -> None:
        _, changes = await self._change(entry, "rename_set", name)
        pairs = {found.ref: f"{name}/{found.info.name}" for found in sets.directions(entry)}
        await self._follow(
            pairs, f"{entry.name} is {name}", changes, next(iter(pairs.values()), "")
        )

    # Flip.

    def action_flip(self) -> None:
        if (found := self.found) is None:
            self.desk.say("choose a direction to turn around")
            return
        self._do(self._flip(found))

    async def _flip(self, found: DirectionEntry) -> None:
        path, changes = await self._change(found.entry, "flip", found.info.name)
        ref = f"{path.stem}/{found.info.name}"
        await self._moved(found.ref, ref, f"flip {found.info.name}", changes)
        self.desk.say(f"{ref} goes the other way round now")
        self.desk.draw_soon()
        self.desk.tell(lambda panel: panel.on_sets(()))

    # Tag.

    @opens
    def action_tags(self) -> None:
        if (found := self.found) is None:
            return

        def tagged(tags: tuple[str, ...]) -> None:
            self.mark(self.marks.tagged(found.ref, tags))

        before = " ".join(self.marks.tags.get(found.ref, ()))
        hint = "words, with or without #; / finds them"
        self.desk.ask(Ask(f"tags of {found.ref}", before, read_tags, hint), tagged)

    # Delete.

    @opens
    def action_delete(self) -> None:
        target = self._target()
        if target is None or self._ships(target[1]):
            return
        found, entry = target
        what = found.ref if found else f"the set {entry.name}"
        used = sum(1 for one in ([found] if found else sets.directions(entry))
                   if self.desk.state.where(one.ref) is not None)  # fmt: skip
        more = f"{used} of the stack goes with it; " if used else ""
        answers = [
            Choice(None, "keep it"),
            Choice(True, "delete it", more + renaming.brought_back(entry.path)),
        ]
        self.desk.ask(
            Decide(f"delete {what}?", answers), lambda _: self._do(self._delete(found, entry))
        )

    async def _delete(self, found: DirectionEntry | None, entry: SetEntry) -> None:
        if found is None:
            _, changes = await self._change(entry, "delete_set")
            gone = [*sets.directions(entry)]
        else:
            _, changes = await self._change(entry, "delete", names=[found.info.name])
            gone = [found]
        name = found.info.name if found else entry.name
        await self._follow({one.ref: None for one in gone}, f"delete {name}", changes)

    # Export, and keep.

    @opens
    def action_export(self) -> None:
        if (target := self._target()) is None:
            return
        found, entry = target
        name = found.info.name if found else entry.name

        def chosen(path: Path) -> None:
            self._do(self._export(found, entry, path))

        hint = ".safetensors holds all that is known of it"
        hint += ", .npy the bare vector for other tools" if found else ""
        self._ask(f"export {name} to", f"{name_from(name)}.safetensors",
                  renaming.export_path, hint, chosen)  # fmt: skip

    async def _export(self, found: DirectionEntry | None, entry: SetEntry, path: Path) -> None:
        name = found.info.name if found else None
        words = await self._call("export_directions", path=str(entry.path), name=name, to=str(path))
        self.desk.say(f"{path}: {', '.join(words)}")

    @opens
    def action_keep(self) -> None:
        """The edits of the picture as one direction."""
        shown = self.desk.state.shown
        if not shown.edits:
            self.desk.say("there is no edit to keep: move a direction first")
            return
        names = [renaming.short(edit.direction) for edit in shown.edits]
        taken = {info.name for entry in self.entries if entry.name == "mine" and entry.header
                 for info in entry.header.infos}  # fmt: skip

        hint = "kept in the set mine: strength 1 of it repeats all edits of now"
        name = free_name("+".join(names)[:60], taken.__contains__)
        self._ask("keep the edits as the direction", name, renaming.name_reader(set()), hint,
                  lambda name: self._do(self._keep(name)))  # fmt: skip

    async def _keep(self, name: str) -> None:
        from latty.scene import to_table

        scene = to_table(self.desk.state.shown)
        ref = await self._call("keep_offset", scene=scene, name=name)
        await self.look()
        self.fill(select=ref)
        self.desk.say(f"kept as {ref}")

    # What these share.

    def _ask(
        self, question: str, value: str, read: Any, hint: str, then: Callable[[Any], None]
    ) -> None:
        self.desk.ask(Ask(question, printable(value), read, hint), then)

    def _ships(self, entry: SetEntry) -> bool:
        if entry.shipped:
            self.desk.say(f"{entry.name} ships with latty and stays as it is", "warning")
        return entry.shipped

    async def _change(
        self, entry: SetEntry, work: str, name: str | None = None, **args: Any
    ) -> tuple[Path, tuple[SetChange, ...]]:
        """Change a set, or the copy of a direction `name` where it ships; the file that was, and
        the changes for undo."""
        more = args if name is None else {"name": name, **args}
        path, changes = await self._call("change_directions", work=work, path=str(entry.path),
                                         copy=name if entry.shipped else "", **more)  # fmt: skip
        if entry.shipped:
            copy = Path(path).stem
            self.desk.say(f"{entry.name} ships with latty: its copy {copy} is changed")
        return Path(path), tuple(SetChange(*one) for one in changes)

    async def _moved(self, ref: str, to: str, what: str, changes: tuple[SetChange, ...]) -> None:
        copy = ref.partition("/")[0] != to.partition("/")[0]
        await self._follow({ref: to}, what, changes, to, marks=not copy)

    async def _follow(
        self,
        pairs: Mapping[str, str | None],
        what: str,
        changes: tuple[SetChange, ...],
        select: str = "",
        marks: bool = True,
    ) -> None:
        """The stack, stars and tags after directions got other names, or none; those of a deleted
        one stay for it, as it may come back."""
        await self.look()
        moved = tuple((ref, to) for ref, to in pairs.items() if to and to != ref and marks)
        self._mark_moved(moved)
        state = self.desk.state
        for ref, to in pairs.items():
            state = renaming.followed(state, ref, to)
        self.desk.change(state, what, sets=changes, moved=moved)
        self.fill(select)

    def _mark_moved(self, moved: Sequence[tuple[str, str]]) -> None:
        kept = self.marks
        for ref, to in moved:
            kept = kept.moved(ref, to)
        if kept != self.marks:
            self.mark(kept)

    def on_sets(self, moved: Sequence[tuple[str, str]]) -> None:
        self._mark_moved(moved)
        self._do(self._looked(moved))

    async def _looked(self, moved: Sequence[tuple[str, str]]) -> None:
        """The list after an undo; the cursor follows what it renamed."""
        await self.look()
        at = self.row.key if self.row else ""
        self.fill(next((new for old, new in moved if old == at), ""))
