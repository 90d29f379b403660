"""What the studio is about: State, frozen and pure, one step of undo; and the History of them.

No Textual and no files here: every key press is `state -> state`, and tests need no screen.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from latty.directions.bin import SetChange
from latty.presets.values import Loop, Preset
from latty.scene import Edit, Scene

Compare = Literal["edited", "original", "both"]
Said = float | str  # a time as files say it: a share of the film, "2.5s", "12b", "50%"
GRIDS = (1, 4, 9)
LOOPS: tuple[Loop, ...] = get_args(Loop)


@dataclass(frozen=True, slots=True)
class FilmSettings:
    """How keyframes become frames: how many, how fast, eased how, played how.

    seconds how long, whatever the frame rate; None = as long as `frames` take
    source  the preset that was loaded, for what the studio keeps but has no keys for: its outputs,
            a list of seeds, moves that keyframes cannot say
    """

    frames: int = 48
    fps: float = 24
    easing: str = "smooth"
    loop: Loop = "bounce"
    source: Preset | None = None
    seconds: float | None = None

    @property
    def lasts(self) -> float:
        """How many seconds it goes from its first keyframe to its last."""
        return self.frames / self.fps if self.seconds is None else self.seconds


@dataclass(frozen=True, slots=True)
class State:
    """Everything that undo brings back.

    scene   with every slider of the stack as an edit, the silent ones too
    muted   indices of edits that are left out
    solo    indices of edits that alone are heard, where there are any
    keys    keyframes: scenes that a film passes
    name    of the preset that it came from or was saved as, "" = none yet
    eases   the easing from each keyframe to the next, "" = that of the film; () = that from all
    when    when each keyframe is passed; () = at even intervals
    """

    scene: Scene
    muted: frozenset[int] = frozenset()
    solo: frozenset[int] = frozenset()
    keys: tuple[Scene, ...] = ()
    film: FilmSettings = field(default_factory=FilmSettings)
    name: str = ""
    eases: tuple[str, ...] = ()
    when: tuple[Said, ...] = ()

    @property
    def shown(self) -> Scene:
        """The scene that is drawn, saved and rendered: without muted and idle edits."""
        kept = (edit for i, edit in enumerate(self.scene.edits) if self.heard(i))
        return replace(self.scene, edits=tuple(edit for edit in kept if not idle(edit)))

    @property
    def original(self) -> Scene:
        """The same picture before any edit."""
        return replace(self.scene, edits=())

    @property
    def directions(self) -> frozenset[str]:
        """All that it names, and its file, there or not."""
        source = self.film.source
        scenes = (self.scene, *self.keys, *(source.kinds if source is not None else ()))
        edits = [edit for scene in scenes for edit in scene.edits]
        return frozenset(
            [ref for edit in edits for ref in (edit.direction, edit.within or "", *edit.conditions)]
            + [ref for scene in scenes for ref in scene.locks]
        )

    def heard(self, index: int) -> bool:
        """Whether edit `index` has a say: neither muted nor outshone by a solo."""
        return index in self.solo if self.solo else index not in self.muted

    def where(self, direction: str) -> int | None:
        """The index of the first edit along `direction`, None where there is none."""
        edits = self.scene.edits
        return next((i for i, edit in enumerate(edits) if edit.direction == direction), None)

    def with_scene(self, **changes: Any) -> "State":
        """The state with some fields of its scene changed."""
        return replace(self, scene=replace(self.scene, **changes))

    def added(self, *edits: Edit) -> "State":
        """The state with more edits at the end of the stack."""
        return self.with_scene(edits=(*self.scene.edits, *edits))

    def along(self, direction: str) -> "tuple[State, int]":
        """The state with an edit along `direction`, at 0 where there was none, and its index."""
        if (at := self.where(direction)) is not None:
            return self, at
        return self.added(Edit(direction, 0.0)), len(self.scene.edits)

    def edited(self, index: int, **changes: Any) -> "State":
        """The state with some fields of edit `index` changed. Raises IndexError."""
        edits = list(self.scene.edits)
        edits[index] = replace(edits[index], **changes)
        return self.with_scene(edits=tuple(edits))

    def nudged(self, index: int, by: float) -> "State":
        """The state with `by` added to the strength of edit `index`, without rounding dirt."""
        moved = self.scene.nudge(index, by)
        return replace(self, scene=moved).edited(
            index, strength=round(moved.edits[index].strength, 6)
        )

    def removed(self, *indices: int) -> "State":
        """The state without some edits; mutes and solos follow their edits."""
        gone = set(indices)
        order = [i for i in range(len(self.scene.edits)) if i not in gone]
        return self._ordered(order)

    def moved(self, index: int, to: int) -> "State":
        """The state with edit `index` at place `to` of the stack."""
        order = [i for i in range(len(self.scene.edits)) if i != index]
        order.insert(max(0, min(to, len(order))), index)
        return self._ordered(order)

    def _ordered(self, order: list[int]) -> "State":
        place = {old: new for new, old in enumerate(order)}
        return replace(
            self.with_scene(edits=tuple(self.scene.edits[i] for i in order)),
            muted=frozenset(place[i] for i in self.muted if i in place),
            solo=frozenset(place[i] for i in self.solo if i in place),
        )

    def toggled(self, flag: Literal["muted", "solo"], index: int) -> "State":
        """The state with the mute or solo of edit `index` turned around."""
        return replace(self, **{flag: getattr(self, flag) ^ {index}})

    def locked(self, direction: str) -> "State":
        """The state with the lock of a direction turned around (TL-GAN's lock: no other edit moves
        along it)."""
        locks = self.scene.locks
        rest = tuple(lock for lock in locks if lock != direction)
        return self.with_scene(locks=rest if direction in locks else (*locks, direction))


def idle(edit: Edit) -> bool:
    """Whether an edit changes nothing: it is not there, or is a way of no length (a place at 0 is a
    place)."""
    return edit.amount == 0 or (edit.strength == 0 and edit.mode == "relative")


@dataclass(frozen=True, slots=True)
class ViewSettings:
    """How the picture is looked at; no part of the state, and nothing that undo brings back.

    grid     1, 4 or 9 pictures of consecutive seeds
    further  how many seeds after the present one they begin
    compare  the edited picture, the one before all edits, or both side by side
    moment   0..1 where a film is played or looked at, None = the present state
    strip    whether the strip is wanted, None = where there is room
    """

    grid: int = 1
    compare: Compare = "edited"
    moment: float | None = None
    strip: bool | None = None
    further: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One entry of the history: a state, and what made it, in words.

    sets   what it did to files of directions
    moved  (old, new) references of directions that it renamed
    """

    state: State
    what: str
    sets: tuple[SetChange, ...] = ()
    moved: tuple[tuple[str, str], ...] = ()


