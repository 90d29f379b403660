"""Programs that the terminal tests need: where one is missing a test skips, but never in CI."""

import os
import shutil

import pytest

PACKAGES = {
    "xterm": "xterm",
    "Xvfb": "xvfb",
    "xdotool": "xdotool",
    "tmux": "tmux",
    "sshd": "openssh-server",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
}
PLACES = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))


def path_of(program: str) -> str:
    """Where it is; sshd wants its whole path."""
    return shutil.which(program, path=PLACES) or program


def missing(*programs: str) -> list[str]:
    return [program for program in programs if not shutil.which(program, path=PLACES)]


def needs(*programs: str) -> None:
    """Skip the test where one of them is missing; fail in CI, which installs them."""
    lacking = missing(*programs)
    if not lacking:
        return
    packages = " ".join(dict.fromkeys(PACKAGES[program] for program in lacking))
    said = f"needs {', '.join(lacking)} (Debian and Ubuntu: apt-get install {packages})"
    if os.environ.get("CI") == "true":
        pytest.fail(said)
    pytest.skip(said)
