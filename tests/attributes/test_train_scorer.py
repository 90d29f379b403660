"""latty train-scorer: labelled pictures become a scorer, through real processes, killed too."""

import csv
import json
import math
import os
import signal
import subprocess
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import scorer_cards
import torch
import torch.nn.functional as F
from cli_in_process import latty
from cli_process import COMMAND, environment
from imageio.v3 import imwrite
from PIL import Image
from places import LIMIT

from latty import home
from latty.attributes import labels, open_scorer
from latty.attributes.card import Group, read_card
from latty.attributes.cnn import read_layers
from latty.attributes.learner import figures, loss_of, rate, scale, stack
from latty.attributes.onnx import OnnxNetwork
from latty.attributes.sampled import sampled_scores
from latty.attributes.training import TrainingOptions, train
from latty.checkpoints.safetensors import read_header
from latty.errors import BadData, Interrupted, Missing, UnfitFile
from latty.models import open_model
from latty.models.base import AnySize, HasFactors
from latty.models.families.portraits.renderer import NAMES, render
from latty.models.state_dict import TensorReader
from latty.report import silent
from training.latents import sample_factors

SMALL = TrainingOptions(size=16, width=4, epochs=3, batch=16, val=0.2)


def dots(folder: Path, count: int = 60) -> Path:
    """Pictures of a dot, left or right of the middle, of some brightness; and their CSV."""
    folder.mkdir(parents=True)
    random = np.random.RandomState(0)
    rows = [["file", "right", "light", "sure"]]
    for i in range(count):
        right, light = i % 2, 60 + float(random.rand()) * 180
        pixels = random.randint(0, 40, (20, 20, 3)).astype(np.uint8)
        pixels[8:12, 13 if right else 3 :][:, :4] = light
        Image.fromarray(pixels).save(folder / f"{i}.png")
        rows.append([f"{i}.png", str(right), f"{light:.1f}", "" if i % 3 else str(2 * right - 1)])
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return folder / "labels.csv"


@pytest.mark.parametrize("beside", [True, False])
def test_celebas_list_is_a_table(beside: bool, tmp_path: Path) -> None:
    """How many, the names, a file and -1 or 1 each, several spaces apart; the pictures lie beside
    it or in the folder that CelebA unpacks."""
    folder = tmp_path / "celeba" if beside else tmp_path / "celeba" / "img_align_celeba"
    with dots(folder).open() as file:
        rows = list(csv.DictReader(file))
    lines = [
        f"{row['file']}  {2 * int(row['right']) - 1:2d} {(-1) ** (i // 2)}"
        for i, row in enumerate(rows)
    ]
    listed = tmp_path / "celeba" / "list_attr_celeba.txt"
    listed.write_text("\n".join([str(len(lines)), "Right_Side No_Beard ", *lines, ""]))
    found = labels.read_labels(listed)
    assert [group.names for group in found.groups] == [("Right_Side",), ("No_Beard",)]
    assert all(file.is_file() for file in found.files)
    assert found.targets[:, 0].tolist() == [float(row["right"]) for row in rows]
    listed.write_text("\n".join(["7", "Right_Side No_Beard ", *lines, ""]))
    with pytest.raises(BadData, match="it says 7, and 60 lines follow"):
        labels.read_labels(listed)


# --- labels and pictures --------------------------------------------------------------------------


def test_a_csv_has_yes_or_no_measures_and_gaps(tmp_path: Path) -> None:
    found = labels.read_labels(dots(tmp_path / "d"))
    assert found.groups == (
        Group(("right",), "sigmoid"),
        Group(("light",), "none"),
        Group(("sure",), "sigmoid"),
    )
    assert found.targets.shape == (60, 3) and set(found.targets[:, 0]) == {0.0, 1.0}
    sure = found.targets[:, 2]
    assert np.isnan(sure).sum() == 40 and set(sure[~np.isnan(sure)]) == {0.0, 1.0}
    assert found.files[3] == tmp_path / "d" / "3.png"


