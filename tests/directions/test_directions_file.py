"""The direction-set file: what is written comes back, and what is damaged is refused with words."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from toy_generator import Toy

from latty import home
from latty.directions import select
from latty.directions.base import Info
from latty.directions.discovery import save
from latty.directions.file import ARRAY, DirectionSet, read, read_header, write
from latty.directions.opening import find
from latty.directions.registries import METHODS
from latty.directions.store import SETS
from latty.errors import BadData, LattyError, Missing
from latty.scene import Layers

INFOS = (
    Info("smile", 0.5, (-3.0, 2.5), Layers(1, 3), (("corr", 0.97), ("leakage", 0.1))),
    Info("yaw left", 2.0),
)
HEADER = DirectionSet(
    method="tlgan",
    space="w",
    infos=INFOS,
    model="toy",
    family="toy",
    model_digest="toy0",
    params=(("samples", 100), ("link", "tanh"), ("names", ("a", "b")), ("cap", None)),
    seeds="0-99",
    latty="0.1.0",
)
VECTORS = torch.tensor([[1.0, 2, 3, 4, 5], [0, 0, 0, 0, 1]])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "set.safetensors"
    write(path, HEADER, {ARRAY: VECTORS})
    return path


def test_what_is_written_comes_back(file: Path) -> None:
    header, arrays = read(file)
    assert header == HEADER == read_header(file)
    assert torch.equal(arrays[ARRAY], VECTORS)
    assert torch.equal(load_file(file)[ARRAY], VECTORS)  # by the reference reader too


def test_bytes_depend_on_the_contents_only(file: Path, tmp_path: Path) -> None:
    again = tmp_path / "deeper" / "again.safetensors"
    write(again, HEADER, {ARRAY: VECTORS})
    assert again.read_bytes() == file.read_bytes()
    assert [p.name for p in again.parent.iterdir()] == ["again.safetensors"]


def test_half_precision_and_per_layer_matrices(tmp_path: Path) -> None:
    path, matrices = tmp_path / "m.safetensors", torch.randn(2, 4, 5)
    write(path, HEADER, {ARRAY: matrices.half()})
    found = read(path)[1][ARRAY]
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, matrices, atol=2e-3, rtol=2e-3)


def test_a_write_that_fails_leaves_the_old_file(file: Path) -> None:
    before = file.read_bytes()
    with pytest.raises(BadData, match="row 1 is not finite"):
        write(file, HEADER, {ARRAY: torch.stack([VECTORS[0], VECTORS[1] / 0])})
    assert file.read_bytes() == before
    assert [p.name for p in file.parent.iterdir()] == [file.name]


def table_of(path: Path) -> dict[str, Any]:
    length = int.from_bytes(path.read_bytes()[:8], "little")
    container = json.loads(path.read_bytes()[8 : 8 + length])
    found: dict[str, Any] = json.loads(container["__metadata__"]["set"])
    return found


def spoil(path: Path, change: Any, vectors: torch.Tensor = VECTORS) -> None:
    """Rewrite the file with another header; `change` edits the JSON in place."""
    table = table_of(path)
    change(table)
    save_file({ARRAY: vectors}, path, {"kind": "directions", "set": json.dumps(table)})


def put(*keys: Any, value: Any) -> Any:
    def change(table: Any) -> None:
        for key in keys[:-1]:
            table = table[key]
        if value is ...:
            del table[keys[-1]]
        else:
            table[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (put("schema", value=2), "schema 2 is newer"),
        (put("schema", value=0), "never existed"),
        (put("schema", value=True), "schema: must be a whole number, not true"),
        (put("method", value=...), "method: is missing"),
        (put("space", value="v"), "space: must be z, w or activation:LAYER, not text 'v'"),
        (put("form", value="../x"), "form: must be a word, not text '../x'"),
        (put("params", value=[1]), "params: must be a table, not a list"),
        (put("directions", value=[]), "the set is empty"),
        (put("directions", value="smile"), "directions: must be a list"),
        (put("directions", 0, value=7), "directions.0: must be a table, not 7"),
        (
            put("directions", 1, "name", value="smile"),
            "directions: the name 'smile' is there twice",
        ),
        (put("directions", 1, "name", value="a/b"), "'a/b' cannot be a name"),
        (put("directions", 1, "name", value="12"), "'12' cannot be a name"),
        (put("directions", 1, "name", value="\x1b[2J"), "holds the control character"),
        (put("directions", 0, "sigma", value=0), "directions.0.sigma: is 0; it must be above 0"),
        (
            put("directions", 0, "sigma", value=float("nan")),
            "sigma: must be a finite number, not nan",
        ),
        (put("directions", 0, "sigma", value=10**400), "sigma: must be at most"),
        (put("directions", 0, "sigma", value="1"), "sigma: must be a number, not text '1'"),
        (put("directions", 0, "usable", value=[1]), "two rising strengths"),
        (put("directions", 0, "usable", value=[3, -3]), "two rising strengths"),
        (put("directions", 0, "layers", value="5-2"), "ends before it starts"),
        (
            put("directions", 0, "scores", value={"corr": None}),
            "directions.0.scores.corr: must be a number, not nothing",
        ),
    ],
)
def test_bad_headers_are_refused_with_what_and_where(file: Path, change: Any, words: str) -> None:
    spoil(file, change)
    with pytest.raises(BadData, match=words) as caught:
        read_header(file)
    assert caught.value.message.startswith("set.safetensors: ") and caught.value.hint


@pytest.mark.parametrize(
    ("vectors", "words"),
    [
        (VECTORS[:1], "1 vectors for 2 names"),
        (VECTORS[0], "neither"),
        (VECTORS[None, None], "neither"),
        (VECTORS * torch.tensor([[1], [0]]), r"direction 1 \(yaw left\): the vector is all zeros"),
        (VECTORS / 0, "row 0 is not finite"),
        (VECTORS.int(), "no float"),
    ],
)
def test_bad_arrays_are_refused(file: Path, vectors: torch.Tensor, words: str) -> None:
    spoil(file, lambda table: None, vectors)
    with pytest.raises(BadData, match=words):
        read(file)


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    save_file({ARRAY: VECTORS}, path, {"kind": "generator"})
    with pytest.raises(BadData, match="it holds generator, not directions"):
        read_header(path)
    for text in ("", "{", "[" * 100_000):
        save_file({ARRAY: VECTORS}, path, {"kind": "directions", "set": text})
        with pytest.raises(BadData, match="no JSON"):
            read_header(path)
    for content in (b"", b"\x80\x04.", b"\xff" * 64, b"<html>" * 9):
        path.write_bytes(content)
        with pytest.raises(BadData, match=r"x\.safetensors"):
            read_header(path)
    with pytest.raises(Missing):
        read_header(tmp_path / "nothing.safetensors")


def test_a_file_cut_anywhere_is_refused(file: Path) -> None:
    content = file.read_bytes()
    for length in range(0, len(content), 37):
        file.write_bytes(content[:length])
        with pytest.raises(LattyError):
            read(file)


@pytest.fixture
def store(file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LATTY_HOME", str(file.parent / "home"))
    home.directions_dir().mkdir(parents=True)
    file.rename(home.directions_dir() / "mine.safetensors")
    return home.directions_dir() / "mine.safetensors"


def test_found_by_name_by_number_and_by_path(store: Path) -> None:
    toy, refs = Toy(), ("mine/smile", "mine/0", f"{store}#smile", f"{store}#0")
    found = [find(ref, toy) for ref in refs]
    assert {direction.name for direction in found} == {"smile"}
    assert found[0].layers == Layers(1, 3) and found[0].space == "w"
    codes = torch.zeros(2, 4, 5)
    moved = found[0].move(codes, torch.tensor([2.0, -1.0]), toy)
    torch.testing.assert_close(moved[0, 3], VECTORS[0])  # sigma 0.5, strength 2
    torch.testing.assert_close(moved[1, 0], -VECTORS[0] / 2)
    assert find("mine/smile", toy) is found[0]


@pytest.mark.parametrize(
    ("ref", "words", "hint"),
    [
        ("mine/smlie", "no direction 'smlie' in mine", "did you mean 'smile'"),
        ("mine/2", "no direction 2", "0 to 1"),
        ("mien/smile", "no direction set 'mien'", "did you mean 'mine'"),
        ("nowhere.safetensors#0", "no file nowhere.safetensors", "latty list directions"),
        ("yaw left", "names no direction", "write mine/yaw left"),
        ("mine/", "names no direction", "SET/NAME"),
        ("~nobody-here/x#0", "no file '~nobody-here/x'", "check the path"),
        ("x" * 5000 + "#0", "no file 'xxx", "check the path"),
        ("a\0b#0", "a.*b", ""),
    ],
)
def test_unknown_references_name_the_nearest(store: Path, ref: str, words: str, hint: str) -> None:
    with pytest.raises(LattyError, match=words) as caught:
        find(ref, Toy())
    assert hint in caught.value.hint


def test_what_was_found_without_gradients_can_be_used_with_them(store: Path) -> None:
    with torch.inference_mode():
        direction = find("mine/smile", Toy())
    strength = torch.ones(1, requires_grad=True)
    direction.move(torch.zeros(1, 4, 5), strength, Toy()).sum().backward()
    assert strength.grad is not None and strength.grad.item() != 0


def test_a_changed_file_is_read_again(store: Path) -> None:
    toy = Toy()
    before = find("mine/1", toy).move(torch.zeros(1, 4, 5), torch.ones(1), toy)
    write(store, HEADER, {ARRAY: -VECTORS})
    after = find("mine/1", toy).move(torch.zeros(1, 4, 5), torch.ones(1), toy)
    assert torch.equal(before, -after)


def test_another_model_is_refused_by_name_unless_forced(store: Path) -> None:
    other = Toy(digest="ffff")
    with pytest.raises(BadData, match=r"made for toy \(toy, toy0\), this is toy \(toy, ffff\)"):
        find("mine/smile", other)
    assert find("mine/smile", other, foreign=True).name == "smile"
    write(store, HEADER, {ARRAY: torch.randn(2, 7)})
    with pytest.raises(BadData, match=r"shape \(7,\)"):
        find("mine/smile", other, foreign=True)
    write(store, HEADER, {ARRAY: torch.randn(2, 3, 5)})
    with pytest.raises(BadData, match=r"shape \(3, 5\)"):
        find("mine/smile", Toy())


def test_a_set_without_a_digest_fits_its_family(store: Path) -> None:
    write(store, replace(HEADER, model_digest=""), {ARRAY: VECTORS})
    assert find("mine/0", Toy(digest="ffff")).name == "smile"
    write(store, replace(HEADER, model_digest="", family="stylegan9"), {ARRAY: VECTORS})
    with pytest.raises(BadData, match="stylegan9"):
        find("mine/0", Toy())


def test_a_model_without_activations_is_told_so(store: Path) -> None:
    write(store, replace(HEADER, space="activation:b8.conv0"), {ARRAY: VECTORS})
    with pytest.raises(BadData, match=r"layer b8\.conv0; toy has no activations"):
        find("mine/0", Toy())


def test_names_need_neither_torch_nor_numpy(store: Path) -> None:
    words = (
        "import sys; from latty.directions import store as n; print(n.direction_names('mine'),"
        "n.set_info('mine').method, n.resolve('mine/1')[2]);"
        "assert not {'torch', 'numpy', 'safetensors'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["['smile',", "'yaw", "left']", "tlgan", "1"]
    assert "mine" in SETS.names()


def test_a_broken_neighbour_does_not_hide_the_others(store: Path) -> None:
    (store.parent / "broken.safetensors").write_bytes(b"\xff" * 64)
    assert "mine" in SETS.names() and "broken" not in SETS.names()


def test_saving_a_method_keeps_every_parameter(tmp_path: Path) -> None:
    class Guess:
        def __init__(self) -> None:
            self.count, self.kind = 2, "random"
            self.directions_, self.infos_ = VECTORS, INFOS
            self.space_, self.seeds_, self.complete_ = "w", "0-9", False

        def missing(self, generator: object) -> str:
            return ""

        def fit(self, generator: object, report: object = None, work: object = None) -> "Guess":
            return self

    path = tmp_path / "g.safetensors"
    save(path, "random", Guess(), Toy())
    header = read_header(path)
    assert header.params == (("count", 2), ("kind", "random"))
    assert (header.method, header.model_digest, header.seeds) == ("random", "toy0", "0-9")
    assert header.complete is False


def test_a_form_that_a_method_does_not_offer_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that says only how it is opened is opened, but not changed."""
    path = tmp_path / "f.safetensors"
    write(path, replace(HEADER, form="sefa"), {"curves": VECTORS})
    with pytest.raises(BadData, match="the method 'sefa' has no direction for its sets"):
        find(f"{path}#0", Toy())
    method = METHODS.load("sefa")
    monkeypatch.setattr(method, "direction", lambda header, *_: header.infos[0], raising=False)
    assert find(f"{path}#0", Toy()) == HEADER.infos[0]
    with pytest.raises(BadData, match="the method 'sefa' has no ROWS, turned for its sets"):
        select.turned(*read(path), 0)
