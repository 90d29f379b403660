"""What one reading may cost and what it met: limits, every global asked for, opcode counts.

One tally is shared by all pickles inside one file, so that nesting them buys an attacker nothing.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Literal, TypeVar

from latty.checkpoints.opcodes import NAMES
from latty.checkpoints.refusals import Refusal
from latty.text import clean

OPERATIONS = 2_000_000  # a full 1024-px StyleGAN2 with both networks takes 40 000
LIMITS = {
    "lists and tables": 200_000,
    "tensors": 200_000,
    "modules": 20_000,
    "objects": 50_000,  # of classes outside the table
    "bytes of text": 16 * 2**20,  # all text and short byte strings together
}
MEMO = 400_000  # remembered values
NESTING = 200  # open marks

Counted = Literal["lists and tables", "tensors", "modules", "objects", "bytes of text"]
T = TypeVar("T")


@dataclass(slots=True)
class Tally:
    """`lenient` notes forbidden globals in `foreign` and goes on with empty stand-ins."""

    lenient: bool = False
    globals: Counter[str] = field(default_factory=Counter)
    foreign: Counter[str] = field(default_factory=Counter)
    records: Counter[str] = field(default_factory=Counter)  # harmless names outside the table
    opcodes: list[int] = field(default_factory=lambda: [0] * 256)
    operations: int = 0
    spent: Counter[str] = field(default_factory=Counter)  # of the LIMITS
    nvidia: bool = False  # somewhere in the file lies source text of NVIDIA
    walked: int = 0  # entries that were passed over in looking for tensors
    trailing: int = 0  # bytes after the end of the outermost pickle
    _sources: dict[str, tuple[str, bool]] = field(default_factory=dict)

    def work(self, amount: int) -> None:
        """Count a step that costs as much as `amount` operations. Raises Refusal."""
        self.operations += amount
        if self.operations > OPERATIONS:
            raise too_big(f"{OPERATIONS} operations")

    def spend(self, what: Counted, amount: int = 1) -> None:
        """Count what the file holds. Raises Refusal where it is more than the limit."""
        self.spent[what] += amount
        if self.spent[what] > LIMITS[what]:
            raise too_big(f"{LIMITS[what]} {what}")

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
