"""Every layout and family opens the file of its largest real size, and draws what it should.

The files are thin (two or three channels where they can be), made by tests/support/layout_files.py.
"""

from collections.abc import Callable
from pathlib import Path

import layout_files as files
import pytest
import torch

from latty.checkpoints import open_checkpoint
from latty.models import open_model
from latty.models.recognition import picture_size, recognise
from latty.models.registries import FAMILIES, LAYOUTS, without_file

ENTRIES = [
    *LAYOUTS.names(),
    *(f"family_{one}" for one in FAMILIES.names() if one not in without_file()),
]
SLOW = {"nvidia_stylegan3", "encoders_stylegan3", "family_stylegan3"}  # ten million pixels each
WALKED = [
    pytest.param(one, marks=pytest.mark.slow if one in SLOW else ())
    for one in ENTRIES
    if one not in files.NOT_HERE
]


@pytest.mark.parametrize("entry", WALKED)
@torch.inference_mode()
def test_the_file_of_the_largest_size(entry: str, tmp_path: Path) -> None:
    make: Callable[[Path], files.Made] | None = getattr(files, entry, None)
    assert make, f"'{entry}' has no file of its real size: write tests/support/layout_files.py"
    made = make(tmp_path)
    found = recognise(open_checkpoint(made.file))
    assert found is not None
    assert picture_size(found) == ((made.size, made.size) if _tells(entry) else None)
    model = open_model(str(made.file), "cpu")
    z = model.sample([3])
    label = torch.tensor([1]) if model.info.num_classes else None
    codes = model.mapping(z, label)
    images = model.synthesis(codes, label)
    assert images.shape == (1, model.info.channels, made.size, made.size)
    assert bool(torch.isfinite(images).all()) and float(images.std()) > 1e-3
    if made.wanted is not None:
        wanted = made.wanted.synthesis(made.wanted.mapping(z, label), label)
        scale = float(wanted.abs().max())
        torch.testing.assert_close(images / scale, wanted / scale, atol=2e-5, rtol=0)


def _tells(entry: str) -> bool:
    """Whether an entry says how its tensors tell the size of its pictures."""
    family = entry.removeprefix("family_")
    return bool((LAYOUTS if family == entry else FAMILIES).constant(family, "PICTURE"))


def test_whatever_has_no_such_file_is_an_entry() -> None:
    assert {*files.NOT_HERE} <= {*ENTRIES}
