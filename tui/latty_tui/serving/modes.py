"""What a terminal that joins late has to be told: the modes that were switched on before."""

import re

SWITCH = re.compile(rb"\x1b\[\?([\d;]+)([hl])")
STRING = re.compile(rb"\x1b[P\]_^X]")  # a picture or a title begins,
END = re.compile(rb"\x1b\\|\x07|\x18")  # and ends
SYNC = b"2026"  # begins and ends around every picture
TAIL = 32  # bytes that a switch may be cut at


class Modes:
    """Follows what is written to a terminal."""

    def __init__(self) -> None:
        self._modes: dict[bytes, bytes] = {}
        self._tail = b""
        self.inside = False  # a string, which only its end ends

    def follow(self, data: bytes) -> None:
        """The next bytes."""
        whole, cut = self._tail + data, len(self._tail)
        for found in SWITCH.finditer(whole):
            for mode in found[1].split(b";"):
                self._modes.pop(mode, None)  # in the order in which they were switched last
                self._modes[mode] = found[2]
        self._tail = whole[-TAIL:]
        self._follow_strings(whole, max(0, cut - 1))

    def _follow_strings(self, whole: bytes, place: int) -> None:
        """From `place` on; an introducer of two bytes may have been cut in the middle."""
        while (found := (END if self.inside else STRING).search(whole, place)) is not None:
            self.inside, place = not self.inside, found.end()

    def rest(self, data: bytes) -> bytes:
        """What of the next bytes somebody can read who comes now: a string that has begun before
        is none of it."""
        if not self.inside:
            return data
        before = self._tail[-1:]  # half of its end may have come
        found = END.search(before + data)
        return data[found.end() - len(before) :] if found else b""

    @property
    def switches(self) -> bytes:
        """What brings another terminal there."""
        kept = ((mode, way) for mode, way in self._modes.items() if mode != SYNC)
        return b"".join(b"\x1b[?%b%b" % one for one in kept)
