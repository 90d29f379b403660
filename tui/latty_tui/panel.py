"""What a panel is: a widget in panels/NAME.py with PANEL = its class, its looks in NAME.tcss.

The app finds panels by their files and puts each where its PLACE says, in the order of ORDER. A new
panel is one new file, and its .tcss where it needs one: nothing else is touched.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache, partial, wraps
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar, cast

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region
from textual.widget import Widget

from latty import plugins
from latty.plugins import Registry
from latty.text import printable
from latty_tui.desk import Desk, Listener
from latty_tui.finding import Thing

PANELS = Registry["type[Panel]"]("latty_tui.panels", "PANEL", needs=("PLACE", "ORDER", "TITLE"))
Action = TypeVar("Action", bound=Callable[..., Any])
Place = Literal["top", "left", "centre", "right", "bottom"]
PLACES: tuple[Place, ...] = ("left", "centre", "right", "bottom")  # those that keys go to
NUMBERED = 9  # panels that a digit jumps to


class Panel(Listener):
    """A mixin of every panel's widget class.

    PLACE, ORDER  where it is, and its place among the others there (smaller first)
    TITLE         on its border behind its number, in help and jump mode
    JUMP          the key that jump mode gives it
    HELP          a few plain sentences for `?`: what it is for; keys come from its BINDINGS
    EVERYWHERE    keys that work wherever the focus is
    WORDS         other words by which people look for what its keys do, by action
    """

    PLACE: ClassVar[Place] = "left"
    ORDER: ClassVar[int] = 50
    TITLE: ClassVar[str] = ""
    JUMP: ClassVar[str] = ""
    HELP: ClassVar[str | None] = None
    EVERYWHERE: ClassVar[list[Binding]] = []
    WORDS: ClassVar[Mapping[str, str]] = {}
    BINDINGS: ClassVar[list[BindingType]] = []

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
    def desk(self) -> Desk:
        """The app."""
        return cast(Desk, cast(Any, self).app)

    def entitle(self, title: str = "", below: str = "") -> None:
        """What its border says behind its number; nothing is drawn where it says so already."""
        words = f"{number_of(type(self))} {title or self.TITLE}".lstrip()
        for name, text in (("border_title", words), ("border_subtitle", below)):
            said = Content(printable(text))
            if getattr(self, name) != said.markup:
                self._on_border(name, said)

    def _on_border(self, name: str, said: Content) -> None:
        """Words on a border, whose row alone is drawn. Private to Textual: its own draws all."""
        widget = cast(Widget, self)
        width, height = widget.outer_size
        setattr(widget, f"_{name}", said)
        row = Region(0, height - 1 if name == "border_subtitle" else 0, width, 1)
        widget.refresh(row.translate(-widget.content_offset))

    # What the palette asks.

    def why_not(self, action: str) -> str:
        """Why one of its keys would do nothing now, in a few words; "" = it would."""
        return ""

    def things(self) -> Iterable[Thing]:
        """What of it can be found by its words."""
        return ()

    def typed(self, text: str) -> Iterable[Thing]:
        """What a text means to it that is no word: a seed, a path."""
        return ()


def opens(action: Action) -> Action:
    """Mark an action that opens something which takes keys. Where nothing opens, and nothing else
    is done either, what was typed ahead is dropped: it was meant for what did not open."""

    @wraps(action)
    def marked(self: Any, *args: Any) -> Any:
        self.app.ahead.expect()
        return action(self, *args)

    marked.opens = True  # type: ignore[attr-defined]
    return cast(Action, marked)


def tell_left_out(desk: Desk) -> None:
    """Say which entries of other packages are left out: those known by now, and from now on."""
    plugins.tell = partial(desk.say, severity="warning")
    for fault in plugins.faults.values():
        plugins.tell(fault)


def panel_around(widget: Widget | None) -> Any:
    """The panel that a widget is or lies in; None where there is none."""
    above = widget.ancestors_with_self if widget is not None else ()
    return next((one for one in above if isinstance(one, Panel)), None)


@cache
def panels() -> tuple[type[Panel], ...]:
    """The classes of all panels, in the order of ORDER."""
    found = [panel for _, panel in PANELS.loaded()]
    return tuple(sorted(found, key=lambda panel: (panel.ORDER, panel.__name__)))


@cache
def in_order() -> tuple[type[Panel], ...]:
    """The panels that can be jumped to, in the order of the screen, which Tab takes as well."""
    found = [panel for panel in panels() if panel.JUMP and panel.PLACE in PLACES]
    return tuple(sorted(found, key=lambda panel: PLACES.index(panel.PLACE)))


def number_of(panel: type[Any]) -> str:
    """The digit that jumps to it; "" where there are more panels than digits."""
    order = in_order()
    at = order.index(panel) + 1 if panel in order else NUMBERED + 1
    return str(at) if at <= NUMBERED else ""


def name_of(panel: type[Any]) -> str:
    """The name of a panel's class, which is also its id on the screen: that of its entry; of
    another distribution's panel its module's."""
    inside = panel.__module__.removeprefix(f"{PANELS.package}.")
    return (
        panel.__module__.replace(".", "-") if inside == panel.__module__ else inside.split(".")[0]
    )


def style_sheets() -> Iterator[Path]:
    """The .tcss files of all panels, those of other distributions too."""
    for name in PANELS.names():
        if (source := PANELS.source(name)) is not None:
            folder = source.parent if source.stem == "__init__" else source
            sheet = folder / f"{name}.tcss" if folder.is_dir() else source.with_suffix(".tcss")
            if sheet.is_file():
                yield sheet
