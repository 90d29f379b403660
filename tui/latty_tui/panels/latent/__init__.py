"""The latent: seed, truncation, noise, class, mixed seeds."""

import asyncio
import random
from collections.abc import Iterator
from functools import partial
from typing import Any, ClassVar, Literal

from textual import events
from textual.binding import Binding, BindingType

from latty.scene import SEED_LIMIT, Walk
from latty_tui.dialogs.ask import Ask
from latty_tui.dialogs.choose import Choice, Choose
from latty_tui.dialogs.readers import label_words
from latty_tui.drawing.engine import OpenModel
from latty_tui.panel import Panel, name_of, opens
from latty_tui.panels.latent import seed_fields
from latty_tui.panels.latent.field import Change, FieldContext, LatentField, Question
from latty_tui.panels.latent.fields import ClassField, MixField, StartField, fields
from latty_tui.panels.latent.latents import PATH, begin, offers
from latty_tui.state import State
from latty_tui.widgets.lines import LinePart, Lines, fitted

WIDE, NARROW = 12, 11  # cells of the names
RANDOM = 100_000  # seeds that `R` draws from: short enough to be remembered


class LatentPanel(Panel, Lines):
    """A line for each thing that a latent is made of."""

    PLACE, ORDER, TITLE, JUMP = "right", 20, "latent", "l"
    HELP = (
        "Where the picture comes from before any edit. Left and right change a line, Enter types "
        "its value. A mixed seed gives some layers of another picture: write 42 70% @ 0-3. What "
        "this model cannot do is grey, and the border says why."
    )
    EVERYWHERE: ClassVar[list[Binding]] = [
        Binding("n", "seed(1)", "Next seed", show=False),
        Binding("N", "seed(-1)", "Seed before", show=False),
        Binding("R", "random", "Random seed", show=False),
        Binding("s", "type_seed", "Seed"),
        Binding("t", "truncate(-1)", "Less truncation ψ", show=False),
        Binding("T", "truncate(1)", "More truncation ψ", show=False),
    ]
    WORDS: ClassVar = {
        "seed(1)": "next",
        "random": "dice shuffle",
        "type_seed": "seed number",
        "truncate(-1)": "tame",
        "truncate(1)": "wild",
        "classes": "class label",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right", "nudge(1)", "More", key_display="→"),
        Binding("left", "nudge(-1)", "Less", key_display="←"),
        Binding("shift+right", "nudge(1, True)", "Much more", show=False),
        Binding("shift+left", "nudge(-1, True)", "Much less", show=False),
        Binding("enter,equals_sign", "type", "Type or choose", key_display="⏎"),
        Binding("c", "classes", "Choose a class"),
        Binding("left_square_bracket", "layer('start', -1)", "First mixed layer down", show=False),
        Binding("right_square_bracket", "layer('start', 1)", "First mixed layer up", show=False),
        Binding("left_curly_bracket", "layer('stop', -1)", "Last mixed layer down", show=False),
        Binding("right_curly_bracket", "layer('stop', 1)", "Last mixed layer up", show=False),
        Binding("x,delete", "delete", "Remove, or back to usual", show=False, key_display="x"),
    ]

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.fields: list[LatentField] = []
        self._said: list[tuple[str, str, str]] = []

    # What the studio tells.

    def on_mount(self) -> None:
        self.on_state(self.desk.state)

    def on_state(self, state: State) -> None:
        here = self.field.name if self.fields else ""
        look, self.fields = self.look, fields(self.look)
        said = [(field.name, field.words(look), field.why(look)) for field in self.fields]
        if said != self._said:
            self._said = said
            names = [name for name, _, _ in said]
            self.revise(names.index(here) if here in names else None)
        self._tell()

    def on_model(self, model: OpenModel | None) -> None:
        self.on_state(self.desk.state)

    # What the palette asks.

    def why_not(self, action: str) -> str:
        return ClassField().why(self.look) if action == "classes" else ""

    def things(self) -> Iterator[Any]:
        return (one.thing(self.look, self.TITLE, partial(self._go_to, one.name))
                for one in self.fields[1:])  # the seed has a key of its own  # fmt: skip

    def _go_to(self, name: str) -> None:
        """To a line, and ask for its value."""
        places = (i for i, field in enumerate(self.fields) if field.name == name)
        if (place := next(places, None)) is not None:
            self.desk.go(name_of(type(self)))
            self.go(place)
            self.action_type()

    def typed(self, text: str) -> Iterator[Any]:
        """A number is a seed."""
        return seed_fields.typed(text, self._to_seed)

    def _to_seed(self, number: int) -> None:
        self._apply(seed_fields.reseeded(self.desk.state, number))

    # Lines.

    @property
    def look(self) -> FieldContext:
        return FieldContext(self.desk.state, self.desk.known)

    @property
    def field(self) -> LatentField:
        return self.fields[min(self.cursor, len(self.fields) - 1)]

    def count(self) -> int:
        return len(self.fields)

    def line(self, index: int, width: int) -> list[LinePart]:
        field, look, names = self.fields[index], self.look, self._names(width)
        off = bool(look.model) and bool(field.why(look))
        here = index == self.cursor and self.has_focus and not off
        value = fitted(field.words(look), max(0, width - names - 2)).rstrip()
        return [
            LinePart(fitted(field.name, names), "off" if off else "dim"),
            LinePart("‹" if here else " ", "value"),
            LinePart(value, "off" if off else "strong" if here else ""),
            LinePart("›" if here else "", "value"),
        ]

    def _names(self, width: int) -> int:
        """Cells of the names."""
        return WIDE if width > 2 * WIDE + 8 else NARROW

    def under(self) -> None:
        self._tell()

    def _tell(self) -> None:
        """Why the line of the cursor is grey, on the border."""
        self.entitle(below=self.field.why(self.look) if self.look.model else "")

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """A click on the arrows beside a value changes it."""
        found, before = self.line_at(event), self.cursor
        if found is None:
            return
        event.prevent_default()
        self.go(found[0])
        if self.has_focus and found[0] == before:
            start = self._names(self.room)
            value = sum(len(part.text) for part in self.line(before, self.room)[:3]) - start
            self.action_nudge({start: -1, start + value: 1}.get(found[1], 0))

    def on_click(self, event: events.Click) -> None:
        found = self.line_at(event)
        if event.chain == 2 and found is not None and found[1] > self._names(self.room):
            self.action_type()

    # What keys do.

    def _apply(self, made: Change | None, tag: str = "") -> None:
        if made is not None:
            self.desk.change(*made, tag=tag)

    def _useless(self) -> bool:
        """Whether the line of the cursor means nothing here; it is said why."""
        why = self.field.why(self.look)
        if why:
            self.desk.say(why, "warning")
        return bool(why)

    def action_nudge(self, way: int, coarse: bool = False) -> None:
        if way and not self._useless():
            field = self.field
            self._apply(field.nudged(self.look, way, coarse), f"latent:{field.name}")

    @opens
    def action_type(self) -> None:
        field = self.field
        if isinstance(field, StartField):
            self.desk.opening(self._choose_start(), "latents")
        elif not self._useless():
            question = field.question(self.look)
            if question is None:
                self.action_nudge(1)
            else:
                self._ask(question)

    def _ask(self, question: Question) -> None:
        def read(text: str) -> tuple[Any]:  # None is an answer, too
            return (question.read(text),)

        def typed(found: tuple[Any]) -> None:
            self._apply(question.made(self.desk.state, *found))

        self.desk.ask(Ask(question.title, question.value, read, question.hint), typed)

    def action_seed(self, by: int) -> None:
        self._apply(seed_fields.stepped(self.desk.state, by), "seed")

    def action_random(self) -> None:
        seed = self.desk.state.scene.seed
        if isinstance(seed, Walk):
            self._apply(seed_fields.stepped(self.desk.state, random.randrange(SEED_LIMIT)))
        else:
            self._apply(seed_fields.stepped(self.desk.state, random.randrange(RANDOM) - seed))

    @opens
    def action_type_seed(self) -> None:
        self._ask(seed_fields.seed_question(self.look))

    def action_truncate(self, way: int) -> None:
        self._apply(
            seed_fields.truncated(self.desk.state, way * seed_fields.TRUNCATION_STEP), "truncation"
        )

    @opens
    def action_classes(self) -> None:
        """Choose a class by its name."""
        field, look = ClassField(), self.look
        why = field.why(look)
        if why or look.model is None:
            self.desk.say(why or "the model is not open yet", "warning")
            return
        names = look.model.classes
        choices = [Choice(i, label_words(i, names)) for i in range(look.model.num_classes)]

        def taken(index: int) -> None:
            self._apply(field.at(self.look, self.desk.state, index))

        self.desk.ask(Choose("class", choices), taken)

    def action_layer(self, end: Literal["start", "stop"], by: int) -> None:
        """The layers of a mixed seed."""
        field, look = self.field, self.look
        if not isinstance(field, MixField):
            self.desk.say("layers belong to a mixed seed: go to its line")
            return
        if why := field.no_layers(look):
            self.desk.say(why, "warning")
        else:
            self._apply(field.layered(look, end, by), f"mix-layers:{field.index}")

    def action_delete(self) -> None:
        """A mixed seed is taken out; anything else goes back to what it usually is."""
        field = self.field
        if isinstance(field, MixField):
            self._apply((self.desk.state.removed(field.index), f"remove {field.name}"))
        else:
            self._apply(field.usual(self.desk.state))

    # Stored latents.

    async def _choose_start(self) -> None:
        model = self.desk.known
        choices = await asyncio.to_thread(offers, model)
        self.desk.ask(Choose("start at", choices), self._start_taken)

    def _start_taken(self, ref: str) -> None:
        if ref == PATH:
            ask = Ask("latents of a file", "", str.strip, "FILE or FILE#INDEX")
            self.desk.ask(ask, self._start_taken)
        else:
            self.desk.background(self._start_at(ref), "latents")

    async def _start_at(self, ref: str) -> None:
        """Go there; a file that does not fit is told. Raises LattyError."""
        known = await asyncio.to_thread(begin, ref, self.desk.known) if ref else {}
        state = self.desk.state.with_scene(latent=ref or None, **known)
        self.desk.change(state, f"start at {ref or 'the seed'}")


PANEL = LatentPanel
