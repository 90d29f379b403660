"""Which generators stay open: as many as fit into a share of the memory of their device."""

import os
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from latty.process import give_back_memory

if TYPE_CHECKING:
    import torch

    from latty.models.base import Generator

FEW, MOST = 2, 16  # generators that are kept whatever they take, and at most
SHARE = 0.25  # of the memory of a device
Name = tuple[Path | None, str, "torch.device", str]


def room(device: "torch.device") -> float:
    """Bytes of a device that generators may take up; 0 where the system does not say."""
    if device.type == "cuda":
        import torch

        return float(torch.cuda.mem_get_info(device)[1]) * SHARE
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * SHARE
    except (AttributeError, OSError, ValueError):
        return 0.0


class KeptGenerators:
    """Those that were asked for last. One counts as many bytes as its file has."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[Name, tuple[tuple[int, ...], Generator, int]] = OrderedDict()

    def get(
        self, name: Name, changed: tuple[int, ...], make: "Callable[[], Generator]"
    ) -> "Generator":
        """The generator of that name while its files were `changed` at these times; else a new one
        is made. Raises what `make` does."""
        with self._lock:
            known = self._kept.get(name)
            if known is not None and known[0] == changed:
                self._kept.move_to_end(name)
                return known[1]
        generator = make()
        give_back_memory()  # of what was read of the file: else it lies between the features
        file, _, device, _ = name
        size = file.stat().st_size if file is not None and file.is_file() else 0
        with self._lock:
            self._kept.pop(name, None)
            self._kept[name] = changed, generator, size
            self._drop(device)
        return generator

    def __contains__(self, generator: "Generator") -> bool:
        with self._lock:
            return any(one is generator for _, one, _ in self._kept.values())

    def clear(self) -> None:
        """Let go of all."""
        with self._lock:
            self._kept.clear()

    def _drop(self, device: "torch.device") -> None:
        taken = sum(
            size for (_, _, where, _), (_, _, size) in self._kept.items() if where == device
        )
        most = room(device)
        while len(self._kept) > FEW and (taken > most or len(self._kept) > MOST):
            (_, _, where, _), (_, _, size) = self._kept.popitem(last=False)
            taken -= size if where == device else 0


GENERATORS = KeptGenerators()