def test_a_folder_per_class(tmp_path: Path) -> None:
    for name, count in (("cat", 12), ("dog", 13)):
        (tmp_path / "d" / name).mkdir(parents=True)
        for i in range(count):
            Image.new("RGB", (8, 8)).save(tmp_path / "d" / name / f"{i}.jpg")
    found = labels.read_labels(tmp_path / "d")
    assert found.groups == (Group(("cat", "dog"), "softmax"),)
    assert found.targets.sum(0).tolist() == [12, 13]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name,smile\na.png,1\n", "no column is called 'file'"),
        ("file\na.png\n", "no column is called 'file'"),
        ("file,smile\na.png,1,2\n", r"l\.csv:2: 3 cells"),
        ("file,smile\na.png,1\nb.png,yes\n", r"l\.csv:3: 'yes' in column smile is no number"),
        ("file,smile\na.png,1\nb.png,inf\n", r"l\.csv:3: column smile is infinite"),
        ("file,a/b\na.png,1\n", "'a/b' is no attribute's name"),
        ("file,a,a\na.png,1,0\n", "the column 'a' stands twice"),
        ("file,smile\na.png,1\nb.png,1\n", "column smile is the same everywhere"),
        ("file,smile\na.png,1\nb.png,0\n", "names 2 pictures"),
        ("file,smile\na.png,1\n\n\nb.png,1e39\n", r"l\.csv:5: column smile is infinite"),
        ("", "no column is called 'file'"),
    ],
)
def test_a_csv_that_cannot_be_used_names_the_line(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "l.csv").write_text(text)
    with pytest.raises(BadData, match=words):
        labels.read_labels(tmp_path / "l.csv")


@pytest.mark.parametrize("lead", ["\n", "", '"file\n",'])
def test_columns_are_counted_before_they_are_compared(tmp_path: Path, lead: str) -> None:
    names = ",".join(f"c{i}" for i in range(200_000))
    (tmp_path / "l.csv").write_text(f"{lead}file,{names}\n")
    begun = time.process_time()
    with pytest.raises(BadData, match="more than 1000 columns"):
        labels.read_labels(tmp_path / "l.csv")
    assert time.process_time() - begun < 1


def test_many_labels_cost_little_more_than_their_numbers(tmp_path: Path) -> None:
    head = "file," + ",".join(f"c{i}" for i in range(500))
    lines = (f"{i}.png" + f",{i % 2}" * 500 for i in range(400))
    (tmp_path / "l.csv").write_text("\n".join([head, *lines]))
    tracemalloc.start()
    found = labels.read_labels(tmp_path / "l.csv")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.targets.nbytes == 800_000 and peak < 6 * found.targets.nbytes


@pytest.mark.parametrize("kind", ["csv", "folders"])
def test_a_signal_ends_the_reading_of_labels(kind: str, tmp_path: Path) -> None:
    if kind == "csv":
        (tmp_path / "l").write_text("file,smile\n" + "a.png,1\nb.png,0\n" * 1000)
    for name in ("a", "b") if kind == "folders" else ():
        (tmp_path / "l" / name).mkdir(parents=True)
        for i in range(1000):
            (tmp_path / "l" / name / f"{i}.txt").touch()

    def stop(done: int, total: int, what: str) -> None:
        raise Interrupted(signal.SIGTERM)

    with pytest.raises(Interrupted):
        labels.read_labels(tmp_path / "l", stop)


def test_a_name_that_no_file_can_have_is_one_picture_less(tmp_path: Path) -> None:
    path = dots(tmp_path / "d")
    before = labels.read_labels(path).digest
    with path.open("a") as file:
        file.write(f"{'x' * 300}.png,1,0.5,1\na\\0.png,0,0.5,\n".replace("\\0", "\0"))
    found = labels.read_labels(path)
    assert len(found.files) == 62 and found.digest != before
    _, kept = labels.read_pictures(found.files, 16, 3, silent)
    assert len(kept) == 60


