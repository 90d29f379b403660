"""The one opener: regular files with a bound, and one line for everything else."""

import os
import socket
from pathlib import Path

import pytest

from latty import reading
from latty.checkpoints import refusals
from latty.errors import BadData, UnfitFile


def pipe(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


def sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, 2**31)


UNFIT = {
    pipe: "is a named pipe, no file",
    device: "is a device, no file",
    listening: "is a socket, no file",
    Path.mkdir: "is a folder, no file",
    sparse: "is larger than 1 MiB",
}


@pytest.mark.parametrize("make", UNFIT, ids=lambda make: make.__name__)
def test_what_is_no_file_of_a_bounded_size_is_refused_in_one_line(
    make: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make(Path("x"))  # type: ignore[operator]
    with pytest.raises(UnfitFile, match=f"^x {UNFIT[make]}$") as refusal:  # type: ignore[index]
        reading.content(Path("x"))
    assert isinstance(refusal.value, OSError) and refusal.value.exit_code == 65


@pytest.mark.parametrize("near", [0, 100])
def test_the_bytes_of_a_file_are_the_same_read_and_mapped(
    near: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "NEAR", near)
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    with reading.opened(path) as file:
        assert file.read(4) == b"0123"
        code = refusals.code_of(file, 10)
    assert bytes(code) == b"0123456789" and code.readonly
    path.write_bytes(b"")  # in place: what is read is kept, and what is mapped not looked at
    assert near == 0 or bytes(code) == b"0123456789"


def test_links_are_followed_and_files_of_proc_are_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\xef\xbb\xbfhere")
    (tmp_path / "link").symlink_to("file")
    assert reading.text(tmp_path / "link") == "here"
    assert reading.content(Path("/proc/self/status")).startswith(b"Name:")
    with pytest.raises(FileNotFoundError):
        reading.content(tmp_path / "none")


@pytest.mark.parametrize(
    ("text", "words"),
    {
        "[" * 3000 + "]" * 3000: "a.json nests deeper than 100 levels",
        '{"a":' * 150 + "1" + "}" * 150: "a.json nests deeper than 100 levels",
        '{"a": "\\ud800"}': "a.json holds text that is no Unicode",
        "1" * 5000: "a.json holds a number of more than 100 digits",
        "1" * 200: "a.json holds a number of more than 100 digits",
        "{\n a": "a.json:2:2: this is no JSON: expecting property name",
        "": "a.json:1:1: this is no JSON: expecting value",
        b"\xff": "a.json holds text that is no Unicode",
    }.items(),
)
def test_a_document_that_no_program_of_ours_writes_is_refused(text: str, words: str) -> None:
    with pytest.raises(BadData) as refusal:
        reading.json_of(text, "a.json")
    assert str(refusal.value).startswith(words)


def test_a_document_is_read() -> None:
    assert reading.json_of(b'\xef\xbb\xbf{"a": [1, 2.5, null, "\xc3\xa9"]}', "") == {
        "a": [1, 2.5, None, "é"]
    }


@pytest.mark.parametrize("text", ["NaN", "-Infinity", '{"a": [1e999]}'])
def test_a_number_that_is_not_finite_is_refused_where_that_is_asked_for(text: str) -> None:
    reading.json_of(text, "a.json")
    with pytest.raises(BadData, match=r"a\.json holds a number that is not finite"):
        reading.json_of(text, "a.json", finite=True)
