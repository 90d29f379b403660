"""In which precision the studio's engine draws: of settings, scenes, and what it remembers."""

from pathlib import Path

import numpy as np
import pytest
import torch
from engine_house import house
from small_families import deep_stylegan2, write_made

from latty.models import open_model
from latty.models.precision import native
from latty.render import pictures, provenance
from latty.scene import BF16, Scene


def drawn(precision: str, scene: Scene) -> np.ndarray:
    """What `latty.render` draws."""
    found = pictures([scene], open_model("demo", "cpu", precision))[0]
    return np.asarray(found)


@pytest.mark.parametrize("wished", ["auto", "bf16"])
def test_previews_are_drawn_as_wished_and_as_scenes_say(tmp_path: Path, wished: str) -> None:
    """`demo` is small, and stays in fp32 where nobody says another."""
    with house(tmp_path, precision=wished) as found:
        for said in ("auto", "bf16"):
            scene = Scene("demo", 4, precision=said)
            shown = found.do(found.engine.draw([scene]))
            assert shown is not None
            precision = "bf16" if "bf16" in (wished, said) else "fp32"
            assert shown.precision == precision
            pixels = np.frombuffer(shown.pixels, np.uint8).reshape(shown.height, shown.width, 3)
            assert (pixels == drawn(precision, scene)).all()


def test_a_picture_that_the_studio_keeps_is_of_the_settings(tmp_path: Path) -> None:
    for wished in ("auto", "bf16"):
        with house(tmp_path, precision=wished) as found:
            args = {"scene": {"model": "demo", "seed": 4}, "stem": wished, "folder": str(tmp_path)}
            file = Path(found.do(found.engine.call("export", **args)))
        said = provenance.read(file)["preset"]["scene"].get("precision")
        assert said == (None if wished == "auto" else "bf16")


@pytest.mark.skipif(BF16 not in native(torch.device("cpu")), reason="bf16 is not native here")
def test_the_quickest_is_measured_when_a_picture_is_there_and_nobody_waits(tmp_path: Path) -> None:
    deep = str(write_made(deep_stylegan2(), tmp_path / "deep.safetensors"))

    def notes() -> list[Path]:
        return [*tmp_path.rglob("precision/*.json")]

    with house(tmp_path) as found:
        found.do(found.engine.open(deep))
        shown = found.do(found.engine.draw([Scene(deep)]))
        assert shown is not None and shown.precision == "fp32" and not notes()
        found.wait(notes)
        shown = found.do(found.engine.draw([Scene(deep, 1)]))
        assert shown is not None and f'"{shown.precision}"' in notes()[0].read_text()
        assert not found.deaths
