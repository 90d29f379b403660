"""A form: fields one below the other, checked while they are typed, usable without a mouse.

Up and down (or Tab) go from field to field, left and right choose a word, Enter hands the form in.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Input, Static

from latty.errors import LattyError, explain
from latty_tui.desk import Desk, DialogPlace
from latty_tui.dialogs.base import Dialog, plain
from latty_tui.dialogs.fields import FormField, ListedInput, Offers, Pick, Values

SAID = 8  # rows that are not fields: the border, and what is said below them


class Form(Dialog[dict[str, str]]):
    """The texts of all fields that matter, by name; None for Esc. Subclasses may `check` them as a
    whole and tell what would come of them (`tell`)."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "app.focus_next", "Next field", show=False, priority=True),
        Binding("up", "app.focus_previous", "Previous field", show=False, priority=True),
        Binding("enter,ctrl+j", "hand_in", "Start", priority=True),
    ]
    HELP = __doc__ or ""
    STANDS: ClassVar[DialogPlace] = "column"

    def __init__(self, question: str, fields: Sequence[FormField]) -> None:
        super().__init__()
        self.question = question
        self.fields = {field.name: field for field in fields}

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = plain(self.question)
            box.border_subtitle = "⏎ start  ↑↓ fields  ←→ choose  esc"
            with VerticalScroll(id="fields", can_focus=False):
                for field in self.fields.values():
                    with Horizontal(classes="field", id=f"row-{field.name}"):
                        yield Static(field.label, markup=False)
                        yield _control(field)
            yield Static("", id="hint", classes="hint", markup=False)
            yield Static("", id="told", classes="hint", markup=False)

    def on_mount(self) -> None:
        self._changed()

    def on_resize(self) -> None:
        """The fields scroll; what is said of them is always seen."""
        room = cast(Desk, self.app).room(self.STANDS).height - SAID
        self.query_one("#fields").styles.max_height = max(3, room)

    # What is in it.

    @property
    def values(self) -> dict[str, str]:
        """The texts of all fields."""
        return {name: self.control(name).value.strip() for name in self.fields}

    def control(self, name: str) -> Any:
        """The widget of a field: an Input or a Pick."""
        return self.query_one(f"#field-{name}")

    def set(self, name: str, text: str) -> None:
        """Put a text into a field."""
        self.control(name).value = text

    def tell(self, words: str, wrong: bool = False) -> None:
        """What would come of it, below the fields."""
        self.say(words, wrong, "#told")

    def changed(self, values: Values) -> None:
        """For subclasses: a text is another one, and every text by itself is right."""

    def check(self, values: Values) -> tuple[str, str] | None:
        """For subclasses: (field, what is wrong) where texts do not go together."""
        return None

    # While it is typed.

    def on_input_changed(self) -> None:
        self._changed()

    def on_pick_changed(self) -> None:
        self._changed()

    def on_descendant_focus(self) -> None:
        self._hint()

    def _changed(self) -> None:
        values = self.values
        for name, field in self.fields.items():
            self.query_one(f"#row-{name}").display = field.when(values)
        if not self.again():
            self.changed(self._that_matter(values))

    def again(self) -> bool:
        """Show what is wrong, by field; whether something is."""
        wrong = self._wrong(self.values)
        for name in self.fields:
            self.query_one(f"#row-{name}").set_class(name in wrong, "wrong")
        self._hint()
        return bool(wrong)

    def _that_matter(self, values: Values) -> dict[str, str]:
        return {name: values[name] for name, f in self.fields.items() if f.when(values)}

    def _wrong(self, values: Values) -> dict[str, str]:
        """What is wrong, by field."""
        found = {}
        for name, text in self._that_matter(values).items():
            if said := _fault(self.fields[name], text):
                found[name] = said
        if not found and (whole := self.check(self._that_matter(values))):
            found[whole[0]] = whole[1]
        return found

    def _hint(self) -> None:
        """What is wrong with the field that has the focus, or what it is for."""
        focused = self.focused
        name = (focused.id or "").removeprefix("field-") if focused is not None else ""
        if name in self.fields:
            wrong = self._wrong(self.values).get(name, "")
            more = "; space lists them" if self.fields[name].listed else ""
            self.say(wrong or self.fields[name].help + more, bool(wrong), "#hint")

    def action_hand_in(self) -> None:
        if not (wrong := self._wrong(self.values)):
            self.dismiss(self._that_matter(self.values))
            return
        name = next(iter(wrong))
        self.control(name).focus()
        self.say(wrong[name], True, "#hint")


def _control(field: FormField) -> Input | Pick:
    if field.choices:
        return Pick(field)
    offers = Offers(field.offers) if field.offers else None
    if field.listed:
        return ListedInput(field, suggester=offers)
    return Input(field.value, suggester=offers, compact=True, id=f"field-{field.name}")


def _fault(field: FormField, text: str) -> str:
    try:
        field.read(text)
    except (ValueError, OSError, RuntimeError, LattyError) as error:  # paths, too
        return str(explain(error) or error)
    return ""
