"""What one checkpoint may cost and what it holds: limits, every global asked for, opcode counts.

One tally is shared by all pickles inside one file and by all who look at what they spell, so that
neither nesting nor repeating buys an attacker anything.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, TypeVar

from latty.budget import Budget
from latty.checkpoints.opcodes import NAMES
from latty.checkpoints.refusals import Refusal
from latty.text import clean

OPERATIONS = "operations"
LIMITS = {
    OPERATIONS: 1_500_000,  # a 1024-px StyleGAN2 takes 40 000; some keep every loss of training
    "lists and tables": 200_000,
    "names": 10_000,  # that its pickles ask for
    "tensors": 50_000,
    "modules": 20_000,
    "objects": 50_000,  # of classes outside the table
    "bytes of text": 16 * 2**20,  # all text and short byte strings together
    "entries": 3_000_000,  # passed over in looking for tensors, by all who look
    "values of settings": 1_000_000,
}
MEMO = 400_000  # remembered values
NESTING = 200  # open marks
OFTEN = 4096  # operations between two looks at the clock

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Tally(Budget):
    """`lenient` notes forbidden globals in `foreign` and goes on with empty stand-ins."""

    limits: Mapping[str, int] = field(default_factory=lambda: LIMITS)
    lenient: bool = False
    globals: Counter[str] = field(default_factory=Counter)
    foreign: Counter[str] = field(default_factory=Counter)
    records: Counter[str] = field(default_factory=Counter)  # harmless names outside the table
    opcodes: list[int] = field(default_factory=lambda: [0] * 256)
    nvidia: bool = False  # somewhere in the file lies source text of NVIDIA
    trailing: int = 0  # bytes after the end of the outermost pickle
    _sources: dict[str, tuple[str, bool]] = field(default_factory=dict)

    def too_much(self, what: str) -> Refusal:
        """The refusal of a file that holds more than `what`."""
        return too_big(what)

    def asked(self, path: str) -> None:
        """A name that a pickle asks for. Raises Refusal."""
        if path not in self.globals:
            self.spend("names")
        self.globals[path] += 1

    def check_objects(self) -> None:
        """Raises Refusal for a file of objects without a single tensor: all that it holds is
        code."""
        if self.records and not self.spent["tensors"]:
            raise Refusal(
                "forbidden-global",
                f"it is a whole program object ({clean(next(iter(self.records)))}), "
                "not plain weights",
                "ask its author for the weights: torch.save(model.state_dict(), 'weights.pt')",
            )

    def operations_by_name(self) -> dict[str, int]:
        """How often each pickle operation occurred, by the names of pickletools."""
        return {NAMES.get(op, f"0x{op:02x}"): n for op, n in enumerate(self.opcodes) if n}

    def source(self, text: str) -> tuple[str, bool]:
        """SHA-256 of a source text and whether it is NVIDIA's; one text serves many modules."""
        if text not in self._sources:
            digest = sha256(text.encode("utf-8", "replace")).hexdigest()
            self._sources[text] = digest, "NVIDIA" in text
        self.nvidia |= self._sources[text][1]
        return self._sources[text]


Nested = Callable[[bytes | memoryview, Tally], Any]


@dataclass(slots=True)
class Reading:
    """What the names of one pickle share while it is read.

    nested     reads a torch file that lies inside as bytes; None where none may
    unbuilt    objects that BUILD may still fill, by identity
    """

    tally: Tally
    nested: Nested | None = None
    unbuilt: dict[int, Any] = field(default_factory=dict)

    def made(self, value: T) -> T:
        """The value, which BUILD may fill later."""
        self.unbuilt[id(value)] = value
        return value


def too_big(what: str) -> Refusal:
    return Refusal("too-big", f"it holds more than {what}", "this is no checkpoint of a generator")
