"""Choose one of a list: type to narrow it down, arrows and Enter to take one."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, NamedTuple

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from latty.text import printable
from latty_tui.dialogs.base import Answer, Dialog, plain


class Choice(NamedTuple):
    """What is returned, what is shown, what it is."""

    value: Any
    name: str
    what: str = ""


class Listed(Dialog[Answer]):
    """An input above a list that arrows go through; the focus stays with the input."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "move(1)", show=False),
        Binding("up", "move(-1)", show=False),
    ]

    def box(self, title: str, placeholder: str, text: str = "", hint: str = "") -> ComposeResult:
        """What it is made of."""
        with Vertical(id="box") as box:
            box.border_title = plain(title)
            yield Input(text, placeholder=placeholder)
            options = OptionList(markup=False)
            options.can_focus = False
            yield options
            if hint:
                yield Static(hint, classes="hint", markup=False)

    def offer(self, lines: Iterable[Content | Text], at: int | None) -> None:
        """Other lines, the cursor at one of them or nowhere."""
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options(map(Option, lines))
        options.highlighted = at

    def action_move(self, by: int) -> None:
        options = self.query_one(OptionList)
        if count := options.option_count:
            at = options.highlighted
            options.highlighted = (0 if by > 0 else count - 1) if at is None else (at + by) % count


class Choose(Listed[Any]):
    """The value of the choice that was taken; None for Esc."""

    def __init__(self, question: str, choices: Sequence[Choice]) -> None:
        super().__init__()
        self.question, self.choices = question, tuple(choices)
        self.seen: list[Choice] = []

    def compose(self) -> ComposeResult:
        return self.box(self.question, "type to filter")

    def on_mount(self) -> None:
        self._fill("")

    def on_input_changed(self, event: Input.Changed) -> None:
        self._fill(event.value)

    def change(self, choices: Sequence[Choice]) -> None:
        """Other choices; what was typed stays, and so does the cursor on its choice."""
        self.choices = tuple(choices)
        if not self.query(OptionList):  # not composed yet, or ended
            return
        at = self.query_one(OptionList).highlighted
        held = self.seen[at].value if at is not None and self.seen else None
        self._fill(self.query_one(Input).value)
        values = [one.value for one in self.seen]
        if held in values:
            self.query_one(OptionList).highlighted = values.index(held)

    def _fill(self, words: str) -> None:
        parts = words.lower().split()
        self.seen = [
            one for one in self.choices if all(p in f"{one.name} {one.what}".lower() for p in parts)
        ]
        self.offer(map(_line, self.seen), 0 if self.seen else None)

    def on_input_submitted(self) -> None:
        at = self.query_one(OptionList).highlighted
        if at is not None and self.seen:
            self.dismiss(self.seen[at].value)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self.seen[event.option_index].value)


def _line(choice: Choice) -> Content:
    return Content.assemble(printable(choice.name), (printable(f"  {choice.what}"), "$text-muted"))