@pytest.mark.parametrize("what", ["pipe", "device", "huge"])
def test_labels_and_weights_are_read_from_files_alone(what: str, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    if what == "pipe":
        os.mkfifo(path)
    elif what == "device":
        path.symlink_to("/dev/zero")
    else:
        path.touch()
        os.truncate(path, 2**36)
    with pytest.raises(UnfitFile, match=r"x\.csv"):
        labels.read_labels(path)
    text = scorer_cards.CNN.format(weights="x.csv").partition("layers")[0]
    (tmp_path / "card.toml").write_text(text.replace('"cnn"', '"onnx"'))
    with pytest.raises(UnfitFile, match=r"x\.csv"):
        OnnxNetwork(path, read_card(tmp_path / "card.toml"))


def test_data_that_is_not_there_or_no_data(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="nothing"):
        labels.read_labels(tmp_path / "nothing")
    with pytest.raises(BadData, match="holds 0 folders"):
        labels.read_labels(tmp_path)
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
    with pytest.raises(BadData, match="no picture in cat"):
        labels.read_labels(tmp_path)


def test_damaged_pictures_are_left_out_and_the_middle_square_is_taken(tmp_path: Path) -> None:
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 8:22] = 200
    Image.fromarray(wide).save(tmp_path / "0.png")
    (tmp_path / "1.png").write_bytes(b"no picture")
    (tmp_path / "2.png").write_bytes((tmp_path / "0.png").read_bytes()[:60])
    Image.fromarray(wide[..., 0]).save(tmp_path / "3.png")
    files = [tmp_path / f"{i}.png" for i in range(5)]  # the last one is not there
    images, kept = labels.read_pictures(files, 5, 3, silent)
    assert kept.tolist() == [0, 3] and images.shape == (2, 3, 5, 5) and (images == 200).all()
    assert labels.read_pictures(files, 5, 1, silent)[0].shape == (2, 1, 5, 5)


@pytest.mark.parametrize("suffix", ["avif", "tif", "gif", "mp4", "mkv"])
def test_whatever_picture_or_film_somebody_brings(suffix: str, tmp_path: Path) -> None:
    """Of a film the first frame."""
    frames = np.full((3, 32, 32, 3), 120, np.uint8)
    frames[1:] = 250
    film = tmp_path / f"x.{suffix}"
    if suffix.startswith("m"):
        imwrite(film, frames, plugin="pyav", codec="libx264")
    else:
        imwrite(film, frames if suffix == "gif" else frames[0], plugin="pillow")
    images, kept = labels.read_pictures([film], 8, 3, silent)
    assert kept.tolist() == [0] and abs(images.astype(int) - 120).max() <= 4


# --- the network and its measures -----------------------------------------------------------------


@pytest.mark.parametrize(("size", "channels"), [(64, 3), (50, 1), (16, 3), (8, 3)])
def test_the_layers_written_down_are_the_network(size: int, channels: int) -> None:
    torch.manual_seed(0)
    network, layers = stack(size, channels, 4, 3)
    with torch.no_grad():
        for _ in range(3):
            network(torch.randn(6, channels, size, size))  # batch norms learn
    network.eval()
    again = read_layers(TensorReader(network.state_dict()), layers, (channels, size, size))
    images = torch.randn(2, channels, size, size)
    assert torch.equal(again(images), network(images))


