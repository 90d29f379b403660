"""What one line of the latent panel is: its value in words, why it cannot be changed here, what a
step does to it, what is asked for when it is typed. Functions of the state: no screen is needed.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from latty.scene import Scene
from latty_tui.drawing.engine import OpenModel
from latty_tui.finding import Thing
from latty_tui.state import State

Change = tuple[State, str]


class Question(NamedTuple):
    """What is asked: the title, the present value, how an answer is read and what it makes of a
    state."""

    title: str
    value: str
    read: Callable[[str], Any]
    made: Callable[[State, Any], Change]
    hint: str = ""


@dataclass(frozen=True, slots=True)
class FieldContext:
    """What a field looks at."""

    state: State
    model: OpenModel | None = None

    @property
    def scene(self) -> Scene:
        return self.state.scene

    @property
    def layers(self) -> int:
        return self.model.num_layers if self.model else 1


class LatentField(ABC):
    """One line; `look` is the state and the model. USUAL is what of a scene it goes back to, WORDS
    are others by which people look for it."""

    name: str = ""
    WORDS: ClassVar[str] = ""
    USUAL: ClassVar[dict[str, Any]] = {}

    @abstractmethod
    def words(self, look: FieldContext) -> str:
        """What it says now."""

    def why(self, look: FieldContext) -> str:
        """Why it means nothing here; "" = it does."""
        return ""

    def thing(self, look: FieldContext, kind: str, go: Callable[[], object]) -> Thing:
        """What it is in the palette; `go` goes there."""
        why = self.why(look) if look.model else ""
        return Thing(self.name, kind, go, more=f"it is {self.words(look)} now",
                     words=self.WORDS, why=why)  # fmt: skip

    def nudged(self, look: FieldContext, way: int, coarse: bool = False) -> Change | None:
        """One step; None where there is none."""
        return None

    def question(self, look: FieldContext) -> Question | None:
        return None

    def usual(self, state: State) -> Change | None:
        """Back to what it is in a new scene; None where that means nothing."""
        return (state.with_scene(**self.USUAL), f"{self.name} as usual") if self.USUAL else None
