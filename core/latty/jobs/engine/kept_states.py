"""What the last picture of a view was made of, kept for the next one, which often shares most.

The states between the steps of one synthesis, in a bounded number of bytes: two pictures that
agree in the codes below layer j agree in the state before it.
"""

from collections.abc import Mapping

from torch import Tensor

from latty.models.steps import Steps, StepState

KEPT = 64 * 2**20  # bytes: all states up to 256 px of a StyleGAN2 of 1024 px, one for each block
SPLIT = 8 * KEPT  # bytes of the one where the last two pictures part, at most


def size_of(state: StepState) -> int:
    """Bytes of a state."""
    return sum(one.numel() * one.element_size() for one in state.tensors)


def height_of(state: StepState) -> int:
    """Height in px of a state's features."""
    return state.tensors[0].shape[-2]


class KeptStates:
    """Of one view: at most `limit` bytes of states, and apart from them the one where the last two
    pictures part, of at most `split_limit`: every further move of the same edit begins with it."""

    def __init__(self, limit: int = KEPT, split_limit: int = SPLIT) -> None:
        self.limit, self.split_limit = limit, split_limit
        self.states: dict[int, StepState] = {}  # by the step that they come before
        self.split: StepState | None = None
        self._codes: Tensor | None = None
        self._of: object = None

    @property
    def bytes(self) -> int:
        """What all of them take."""
        held = {id(one): one for one in (*self.states.values(), self.split) if one is not None}
        return sum(map(size_of, held.values()))

    def begin(self, steps: Steps, of: object) -> tuple[StepState, int]:
        """The state that a picture begins with, and how many steps it shares with the last one.
        `of`: what all steps read beside the codes. States that are another picture's are let go."""
        shared = self._shared(steps, of)
        self._codes, self._of = steps.codes, of
        self.states = {step: one for step, one in self.states.items() if step <= shared}
        if self.split is not None and self.split.layer > shared:
            self.split = None
        found = [*self.states.values(), *([self.split] if self.split else [])]
        return max(found, key=lambda state: state.layer, default=None) or steps.start(), shared

    def _shared(self, steps: Steps, of: object) -> int:
        """How many steps: up to the first change inside, which the next state knows nothing of."""
        old, new = self._codes, steps.codes
        if old is None or of != self._of or old.shape != new.shape or old.dtype != new.dtype:
            return 0
        same = (old == new).all(dim=2).all(dim=0).tolist()  # (L,)
        if False in same and not steps.each:
            return 0
        count = same.index(False) if False in same else steps.count
        return min(count, _unchanged(steps.places))

    def keep(self, state: StepState, steps: Steps, shared: int) -> bool:
        """Whether a state is kept, and so must not be overwritten."""
        if not 0 < state.layer <= _unchanged(steps.places):
            return False
        splits = state.layer == shared < steps.count and size_of(state) <= self.split_limit
        if splits:
            self.split = state
        if not self._has_room(state):
            return splits
        self.states[state.layer] = state
        return True

    def _has_room(self, new: StepState) -> bool:
        """Make room, if that can be. Of several states of one size the first is dearest, as ranges
        of layers begin with it: it alone stays where a new size needs room."""
        free = self.limit - sum(map(size_of, self.states.values()))
        heights, more = set[int](), list[StepState]()
        for _, one in sorted(self.states.items()):
            if height_of(one) in heights:
                more.append(one)
            heights.add(height_of(one))
        if height_of(new) in heights:
            return free >= size_of(new)
        if free + sum(map(size_of, more)) < size_of(new):
            return False
        more.sort(key=size_of)
        while free < size_of(new):
            free += size_of(self.states.pop(more.pop().layer))
        return True


def _unchanged(places: Mapping[int, object]) -> int:
    """The last state that no change inside a synthesis has a part in."""
    return min(places, default=1 << 30) + 1
