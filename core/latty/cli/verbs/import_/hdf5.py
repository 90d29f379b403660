"""`latty import` of TL-GAN's sample_z.h5: latents in HDF5."""

from pathlib import Path
from typing import Any

from latty import reading
from latty.attributes import hdf5
from latty.cli import importable
from latty.cli.run import Run
from latty.cli.verbs.import_ import keeping
from latty.directions.importing.base import CODES, Codes, Imported
from latty.errors import BadData
from latty.latents import LATENTS
from latty.models.store import name_for


def is_hdf5(path: Path) -> bool:
    """Whether it is an HDF5 file. Raises OutputError."""
    if not path.is_file():
        return False
    with reading.opened(path) as opened:
        return opened.read(len(hdf5.MAGIC)) == hdf5.MAGIC


def keep(run: Run, path: Path) -> int:
    """TL-GAN's sample_z.h5. Raises Missing without h5py, BadData, UsageError."""
    keeping.refuse(run.args, "latents in HDF5, which are z")
    array = hdf5.array(path, "z")
    if array.ndim != 2 or array.dtype.kind != "f" or 0 in array.shape:
        shape = "x".join(map(str, array.shape))
        raise BadData(f"{path.name} holds {array.dtype} of the shape {shape}", "z is (N, Z) floats")
    model = importable.known_model(run.args.model, "cpu") if run.args.model else None
    if model is not None and model.z_dim != array.shape[1]:
        what = f"{path.name} holds z of {array.shape[1]} numbers"
        raise BadData(what, f"{model.name} takes {model.z_dim}")
    header = Codes("z", *((model.name, model.family, (), model.digest) if model else ()))

    def load() -> Any:
        import torch

        return {CODES: torch.from_numpy(array.astype("float32"))}

    name = run.args.name or name_for(path)
    with LATENTS.claimed(name, run.args.overwrite) as target:
        if "y" in hdf5.shapes(path):
            run.out.say(f"its scores y are left out: latty import {path} --for {name}")
        keeping.keep(run, name, target, Imported(header, array.shape, load, entry="hdf5"), {})
    return 0
