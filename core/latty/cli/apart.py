"""Presets rendered by several processes: each writes its own files, and one does the talking."""

import os
from argparse import Namespace
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from latty.cli import signals, workers
from latty.cli.out import VOICE, Out, Progress
from latty.cli.run import Run
from latty.errors import Missing, UsageError

Said = tuple[str, str, dict[str, Any]]  # "say" or "result", its text, its values
GO_ON = "the same command goes on with the rest"


@dataclass(slots=True)
class Heard(Out):
    """Keeps what is said, for the process that has the terminal."""

    said: list[Said] = field(default_factory=list)

    def result(self, text: str, **value: Any) -> None:
        self.said.append(("result", text, value))

    def say(self, text: str, loudness: int = 0) -> None:
        self.said.append(("say", text, {"loudness": loudness}))


def render(run: Run) -> int:
    """Every preset, in whatever order they end; how many failed. Raises UsageError."""
    from latty.cli.verbs.render import tell_failure
    from latty.jobs.pool import finished
    from latty.models.device import pick_device  # brings torch, while a signal may leave at once

    if "-" in run.args.presets:
        raise UsageError("presets from stdin are not split", "leave --workers, or write a file")
    where, refs, failed = pick_device(run.config().device).type, run.args.presets, 0
    calls = [(vars(run.args), ref, where, str(Path.cwd())) for ref in refs]
    progress = Progress(run.out, "render", GO_ON)
    with signals.cooperative(), workers.pool(run, where) as pool:
        for number, future in finished(pool, apart, calls, progress, "presets"):
            progress.close()
            error = future.exception()
            if isinstance(error, Exception):
                tell_failure(refs[number], run, error)
                failed += 1
            else:
                _repeat(run, future.result())
    progress.close()
    return failed


def _repeat(run: Run, said: list[Said]) -> None:
    for kind, text, values in said:
        getattr(run.out, kind)(text, **values)
        if kind == "result":
            run.show(Path(values["path"]))


def apart(args: dict[str, Any], ref: str, device: str, folder: str) -> list[Said]:
    """In a process of a pool: one preset; what there is to say of it. `folder` is where the command
    was given: on another machine it must be the same shared one."""
    from latty.cli.verbs.render import one

    if not Path(folder).is_dir():
        raise Missing(
            f"a machine of the cluster has no {folder}", "render needs a shared disk there"
        )
    os.chdir(folder)
    VOICE.folder = None  # a job has one voice
    words = Namespace(**{**args, "show": False, "device": device})
    heard = Heard(loudness=-1)  # no progress
    run = Run(words, heard, None)
    one(ref, run, run.config())
    return heard.said
