"""An inert reader of pickles: a stack machine of our own for the data subset of protocols 2 to 5.

A pickle is a program. This machine reads the part of the language that spells data: literals,
containers, and names (`symbols`). It has no way to import or to call: what honest files "call" is
re-implemented as checked views of the file's own bytes, or an inert record. Every length is
compared with what is left before it is used, and long byte strings are slices, not copies.

Opcodes as in CPython's pickletools. Refused by design: INST, OBJ, NEWOBJ_EX, EXT1/2/4, PERSID,
NEXT_BUFFER, READONLY_BUFFER and the text opcodes of protocols 0 and 1.
"""

import struct
from collections.abc import Callable
from typing import Any

from latty.checkpoints import symbols
from latty.checkpoints.opcodes import NAMES
from latty.checkpoints.refusals import Refusal, truncated
from latty.checkpoints.tally import (
    MEMO,
    NESTING,
    OFTEN,
    OPERATIONS,
    Nested,
    Reading,
    Tally,
    too_big,
)
from latty.checkpoints.values import Record, Symbol

SLICE_FROM = 1024  # shorter byte strings are copied: a memoryview object is larger than they are
INT_BYTES = 32  # the longest honest integers are states of random generators
LINE_LIMIT = 512  # characters of a line: GLOBAL's module or name
LONG_LINE = 4096  # Python 2 text up to this many bytes is text, longer text is an array's numbers

Persist = Callable[[Any], Any]


class Machine:
    """One pickle being read. `run` gives its value; `pos` is then the first byte behind it."""

    __slots__ = (*("code", "end", "marks", "memo", "persist", "pos", "reading", "stack", "tally"),)

    def __init__(
        self,
        code: memoryview,
        tally: Tally,
        pos: int = 0,
        persist: Persist | None = None,
        nested: Nested | None = None,
    ) -> None:
        self.code, self.pos, self.end, self.tally = code, pos, len(code), tally
        self.persist, self.reading = persist, Reading(tally, nested)
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []  # the stacks below each open mark
        self.memo: dict[int, Any] = {}  # a table: an index buys no memory

    def run(self) -> Any:
        """The value that the pickle spells; raises Refusal and nothing else."""
        try:
            return self._run()
        except IndexError:
            raise _broken("its stack runs empty") from None
        except UnicodeDecodeError:
            raise _broken("its text is no UTF-8") from None
        except (ValueError, OverflowError, TypeError, KeyError, struct.error):
            raise _broken("its values do not fit together") from None

    def _run(self) -> Any:
        code, end, tally = self.code, self.end, self.tally
        counts = tally.opcodes
        while self.pos < end:
            tally.check_time()
            for done in range(1, OFTEN + 1):
                if self.pos >= end:
                    break
                op = code[self.pos]
                self.pos += 1
                counts[op] += 1
                if op == STOP:
                    tally.spend(OPERATIONS, done)
                    return self._stop()
                HANDLERS[op](self)
            tally.spend(OPERATIONS, OFTEN)
        raise truncated("the pickle ends without its end mark")

    def _stop(self) -> Any:
        value = self.stack.pop()
        if self.stack or self.marks:
            raise _broken("something is left over at its end")
        return value

    def take(self, size: int) -> memoryview:
        """The next `size` bytes, not copied. Raises Refusal."""
        start, stop = self.pos, self.pos + size
        if size < 0 or stop > self.end:
            raise truncated(f"{size} bytes are announced and {self.end - start} are left")
        self.pos = stop
        return self.code[start:stop]

    def number(self, size: int) -> int:
        """The next `size` bytes as a whole number."""
        return int.from_bytes(self.take(size), "little")

    def line(self) -> str:
        """The text up to the next line end. Raises Refusal."""
        found = bytes(self.code[self.pos : self.pos + LINE_LIMIT])
        length = found.find(b"\n")
        if length < 0:
            raise _broken("a name in it does not end")
        self.pos += length + 1
        return found[:length].decode("utf-8")

    def text(self, size: int, codec: str = "utf-8") -> str:
        data = self.take(size)
        self.tally.spend("bytes of text", size)
        text = str(data, codec)
        if codec == "utf-8" and not text.isascii():  # one odd letter and each takes four bytes
            self.tally.spend("bytes of text", 4 * len(text))
        return text

    def data(self, size: int) -> bytes | memoryview:
        view = self.take(size)
        if size >= SLICE_FROM:
            return view
        self.tally.spend("bytes of text", size)
        return bytes(view)

    def remember(self, index: int) -> None:
        """Put the top of the stack into the memo. Raises Refusal where it is full."""
        if len(self.memo) >= MEMO:
            raise too_big(f"{MEMO} remembered values")
        self.memo[index] = self.stack[-1]

    def since_mark(self) -> list[Any]:
        """Everything on the stack above the last mark, which is taken away."""
        items = self.stack
        self.stack = self.marks.pop()
        return items


