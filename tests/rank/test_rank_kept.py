"""`latty rank` of what `latty traverse` kept, and of groups of attributes."""

import csv
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Timer

import pytest
import torch
from cli_in_process import latty
from cli_process import COMMAND, environment

from latty import locks
from latty.checkpoints.safetensors import pieces, read_header, read_tensors
from latty.rank.baseline import best_of
from latty.rank.table import KEYS
from latty.rank.traversal import kept_films

TRAVERSE = ("traverse", "demo", "--directions", "yaw,smile", "--seeds", "0-4", "--steps", "5",
            "--baseline", "3", "--samples", "20", "-q")  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with renders/demo-traverse."""
    place = tmp_path_factory.mktemp("made")
    done = latty(*TRAVERSE, home=place)
    assert done.returncode == 0, done.stderr
    return place


@pytest.fixture
def place(made: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    shutil.copytree(made, tmp_path / "here")
    return tmp_path / "here"


def undrawable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing can be drawn from here on."""

    def refuse(*args: object, **more: object) -> None:
        raise AssertionError("a picture is drawn")

    monkeypatch.setattr("latty.render.pixels.Painter.drawn", refuse)
    monkeypatch.setattr("latty.rank.traversal.kept_model.open_model", refuse)


@pytest.fixture(scope="module")
def factors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the traversal "walks" of a model that knows factors of its codes."""
    place = tmp_path_factory.mktemp("factors")
    done = latty("traverse", "portraits", *TRAVERSE[2:], "--seeds", "0-1", "--film", "none",
                 "--scorers", "smile,geometry", "-o", "walks", home=place)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return place


@pytest.mark.parametrize("model", ["demo", "portraits"])
def test_scores_that_are_kept_are_ranked_without_torch(
    model: str, place: Path, factors: Path, tmp_path: Path
) -> None:
    """In the program itself, films with it; also of exact factors, and of other attributes of
    scorers that were asked before."""
    home, walks = (factors, "walks") if model == "portraits" else (place, "renders/demo-traverse")
    if model == "demo":
        asked = latty("rank", walks, "--scorers", "factors,geometry", "-o", "once", home=home)
        assert asked.returncode == 0, asked.stderr
    command = [sys.executable, "-X", "importtime", *COMMAND[1:]]
    words = ["rank", walks, "--scorers", "smile,yaw,x", "--top", "1", "-o", str(tmp_path / "other")]
    done = subprocess.run([*command, *words], cwd=home, env=environment(home), text=True,
                          capture_output=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
    there = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "latty.rank.page" in there and not [one for one in there if one.startswith("torch")]
    assert len([*(tmp_path / "other").glob("*.gif")]) >= 2


def test_who_makes_the_random_directions_is_waited_for_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("rank", "portraits", "--directions", "smile", "--scorers", "smile", "--seeds", "0",
             "--steps", "3", "--samples", "10", "--baseline", "2", "--top", "1")  # fmt: skip
    assert latty(*words, home=tmp_path).returncode == 0
    (random,) = tmp_path.glob("home/cache/scores/random/*.safetensors")
    random.unlink()
    lock = locks.take(random.with_name(f".{random.name}.lock"))
    assert lock is not None
    monkeypatch.setattr("latty.cli.progress.EVERY", 0.2)
    free = Timer(3, os.close, [lock])
    free.start()
    done = latty(*words, home=tmp_path)
    free.join()
    assert done.returncode == 0 and random.is_file(), done.stderr
    assert f"waiting for random directions, made by process {os.getpid()}" in done.stderr


def test_waiting_for_random_directions_ends_at_once_when_interrupted(tmp_path: Path) -> None:
    words = ("rank", "portraits", "--directions", "smile", "--scorers", "smile", "--seeds", "0",
             "--steps", "3", "--samples", "10", "--baseline", "2", "--top", "1")  # fmt: skip
    assert latty(*words, home=tmp_path).returncode == 0
    (random,) = tmp_path.glob("home/cache/scores/random/*.safetensors")
    random.unlink()
    lock = locks.take(random.with_name(f".{random.name}.lock"))
    assert lock is not None
    asked = {**environment(tmp_path), "LATTY_PROGRESS": "json"}
    one = subprocess.Popen([*COMMAND, *words, "--overwrite"], cwd=tmp_path, env=asked, text=True,
                           stderr=subprocess.PIPE)  # fmt: skip
    assert one.stderr is not None
    seen = next((line for line in one.stderr if "waiting for random directions" in line), "")
    one.send_signal(signal.SIGINT)
    begun, rest = time.monotonic(), one.communicate(timeout=60)[1]
    os.close(lock)
    assert seen and one.returncode == 130 and "Traceback" not in rest, rest
    assert time.monotonic() - begun < 10 and not random.exists()


@pytest.mark.parametrize("said", ["", " , "])
def test_a_ranking_of_no_attribute_is_refused(said: str, tmp_path: Path, place: Path) -> None:
    for ranked in ("portraits", str(place / "renders/demo-traverse")):
        done = latty("rank", ranked, "--scorers", said, home=tmp_path)
        assert done.returncode == 2 and "--scorers names no attribute" in done.stderr, done.stderr
        assert "Traceback" not in done.stderr


def rows(folder: Path) -> dict[tuple[str, str], dict[str, str]]:
    """ranking.csv by direction and attribute."""
    table = csv.DictReader((folder / "ranking.csv").read_text().splitlines())
    return {(row["direction"], row["attribute"]): row for row in table}


def test_what_is_kept_is_ranked_and_nothing_is_drawn(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    undrawable(monkeypatch)
    done = latty("rank", "renders/demo-traverse", "--scorers", "smile,yaw,glasses", home=place)
    folder = place / "renders/demo-traverse-rank"
    assert done.returncode == 0 and done.stdout.strip() == "renders/demo-traverse-rank", done.stderr
    found = rows(folder)
    assert float(found["smile", "smile"]["corr"]) > 0.8 < float(found["yaw", "yaw"]["corr"])
    for direction in ("smile", "yaw"):
        mine = [found[direction, name] for name in ("smile", "yaw", "glasses")]
        assert sum(float(row["corr_l1"]) for row in mine) == pytest.approx(1, abs=1e-4)
        assert sum(float(row["selectivity"]) for row in mine) == pytest.approx(1, abs=1e-4)
    for film in (place / "renders/demo-traverse/films").glob("*seed[0-3].gif"):
        assert (folder / film.name).read_bytes() == film.read_bytes()
    samples = list(csv.DictReader((folder / "samples.csv").read_text().splitlines()))
    assert len(samples) == 2 * 3 * 5 and {"start", "s0", "s4"} <= samples[0].keys()
    kept = read_tensors(next((place / "renders/demo-traverse/scores").iterdir()))
    assert kept["scores"].shape[:3] == (2, 5, 5) and kept["random"].shape[:3] == (3, 5, 5)
    again = ("rank", "renders/demo-traverse", "--scorers", "smile,yaw,glasses", "--model", "demo")
    films = {film: film.stat().st_mtime_ns for film in folder.glob("*.gif")}
    done = latty(*again, home=place)
    assert done.returncode == 0 and "--model does nothing" in done.stderr, done.stderr
    assert films == {film: film.stat().st_mtime_ns for film in folder.glob("*.gif")}
    # Another scorer, another order, and the set's own name: the folder is found.
    done = latty("rank", "demo", "--scorers", "geometry", "--by", "amplitude", home=place)
    assert done.returncode == 0 and "nothing is drawn" in done.stderr, done.stderr
    assert (place / "renders/demo-rank/README.md").is_file()
    assert len([*(place / "renders/demo-traverse/scores").iterdir()]) == 2


def test_the_best_stand_beside_the_best_of_as_many_random_ones(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the page, in JSON, on the command line; what is expected is checked against the scores."""
    done = latty("rank", "renders/demo-traverse", "--scorers", "smile,yaw", "--json", home=place)
    said = json.loads(done.stdout)
    folder = place / "renders/demo-traverse-rank"
    record = json.loads((folder / "ranking.json").read_text())
    for name in ("smile", "yaw"):
        random = record["attributes"][name]["random"]
        assert set(random) == set(KEYS) and said["random"][name] == pytest.approx(
            random["corr"], abs=1e-4
        )
        low, high = record["attributes"][name]["random_range"]["corr"]
        assert 0 <= low <= random["corr"] <= high <= 1
        assert said["random_range"][name] == pytest.approx([low, high], abs=1e-4)
        within = f"{low:.2f} to {high:.2f}"
        line = f"{random['corr']:.2f} expected, {within} in 90 % of such sets (sets of 2 drawn"
        assert line in (folder / "README.md").read_text()
        assert line in (folder / "index.html").read_text()
        assert f">{random['corr']:.2f}</text>" in (folder / "heatmap.svg").read_text()
        assert f"(best of 2 random ones: {random['corr']:.2f}, {within})" in done.stderr
    none = latty(*TRAVERSE, "--baseline", "0", "--film", "none", "-o", "none", home=place)
    assert none.returncode == 0, none.stderr
    done = latty("rank", "none", "--scorers", "smile", home=place)
    assert done.returncode == 0, done.stderr
    page = (place / "renders/none-rank/README.md").read_text()
    assert "random" not in (place / "renders/none-rank/heatmap.svg").read_text()
    assert "alone says nothing" in page and "random: -" not in page
    composed = [*(place / "renders/none-rank").glob("*.gif")]
    assert composed, "of the kept pictures"
    with monkeypatch.context() as kept:  # the walks are the same, and nobody changed the films
        kept.setattr(kept_films, "compose", None)
        done = latty("rank", "none", "--scorers", "smile", "--by", "amplitude", home=place)
        assert done.returncode == 0, done.stderr
    composed[0].write_bytes(b"mine")
    done = latty("rank", "none", "--scorers", "smile", home=place)
    assert done.returncode == 73 and composed[0].name in done.stderr, done.stderr


