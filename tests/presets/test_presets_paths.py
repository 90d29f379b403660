"""Where a preset may write: nowhere but below the output folder."""

import os
import random
from pathlib import Path

import pytest

from latty.errors import BadData, WouldOverwrite
from latty.presets import safe_output

REFUSED = {
    "": "is empty",
    "/etc/passwd.gif": "absolute",
    "//server/share/x.gif": "absolute",
    "C:/x.gif": "drive",
    "c:x.gif": "drive",
    "~/x.gif": "'~'",
    "a/~root/x.gif": "'~'",
    "../x.gif": "'..'",
    "a/../../x.gif": "'..'",
    "a/..": "'..'",
    "a\\..\\x.gif": "backslash",
    "a\0b.gif": "\\x00",
    "a\nb.gif": "\\n",
    "\x1b[2J.gif": "\\x1b",
    "a\u202efig.gif": "\\u202e",
    "a\x9b.gif": "\\x9b",
    "a\u200d.gif": "\\u200d",
    "a\ud800.gif": "\\ud800",
    "nul.gif": "Windows",
    "CON/x.gif": "Windows",
    "com1.tar.gif": "Windows",
    "a?.gif": "not every system",
    "x.gif:stream.gif": "not every system",
    "a./x.gif": "dot or a space",
    "a /x.gif": "dot or a space",
    "x": "no suffix",
    "x.exe": "no suffix",
    ".gif": "no suffix",
    "x.gif.": "dot or a space",
    "x.toml": "overwrite a preset",
    ".": "no suffix",
    "./": "names no folder",
    "a" * 197 + ".gif": "longer than 200",
    "\u00e9" * 99 + ".gif": "longer than 200",
}
TAKEN = ["x.gif", "a/b/x.MP4", "./x.webm", "x y.webp", "a..b.png", "\u732b.gif", "frames/", "a/f/"]


@pytest.mark.parametrize(("name", "why"), REFUSED.items())
def test_refused_and_why(name, why, tmp_path):
    with pytest.raises(BadData) as caught:
        safe_output(name, tmp_path)
    assert why in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", TAKEN)
def test_taken(name, tmp_path):
    assert safe_output(name, tmp_path / "new") == tmp_path / "new" / name


def test_what_is_there_must_be_of_the_same_kind(tmp_path):
    (tmp_path / "x.gif").write_bytes(b"old")
    (tmp_path / "frames").mkdir()
    assert safe_output("x.gif", tmp_path) and safe_output("frames/", tmp_path)
    (tmp_path / "folder.gif").mkdir()
    (tmp_path / "file").write_bytes(b"")
    os.mkfifo(tmp_path / "pipe.gif")
    for name, kind in (("folder.gif", "folder"), ("file/", "file"), ("pipe.gif", "named pipe")):
        with pytest.raises(WouldOverwrite, match=f"is there already, and is a {kind}"):
            safe_output(name, tmp_path)
    with pytest.raises(BadData, match="in a folder that is a file"):
        safe_output("file/x.gif", tmp_path)


def test_a_name_too_long_for_the_system_is_said_to_be(tmp_path):
    for folder in (tmp_path / ("x" * 300), tmp_path.joinpath(*["x" * 200] * 25)):
        with pytest.raises(BadData, match="names that are too long"):
            safe_output("x.gif", folder)


def test_links_must_stay_inside(tmp_path):
    out, outside = tmp_path / "out", tmp_path / "outside"
    (out / "real").mkdir(parents=True)
    outside.mkdir()
    (out / "leak").symlink_to(outside)
    (out / "leak.gif").symlink_to(outside / "x.gif")
    (out / "inner").symlink_to(out / "real")
    (out / "loop.gif").symlink_to(out / "loop.gif")
    (out / "self").symlink_to(out)
    assert safe_output("inner/x.gif", out) and safe_output("self/x.gif", out)
    for name in ("leak/x.gif", "leak/", "leak.gif", "loop.gif", "self/"):
        with pytest.raises(BadData):
            safe_output(name, out)


def test_the_output_folder_itself_may_be_a_link(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "renders").symlink_to(tmp_path / "disk")
    assert safe_output("x.gif", tmp_path / "renders")


def test_a_preset_never_writes_itself(tmp_path):
    preset = tmp_path / "strange.gif"
    preset.write_text("schema = 1")
    with pytest.raises(BadData, match="the preset itself"):
        safe_output("strange.gif", tmp_path, preset)


def test_a_typed_path_goes_where_it_says(tmp_path):
    assert safe_output(f"{tmp_path}/x.gif", Path("renders"), typed=True) == tmp_path / "x.gif"
    assert safe_output("../x.gif", Path("renders"), typed=True) == Path("../x.gif")
    (tmp_path / "folder.gif").mkdir()
    for name in ("x.exe", f"{tmp_path}/folder.gif", "a\x1b.gif", "a\0.gif"):
        with pytest.raises((BadData, WouldOverwrite)):
            safe_output(name, Path("renders"), typed=True)


def test_no_name_of_ten_thousand_leaves_the_folder(tmp_path):
    out = tmp_path / "out"
    (out / "sub").mkdir(parents=True)
    (out / "leak").symlink_to(tmp_path)
    (out / "up").symlink_to("..")
    rng = random.Random(2026)
    parts = ["..", ".", "", "a", "sub", "leak", "up", "~", "C:", "\\", "..\\", "%2e%2e", "nul"]
    parts += ["\u2024\u2024", "\uff0e\uff0e", "a\0", "\x1b", " ", "...", ".. ", "x.gif", "\u202e"]
    root, accepted = os.path.realpath(out), 0
    for _ in range(10_000):
        glue = rng.choice(["/", "/", "/", "//", "\\", ""])
        name = glue.join(rng.choices(parts, k=rng.randrange(1, 6)))
        name += rng.choice([".gif", "/x.gif", "/", ".png", ""])
        try:
            target = safe_output(name, out)
        except BadData as error:
            assert str(error).isprintable()
            continue
        accepted += 1
        assert os.path.realpath(target).startswith(root + os.sep), name
    assert accepted > 100
