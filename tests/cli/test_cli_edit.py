"""`latty edit` as a process: what it writes, what it says, how it ends."""

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cli_in_process import latty
from cli_process import COMMAND, environment
from frames_for_writers import content
from PIL import Image
from safetensors.torch import save_file
from small_families import example_stylegan2

from latty.attributes import open_scorer
from latty.cli.main import main
from latty.edits import codes
from latty.latents import from_file
from latty.models import open_model
from latty.models.base import HasFactors
from latty.render.climb_film import evenly
from latty.scene import Scene

SMALL = ("--size", "32", "--frames", "7")


def factors(latents: Path, name: str) -> list[float]:
    """The exact factor of every stored latent, by the model itself."""
    generator = open_model("portraits", "cpu")
    assert isinstance(generator, HasFactors)
    array = from_file(latents).array
    column = generator.factor_names().index(name)
    return [float(value) for value in generator.factors(array)[:, column]]


def test_a_walk_is_frames_a_film_and_latents(tmp_path: Path) -> None:
    words = ("edit", "portraits", "--seed", "3", "--attribute", "smile", "--to", "0.9")
    done = latty(*words, "--keep", "yaw,age", *SMALL, "--json", home=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["stopped"] == "reached" and 0 < told["steps"] <= 60
    film, frames, latents = (tmp_path / path for path in told["paths"])
    assert film.name == "portraits-3-smile.gif"
    with Image.open(film) as picture:
        assert picture.size == (32, 32) and picture.n_frames == 12  # there and back again
        assert b'"latent":"portraits-3-smile.safetensors#0-6"' in picture.info["comment"]
    assert [path.name for path in sorted(frames.iterdir())] == [f"{i:05}.png" for i in range(7)]
    smile = factors(latents, "smile")
    assert len(smile) == 7 and smile == sorted(smile)
    assert smile[0] == pytest.approx(told["start"], abs=1e-4)
    assert smile[-1] == pytest.approx(told["end"], abs=1e-4) and smile[-1] >= 0.9
    for name in ("yaw", "age"):
        kept = factors(latents, name)
        assert max(kept) - min(kept) < 0.1
    generator = open_model("portraits", "cpu")
    begin = codes([Scene("portraits", 3)], generator)
    torch.testing.assert_close(from_file(latents).array[:1], begin)
    assert not list(tmp_path.rglob("*.latty-work"))

    for path in (film, frames, frames / "00003.png"):  # each renders all of its output again
        again = latty("render", str(path), "--out-dir", f"again-{path.name}", home=tmp_path)
        assert again.returncode == 0, again.stderr
        whole = path.parent if path.suffix == ".png" else path
        assert content(tmp_path / again.stdout.strip()) == content(whole)

    preset = tmp_path / "from.toml"
    preset.write_text(
        'schema = 1\n[scene]\nmodel = "portraits"\nsize = 32\n'
        f'latent = "{latents}#-1"\n[[outputs]]\npath = "from.png"\nsize = 32\n'
    )
    rendered = latty("render", "from.toml", home=tmp_path)
    assert rendered.returncode == 0, rendered.stderr
    with (
        Image.open(tmp_path / "renders" / "from.png") as start,
        Image.open(frames / "00006.png") as end,
    ):
        one, other = (np.asarray(image.convert("RGB")).astype(int) for image in (start, end))
        assert abs(one - other).max() <= 1  # the last bits depend on the batch

    again = latty(*words, home=tmp_path)
    assert again.returncode == 73 and "is there already" in again.stderr
    before = film.read_bytes(), latents.read_bytes()
    forced = latty(*words, "--keep", "yaw,age", *SMALL, "--force", home=tmp_path)
    assert forced.returncode == 0 and (film.read_bytes(), latents.read_bytes()) == before
    assert "smile" in forced.stderr and "reached" in forced.stderr


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """In this process, which has imported torch already."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


Capture = pytest.CaptureFixture[str]


def test_a_goal_out_of_reach_is_a_failed_job_with_a_way(here: Path, capsys: Capture) -> None:
    words = ("edit", "portraits", "--attribute", "smile", "--to", "-0.99", "--steps", "2")
    assert main([*words, "-o", "down.gif", *SMALL]) == 1
    told = capsys.readouterr()
    assert "the steps are used up (--steps allows more)" in told.err.splitlines()[-1]
    assert told.out.split() == ["down.gif", "down", "down.safetensors"]
    smile = factors(here / "down.safetensors", "smile")
    assert smile == sorted(smile, reverse=True)
    assert len(list((here / "down").iterdir())) == 7


def test_every_step_is_kept_with_its_score(here: Path, capsys: Capture) -> None:
    """In the file, in --json, under the pictures of the strip; and in a preset of one's own."""
    words = ("edit", "portraits", "--seed", "3", "--attribute", "smile", "--to", "p95", "--json")
    more = ("--frames", "all", "--every", "2", "--captions", "--size", "48", "--name", "up")
    assert main([*words, *more]) == 0
    told = json.loads(capsys.readouterr().out)
    folder = here / "renders"
    names = ["up.gif", "up", "up.png", "up.safetensors"]
    assert [Path(path).name for path in told["paths"]] == names
    assert told["unit"] == "-1..1" and told["goal"] <= told["end"] <= told["goal"] * 1.02
    latents = from_file(folder / "up.safetensors")
    steps = told["steps"]
    assert len(told["scores"]) == len(latents.array) == steps + 1 == len([*folder.glob("up/*.png")])
    assert told["scores"] == pytest.approx(factors(folder / "up.safetensors", "smile"), abs=1e-5)
    assert [told["start"], told["end"]] == [told["scores"][0], told["scores"][-1]]
    kept = dict(latents.params)
    assert kept["scores"] == tuple(told["scores"])
    assert kept["attribute"] == "smile" and kept["unit"] == "-1..1"

    shown = -(-steps // 2) + 1
    with Image.open(folder / "up.png") as strip, Image.open(folder / "up" / "00000.png") as frame:
        assert strip.width >= 48 * min(shown, 10) and strip.height > 48
        plain = np.asarray(frame.convert("RGB")).astype(int)
    (here / "bare.toml").write_text(
        'schema = 1\n[scene]\nmodel = "portraits"\nsize = 48\n'
        'latent = "renders/up.safetensors#0"\n[[outputs]]\npath = "bare.png"\nsize = 48\n'
    )
    assert main(["render", "bare.toml"]) == 0
    with Image.open(folder / "bare.png") as bare:
        changed = abs(np.asarray(bare.convert("RGB")).astype(int) - plain).max(2) > 8
    assert changed[34:].any() and not changed[:24].any(), "the score stands at the bottom"
    rows = changed.any(1).nonzero()[0]
    assert rows.max() - rows.min() >= 8, "it can be read, however small the picture"

    for file in ("up.png", "up.gif"):
        assert main(["render", f"renders/{file}", "--out-dir", "again", "--force"]) == 0
        assert content(here / "again" / file) == content(folder / file)


def test_a_climb_may_start_at_a_stored_latent(here: Path, capsys: Capture) -> None:
    """In z or in w, with what the file remembers; one climb goes on from the end of another."""
    pool = ("--files", "{seed}.png", "--seeds", "5,3", "--save-latents", "z,w", "-o", "pool")
    assert main(["sample", "portraits", *pool, "--truncation", "0.8", "--size", "32"]) == 0
    words = ("edit", "portraits", "--attribute", "smile", "--to", "0.3", *SMALL, "--json")
    capsys.readouterr()

    def climbed(*more: str) -> dict[str, Any]:
        assert main([*words, *more]) == 0
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    wanted = climbed("--seed", "3", "--truncation", "0.8")
    for ref, name in (("pool#1", ()), ("pool:w#-1", ("--name", "w"))):
        found = climbed("--latent", ref, *name)
        assert found["scores"] == pytest.approx(wanted["scores"], abs=1e-4)
    assert (here / "renders/portraits-pool-1-smile.gif").is_file()
    climbed("--latent", "pool#1", "--space", "z", "--name", "z")
    after = climbed("--latent", f"{wanted['paths'][-1]}#-1", "--to", "0.6")
    assert after["start"] == pytest.approx(wanted["end"], abs=1e-4) and after["end"] >= 0.6
    assert main(["render", after["paths"][0], "--out-dir", "again"]) == 0


def test_a_text_may_hold_the_score_of_a_latent(here: Path, capsys: Capture) -> None:
    text = (
        'schema = 1\n[scene]\nmodel = "portraits"\n{start}\n'
        '[[text]]\nvalue = "{{score:.1f}}"\n[[outputs]]\npath = "a.gif"\n'
    )
    (here / "a.toml").write_text(text.format(start="seed = 3"))
    assert main(["check", "a.toml"]) == 65
    assert "no latent with a score" in capsys.readouterr().err
    words = ("edit", "portraits", "--attribute", "smile", "--to", "0.5", *SMALL, "-o", "w.gif")
    assert main([*words]) == 0
    (here / "a.toml").write_text(text.format(start='latent = "w.safetensors#0-6"'))
    assert main(["check", "a.toml"]) == 0


@pytest.mark.parametrize(
    ("to", "goal"), [("95%", 0.95), ("0.95", 0.95), ("5%", 0.05), ("p50", None)]
)
def test_goals_in_words(to: str, goal: float | None, here: Path, capsys: Capture) -> None:
    """A share of glasses that are there or not; a percentile is one of random pictures."""
    words = ("edit", "portraits", "--attribute", "glasses", "--to", to, "--json", *SMALL)
    assert main([*words]) == 0
    told = json.loads(capsys.readouterr().out)
    if goal is None:
        generator = open_model("portraits", "cpu")
        assert isinstance(generator, HasFactors)
        codes = generator.mapping(generator.sample(range(300_000, 300_500)))
        column = generator.factor_names().index("glasses")
        goal = float(generator.factors(codes)[:, column].double().quantile(0.5))
    assert told["goal"] == pytest.approx(goal, abs=1e-6) and told["stopped"] == "reached"


def test_a_goal_in_words_is_told_in_the_unit_of_scores(here: Path, capsys: Capture) -> None:
    """Reached or not, in what the score beside it counts."""
    words = ("edit", "demo", "--attribute", "glasses", "--to", "95%", "--steps", "1", *SMALL)
    assert main([*words]) == 1
    told = capsys.readouterr().err
    assert "the goal is 2.944 (95%); the unit of scores: logit" in told
    assert ", not 2.944 (95%): the steps are used up" in told.splitlines()[-1]


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "to"), [(5, "0.95"), (5, "0.8"), (3, "-0.8"), (3, "0.95")])
def test_ridges_of_the_demo_are_crossed(seed: int, to: str, here: Path, capsys: Capture) -> None:
    """Where steps that only ever rise get stuck."""
    words = ("edit", "demo", "--seed", f"{seed}", "--attribute", "smile", "--to", to, "--json")
    assert main([*words, "--size", "32", "--frames", "3"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["stopped"] == "reached"
    assert abs(told["end"]) >= abs(float(to)) and told["scores"][-1] == told["end"]


def test_z_and_scorers_that_look(here: Path, capsys: Capture) -> None:
    words = ("edit", "demo", "--seed", "1", "--attribute", "brightness/luma", "--to", "0.5")
    more = ("--space", "z", "--identity", "0.3", "--frames", "3", "--name", "light", "--json")
    assert main([*words, *more]) == 0
    told = json.loads(capsys.readouterr().out)
    stored = from_file(here / "renders" / "light.safetensors")
    assert stored.space == "z" and tuple(stored.array.shape) == (3, 64)
    generator = open_model("demo", "cpu")
    with torch.no_grad():
        images = generator.synthesis(generator.mapping(stored.array))
    luma = open_scorer("brightness").score(images)[:, 0]
    assert float(luma[0]) == pytest.approx(told["start"], abs=1e-3)
    assert float(luma[-1]) == pytest.approx(0.5, abs=0.01)


BASE = ("--attribute", "smile", "--to", "0.5")


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("demmo", *BASE), 66, "did you mean 'demo'"),
        (("demo", "--attribute", "smlie", "--to", "1"), 66, "did you mean 'smile'"),
        (("demo", *BASE, "--steps", "0"), 2, "--steps: 0"),
        (("demo", *BASE, "--identity", "2"), 2, "--identity: 2"),
        (("demo", *BASE, "--to", "nan"), 2, "--to: 'nan' is no goal"),
        (("demo", *BASE, "--to", "1e10"), 2, "is not from"),
        (("demo", *BASE, "--to", "p101"), 2, "'p101' is no percentile"),
        (("demo", *BASE, "--to", "120%"), 2, "'120%' is no probability"),
        (("demo", *BASE, "--to", "p9%"), 2, "a percentile such as p90"),
        (("demo", *BASE, "--to", "95%"), 65, "smile is no probability: it counts -1..1"),
        (("demo", "--attribute", "glasses", "--to", "100%"), 65, "no logit is 100%"),
        (("demo", *BASE, "--frames", "1"), 2, "--frames: '1'"),
        (("demo", *BASE, "--frames", "every"), 2, "--frames: 'every'"),
        (("demo", *BASE, "--every", "0"), 2, "--every: 0"),
        (("demo", *BASE, "--latent", "x#0", "--seed", "0"), 2, "two starts"),
        (("demo", *BASE, "--latent", "x#0-3"), 2, "name one"),
        (("demo", *BASE, "--latent", "x#0"), 66, "no latents 'x'"),
        (("demo", *BASE, "--of", "logit", "--to", "2"), 2, "--to: 2 is no probability"),
        (("demo", *BASE, "--layers", "8-4"), 2, "ends before it starts"),
        (("demo", *BASE, "-o", "walk.mp4"), 2, "is no .gif"),
        (("demo", *BASE, "--name", "a/b"), 2, "no file name"),
        (("demo", *BASE, "--name", "full"), 73, "holds other files"),
        (("demo", *BASE, "--of", "logit"), 65, "only a probability has a logit"),
        (("demo", *BASE, "--label", "3"), 65, "no classes"),
        (("demo", *BASE, "--layers", "40"), 65, "no layers 40"),
        (("demo", "--to", "1"), 2, "--attribute"),
    ],
)
def test_mistakes_are_one_line(
    words: tuple[str, ...], code: int, text: str, here: Path, capsys: Capture
) -> None:
    (here / "renders" / "full").mkdir(parents=True)
    (here / "renders" / "full" / "notes.txt").write_text("mine")
    assert main(["edit", *words]) == code
    error = capsys.readouterr().err
    assert text in error and "Traceback" not in error
    assert sorted(path.name for path in (here / "renders").iterdir()) == ["full"]


