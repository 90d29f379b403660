"""`latty rank` and the figures behind it: what each direction does to each attribute."""

import csv
import json
import re
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from cli_in_process import latty
from markdown_it import MarkdownIt
from PIL import Image

from latty import files, locks
from latty.directions.base import Info
from latty.errors import OutputError
from latty.models import open_model
from latty.rank import Curves, Measured, RankPlan, best, curves, gallery, plots, rows
from latty.rank.baseline import random_set
from latty.rank.score_store import WalkScores
from latty.rank.table import amplitudes, both_ways
from latty.rank.walk_curves import curves_of

STRENGTHS = (-2.0, -1.0, 0.0, 1.0, 2.0)


def made(*walks: list[list[float]]) -> Curves:
    """Curves of directions whose attributes follow these values at STRENGTHS, for two seeds."""
    scores = np.array([[list(zip(*walk, strict=True))] * 2 for walk in walks])
    count = scores.shape[-1]
    return Curves(
        tuple(f"d{k}" for k in range(len(walks))),
        tuple(f"a{a}" for a in range(count)),
        (0, 1),
        (STRENGTHS,) * len(walks),
        scores,
        np.zeros(count),
        np.full(count, 2.0),
    )


def ranked(space: str) -> gallery.RankedSet:
    """A set whose films are empty files."""
    return gallery.RankedSet("s", "m", space, ("a", "b"), lambda k, n, path: path.touch(),
                             lambda k, n: f"{k}-{n}.gif", lambda k, n, path: False)  # fmt: skip


UP, DOWN, STILL = [-4.0, -2, 0, 2, 4], [1.0, 0.5, 0, -0.5, -1], [0.0] * 5


def test_amplitude_counts_how_far_and_corr_how_surely() -> None:
    found = rows(made([UP, DOWN, STILL]))
    up, down, still = found
    assert up.figures.corr == pytest.approx(1) and down.figures.corr == pytest.approx(-1)
    assert still.figures.corr == still.amplitude == still.selectivity == 0
    # cov / std of a line of slope m in units of 2: m * std(strength) / 2
    assert up.amplitude == pytest.approx(2 * 2**0.5 / 2)
    assert down.amplitude == pytest.approx(-0.5 * 2**0.5 / 2)
    assert up.selectivity == pytest.approx(0.8) and down.selectivity == pytest.approx(0.2)
    assert up.figures.leakage == pytest.approx(0.5)  # down goes along, still does not


def test_one_that_lowers_its_attribute_is_as_monotone_as_its_opposite() -> None:
    zero, unit = np.zeros(1), np.ones(1)
    walk = np.array([[[4.0], [3], [1], [1], [0]]])
    (down,) = both_ways(STRENGTHS, walk, zero, unit)
    (up,) = both_ways(STRENGTHS, walk[:, ::-1], zero, unit)
    assert down.monotone == up.monotone == 1 and down.corr == pytest.approx(-up.corr)
    assert (down.low, down.high) == (-up.high, -up.low) and down.effect == -up.effect


def test_the_best_by_each_figure() -> None:
    noisy = [-8.0, 4, -4, 8, 6]
    found = rows(made([UP, UP], [noisy, STILL]))
    assert best(found, "a0", "corr", 1)[0].direction == "d0"
    assert best(found, "a0", "selectivity", 1)[0].direction == "d1"
    assert [row.direction for row in best(found, "a0", "amplitude", 2)] == ["d1", "d0"]


def test_amplitudes_are_means_over_seeds() -> None:
    walks = np.array([[UP], [DOWN]]).transpose(0, 2, 1)  # two seeds, one attribute
    one = [amplitudes(STRENGTHS, walk[None], np.ones(1)).item() for walk in walks]
    both = amplitudes(STRENGTHS, walks, np.ones(1)).item()
    assert both == pytest.approx(sum(one) / 2)


