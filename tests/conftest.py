"""What every test needs: one thread per process, and no trace in the user's own folders."""

import gc
import os
import signal
import tempfile

# Two test processes on two cores: more threads only wait for each other. Children inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# A shell starts what it puts in the background deaf to SIGINT, and every child would inherit it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# What is collected does not depend on the models and directions of who runs the tests.
os.environ["LATTY_HOME"] = tempfile.mkdtemp(prefix="latty-tests-")

import pytest


def pytest_collection_finish() -> None:
    """What the tests import stays: the collector need not look through it all again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Config, data, cache and state of this test alone."""
    monkeypatch.setenv("LATTY_HOME", str(tmp_path_factory.mktemp("home")))
    for name in [name for name in os.environ if name.startswith("LATTY_")]:
        if name != "LATTY_HOME":
            monkeypatch.delenv(name)
