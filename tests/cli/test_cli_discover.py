"""`latty discover` as people type it: a process, its streams, its exit codes, its files."""

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest
from cli_in_process import latty
from cli_process import COMMAND, environment
from places import LIMIT

FAST = ("--samples", "1024", "--names", "smile,yaw", "--probes", "1", "--layers", "all")


def store(home: Path) -> Path:
    return home / "home" / "data" / "directions"


def test_a_set_is_found_listed_and_used(tmp_path: Path) -> None:
    done = latty("discover", "tlgan", "portraits", *FAST, "-o", "mine", home=tmp_path)
    assert (done.returncode, done.stdout) == (0, "mine\n"), done.stderr
    assert 'direction = "mine/' in done.stderr and "smile" in done.stderr
    assert (store(tmp_path) / "mine.safetensors").is_file()
    listed = latty("list", "directions", "--json", home=tmp_path).stdout
    assert "mine/smile" in [json.loads(line)["name"] for line in listed.splitlines()]
    preset = tmp_path / "p.toml"
    preset.write_text(
        'schema = 1\n[scene]\nmodel = "portraits"\n[[scene.edits]]\ndirection = "mine/smile"\n'
        'strength = 2\n[[outputs]]\npath = "p.png"\nsize = 32\n'
    )
    assert latty("render", "p.toml", home=tmp_path).returncode == 0


def test_json_says_everything(tmp_path: Path) -> None:
    done = latty("discover", "tlgan", "portraits", *FAST, "--json", home=tmp_path)
    told = json.loads(done.stdout)
    assert told["name"] == "portraits-tlgan" and told["complete"] is True
    assert {row["name"] for row in told["directions"]} == {"smile", "yaw"}
    assert Path(told["path"]).is_file() and told["directions"][0]["scores"]["corr"] > 0.5


def test_help_shows_the_parameters_of_a_method(tmp_path: Path) -> None:
    done = latty("discover", "tlgan", "--help", home=tmp_path)
    assert done.returncode == 0
    assert "--ridge X" in done.stdout and "(default: 0.0001)" in done.stdout
    listed = latty("discover", "--help", home=tmp_path).stdout
    assert "ganspace" in listed and "interfacegan" in listed


def test_a_set_without_a_name_gets_one_that_is_free(tmp_path: Path) -> None:
    def search(*words: str) -> tuple[int, str, str]:
        done = latty("discover", "random", "portraits", *words, home=tmp_path)
        return done.returncode, done.stdout.strip(), done.stderr

    code, name, told = search("--samples", "20")  # a set portraits-random ships
    assert (code, name) == (0, "portraits-random-2"), told
    assert "there is another set portraits-random: this one is portraits-random-2" in told
    before = (store(tmp_path) / f"{name}.safetensors").read_bytes()
    assert search("--samples", "21")[:2] == (0, "portraits-random-3")
    code, _, told = search("--samples", "20")  # the same search: its set is not made twice
    assert code == 73 and "portraits-random-2.safetensors is there already" in told
    assert (store(tmp_path) / f"{name}.safetensors").read_bytes() == before
    assert search("--samples", "22", "--force")[:2] == (0, "portraits-random-2")
    code, _, told = search("--samples", "20", "-o", "portraits-random")
    assert code == 2 and "'portraits-random' is a name that ships with latty" in told


def test_mistakes_are_one_line(tmp_path: Path) -> None:
    cases = {
        ("tlgn", "demo"): (66, "did you mean 'tlgan'"),
        ("tlgan", "demmo"): (66, "did you mean 'demo'"),
        ("tlgan", "demo", "--sampels", "3"): (2, "did you mean '--samples'"),
        ("tlgan", "demo", "--samples", "many"): (2, "a whole number"),
        ("tlgan", "demo", "--samples", "5"): (65, "too few"),
        ("tlgan", "demo", "--layers", "some"): (2, "all, best"),
        ("tlgan", "demo", "-o", "a/b.toml"): (2, "is no name"),
        ("ganspace", "portraits", "--layer", "b9", "-o", "mine"): (65, "shows no activations"),
    }
    for words, (code, text) in cases.items():
        done = latty("discover", *words, home=tmp_path)
        assert done.returncode == code, (words, done.stderr)
        assert text in done.stderr and "Traceback" not in done.stderr, (words, done.stderr)
        assert done.stdout == ""
    assert not [*(tmp_path / "home/state/discover").iterdir()], (
        "nothing stays of what did not begin"
    )


