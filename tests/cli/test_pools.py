"""Pools through the front door: written, killed, imported, scored, fitted to."""

import csv
import json
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from cli_in_process import latty
from cli_process import COMMAND, environment
from numpy.typing import NDArray
from PIL import Image
from places import LIMIT
from safetensors.torch import load_file, save_file
from sklearn.linear_model import LinearRegression
from sklearn.svm import SVC
from small_families import example_stylegan2

from latty import latents
from latty.attributes import scores_of
from latty.directions.file import ARRAY, read
from latty.models import open_model
from latty.presets.formats import Pixels
from latty.render import provenance
from latty.render.pixels import Painter
from latty.scene import Scene

FILES = "{seed:04d}.png"
COUNT = 400
NAMES = ("smile", "yaw")


def made(home: Path, *more: str, seeds: str = "0-10", to: str = "pool", size: str = "16") -> Path:
    """A pool of demo."""
    words = ["sample", "demo", "--seeds", seeds, "--files", FILES, "-o", to, "--size", size, "-q"]
    done = latty(*words, *more, home=home)
    assert (done.returncode, done.stdout) == (0, f"{to}\n"), done.stderr
    return home / to


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_pictures_latents_and_manifest(tmp_path: Path) -> None:
    pool = made(tmp_path, "--save-latents", "wp,z,w", "--truncation", "0.8", seeds="3-10,1")
    seeds = [*range(3, 11), 1]
    rows = list(csv.reader((pool / "manifest.csv").read_text().splitlines()))
    assert rows[0] == ["file", "seed", "class", "row"]
    assert rows[1:] == [[f"{s:04d}.png", str(s), "", str(i)] for i, s in enumerate(seeds)]
    arrays = load_file(pool / "latents.safetensors")
    assert [*arrays] and {*arrays} == {"z", "w", "wp", "seeds"}
    assert arrays["seeds"].tolist() == seeds
    demo = open_model("demo", "cpu")
    assert torch.equal(arrays["z"], demo.sample(seeds))
    torch.testing.assert_close(arrays["wp"], demo.mapping(arrays["z"]))
    assert torch.equal(arrays["w"], arrays["wp"][:, 0])
    assert {*contents(pool)} == {*(row[0] for row in rows[1:]), "manifest.csv",
                                 "latents.safetensors"}  # fmt: skip
    assert not [*tmp_path.glob("*.latty-work")]
    preset, _ = provenance.recall(pool / "0005.png")
    assert (preset.scene.seed, preset.scene.truncation) == (5, 0.8)


