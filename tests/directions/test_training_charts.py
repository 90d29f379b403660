"""Looking at a search while it is at work: charts and figures of trainings, in a folder of their
own, after interruptions and where the disk does not take them; the pictures of trajectories."""

import json
import signal
from dataclasses import replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from visible_latents import Patches

from latty import home
from latty.directions.discovery import discover
from latty.directions.file import DirectionSet
from latty.directions.methods.voynov import Voynov
from latty.directions.methods.warped import Warped
from latty.directions.training import charts
from latty.directions.training.names import STATS
from latty.directions.viewing import Sheet, Viewing
from latty.errors import Interrupted, OutputError, WouldOverwrite
from latty.models import open_model
from latty.render.charts import png
from latty.report import Report, silent

SMALL: dict[str, Any] = {"iterations": 40, "batch": 4, "reconstructor": "lenet", "probes": 4,
                         "chart_every": 15}  # fmt: skip
SEARCHES = [
    ("warped", {"paths": 4, "dipoles": 3, **SMALL}),
    ("voynov", {"directions": 5, **SMALL}),
    ("voynov", {"directions": 4, "kind": "fc", **SMALL}),
]
CHARTS = ["chart-000015.png", "chart-000030.png", "chart-000040.png"]


def steps(folder: Path) -> list[int]:
    return [json.loads(line)["step"] for line in (folder / STATS).read_text().splitlines()]


def charted(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("chart-*"))


def search(
    method: str, params: dict[str, Any], out: Path, viewing: Viewing | None, tell: Report = silent
) -> DirectionSet:
    return discover(method, params, Patches(), out, tell, viewing=viewing)


def stop_at(number: int, done: int, total: int, what: str) -> None:
    if done == number and what.startswith("iterations"):
        raise Interrupted(signal.SIGINT)


@pytest.mark.parametrize(("method", "params"), SEARCHES)
def test_charts_and_figures_change_nothing_of_what_is_found(
    method: str, params: dict[str, Any], tmp_path: Path
) -> None:
    told: list[str] = []
    folder = tmp_path / "job"
    folder.mkdir()
    looked, plain = tmp_path / "looked.safetensors", tmp_path / "plain.safetensors"
    search(method, params, looked, Viewing(png, told.append, folder))
    header = search(method, {**params, "chart_every": None}, plain, None)
    assert looked.read_bytes() == plain.read_bytes() and header.complete
    assert "chart_every" not in dict(header.params)
    assert charted(folder) == CHARTS and steps(folder) == [10, 20, 30, 40]
    last = json.loads((folder / STATS).read_text().splitlines()[-1])
    assert 0 <= last["accuracy"] <= 1 and last["loss"] > 0 and last["seconds"] > 0
    with Image.open(folder / CHARTS[0]) as chart:
        assert chart.width > 7 * 16 and chart.height > len(header.infos) * 16 / 2
    assert told == [f"charts and figures of the training: {folder}"]


@pytest.mark.parametrize("cut", [3, 15, 24, 30, 39])
def test_what_an_interrupted_training_showed_goes_on_without_gaps(cut: int, tmp_path: Path) -> None:
    """Also elsewhere: a command goes on as a job, whose folder has had nothing so far."""
    method, params = SEARCHES[1]
    out = tmp_path / "out.safetensors"
    folders = tmp_path / "one", tmp_path / "two"
    for folder in folders:
        folder.mkdir()
    viewing = Viewing(png, [].append, folders[0])
    header = search(method, params, out, viewing, partial(stop_at, cut))
    assert not header.complete
    # what a training has shown that was killed later than its state was saved
    (folders[0] / CHARTS[2]).write_bytes(b"of steps that will be done again")
    for name in (".chart-000035.png.0123456789ab", ".stats.jsonl.0123456789ab"):
        (folders[0] / name).write_bytes(b"half")
    with (folders[0] / STATS).open("a") as file:
        file.write('{"step": 50, "accuracy": 1}\n{"step": 60, "acc')
    if cut == 24:
        viewing = replace(viewing, folder=folders[1])
    assert search(method, params, out, viewing).complete
    folder = viewing.folder
    assert folder is not None and steps(folder) == [10, 20, 30, 40]
    assert charted(folder) == (CHARTS if cut != 24 else CHARTS[1:])
    assert len([*folder.iterdir()]) == len(charted(folder)) + 1, "nothing else is left"
    with Image.open(folder / CHARTS[2]) as chart:
        assert chart.width > 7 * 16


def test_a_search_that_is_no_job_shows_its_work_in_a_folder_of_its_own(tmp_path: Path) -> None:
    told: list[str] = []
    out = tmp_path / "out.safetensors"
    search(*SEARCHES[1], out, Viewing(png, told.append))
    folder = Path(told[0].removeprefix("charts and figures of the training: "))
    assert folder.parent == home.charts_dir() and charted(folder) == CHARTS
    search("voynov", {**SEARCHES[1][1], "seed": 5, "chart_every": 0}, tmp_path / "b.safetensors",
           Viewing(png, told.append))  # fmt: skip
    assert len(told) == 1 and list(home.charts_dir().iterdir()) == [folder], "nothing was asked for"


