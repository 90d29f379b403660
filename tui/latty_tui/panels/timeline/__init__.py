"""The film: keyframes of the present state, played in the place of the picture; and its preset."""

from dataclasses import replace
from typing import Any, ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.widget import Widget

from latty.errors import BadData, LattyError
from latty.presets import Preset
from latty.text import printable
from latty_tui.drawing.projector import Projector, playback_of
from latty_tui.films import film, keyframes
from latty_tui.panel import Panel
from latty_tui.panels.timeline import questions, track
from latty_tui.panels.timeline.preset_files import PresetFiles
from latty_tui.state import LOOPS, FilmSettings, State

EASINGS = ("linear", "smooth", "sine", "cubic")
OWN = ("", "linear", "smooth", "in-cubic", "out-cubic", "in-out-cubic", "hold", "spring")
WATCH = 0.5  # seconds between two looks at the preset's file


class TimelinePanel(Panel, Widget):
    """Keyframes as diamonds on a line, and how they are played."""

    PLACE, ORDER, TITLE, JUMP = "centre", 30, "film", "t"
    HELP = (
        "A film goes from keyframe to keyframe, at even intervals. Press K to keep the present "
        "state as one, change something, press K again, and space plays it. c changes how it goes "
        "on from the chosen keyframe (hold stays there), C lists all easings. What does not move "
        "is as the screen has it. For a loop without a seam let the last keyframe be the first, "
        "or press L until it bounces or is seamless. p saves the film, r renders it."
    )
    can_focus = True
    EVERYWHERE: ClassVar[list[Binding]] = [
        Binding("K", "keep", "Keyframe", show=False, tooltip="Keep the present state"),
        Binding("space", "play", "Play", tooltip="Play the film, or stop it"),
        Binding("p", "save", "Preset", tooltip="Save the present state as a preset file"),
        Binding("ctrl+l", "load", "Load a preset, or a picture that latty made", show=False),
        Binding("e", "edit", "Edit the preset in $EDITOR", show=False),
        Binding("ctrl+s", "export", "Export the picture as PNG, whole size", show=False),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "choose(-1)", "Keyframe before", show=False, id="timeline.before"),
        Binding("right,l", "choose(1)", "Keyframe after", show=False, id="timeline.after"),
        Binding("enter", "go", "Go to it"),
        Binding(
            "equals_sign",
            "keep(True)",
            "Set it to the present state",
            show=False,
            key_display="=",
            id="timeline.set",
        ),
        Binding("x,delete", "drop", "Delete it", key_display="x"),
        Binding("ctrl+left", "move(-1)", "Move it earlier", show=False, id="timeline.earlier"),
        Binding("ctrl+right", "move(1)", "Move it later", show=False, id="timeline.later"),
        Binding(
            "c",
            "next_easing",
            "How it goes on",
            tooltip="From the chosen keyframe",
            id="timeline.goes_on",
        ),
        Binding("C", "own_easing", "How it goes on, of all easings", show=False),
        Binding("E", "easing", "Easing"),
        Binding("L", "loop", "Loop", tooltip="Once, again and again, there and back, seamless"),
        Binding("S", "seconds", "Seconds", tooltip="How long, whatever the frame rate"),
        Binding("F", "frames", "Frames", show=False),
        Binding("P", "pace", "Frames per second", show=False),
    ]

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.chosen = 0
        self.projector: Projector
        self.presets: PresetFiles
        self._drawn: Text | None = None
        self._seen: object = None  # what of the state is on the screen
        self._title = ""

    def on_mount(self) -> None:
        self.projector = Projector(self.desk, self._moved)
        self.presets = PresetFiles(self.desk, self._named)
        self.set_interval(WATCH, self.presets.look)
        self.desk.background(self.presets.find_again(), "presets")

    # What the app tells.

    def on_state(self, state: State) -> None:
        self.chosen = max(0, min(self.chosen, len(state.keys) - 1))
        played = self.projector.stop(redraw=False)
        self._named()
        seen = (state.keys, state.eases, state.film, self.chosen)
        if played or seen != self._seen:
            self._seen = seen
            self.refresh()

    def on_drawn(self, drawn: object) -> None:
        self.projector.heard(drawn)

    def cancel(self) -> bool:
        """Esc: the film ends."""
        return self.projector.stop()

    def _moved(self) -> None:
        """The film shows another frame: the panel is drawn again where that shows."""
        before = self._drawn
        if self.render() != before:
            self.refresh()

    def _named(self) -> None:
        """The file and whether it says what is seen, on the border."""
        title = printable(self.presets.title())
        if title != self._title:
            self._title = title
            self.border_subtitle = Text(title)

    # Looks.

    def render(self) -> Text:
        state, size = self.desk.state, self.content_size
        frame = self.projector.frame if self.projector.playing else None
        moment = self.desk.view.moment if self.projector.playing else None
        self._drawn = track.text(
            state, size.width, size.height, self.chosen if self.has_focus else None, frame, moment
        )
        return self._drawn

    # What keys do.

    def action_keep(self, instead: bool = False) -> None:
        state = self.desk.state
        instead = instead and bool(state.keys)
        at = self.chosen + (not instead) if state.keys else 0
        try:
            after = keyframes.with_key(state, at, instead)
        except BadData as error:
            self.desk.fail(error, "this cannot be a keyframe")
            return
        self.chosen = at
        what = "set" if instead else "new"
        if not state.keys and film.moving(state):
            self.desk.say("keyframes take the place of the moves in the file; u brings them back")
        elif len(after.keys) == 1:
            self.desk.say("one keyframe; change something and press K again")
        self.desk.change(after, f"{what} keyframe {at + 1}")

    def action_choose(self, by: int) -> None:
        count = len(self.desk.state.keys)
        self.chosen = max(0, min(self.chosen + by, count - 1))
        self.refresh()

    def action_go(self) -> None:
        if self._any():
            state = keyframes.visited(self.desk.state, self.chosen)
            self.desk.change(state, f"go to keyframe {self.chosen + 1}")

    def action_drop(self) -> None:
        if self._any():
            state = keyframes.without_key(self.desk.state, self.chosen)
            self.desk.change(state, f"delete keyframe {self.chosen + 1}")

    def action_move(self, by: int) -> None:
        state, to = self.desk.state, self.chosen + by
        if self._any() and 0 <= to < len(state.keys):
            moved, self.chosen = keyframes.moved_key(state, self.chosen, by), to
            self.desk.change(moved, f"keyframe {to + 1 - by} to {to + 1}")

    def _any(self) -> bool:
        if not self.desk.state.keys:
            self.desk.say("there is no keyframe yet: K keeps the present state as one")
        return bool(self.desk.state.keys)

    def action_easing(self) -> None:
        now = self.desk.state.film.easing
        self._film(easing=_after(EASINGS, now))

    def action_next_easing(self) -> None:
        """Another easing from the chosen keyframe to the next."""
        if self._goes_on():
            eases = self.desk.state.eases
            self._ease(_after(OWN, eases[self.chosen] if eases else ""))

    def action_own_easing(self) -> None:
        """One of all easings, or one that is typed."""
        if not self._goes_on():
            return
        place = f"from keyframe {self.chosen + 1} to the next"
        questions.easing(self.desk, place, self._ease)

    def _goes_on(self) -> bool:
        if self._any() and self.chosen == len(self.desk.state.keys) - 1:
            self.desk.say("the last keyframe goes nowhere: choose one before it")
            return False
        return bool(self.desk.state.keys)

    def _ease(self, name: str) -> None:
        after = keyframes.eased_key(self.desk.state, self.chosen, name)
        words = name or "as the film"
        self.desk.change(after, f"keyframe {self.chosen + 1} {words}", tag="ease")

    def action_loop(self) -> None:
        self._film(loop=_after(LOOPS, self.desk.state.film.loop))

    def action_seconds(self) -> None:
        questions.seconds(self.desk, self._film)

    def action_frames(self) -> None:
        questions.frames(self.desk, self._film)

    def action_pace(self) -> None:
        questions.pace(self.desk, self._film)

    def _film(self, **changes: Any) -> None:
        state = self.desk.state
        after: FilmSettings = replace(state.film, **changes)
        told = {key: value for key, value in changes.items() if value != getattr(state.film, key)}
        words = ", ".join(f"{key} {value}" for key, value in told.items() if value is not None)
        self.desk.change(replace(state, film=after), words, tag="film")

    def action_play(self) -> None:
        """Play, or stop."""
        if self.projector.stop():
            return
        preset = self._preset()
        if preset is None or self.desk.model is None:
            return
        if not film.moves(preset):
            self.desk.say("nothing moves yet: press K here, change something, press K again")
            return
        how = self.desk.state.film
        self.projector.start(playback_of(preset, how.fps, how.loop))

    def _preset(self) -> Preset | None:
        """The preset of the state; what is wrong with it is shown, and None."""
        try:
            return film.preset_of(self.desk.state)
        except LattyError as error:
            self.desk.fail(error, "these keyframes make no film")
            return None

    def action_save(self) -> None:
        self.desk.background(self.presets.ask_to_save(), "save")

    async def action_load(self) -> None:
        self.desk.background(self.presets.ask_to_load(), "presets")

    def action_edit(self) -> None:
        self.projector.stop()
        self.desk.background(self.presets.edit(), "presets")

    def action_export(self) -> None:
        self.desk.background(self.presets.export(), "presets")

    def on_click(self, event: events.Click) -> None:
        """A click chooses a keyframe, a second one goes to it."""
        state, size = self.desk.state, self.content_size
        at = event.get_content_offset(self)
        if not state.keys or at is None or at.y:
            return
        places = track.places(len(state.keys), track.room(state, size.width, size.height))
        near = min(range(len(places)), key=lambda i: abs(places[i] - at.x))
        if near == self.chosen and event.chain > 1:
            self.action_go()
        self.chosen = near
        self.refresh()


def _after(words: tuple[str, ...], now: str) -> str:
    at = words.index(now) if now in words else -1
    return words[(at + 1) % len(words)]


PANEL = TimelinePanel