@pytest.mark.slow
@pytest.mark.parametrize(("px", "wanted"), [("256", [3]), ("512", [2, 1])])
def test_large_pictures_are_drawn_as_few_at_once_as_a_cpu_holds(
    px: str, wanted: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, found = Painter.__call__, list[int]()

    def drawn(painter: Painter, scenes: Sequence[Scene]) -> Pixels:
        found.append(len(scenes))
        return asked(painter, scenes)

    monkeypatch.setattr(Painter, "__call__", drawn)
    words = ["sample", "portraits", "--seeds", "0-2", "--files", FILES, "-o", "pool", "--size", px]
    done = latty(*words, home=tmp_path)
    assert done.returncode == 0 and found == wanted, done.stderr


def test_a_scene_that_starts_in_a_pool_draws_its_picture(tmp_path: Path) -> None:
    pool = made(tmp_path, "--save-latents", "z,wp", "--truncation", "0.7", size="64")
    assert latty("import", "pool", "--name", "mine", home=tmp_path).returncode == 0
    for ref in ("pool#3", "mine#3", "pool:wp#3", "pool/latents.safetensors:w#3"):
        text = f'schema = 1\n[scene]\nmodel = "demo"\nlatent = "{ref}"\nsize = 64\n'
        (tmp_path / "x.toml").write_text(text + '[[outputs]]\npath = "x.png"\n')
        done = latty("render", "x.toml", "--out-dir", ".", "--overwrite", home=tmp_path)
        assert done.returncode == 0, done.stderr
        with Image.open(tmp_path / "x.png") as found, Image.open(pool / "0003.png") as wanted:
            difference = np.asarray(found).astype(int) - np.asarray(wanted)
        assert abs(difference).max() <= 1, ref
    (tmp_path / "x.toml").write_text(text.replace("#3", "#11"))
    assert latty("check", "x.toml", home=tmp_path).returncode == 66


def test_the_same_bytes_for_any_batch(tmp_path: Path) -> None:
    first = contents(made(tmp_path, "--save-latents", "z,w"))
    for batch in ("1", "3"):
        pool = made(tmp_path, "--save-latents", "z,w", "--batch", batch, to=f"pool{batch}")
        assert contents(pool) == first


def test_nothing_there_is_replaced_but_by_overwrite(tmp_path: Path) -> None:
    pool = made(tmp_path, seeds="0-2")
    words = ["sample", "demo", "--seeds", "4", "--files", FILES, "-o", "pool", "--size", "16"]
    assert latty(*words, home=tmp_path).returncode == 73
    assert len(contents(pool)) == 5
    assert latty(*words, "--overwrite", home=tmp_path).returncode == 0
    assert {*contents(pool)} == {"0004.png", "manifest.csv", "latents.safetensors"}
    (pool / "mine.txt").touch()
    done = latty(*words, "--overwrite", home=tmp_path)
    assert done.returncode == 73 and "holds other files" in done.stderr


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--files", "x.png"], 2, "does not name a .png for each seed"),
        (["--files", "{seed}.jpg"], 2, "does not name a .png for each seed"),
        (["--files", "../{seed}.png"], 2, "does not name a .png for each seed"),
        (["--files", "{seed.real}.png"], 2, "does not name a .png for each seed"),
        (["--files", FILES, "--seeds", "0-9,5"], 2, "5 stands there twice"),
        (["--files", FILES, "--seeds", "0-9999999"], 2, "more than 1000000"),
        (["--files", FILES, "--save-latents", "s"], 2, "no latents 's'"),
        (["--files", FILES, "--columns", "3"], 2, "--columns is of a sheet"),
        (["--save-latents", "z"], 2, "goes with --files"),
    ],
)
def test_what_is_no_pool(words: list[str], code: int, told: str, tmp_path: Path) -> None:
    done = latty("sample", "demo", "-o", "p", *words, home=tmp_path)
    assert done.returncode == code and told in done.stderr
    assert done.stderr.count("\n") == 1 and not (tmp_path / "p").exists()


@pytest.mark.slow
def test_a_killed_run_goes_on_file_by_file(tmp_path: Path) -> None:
    words = ["sample", "portraits", "--seeds", "0-39", "--files", FILES, "--save-latents", "z,w",
             "-o", "pool", "--size", "64"]  # fmt: skip
    work, place = tmp_path / "pool.latty-work" / "pictures", tmp_path / "pool"
    kept: dict[str, int] = {}
    for stop in (signal.SIGKILL, signal.SIGINT, signal.SIGKILL):
        victim = subprocess.Popen([*COMMAND, *words], cwd=tmp_path, env=environment(tmp_path),
                                  stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)  # fmt: skip
        end = time.monotonic() + LIMIT
        before = len(kept)
        while time.monotonic() < end and victim.poll() is None:
            if work.is_dir() and len([*work.glob("0*.png")]) > before:
                break
            time.sleep(0.01)
        victim.send_signal(stop)
        victim.wait(LIMIT)
        assert not place.exists()
        now = {path.name: path.stat().st_mtime_ns for path in work.glob("0*.png")}
        assert len(now) > before and {name: now[name] for name in kept} == kept
        kept = now
    assert latty(*words, "-q", home=tmp_path).returncode == 0
    found = contents(place)
    shutil.rmtree(place)
    assert latty(*words, "-q", home=tmp_path).returncode == 0
    assert contents(place) == found and len(found) == 42
    assert not [*tmp_path.glob("*.latty-work")]


