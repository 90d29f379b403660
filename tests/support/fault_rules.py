"""What must be so after a fault, and after the same command once more."""

import errno
import os
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from fault_verbs import Files, Verb
from faults import (
    CHANGES,
    FAIL,
    GROWTH,
    KILL,
    LOGGED,
    SHORT,
    Done,
    Fault,
    Runner,
    kinds,
    put,
    tree,
)

READS = kinds("read")
SYNCS = kinds("sync names close")
SYNCED = ("sync ", "names ", "close ")
REMOVING = ("remove a scorer", "clean")  # verbs that leave nothing when they end well
UNKEPT = ("lock", "lock (deleted)", ".part")  # a part that was fetched is compared with its digest
# Compared with their digests whenever they are opened.
CHECKED = ("home/cache/archives/", "home/cache/scores/")
# Pictures and scores are kept there, where it can be used.
CACHE = re.compile(r"home/(cache/(frames/\w*|scores/.*)?)?")
# Where a folder cannot be opened or listed, these may stay in it: latty clean takes them.
CLEANED = re.compile(r"home/(cache|state)/.*|home/data/\w+/[^/]+\.[0-9a-f]{12}(\.\w+)+")
LOOKED_AT = "home/state/charts/"  # what a training shows: a fault costs it, not the training
BY_NAME = kinds("open read rename mkdir unlink")

# errno -> the kinds of calls that give it, and those that go on giving it when it lasts.
ERRORS = {
    errno.ENOSPC: (GROWTH | kinds("sync rename close names"), GROWTH),
    errno.EDQUOT: (GROWTH | kinds("sync rename close names"), GROWTH),
    errno.EIO: (CHANGES | READS, CHANGES | READS),
    errno.EROFS: (CHANGES & ~SYNCS, CHANGES & ~SYNCS),
    errno.EACCES: (BY_NAME, BY_NAME),  # a folder that one may not search any more
    errno.EMFILE: (kinds("open read"), kinds("open read")),
    errno.EINVAL: (kinds("names"), kinds("names")),  # a file system that cannot sync folders
}
INTERRUPTED = kinds("open write sync size")  # what a signal can break off
GIVEN = {error: given for error, (given, _) in ERRORS.items()} | {errno.EINTR: INTERRUPTED}


def kind_of(call: str) -> int:
    """The bit of a call in the log."""
    word = call.split()[0]
    return kinds({"mkfifo": "mkdir", "link": "rename"}.get(word, word))


def all_faults(calls: Iterable[str], reads: Iterable[str] = ()) -> Iterator[Fault]:
    """Every fault at every call that can have it: lasting, and once; a kill before it. Of the files
    that are opened to `reads` only these are counted."""
    for at, _ in enumerate(reads, 1):
        for error in (one for one, (given, _) in ERRORS.items() if given & READS):
            yield Fault(at, FAIL, error, READS, READS)
            yield Fault(at, FAIL, error, counted=READS)
    for at, call in enumerate(calls, 1):
        kind = kind_of(call)
        for error, (given, after) in ERRORS.items():
            if given & kind:
                yield Fault(at, FAIL, error, after)
                yield Fault(at, FAIL, error)
        if kind & INTERRUPTED:
            yield Fault(at, FAIL, errno.EINTR)
        if kind & kinds("write"):
            yield Fault(at, SHORT)
            yield Fault(at, SHORT, errno.ENOSPC, GROWTH)
        yield Fault(at, KILL)


def in_turn(calls: Sequence[str]) -> Iterator[Fault]:
    """One fault for each call, each time another."""
    at = [[fault for fault in all_faults(calls) if fault.at == k + 1] for k in range(len(calls))]
    return (those[k * 5 % len(those)] for k, those in enumerate(at) if those)


def results(root: Path) -> Files:
    """What lies below a folder but for what is only looked at, which says how long it took."""
    return {name: data for name, data in tree(root).items() if not name.startswith(LOOKED_AT)}


@dataclass
class Tally:
    """Of one verb: how often what was tried, and every fault of ours that it showed; `missed` are
    those whose call did not come."""

    verb: str
    calls: int = 0
    missed: int = 0
    tried: Counter[str] = field(default_factory=Counter)
    ended: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


