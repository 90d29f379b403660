"""The headers of pictures and films, read without what decodes them.

How much of them is read says latty.pictures.BoundedFile.
"""

from typing import BinaryIO


def exactly(file: BinaryIO, size: int) -> bytes:
    """So many bytes of a file. Raises ValueError where it ends before."""
    if len(found := file.read(size)) != size:
        raise ValueError("the file ends too early")
    return found