def test_what_cannot_be_said_is_left_out(tmp_path: Path) -> None:
    """NaN: no score of 0 in its place, in no figure, table or plot."""
    nan = float("nan")
    whole = made([UP, DOWN], [UP, DOWN])
    scores = whole.scores.copy()
    scores[0, 0, 2, 0] = nan  # the middle of a line, which its own mean is
    scores[1, 0, :, 0] = nan
    scores += 100  # far from 0
    found = replace(whole, scores=scores)
    expected = rows(whole)[0]
    assert rows(found)[0].figures.corr == pytest.approx(expected.figures.corr)
    assert rows(found)[0].amplitude == pytest.approx(expected.amplitude)
    gallery.write_all(tmp_path, ranked("w"), Measured.of(found), found.attributes)
    texts = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert not [name for name, text in texts.items() if re.search(r"\bnan\b", text, re.I)]
    lines = texts["plot-000-000.svg"].count("<polyline")
    assert lines == 2, "the start that is known, and the mean"
    middle = next(row for row in csv.DictReader(texts["curves.csv"].splitlines())
                  if row["strength"] == "0.0" and row["attribute"] == "a0")  # fmt: skip
    assert (float(middle["mean"]), float(middle["std"])) == (100, 0)
    samples = np.array([[1.0], [nan], [3.0], [nan], [5.0]])
    kept = WalkScores(scores[..., :1], scores[:0, ..., :1], samples)
    usual = curves_of(found.directions, ["a0"], (0, 1), found.strengths, kept)
    assert usual.middle == pytest.approx([3]) and usual.spread == pytest.approx([2])


def test_the_page_says_where_the_random_directions_are(tmp_path: Path) -> None:
    found, luck = made([UP]), made([DOWN])
    found = replace(found, random=luck.scores, random_strengths=luck.strengths)
    for space, words in (("z", "in the same layers"), ("activation:b8", "not inside the network")):
        (tmp_path / space).mkdir()
        gallery.write_all(tmp_path / space, ranked(space), Measured.of(found), found.attributes)
        for file in (gallery.PAGE, gallery.HTML):
            assert words in (tmp_path / space / file).read_text()


def test_all_of_a_plot_is_inside_its_picture() -> None:
    """Violins, too, which are wider and higher than what they are of."""
    scores = np.random.RandomState(0).rand(9, 5, 1)
    found = replace(made([UP]), scores=scores[None], seeds=(*range(9),))
    for units in ((), ("image widths",)):
        plot = plots.of_direction(replace(found, units=units), 0, 0)
        pairs = re.findall(r"(-?[\d.]+),(-?[\d.]+)", "".join(re.findall(r'points="[^"]+"', plot)))
        assert plot.count("<polygon") == (5 if units else 1) and pairs
        for x, y in pairs:
            assert plots.LEFT <= float(x) <= plots.WIDTH - plots.RIGHT, (units, x)
            assert 0 <= float(y) <= plots.HEIGHT - plots.BOTTOM, (units, y)


def test_numbers_at_the_axes_fit_beside_them() -> None:
    for low, high in ((-0.3, 0.000742), (0, 1e-7), (-7e8, 9), (12.34567, 12.34568), (-0.0001, 3)):
        axes = plots.PlotAxes((-1.0, 1.0), (low, high))
        words = [axes.word(axes.low), axes.word(axes.high)]
        assert all(len(word) <= 8 for word in words) and words[0] != words[1], words
    assert plots.PlotAxes((0, 1), (0.0, 3.0)).word(-0.001) == "0.00"


def test_shipped_directions_lead_at_what_they_are_named_for() -> None:
    """Walked as they are rendered, scored by the exact factors."""
    generator = open_model("portraits", "cpu")
    names = ("smile", "yaw", "age")
    known = generator.factor_names()  # type: ignore[attr-defined]
    wanted = tuple(("factors", known.index(name), name) for name in names)
    found = rows(
        curves(RankPlan("portraits", "portraits", wanted, tuple(range(6)), names), generator)
    )
    for name in names:
        leader = best(found, name, "corr", 1)[0]
        assert leader.direction == name and leader.figures.corr > 0.9
        assert best(found, name, "amplitude", 1)[0].direction == name


