"""`latty fetch`: from a server on loopback into the store, killed and interrupted on the way."""

import json
import signal
import subprocess
import tarfile
import threading
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
import torch
from cli_in_process import latty
from cli_process import COMMAND, environment
from loopback import File, Server, page, serving, status
from places import LIMIT
from zoo_files import zoo_text

from latty import home
from latty.checkpoints.safetensors import read_header
from latty.cli.main import main
from latty.models import open_model
from latty.models.families.stylegan2.network import StyleGAN2Config, StyleGAN2Network
from latty.models.store import MODELS

SMALL = StyleGAN2Config(z_dim=8, w_dim=8, resolution=16, channels=(8, 8, 6), mapping_layers=2)
Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A small StyleGAN2, as torch.save writes it."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("made") / "small.pt"
    torch.save({"g_ema": StyleGAN2Network(SMALL).state_dict()}, path)
    return path.read_bytes()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving() as running:
        yield running


@pytest.fixture
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Zoo":
    monkeypatch.setenv("LATTY_ZOO", str(tmp_path / "zoo.toml"))
    return Zoo(tmp_path / "zoo.toml")


class Zoo:
    def __init__(self, file: Path) -> None:
        self.file = file

    def has(self, address: str, more: str = "") -> None:
        self.file.write_text(zoo_text(address) + more)


def run(*words: str, code: int = 0) -> None:
    assert main([*words]) == code


def cached() -> list[str]:
    folder = home.cache_dir() / "zoo" / "small"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_name_becomes_a_model(server: Server, zoo: Zoo, data: bytes, capsys: Captured) -> None:
    digest = sha256(data).hexdigest()
    zoo.has(server.at("/g.pt", File(data)), f'sha256 = "{digest}"\nsize = {len(data)}')
    run("fetch", "small", "--json")
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert (told["name"], told["family"], told["sha256"]) == ("small", "stylegan2", digest)
    assert told["licence"] == "CC0" and told["address"].endswith("/g.pt")
    assert "licence: CC0 (named by Us)" in said.err and "latty sample small" in said.err
    assert "nobody published" not in said.err and " kB in " in said.err
    assert "small" in MODELS.names() and cached() == ["g.pt"]
    card = read_header(home.models_dir() / "small.safetensors").meta
    assert card["license"] == "CC0" and card["address"] == told["address"]
    generator = open_model("small", "cpu")
    with torch.inference_mode():
        codes = generator.mapping(generator.sample([0]))
        assert generator.synthesis(codes).shape == (1, 3, 16, 16)


def test_again_needs_force(server: Server, zoo: Zoo, data: bytes, capsys: Captured) -> None:
    zoo.has(server.at("/g.pt", File(data)))
    run("fetch", "small")
    assert capsys.readouterr().out == "small\n"
    run("fetch", "small", code=73)
    assert len(server.asked) == 1 and "use --overwrite" in capsys.readouterr().err
    run("fetch", "small", "--force")
    assert len(server.asked) == 2
    (home.models_dir() / "small.safetensors").unlink()
    (kept,) = home.cache_dir().rglob("g.pt")
    kept.with_name("g.pt.part.json").write_text("{}")  # it was killed just before its end
    run("fetch", "small")  # from the cache
    assert len(server.asked) == 2 and "in the cache already" in capsys.readouterr().err
    assert cached() == ["g.pt"]


def test_one_file_of_an_archive(server: Server, zoo: Zoo, data: bytes, tmp_path: Path) -> None:
    (tmp_path / "g.pt").write_bytes(data)
    with tarfile.open(tmp_path / "all.tar", "w") as tar:
        tar.add(tmp_path / "g.pt", "models/g.pt")
    packed = (tmp_path / "all.tar").read_bytes()
    digest = sha256(packed).hexdigest()
    zoo.has(server.at("/all.tar", File(packed)), f'sha256 = "{digest}"\nmember = "g.pt"')
    run("fetch", "small")
    assert cached() == ["g.pt"] and "small" in MODELS.names()


def test_settings_come_along(server: Server, zoo: Zoo, data: bytes) -> None:
    config = server.at("/c/x.json", File(b"{}"))
    zoo.has(server.at("/g.pt", File(data)), f'config = "{config}"')
    run("fetch", "small")
    assert cached() == ["config.json", "g.pt"]


