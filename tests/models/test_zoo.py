"""The zoo: our own file is whole and honest, and no mistake of a private one passes."""

import json
import re
from pathlib import Path

import pytest

from latty.cli.main import main
from latty.errors import ConfigError, Missing
from latty.models import store, zoo
from latty.models.registries import FAMILIES

GOOD = """\
schema = 1
[sources.us]
title = "Us"
page = "https://example.org/us"
named_in = "README.md"
licence = "CC0"
[models.one]
source = "us"
family = "stylegan2"
resolution = 256
address = "https://example.org/one.pkl"
"""


def read(tmp_path: Path, text: str) -> dict[str, zoo.Entry]:
    (tmp_path / "zoo.toml").write_text(text)
    return zoo.read(tmp_path / "zoo.toml")


def test_our_zoo_names_every_reference_project() -> None:
    entries = zoo.read()
    assert {e.source.title.split()[0] for e in entries.values()} == {
        "NVIDIA", "GANSpace", "WarpedGANSpace", "SeFa", "InterFaceGAN",
        "gan-face-generate"}  # fmt: skip
    families = FAMILIES.names()
    for name, entry in entries.items():
        store.MODELS.check_name(name)
        assert entry.name == name and entry.family in families
        assert entry.resolution & (entry.resolution - 1) == 0 and 32 <= entry.resolution <= 1024
        assert entry.licence and entry.source.page.startswith("https://github.com/")
        assert re.fullmatch(r"[\w.-]+", entry.file) and not entry.file.startswith(".")


def test_an_address_serves_one_model_or_an_archive_of_several() -> None:
    seen: dict[str, zoo.Entry] = {}
    for entry in zoo.read().values():
        other = seen.setdefault(entry.address, entry)
        assert other is entry or (entry.member and entry.member != other.member)
        assert (entry.member is not None) == (".tar" in entry.address and not entry.package)
        assert entry.by_hand == ("mega.nz" in entry.address)


def test_only_published_checksums_are_there() -> None:
    with_sum = {e.name for e in zoo.read().values() if e.sha256}
    assert with_sum == {n for n, e in zoo.read().items() if n.startswith("warped-") or e.package}
    assert "checksum not published" in zoo.read()["ada-ffhq"].what()


