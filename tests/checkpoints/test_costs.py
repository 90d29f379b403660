"""No small file costs more than seconds and a few megabytes, whoever looks at it."""

import tracemalloc
from collections.abc import Callable
from functools import cache
from pathlib import Path

import costly_files
import pytest
import torch
from costs import Cost, cost

from latty.budget import slowness
from latty.checkpoints.safetensors import pieces, read_tensors
from latty.models.families.stylegan2.network import StyleGAN2Config, StyleGAN2Network

Usual = Callable[[str], Cost]
SECONDS, MEBIBYTES = 2.0, 200.0  # above what the same verb takes for a small good file
VERBS = {
    "inspect": ["inspect", "{}"],
    "import": ["import", "{}"],
    "sample": ["sample", "{}", "--seeds", "0", "-o", "out.png"],
}
FAST = ("shared-table.pkl", "tensors.safetensors", "members.pt")
# For verbs that load torch: those that get furthest before they are refused.
FAR = [("import", "scalars.pkl"), ("import", "members.npz"),
       ("sample", "shared-settings.pkl"), ("sample", "tensors.safetensors")]  # fmt: skip


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Usual:
    """verb -> what it costs for a small generator."""
    home = tmp_path_factory.mktemp("usual")
    small = StyleGAN2Config(z_dim=8, w_dim=8, resolution=8, channels=(8, 8), mapping_layers=2)
    torch.save(StyleGAN2Network(small).state_dict(), home / "good.pt")

    @cache
    def of(verb: str) -> Cost:
        done = run(verb, home / "good.pt", home)
        assert done.code == 0, done.err
        return done

    return of


def run(verb: str, path: Path, home: Path) -> Cost:
    return cost([word.format(path) for word in VERBS[verb]], home)


def check(verb: str, name: str, home: Path, usual: Cost) -> None:
    (home / name).write_bytes(costly_files.KINDS[name]())
    done = run(verb, home / name, home)
    asked = done.code == 2 and "--for POOL" in done.err  # read as scores: of which latents?
    assert done.code in (0, 65) or asked, (done.code, done.err)
    assert "Traceback" not in done.err and done.err.count("\n") <= 1
    assert done.seconds - usual.seconds < SECONDS * slowness()
    assert done.peak - usual.peak < MEBIBYTES


@pytest.mark.parametrize("name", FAST)
def test_inspecting_a_costly_file(name: str, tmp_path: Path, usual: Usual) -> None:
    check("inspect", name, tmp_path, usual("inspect"))


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in costly_files.KINDS if name not in FAST])
def test_inspecting_any_costly_file(name: str, tmp_path: Path, usual: Usual) -> None:
    check("inspect", name, tmp_path, usual("inspect"))


@pytest.mark.slow
@pytest.mark.parametrize(("verb", "name"), FAR)
def test_opening_a_costly_file(verb: str, name: str, tmp_path: Path, usual: Usual) -> None:
    check(verb, name, tmp_path, usual(verb))


def test_tensors_that_are_widened_lie_in_memory_one_by_one(tmp_path: Path) -> None:
    """Beside torch's own: of the file, and of one tensor, not of all of them."""
    file = tmp_path / "half.safetensors"
    tensors = {f"t{i}": torch.full((2**16,), i / 16, dtype=torch.float16) for i in range(32)}
    file.write_bytes(b"".join(pieces({}, tensors)))
    tracemalloc.start()
    try:
        found = read_tensors(file)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert all(torch.equal(found[name], one.float()) for name, one in tensors.items())
    assert peak < 1.5 * file.stat().st_size
