"""Runs latty's main function in this process, as cli_process.latty does in one of its own.

Two seconds and more are saved each time (the import of torch). For what a process adds nothing to:
not for signals, exit by os._exit, start-up, or what is imported.
"""

import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import TextIO, cast

import pytest
import torch
from cli_process import environment

from latty.cli.main import main
from latty_tui.__main__ import TerminalScreen


def latty(
    *words: str, home: Path, stdin: str = "", timeout: float = 0, **more: str
) -> subprocess.CompletedProcess[str]:
    """One run, in the folder `home`; `more` are environment variables. `timeout` is that of
    cli_process.latty and means nothing here."""
    with _place(home, environment(home, **more)), ExitStack() as files:
        streams = [files.enter_context(_text_file()) for _ in range(3)]
        streams[0].write(stdin)
        streams[0].seek(0)
        with _streams(*streams):
            try:
                code = main(words, TerminalScreen())
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else int(end.code is not None)
        out, err = (_written(stream) for stream in streams[1:])
    return subprocess.CompletedProcess(words, code, out, err)


def _text_file() -> TextIO:
    """A file with a descriptor, as streams of a process have, in the encoding of a UTF-8 locale."""
    return cast("TextIO", TemporaryFile("w+", encoding="utf-8", newline=""))


def _written(stream: TextIO) -> str:
    """What is in it: bytes that are no UTF-8 as surrogates, see `binary`."""
    stream.flush()
    stream.seek(0)
    return stream.buffer.read().decode("utf-8", "surrogateescape")


def binary(text: str) -> bytes:
    """The bytes of a result that is no text: a film on stdout."""
    return text.encode("utf-8", "surrogateescape")


@contextmanager
def _place(home: Path, variables: dict[str, str]) -> Iterator[None]:
    """The working folder and the environment of a run; what was there is there again after it."""
    before, folder, threads = dict(os.environ), Path.cwd(), torch.get_num_threads()
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(home)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            yield
    finally:
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(before)
        torch.set_num_threads(threads)


@contextmanager
def _streams(stdin: TextIO, stdout: TextIO, stderr: TextIO) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, stream in (("stdin", stdin), ("stdout", stdout), ("stderr", stderr)):
            patch.setattr(sys, name, stream)
        yield
