"""The fields of forms: words to choose from, texts that complete themselves."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.suggester import Suggester
from textual.widget import Widget
from textual.widgets import Input

from latty_tui.dialogs.choose import Choice, Choose

Values = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FormField:
    """One line of a form.

    choices  it is one of these words; with `many`, any of them, joined by commas
    read     raises ValueError or LattyError with what is wrong with a text
    offers   completions while it is typed
    listed   what may be chosen from a list, by Space; typed all the same
    when     whether it matters, given the texts of the other fields; else it is not seen
    """

    name: str
    label: str
    value: str = ""
    help: str = ""
    choices: tuple[str, ...] = ()
    many: bool = False
    read: Callable[[str], Any] = str
    offers: tuple[str, ...] = ()
    listed: tuple[Choice, ...] = ()
    when: Callable[[Values], bool] = lambda _: True


class ListedInput(Input):
    """A text that may be chosen from a list, too."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "choose", "Choose from a list", show=False, priority=True)
    ]

    def __init__(self, field: FormField, **more: Any) -> None:
        super().__init__(field.value, compact=True, id=f"field-{field.name}", **more)
        self.field = field

    def action_choose(self) -> None:
        self.app.push_screen(Choose(self.field.label, self.field.listed), self._chosen)

    def _chosen(self, value: str | None) -> None:
        if value is not None:
            self.value = value
            self.cursor_position = len(value)


class Pick(Widget, can_focus=True):
    """Words of which one is chosen, or any number: [x] by Space."""

    DEFAULT_CSS = (
        "Pick { width: 1fr; height: auto; } Pick:focus { background: $block-cursor-background; }"
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1)", show=False),
        Binding("right", "move(1)", show=False),
        Binding("space", "toggle_word", show=False),
    ]

    class Changed(Message):
        """Another word, or one more, or one less."""

    def __init__(self, field: FormField) -> None:
        super().__init__(id=f"field-{field.name}")
        self.words, self.many = field.choices, field.many
        chosen = field.value.split(",") if field.many else [field.value]
        self.chosen = [word for word in self.words if word in chosen]
        if not self.chosen and not self.many:
            self.chosen = list(self.words[:1])
        first = self.chosen[0] if self.chosen else self.words[0]
        self.at = self.words.index(first)

    @property
    def value(self) -> str:
        return ",".join(self.chosen)

    @value.setter
    def value(self, text: str) -> None:
        parts = text.split(",")
        self.chosen = [word for word in self.words if word in parts]
        self._changed()

    def action_move(self, by: int) -> None:
        self.at = (self.at + by) % len(self.words)
        if not self.many:
            self.chosen = [self.words[self.at]]
        self._changed()

    def action_toggle_word(self) -> None:
        word = self.words[self.at]
        if self.many:
            now = {*self.chosen} ^ {word}
            self.chosen = [one for one in self.words if one in now]
            self._changed()
        else:
            self.action_move(1)

    def on_click(self, event: events.Click) -> None:
        place, rows = 0, self._rows(self.size.width)
        for text, word in rows[min(event.y, len(rows) - 1)]:
            if place <= event.x < place + len(text):
                self.at = self.words.index(word)
                self.chosen = [word] if not self.many else self.chosen
                if self.many:
                    self.action_toggle_word()
                return self._changed()
            place += len(text) + 1

    def _changed(self) -> None:
        self.refresh(layout=True)
        self.post_message(self.Changed())

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._rows(width))

    def _rows(self, width: int) -> list[list[tuple[str, str]]]:
        """The parts, as many in each row as it has cells for."""
        rows, room = [list[tuple[str, str]]()], width
        for text, word in self._parts(width):
            if rows[-1] and len(text) > room:
                rows.append([])
                room = width
            rows[-1].append((text, word))
            room -= len(text) + 1
        return rows

    def _parts(self, width: int) -> list[tuple[str, str]]:
        """What is written for each word; where one row has no room for all, only the chosen one
        is, unless each has its mark."""
        if self.many:
            return [(f"[{'x' if w in self.chosen else ' '}] {w}", w) for w in self.words]
        parts = [(f"[{w}]" if w in self.chosen else f" {w} ", w) for w in self.words]
        if sum(len(text) + 1 for text, _ in parts) <= width or not self.chosen:
            return parts
        word = self.chosen[0]
        said = f"‹ {word} › {self.words.index(word) + 1} of {len(self.words)}"
        return [(part, word) for part in said.split()]

    def render(self) -> Text:
        return Text("\n").join(map(self._row, self._rows(self.size.width)))

    def _row(self, parts: list[tuple[str, str]]) -> Text:
        line = Text(no_wrap=True, overflow="ellipsis")
        for text, word in parts:
            here = self.has_focus and word == self.words[self.at]
            style = "reverse" if here else "bold" if word in self.chosen else ""
            line.append(text, style).append(" ")
        return line


class Offers(Suggester):
    """Completes the last word of a list with commas."""

    def __init__(self, words: Sequence[str]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self.words = words

    async def get_suggestion(self, value: str) -> str | None:
        before, comma, last = value.rpartition(",")
        begun = last.lstrip()
        found = (word for word in self.words if begun and word.startswith(begun))
        word = next(found, None)
        return None if word is None else before + comma + last[: len(last) - len(begun)] + word
