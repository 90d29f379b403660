"""Pictures that are not square, and those of four channels: the author's own, to the last digit."""

import numpy as np
import pytest
import torch
from places import WILD

from latty.checkpoints import open_checkpoint
from latty.models import open_model
from latty.models.recognition import picture_size, recognise

CASES = {"sg2_rect32x64": (3, 32, 64), "sg2_rgba16": (4, 16, 16)}
FLOOR = 1e-5


@pytest.mark.skipif(not WILD.is_dir(), reason="no ../shared/cases/wild here")
@pytest.mark.parametrize("name", CASES)
def test_pictures_are_their_authors(name: str) -> None:
    model = open_model(str(WILD / f"{name}.pt"), "cpu")
    info = model.info
    assert (info.channels, info.height, info.width_px) == CASES[name]
    seen = recognise(open_checkpoint(WILD / f"{name}.pt"))
    assert seen is not None and picture_size(seen) == CASES[name][1:]
    with np.load(WILD / f"{name}_expected.npz") as data:
        z, wanted = torch.from_numpy(data["z"]), data["img"]
    with torch.inference_mode():
        found = model.synthesis(model.mapping(z)).numpy()
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() <= FLOOR * np.abs(wanted).max()