def preset_of(home: Path, scene: str, output: str = 'path = "x.png"') -> Path:
    path = home / "x.toml"
    head = 'schema = 1\n[scene]\nmodel = "demo"\nsize = 16\n'
    path.write_text(f"{head}{scene}\n[[outputs]]\n{output}\n")
    return path


@pytest.mark.parametrize(
    ("scene", "code", "told"),
    [
        ('latent = "pool#6"', 66, "no latent 6 in latents.safetensors"),
        ('latent = "pool:s#0"', 66, "pool:s"),
        ('latent = "pool:w#0"', 65, "holds no w, it holds z"),
    ],
)
def test_latents_that_are_not_there(scene: str, code: int, told: str, tmp_path: Path) -> None:
    made(tmp_path, seeds="0-5")
    preset_of(tmp_path, scene)
    done = latty("check", "x.toml", home=tmp_path)
    assert done.returncode == code and told in done.stderr, done.stderr
    assert "x.toml:5" in done.stderr


# --- scores ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a small pool."""
    return home_of(tmp_path_factory.mktemp("scored"), 12)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a pool that is fitted to."""
    return home_of(tmp_path_factory.mktemp("many"), COUNT)


def home_of(home: Path, count: int) -> Path:
    """With a pool of demo, its manifest with two columns more, and arrays of them."""
    pool = made(home, "--save-latents", "z,w,wp", seeds=f"0-{count - 1}")
    demo = open_model("demo", "cpu")
    with torch.no_grad():
        names, found = scores_of(demo, demo.mapping(demo.sample(range(count))), "factors", None)
    table = found[:, [names.index(name) for name in NAMES]].double().numpy()
    np.save(home / "table.npy", table)
    np.save(home / "smile_scores.npy", table[:, 0])
    head, *rows = csv.reader((pool / "manifest.csv").read_text().splitlines())
    with (home / "scores.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*head, *NAMES])
        for row in np.random.RandomState(0).permutation(count):  # matched, not in their order
            writer.writerow([*rows[row], *map(repr, map(float, table[row]))])
    assert latty("import", "pool", "--name", "mine", home=home).returncode == 0
    done = latty("import", "scores.csv", "--for", "mine", home=home)
    assert done.returncode == 0 and "smile, yaw" in done.stderr, done.stderr
    return home


def found_by(home: Path, *words: str) -> tuple[NDArray[np.float64], list[dict[str, float]]]:
    """The vectors (K, D) or (K, L, D) of a search, and what its header says of each."""
    done = latty("discover", *words, "-o", "set.safetensors", "--overwrite", "-q", home=home)
    assert done.returncode == 0, done.stderr
    header, arrays = read(home / "set.safetensors")
    assert header.seeds.startswith(("mine#", "pool#"))
    return arrays[ARRAY].double().numpy(), [dict(info.scores) for info in header.infos]


def cosine(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return float(one.ravel() @ other.ravel() / np.linalg.norm(one) / np.linalg.norm(other))


@pytest.mark.slow
@pytest.mark.parametrize("space", ["z", "w", "w+"])
def test_interfacegan_is_train_boundary(space: str, many: Path) -> None:
    """generate_data.py, train_boundary.py: sklearn's SVC on both ends of the scores."""
    arrays = load_file(many / "pool/latents.safetensors")
    x = arrays["wp" if space == "w+" else space].flatten(1).numpy()
    table, count = np.load(many / "table.npy"), int(0.2 * COUNT)
    words = ["interfacegan", "demo", "--latents", "mine", "--space", space, "--ratio", "0.2"]
    vectors, facts = found_by(many, *words, "--train", "1")
    _, split = found_by(many, *words)
    for scores, vector, fact, validated in zip(table.T, vectors, facts, split, strict=True):
        order = scores.argsort(kind="stable")
        chosen = np.concatenate([order[:count], order[-count:]])
        machine = SVC(kernel="linear", C=1).fit(x[chosen], np.arange(2 * count) >= count)
        assert cosine(machine.coef_[0], vector) > 0.999
        rest = order[count:-count]
        right = (machine.predict(x[rest]) == (scores[rest] > np.median(scores))).mean()
        assert abs(fact["rest"] - right) < 0.1
        assert validated["validation"] > 0.8


