"""Choose one of a list: type to narrow it down, arrows and Enter to take one. And questions with a
few answers, each of which has its letter."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, NamedTuple

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from latty.text import printable
from latty_tui.dialogs.base import Answer, Dialog, plain

KEYS = "a letter, or ↑↓ and enter   esc: leave it"


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


class Decide(Dialog[Any]):
    """The value of the answer that was given; None for Esc. Where something would be lost, the
    answer that keeps it is the first: there is the cursor. `notes` are lines below the question."""

    HELP = "Press the letter of an answer, or go to it and press Enter."

    def __init__(self, question: str, answers: Sequence[Choice], notes: Sequence[str] = ()) -> None:
        super().__init__()
        self.question, self.answers, self.notes = question, tuple(answers), tuple(notes)
        self.letters = letters(self.answers)

    def compose(self) -> ComposeResult:
        with Vertical(id="box", classes="question") as box:
            box.border_title = plain(self.question)
            box.border_subtitle = KEYS
            if self.notes:
                yield Static(plain("\n".join(self.notes)), classes="message")
            yield OptionList(*map(self._line, self.letters, self.answers), markup=False)

    def _line(self, letter: str, answer: Choice) -> Option:
        line = Text.assemble((f"{letter}  ", "bold"), printable(answer.name))
        line.append(printable(f"  {answer.what}"), "dim")
        return Option(line)

    def on_mount(self) -> None:
        self.query_one(OptionList).highlighted = 0

    def on_key(self, event: events.Key) -> None:
        if event.character and event.character in self.letters:
            event.stop()
            self.dismiss(self.answers[self.letters.index(event.character)].value)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self.answers[event.option_index].value)


def letters(answers: Sequence[Choice]) -> list[str]:
    """A letter for each: y and n where it is done or not, else the first of its name that is
    free."""
    if len(answers) == 2 and sum(one.value is None for one in answers) == 1:
        return ["n" if one.value is None else "y" for one in answers]
    found: list[str] = []
    for answer in answers:
        free = (one for one in answer.name.lower() if one.isalpha() and one not in found)
        found.append(next(free, str(len(found) + 1)))
    return found