@pytest.mark.slow
def test_an_interrupted_walk_leaves_nothing(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "edit", "portraits", "--attribute", "smile", "--to", "0.9",
         "--frames", "4000", "--size", "256", "--progress", "json"],
        cwd=tmp_path,
        env=environment(tmp_path),
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert process.stderr is not None
    for line in process.stderr:
        if "frames" in line:
            break
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    process.stderr.close()
    left = [path for path in (tmp_path / "renders").iterdir() if path.suffix != ".latty-work"]
    assert not left


def test_frames_are_spread_evenly() -> None:
    ways = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 3.0]])
    found = evenly(ways, 5)
    wanted = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [1.0, 2.0], [1.0, 3.0]])
    torch.testing.assert_close(found, wanted)
    assert torch.equal(evenly(ways[:1], 3), torch.zeros(3, 2))


def test_labels_reach_pictures_and_climb(here: Path, capsys: Capture) -> None:
    """Of a small random network with three classes."""
    tensors, meta = example_stylegan2()
    save_file(dict(tensors), here / "three.safetensors", dict(meta))
    words = ("edit", "three.safetensors", "--attribute", "luma", "--to", "0.9", "--steps", "2")
    films = []
    for label in ("0", "2"):
        assert main([*words, "--label", label, "--name", label, *SMALL]) == 1
        assert "used up" in capsys.readouterr().err
        films.append((here / "renders" / label / "00000.png").read_bytes())
    assert films[0] != films[1]
