"""Writers: one file per format, its name the suffix it writes (`frames` writes a folder)."""

from pathlib import Path
from typing import Any

from core import plugins
from core.presets import Output

FOLDER = "frames"


def writer_of(output: Output) -> tuple[str, Any]:
    """Name and module of the writer that an output's suffix chooses. Raises Missing."""
    name = FOLDER if output.path.endswith("/") else Path(output.path).suffix.lower()[1:]
    return name, plugins.module(__name__, name)
