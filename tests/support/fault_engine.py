"""An engine on a disk that fails: what the studio has it do to files, as a command line.

`engine NAME KEY=VALUE ...`, values as JSON; HOME in them is latty's own folder.
"""

import builtins
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

from cli_process import environment
from faults import Disk, Done, Fault
from places import LIMIT

from latty import errors, wire


class Engine:
    """Started when it is first asked, and again when it is gone; what it prints goes to `log`."""

    def __init__(self, disk: Disk, log: Path) -> None:
        self.disk, self.log = disk, log
        self._process: subprocess.Popen[bytes] | None = None

    def __call__(self, name: str, *words: str, fault: Fault | None = None) -> Done:
        """One request to its end: exit code 74 and a line where it says so."""
        home = str(self.disk.root / "home")
        pairs = (word.partition("=") for word in words)
        args = {key: json.loads(value.replace("HOME", home)) for key, _, value in pairs}
        process = self._started()
        assert process.stdin
        with self.disk.failing(fault or Fault()) as block:
            process.stdin.write(wire.pack({"id": 1, "op": "call", "name": name, "args": args}))
            process.stdin.flush()
            answer = self._answer(process)
            calls, struck = tuple(self.disk.log()), block.struck
        if answer is None:
            return Done(process.wait(LIMIT), "", "", calls, struck)
        if answer["ok"]:
            return Done(0, str(answer["result"]), "", calls, struck)
        hint = f" ({answer['hint']})" if answer["hint"] else ""
        kind = getattr(errors, answer["kind"], getattr(builtins, answer["kind"], Exception))
        code = 74 if issubclass(kind, OSError) else getattr(kind, "exit_code", 70)
        return Done(code, "", f"latty: {answer['error']}{hint}", calls, struck)

    def _started(self) -> "subprocess.Popen[bytes]":
        if self._process is None or self._process.poll() is not None:
            self.close()
            home = {"LATTY_HOME": str(self.disk.root / "home"), **self.disk.variables}
            self._process = subprocess.Popen(
                [sys.executable, "-m", "latty.jobs.engine", "cpu"],
                env=environment(self.disk.root, **home),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            )
            assert self._answer(self._process, "ready") is not None
        return self._process

    def _answer(self, process: "subprocess.Popen[bytes]", op: str = "") -> dict[str, Any] | None:
        """The next one, or that which says it is `ready`; None where the engine is gone."""
        assert process.stdout
        out: IO[bytes] = process.stdout
        while (message := wire.read(out)) is not None:
            if message.header.get("op", "") == op:
                return message.header
        return None

    def close(self) -> None:
        """End it."""
        process, self._process = self._process, None
        if process is not None:
            assert process.stdin and process.stdout
            process.stdin.close()
            process.stdout.close()
            process.wait(LIMIT)