WORDS = {  # of the originals, what they are here, and what is said of it
    ("ganspace", "--estimator", "pca"): ({"estimator": "auto"}, "--estimator pca is auto here"),
    ("ganspace", "--estimator", "ipca"): ({"estimator": "sketch"}, "ipca is sketch here"),
    ("ganspace", "--estimator", "fbpca"): ({"estimator": "randomised"}, "is randomised here"),
    ("ganspace", "--layer", "style"): ({"layer": "w", "layers": "all"}, "style is w here"),
    ("ganspace", "--layer", "convs.0"): ({"layer": "b8.conv0"}, "convs.0 is b8.conv0 here"),
    ("ganspace", "--layer", "strided_style.3"): (
        {"layer": "w", "layers": "3"},
        "--layer strided_style.3 is w here, for layers 3",
    ),
    ("ganspace", "--layer", "generator.gen_z"): (None, "demo has no layer 'generator.gen_z'"),
    ("ganspace", "--estimator", "spca"): (None, "there is no 'spca' (its sparsity"),
    ("plumerault", "--transforms", "horizontal_position,zoom"): (
        {"transforms": ["x", "scale"]},
        "mine/x",
    ),
    ("plumerault", "--transforms", "x,horizontal_position"): (None, "one of them twice"),
}
SMALL = {
    "ganspace": ("--samples", "60", "--components", "2"),
    "plumerault": ("--trajectories", "2", "--amounts", "1", "--steps", "1", "--probes", "2"),
}


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_words_of_the_originals_are_understood(words: tuple[str, ...], tmp_path: Path) -> None:
    """Under one name from there on: the set has it, and so has the search that goes on."""
    method, *said = words
    model = "portraits" if method == "plumerault" else "demo"
    done = latty("discover", method, model, *said, *SMALL[method], "-o", "mine", home=tmp_path)
    params, told = WORDS[words]
    assert told in done.stderr and (done.returncode == 0) == (params is not None), done.stderr
    if params is None:
        assert done.stderr.count("\n") == 1 and not done.stdout
        return
    shown = latty("inspect", "mine", "--json", home=tmp_path)
    assert params.items() <= json.loads(shown.stdout)["knows"].items()


def test_a_set_in_the_way_and_force(tmp_path: Path) -> None:
    words = ("discover", "random", "portraits", "-o", "r")
    assert latty(*words, home=tmp_path).returncode == 0
    again = latty(*words, home=tmp_path)
    assert again.returncode == 73 and "--overwrite" in again.stderr
    assert latty(*words, "--force", home=tmp_path).returncode == 0


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_fitted_and_the_same_command_goes_on(tmp_path: Path) -> None:
    words = ("discover", "ganspace", "portraits", "--samples", "400000", "--components", "4")
    process = subprocess.Popen(
        [*COMMAND, *words, "-o", "g", "--progress", "json"],
        cwd=tmp_path,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if json.loads(line)["done"] > 6000:
            break
    process.send_signal(signal.SIGINT)
    begun = time.monotonic()
    out, err = process.communicate(timeout=LIMIT)
    assert process.returncode == 130, err
    assert time.monotonic() - begun < 30
    assert out == "g\n" and "goes on" in err and "Traceback" not in err
    listed = latty("list", "directions", "--json", home=tmp_path).stdout
    assert '"g/c0"' in listed
    done = latty(*words, "-o", "g", home=tmp_path)
    assert done.returncode == 0, done.stderr
    whole = latty(*words, "-o", "h", home=tmp_path)
    assert whole.returncode == 0, whole.stderr
    files = [(store(tmp_path) / f"{name}.safetensors").read_bytes() for name in "gh"]
    assert files[0] == files[1]