class History:
    """Every state there was; changes of one thing, one after the other, are one step: of a slider
    however slowly, of anything else in quick succession.

    Going back and then changing something forgets what lay ahead, as everywhere.
    """

    PAUSE = 0.25  # seconds: two changes that are nearer to each other are one step
    SLIDERS = ("strength", "layers", "truncation", "amount")  # tags, or before the ":" of one

    def __init__(self, state: State, what: str = "start") -> None:
        self.steps = [Step(state, what)]
        self.index = 0
        self._last: tuple[str, float] = ("", 0.0)

    @property
    def state(self) -> State:
        return self.steps[self.index].state

    def push(self, state: State, what: str, tag: str, now: float, **files: Any) -> bool:
        """Note a new state and what made it (`files` as Step has them) at `now` (seconds,
        monotonic); False where it changes nothing. Steps of the same non-empty `tag` become one: of
        a slider until anything else is touched, of other things within PAUSE."""
        step = Step(state, what, **files)
        if step.state == self.state and not step.sets:
            return False
        slider, near = tag.partition(":")[0] in self.SLIDERS, now - self._last[1] < self.PAUSE
        joined = bool(tag) and self._last[0] == tag and (slider or near)
        self._last = (tag, now)
        del self.steps[self.index + 1 :]
        if joined and self.index:
            self.steps[self.index] = step
        else:
            self.steps.append(step)
            self.index += 1
        return True

    def amend(self, state: State) -> None:
        """Let the present step have another state: what is no step, such as a preset's name."""
        here, *ahead = self.steps[self.index :]
        # New ones all of them: what is kept on disk changes from the first that is another.
        self.steps[self.index :] = [replace(here, state=state), *map(replace, ahead)]
        self.rest()

    def rest(self) -> None:
        """The next change is a step of its own."""
        self._last = ("", 0.0)

    def go(self, index: int) -> bool:
        """Go to a step; False where there is none or it is the present one."""
        if index == self.index or not 0 <= index < len(self.steps):
            return False
        self.index = index
        self.rest()
        return True

    def undo(self) -> bool:
        return self.go(self.index - 1)

    def redo(self) -> bool:
        return self.go(self.index + 1)

    def crossed(self, index: int) -> list[Step]:
        """The steps that are undone or done again on the way to a step, in that order."""
        if index < self.index:
            return self.steps[max(0, index) + 1 : self.index + 1][::-1]
        return self.steps[self.index + 1 : index + 1]

    def nearest(self, state: State) -> int | None:
        """The step of a state that is the nearest, the earlier of two; None = there is none."""
        found = [i for i, step in enumerate(self.steps) if step.state == state]
        return min(found, key=lambda i: (abs(i - self.index), i), default=None)

    def reach(self, index: int) -> int:
        """The step nearest to `index` that is come to without a change of files."""
        way = -1 if index < self.index else 1
        for count, step in enumerate(self.crossed(index)):
            if step.sets:
                return self.index + way * count
        return index

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)
