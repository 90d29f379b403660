"""What one reading may cost and what it met: limits, every global asked for, opcode counts.

One tally is shared by all pickles inside one file, so that nesting them buys an attacker nothing.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from latty.checkpoints.opcodes import NAMES
from latty.checkpoints.refusals import Refusal

OPERATIONS = 2_000_000  # a full 1024-px StyleGAN2 with both networks takes 40 000
CONTAINERS = 200_000
TENSORS = 200_000
MODULES = 20_000
TEXT = 16 * 2**20  # bytes of all text and short byte strings together
MEMO = 400_000  # remembered values
NESTING = 200  # open marks


@dataclass(slots=True)
class Tally:
    """`lenient` notes forbidden globals in `foreign` and goes on with empty stand-ins."""

    lenient: bool = False
    globals: Counter[str] = field(default_factory=Counter)
    foreign: Counter[str] = field(default_factory=Counter)
    opcodes: list[int] = field(default_factory=lambda: [0] * 256)
    operations: int = 0
    containers: int = 0
    tensors: int = 0
    modules: int = 0
    text: int = 0
    nvidia: bool = False  # somewhere in the file lies source text of NVIDIA
    trailing: int = 0  # bytes after the end of the outermost pickle
    _sources: dict[str, tuple[str, bool]] = field(default_factory=dict)

    def work(self, amount: int) -> None:
        """Count a step that costs as much as `amount` operations. Raises Refusal."""
        self.operations += amount
        if self.operations > OPERATIONS:
            raise too_big(f"{OPERATIONS} operations")

    def container(self) -> None:
        """Count a list or table. Raises Refusal where there are too many."""
        self.containers += 1
        if self.containers > CONTAINERS:
            raise too_big(f"{CONTAINERS} lists and tables")

    def tensor(self) -> None:
        """Count a tensor. Raises Refusal where there are too many."""
        self.tensors += 1
        if self.tensors > TENSORS:
            raise too_big(f"{TENSORS} tensors")

    def module(self) -> None:
        """Count a module. Raises Refusal where there are too many."""
        self.modules += 1
        if self.modules > MODULES:
            raise too_big(f"{MODULES} modules")

    def spend_text(self, size: int) -> None:
        """Count `size` bytes of text. Raises Refusal where there are too many."""
        self.text += size
        if self.text > TEXT:
            raise too_big(f"{TEXT >> 20} MiB of text")

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


def too_big(what: str) -> Refusal:
    return Refusal("too-big", f"it holds more than {what}", "this is no checkpoint of a generator")