def test_expected_best_of_random_draws() -> None:
    values = torch.rand(9, generator=torch.Generator().manual_seed(1)).tolist()
    for count in (1, 3, 9):
        drawn = [max(values[i] for i in torch.randperm(9)[:count]) for _ in range(4000)]
        assert best_of(values, count).expected == pytest.approx(sum(drawn) / 4000, abs=0.02)
    for count, found in ((1, values), (3, values), (9, values), (40, None)):
        some = found or torch.randn(24, generator=torch.Generator().manual_seed(2)).tolist()
        low, high = best_of(some, count, None)[1:]
        again = torch.tensor(some)[torch.randint(len(some), (4000, count))].amax(1)
        if found is None:  # beyond what was walked: of a normal distribution
            again = (torch.randn(4000, count) * again.new_tensor(some).std(unbiased=False)
                     + sum(some) / len(some)).amax(1)  # fmt: skip
        wanted = again.quantile(torch.tensor([0.05, 0.95])).tolist()
        assert [low, high] == pytest.approx(wanted, abs=0.02 if found else 0.15), count
    normal = torch.randn(24, generator=torch.Generator().manual_seed(2)).tolist()
    mean, spread = sum(normal) / 24, float(torch.tensor(normal).std(unbiased=False))
    many = mean + spread * torch.randn(2000, 100).max(1).values.mean()
    assert best_of(normal, 100, None).expected == pytest.approx(float(many), abs=0.1)
    assert best_of([0.9, 0.99], 50).expected == 1


