"""What is wrong with a preset file, line by line; the editor opens where it is."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from latty.errors import PresetError, Problem
from latty.text import printable
from latty_tui.desk import Desk, DialogPlace
from latty_tui.dialogs.base import Dialog
from latty_tui.films.documents import shown


class Problems(Dialog[int]):
    """The line at which the editor is wanted (0: of the whole file); None for Esc."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "edit", "Open the editor there"),
        Binding("c", "copy", "Copy"),
    ]
    HELP = "All that is wrong with the preset. e opens it in your editor at the chosen line."
    STANDS: ClassVar[DialogPlace] = "below"

    def __init__(self, error: PresetError, lines: Sequence[str], editable: bool) -> None:
        super().__init__()
        self.error, self.lines, self.editable = error, lines, editable

    def compose(self) -> ComposeResult:
        count = len(self.error.problems)
        with Vertical(id="box", classes="failed") as box:
            number = "1 problem" if count == 1 else f"{count} problems"
            box.border_title = Text(f"{number} in {printable(shown(Path(self.error.file)))}")
            first = "e open the editor there   " if self.editable else ""
            box.border_subtitle = f"{first}c copy   esc close"
            yield OptionList(*map(self._option, self.error.problems), markup=False)

    def _option(self, problem: Problem) -> Option:
        place = f"{problem.line}:{problem.column}  " if problem.line else ""
        key = f"{problem.key}: " if problem.key else ""
        text = Text(place, "bold")
        text.append(printable(key + problem.what), "not bold")
        if problem.hint:
            text.append(f"\n  {printable(problem.hint)}", "not bold dim")
        if 0 < problem.line <= len(self.lines):
            line = printable(self.lines[problem.line - 1].replace("\t", "    "))
            text.append(f"\n  | {line}", "not bold italic")
        return Option(text)

    def on_mount(self) -> None:
        options = self.query_one(OptionList)
        options.highlighted = 0
        options.focus()

    def on_option_list_option_selected(self) -> None:
        self.action_edit()

    def action_edit(self) -> None:
        at = self.query_one(OptionList).highlighted or 0
        if self.editable:
            self.dismiss(self.error.problems[at].line)

    def action_copy(self) -> None:
        cast(Desk, self.app).copy(self.error.message)