def test_what_cannot_be_written_is_told_once_and_made_up_for(tmp_path: Path) -> None:
    """Folders in the place of the files: nothing can be written there until they are gone."""
    told: list[str] = []
    folder, out = tmp_path / "job", tmp_path / "out.safetensors"
    (folder / STATS).mkdir(parents=True)
    (folder / CHARTS[0]).mkdir()

    def tell(done: int, total: int, what: str) -> None:
        if done == 22 and (folder / STATS).is_dir():
            (folder / STATS).rmdir()

    header = search(*SEARCHES[1], out, Viewing(png, told.append, folder), tell)
    assert header.complete and steps(folder) == [10, 20, 30, 40]
    faults = [words for words in told if words.endswith("; the training goes on without")]
    assert len(told) == len(faults) + 1 and 1 <= len(faults) <= 2, told
    assert STATS in faults[0] and "\n" not in faults[0]


def test_a_chart_shows_every_direction_both_ways() -> None:
    """Latents paint patches: what a row shows is what its direction does to the first latent."""
    params = Voynov(directions=3, kind="id", batch=4, max_shift=2.0, space="w", chart_every=1)
    toy = Patches()
    pairs = charts.Pairs(toy, replace(params, size=charts.PX))
    spread = pairs.spread()
    pulses: list[int] = []
    sheet = charts.chart(
        pairs, params.shifter(spread), spread.unit, ["a", "b", "c"], lambda: pulses.append(1)
    )
    assert sheet.pictures.shape == (3, charts.COLUMNS, 3, 16, 16) and len(pulses) == 5
    assert [*sheet.columns] == ["-2", "-1.3", "-0.67", "0", "+0.67", "+1.3", "+2"]
    still = toy.synthesis(toy.mapping(toy.sample([0])))[0]
    for row in sheet.pictures:
        torch.testing.assert_close(row[charts.COLUMNS // 2], still)
    codes = toy.mapping(toy.sample([0]))
    codes[:, :, 1] += 2 * spread.unit
    torch.testing.assert_close(sheet.pictures[1, -1], toy.synthesis(codes)[0])


def test_charts_are_cheap_where_nobody_says_how_many() -> None:
    for params in (Voynov(), Warped(), Voynov(directions=512, iterations=100_000, batch=8)):
        every = charts.interval(params)
        drawn = params.count * (charts.COLUMNS - 1) * (params.iterations // every)
        assert drawn <= 2 * params.batch * params.iterations / charts.CHEAP
        assert every % 100 == 0 and params.iterations / every <= charts.MOST
    assert charts.interval(Voynov(chart_every=7)) == 7


@pytest.mark.parametrize("count", [1, 2, 11, 24, 200, 512])
def test_a_page_holds_every_row_and_stays_small(count: int) -> None:
    pictures = torch.rand(count, 7, 3, 64, 64) * 2 - 1
    pictures[0, 0] = float("nan")
    sheet = Sheet(pictures, [f"d{k}  12%" for k in range(count)], ["0"] * 7)
    with Image.open(BytesIO(png(sheet))) as page:
        assert page.width * page.height < 6e6
        assert count < 10 or 0.4 < page.width / page.height < 3


@pytest.mark.slow
def test_trajectories_keep_their_pictures_where_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A target and a generated picture of every amount, of every trajectory; also of those that an
    earlier attempt followed."""
    monkeypatch.chdir(tmp_path)
    params = {"transforms": ("x", "brightness"), "trajectories": 3, "batch": 2, "amounts": 2,
              "steps": 2, "size": 16, "probes": 2, "rounds": 2}  # fmt: skip
    generator, viewing = open_model("portraits", "cpu"), Viewing(png, print)
    plain, kept = (tmp_path / f"{name}.safetensors" for name in ("plain", "kept"))
    discover("plumerault", params, generator, plain, viewing=viewing)

    def stop(done: int, total: int, what: str) -> None:
        if done > 0.7 * total:
            raise Interrupted(signal.SIGINT)

    asked = {**params, "save_pictures": "pictures"}
    header = discover("plumerault", asked, generator, kept, stop, viewing=viewing)
    assert not header.complete
    (tmp_path / "pictures" / "x-200001.png").unlink()
    discover("plumerault", asked, generator, kept, viewing=viewing)
    assert kept.read_bytes() == plain.read_bytes()
    names = {f"{one}-{seed}.png" for one in ("x", "brightness") for seed in range(200_000, 200_003)}
    assert {path.name for path in (tmp_path / "pictures").iterdir()} == names
    with Image.open(tmp_path / "pictures" / "brightness-200002.png") as page:
        assert page.height > 2 * 128 and page.width > 3 * 128
    other = tmp_path / "other.safetensors"
    with pytest.raises(WouldOverwrite, match="brightness-200000"):
        discover("plumerault", {**asked, "rounds": 3}, generator, other, viewing=viewing)
    other_seed = {**asked, "seed": 7, "transforms": ("x",), "trajectories": 1}
    discover("plumerault", other_seed, generator, other, viewing=viewing)
    assert {path.name for path in (tmp_path / "pictures").iterdir()} == {*names, "x-7.png"}


@pytest.mark.parametrize("place", ["a-file/pictures", "a-file", "a" * 300])
def test_pictures_that_have_no_place_are_refused_before_anything_is_followed(
    place: str, tmp_path: Path
) -> None:
    (tmp_path / "a-file").write_text("mine")
    params, told = {"save_pictures": str(tmp_path / place)}, list[str]()
    generator, out = open_model("portraits", "cpu"), tmp_path / "x.safetensors"

    def tell(done: int, total: int, what: str) -> None:
        told.append(what)

    with pytest.raises((OutputError, WouldOverwrite), match=place[:6]):
        discover("plumerault", params, generator, out, tell, viewing=Viewing(png, print))
    assert not told and (tmp_path / "a-file").read_text() == "mine"
