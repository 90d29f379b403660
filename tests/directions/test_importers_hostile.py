"""Files of strangers are data: whatever is wrong with one is a line of ours, and nothing is run."""

import os
import pickle
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import importer_files as files
import numpy as np
import pytest
import torch

from latty.cli.main import main
from latty.directions.file import DirectionSet, write
from latty.directions.importing import source
from latty.directions.importing.recognise import look
from latty.directions.importing.sanitise import unique
from latty.directions.registries import IMPORTERS as IMPORTERS_REGISTRY
from latty.errors import BadData, LattyError, Missing

ENTRIES = [name for name in IMPORTERS_REGISTRY.names() if name != "latty"]
FUZZ = int(os.environ.get("LATTY_FUZZ", "12"))  # mutations of each format
Make = Callable[[Path], Path]


def tried(path: Path, wanted: str = "", target: Path | None = None) -> None:
    """All of an import but the store; raises what a user would see."""
    found = look(path, wanted)
    if found is None:
        raise BadData("not recognised")
    arrays = found.load()
    if isinstance(found.header, DirectionSet) and target is not None:
        write(target, found.header, arrays)


class Evil:
    """Asks for a function that would leave a trace."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("entry", ["ganspace_pkl", "tlgan", "steerability", ""])
def test_a_pickle_that_asks_for_code_is_refused(entry: str, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    for value in (files.edit(name=Evil(trace)), [Evil(trace)], {"w_zoom": Evil(trace)}):
        path = files.dumped(tmp_path / "e.pkl", value)
        with pytest.raises(BadData, match="mkdir"):
            tried(path, entry)
    assert not trace.exists()


def test_a_torch_file_that_asks_for_code_is_refused(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    state = {**files.support(), "more": Evil(trace)}
    files.pt(tmp_path / "support_sets.pt", state)
    files.pt(tmp_path / "latent_code.pt", [Evil(trace)])
    for name in ("support_sets.pt", "latent_code.pt", "."):
        with pytest.raises(BadData):
            tried(tmp_path / name)
    assert not trace.exists()


def test_an_array_of_objects_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a_boundary.npy", np.array([Evil(tmp_path / "trace")]), allow_pickle=True)
    with pytest.raises(BadData, match="objects"):
        tried(tmp_path / "a_boundary.npy")
    assert not (tmp_path / "trace").exists()


# --- numbers --------------------------------------------------------------------------------------


def spoilt(array: Any, value: float) -> Any:
    changed = np.array(array)
    changed.flat[3] = value
    return changed


def boundary(array: Any) -> Make:
    return lambda folder: files.npy(folder / "a_boundary.npy", array)


def edit(**changes: Any) -> Make:
    return lambda folder: files.dumped(folder / "e.pkl", files.edit(**changes))


def basis(**changes: Any) -> Make:
    return lambda folder: files.npz(folder / "b.npz", **files.basis() | changes)


def pickled(value: Any) -> Make:
    return lambda folder: files.dumped(folder / "p.pkl", value)


def support(**changes: Any) -> Make:
    return lambda folder: files.pt(folder / "s.pt", files.support() | changes)


def state(name: str, tensor: torch.Tensor) -> Make:
    return lambda folder: files.pt(folder / "d.pt", {name: tensor})


def bent(name: str, tensor: torch.Tensor) -> Make:
    return lambda folder: files.pt(folder / "d.pt", files.fc().state_dict() | {name: tensor})


def mixed(folder: Path) -> Path:
    pool = files.pool(folder / "pool")
    files.pt(pool / "x" / "latent_code.pt", torch.ones(1, 5))
    return pool


UNIT = files.unit(1, 1, 16)
BAD_NUMBERS: dict[str, tuple[str, Make]] = {
    "boundary-nan": ("NaN", boundary(spoilt(UNIT, np.nan))),
    "boundary-inf": ("NaN", boundary(spoilt(UNIT, np.inf))),
    "boundary-zero": ("leads nowhere", boundary(np.zeros((1, 16)))),
    "boundary-huge": ("too large", boundary(np.full((1, 16), 1e300))),
    "boundary-long": ("leads nowhere", boundary(np.full((1, 16), 1e20))),
    "boundary-int": ("no weights", boundary(np.ones((1, 16), int))),
    "edit-nan": ("NaN", edit(lat_comp=spoilt(UNIT, np.nan))),
    "edit-zero": ("all zeros", edit(lat_comp=np.zeros((1, 16), "f4"))),
    "edit-sigma": ("sigma", edit(lat_stdev=np.float32(-1))),
    "edit-nothing": ("lat_comp", edit(lat_comp=None)),
    "edit-text": ("lat_comp", edit(lat_comp="a" * 16)),
    "edit-cube": ("shape", edit(lat_comp=np.ones((2, 3, 4, 5), "f4"))),
    "basis-count": ("5 components", basis(var_ratio=np.ones(4, "f4"))),
    "basis-flat": ("shape", basis(lat_comp=np.ones(16, "f4"))),
    "tlgan-count": ("for 4 names", pickled({"direction": np.ones((16, 5)), "name": ["a"] * 4})),
    "tlgan-names": ("for 0 names", pickled({"direction": np.ones((16, 5)), "name": 3})),
    "walk-shapes": ("one by one", pickled({"w_a": UNIT, "w_b": files.unit(1, 1, 8)})),
    "csv-nan": ("NaN", lambda p: files.csv(p / "direction.csv", [1.0, float("nan"), 2.0])),
    "support-shape": ("do not fit", support(ALPHAS=torch.ones(3, 7))),
    "support-gamma": ("LOGGAMMA", support(LOGGAMMA=torch.ones(2, 1))),
    "support-steep": ("loggamma", support(LOGGAMMA=torch.full((3, 1), 99.0))),
    "support-level": ("no weights", support(ALPHAS=torch.zeros(3, 4))),
    "support-nan": ("NaN", support(ALPHAS=torch.full((3, 4), torch.nan))),
    "ortho-shape": ("log_mat_half", state("log_mat_half", torch.zeros(4, 5))),
    "ortho-huge": ("log_mat_half", state("log_mat_half", 1e30 * torch.randn(6, 6))),
    "linear-shape": ("linear.weight", state("linear.weight", torch.zeros(4))),
    "linear-zero": ("all zeros", state("linear.weight", torch.zeros(4, 5))),
    "fc-shape": ("fc2.weight", bent("fc2.weight", torch.ones(3, 3))),
    "latents-nan": ("NaN", lambda p: files.npy(p / "z.npy", spoilt(UNIT, np.nan))),
    "latents-mixed": ("one by one", mixed),
    "projected": ("shape", lambda p: files.npz(p / "projected_w.npz", w=np.ones((1, 500, 16)))),
}


@pytest.mark.parametrize("name", BAD_NUMBERS)
def test_bad_numbers_are_refused_in_one_line(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words, make = BAD_NUMBERS[name]
    path = make(tmp_path)
    assert main(["import", str(path), "--name", "bad"]) == 65
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1 and "Traceback" not in said.err
    assert words in said.err
    assert not list(Path(os.environ["LATTY_HOME"]).rglob("bad*"))


def test_settings_that_lie(tmp_path: Path) -> None:
    """Odd types where numbers and words are expected."""
    odd: list[Any] = [None, True, "x", [], {}, float("nan"), -(2**70), "9" * 300, {"a": {"b": {}}}]
    for i, value in enumerate(odd):
        keys = ("name", "sigma_range", "edit_start", "edit_end", "latent_space", "model_name",
                "decomposition", "component_index", "output_class", "truncation")  # fmt: skip
        for key in keys:
            path = files.dumped(tmp_path / f"{i}.pkl", files.edit(**{key: value}))
            tried(path, target=tmp_path / "set.safetensors")


def test_a_name_can_be_anything(tmp_path: Path) -> None:
    for name in ("", " ", "12", "#", "/", "a" * 500, "\ud800x", "\u202eevil", "é" * 90, "\0"):
        value = files.edit()
        value["name"] = name
        data = pickle.dumps({**value, "name": "NAME"}, protocol=3)
        try:
            text = name.encode("utf-8")
        except UnicodeEncodeError:
            text = name.encode("utf-8", "surrogatepass")
        old = b"X" + struct.pack("<I", 4) + b"NAME"
        assert data.count(old) == 1
        path = tmp_path / "e.pkl"
        path.write_bytes(data.replace(old, b"X" + struct.pack("<I", len(text)) + text))
        try:
            tried(path, target=tmp_path / "set.safetensors")
        except BadData as error:
            assert "\ud800" in name, error


# --- sizes ----------------------------------------------------------------------------------------


def test_huge_shapes_cost_nothing(tmp_path: Path) -> None:
    """A header that promises terabytes, and stored zeros that would unpack to gigabytes."""
    shape = b"'fortran_order': False, 'shape': (1, 99999999999), }"
    head = b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', " + shape
    (tmp_path / "a_boundary.npy").write_bytes(head.ljust(128) + b"\n" + b"\0" * 64)
    with pytest.raises(BadData):
        tried(tmp_path / "a_boundary.npy")
    many = torch.zeros(1).expand(20_000, 20_000)
    state = {"SUPPORT_SETS": many, "ALPHAS": many, "LOGGAMMA": torch.zeros(20_000, 1)}
    with pytest.raises(BadData):
        tried(files.pt(tmp_path / "s.pt", state))


def test_too_many_directions(tmp_path: Path) -> None:
    matrix = np.ones((4, 5001), np.float32)
    names = [f"n{i}" for i in range(5001)]
    with pytest.raises(BadData, match="5001"):
        tried(files.dumped(tmp_path / "t.pkl", {"direction": matrix, "name": names}))


def test_a_folder_of_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "FILES_LIMIT", 5)
    with pytest.raises(BadData, match="more than 5 files"):
        look(files.pool(tmp_path / "pool", 3))


def test_odd_folders_and_files(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "dangling.csv").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "direction.csv")
    os.mkfifo(tmp_path / "args.json")
    with pytest.raises(BadData):
        tried(tmp_path)
    with pytest.raises(BadData):
        tried(tmp_path / "direction.csv")
    with pytest.raises(Missing):
        look(tmp_path / "nowhere")
    files.pt(tmp_path / "exp" / "models" / "support_sets.pt", files.support())
    (tmp_path / "exp" / "args.json").write_text("{" * 5000)
    tried(tmp_path / "exp")


# --- damage ---------------------------------------------------------------------------------------


def mutated(data: bytes, draw: np.random.RandomState) -> bytes:
    """Some bytes changed, a piece cut out, or the end lost."""
    code, way = bytearray(data), draw.randint(4)
    if way < 2:
        for place in draw.randint(0, len(code), 1 + draw.randint(8)):
            code[place] = draw.randint(256)
    elif way == 2:
        start = draw.randint(len(code))
        del code[start : start + 1 + draw.randint(40)]
    else:
        del code[draw.randint(len(code)) :]
    return bytes(code)


@pytest.mark.parametrize("entry", ENTRIES)
def test_damaged_files_raise_our_errors_only(entry: str, tmp_path: Path) -> None:
    path = files.made(entry, tmp_path)
    inner = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    whole = {file: file.read_bytes() for file in inner}
    draw = np.random.RandomState(sum(entry.encode()))
    for turn in range(FUZZ):
        file = inner[turn % len(inner)]
        file.write_bytes(mutated(whole[file], draw))
        for wanted in ("", entry):
            try:
                tried(path, wanted, tmp_path / "set.safetensors")
            except LattyError as error:
                assert "\n" not in str(error) and str(error).isprintable()
        file.write_bytes(whole[file])


@pytest.mark.parametrize("entry", ENTRIES)
def test_every_importer_refuses_every_other_format_in_our_words(entry: str, tmp_path: Path) -> None:
    for other in ENTRIES:
        path = files.made(other, tmp_path / other)
        try:
            tried(path, entry, tmp_path / "set.safetensors")
        except LattyError as error:
            assert "damaged" not in str(error), f"{entry} on {other}: {error}"


def test_many_names_alike_cost_no_time() -> None:
    begun = time.process_time()
    found = unique(["a", "a-2", "b", *["a"] * 50_000])
    assert found[:5] == ("a", "a-2", "b", "a-3", "a-4") and len({*found}) == 50_003
    assert time.process_time() - begun < 1


def test_a_folder_of_more_directions_than_a_set_holds(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(5000, 4)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    for i in range(20):
        np.save(tmp_path / f"direction{i}.npy", rows)
    begun = time.process_time()
    with pytest.raises(BadData, match="is no shape of directions"):
        look(tmp_path, "folder")
    assert time.process_time() - begun < 5
