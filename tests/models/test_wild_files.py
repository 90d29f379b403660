"""Files of strangers, through the front door: each gives the value that its author's code gives."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from cli_in_process import latty
from places import WILD

from latty.checkpoints import open_checkpoint
from latty.models import open_model

pytestmark = pytest.mark.skipif(not WILD.is_dir(), reason="no ../shared/cases/wild here")
SPEC = """
ignore = ["optimizer_state_dict."]
latent = {{ size = 6 }}
image = {{ channels = 1, size = 8 }}
layers = [
  {{ kind = "linear", tensors = "{name}" }},
  {{ kind = "tanh" }},
  {{ kind = "reshape", shape = [1, 8, 8] }},
]
"""


def drawn(folder: Path, file: str, layer: str) -> None:
    """The file imports with a spec whose layer has that name, and draws tanh(W z + b)."""
    shutil.copy(WILD / file, folder / file)
    (folder / "net.toml").write_text(SPEC.format(name=layer))
    done = latty("import", file, "--spec", "net.toml", "--name", "net", home=folder)
    assert done.returncode == 0, done.stderr
    tensors = open_checkpoint(WILD / file).tensors()
    weight, bias = (
        torch.tensor(next(array for name, array in tensors.items() if name.endswith(f".{last}")))
        for last in ("weight", "bias")
    )
    model = open_model(str(next(folder.rglob("net.safetensors"))), "cpu")
    z = model.sample([0, 1, 2])
    found = model.synthesis(model.mapping(z))
    wanted = torch.tanh(z @ weight.T + bias).reshape(3, 1, 8, 8)
    torch.testing.assert_close(found, wanted, atol=1e-6, rtol=0)


def test_a_whole_module(tmp_path: Path) -> None:
    drawn(tmp_path, "whole_module.pth", "0")


@pytest.mark.parametrize("layer", ["model_state_dict.fc", "fc"])
def test_names_of_the_file_and_of_its_part_in_a_spec(tmp_path: Path, layer: str) -> None:
    drawn(tmp_path, "train_state.pth", layer)


def test_inspect_names_tensors_as_a_spec_may(tmp_path: Path) -> None:
    done = latty("inspect", str(WILD / "train_state.pth"), "--json", home=tmp_path)
    assert "model_state_dict.fc.weight" in json.loads(done.stdout)["tensors"]


def test_hdf5_and_onnx_are_called_by_their_names(tmp_path: Path) -> None:
    (tmp_path / "model.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(64))
    for verb in ("inspect", "import", "sample"):
        done = latty(verb, "model.h5", home=tmp_path)
        assert done.returncode == 65 and "HDF5" in done.stderr, done.stderr
    done = latty("inspect", str(WILD / "generator.onnx"), "--json", home=tmp_path)
    assert "ONNX" in json.loads(done.stdout)["what"]
