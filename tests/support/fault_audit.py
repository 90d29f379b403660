"""What the kernel is asked to do to a folder, as strace says it: what the shim did not see of that
cannot be made to fail."""

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest
from faults import Done, Runner

KINDS = {
    "open": "open openat openat2 creat",
    "write": "write pwrite64 writev pwritev pwritev2 sendfile copy_file_range splice mmap",
    "sync": "fsync fdatasync syncfs sync_file_range msync",
    "rename": "rename renameat renameat2 link linkat symlink symlinkat",
    "mkdir": "mkdir mkdirat mknod mknodat",
    "unlink": "unlink unlinkat rmdir",
    "size": "ftruncate truncate fallocate",
    "mode": "chmod fchmod fchmodat fchmodat2 utimensat futimesat utime chown fchown fchownat "
    "lchown setxattr fsetxattr lsetxattr",
}
KIND = {name: kind for kind, names in KINDS.items() for name in names.split()}
SAME = {"names": "sync", "link": "rename", "mkfifo": "mkdir"}  # words of the shim's log
ON_FILE = ("ftruncate", "fallocate", "fchmod", "fchown", "fsetxattr")
CALL = re.compile(r"^\d+ +(\w+)\((.*)")
MARKS = ("O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_TMPFILE")


def tracer(file: Path) -> list[str]:
    """The words before a command; without strace the test is skipped."""
    if shutil.which("strace") is None:
        pytest.skip("no strace to compare with")
    return ["strace", "-f", "-y", "-qq", "--seccomp-bpf", "-e", "trace=?" + ",?".join(KIND),
            "-o", str(file)]  # fmt: skip


def asked(text: str, root: Path) -> Counter[str]:
    """The calls of a trace that change something below a folder, by kind."""
    found: Counter[str] = Counter()
    for match in filter(None, map(CALL.match, text.splitlines())):
        name, words = match.groups()
        if not _below(name, words, root) or words.rstrip().endswith("EEXIST (File exists)"):
            continue
        if KIND[name] == "open" and not any(mark in words for mark in MARKS):
            continue
        if name == "mmap" and not ("MAP_SHARED" in words and "PROT_WRITE" in words):
            continue
        found[KIND[name]] += 1
    return found


def _below(name: str, words: str, root: Path) -> bool:
    """Whether a call changes something there: by an open file, or by a path, which may lead through
    one that is open, as only latty's own do. Commands run below it."""
    named = re.findall(r'(?:<([^>]*)>, )?"([^"]*)"', words)
    if KIND[name] in ("write", "sync") or name in ON_FILE or not named:
        files = re.findall(r"\d<([^>]*)>", words)
        place = files[-1 if name in ("copy_file_range", "splice") else 0] if files else ""
    else:
        folder, path = named[-1]
        place = path if path.startswith("/") else f"{folder or root}/{path}"
    return f"{place}/".startswith((f"{root}/", "/proc/self/fd/"))


def seen(done: Done) -> Counter[str]:
    """The same, of what the shim has counted."""
    words = (call.split()[0] for call in done.calls if not call.startswith("close"))
    return Counter(SAME.get(word, word) for word in words)


def unseen(run: Runner, trace: Path, *words: str) -> dict[str, int]:
    """How many calls of each kind of a command the shim does not see; `run` is traced."""
    start = trace.stat().st_size
    done = run(*words)
    with trace.open() as file:
        file.seek(start)
        told = asked(file.read(), run.disk.root)
    ours = seen(done)
    return {kind: told[kind] - ours[kind] for kind in KINDS if told[kind] != ours[kind]}