class Trial:
    """A verb, what lies there before it, and what is there after it where nothing fails."""

    def __init__(self, verb: Verb, run: Runner) -> None:
        self.verb, self.run, self.name = verb, run, verb.name
        self.before = verb.prepare(run)
        put(run.disk.root, self.before)
        done = run(*verb.line)
        assert done.code == 0 and not done.err, (verb.name, done)
        self.calls, self.after = done.calls, results(run.disk.root)
        put(run.disk.root, self.before)
        self.reads = run(*verb.line, fault=Fault(counted=READS)).calls
        assert max(len(self.calls), len(self.reads)) < LOGGED, "more calls than are named"
        self._gone_on: dict[str, tuple[Done, Files]] = {}  # by a digest of what was left
        put(run.disk.root, self.before)
        done = run(*verb.line)
        assert done.code == 0, (verb.name, done)
        again = results(run.disk.root)
        unlike = [name for name in {*again, *self.after} if again.get(name) != self.after.get(name)]
        assert not unlike, (verb.name, unlike)

    def wrongs(self, fault: Fault) -> tuple[Done, list[str]]:
        """How the run under a fault ended, and what was not as it must be then or afterwards."""
        root = self.run.disk.root
        put(root, self.before)
        done = self.run(*self.verb.line, fault=fault)
        there = results(root)
        found = [*of_run(fault, done, each=self.verb.each), *self._of_files(there, fault)]
        if fault.deed == FAIL and done.struck and not _kind(done, fault.at) & GIVEN[fault.error]:
            # other calls than in the first run, and these never fail so
            return replace(done, struck=0), []
        where = done.calls[fault.at - 1] if fault.at <= len(done.calls) else "?"
        found += [f"{name} is open to others" for name in open_to_others(root / "home")]
        silent = done.code == 0 and fault.error not in (0, errno.EINTR, errno.EINVAL)
        lasts = where.startswith(SYNCED) and not any(
            one in where for one in (LOOKED_AT[:-1], *CHECKED)
        )
        if silent and done.struck and lasts and not where.endswith(UNKEPT):
            found.append("ends well, and what it wrote may not be on the disk")
        # a folder that cannot be listed is not emptied either
        stuck = where.startswith("unlink") or fault.after & kinds("unlink read")
        unlisted = fault.counted == READS or fault.after or where.startswith("open")
        cleaned = CLEANED.fullmatch if unlisted and self.name not in REMOVING else _nothing
        if done.code == 0 and there != self.after:
            left = sorted(name for name in {*there} - {*self.after} if not cleaned(name))
            lacks = sorted(n for n in self.after if there.get(n) != self.after[n])
            lacks = [name for name in lacks if name in there or not CACHE.fullmatch(name)]
            if lacks or (left and not stuck):
                found.append(f"ends well and leaves {left}, lacks {lacks}")
        elif done.code and there != self.after:  # else nothing is left to be done
            again, last = self._again()
            whole = all(there.get(name) == data for name, data in self.after.items())
            rest = [
                n
                for n in {*last, *self.after}
                if last.get(n) != self.after.get(n) and not (n in last and cleaned(n))
            ]
            # a lock of what was killed is nobody's
            locks = fault.deed == KILL and all(name.endswith(".lock") for name in rest)
            if again.code in (66, 73) and whole and (stuck or locks or not rest):
                pass  # all was done but for what lay beside it, and that is gone now, if it can
            elif again.code or again.err:
                found.append(f"the same command ends with {again.code}: {again.err}")
            elif rest and not (locks or (stuck and all(name.endswith(".lock") for name in rest))):
                found.append(f"and then the same command leaves {sorted(rest)}")
        return done, [f"{fault} ({where}): {one}" for one in found]

    def _again(self) -> tuple[Done, Files]:
        """How the same command ends on what a fault left, and what is there then. Most faults leave
        one of a few things; each is gone on with once."""
        root = self.run.disk.root
        there = sha256()
        for name, data in results(root).items():
            there.update(f"{name}\0{(root / name).lstat().st_mode}\0{len(data)}\0".encode())
            there.update(data)
        if (left := there.hexdigest()) not in self._gone_on:
            done, last = self.run(*self.verb.line), results(root)
            self._gone_on[left] = done, self.after if last == self.after else last
        return self._gone_on[left]

    def _of_files(self, there: Files, fault: Fault) -> Iterator[str]:
        """A folder is replaced in two steps. Where the second cannot be made and the first not be
        taken back, the old one is kept in the work folder, and the next run ends it."""
        stuck = fault.deed == KILL or fault.after & kinds("rename")
        kept = {data for name, data in there.items() if _at_work(name)} if stuck else set()
        for name in sorted({*self.before, *self.after}):
            old, new = self.before.get(name), self.after.get(name)
            if name not in there and (old in kept or name.endswith("/")) and stuck:
                continue
            if there.get(name) not in (old, new) and not _at_work(name):
                yield f"{name} is neither as it was nor whole"
        for card in there:
            if fnmatch(card, "home/data/scorers/[!.]*.toml"):
                weights = tomllib.loads(there[card].decode())["weights"]
                if f"home/data/scorers/{weights}" not in there:
                    yield f"{card} names {weights}, and that is not there"


