"""Between a terminal and a program: an sshd of our own on the loopback, and a tmux of our own."""

import getpass
import os
import shlex
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from places import LIMIT
from terminal_tools import path_of

SETTINGS = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/person.pub
PidFile none
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
PasswordAuthentication no
"""


@contextmanager
def sshd(folder: Path) -> Iterator[list[str]]:
    """A server with its own keys and port; yields the words that log in with a terminal."""
    for name in ("host", "person"):
        words = [path_of("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(words, check=True, timeout=LIMIT)
    if os.geteuid() == 0:  # where the part of it that has no rights lives
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "settings").write_text(SETTINGS.format(port=port, folder=folder))
    log = (folder / "log").open("wb")
    server = subprocess.Popen(
        [path_of("sshd"), "-D", "-e", "-f", str(folder / "settings")],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
    )
    try:
        _listening(port, server)
        yield [
            *(path_of("ssh"), "-F", "/dev/null", "-tt", "-q", "-p", str(port)),
            *("-i", str(folder / "person"), "-o", "IdentitiesOnly=yes"),
            *("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"),
            f"{getpass.getuser()}@127.0.0.1",
        ]
    finally:
        server.terminate()
        server.wait(5)
        log.close()


def _listening(port: int, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 10
    while time.monotonic() < end and server.poll() is None:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("sshd does not listen")


def remote(words: Sequence[str], environ: Mapping[str, str], folder: Path) -> str:
    """What a login shell runs: the program in a folder, with variables that ssh does not carry."""
    settings = [f"{name}={value}" for name, value in environ.items()]
    return f"cd {shlex.quote(str(folder))} && exec env {shlex.join([*settings, *words])}"


@contextmanager
def tmux(folder: Path, *settings: str) -> Iterator[list[str]]:
    """A server of its own; yields the words that open a window in it (a program follows)."""
    (folder / "tmux.conf").write_text("".join(f"{line}\n" for line in settings))
    words = [path_of("tmux"), "-S", str(folder / "tmux"), "-f", str(folder / "tmux.conf")]
    try:
        yield [*words, "new-session"]
    finally:
        subprocess.run([*words, "kill-server"], capture_output=True, timeout=LIMIT, check=False)