def test_the_page_is_one_file(place: Path) -> None:
    assert latty("rank", "renders/demo-traverse", "--scorers", "smile", home=place).returncode == 0
    page = (place / "renders/demo-traverse-rank/index.html").read_text()
    sources = re.findall(r'src="([^"]{0,40})', page)
    assert len(sources) == 1 + 2 + 8 and all(one.startswith("data:image/") for one in sources)
    assert "http" not in re.sub(r'src="[^"]+"', "", page)


GROUPS = """
[groups.Mouth]
attributes = ["smile"]
keep = ["yaw", "age"]
[groups.Pose]
attributes = ["yaw"]
"""


def test_groups_of_attributes(place: Path) -> None:
    (place / "latty.toml").write_text(GROUPS)
    words = ("rank", "renders/demo-traverse", "-o", "out")
    done = latty(*words, "--group", "Mouth", home=place)
    assert done.returncode == 0, done.stderr
    assert {attribute for _, attribute in rows(place / "out")} == {"smile", "yaw", "age"}
    page = (place / "out/README.md").read_text()
    assert "## smile" in page and "## yaw" not in page and "yaw, age must stay" in page
    assert "smile: " in done.stderr and "yaw: " not in done.stderr, done.stderr
    for more, code, told in [
        (("--group", "Mouht"), 2, "did you mean 'Mouth'"),
        (("--group", "Pose", "--scorers", "yaw"), 2, "leave one out"),
    ]:
        done = latty(*words, *more, home=place)
        assert done.returncode == code and told in done.stderr, done.stderr
    for text, told in [
        ("[groups.A]\nattributes = []\n", "groups.A.attributes"),
        ("[groups.A]\nattribute = ['yaw']\n", "did you mean 'attributes'"),
        ("[groups.A]\nkeep = ['yaw']\n", "attributes"),
        ("groups = 3\n", "groups"),
    ]:
        (place / "latty.toml").write_text(text)
        done = latty(*words, "--group", "A", home=place)
        assert done.returncode == 78 and told in done.stderr, (text, done.stderr)


