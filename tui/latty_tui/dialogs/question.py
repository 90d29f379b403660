"""A question with a few answers: a letter gives one, and so do arrows and Enter. What is asked
because something would be lost has the answer that keeps it first: that is where the cursor is."""

from collections.abc import Sequence
from typing import Any

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from latty.text import printable
from latty_tui.dialogs.base import Dialog, plain
from latty_tui.dialogs.choose import Choice

KEYS = "a letter, or ↑↓ and enter   esc: leave it"


class Question(Dialog[Any]):
    """The value of the answer that was given; None for Esc. `notes` are lines below the question,
    about what is asked."""

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
        line = Text.assemble((f"{letter}  ", "bold"), printable(answer.name), no_wrap=True)
        line.append(printable(f"  {answer.what}"), "dim")
        line.overflow = "ellipsis"
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