def test_the_loss_is_the_mean_over_attributes_and_skips_gaps() -> None:
    groups = (Group(("a", "b"), "softmax"), Group(("c",), "sigmoid"), Group(("d",), "none"))
    numbers = torch.tensor([[1.0, 2, 0.5, 3], [0, 1, -1, 2]], requires_grad=True)
    nan = math.nan
    targets = torch.tensor([[0.0, 1, 1, 1], [nan, nan, 0, nan]])
    wanted = [
        F.cross_entropy(numbers[:1, :2], torch.tensor([1])),
        F.binary_cross_entropy_with_logits(numbers[:, 2], targets[:, 2]),
        (numbers[0, 3] - 1).square() / 2,
    ]
    loss = loss_of(numbers, targets, groups)
    torch.testing.assert_close(loss, torch.stack(wanted).mean())
    loss_of(numbers, torch.full((2, 4), nan), groups).backward()
    assert numbers.grad is not None and not numbers.grad.any()


def test_figures_known_by_hand() -> None:
    groups = (Group(("a", "b"), "softmax"), Group(("c",), "sigmoid"), Group(("d",), "none"))
    nan = math.nan
    numbers = torch.tensor([[2.0, 1, 1, 0], [2, 1, 1, 1], [1, 2, 1, 2], [1, 2, -1, 3]])
    targets = torch.tensor([[1.0, 0, 1, 0], [0, 1, 0, 1], [0, 1, 1, 2], [0, 1, nan, 5]])
    found = figures(numbers, targets, groups)
    assert found["a"] == {"accuracy": 0.75, "f1": pytest.approx(2 / 3, abs=1e-4)}
    assert found["b"] == {"accuracy": 0.75, "f1": pytest.approx(0.8)}
    assert found["c"] == {"accuracy": pytest.approx(2 / 3, abs=1e-4), "f1": pytest.approx(0.8)}
    assert found["d"] == {"r2": pytest.approx(1 - 4 / 14, abs=1e-4)}
    assert figures(numbers, torch.full((4, 4), nan), groups)["d"] == {}


def test_measures_are_scaled_and_the_rate_rises_and_falls() -> None:
    groups = (Group(("a",), "sigmoid"), Group(("b",), "none"))
    targets = torch.tensor([[0.0, 10], [1, 14], [1, math.nan]])
    middle, spread = scale(targets, groups)
    assert middle.tolist() == [0, 12] and spread.tolist() == [1, pytest.approx(8**0.5)]
    rates = [rate(t / 100) for t in range(101)]
    assert 0 < rates[0] < 0.1 and max(rates) <= 1 and rates[-1] < 1e-6
    assert rates[:11] == sorted(rates[:11]) and rates[11:] == sorted(rates[11:], reverse=True)


# --- training -------------------------------------------------------------------------------------


def made(name: str) -> tuple[bytes, bytes]:
    folder = home.scorers_dir()
    card = folder / f"{name}.toml"
    return card.read_bytes(), (folder / read_card(card).weights).read_bytes()


def test_the_same_training_twice_is_the_same_and_usable(tmp_path: Path) -> None:
    data = dots(tmp_path / "d")
    torch.manual_seed(1)
    first = train(data, "dots", SMALL)
    before = made("dots")
    torch.manual_seed(2)
    train(data, "dots", SMALL)
    assert made("dots") == before and first.complete
    scorer = open_scorer("dots")
    assert scorer.names == ("right", "light", "sure")
    assert scorer.units == ("probability", "", "probability")
    array, _ = labels.read_pictures(labels.read_labels(data).files, 16, 3, silent)
    light = scorer.score(torch.from_numpy(array).float() / 127.5 - 1)[:, 1]
    assert 60 < float(light.mean()) < 240, "measures come in their own unit"
    card = read_card(home.scorers_dir() / "dots.toml")
    assert card.training["figures"] == first.figures and card.training["held_out"] == 12
    assert not (home.state_dir() / "train-scorer").exists() or not any(
        (home.state_dir() / "train-scorer").iterdir()
    )
    other = TrainingOptions(size=16, width=4, epochs=3, batch=16, val=0.2, seed=1)
    train(data, "dots", other)
    assert made("dots") != before


