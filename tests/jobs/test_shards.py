"""Work split over processes gives the bytes of one process, whatever is killed on the way."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from cli_process import COMMAND, environment, latty, write_preset
from places import LIMIT
from processes import alive, kill, wait
from torch import Tensor
from toy_generator import Factored, Toy

from latty import home
from latty.attributes.sampled import sampled_scores
from latty.directions import discovery
from latty.directions.base import HasShards
from latty.directions.file import read
from latty.directions.methods.ganspace import GANSpace
from latty.errors import DeviceError
from latty.jobs import shards
from latty.jobs.pool import LocalPool, opened
from latty.models import open_model
from latty.rank import RankPlan, curves

pytestmark = pytest.mark.slow

FORMS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "covariance": ("ganspace", "portraits", {"samples": 9000, "components": 5}),
    "sketch": (
        "ganspace",
        "demo",
        {"samples": 200, "components": 2, "layer": "b8.conv0", "estimator": "sketch", "sketch": 4},
    ),
    "rows": (
        "ganspace",
        "demo",
        {"samples": 700, "components": 2, "layer": "b4.conv1", "estimator": "dual"},
    ),
    "ica": ("ganspace", "portraits", {"samples": 1500, "components": 3, "estimator": "ica"}),
    "scores": (
        "tlgan",
        "demo",
        {"samples": 1100, "scorer": "colour", "layers": "all", "probes": 1},
    ),
}


@pytest.fixture(scope="module")
def two() -> Iterator[LocalPool]:
    with opened("local", ["cpu", "cpu"]) as pool:
        yield pool  # type: ignore[misc]


@pytest.mark.parametrize("form", FORMS)
def test_pieces_of_other_processes_change_no_byte(
    form: str, two: LocalPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    method, model, params = FORMS[form]
    generator, count = open_model(model, "cpu"), 0
    files = [tmp_path / f"{name}.safetensors" for name in ("inline", "split")]

    def before(made: Any, work: Path) -> None:
        nonlocal count
        assert isinstance(made, HasShards)
        pieces = made.shards(generator, work)
        shards.run(pieces, two, model, generator)
        count = len(pieces)
        assert all(piece.whole() for piece in pieces)

    monkeypatch.setenv("LATTY_HOME", str(tmp_path / "one"))
    discovery.discover(method, params, generator, files[0])
    monkeypatch.setenv("LATTY_HOME", str(tmp_path / "two"))
    discovery.discover(method, params, generator, files[1], before=before)
    assert count >= 2 and files[0].read_bytes() == files[1].read_bytes()


def test_a_damaged_piece_is_drawn_again(tmp_path: Path, two: LocalPool) -> None:
    generator, method = open_model("portraits", "cpu"), GANSpace(9000, 4)
    whole = method.fit(generator).directions_
    shards.run(method.shards(generator, tmp_path), two, "portraits", generator)
    first, second, third = sorted(tmp_path.glob("piece-*"))
    first.write_bytes(first.read_bytes()[:-100])
    second.write_bytes(b"")
    left = [piece.file for piece in method.shards(generator, tmp_path) if not piece.whole()]
    assert sorted(left) == [first, second] and third.stat().st_size
    again = GANSpace(9000, 4).fit(generator, work=tmp_path)
    assert torch.equal(again.directions_, whole)
    other = [piece for piece in GANSpace(9000, 5).shards(generator, tmp_path) if piece.whole()]
    assert not other, "pieces of another fit"


def test_pieces_and_a_state_go_together(tmp_path: Path, two: LocalPool) -> None:
    """Interrupted in one process, gone on with in two."""
    from latty.errors import Interrupted

    generator = open_model("portraits", "cpu")
    whole = GANSpace(13_000, 4).fit(generator).directions_

    def stop(done: int, total: int, what: str) -> None:
        if done >= 6144:
            raise Interrupted(signal.SIGINT)

    assert not GANSpace(13_000, 4).fit(generator, stop, tmp_path).complete_
    method = GANSpace(13_000, 4)
    pieces = method.shards(generator, tmp_path)
    assert len(pieces) == 2, "the first is in the state, the second begun"
    shards.run(pieces, two, "portraits", generator)
    assert torch.equal(method.fit(generator, work=tmp_path).directions_, whole)


# --- the command line -----------------------------------------------------------------------------

ENDS = pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
SEARCH = ("discover", "ganspace", "portraits", "--components", "4", "-o", "x.safetensors")


def child_pids(parent: int) -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            if folder.name.isdecimal() and "spawn_main" in (folder / "cmdline").read_text():
                words = (folder / "stat").read_text().rpartition(")")[2].split()
                found += [int(folder.name)] if int(words[1]) == parent else []
    return found


def started(home: Path, *words: str) -> "subprocess.Popen[bytes]":
    home.mkdir(exist_ok=True)
    return subprocess.Popen(
        [*COMMAND, *words], cwd=home, env=environment(home), stderr=subprocess.DEVNULL
    )


def pieces(home: Path) -> dict[str, int]:
    found = (home / "home/state/discover").glob("*/piece-*.safetensors")
    return {file.name: file.stat().st_mtime_ns for file in found}


def test_killed_workers_and_a_killed_driver_cost_no_finished_piece(tmp_path: Path) -> None:
    if not Path("/proc/self/stat").exists():
        pytest.skip("children are read from /proc")
    words = (*SEARCH, "--samples", "48000")  # twelve pieces
    inline, split = tmp_path / "inline", tmp_path / "split"
    inline.mkdir()
    done = latty(*words, home=inline)
    assert done.returncode == 0, done.stderr
    with started(split, *words, "--workers", "2") as driver:
        wait(lambda: pieces(split))
        first, second = child_pids(driver.pid)
        os.kill(second, signal.SIGSTOP)  # so that it cannot be over before the test is
        os.kill(first, signal.SIGKILL)
        before = len(pieces(split))
        wait(lambda: len(pieces(split)) > before)
        assert driver.poll() is None
        children = child_pids(driver.pid)
        assert len(children) == 2 and first not in children
        driver.kill()
    wait(lambda: not any(map(alive, children)))
    kept = pieces(split)
    assert 2 <= len(kept) < 12
    with started(split, *words, "--workers", "2") as driver:
        wait(lambda: len(pieces(split)) > len(kept) or driver.poll() is not None)
        found = pieces(split).items()
        assert all(mtime == kept[name] for name, mtime in found if name in kept)
        assert driver.wait(LIMIT) == 0
    files = [folder / "x.safetensors" for folder in (inline, split)]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert not pieces(split), "they are of no use any more"


def test_ctrl_c_of_a_terminal_reaches_all_and_leaves_quietly(tmp_path: Path) -> None:
    driver = subprocess.Popen(
        [*COMMAND, *SEARCH, "--samples", "40000", "--workers", "2"], cwd=tmp_path,
        env=environment(tmp_path), stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    wait(lambda: pieces(tmp_path))
    os.killpg(driver.pid, signal.SIGINT)
    told = driver.communicate(timeout=LIMIT)[1]
    assert driver.returncode == 130 and "Traceback" not in told
    assert "the same command goes on" in told


def test_methods_without_pieces_say_so(tmp_path: Path) -> None:
    done = latty("discover", "random", "demo", "--workers", "2", home=tmp_path)
    assert done.returncode == 0 and "--workers does nothing for it" in done.stderr
    assert done.stdout == "demo-random\n"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--workers", "0"), "--workers 0: from 1 to 256"),
        (("--workers", "two"), "invalid int value"),
        (("--address", "a:1"), "add --engine ray"),
        (("--engine", "dask"), "invalid choice"),
    ],
)
def test_what_makes_no_sense_is_said(words: tuple[str, ...], line: str, tmp_path: Path) -> None:
    done = latty("discover", "random", "demo", *words, home=tmp_path)
    assert done.returncode == 2 and line in done.stderr


def test_presets_rendered_by_two_processes(tmp_path: Path) -> None:
    names = [write_preset(tmp_path, f"p{n}", frames=2 + n) for n in range(3)]
    broken = tmp_path / "broken.toml"
    broken.write_text('schema = 1\nname = "b"\nframes = 1\n[scene]\nmodel = "no-such-model"\n'
                      '[[outputs]]\npath = "b.gif"\n')  # fmt: skip
    words = [str(path) for path in (*names, broken)]
    one = latty("render", *words, "--out-dir", "one", "--json", home=tmp_path)
    two = latty("render", *words, "--out-dir", "two", "--json", "--workers", "2", home=tmp_path)
    assert one.returncode == two.returncode == 66
    assert "1 of 4 presets failed" in two.stderr and "no-such-model" in two.stderr
    told = [
        sorted((row["preset"], row.get("bytes"), row.get("code")) for row in map(json.loads, lines))
        for lines in (one.stdout.splitlines(), two.stdout.splitlines())
    ]
    assert told[0] == told[1] and len(told[0]) == 4
    for n in range(3):
        files = [tmp_path / folder / f"p{n}.gif" for folder in ("one", "two")]
        assert files[0].read_bytes() == files[1].read_bytes()
    again = latty("render", *words[:3], "--out-dir", "two", "--workers", "2", home=tmp_path)
    assert again.returncode == 73 and again.stderr.count("--overwrite") == 3


@ENDS
def test_renders_by_two_processes_end_with_their_frame(
    number: int, code: int, tmp_path: Path
) -> None:
    """As one process does: the picture in work is kept, and the same command goes on."""
    words = [str(write_preset(tmp_path, f"p{n}", frames=400, size=256)) for n in range(2)]
    command = [*COMMAND, "render", *words, "--workers", "2", "--batch", "1", "-q"]

    def kept() -> list[int]:
        journals = (tmp_path / f"renders/p{n}.gif.latty-work/pictures" for n in range(2))
        return [file.stat().st_size if file.exists() else 0 for file in journals]

    def begun(more: Sequence[int] = (0, 0)) -> None:
        wait(
            lambda: all(
                now > before + 256 * 256 * 3 for now, before in zip(kept(), more, strict=True)
            )
        )

    driver = subprocess.Popen(command, cwd=tmp_path, env=environment(tmp_path), text=True,
                              stderr=subprocess.PIPE)  # fmt: skip
    begun()
    children = child_pids(driver.pid)
    os.kill(children[0], signal.SIGSTOP)  # in the middle of a picture
    held = kept()
    driver.send_signal(number)
    with pytest.raises(subprocess.TimeoutExpired):
        driver.wait(1.5)
    os.kill(children[0], signal.SIGCONT)
    told = driver.communicate(timeout=LIMIT)[1]
    assert driver.returncode == code, told
    assert "the same command goes on" in told and "Traceback" not in told
    after = kept()
    assert sum(after) > sum(held) and not any(map(alive, children))
    again = subprocess.Popen(command, cwd=tmp_path, env=environment(tmp_path))
    begun(after)
    again.kill()
    again.wait()


RANK = ("rank", "demo", "--scorers", "colour", "--seeds", "0-3", "--steps", "3", "--top", "1",
        "--baseline", "2")  # fmt: skip


def test_a_ranking_by_two_processes(tmp_path: Path) -> None:
    one = latty(*RANK, "-o", "one", home=tmp_path)
    assert one.returncode == 0, one.stderr
    (other := tmp_path / "other").mkdir()  # at home the scores are known by now
    two = latty(*RANK, "-o", "../two", "--workers", "2", home=other)
    assert two.returncode == 0 and "pieces" in two.stderr, two.stderr
    for name in ("curves.csv", "ranking.csv"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert not list(tmp_path.glob("**/state/rank/*/*.safetensors"))


def test_a_killed_ranking_goes_on(tmp_path: Path) -> None:
    def kept() -> dict[str, int]:
        found = (tmp_path / "home/state/rank").glob("*/*.safetensors")
        return {file.name: file.stat().st_mtime_ns for file in found}

    with started(tmp_path, *RANK, "-o", "x", "--workers", "1") as driver:
        wait(lambda: len(kept()) >= 2)
        driver.kill()
    before = kept()
    with started(tmp_path, *RANK, "-o", "x", "--workers", "1") as driver:
        wait(lambda: len(kept()) > len(before) or driver.poll() is not None)
        assert all(mtime == before[name] for name, mtime in kept().items() if name in before)
        assert driver.wait(LIMIT) == 0 and (tmp_path / "x/README.md").is_file()


SPLIT: dict[str, tuple[tuple[str, ...], str]] = {
    "discover": ((*SEARCH, "--samples", "40000"), "x.safetensors"),
    "rank": ((*RANK, "--seeds", "0-11", "-o", "x"), "x"),
}


@pytest.fixture(scope="module", params=SPLIT)
def split(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[tuple[str, ...], str, dict[str, bytes]]:
    """A command, what it writes, and that as one process writes it."""
    words, name = SPLIT[request.param]
    place = tmp_path_factory.mktemp("one")
    done = latty(*words, home=place)
    assert done.returncode == 0, done.stderr
    return words, name, written(place / name)


def written(path: Path) -> dict[str, bytes]:
    found = path.rglob("*") if path.is_dir() else [path]
    return {str(one.relative_to(path.parent)): one.read_bytes() for one in found if one.is_file()}


@ENDS
def test_two_processes_end_with_the_first_and_the_same_command_goes_on(
    number: int, code: int, split: tuple[tuple[str, ...], str, dict[str, bytes]], tmp_path: Path
) -> None:
    words, name, whole = split
    words = (*words, "--workers", "2")

    def kept() -> list[Path]:
        return [*(tmp_path / "home/state").glob(f"{words[0]}/*/*.safetensors")]

    driver = subprocess.Popen([*COMMAND, *words], cwd=tmp_path, env=environment(tmp_path),
                              text=True, stderr=subprocess.PIPE)  # fmt: skip
    wait(kept)
    below = child_pids(driver.pid)
    os.kill(below[0], signal.SIGSTOP)  # so that it cannot be over before the test is
    driver.send_signal(number)
    time.sleep(0.5)
    kill(below[0], signal.SIGCONT)  # where it was not ended
    told = driver.communicate(timeout=LIMIT)[1]
    assert driver.returncode == code, told
    assert "the same command goes on" in told and "Traceback" not in told
    wait(lambda: not any(map(alive, below)))
    assert kept() and not (tmp_path / name).is_file()
    again = latty(*words, home=tmp_path)
    assert again.returncode == 0, again.stderr
    assert written(tmp_path / name) == whole


# --- memory ---------------------------------------------------------------------------------------


class Short:
    """Draws so many pictures at once, and no more."""

    most = 10

    def check(self, codes: Tensor) -> None:
        if len(codes) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


class ShortToy(Short, Toy):
    def synthesis(self, codes: Tensor, *rest: object, **more: object) -> Tensor:
        self.check(codes)
        return super().synthesis(codes)


def test_scores_are_drawn_in_batches_that_fit() -> None:
    said: list[str] = []
    names, found = sampled_scores(
        ShortToy(), range(60), "colour", batch=32, report=lambda a, b, what: said.append(what)
    )
    torch.testing.assert_close(found, sampled_scores(Toy(), range(60), "colour", batch=8)[1])
    assert len(found) == 60 and names and said[-1] == "samples, 8 at once"
    file = next((home.cache_dir() / "scores").rglob("0-59.safetensors"))
    assert '"batch":"8"' in file.read_text(errors="replace").replace(" ", "")
    said.clear()
    sampled_scores(
        ShortToy(), range(60), "colour", batch=32, report=lambda a, b, what: said.append(what)
    )
    assert said == ["samples, 8 at once"], "the file remembers"


def test_not_even_one_picture() -> None:
    toy = ShortToy()
    toy.most = 0
    with pytest.raises(DeviceError, match="one picture does not fit"):
        sampled_scores(toy, range(5), "colour")


def test_other_errors_are_not_taken_for_it() -> None:
    class Broken(Toy):
        def synthesis(self, codes: Tensor, *rest: object, **more: object) -> Tensor:
            raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        sampled_scores(Broken(), range(5), "colour")


def short(monkeypatch: pytest.MonkeyPatch, owner: type, name: str, most: int) -> None:
    whole: Callable[..., Any] = getattr(owner, name)

    def some(self: object, codes: Tensor, *rest: Any, **more: Any) -> Any:
        if len(codes) > most:
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")
        return whole(self, codes, *rest, **more)

    monkeypatch.setattr(owner, name, some)


def test_a_search_says_what_fitted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = open_model("demo", "cpu")
    params = {"samples": 40, "components": 2, "layer": "b4.conv1"}
    whole = GANSpace(**params, batch=4).fit(generator).directions_  # type: ignore[arg-type]
    short(monkeypatch, type(generator), "activation", 5)
    target = tmp_path / "x.safetensors"
    header = discovery.discover("ganspace", params, generator, target)
    assert dict(header.params)["batch"] == 4
    assert header.complete
    torch.testing.assert_close(read(target)[1]["directions"], whole, atol=1e-4, rtol=1e-4)


def test_a_ranking_goes_on_in_smaller_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = open_model("demo", "cpu")
    plan = RankPlan("demo", "demo", (("colour", 0, "red"),), (0, 1), samples=12, steps=3, batch=8)
    whole = curves(plan, generator)
    short(monkeypatch, type(generator), "synthesis", 5)
    said: list[str] = []
    found = curves(plan, generator, lambda a, b, what: said.append(what))
    torch.testing.assert_close(found.scores, whole.scores, atol=1e-4, rtol=1e-4)
    assert any("4 at once" in what for what in said)


def test_exact_factors_have_nothing_to_split() -> None:
    from latty.directions.methods.tlgan import TLGAN

    assert TLGAN(samples=2000).shards(Factored(), Path()) == []


def test_gaps_between_reports_are_short(two: LocalPool, tmp_path: Path) -> None:
    generator, moments = open_model("portraits", "cpu"), []
    method = GANSpace(20_000, 3)
    shards.run(
        method.shards(generator, tmp_path), two, "portraits", generator,
        lambda done, total, what: moments.append((time.monotonic(), done, total)),
    )  # fmt: skip
    assert moments[0][1:] == (0, 5) and moments[-1][1:] == (5, 5)