@pytest.mark.parametrize(
    ("what", "code", "words"),
    [
        ("gone", 66, "has no such file any more (404)"),
        ("forbidden", 1, "refuses the file (403)"),
        ("page", 65, "sent a Google Drive warning or error page"),
        ("sum", 65, "is not the published one"),
        ("file", 1, "redirects to 'file:///etc/passwd'"),
    ],
)
def test_one_line_and_the_right_code(
    server: Server, zoo: Zoo, data: bytes, capsys: Captured, what: str, code: int, words: str
) -> None:
    answers = {
        "gone": status(404),
        "forbidden": status(403),
        "page": page("<title>Google Drive - Virus scan warning</title>"),
        "sum": File(data),
        "file": status(302, Location="file:///etc/passwd"),
    }
    zoo.has(server.at("/g.pt", answers[what]), f'sha256 = "{"0" * 64}"')
    run("fetch", "small", code=code)
    said = capsys.readouterr()
    assert not said.out and words in said.err.splitlines()[-1] and "Traceback" not in said.err
    assert "g.pt" not in cached() and "small" not in MODELS.names()


def test_the_grammar(zoo: Zoo, capsys: Captured) -> None:
    zoo.has("https://example.org/never-asked", "by_hand = true")
    run("fetch", "smal", code=66)
    assert "did you mean 'small'?" in capsys.readouterr().err
    run("fetch", "small", code=1)
    assert "latty import FILE --name small" in capsys.readouterr().err
    run("fetch", code=2)
    zoo.file.write_text("schema = 3")
    run("fetch", "small", code=78)


def test_a_cut_file_without_checksum_is_not_kept(
    server: Server, zoo: Zoo, data: bytes, capsys: Captured
) -> None:
    zoo.has(server.at("/g.pt", File(data[:-500], silent=True), File(data)))
    run("fetch", "small", code=65)
    assert cached() == [] and "small" not in MODELS.names()
    run("fetch", "small")
    assert "nobody published a checksum" in capsys.readouterr().err


def test_what_cannot_be_opened_is_kept(server: Server, zoo: Zoo, capsys: Captured) -> None:
    zoo.has(server.at("/g.pt", File(b"\x80\x02}q\x00.")))
    run("fetch", "small", code=65)
    assert cached() == ["g.pt"] and "the file is kept: " in capsys.readouterr().err


def begin(folder: Path, server: Server, zoo: Zoo) -> "subprocess.Popen[str]":
    """A run in a process of its own, once 20,000 bytes are there."""
    more = {"LATTY_ZOO": str(zoo.file), "no_proxy": "127.0.0.1"}
    process = subprocess.Popen(
        [*COMMAND, "fetch", "small"],
        cwd=folder,
        env=environment(folder, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    part = folder / "home" / "cache" / "zoo" / "small" / "g.pt.part"
    until = time.monotonic() + 60
    while not part.exists() or part.stat().st_size < 20_000:
        assert time.monotonic() < until and process.poll() is None, process.communicate()
        time.sleep(0.02)
    return process


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_stopped_on_the_way_and_resumed(
    server: Server, zoo: Zoo, data: bytes, tmp_path: Path, number: int
) -> None:
    hold = threading.Event()
    digest = sha256(data).hexdigest()
    stuck = File(data, cut=20_000, hold=hold)
    zoo.has(server.at("/g.pt", stuck, File(data)), f'sha256 = "{digest}"')
    process = begin(tmp_path, server, zoo)
    process.send_signal(number)
    out, err = process.communicate(timeout=LIMIT)
    hold.set()
    assert not out
    if number == signal.SIGKILL:
        assert process.returncode == -9
    else:
        assert process.returncode == 128 + number
        assert err.splitlines()[-1].endswith("the same command goes on from there)"), err
    more = {"LATTY_ZOO": str(zoo.file), "no_proxy": "127.0.0.1"}
    done = latty("fetch", "small", home=tmp_path, **more)
    assert (done.returncode, done.stdout) == (0, "small\n"), done.stderr
    assert server.ranges() == [None, "bytes=20000-"]
