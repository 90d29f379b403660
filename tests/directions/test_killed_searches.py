"""A search that is killed and stopped at any moment goes on, to the bytes of one that was not."""

import os
import random
import signal
import time
from functools import partial
from pathlib import Path

import pytest
from cli_in_process import latty
from forked import forked, killed_after

from latty import locks
from latty.directions.registries import METHODS

TRAINED = (
    "--iterations",
    "20",
    "--batch",
    "4",
    "--size",
    "32",
    "--reconstructor",
    "lenet",
    "--probes",
    "2",
)
JUDGED = ("--samples", "2048", "--names", "smile,yaw", "--probes", "1", "--layers", "all")
SEARCHES = {
    "random": (),
    "sefa": (),
    "ganspace": ("--samples", "20000", "--components", "4", "--estimator", "sketch"),
    "tlgan": JUDGED,
    "interfacegan": JUDGED,
    "ascent": ("--names", "smile", "--samples", "512", "--probes", "1"),
    "plumerault": ("--transforms", "x", "--trajectories", "2", "--batch", "1", "--amounts", "1",
                   "--steps", "2", "--size", "16", "--probes", "2"),
    "voynov": ("--directions", "3", *TRAINED),
    "warped": ("--paths", "3", *TRAINED),
}  # fmt: skip
DONE = (0, 73)  # or it was when it was killed, with its last word unsaid
ENDS = (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL)


def test_every_method_is_killed() -> None:
    assert {*SEARCHES} == {*METHODS.names()}


def test_what_a_finished_search_left_when_it_was_killed_goes(tmp_path: Path) -> None:
    words = ("discover", "sefa", "portraits", "-o", "found")
    left = tmp_path / "home/state/discover"

    def killed(folder: Path) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def search() -> int:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(locks, "discard", killed)
            return latty(*words, home=tmp_path).returncode

    assert forked(search) == -signal.SIGKILL and len([*left.iterdir()]) == 1
    assert latty(*words, home=tmp_path).returncode == 73 and not [*left.iterdir()]


@pytest.mark.slow
@pytest.mark.parametrize("method", SEARCHES)
def test_a_search_goes_on_after_any_end(method: str, tmp_path: Path) -> None:
    words = ("discover", method, "portraits", *SEARCHES[method], "-o", "found")

    def search(home: Path) -> int:
        done = latty(*words, home=home)
        (home / "said").write_text(done.stderr)
        return done.returncode

    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    begun = time.monotonic()
    assert forked(partial(search, one)) == 0, (one / "said").read_text()
    took = time.monotonic() - begun
    draw, ended = random.Random(method), []
    for number in ENDS:
        ended.append(killed_after(draw.uniform(0.3, 1) * took, number, partial(search, other)))
        if ended[-1] in DONE:
            break
    assert {*ended[:-1]} <= {-signal.SIGKILL, 128 + signal.SIGTERM}, ended
    if ended[-1] not in DONE:
        assert forked(partial(search, other)) in DONE, (other / "said").read_text()
    sets = [home / "home/data/directions" for home in (one, other)]
    assert [path.name for path in sets[1].iterdir()] == ["found.safetensors"]
    assert len({(folder / "found.safetensors").read_bytes() for folder in sets}) == 1
    assert not [*(other / "home/state/discover").iterdir()]