@pytest.mark.slow
def test_the_page_its_tables_and_its_gifs(tmp_path: Path) -> None:
    words = ("rank", "portraits", "--scorers", "smile,yaw", "--directions", "smile,yaw,age",
             "--seeds", "0-3", "--steps", "3", "--top", "2", "--baseline", "2")  # fmt: skip
    done = latty(*words, home=tmp_path)
    assert (done.returncode, done.stdout) == (0, "renders/portraits-rank\n"), done.stderr
    folder = tmp_path / "renders" / "portraits-rank"
    table = list(csv.DictReader((folder / "ranking.csv").read_text().splitlines()))
    assert len(table) == 6 and float(table[0]["corr"]) <= 1
    curve = list(csv.DictReader((folder / "curves.csv").read_text().splitlines()))
    assert len(curve) == 3 * 3 * 2
    told = json.loads((folder / "ranking.json").read_text())
    assert told["attributes"]["smile"]["best"][0] == "smile" and len(told["rows"]) == 6
    page = (folder / "README.md").read_text()
    gifs = sorted(path.name for path in folder.glob("*.gif"))
    assert gifs and all(f"({name})" in page for name in gifs)
    assert len(gifs) == 2 * 4, "a film from each of the first starts"
    with Image.open(folder / gifs[0]) as gif:
        assert gif.size[0] == 2 * gif.size[1] and gif.n_frames > 20  # type: ignore[attr-defined]


