"""`make gpu` where there is no GPU, and each kind of trouble that a row can have."""

import subprocess
import sys

import pytest
import torch

from benchmarks import gpu as program


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_it_is_one_line_and_another_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main([]) == 69
    out, err = capsys.readouterr()
    assert not out and err.count("\n") == 1 and "no GPU" in err


def test_a_row_that_is_none_is_told_with_those_that_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert program.main(["--rehearse", "films", "kernels"]) == 2
    assert "no row 'kernels'; there are machine, parity, kernel," in capsys.readouterr().err


def test_a_row_that_gets_no_time_is_a_row(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "SECONDS", 3)
    assert program.main(["--rehearse", "download", "films"]) == 1
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in said[1:3]] == ["download", "films"]
    assert all(line.endswith("NO") and "no time was left" in line for line in said[1:3])


def test_a_row_that_breaks_off_says_how(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ways = {
        "crash": 'import os; print(\'["a", "1 ms", "", null]\', flush=True); os.abort()',
        "hang": "import time; time.sleep(60)",
    }
    run = subprocess.run

    def other(words: list[str], **kwargs: object) -> object:
        return run([sys.executable, "-c", ways[words[-1]]], **{**kwargs, "timeout": 2})

    monkeypatch.setattr(program.subprocess, "run", other)
    assert list(program.apart("crash", 9, False)) == [
        ("a", "1 ms", "", None),
        ("crash", "ended with -6: ", "runs", False),
    ]
    [(_, value, _, good)] = program.apart("hang", 9, False)
    assert value.startswith("ended with stopped after 9 s") and good is False


@pytest.mark.slow
@pytest.mark.parametrize("row", ["machine", "parity", "download", "parity_at_size"])
def test_rows_that_need_no_gpu_meet_their_goals(
    row: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program.main(["--rehearse", row]) == 0
    assert len(capsys.readouterr().out.splitlines()) >= 3


@pytest.mark.slow
@pytest.mark.parametrize("row", ["kernel", "graph", "pictures", "films"])
def test_the_other_rows_work(row: str, capsys: pytest.CaptureFixture[str]) -> None:
    program.main(["--rehearse", row])
    found = capsys.readouterr().out
    assert "Error" not in found and "ended with" not in found and "OTHER" not in found
