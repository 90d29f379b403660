"""What every test needs: one thread per process, and no trace in the user's own folders."""

import gc
import os
import re
import signal
import tempfile
from itertools import count
from pathlib import Path

# Two test processes on two cores: more threads only wait for each other. Children inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("MKL_CBWR", "AUTO")  # as in latty's own processes: the same bits
# A shell starts what it puts in the background deaf to SIGINT, and every child would inherit it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# What is collected does not depend on the models and directions of who runs the tests.
os.environ["LATTY_HOME"] = tempfile.mkdtemp(prefix="latty-tests-")

import pytest

_NUMBERS = count()


def pytest_collection_finish() -> None:
    """What the tests import stays: the collector need not look through it all again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _folder(factory: pytest.TempPathFactory, name: str) -> Path:
    """A new folder of this session. Pytest's own looks through all that are there for the next
    number, and takes milliseconds among thousands."""
    made = factory.getbasetemp() / f"{name}-{next(_NUMBERS)}"
    made.mkdir(0o700)
    return made


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """A folder of this test alone."""
    return _folder(tmp_path_factory, re.sub(r"\W", "_", request.node.name)[:30])


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of this test alone, and the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Config, data, cache and state of this test alone."""
    monkeypatch.setenv("LATTY_HOME", str(_folder(tmp_path_factory, "home")))
    for name in [name for name in os.environ if name.startswith("LATTY_")]:
        if name != "LATTY_HOME":
            monkeypatch.delenv(name)
