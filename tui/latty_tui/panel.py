"""What a panel is: a widget in panels/NAME.py with PANEL = its class, its looks in NAME.tcss.

The app finds panels by their files and puts each where its PLACE says, in the order of ORDER. A new
panel is one new file (and its .tcss): nothing else is touched.
"""

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from textual.binding import Binding

from latty.plugins import Registry

if TYPE_CHECKING:
    from latty_tui.app import Studio
    from latty_tui.drawing.engine import Model
    from latty_tui.state import State

PANELS = Registry["type[Panel]"]("latty_tui.panels", "PANEL", needs=("PLACE", "ORDER", "TITLE"))
Place = Literal["top", "left", "centre", "right", "bottom"]


class Panel:
    """A mixin of every panel's widget class; the hooks may be left as they are.

    PLACE, ORDER  where it is, and its place among the others there (smaller first)
    TITLE         on its border, in help and jump mode
    JUMP          the key that jump mode gives it
    HELP          a few plain sentences for `?`: what it is for; keys come from its BINDINGS
    """

    PLACE: ClassVar[Place] = "left"
    ORDER: ClassVar[int] = 50
    TITLE: ClassVar[str] = ""
    JUMP: ClassVar[str] = ""
    HELP: ClassVar[str] = ""

    def __init_subclass__(cls, **more: Any) -> None:
        """Bindings get the ids by which the keymap file knows them: PANEL.ACTION."""
        if "BINDINGS" in vars(cls):
            cls.BINDINGS = [
                replace(one, id=one.id or f"{name_of(cls)}.{one.action}")
                if one.description
                else one
                for one in Binding.make_bindings(cls.BINDINGS)
            ]
        super().__init_subclass__(**more)

    @property
    def studio(self) -> "Studio":
        """The app, by its own type."""
        return cast("Studio", cast(Any, self).app)

    def state_changed(self, state: "State") -> None:
        """The state is another one: by an edit, an undo, a preset."""

    def model_changed(self, model: "Model | None") -> None:
        """Another model is open; None while one is being opened or none could be."""


@cache
def panels() -> tuple[type[Any], ...]:
    """The classes of all panels, in the order of ORDER."""
    found = [panel for _, panel in PANELS.loaded()]
    return tuple(sorted(found, key=lambda panel: (panel.ORDER, panel.__name__)))


def name_of(panel: type[Any]) -> str:
    """The name of a panel's class: its file's, which is also its id on the screen."""
    return panel.__module__.removeprefix(f"{PANELS.package}.").partition(".")[0]