@pytest.mark.slow
def test_names_of_strangers_are_no_markup_of_the_page(tmp_path: Path) -> None:
    names = ["<img src=x onerror=alert(1)>", "a | b", "[x](javascript:1)", "`c`", "*d*", "&lt;\\",
             "=HYPERLINK(1)", "-1+1", "@a"]  # fmt: skip
    vectors = torch.nn.functional.normalize(torch.eye(len(names), 128))
    torch.save({n: v[None].clone() for n, v in zip(names, vectors, strict=True)},
               tmp_path / "directions.pt")  # fmt: skip
    done = latty("import", "directions.pt", "--for", "demo", "--name", "odd", home=tmp_path)
    assert done.returncode == 0, done.stderr
    done = latty("rank", "odd", "--scorers", "brightness", "--seeds", "0", "--steps", "3",
                 "--top", "12", "-o", "page", "-q", "--baseline", "0", home=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    shown = MarkdownIt().enable("table").parse((tmp_path / "page" / "README.md").read_text())
    cells = [text for token in shown if (text := token.children)]
    plain = ["".join(part.content for part in cell) for cell in cells]
    assert set(names) <= {*plain}
    kinds = {part.type for cell in cells for part in cell}
    assert kinds == {"text", "image", "strong_open", "strong_close"}, "of ours: names of films"
    sources = [part.attrs["src"] for cell in cells for part in cell if part.type == "image"]
    assert len(sources) == 1 + 2 * len(names) and all(  # heat map, plots, films
        (tmp_path / "page" / str(one)).is_file() for one in sources
    )
    for file in ("ranking.csv", "curves.csv"):
        table = csv.DictReader((tmp_path / "page" / file).read_text().splitlines())
        told = {row["direction"] for row in table}
        assert told == {f"'{one}" if one[0] in "=-@" else one for one in names}


SMALL = ("rank", "portraits-random", "--directions", "r0", "--scorers", "smile", "--seeds", "1",
         "--steps", "3", "-o", "mine", "-q", "--baseline", "2", "--samples", "20")  # fmt: skip
FILM = "000-r0-seed1.gif"


@pytest.mark.parametrize(
    "name", [*gallery.TABLES, gallery.PAGE, gallery.RECORD, gallery.HTML, FILM]
)
def test_a_file_of_the_user_s_own_is_not_replaced(name: str, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / name).write_text("my own")
    done = latty(*SMALL, home=tmp_path)
    assert done.returncode == 73 and "--overwrite" in done.stderr, done.stderr
    assert {path.name: path.read_text() for path in (tmp_path / "mine").iterdir()} == {
        name: "my own"
    }
    assert not [*tmp_path.glob("home/state/rank/*/*.safetensors")], "it is told before the work"


def test_a_ranking_that_broke_off_goes_on_with_what_it_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But not where the user changed it meanwhile."""

    def write(path: Path, pieces: list[bytes]) -> None:
        if path.name == gallery.PAGE:
            raise OutputError("no space left")
        files.replace_whole(path, pieces)

    with monkeypatch.context() as full:
        full.setattr(gallery.files, "write", write)
        assert latty(*SMALL, home=tmp_path).returncode == 74
    for name in ("curves.csv", FILM):
        kept = (tmp_path / "mine" / name).read_bytes()
        (tmp_path / "mine" / name).write_bytes(kept + b"more" if name == "curves.csv" else b"mine")
        done = latty(*SMALL, home=tmp_path)
        assert done.returncode == 73 and name in done.stderr, done.stderr
        (tmp_path / "mine" / name).write_bytes(kept)
    done = latty(*SMALL, home=tmp_path)
    assert done.returncode == 0 and (tmp_path / "mine" / gallery.PAGE).exists(), done.stderr


@pytest.mark.parametrize(
    "again", [pytest.param(False, marks=pytest.mark.slow), True], ids=["first", "again"]
)
@pytest.mark.parametrize("name", [gallery.HTML, gallery.PAGE, gallery.RECORD])
def test_a_ranking_that_broke_off_between_its_pages_goes_on(
    name: str, again: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one, and one that takes the place of another; the next file is not there yet."""
    words = (*SMALL, "--scorers", "smile,yaw", "--top", "1")
    if again:
        assert latty(*SMALL, "--scorers", "smile", home=tmp_path).returncode == 0

    def write(path: Path, pieces: list[bytes]) -> None:
        if path.name == name:
            raise OutputError("no space left")
        files.replace_whole(path, pieces)

    with monkeypatch.context() as full:
        full.setattr(gallery.files, "write", write)
        assert latty(*words, home=tmp_path).returncode == 74
    done = latty(*words, home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "yaw" in (tmp_path / "mine" / gallery.PAGE).read_text()


@pytest.mark.slow
def test_ranked_again_without_force_but_nothing_of_the_user_s_is_lost(tmp_path: Path) -> None:
    """Another order, other attributes: what is not shown any more goes, what was changed stays."""
    assert latty(*SMALL, "--scorers", "colour", home=tmp_path).returncode == 0
    folder, kept = tmp_path / "mine", tmp_path / "home/cache/scores"
    scores = {path.name: path.stat().st_mtime_ns for path in kept.glob("rank-*/*")}
    plots = {path.name for path in folder.glob("plot-*")}
    done = latty(*SMALL, "--scorers", "red,smile", "--by", "selectivity", home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(plots) == 7 and {path.name for path in folder.glob("plot-*")} < plots
    after = {path.name: path.stat().st_mtime_ns for path in kept.glob("rank-*/*")}
    assert scores.items() < after.items(), "the scorer that is known is not asked again"
    (folder / "notes.txt").write_text("my own")
    (folder / "curves.csv").write_text("my own")
    done = latty(*SMALL, home=tmp_path)
    assert done.returncode == 73 and "curves.csv" in done.stderr
    other = latty(*SMALL[:1], "portraits", "--directions", "smile", *SMALL[4:], home=tmp_path)
    assert other.returncode == 73 and "--overwrite" in other.stderr
    assert (folder / "notes.txt").read_text() == (folder / "curves.csv").read_text() == "my own"
    assert latty(*SMALL, "--force", home=tmp_path).returncode == 0
    assert (folder / "notes.txt").read_text() == "my own"


def test_mistakes_are_one_line(tmp_path: Path) -> None:
    for words, code, text in [
        (("portraitz",), 66, "did you mean 'portraits'"),
        (("portraits", "--scorers", "smle"), 66, "did you mean 'smile'"),
        (("portraits", "--directions", "smle"), 66, "no direction 'smle'"),
        (("portraits", "--seeds", "x"), 2, "--seeds"),
        (("portraits", "--span", "-1"), 2, "--span"),
        (("portraits", "--by", "luck"), 2, "--by"),
        (("portraits", "--model", "demo"), 65, "--foreign"),
    ]:
        done = latty("rank", *words, home=tmp_path)
        assert done.returncode == code and text in done.stderr, (words, done.stderr)
        assert "Traceback" not in done.stderr
    assert not [*tmp_path.glob("home/state/rank/*")], "it is told before anything is drawn"


def test_two_rankings_make_their_random_directions_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever comes second waits for the first, and finds the file; what was killed is gone."""
    monkeypatch.setenv("LATTY_HOME", str(tmp_path))
    model, like = open_model("portraits", "cpu"), [Info("smile", 1.0)]
    path = random_set(model, "z", like, 2, None)
    content = path.read_bytes()
    path.unlink()
    draft = path.with_name(f".{path.name}.0123456789ab")
    draft.touch()
    with ThreadPoolExecutor() as pool, locks.writing(path):
        second = pool.submit(random_set, model, "z", like, 2, None)
        assert not wait([second], 0.5).done and not draft.exists()
        files.write(path, [b"of the first"])
    assert second.result() == path and path.read_bytes() == b"of the first"
    path.unlink()
    assert random_set(model, "z", like, 2, None).read_bytes() == content
