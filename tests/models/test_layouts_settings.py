"""What the settings of a file decide in every layout, and how much of its input is the latent."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import layout_files as files
import pytest
import small_networks as small
import torch
from cli_in_process import latty
from small_families import stylegan1_tensors, stylegan2_network

from latty.errors import BadData
from latty.models import open_model

SHORT = (3, 3, 2)  # channels: 16 px
WIDTH = 8  # of w
STYLED = ("nvidia", "rosinality", "genforce", "nvidia_tf", "nvidia_tf_stylegan1", "lernapparat",
          "interfacegan", "genforce_stylegan1")  # fmt: skip
ASKS = ("nvidia", "genforce", "lernapparat", "interfacegan", "genforce_stylegan1")


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str, int], Path]:
    """The file of a layout, of 16 px, whose mapping reads so many numbers."""

    def of(layout: str, inputs: int) -> Path:
        first = torch.randn(WIDTH, inputs, generator=torch.Generator().manual_seed(0))
        config = replace(files.SG2, channels=SHORT, resolution=16)
        held = {name: t.clone() for name, t in stylegan2_network(config).state_dict().items()}
        two = {**held, "mapping.fc0.weight": first}
        one = {**stylegan1_tensors(SHORT), "mapping.dense0.weight": first}
        monkeypatch.setattr(files, "THIN", SHORT)
        monkeypatch.setattr(files, "_stylegan2", lambda: (two, None))
        monkeypatch.setattr(files, "stylegan1_tensors", lambda _: one)
        make: Callable[[Path], files.Made] = getattr(files, layout)
        return make(tmp_path).file

    return of


def notes_of(file: Path) -> str:
    return "\n".join(open_model(str(file), "cpu").info.notes)


@pytest.mark.parametrize("layout", STYLED)
def test_a_network_that_lost_its_class_embedding_is_refused(
    layout: str, made: Callable[[str, int], Path]
) -> None:
    with pytest.raises(BadData, match=f"{2 * WIDTH} numbers, {WIDTH} of them a latent"):
        open_model(str(made(layout, 2 * WIDTH)), "cpu")


@pytest.mark.parametrize("layout", ASKS)
def test_a_latent_twice_as_wide_is_one_where_somebody_says_so(
    layout: str, made: Callable[[str, int], Path], tmp_path: Path
) -> None:
    file, home = made(layout, 2 * WIDTH), tmp_path
    refused = latty("import", str(file), "--name", "wide", home=home)
    assert refused.returncode == 65 and f"--set z_dim={2 * WIDTH}" in refused.stderr
    said = ("--set", f"z_dim={2 * WIDTH}")
    done = latty("import", str(file), "--name", "wide", *said, "--json", home=home)
    assert done.returncode == 0, done.stderr
    wrong = latty("import", str(file), "--name", "no", "--set", f"z_dim={WIDTH}", home=home)
    assert wrong.returncode == 65 and f"{WIDTH} of them a latent" in wrong.stderr


@pytest.mark.parametrize("layout", ASKS)
def test_what_is_taken_for_the_latent_is_noted(
    layout: str, made: Callable[[str, int], Path]
) -> None:
    assert "taken for the latent" not in notes_of(made(layout, WIDTH))
    assert "reads 11 numbers: all are taken for the latent" in notes_of(made(layout, 11))


@pytest.mark.parametrize("layout", ["nvidia_tf", "nvidia_tf_stylegan1"])
@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({}, ""),
        ({"fmap_base": 64, "truncation_psi": 1.0}, ""),
        ({"truncation_psi": 0.5}, "its own code draws with truncation 0.5"),
        ({"styles_twice": True}, "does not use: styles_twice"),
    ],
)
def test_arguments_of_a_tensorflow_network_are_used_or_named(
    layout: str,
    said: dict[str, Any],
    words: str,
    made: Callable[[str, int], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write = files._tensorflow
    monkeypatch.setattr(
        files, "_tensorflow", lambda file, nets, kwargs, v: write(file, nets, kwargs | said, v)
    )
    notes = notes_of(made(layout, WIDTH))
    assert words in notes and bool(notes) == bool(words)


@pytest.mark.parametrize("layout", ["nvidia_tf", "nvidia_tf_stylegan1"])
def test_latents_that_are_not_normalised_are_refused(
    layout: str, made: Callable[[str, int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    write, said = files._tensorflow, {"normalize_latents": False}
    monkeypatch.setattr(
        files, "_tensorflow", lambda file, nets, kwargs, v: write(file, nets, kwargs | said, v)
    )
    with pytest.raises(BadData, match="normalize_latents"):
        open_model(str(made(layout, WIDTH)), "cpu")


@pytest.mark.parametrize(
    ("key", "value"), [("demodulate", False), ("noise_type", "channel"), ("mapping_lr_mul", -1)]
)
def test_genforce_refuses_settings_of_other_arithmetic(
    key: str, value: object, made: Callable[[str, int], Path]
) -> None:
    file = made("genforce", WIDTH)
    file.with_name("config.json").write_text(json.dumps({key: value}))
    with pytest.raises(BadData, match=key):
        open_model(str(file), "cpu")


@pytest.mark.parametrize("layout", STYLED)
def test_a_setting_beside_a_file_that_nobody_reads_is_named(
    layout: str, made: Callable[[str, int], Path]
) -> None:
    file = made(layout, WIDTH)
    assert "leaky" not in notes_of(file)
    file.with_name("config.json").write_text(json.dumps({"leaky": 0.1}))
    assert "does not know, and does not use: leaky" in notes_of(file)


def test_a_setting_that_changes_beside_an_open_file_is_seen(tmp_path: Path) -> None:
    file, said = tmp_path / "generator.pt", tmp_path / "args.json"
    torch.save(small.tensors(small.shaken(small.SNGAN())), file)
    drawn = []
    for i, which in enumerate(("", "uniform", "normal", "uniform")):
        if which:
            said.write_text(json.dumps({"distribution": which}))
            os.utime(said, ns=(i, i))  # clocks of file systems may be coarse
        drawn.append(open_model(str(file), "cpu").sample([1]))
    assert torch.equal(drawn[0], drawn[2]) and torch.equal(drawn[1], drawn[3])
    assert not torch.equal(drawn[0], drawn[1])