def _broken(what: str) -> Refusal:
    hint = "fetch it again as a binary file; a text-mode copy or an editor breaks pickles"
    return Refusal("not-a-pickle", f"it is damaged or no pickle: {what}", hint)


def _unknown(m: Machine) -> None:
    op = m.code[m.pos - 1]
    raise _refused(NAMES.get(op, f"0x{op:02x}"))


def _refused(name: str) -> Refusal:
    if name in TEXT_OPS:
        what = f"it uses {name} of the old text pickles"
        return Refusal("bad-op", what, "save it again with pickle protocol 2 or newer")
    hint = "do not load this file with other programs unless you trust who made it"
    return Refusal("bad-op", f"it uses the pickle operation {name}, as no checkpoint does", hint)


def _inst(m: Machine) -> None:
    m.tally.asked(f"{m.line()}.{m.line()}")  # for those who only look
    raise _refused("INST")


def _proto(m: Machine) -> None:
    version = m.number(1)
    if version > 5:
        raise Refusal("bad-op", f"it is written in the unknown pickle protocol {version}")


def _frame(m: Machine) -> None:
    size = m.number(8)
    if size > m.end - m.pos:
        raise truncated(f"a frame of {size} bytes is announced and {m.end - m.pos} are left")


def _mark(m: Machine) -> None:
    if len(m.marks) >= NESTING:
        raise too_big(f"{NESTING} nested containers")
    m.marks.append(m.stack)
    m.stack = []


def _memoize(m: Machine) -> None:
    m.remember(len(m.memo))


def _put(index: Callable[[Machine], int]) -> "Handler":
    def put(m: Machine) -> None:
        m.remember(index(m))

    return put


def _get(index: Callable[[Machine], int]) -> "Handler":
    def get(m: Machine) -> None:
        where = index(m)
        if where not in m.memo:
            raise _broken("it refers to something it never spelt")
        m.stack.append(m.memo[where])

    return get


def _byte(m: Machine) -> int:
    return m.number(1)


def _word(m: Machine) -> int:
    return m.number(4)


def _decimal(m: Machine) -> int:
    digits = m.line()
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 10):
        raise _broken("a memo index is no number")
    return int(digits)


def _pushes(value: Callable[[Machine], Any]) -> "Handler":
    def push(m: Machine) -> None:
        m.stack.append(value(m))

    return push


def _signed(m: Machine) -> int:
    return int.from_bytes(m.take(4), "little", signed=True)


def _long(m: Machine, size: int) -> int:
    if size > INT_BYTES:
        raise too_big(f"{INT_BYTES} bytes in one number")
    return int.from_bytes(m.take(size), "little", signed=True)


def _float(m: Machine) -> float:
    value: float = struct.unpack(">d", m.take(8))[0]
    return value


def _old_text(m: Machine, size: int) -> str | memoryview:
    """Python 2's str: text or bytes; latin-1 keeps both."""
    return m.text(size, "latin-1") if size <= LONG_LINE else m.take(size)


def _new(make: Callable[[], Any]) -> "Handler":
    def push(m: Machine) -> None:
        m.tally.spend("lists and tables")
        m.stack.append(make())

    return push


def _tuple(count: int) -> "Handler":
    def push(m: Machine) -> None:
        if len(m.stack) < count:
            raise IndexError
        items = m.stack[-count:]
        m.stack[-count:] = [tuple(items)]

    return push


def _long_tuple(m: Machine) -> None:
    items = m.since_mark()  # first: it changes which stack is the stack
    m.stack.append(tuple(items))


def _extend(m: Machine, items: list[Any]) -> None:
    target = m.stack[-1]
    symbols.check_methods(target)
    target = target.items if isinstance(target, Record) else target
    if isinstance(target, list):
        target.extend(items)
    elif not symbols.is_foreign(target):
        raise Refusal("bad-op", "it appends to something that is no list")


def _fill(m: Machine, items: list[Any]) -> None:
    target = m.stack[-1]
    if len(items) % 2:
        raise _broken("a table has a key without a value")
    target = target.entries if isinstance(target, Record) else target
    if isinstance(target, dict):
        for i in range(0, len(items), 2):
            target[symbols.key(items[i])] = items[i + 1]
    elif not symbols.is_foreign(target):
        raise Refusal("bad-op", "it sets entries of something that is no table")


def _append(m: Machine) -> None:
    value = m.stack.pop()
    _extend(m, [value])


def _setitem(m: Machine) -> None:
    value, name = m.stack.pop(), m.stack.pop()
    _fill(m, [name, value])


def _additems(m: Machine) -> None:
    items, target = m.since_mark(), m.stack[-1]
    symbols.check_methods(target)
    if isinstance(target, set):
        target.update(symbols.key(item) for item in items)
    elif not symbols.is_foreign(target) and not isinstance(target, Record):
        raise Refusal("bad-op", "it adds to something that is no set")


