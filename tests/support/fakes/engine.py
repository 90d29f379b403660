"""An engine that answers at once: the protocol of latty.jobs.engine without torch.

A picture is one colour, of the seed, with a stripe per edit. Models are those of MODELS and files
that are there; "broken" cannot be opened, opening "deadly" ends the process, opening slow.onnx
takes ten minutes, so does a picture of seed 600. Directions whose set is "missing" are not there.
What is asked is written down
in the state folder, asked.jsonl.
"""

import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from latty import home, wire
from latty.scene import from_table

SIZE, SIDE = 32, 64  # px of a picture, and of a model's own
PX_256 = {"height": 256, "width_px": 256}
DIGEST = "e2fa8acf9d68c7694dfa4acca3f3ecc5d3ceade320d7c334329fd10ff944a4c0"  # of the real demo


def info(name: str, family: str = "stylegan2", **other: Any) -> dict[str, Any]:
    """What a model is, as the real engine says it."""
    usual = {"channels": 3, "z_dim": 64, "num_layers": 10, "width": 128}
    size = {"height": SIDE, "width_px": SIDE}
    return {"name": name, "family": family, "num_classes": 0, "space": "w", "digest": name * 8,
            **size, **usual, **other}  # fmt: skip


MODELS = {
    "demo": info("demo", digest=DIGEST),
    "portraits": info("portraits", "portraits", z_dim=32, num_layers=4, width=32, **PX_256),
    "flat": info("flat", "progan", num_layers=1, space="z"),
    "zoo": info("zoo", "biggan", num_classes=1000, num_layers=5, space="z"),
}


def answer(header: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    """The header and the payload."""
    op = header["op"]
    if op == "draw":
        return drawn(header)
    if op == "open":
        return opened(str(header["model"])), b""
    if op == "call":
        return {"ok": True, "result": {"called": header["name"], "args": header["args"]}}, b""
    return {"ok": True}, b""


def drawn(header: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    """The pictures side by side, black rows where there is none."""
    tiles, broken = [], {}
    for table in header["scenes"]:
        scene = from_table(table)
        if scene.model == "broken":
            return failed("Missing", "there is no model 'broken'"), b""
        if scene.seed == 600:
            time.sleep(600)
        for edit in scene.edits:
            if edit.direction.startswith("missing/"):
                broken[edit.direction] = f"there is no direction {edit.direction}"
        tiles.append(tile(scene))
    columns = min(header["columns"], len(tiles))
    rows = [tiles[i : i + columns] for i in range(0, len(tiles), columns)]
    lines = b"".join(
        b"".join(t[y] for t in row).ljust(columns * SIZE * 3, b"\0")
        for row in rows
        for y in range(SIZE)
    )
    said = {"width": columns * SIZE, "height": len(rows) * SIZE, "ms": 1.5, "device": "cpu"}
    said["precision"], said["broken"] = "fp32", broken
    return {"ok": True, **said, "memory": None}, lines


def tile(scene: Any) -> list[bytes]:
    """Rows of one picture."""
    seed = scene.seed if isinstance(scene.seed, int) else round(scene.seed.t * 100)
    ground = bytes(((seed * 40 + 90) % 256, (seed * 90 + 60) % 256, 120)) * SIZE
    stripe = [bytes((min(255, int(abs(e.strength) * 40)), 200, 40)) * SIZE for e in scene.edits]
    return [stripe[y // 2] if y // 2 < len(stripe) else ground for y in range(SIZE)]


def opened(ref: str) -> dict[str, Any]:
    if ref == "deadly":
        os._exit(3)
    if Path(ref).name == "slow.onnx":
        time.sleep(600)
    known = MODELS.get(ref) or (info(Path(ref).stem) if Path(ref).is_file() else None)
    if known is None or ref == "broken":
        return failed("Missing", f"there is no model '{ref}'")
    classes = [f"class {i}" for i in range(known["num_classes"])]
    if classes:
        classes[250] = "Siberian husky"
    return {"ok": True, "info": known, "classes": classes, "notes": [], "device": "cpu",
            "activations": ["b4.conv1", "b8.conv0"] if ref == "demo" else []}  # fmt: skip


def failed(kind: str, error: str) -> dict[str, Any]:
    detail = f"Traceback (most recent call last):\n  ...\n{kind}: {error}"
    return {"ok": False, "error": error, "hint": "see: latty list", "kind": kind, "detail": detail}


def main() -> None:
    """Until stdin closes."""
    requests, answers = sys.stdin.buffer, sys.stdout.buffer

    def say(header: dict[str, Any], payload: bytes = b"") -> None:
        answers.write(wire.pack(header, payload))
        answers.flush()

    say({"op": "hello", "pid": os.getpid(), "version": "fake"})
    say({"op": "ready", "ok": True, "device": "cpu", "seconds": 0.0})
    home.state_dir().mkdir(parents=True, exist_ok=True)
    with (home.state_dir() / "asked.jsonl").open("a") as log:
        while (message := wire.read(requests)) is not None:
            log.write(json.dumps(message.header) + "\n")
            log.flush()
            header, payload = answer(message.header)
            say({"id": message.header.get("id"), **header}, payload)


if __name__ == "__main__":
    main()