def of_run(fault: Fault, done: Done, alone: bool = True, each: bool = False) -> Iterator[str]:
    """Whether the run ended as it may, and said why, in a line or in one of `each` thing; the fault
    may have struck another where it was not `alone`."""
    if fault.deed == KILL:
        wanted = {-9} if done.struck else {0}
        wanted |= set() if alone else {0}
    elif fault.error in (errno.EINTR, errno.EINVAL) or (fault.deed == SHORT and not fault.error):
        wanted = {0}
    else:
        wanted = {0, 74}
    struck = done.calls[fault.at - 1 : fault.at]
    if ".toml:" in done.err or any(call.endswith(".toml") for call in struck):
        wanted |= {78} if fault.counted == READS else set()  # it may be a file of settings
    if done.code not in wanted:
        yield f"ends with {done.code}: {done.err[-600:]}"
    lines = done.err.splitlines()
    ours = all(line.startswith("latty: ") for line in lines)
    if done.code > 0 and not (ours and (lines if each else len(lines) == 1)):
        yield f"says {done.err!r}"
    elif done.code == 74 and fault.error and not any(word in lines[0] for word in _words(fault)):
        yield f"gives another reason: {lines[0]}"
    if done.code == 0 and lines:
        yield f"ends well and says {done.err!r}"


def _words(fault: Fault) -> tuple[str, ...]:
    return os.strerror(fault.error), *(["too many files"] * (fault.error == errno.EMFILE))


def open_to_others(home: Path) -> list[str]:
    """What latty keeps and others than its owner could open."""
    kept = (
        path for name in ("config", "state", "data", "cache") for path in (home / name).rglob("*")
    )
    return [str(path.relative_to(home)) for path in kept
            if path.name != "config.toml" and path.lstat().st_mode & 0o077]  # fmt: skip


def _nothing(_: str) -> None:
    """Fits no name."""


def _kind(done: Done, at: int) -> int:
    return kind_of(done.calls[at - 1]) if at <= len(done.calls) else 0


def _at_work(name: str) -> bool:
    """Whether a file is of the work that is done, not of its result."""
    half = name.startswith("home/cache/") and name.endswith((".part", ".part.json"))
    return half or ".latty-work/" in name or name.startswith("home/state/")


class Tried(Protocol):
    """What can be tried: a verb, or the life of a job."""

    name: str
    calls: tuple[str, ...]

    def wrongs(self, fault: Fault) -> tuple[Done, list[str]]: ...


def tried(trial: Tried, faults: Iterable[Fault]) -> Tally:
    """Each fault in turn. Where one that lasts strikes a single call, that which strikes once, and
    comes next, would be the same run, and is not run."""
    tally, same = Tally(trial.name, len(trial.calls)), Fault()
    for fault in faults:
        if fault != same:
            done, wrong = trial.wrongs(fault)
            single = fault.deed == FAIL and fault.after and done.struck == 1
            same = replace(fault, after=0) if single else Fault()
        tally.missed += not done.struck
        word = {KILL: "kill", SHORT: "short"}.get(fault.deed, errno.errorcode.get(fault.error, ""))
        tally.tried[word] += 1
        tally.ended[done.code] += 1
        tally.wrong += wrong
    return tally
