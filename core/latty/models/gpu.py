"""What a GPU runs beside torch's own operations: kernels of our own, and CUDA graphs.

Each proves itself where it is made, on the GPU that it is made for: what it computes first is
compared with torch's own operations. Where it cannot be had, or is not the same, torch's are taken
for the rest of the process, and `-v` says why, once. The setting `gpu` switches them off.
"""

from latty import config, plugins

GRAPHS, KERNELS = "graphs", "kernels"
FAILED: dict[str, str] = {}  # what this process does without, and why


def allows(what: str) -> bool:
    """Whether the settings want it, and nothing has spoken against it yet."""
    return what not in FAILED and config.load().gpu in (config.AUTO, what)


def do_without(what: str, why: object) -> None:
    """Take torch's own operations from now on."""
    if what not in FAILED:
        FAILED[what] = " ".join(str(why).split())[:300] or type(why).__name__
        plugins.tell_more(f"the GPU does without {what}: {FAILED[what]}")
