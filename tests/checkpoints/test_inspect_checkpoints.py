"""`latty inspect` on weights of strangers: what they are and ask for, and never a traceback."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from places import BADFILES, PARITY, ROOT

from latty.checkpoints import open_checkpoint
from latty.cli.kinds import kind
from latty.cli.main import main
from latty.models import open_model, recognition
from latty.models.families.stylegan2.network import StyleGAN2Config, StyleGAN2Network
from latty.models.opening import convert

SMALL = StyleGAN2Config(z_dim=8, w_dim=8, resolution=8, channels=(8, 8), mapping_layers=2)
Captured = pytest.CaptureFixture[str]


def inspected(path: Path, capsys: Captured) -> dict[str, Any]:
    assert main(["inspect", str(path), "--json"]) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


def test_it_says_what_a_checkpoint_holds(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "weights"
    torch.save({"g": {"a": torch.zeros(1)}, "g_ema": StyleGAN2Network(SMALL).state_dict()}, path)
    told = inspected(path, capsys)
    assert (told["kind"], told["family"], told["part"]) == ("torch-zip", "stylegan2", "g_ema")
    assert told["tensors"]["g_ema.synthesis.b4.const"] == "8x4x4"
    assert "torch._utils._rebuild_tensor_v2" in told["globals"] and told["sha256"]
    assert main(["inspect", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.split() == ["family", "stylegan2"] for line in lines)
    assert len(lines) < 60


def test_files_are_known_by_content(tmp_path: Path) -> None:
    signs = {
        **{"gif": b"GIF89a", "png": b"\x89PNG\r\n\x1a\n", "webm": b"\x1a\x45\xdf\xa3"},
        **{"webp": b"RIFF....WEBP", "mp4": b"....ftyp", "toml": b"a = 1"},
    }
    others = (b"", b"<html>", b"\x80\x04\x95", b"PK\x03\x04", b"\0\1\2\3", b"{}", b"a = = 1")
    for name, data in {**signs, **dict.fromkeys(others, b"")}.items():
        path = tmp_path / "x.bin"
        path.write_bytes(data if isinstance(name, str) else name)
        assert kind(path) == (name if isinstance(name, str) else "other")


BROKEN = {
    "html": (b"  <!DOCTYPE html><html>", "web page"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    "empty": (b"", "0 bytes"),
    "gzip": (b"\x1f\x8b\x08", "gunzip"),
    "json": (b'{"error": "gone"}', "gone"),
    "cut": (b"\x80\x04\x95", "cut"),
    "jpeg": (b"\xff\xd8\xff\xe0", "JPEG"),
    "system": (b"cos\nsystem\n(S'true'\ntR.", "os.system"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_bad_files_are_refused_in_one_line(name: str, tmp_path: Path, capsys: Captured) -> None:
    data, words = BROKEN[name]
    path = tmp_path / f"{name}.pkl"
    path.write_bytes(data)
    for flags in ([], ["--json"]):
        assert main(["inspect", str(path), *flags]) == 65
        said = capsys.readouterr()
        assert said.out == "" and said.err.count("\n") == 1
        assert words in said.err and path.name in said.err


def test_verbose_names_all_that_a_refused_file_asks_for(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "x.pkl"
    path.write_bytes(b"\x80\x02cos\nsystem\nq\0cshutil\nrmtree\nq\1.")
    assert main(["inspect", str(path), "-v"]) == 65
    assert "asks for: os.system, shutil.rmtree" in capsys.readouterr().err


def test_nothing_heavy_is_imported(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    torch.save(StyleGAN2Network(SMALL).state_dict(), path)
    code = (
        "import sys; from latty.cli.main import main; code = main(['inspect', sys.argv[1]]);"
        "heavy = {'torch', 'numpy', 'textual'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0 and "stylegan2" in done.stdout, done.stderr


def test_guesses_are_what_opens() -> None:
    if not PARITY.is_dir():
        pytest.skip("no ../shared/parity here")
    files = [p for p in sorted(PARITY.rglob("*")) if p.suffix in (".pkl", ".pt", ".pth", ".bin")]
    for path in files:
        found, model = recognition.recognise(open_checkpoint(path)), convert(path)
        assert found is not None, path.name
        assert (found.family, found.origin) == (model.family, model.meta["origin"]), path.name


def test_the_corpus_of_bad_files(capsys: Captured) -> None:
    if not BADFILES.is_dir():
        pytest.skip("no ../shared/badfiles here")
    manifest = json.loads((BADFILES / "manifest.json").read_text())
    readable = ("ok", "nonfinite", "wrong-shape", "missing-key", "no-model", "negative-variance",
                "unknown-architecture", "unknown-format")  # fmt: skip
    for name, entry in manifest.items():
        if name[0] not in "abcd":
            continue
        code = main(["inspect", str(BADFILES / name)])
        said = capsys.readouterr()
        weights_only = set(entry["expect"].split("|")) & {*readable}
        assert code == 65 or weights_only, f"{name}: {code}"
        assert (said.out == "") == (code == 65) and "Traceback" not in said.err, name


def test_what_opens_is_inspected_without_harm_to_its_neighbours(tmp_path: Path) -> None:
    """Inspecting is read-only: the same file opens afterwards."""
    path = tmp_path / "net.pt"
    torch.save(StyleGAN2Network(SMALL).state_dict(), path)
    before = path.read_bytes()
    assert main(["inspect", str(path), "-q"]) == 0
    assert path.read_bytes() == before and open_model(str(path), "cpu").info.resolution == 8