class Stop:
    """A report that raises Interrupted once, at a step of the training."""

    def __init__(self, at: int) -> None:
        self.at = at

    def __call__(self, done: int, total: int, what: str) -> None:
        if what == "steps" and done == self.at:
            raise Interrupted(signal.SIGINT)


def test_an_interruption_keeps_the_best_and_goes_on_from_there(tmp_path: Path) -> None:
    data = dots(tmp_path / "d")
    train(data, "whole", SMALL)
    with pytest.raises(Interrupted):
        train(data, "dots", SMALL, report=Stop(1))  # nothing was measured yet
    assert not (home.scorers_dir() / "dots.toml").exists()
    told = train(data, "dots", SMALL, report=Stop(4))
    assert not told.complete and told.figures
    assert read_card(home.scorers_dir() / "dots.toml").training["complete"] is False
    assert open_scorer("dots").score(torch.zeros(1, 3, 9, 9)).shape == (1, 3)
    steps: list[int] = []

    def listen(done: int, total: int, what: str) -> None:
        if what == "steps":
            steps.append(done)

    assert train(data, "dots", SMALL, report=listen).complete
    assert steps[0] == 4 and steps[-1] == 9
    whole, again = made("whole"), made("dots")
    assert again[1] == whole[1] and again[0] == whole[0].replace(b"whole", b"dots")


def test_a_damaged_state_is_as_good_as_none(tmp_path: Path) -> None:
    data = dots(tmp_path / "d")
    train(data, "whole", SMALL)
    with pytest.raises(Interrupted):
        train(data, "dots", SMALL, report=Stop(2))
    (state,) = (home.state_dir() / "train-scorer").rglob("state.safetensors")
    state.write_bytes(state.read_bytes()[:-100])
    train(data, "dots", SMALL)
    assert made("dots")[1] == made("whole")[1]


def test_too_few_readable_pictures_and_a_rate_too_high(tmp_path: Path) -> None:
    data = dots(tmp_path / "d")
    wild = TrainingOptions(size=16, width=4, epochs=9, batch=16, lr=1.0)
    wild = TrainingOptions(**{**{k: getattr(wild, k) for k in wild.__slots__}, "lr": 1e30})
    with pytest.raises(BadData, match="the loss is no number"):
        train(data, "dots", wild)
    for i in range(45):
        (tmp_path / "d" / f"{i}.png").write_bytes(b"")
    with pytest.raises(BadData, match=r"only 15 of 60 pictures can be read \(.*/0\.png"):
        train(data, "dots", SMALL)


# --- the command ----------------------------------------------------------------------------------


def portraits(folder: Path, count: int) -> Path:
    """Renders of known factors, and their labels."""
    folder.mkdir()
    factors = sample_factors(count, seed=3, pose=0.5)
    pixels = (render(factors, 64, ss=1).permute(0, 2, 3, 1) * 255).round().byte().numpy()
    columns = [NAMES.index(name) for name in ("glasses", "hair_length", "brightness")]
    rows = [["file", "glasses", "long_hair", "brightness"]]
    for i, row in enumerate(factors[:, columns].tolist()):
        Image.fromarray(pixels[i]).save(folder / f"{i}.png")
        rows.append([f"{i}.png", str(int(row[0] > 0.5)), str(int(row[1] > 0)), f"{row[2]:.4f}"])
    (folder / "bad.png").write_bytes(b"\x89PNG")
    rows.append(["bad.png", "1", "1", "0"])
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return folder / "labels.csv"


