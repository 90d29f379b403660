"""A pipe that is written into while its reader may be asleep."""

import os
import stat
from select import PIPE_BUF, select
from typing import BinaryIO

from latty.render.encoders import TICK
from latty.render.journal import Stopped


class Pipe:
    """A pipe or socket whose reader may be slow, or asleep: who writes waits until the work is
    called off, and no longer. A file on a disk takes all at once."""

    def __init__(self, file: BinaryIO) -> None:
        file.flush()
        self.number, self.stopped = file.fileno(), False
        on_disk = stat.S_ISREG(os.fstat(self.number).st_mode)
        self.most = 2**20 if on_disk else PIPE_BUF  # which blocks nobody once there is room

    def send(self, data: bytes) -> None:
        """Raises BrokenPipeError where nobody reads, Stopped, OSError."""
        left = memoryview(data)
        while left:
            if self.stopped:
                raise Stopped
            if select((), (self.number,), (), TICK)[1]:
                left = left[os.write(self.number, left[: self.most]) :]
