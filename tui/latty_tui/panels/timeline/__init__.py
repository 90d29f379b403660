"""The film: keyframes of the present state, played in the place of the picture; and its preset."""

from collections.abc import Sequence
from typing import Any, ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.widget import Widget

from latty.errors import BadData, LattyError
from latty.presets import Preset
from latty.text import printable
from latty_tui.drawing.projector import Playback, Projector, playback_of
from latty_tui.films import film, keyframes, moves
from latty_tui.panel import Panel, opens
from latty_tui.panels.timeline import questions, track
from latty_tui.panels.timeline.preset_files import PresetFiles
from latty_tui.state import LOOPS, State

EASINGS = ("linear", "smooth", "sine", "cubic")
OWN = ("", "linear", "smooth", "in-cubic", "out-cubic", "in-out-cubic", "hold", "spring")
MOST_CURVES = 3  # rows of them
SAID = {"loop": "film plays", "fps": "pictures a second:"}  # in a step of the history
WATCH = 0.5  # seconds between two looks at the preset's file


class TimelinePanel(Panel, Widget):
    """Keyframes as diamonds on a line, and how they are played."""

    PLACE, ORDER, TITLE, JUMP = "centre", 30, "film", "t"
    HELP = (
        "A film goes from keyframe to keyframe. Press K to keep the present state as one, change "
        "something, press K again, and space plays it. Left and right show it frame by frame, up "
        "and down choose a keyframe. < and > let that be earlier or later, @ asks when: as a share "
        "of the film, in seconds (2.5s) or beats (12b), which the file keeps. c changes how it "
        "goes on from there (hold stays), C lists all easings. What does not move is as the screen "
        "has it. Curves are what moves, and ♪ what is heard. For a loop without a seam let the "
        "last keyframe be the first, or press L until it bounces or is seamless. p saves the "
        "film, r renders it."
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
        Binding("left", "scrub(-1)", "A frame back", show=False, id="timeline.back"),
        Binding(
            "right",
            "scrub(1)",
            "A frame on",
            key_display="← →",
            tooltip="Look at the frame",
            id="timeline.on",
        ),
        Binding("shift+left", "scrub(-10)", "Ten frames back", show=False, id="timeline.far_back"),
        Binding("shift+right", "scrub(10)", "Ten frames on", show=False, id="timeline.far_on"),
        Binding("home", "scrub(-1000000)", "The first frame", show=False, id="timeline.first"),
        Binding("end", "scrub(1000000)", "The last frame", show=False, id="timeline.last"),
        Binding("up,h", "choose(-1)", "Keyframe before", show=False, id="timeline.before"),
        Binding("down,l", "choose(1)", "Keyframe after", show=False, id="timeline.after"),
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
        Binding(
            "less_than_sign",
            "later(-1)",
            "Let it be earlier",
            show=False,
            key_display="<",
            id="timeline.sooner",
        ),
        Binding(
            "greater_than_sign",
            "later(1)",
            "Let it be later",
            show=False,
            key_display=">",
            id="timeline.postponed",
        ),
        Binding("at", "time", "When", key_display="@", tooltip="As 0.25, 2.5s, 12b or 50%"),
        Binding(
            "ctrl+left",
            "move(-1)",
            "Swap it with the one before",
            show=False,
            id="timeline.earlier",
        ),
        Binding(
            "ctrl+right", "move(1)", "Swap it with the one after", show=False, id="timeline.later"
        ),
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

    WORDS: ClassVar = {
        "keep": "keyframe",
        "play": "play animate",
        "save": "save",
        "export": "export screenshot png image picture",
        "loop": "loop bounce seamless",
        "pace": "fps rate",
        "seconds": "duration length",
        "easing": "easing interpolation",
    }

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.chosen = 0
        self.projector: Projector
        self.presets: PresetFiles
        self._drawn: Text | None = None
        self.curves: track.CurveRows
        self._seen: object = None  # what of the state is on the screen
        self._title = ""

    def on_mount(self) -> None:
        self.projector = Projector(self.desk, self._moved)
        self.curves = track.CurveRows(self.desk, self._show_curves)
        self.presets = PresetFiles(self.desk, self._named)
        self.set_interval(WATCH, self.presets.look)
        self.desk.background(self.presets.find_again(), "presets")

    # What the palette asks.

    def why_not(self, action: str) -> str:
        film = [one.action for one in Binding.make_bindings(self.BINDINGS)]
        needs = action in film and action not in ("keep(True)", "seconds", "frames", "pace")
        return "" if not needs or moves.marks(self.desk.state) else "there is no keyframe yet"

    # What the app tells.

    def on_state(self, state: State) -> None:
        self.chosen = max(0, min(self.chosen, len(moves.marks(state)) - 1))
        played = self.projector.stop(redraw=False)
        self._named()
        seen = (state, self.chosen)
        if played or seen != self._seen:
            self._seen = seen
            self._follow(state)
            self._moved()

    def on_drawn(self, drawn: object) -> None:
        self.projector.heard(drawn)

    def cancel(self) -> bool:
        """Esc: the film ends."""
        return self.projector.stop()

    def _moved(self) -> None:
        """The panel is drawn again where it says something else."""
        before = self._drawn
        if self.render() != before:
            self.refresh()

    def _named(self) -> None:
        """The file and whether it says what is seen, beside the panel's name."""
        title = printable(self.presets.title())
        if title != self._title:
            self._title = title
            self.entitle(f"{self.TITLE}: {title}" if title else "")

    # Looks.

    @property
    def room(self) -> track.Room:
        """The rows and columns there are."""
        size = self.content_size
        return track.Room(size.width, size.height, self.screen.has_class("-short"))

    def render(self) -> Text:
        chosen = self.chosen if self.has_focus else None
        self._drawn = track.text(
            self.desk.state, self.room, chosen, self._place(), self.curves.rows
        )
        return self._drawn

    def _place(self) -> track.Place | None:
        """Where the film is that is played or looked at."""
        seen = self.projector
        if seen.playback is None:
            return None
        times = seen.playback.times
        return track.Place(seen.frame, len(times), times[seen.frame], seen.stands)

    def on_resize(self) -> None:
        self._follow(self.desk.state)

    def _follow(self, state: State) -> None:
        """Draw the curves of what moves now."""
        cells = self.room.cells(state, 1)
        try:
            shown = self._playback(film.preset_of(state)).preset
        except LattyError:
            self.curves.follow(None, cells)
            return
        if cells >= track.LINE:
            self.curves.follow(shown, cells)

    def _show_curves(self) -> None:
        rows = min(len(self.curves.rows), MOST_CURVES)
        for count in range(1, MOST_CURVES + 1):
            self.set_class(rows == count, f"-curves-{count}")
        self._moved()

    # What keys do.

    def action_keep(self, instead: bool = False) -> None:
        state, when = self.desk.state, None
        if instead and not state.keys and moves.marks(state):
            self._set_numbers()
            return
        instead = instead and bool(state.keys)
        at = self.chosen + (not instead) if state.keys else 0
        if (here := self._standing()) is not None and state.keys and not instead:
            state, at, when = here
        try:
            after = keyframes.with_key(state, at, instead, when)
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

    def _set_numbers(self) -> None:
        """Ask for what a key of a preset says that is kept whole, number for number."""
        found, at = moves.numbers(self.desk.state, self.chosen), self.chosen
        if not found:
            self.desk.say("a seed or a stored latent is passed here: e edits the file")

        def ask(left: Sequence[tuple[str, float]]) -> None:
            if left:
                questions.value(self.desk, at, *left[0], lambda: ask(left[1:]))

        ask(found)

    def _standing(self) -> moves.Between | None:
        """Where the film is that is looked at between two keyframes."""
        place, state = self._place(), self.desk.state
        if place is None or not place.stands:
            return None
        if any(place.is_at(one.share) for one in moves.marks(state)):
            return None
        return moves.between(state, place.moment)

    def action_choose(self, by: int) -> None:
        """Another key; where the film is looked at, its frame."""
        found, here = moves.marks(self.desk.state), self._place()
        at = self.chosen
        if here is not None and here.stands and not any(here.is_at(one.share) for one in found):
            at = sum(one.share < here.moment for one in found) - (by > 0)  # from where it stands
        self.chosen = max(0, min(at + by, len(found) - 1))
        self._look_at_key()

    def _look_at_key(self) -> None:
        """Where the film is looked at, its frame at the chosen key."""
        found, seen = moves.marks(self.desk.state), self.projector
        if found and seen.stands and seen.playback is not None:
            self._look(_nearest(seen.playback.times, found[self.chosen].share))
        self.refresh()

    def action_scrub(self, by: int) -> None:
        """Look at the film some frames on."""
        seen, found = self.projector, moves.marks(self.desk.state)
        preset = film.preset_of(self.desk.state) if self._moves() else None
        if preset is None or self.desk.known is None:
            self.action_choose(1 if by > 0 else -1)
            return
        times = self._playback(preset).times
        begun = _nearest(times, found[self.chosen].share) if found else 0
        self._look(max(0, min((begun if seen.playback is None else seen.frame) + by,
                              len(times) - 1)))  # fmt: skip

    def _moves(self) -> bool:
        try:
            return film.moves(film.preset_of(self.desk.state))
        except LattyError:
            return False

    def _playback(self, preset: Preset) -> Playback:
        how = self.desk.state.film
        return playback_of(preset, how.fps, how.loop)

    def _look(self, frame: int) -> None:
        """Stand at a frame, on the key that is there."""
        if (preset := self._preset()) is None:
            return
        playback = self._playback(preset)
        self.projector.look(playback, frame)
        found = moves.marks(self.desk.state)
        near = [i for i, one in enumerate(found) if _nearest(playback.times, one.share) == frame]
        self.chosen = near[0] if near and self.chosen not in near else self.chosen
        self.refresh()

    def action_later(self, by: int) -> None:
        """The chosen key some steps of its own unit later."""
        if self._mark() is not None:
            try:
                self._timed(moves.later(self.desk.state, self.chosen, by))
            except BadData as error:
                self.desk.say(str(error), "warning")

    @opens
    def action_time(self) -> None:
        """Ask when the chosen key is."""
        if (one := self._mark()) is not None:
            questions.time(self.desk, self.chosen, one, self._timed)

    def _mark(self) -> moves.TrackKey | None:
        found = moves.marks(self.desk.state)
        if len(found) < 2:
            self.desk.say("there is no film yet: K keeps the present state as a keyframe")
            return None
        return found[self.chosen]

    def _timed(self, after: State) -> None:
        said = moves.words(after, self.chosen)
        self.desk.change(after, f"keyframe {self.chosen + 1} at {said}", tag="time")

    def action_go(self) -> None:
        if (here := self._standing()) is not None:
            self.desk.change(here[0], f"go to {self._place_words()}")
        elif self._any():
            state = keyframes.visited(self.desk.state, self.chosen)
            self.desk.change(state, f"go to keyframe {self.chosen + 1}")

    def _place_words(self) -> str:
        place = self._place()
        return "" if place is None else f"{self.desk.state.film.lasts * place.moment:.2f} s"

    def action_drop(self) -> None:
        if not moves.marks(self.desk.state) and not self._any():
            return
        try:
            state = moves.without(self.desk.state, self.chosen)
        except BadData as error:
            self.desk.fail(error, "this keyframe stays")
            return
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
            self._ease(_after(OWN, moves.marks(self.desk.state)[self.chosen].easing))

    @opens
    def action_own_easing(self) -> None:
        """One of all easings, or one that is typed."""
        if not self._goes_on():
            return
        place = f"from keyframe {self.chosen + 1} to the next"
        questions.easing(self.desk, place, self._ease)

    def _goes_on(self) -> bool:
        found = moves.marks(self.desk.state)
        if found and self.chosen == len(found) - 1:
            self.desk.say("the last keyframe goes nowhere: choose one before it")
            return False
        return bool(found) or self._any()

    def _ease(self, name: str) -> None:
        after = moves.eased(self.desk.state, self.chosen, name)
        words = name or "as the film"
        self.desk.change(after, f"keyframe {self.chosen + 1} {words}", tag="ease")

    def action_loop(self) -> None:
        self._film(loop=_after(LOOPS, self.desk.state.film.loop))

    @opens
    def action_seconds(self) -> None:
        questions.seconds(self.desk, self._film)

    @opens
    def action_frames(self) -> None:
        questions.frames(self.desk, self._film)

    @opens
    def action_pace(self) -> None:
        questions.pace(self.desk, self._film)

    def _film(self, **changes: Any) -> None:
        state = self.desk.state
        try:
            after = moves.stretched(state, **changes)
        except LattyError as error:
            self.desk.fail(error, "the film cannot be as long")
            return
        told = {key: value for key, value in changes.items() if value != getattr(state.film, key)}
        words = ", ".join(f"{SAID.get(key, key)} {value}"
                          for key, value in told.items() if value is not None)  # fmt: skip
        self.desk.change(after, words, tag="film")

    def action_play(self) -> None:
        """Play, from where it is looked at; or stop."""
        begun = self.projector.frame if self.projector.stands else 0
        if self.projector.stop() and not begun:
            return
        preset = self._preset()
        if preset is None:
            return
        if self.desk.known is None:
            self.desk.say("the film plays as soon as its model is open")
            return
        if not film.moves(preset):
            self.desk.say("nothing moves yet: press K here, change something, press K again")
            return
        self.projector.start(self._playback(preset), begun)

    def _preset(self) -> Preset | None:
        """The preset of the state; what is wrong with it is shown, and None."""
        try:
            return film.preset_of(self.desk.state)
        except LattyError as error:
            self.desk.fail(error, "these keyframes make no film")
            return None

    @opens
    def action_save(self) -> None:
        self.desk.opening(self.presets.ask_to_save(), "save")

    @opens
    def action_load(self) -> None:
        self.desk.opening(self.presets.ask_to_load(), "presets")

    def action_edit(self) -> None:
        self.projector.stop()
        self.desk.background(self.presets.edit(), "presets")

    def action_export(self) -> None:
        self.desk.background(self.presets.export(), "presets")

    def on_click(self, event: events.Click) -> None:
        """A click chooses a keyframe, a second one goes to it; elsewhere it shows the frame."""
        found, at = moves.marks(self.desk.state), event.get_content_offset(self)
        if at is None or at.y > len(self.curves.rows):
            return
        places = track.places(found, self._cells)
        near = [i for i, place in enumerate(places) if abs(place - at.x) <= 1 and not at.y]
        if not near:
            self._look_at_cell(at.x)
            return
        if near[0] == self.chosen and event.chain > 1 and self.desk.state.keys:
            self.action_go()
        self.chosen = near[0]
        self._look_at_key()

    @property
    def _cells(self) -> int:
        return self.room.cells(self.desk.state, min(len(self.curves.rows), self.room.curves))

    def _look_at_cell(self, x: int) -> None:
        if self._moves() and x < self._cells and self.desk.known is not None:
            count = len(self._playback(film.preset_of(self.desk.state)).times)
            self._look(round(x / max(1, self._cells - 1) * (count - 1)))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """The frame below the mouse while its button is down."""
        at = event.get_content_offset(self)
        if event.button and at is not None and 0 <= at.y <= len(self.curves.rows):
            self._look_at_cell(at.x)


def _nearest(times: Sequence[float], t: float) -> int:
    """The number of the frame that is nearest to a moment."""
    return min(range(len(times)), key=lambda i: abs(times[i] - t))


def _after(words: tuple[str, ...], now: str) -> str:
    at = words.index(now) if now in words else -1
    return words[(at + 1) % len(words)]


PANEL = TimelinePanel