def ridge(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slopes (A, D) with 1e-4 of the mean variance added: some of w hardly varies."""
    x, y = x - x.mean(0), y - y.mean(0)
    square = x.T @ x
    return np.linalg.solve(square + 1e-4 * square.trace() / len(square) * np.eye(len(square)),
                           x.T @ y).T  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("space", ["z", "w"])
def test_tlgan_is_its_regression(space: str, many: Path) -> None:
    """sample_z, sample_y, feature_axis.py: arctanh of scores in -1..1, least squares, length 1."""
    table = np.load(many / "table.npy")
    low, high = table.min(0), table.max(0)
    y = 2 * (table - low) / (high - low) - 1
    np.save(many / "y.npy", y)
    words = ["import", "y.npy", "--for", "pool", "--name", "smile,yaw", "--overwrite"]
    assert latty(*words, home=many).returncode == 0
    x = load_file(many / "pool/latents.safetensors")[space].double().numpy()
    for link, target in (("linear", y), ("tanh", np.arctanh(np.clip(y, -0.995, 0.995)))):
        direct = LinearRegression().fit(x, target).coef_ if space == "z" else ridge(x, target)
        vectors, facts = found_by(many, "tlgan", "demo", "--latents", "pool", "--link", link,
                                  "--space", space)  # fmt: skip
        for wanted, vector, fact in zip(direct, vectors, facts, strict=True):
            assert cosine(wanted, vector) > 0.999
            assert 0.3 < fact["r2"] < 1
    np.save(many / "y.npy", 2 * y)
    words = ["tlgan", "demo", "--latents", "pool", "--link", "tanh", "-o", "x.safetensors"]
    assert latty("import", "y.npy", "--for", "pool", "--name", "smile,yaw", "--overwrite",
                 home=many).returncode == 0  # fmt: skip
    done = latty("discover", *words, home=many)
    assert done.returncode == 65 and "from -1 to 1, and one of these is 2" in done.stderr


@pytest.mark.slow
def test_scores_of_a_file_and_some_of_the_latents(many: Path) -> None:
    vectors, _ = found_by(many, "interfacegan", "demo", "--latents", "pool#100-349", "--ratio",
                          "0.3", "--scores", "smile_scores.npy", "--train", "1")  # fmt: skip
    assert len(vectors) == 1
    header, _ = read(many / "set.safetensors")
    assert header.names == ("smile",) and header.seeds.startswith("pool#100-349, SHA-256 ")


def test_scores_without_latents_say_the_way(scored: Path) -> None:
    for file in ("smile_scores.npy", "scores.csv"):
        done = latty("import", file, home=scored)
        assert done.returncode == 2 and f"latty import {file} --for POOL" in done.stderr
        assert done.stderr.count("\n") == 1
    done = latty("import", "scores.csv", "--for", "nosuch", home=scored)
    assert done.returncode == 66 and "no latents 'nosuch'" in done.stderr
    done = latty("import", "scores.csv", "--for", "mine", home=scored)
    assert done.returncode == 73 and "smile, yaw" in done.stderr
    done = latty("discover", "tlgan", "demo", "--scores", "scores.csv", "-o", "x", home=scored)
    assert done.returncode == 65 and "--latents" in done.stderr


def test_scores_are_never_taken_for_latents(scored: Path) -> None:
    """Whatever they lie in, where nobody says of which latents they are."""
    h5py = pytest.importorskip("h5py")
    table = np.load(scored / "table.npy")
    np.save(scored / "my_labels.npy", table)
    np.savez(scored / "table.npz", scores=table)
    for name, key, array in (("sample_y", "y", table), ("a", "labels", table),
                             ("b_scores", "x", table), ("c", "x", table[:, 0])):  # fmt: skip
        with h5py.File(scored / f"{name}.h5", "w") as file:
            file[key] = array
    shutil.copy(scored / "home/data/latents/mine.scores.safetensors", scored / "x.safetensors")
    for name in ("my_labels.npy", "table.npz", "sample_y.h5", "a.h5", "b_scores.h5", "c.h5",
                 "x.safetensors"):  # fmt: skip
        done = latty("import", name, home=scored)
        assert done.returncode == 2, (name, done.stderr)
        assert f"latty import {name} --for POOL" in done.stderr and done.stderr.count("\n") == 1
        made(scored, "--overwrite", seeds="0-11", to="unscored")
        named = ["--name", "d" if name == "c.h5" else "d,e"] * (name[0] != "x")
        done = latty("import", name, "--for", "unscored", *named, "--json", home=scored)
        if name == "x.safetensors":  # of a pool with more in its file
            assert done.returncode == 65 and "scores of other latents" in done.stderr
        else:
            assert done.returncode == 0, (name, done.stderr)
    listed = latty("list", "latents", "--json", home=scored).stdout.splitlines()
    assert {json.loads(line)["name"] for line in listed} == {"mine"}
    done = latty("import", "x.safetensors", "--for", "mine", "--overwrite", home=scored)
    assert done.returncode == 0, done.stderr


def test_z_and_y_in_one_file(scored: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(scored / "both.h5", "w") as file:
        file["z"] = load_file(scored / "pool/latents.safetensors")["z"].numpy()
        file["y"] = np.load(scored / "table.npy")
    done = latty("import", "both.h5", home=scored)
    assert done.returncode == 0 and "latty import both.h5 --for both" in done.stderr
    words = ["both.h5", "--for", "both", "--name", "smile,yaw", "--json"]
    done = latty("import", *words, home=scored)
    assert json.loads(done.stdout)["names"] == ["smile", "yaw"]
    assert latty("remove", "both", "--yes", home=scored).returncode == 0


def test_scores_are_inspected(scored: Path) -> None:
    for ref in ("mine", "home/data/latents/mine.safetensors"):
        facts = json.loads(latty("inspect", ref, "--json", home=scored).stdout)
        assert facts["holds"] == "latents" and facts["scores"][:2] == ["smile", "yaw"]
    place = "home/data/latents/mine.scores.safetensors"
    facts = json.loads(latty("inspect", place, "--json", home=scored).stdout)
    assert facts["holds"] == "scores" and facts["names"][:2] == ["smile", "yaw"]
    assert "note" not in facts


# --- classes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("label", ["2", "0:0.7,2:0.3"])
def test_the_class_of_a_pool_is_that_of_its_pictures_and_directions(
    label: str, tmp_path: Path
) -> None:
    """Of a small random network with three classes, whose w depends on them."""
    tensors, meta = example_stylegan2()
    save_file(dict(tensors), tmp_path / "three.safetensors", dict(meta))
    seeds = ["--seeds", "0-59", "--files", FILES, "--label", label, "-q"]
    for forms in ("z", "z,w"):
        words = ["sample", "three.safetensors", *seeds, "--save-latents", forms, "-o", forms]
        assert latty(*words, home=tmp_path).returncode == 0
    rows = list(csv.reader((tmp_path / "z/manifest.csv").read_text().splitlines()))
    assert {row[2] for row in rows[1:]} == {label}
    np.save(tmp_path / "s.npy", load_file(tmp_path / "z,w/latents.safetensors")["w"][:, 0])
    search = ["discover", "interfacegan", "three.safetensors", "--scores", "s.npy", "-q",
              "--ratio", "0.3", "--space", "w", "--overwrite", "-o", "set.safetensors"]  # fmt: skip
    vectors = []
    for pool in ("z", "z,w"):
        done = latty(*search, "--latents", pool, home=tmp_path)
        assert done.returncode == 0, done.stderr
        header, arrays = read(tmp_path / "set.safetensors")
        assert header.label == (2 if label == "2" else ((0, 0.7), (2, 0.3)))
        vectors.append(arrays[ARRAY])
    torch.testing.assert_close(*vectors)
    assert latty(*search, "--latents", "z", "--label", label, home=tmp_path).returncode == 0
    done = latty(*search, "--latents", "z", "--label", "1", home=tmp_path)
    assert done.returncode == 65 and f"class {label}, not of 1" in done.stderr


def test_latents_of_another_model_or_without_scores(scored: Path) -> None:
    done = latty("discover", "tlgan", "portraits", "--latents", "mine", "-o", "x", home=scored)
    assert done.returncode == 65 and "was made for demo" in done.stderr
    made(scored, seeds="0-3", to="bare")
    done = latty("discover", "tlgan", "demo", "--latents", "bare", "-o", "x", home=scored)
    assert done.returncode == 65 and "latty import FILE --for bare" in done.stderr
    done = latty("discover", "tlgan", "demo", "--latents", "nosuch", "-o", "x", home=scored)
    assert done.returncode == 66
    done = latty("import", "bare", "--for", "portraits", home=scored)
    assert done.returncode == 65 and "not for portraits" in done.stderr
    shutil.copy(scored / "pool" / "latents.safetensors", scored / "bare")
    done = latty("import", "smile_scores.npy", "--for", "bare", "--json", home=scored)
    assert done.returncode == 0 and json.loads(done.stdout)["names"] == ["smile"]
    made(scored, "--overwrite", seeds="0-3", to="bare")
    assert not (scored / "bare/latents.scores.safetensors").exists()


def test_scores_go_with_their_pool(scored: Path) -> None:
    done = latty("import", "smile_scores.npy", "--for", "pool", "--overwrite", home=scored)
    assert done.returncode == 0, done.stderr
    done = latty("import", "pool", "--name", "again", "--json", home=scored)
    assert "smile" in json.loads(done.stdout)["scores"]
    listed = latty("list", "latents", "--json", home=scored).stdout.splitlines()
    assert {json.loads(line)["name"] for line in listed} == {"again", "mine"}
    assert latty("remove", "again", "--yes", home=scored).returncode == 0
    left = [path.name for path in (scored / "home").rglob("again*")]
    assert left == []


def test_a_pool_is_called_as_its_folder(scored: Path) -> None:
    """By whichever of both it is named; an option that would do nothing is refused."""
    for path in ("pool", "pool/latents.safetensors"):
        done = latty("import", path, "--overwrite", home=scored)
        assert (done.returncode, done.stdout) == (0, "pool\n"), done.stderr
    assert latty("remove", "pool", "--yes", home=scored).returncode == 0
    h5py = pytest.importorskip("h5py")
    with h5py.File(scored / "z.h5", "w") as file:
        file["z"] = np.zeros((3, 64), np.float32)
    for path in ("pool", "z.h5"):
        for option in (["--space", "w"], ["--layers", "3"], ["--set", "a=1"], ["--spec", "x"]):
            done = latty("import", path, *option, home=scored)
            assert done.returncode == 2 and f"{option[0]} means nothing" in done.stderr


def test_a_killed_import_leaves_no_half(scored: Path) -> None:
    """Scores appear whole: what lies beside a pool is read again before it is joined."""
    place = scored / "bare2"
    made(scored, seeds="0-4", to="bare2")
    np.save(scored / "five_scores.npy", np.arange(5))
    assert latty("import", "five_scores.npy", "--for", "bare2", home=scored).returncode == 0
    beside = place / "latents.scores.safetensors"
    beside.write_bytes(beside.read_bytes()[:-4])
    found = latents.look(str(place))
    assert found.shape[0] == 5
    done = latty("import", "five_scores.npy", "--for", "bare2", home=scored)
    assert done.returncode == 65 and "--overwrite" in done.stderr
    done = latty("import", "five_scores.npy", "--for", "bare2", "--overwrite", home=scored)
    assert done.returncode == 0


def test_a_text_says_what_was_imported_of_a_latent(tmp_path: Path) -> None:
    """Each latent its own, "?" where nobody knows; a score that there is not is told before."""
    made(tmp_path, seeds="0-2", size="64")
    lines = ["row,smile,yaw", "0,0.25,1", "1,-0.5,2", "2,,3"]
    (tmp_path / "s.csv").write_text("\n".join(lines))
    assert latty("import", "s.csv", "--for", "pool", home=tmp_path).returncode == 0
    each = '[[each]]\nkey = "l"\nvalues = "pool#0-2"\n'
    words = '[[text]]\nvalue = "{score.smile:+.2f}"\n'
    scene = '[scene]\nmodel = "demo"\nlatent = "{l}"\n'
    plain = '[[text]]\nvalue = "SAID"\n'
    output = '[[outputs]]\npath = "{l}.png"\nsize = 64\n'
    preset = tmp_path / "x.toml"
    preset.write_text(f"schema = 1\n{each}{scene}{words}{output}")
    assert latty("render", "x.toml", home=tmp_path).returncode == 0
    for row, said in enumerate(("+0.25", "-0.50", "?")):
        one = scene.replace("{l}", f"pool#{row}")
        text = f"schema = 1\n{one}{plain}{output}".replace("SAID", said).replace("{l}", "one")
        (tmp_path / "one.toml").write_text(text)
        done = latty("render", "one.toml", "--overwrite", home=tmp_path)
        assert done.returncode == 0, done.stderr
        pictures = [np.asarray(Image.open(tmp_path / "renders" / name))
                    for name in (f"pool-{row}.png", "one.png")]  # fmt: skip
        assert np.array_equal(*pictures)
    preset.write_text(preset.read_text().replace("score.smile", "score.smiles"))
    done = latty("check", "x.toml", home=tmp_path)
    assert done.returncode == 65 and "did you mean 'smile'?" in done.stderr


@pytest.mark.parametrize("forms", ["z", "w", "wp"])
@pytest.mark.parametrize("layer", ["", "b4.conv1"])
def test_ganspace_takes_the_latents_of_a_pool(forms: str, layer: str, tmp_path: Path) -> None:
    """Of a pool of the seeds that it would draw it finds what it finds in these."""
    made(tmp_path, "--save-latents", forms, seeds="1-40")
    said = ("discover", "ganspace", "demo", "--components", "4", "--layer", layer, "--space", "w")
    found = []
    for name, words in (("pooled", ["--latents", "pool"]), ("drawn", ["--samples", "40"])):
        done = latty(*said, *words, "-o", name, home=tmp_path)
        assert done.returncode == 0, done.stderr
        place = tmp_path / "home" / "data" / "directions" / f"{name}.safetensors"
        found.append(read(place))
    (header, pooled), (_, drawn) = found
    assert header.seeds.startswith("pool#0-39, SHA-256 ")
    torch.testing.assert_close(pooled[ARRAY], drawn[ARRAY], atol=1e-4, rtol=1e-3)


def test_ganspace_says_what_a_pool_lacks(tmp_path: Path) -> None:
    made(tmp_path, "--save-latents", "w", seeds="1-9")
    said = {
        ("pool", "--layer", "z"): (65, "--space z needs z"),
        ("pool#0-0",): (65, "one latent has no components"),
        ("pool#3-99",): (65, "is no part of the 9 of pool"),
        ("nopool",): (66, "no latents 'nopool'"),
    }
    for words, (code, told) in said.items():
        done = latty("discover", "ganspace", "demo", "--latents", *words, "-o", "x", home=tmp_path)
        assert done.returncode == code and told in done.stderr, (words, done.stderr)
        assert done.stderr.count("\n") == 1
