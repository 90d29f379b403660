"""What stands under the name of a file, and should not be read as one."""

import os
from pathlib import Path


def make(path: Path, kind: str) -> None:
    """Of that kind, or a file that holds these bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "sparse":
        path.touch()
        os.truncate(path, 3 * 2**30)
    elif kind == "deep":
        path.write_text("x = " + "[" * 3000 + "]" * 3000)
    elif kind == "long":
        path.write_text("batch = " + "1" * 5000)
    else:
        path.write_bytes(kind.encode("latin-1"))
