"""What a picture was made of, and what a preset pins, is compared with what is here."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from cli_in_process import latty
from cli_process import COMMAND, environment
from safetensors.torch import save_file
from scorer_cards import CNN, card, plain

import latty as library
from latty.errors import BadData
from latty.models.store import MODELS
from latty.render import provenance

PRESET = """schema = 1
[scene]
model = "f"
seed = 3
{more}
[[outputs]]
path = "x.png"
size = 32
"""
NAMED = {
    "model": "",
    "directions": '[[scene.edits]]\ndirection = "rnd/r0"\nlayers = "all"\n',
    "latents": 'latent = "z.npy#0"\n',
}
WHAT = {"model": "the model 'f'", "directions": "the direction set 'rnd'",
        "latents": "the latents 'z.npy'"}  # fmt: skip


def model_of(home: Path, seed: int = 0) -> None:
    """A model called f; another one for each seed."""
    content = bytearray(MODELS.find("demo").read_bytes())
    content[-1] ^= seed
    done = latty("import", str(MODELS.find("demo")), "--name", "f", "--overwrite", home=home)
    assert done.returncode == 0, done.stderr
    file = next(home.rglob("models/f.safetensors"))
    content = bytearray(file.read_bytes())
    content[-1] ^= seed
    file.write_bytes(content)


def other(kind: str, home: Path, seed: int = 1) -> None:
    """Other content under the name that the preset says."""
    if kind == "model":
        model_of(home, seed)
    elif kind == "directions":
        words = ["discover", "random", "f", "-o", "rnd", "--seed", str(seed), "--overwrite"]
        assert latty(*words, home=home).returncode == 0
    else:
        np.save(home / "z.npy", np.random.RandomState(seed).randn(1, 64).astype("f4"))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for kind in NAMED:
        other(kind, tmp_path, 0)
    for kind, more in NAMED.items():
        (tmp_path / f"{kind}.toml").write_text(PRESET.format(more=more))
    return tmp_path


def digests(text: str) -> list[str]:
    return text.partition("(")[2].partition(")")[0].split(" / ")


@pytest.mark.parametrize("kind", NAMED)
def test_a_picture_of_other_content_is_not_made_again(kind: str, place: Path) -> None:
    words = ["render", f"{kind}.toml", "-o", "one.png"]
    assert latty(*words, home=place).returncode == 0
    again = latty("render", "one.png", "-o", "two.png", home=place)
    assert again.returncode == 0, again.stderr
    assert (place / "two.png").read_bytes() == (place / "one.png").read_bytes()
    before = provenance.read(place / "one.png")
    other(kind, place)
    for verb in (["render", "-o", "three.png"], ["render", "--dry-run"], ["check"]):
        refused = latty(*verb, "one.png", home=place)
        assert refused.returncode == 65, refused.stderr
        assert f"{WHAT[kind]} is not the one this was made with (" in refused.stderr
        said = before["model"] if kind == "model" else before[kind]
        assert digests(refused.stderr)[0] in json.dumps(said)
        assert not (place / "three.png").exists()
    done = latty("render", "one.png", "-o", "three.png", "--anyway", "--json", home=place)
    assert done.returncode == 0 and done.stderr.count(WHAT[kind]) == 1
    assert WHAT[kind] in json.loads(done.stdout)["warnings"][0]
    after = provenance.read(place / "three.png")
    assert list(after["anyway"]) == [WHAT[kind]] and "anyway" not in before
    again = latty("render", "three.png", "-o", "four.png", home=place)
    assert again.returncode == 0, again.stderr  # it was made of what is here


def test_what_has_another_name_now_is_told_apart_from_what_has_its_name(place: Path) -> None:
    """The same bytes again; and where the user names the new one beside it, a recipe of both."""
    more = NAMED["directions"] + NAMED["directions"].replace("r0", "r1")
    (place / "two.toml").write_text(PRESET.format(more=more))
    assert latty("render", "two.toml", "-o", "one.png", home=place).returncode == 0
    (file,) = place.rglob("directions/rnd.safetensors")
    file.rename(file.with_stem("old"))
    other("directions", place)
    again = latty("render", "one.png", "-o", "two.png", home=place)
    assert again.returncode == 0 and "'old' has its content" in again.stderr
    assert (place / "two.png").read_bytes() == (place / "one.png").read_bytes()
    both = ("--set", "scene.edits.1.direction=rnd/r1", "-o", "both.png")
    assert latty("render", "one.png", *both, home=place).returncode == 0
    said = provenance.read(place / "both.png")["directions"]
    assert len({*said.values()}) == 2 and "rnd/r0" in said and "rnd/r1" not in said
    assert latty("render", "both.png", "-o", "again.png", home=place).returncode == 0
    assert (place / "again.png").read_bytes() == (place / "both.png").read_bytes()


def test_pins_put_over_a_recipe_are_compared_with_what_has_another_name_here(place: Path) -> None:
    assert latty("render", "directions.toml", "-o", "one.png", home=place).returncode == 0
    (file,) = place.rglob("directions/rnd.safetensors")
    file.rename(file.with_stem("old"))
    own = provenance.read(place / "one.png")["directions"]["rnd/r0"]
    for digits, code in ((own, 0), ("0" * 64, 65)):
        words = ("one.png", "--set", f'pins.directions.rnd="{digits}"')
        done = latty("render", *words, "-o", f"{code}.png", home=place)
        assert done.returncode == code, done.stderr
    assert digests(done.stderr) == ["0" * 12, own[:12]]


def test_scorers_that_directions_climb_are_compared(tmp_path: Path) -> None:
    weights = plain().state_dict()
    save_file(weights, tmp_path / "w.safetensors")
    card(tmp_path, CNN.format(weights="w.safetensors"))
    for words in (
        ["import", str(next(tmp_path.glob("*.toml"))), "--name", "mine"],
        [
            "discover",
            "ascent",
            "demo",
            "-o",
            "up",
            "--scorer",
            "mine",
            "--names",
            "smile",
            "--samples",
            "8",
            "--probes",
            "1",
            "--steps",
            "2",
        ],
    ):
        done = latty(*words, home=tmp_path)
        assert done.returncode == 0, done.stderr
    more = '[[scene.edits]]\ndirection = "up/smile"\nstrength = 0.01\n'
    (tmp_path / "up.toml").write_text(PRESET.format(more=more).replace('"f"', '"demo"'))
    done = latty("render", "up.toml", "-o", "one.png", home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert list(provenance.read(tmp_path / "one.png")["scorers"]) == ["mine"]
    assert latty("render", "one.png", "-o", "two.png", home=tmp_path).returncode == 0
    for file in tmp_path.rglob("data/scorers/**/*.safetensors"):
        save_file({name: tensor + 1 for name, tensor in weights.items()}, file)
    refused = latty("render", "one.png", "-o", "three.png", home=tmp_path)
    assert refused.returncode == 65, refused.stderr
    assert "the scorer 'mine' is not the one this was made with (" in refused.stderr
    assert latty("render", "one.png", "-o", "three.png", "--anyway", home=tmp_path).returncode == 0


def test_all_differences_are_told_in_one_go(place: Path) -> None:
    (place / "all.toml").write_text(PRESET.format(more=NAMED["directions"]))
    assert latty("render", "all.toml", "-o", "one.png", home=place).returncode == 0
    other("model", place)
    other("directions", place)
    refused = latty("render", "one.png", home=place)
    assert refused.returncode == 65 and refused.stderr.count("\n") == 1
    assert WHAT["model"] in refused.stderr and WHAT["directions"] in refused.stderr
    told = latty("inspect", "one.png", home=place).stdout
    assert WHAT["model"] in told and WHAT["directions"] in told


def test_what_is_named_by_the_user_is_not_compared(place: Path) -> None:
    assert latty("render", "model.toml", "-o", "one.png", home=place).returncode == 0
    other("model", place)
    named = latty("render", "one.png", "--set", "scene.model=demo", home=place)
    assert named.returncode == 0, named.stderr


def test_the_library_compares_too(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cli_process import environment

    assert latty("render", "latents.toml", "-o", "one.png", home=place).returncode == 0
    other("latents", place)
    monkeypatch.chdir(place)
    for name, value in environment(place).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(BadData, match="is not the one this was made with"):
        library.render_preset(place / "one.png", "two")
    assert library.render_preset(place / "one.png", "two", anyway=True)[0].exists()


@pytest.mark.parametrize("kind", NAMED)
def test_a_preset_may_pin(kind: str, place: Path) -> None:
    file = place / f"{kind}.toml"
    assert latty("pin", file.name, home=place).returncode == 0
    assert latty("render", file.name, "-o", "one.png", home=place).returncode == 0
    assert "pins" not in provenance.read(place / "one.png")["preset"]
    other(kind, place)
    for verb in (["render", "-o", "two.png"], ["render", "--dry-run"], ["check"]):
        refused = latty(*verb, file.name, home=place)
        assert refused.returncode == 65, refused.stderr
        assert f"{WHAT[kind]} is not the one that it pins (" in refused.stderr
    differs = latty("pin", "--check", file.name, home=place)
    assert differs.returncode == 65 and WHAT[kind] in differs.stderr
    done = latty("render", file.name, "-o", "two.png", "--anyway", home=place)
    assert done.returncode == 0 and WHAT[kind] in done.stderr
    assert list(provenance.read(place / "two.png")["anyway"]) == [WHAT[kind]]
    assert latty("pin", file.name, home=place).returncode == 0
    assert latty("pin", "--check", file.name, home=place).returncode == 0
    assert latty("render", file.name, "-o", "three.png", home=place).returncode == 0


def test_a_pin_of_every_preset_that_can_have_one(place: Path) -> None:
    file = place / "model.toml"
    text = file.read_text()
    assert latty("render", file.name, "-o", "one.png", home=place).returncode == 0
    told = latty("pin", "none.toml", "one.png", file.name, home=place)
    assert told.returncode == 2 and "[pins]" in file.read_text()
    assert "no preset none.toml" in told.stderr and "one.png" in told.stderr
    assert "without a recipe" not in told.stderr
    file.write_text(text)
    for stream in ("-", "/dev/stdin"):
        with file.open("rb") as stdin:
            done = subprocess.run([*COMMAND, "pin", stream], cwd=place, stdin=stdin,
                env=environment(place), capture_output=True, text=True, check=False)  # fmt: skip
        assert done.returncode == 2 and "is no file of yours" in done.stderr, done.stderr
    assert file.read_text() == text


def test_pins_keep_comments_and_are_checked(place: Path) -> None:
    file = place / "directions.toml"
    file.write_text("# mine\n" + file.read_text())
    assert latty("pin", "directions.toml", "--json", home=place).returncode == 0
    text = file.read_text()
    assert text.startswith("# mine\nschema") and "[pins]" in text and "rnd = " in text
    file.write_text(text.replace('rnd = "', 'rnd = "x'))
    refused = latty("check", "directions.toml", home=place)
    assert refused.returncode == 65 and "pins.directions.rnd" in refused.stderr
    assert "hexadecimal digits" in refused.stderr


def test_bytes_do_not_depend_on_batches_and_the_sidecar_says_them(place: Path) -> None:
    more = {"LATTY_SIDECAR": "1"}
    for batch in ("1", "8"):
        words = [
            "render",
            "hello",
            "--set",
            "frames=3",
            "--set",
            "outputs=[{path='x.png',size=32}]",
        ]
        words += ["--batch", batch, "--out-dir", batch]
        assert latty(*words, home=place, **more).returncode == 0
    first, second = (place / batch / "x.png.json" for batch in ("1", "8"))
    assert json.loads(first.read_text())["batches"] == [[0, 1]]
    assert json.loads(second.read_text())["batches"] == [[0, 8]]
    assert provenance.recall(place / "1/x.png")[1] == ((0, 1),)
    assert provenance.read(place / "1/x.png") == provenance.read(place / "8/x.png")


@pytest.mark.parametrize(
    ("model", "size", "batch"),
    [
        ("demo", 512, 8),
        ("portraits", 64, 8),
        ("portraits", 512, 2),
        pytest.param("portraits", 1024, 1, marks=pytest.mark.slow),
    ],
)
def test_large_pictures_are_drawn_a_few_at_once(
    model: str, size: int, batch: int, tmp_path: Path
) -> None:
    """demo draws 64 px, however large its film is; portraits draws any size."""
    keys = [f"scene.model='{model}'", "scene.edits=[]", "frames=1",
            f"outputs=[{{path='x.png', size={size}}}]"]  # fmt: skip
    words = ["render", "hello", *(word for key in keys for word in ("--set", key))]
    done = latty(*words, "--out-dir", ".", home=tmp_path, LATTY_SIDECAR="1")
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "x.png.json").read_text())["batches"] == [[0, batch]]


@pytest.mark.parametrize("name", ["x.png", "x.gif", "x.webp", "x.mp4", "x.webm", "x.jpg", "x.tif",
                                  "x.apng", "f/"])  # fmt: skip
def test_no_recipe_leaves_it_out_of_every_format(name: str, place: Path) -> None:
    keys = f"outputs=[{{path='{name}', size=32}}]"
    words = ["render", "hello", "--set", "frames=2", "--set", keys]
    assert latty(*words, "--out-dir", "with", home=place).returncode == 0
    done = latty(*words, "--out-dir", "without", "--no-recipe", home=place)
    assert done.returncode == 0, done.stderr
    with_one, without = (place / folder / name for folder in ("with", "without"))
    assert provenance.read(with_one)["preset"]
    files = [*without.iterdir()] if without.is_dir() else [without]
    assert files and all(b"latty" not in file.read_bytes() for file in files)
    with pytest.raises(BadData):
        provenance.read(without)


@pytest.mark.slow
def test_a_job_renders_the_content_that_was_there_when_it_was_submitted(place: Path) -> None:
    done = latty("render", "directions.toml", "--detach", "-o", "one.png", "--json", home=place)
    assert done.returncode == 0, done.stderr
    words = json.loads(done.stdout)["words"]
    pins = [word for word in words if word.startswith("--pin=")]
    assert [pin.partition("=")[2].partition("=")[0] for pin in pins] == [
        "model:f", "directions:rnd"
    ]  # fmt: skip
    assert latty("jobs", "watch", json.loads(done.stdout)["id"], home=place).returncode == 0
    other("directions", place)
    refused = latty(*words, "--overwrite", home=place)  # as the job does when it is resumed
    assert refused.returncode == 65
    assert "the direction set 'rnd' is not the one that was pinned (" in refused.stderr


def test_models_of_panels_are_pinned_too(place: Path) -> None:
    file = place / "model.toml"
    file.write_text(file.read_text() + '[[panels]]\n[[panels]]\nmodel = "portraits"\n')
    assert latty("pin", file.name, home=place).returncode == 0
    assert latty("check", file.name, home=place).returncode == 0
    file.write_text(file.read_text().replace('portraits = "c', 'portraits = "d'))
    refused = latty("check", file.name, home=place)
    assert refused.returncode == 65 and "the model 'portraits' is not the one" in refused.stderr