def _frozen_set(m: Machine) -> None:
    m.tally.spend("lists and tables")
    items = m.since_mark()
    m.stack.append({symbols.key(item) for item in items})


def _list(m: Machine) -> None:
    m.tally.spend("lists and tables")
    items = m.since_mark()
    m.stack.append(items)


def _dict(m: Machine) -> None:
    m.tally.spend("lists and tables")
    items = m.since_mark()
    m.stack.append({})
    _fill(m, items)


def _global(m: Machine) -> None:
    module, name = m.line(), m.line()
    m.stack.append(symbols.resolve(m.reading, module, name))


def _stack_global(m: Machine) -> None:
    name, module = m.stack.pop(), m.stack.pop()
    if not (isinstance(name, str) and isinstance(module, str)):
        raise Refusal("bad-op", "it asks for a name that is no text")
    m.stack.append(symbols.resolve(m.reading, module, name))


def _reduce(m: Machine) -> None:
    args, function = m.stack.pop(), m.stack.pop()
    m.stack.append(symbols.call(m.reading, function, args))


def _newobj(m: Machine) -> None:
    args, cls = m.stack.pop(), m.stack.pop()
    if isinstance(cls, Symbol) and cls.kind == symbols.RECORD:  # what is made so is a class
        m.stack.append(symbols.record(m.reading, cls))
        return
    if isinstance(cls, Symbol) and cls.kind not in (*symbols.CREATED, symbols.FOREIGN):
        if cls.kind != symbols.GETATTR:
            raise Refusal("bad-op", f"it makes a new {cls.path}, as no checkpoint does")
        args = ()  # none that it takes
    m.stack.append(symbols.call(m.reading, cls, args))


def _build(m: Machine) -> None:
    state = m.stack.pop()
    symbols.build(m.reading, m.stack[-1], state)


def _binpersid(m: Machine) -> None:
    if m.persist is None:
        raise Refusal("bad-op", "it refers to a part that only torch's own containers have")
    m.stack.append(m.persist(m.stack.pop()))


def _pop(m: Machine) -> None:
    if m.stack:
        m.stack.pop()
    else:
        m.since_mark()


def _pop_mark(m: Machine) -> None:
    m.since_mark()


Handler = Callable[[Machine], None]
STOP = ord(".")
READERS: dict[bytes, Handler] = {
    b"\x80": _proto,
    b"\x95": _frame,
    b"(": _mark,
    b"0": _pop,
    b"1": _pop_mark,
    b"\x94": _memoize,
    b"q": _put(_byte),
    b"r": _put(_word),
    b"p": _put(_decimal),
    b"h": _get(_byte),
    b"j": _get(_word),
    b"g": _get(_decimal),
    b"N": _pushes(lambda m: None),
    b"\x88": _pushes(lambda m: True),
    b"\x89": _pushes(lambda m: False),
    b"J": _pushes(_signed),
    b"K": _pushes(_byte),
    b"M": _pushes(lambda m: m.number(2)),
    b"\x8a": _pushes(lambda m: _long(m, m.number(1))),
    b"\x8b": _pushes(lambda m: _long(m, m.number(4))),
    b"G": _pushes(_float),
    b"\x8c": _pushes(lambda m: m.text(m.number(1))),
    b"X": _pushes(lambda m: m.text(m.number(4))),
    b"\x8d": _pushes(lambda m: m.text(m.number(8))),
    b"U": _pushes(lambda m: _old_text(m, m.number(1))),
    b"T": _pushes(lambda m: _old_text(m, m.number(4))),
    b"C": _pushes(lambda m: m.data(m.number(1))),
    b"B": _pushes(lambda m: m.data(m.number(4))),
    b"\x8e": _pushes(lambda m: m.data(m.number(8))),
    b"\x96": _pushes(lambda m: m.data(m.number(8))),
    b")": _pushes(lambda m: ()),
    b"]": _new(list),
    b"}": _new(dict),
    b"\x8f": _new(set),
    b"t": _long_tuple,
    b"\x85": _tuple(1),
    b"\x86": _tuple(2),
    b"\x87": _tuple(3),
    b"l": _list,
    b"d": _dict,
    b"a": _append,
    b"e": lambda m: _extend(m, m.since_mark()),
    b"s": _setitem,
    b"u": lambda m: _fill(m, m.since_mark()),
    b"\x90": _additems,
    b"\x91": _frozen_set,
    b"c": _global,
    b"\x93": _stack_global,
    b"R": _reduce,
    b"\x81": _newobj,
    b"b": _build,
    b"Q": _binpersid,
    b"i": _inst,
}


HANDLERS: list[Handler] = [READERS.get(bytes([op]), _unknown) for op in range(256)]
TEXT_OPS = {"INT", "LONG", "FLOAT", "STRING", "UNICODE"}