def _text(change: Callable[[dict[str, object]], object]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        said = json.loads((folder / "traverse.json").read_text())
        change(said)
        (folder / "traverse.json").write_text(json.dumps(said))

    return damage


def _shorter(folder: Path) -> None:
    file = folder / "walks/000-0000-0.safetensors"
    meta, arrays = read_header(file).meta, read_tensors(file)
    arrays["codes"] = arrays["codes"][:3]
    file.write_bytes(b"".join(pieces(meta, arrays)))


def _longer(folder: Path) -> None:
    with (folder / "walks/000-0000-0.safetensors").open("ab") as file:
        file.write(b"x")


def _cut(folder: Path) -> None:
    os.truncate(folder / "walks/000-0000-0.safetensors", 900)


DAMAGE: dict[str, tuple[Callable[[Path], None], int, str]] = {
    "no piece": (lambda f: (f / "walks/000-0000-0.safetensors").unlink(), 66, "000-0000-0"),
    "a short piece": (_shorter, 65, "000-0000-0.safetensors is damaged (traverse again"),
    "a longer piece": (_longer, 65, "000-0000-0.safetensors is damaged (traverse again"),
    "a cut piece": (_cut, 65, "000-0000-0.safetensors is damaged (traverse again"),
    "no JSON": (lambda f: (f / "traverse.json").write_text("x") and None, 65, "traverse.json"),
    "another schema": (_text(lambda s: s.update(schema=9)), 65, "update latty"),
    "more starts": (_text(lambda s: s.update(starts=[*range(9)])), 66, "000-0005-0"),
    "no directions": (_text(lambda s: s.update(directions=[])), 65, "directions"),
    "another model": (
        _text(lambda s: s.update(factors=["smile"], model_digest="0" * 64)),
        65,
        "demo is not the model that was walked",
    ),
    "a word": (_text(lambda s: s.update(samples="many")), 65, "samples"),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_a_damaged_traversal_is_one_line(what: str, place: Path) -> None:
    damage, code, told = DAMAGE[what]
    folder = place / "renders/demo-traverse"
    damage(folder)
    done = latty("rank", "renders/demo-traverse", "--scorers", "colour", "-o", "out", home=place)
    assert done.returncode == code and done.stderr.count("\n") == 1, done.stderr
    assert told in done.stderr
    assert not [*(place / "out").glob("*.csv")]


@pytest.mark.slow
def test_a_ranking_without_films_of_its_walks_goes_on(place: Path) -> None:
    """A broken-off one has films, and no record of them yet; but one that was changed stays."""
    shutil.rmtree(place / "renders/demo-traverse/films")
    words = ("rank", "renders/demo-traverse", "--scorers", "red", "-o", "out", "-q")
    assert latty(*words, home=place).returncode == 0
    for name in ("ranking.json", "README.md"):  # which are written last
        (place / "out" / name).unlink()
    film = place / "out/001-smile-seed3.gif"
    whole = film.read_bytes()
    film.write_bytes(whole + b"mine")
    done = latty(*words, home=place)
    assert done.returncode == 73 and film.name in done.stderr, done.stderr
    film.write_bytes(whole)
    assert latty(*words, home=place).returncode == 0
    assert film.read_bytes() == whole and not [*(place / "out").glob(".*")]


@pytest.mark.parametrize("name", ["../kept.txt", "sub/kept.txt", "{place}/kept.txt"])
def test_a_record_removes_nothing_elsewhere(name: str, place: Path) -> None:
    """Whatever a stranger's ranking.json says that it wrote."""
    words = ("rank", "renders/demo-traverse", "--scorers", "red", "-o", "out", "-q")
    assert latty(*words, home=place).returncode == 0
    name = name.format(place=place)
    file = place / "out" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("my own")
    said = json.loads((place / "out/ranking.json").read_text())
    said["files"][name] = hashlib.sha256(b"my own").hexdigest()
    (place / "out/ranking.json").write_text(json.dumps(said))
    assert latty(*words, home=place).returncode == 0
    assert file.read_text() == "my own"


def test_a_traversal_on_another_model_is_not_taken_for_the_set(place: Path) -> None:
    keeps = "ranks what renders/demo-traverse keeps, 2 directions from 5 starts"
    words = ("rank", "demo", "--scorers", "nosuch")  # refused before anything is drawn
    assert keeps in latty(*words, home=place).stderr
    _text(lambda s: s.update(model="portraits"))(place / "renders/demo-traverse")
    assert "keeps" not in latty(*words, home=place).stderr


def test_damaged_scores_are_made_again(place: Path) -> None:
    words = ("rank", "renders/demo-traverse", "--scorers", "red", "-o", "out", "-q")
    assert latty(*words, home=place).returncode == 0
    [file] = (place / "renders/demo-traverse/scores").iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert latty(*words, home=place).returncode == 0
    assert file.read_bytes() == whole


def test_mistakes_are_one_line(place: Path) -> None:
    for words, code, text in [
        (("renders/demo-traverse", "--scorers", "smle"), 66, "did you mean 'smile'"),
        (("renders/demo-traverse", "--seeds", "0"), 2, "ranked as it was walked"),
        (("renders/demo-traverse", "--span", "2"), 2, "ranked as it was walked"),
        (("renders/demo-traverse", "--by", "luck"), 2, "--by"),
        (("renders",), 66, "renders"),
    ]:
        done = latty("rank", *words, home=place)
        assert done.returncode == code and text in done.stderr, (words, done.stderr)
        assert done.stderr.count("\n") == 1, done.stderr