def test_a_private_zoo_of_the_same_form_is_read(tmp_path: Path) -> None:
    extra = f'sha256 = "{"a" * 64}"\nsize = 3000000\nlicence = "mine"\n'
    entry = read(tmp_path, GOOD + extra)["one"]
    assert (entry.size, entry.licence, entry.source.licence) == (3000000, "mine", "CC0")
    assert entry.what() == "stylegan2, 256 px, 3 MB, Us; licence: mine"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("schema = 1", "schema = 2", "schema: must be 1"),
        ("schema = 1", "schema = true", "schema: must be 1"),
        ("schema = 1", "schema = 1\nnews = 3", "news: unknown key"),
        ('source = "us"', 'source = "uz"', "models.one.source: no source 'uz'"),
        ('"stylegan2"', '"stylegan9"', "models.one.family: no family 'stylegan9'"),
        ("resolution = 256", "resolution = 0", "models.one.resolution: must be"),
        ("resolution = 256", "resolution = true", "models.one.resolution: must be"),
        ("resolution = 256", 'resolution = 1\nsha265 = ""', "did you mean 'sha256'"),
        ("resolution = 256", 'resolution = 1\nsha256 = "abc"', "64 lower-case"),
        ("resolution = 256", 'resolution = 1\nmember = "../x"', "bare name"),
        ("resolution = 256", 'resolution = 1\nconfig = "config.json"', "http or https"),
        ("resolution = 256", "", "zoo.toml:7:9: models.one.resolution: is missing"),
        ("[models.one]", '[models."../one"]', "zoo.toml:7:9: models.'../one': is no name"),
        ("[models.one]", "[models]\none = 3\n[more]", "more: unknown key"),
        (
            'title = "Us"',
            'title = "U\\u001b[2J"',
            "zoo.toml:3:1: sources.us.title: holds the control character",
        ),
        ('licence = "CC0"', "", "sources.us.licence: is missing"),
        ("https://example.org/one.pkl", "file:///etc/passwd", "http or https"),
        ("https://example.org/one.pkl", "https://me:pw@example.org/one.pkl", "http or https"),
        ("https://example.org/one.pkl", "https://[bad/one.pkl", "http or https"),
        ("https://example.org/one.pkl", "pip:one==1#../x.pt", "or pip:NAME==VERSION#PATH"),
        ("https://example.org/one.pkl", "pip:-r==1#x.pt", "or pip:NAME==VERSION#PATH"),
        ("https://example.org/one.pkl", "pip:one>=1#x.pt", "or pip:NAME==VERSION#PATH"),
        ("https://example.org/one.pkl", "pip:one==1#x.pt", "models.one.sha256: is missing"),
        (
            'address = "https://example.org/one.pkl"',
            'address = "pip:one==1#x.pt"\nmember = "y.pt"',
            "models.one.member: is not for packages",
        ),
        ("schema = 1", "schema = = 1", "zoo.toml:1:10: invalid value"),
        ("[models.one]", "[others.one]", "models: is missing"),
        ("[sources.us]", "[sources]\n[models.us]", "sources: must be a table with something"),
    ],
)
def test_every_mistake_has_its_place(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in GOOD
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, GOOD.replace(old, new, 1))
    assert words in str(caught.value) and "zoo.toml" in str(caught.value)


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    wrong = GOOD.replace("256", "0").replace("stylegan2", "stylegan9").replace('"CC0"', "0")
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, wrong)
    assert [line.split(": ")[1] for line in str(caught.value).splitlines()] == [
        "sources.us.licence", "models.one.family", "models.one.resolution"]  # fmt: skip


def test_what_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no zoo"):
        zoo.read(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="is a folder, no file"):
        zoo.read(tmp_path)
    with pytest.raises(Missing, match="did you mean 'ada-ffhq'"):
        zoo.find("ada-fhq", zoo.read())
    with pytest.raises(Missing, match="latty list models --zoo"):
        zoo.find("qqqqqq", zoo.read())


@pytest.mark.parametrize(
    ("address", "file"),
    [
        ("https://a.b/x/ffhq.pkl?dl=1", "ffhq.pkl"),
        ("https://drive.google.com/uc?id=1", "checkpoint"),
        ("https://a.b/..%2F..%2Fetc.conf", "etc.conf"),
        ("https://a.b/%1b%5b.pt", "pt"),
        ("pip:one==1.0+x#a/b/net.tar", "net.tar"),
        ("https://a.b", "checkpoint"),
    ],
)
def test_the_name_of_a_file_is_safe(tmp_path: Path, address: str, file: str) -> None:
    digest = f'sha256 = "{"a" * 64}"\n'
    entry = read(tmp_path, GOOD.replace("https://example.org/one.pkl", address) + digest)["one"]
    assert entry.file == ("checkpoint" if file == "pt" else file)


def test_list_tells_what_can_be_fetched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["list", "models", "--zoo", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == len(zoo.read()) and not any(row["here"] for row in rows)
    assert {"name", "what", "address", "sha256", "licence", "page", "named_in"} <= {*rows[0]}
    (tmp_path / "my.toml").write_text(GOOD)
    monkeypatch.setenv("LATTY_ZOO", str(tmp_path / "my.toml"))
    assert main(["list", "models", "--zoo"]) == 0
    assert capsys.readouterr().out.startswith("one  stylegan2, 256 px, Us; licence: CC0;")
    assert main(["list", "formats", "--zoo"]) == 2
    monkeypatch.setenv("LATTY_ZOO", str(tmp_path / "none.toml"))
    assert main(["list", "models", "--zoo"]) == 78
