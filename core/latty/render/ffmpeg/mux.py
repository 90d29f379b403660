"""FFmpeg's containers over a Python file, whose errors arrive as what they are: OSError."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import av
from av.container import OutputContainer


class _Sink:
    """A file for FFmpeg that remembers its first error: the one that comes back has no number."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        try:
            return self.file.write(data)
        except OSError as error:
            self.error = self.error or error
            raise

    def seek(self, offset: int, whence: int = 0) -> int:
        """A seek writes what was buffered first. PyAV prints what is raised here and goes on; a
        number below 0 is FFmpeg's word for a failure."""
        try:
            return self.file.seek(offset, whence)
        except OSError as error:
            self.error = self.error or error
            return -1

    def tell(self) -> int:
        return self.file.tell()


@contextmanager
def muxer(path: Path, name: str, options: Mapping[str, str]) -> Iterator[OutputContainer]:
    """An open container of format `name`; closed, with its index written, at the end. Raises
    OSError."""
    with path.open("wb") as file:
        sink = _Sink(file)
        try:
            with av.open(sink, "w", format=name, container_options=dict(options)) as container:
                yield container
        except av.FFmpegError as error:
            raise sink.error or OSError(f"the encoder failed: {error.strerror}") from error
        if sink.error:
            raise sink.error