@pytest.mark.slow
def test_portraits_are_learned_through_a_real_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = portraits(tmp_path / "d", 500)
    words = ["train-scorer", str(data), "-o", "mine", "--epochs", "5", "--batch", "25", "--json"]
    run = latty(*words, home=tmp_path)
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert told["name"] == "mine" and told["pictures"] == 500 and told["skipped"] == 1
    assert "1 pictures could not be read" in run.stderr and "left" in run.stderr
    assert told["attributes"]["glasses"]["accuracy"] >= 0.9
    assert told["attributes"]["long_hair"]["accuracy"] >= 0.85
    assert told["attributes"]["brightness"]["r2"] >= 0.9
    again = latty(*words, home=tmp_path)
    assert again.returncode == 73 and "--overwrite" in again.stderr
    monkeypatch.setenv("LATTY_HOME", str(tmp_path / "home"))
    generator = open_model("portraits", "cpu")
    assert isinstance(generator, AnySize)
    generator = generator.at_size(64)
    assert isinstance(generator, HasFactors)
    names, scores = sampled_scores(generator, range(100), "mine")
    truth = generator.factors(generator.mapping(generator.sample(range(100))))
    for ours, theirs in (("glasses", "glasses"), ("brightness", "brightness")):
        pair = [scores[:, names.index(ours)], truth[:, NAMES.index(theirs)]]
        assert float(torch.corrcoef(torch.stack(pair))[0, 1]) > 0.8, ours


def kept(folder: Path) -> dict[str, bytes]:
    """Every file of the store, and what is in it."""
    return {file.name: file.read_bytes() for file in (folder / "home/data/scorers").iterdir()}


def start(words: list[str], folder: Path) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [*COMMAND, *words], cwd=folder, env=environment(folder), stdout=pipe, stderr=pipe, text=True
    )


def wait_for_state(folder: Path, process: subprocess.Popen[str] | None, newer: int = 0) -> int:
    """Until there is a state with a measured network on disk; when it was written, in ns."""
    ends = time.monotonic() + 120
    while time.monotonic() < ends and (process is None or process.poll() is None):
        for path in (folder / "home" / "state" / "train-scorer").glob("*/state.safetensors"):
            written = path.stat().st_mtime_ns
            if written > newer and "best.0.weight" in read_header(path).shapes:
                return written
        time.sleep(0.02)
    raise AssertionError(f"no state was written: {process and process.communicate()}")


@pytest.mark.slow
def test_killed_then_interrupted_then_finished_gives_the_same_bytes(tmp_path: Path) -> None:
    data = dots(tmp_path / "d", 120)
    words = ["train-scorer", str(data), "-o", "dots", "--size", "32", "--width", "4"]
    words += ["--epochs", "80", "--batch", "32"]
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        folder.mkdir()
    assert latty(*words, home=one).returncode == 0
    process = start(words, other)
    wait_for_state(other, process)
    process.kill()
    process.communicate()
    written = wait_for_state(other, None)
    assert process.returncode == -signal.SIGKILL
    assert not (other / "home/data/scorers/dots.toml").exists()
    process = start(words, other)
    wait_for_state(other, process, written)
    os.kill(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=LIMIT)
    assert process.returncode == 130, told
    assert "the best so far is dots" in told and "goes on from there" in told
    unfinished = (other / "home/data/scorers/dots.toml").read_text()
    assert "complete = false" in unfinished
    last = latty(*words, home=other)  # no --force: it was not finished
    assert last.returncode == 0, last.stderr
    assert kept(other) == kept(one) and len(kept(one)) == 2
    assert not any((other / "home" / "state" / "train-scorer").iterdir())


def test_the_command_line_is_checked_before_anything_is_read(tmp_path: Path) -> None:
    def code(*words: str) -> tuple[int, str]:
        run = latty("train-scorer", *words, home=tmp_path)
        return run.returncode, run.stderr

    assert code("nothing.csv", "-o", "mine")[0] == 66
    assert code("nothing.csv", "-o", "geometry")[0] == 2
    assert code("nothing.csv")[0] == 2
    (tmp_path / "l.csv").write_text("file,smile\n")
    for words in (["--size", "3"], ["--lr", "nan"], ["--val", "0.9"], ["--channels", "2"]):
        status, told = code("l.csv", "-o", "mine", *words)
        assert status == 2 and words[0] in told, told
