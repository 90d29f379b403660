"""`latty inspect` says what the pages say: layers and sizes, figures of directions, other files."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from latty.cli.main import main
from latty.models import open_model

Captured = pytest.CaptureFixture[str]


@pytest.mark.parametrize("model", ["demo"])
def test_layers_and_their_sizes(model: str, capsys: Captured) -> None:
    assert main(["inspect", model, "--layers", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    generator = open_model(model, "cpu")
    codes = generator.mapping(generator.sample([0]))
    assert told["codes"] == list(codes.shape[1:])
    assert [layer["name"] for layer in told["layers"]] == generator.activation_names()
    for layer in told["layers"]:
        assert layer["shape"] == list(generator.activation(codes, layer["name"]).shape[1:])
    assert main(["inspect", model, "--layers"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert len(rows) == len(told["layers"]) and rows[0].split()[0] == told["layers"][0]["name"]


def test_a_model_without_layers_says_so(capsys: Captured) -> None:
    assert main(["inspect", "portraits", "--layers"]) == 0
    said = capsys.readouterr()
    assert "codes of 4 layers, 32 wide; 0 layers to look at" in said.err and not said.out.strip()


def test_figures_of_each_direction(capsys: Captured) -> None:
    assert main(["inspect", "portraits-interfacegan", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["directions"]
    assert {*told} == {"yaw", "smile", "age", "glasses"}
    for figures in told.values():
        assert {"sigma", "usable", "layers", "corr", "effect"} <= {*figures}
    assert main(["inspect", "portraits-ganspace"]) == 0
    assert "variance" in capsys.readouterr().out


def test_what_a_pickle_of_ganspace_holds(tmp_path: Path, capsys: Captured) -> None:
    row = np.zeros((1, 512), np.float32)
    row[0, 3] = 1
    edit = {"name": "smile", "lat_comp": row, "lat_mean": row, "lat_stdev": np.float32(2.5),
            "edit_start": 2, "edit_end": 5, "edit_type": "latent", "sigma_range": 3.0,
            "component_index": 7, "latent_space": "W", "model_name": "StyleGAN2",
            "output_class": "ffhq", "decomposition": {"name": "pca", "layer": "style"}}  # fmt: skip
    (tmp_path / "smile.pkl").write_bytes(pickle.dumps(edit, 2))
    assert main(["inspect", str(tmp_path / "smile.pkl"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["what"] == "Python pickle"
    assert told["format"] == "ganspace_pkl" and told["tensors"]["lat_comp"] == "1x512"
    settings = told["settings"]
    assert settings["decomposition"] == {"name": "pca", "layer": "style"}
    assert (settings["edit_start"], settings["edit_end"], settings["sigma_range"]) == (2, 5, 3.0)
    assert told["directions"]["smile"] | {"layers": "2-4", "sigma": 2.5} == (
        told["directions"]["smile"])  # fmt: skip


def test_a_wrong_layer_gets_the_whole_list(capsys: Captured) -> None:
    assert main(["discover", "ganspace", "demo", "--layer", "b8.conv7"]) == 65
    said, names = capsys.readouterr().err, open_model("demo", "cpu").activation_names()
    assert "did you mean 'b8.conv1'?" in said and ", ".join(names) in said


def test_long_lists_are_cut_but_with_v(capsys: Captured) -> None:
    """Of 82 tensors twelve are shown, and how to see the others."""
    assert main(["inspect", "demo"]) == 0
    short = capsys.readouterr().out
    assert "... 70 more: -v" in short
    assert main(["inspect", "demo", "-v"]) == 0
    whole = capsys.readouterr().out
    assert main(["inspect", "demo", "--json"]) == 0
    tensors = json.loads(capsys.readouterr().out)["tensors"]
    assert len(tensors) == 82 and all(name in whole for name in tensors)
    assert "more" not in whole and set(short.split()) - set(whole.split()) == {
        "...",
        "70",
        "more:",
        "-v",
    }
