"""Files as the programs of others write them: numpy, pickle and torch write, nothing here loads."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

WIDTH = 16


def unit(seed: int, *shape: int, dtype: type = np.float32) -> Any:
    """Vectors of length 1 along the last axis."""
    array = np.random.RandomState(seed).randn(*shape)
    return (array / np.linalg.norm(array, axis=-1, keepdims=True)).astype(dtype)


def right_angles(seed: int, count: int, width: int, dtype: type = np.float32) -> Any:
    """Rows of length 1 at right angles."""
    return np.linalg.qr(np.random.RandomState(seed).randn(width, count))[0].T.astype(dtype)


def dumped(path: Path, value: Any) -> Path:
    path.write_bytes(pickle.dumps(value, protocol=3))
    return path


def npy(path: Path, array: Any) -> Path:
    np.save(path, array)
    return path


def npz(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


def pt(path: Path, value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(value, path)
    return path


def edit(**changes: Any) -> dict[str, Any]:
    """What GANSpace's viewer exports."""
    return {
        "name": "Light direction",
        "sigma_range": np.float64(-2.8),
        "component_index": 15,
        "act_comp": unit(1, 1, WIDTH),
        "lat_comp": unit(2, 1, WIDTH),
        "latent_space": "W",
        "act_stdev": np.float32(1.5),
        "lat_stdev": np.float32(1.25),
        "model_name": "StyleGAN2",
        "output_class": "ffhq",
        "decomposition": {
            "name": "ipca",
            "components": 80,
            "samples": 1_000_000,
            "layer": "style",
            "class_name": "ffhq",
        },
        "edit_type": "latent",
        "truncation": 0.9,
        "edit_start": 8,
        "edit_end": 9,
        "example_seed": 1941578080,
        **changes,
    }


def basis(in_w: bool = True, count: int = 5) -> dict[str, Any]:
    """The arrays of GANSpace's cache/components."""
    rise = np.linspace(2, 1, count).astype(np.float32)
    return {
        "act_comp": unit(3, count, 1, WIDTH),
        "act_mean": np.zeros((1, WIDTH), np.float32),
        "act_stdev": rise,
        "lat_comp": unit(4, count, 1, WIDTH),
        "lat_mean": np.zeros((1, WIDTH), np.float32),
        "lat_stdev": rise if in_w else np.ones_like(rise),
        "var_ratio": rise / 10,
        "random_stdevs": rise,
    }


def support(paths: int = 3, dipoles: int = 2, width: int = WIDTH) -> dict[str, Any]:
    """WarpedGANSpace's state dict."""
    draw = torch.Generator().manual_seed(0)
    return {
        "SUPPORT_SETS": torch.randn(paths, 2 * dipoles * width, generator=draw),
        "ALPHAS": torch.tensor([1.0, -1.0]).repeat(paths, dipoles),
        "LOGGAMMA": torch.full((paths, 1), -2.0),
    }


def warped_experiment(folder: Path, **settings: Any) -> Path:
    """experiments/complete/EXP as its train.py leaves it."""
    given = {"gan_type": "ProgGAN", "shift_in_w_space": False, "num_support_sets": 3, **settings}
    (folder / "models").mkdir(parents=True)
    (folder / "args.json").write_text(json.dumps(given))
    pt(folder / "models" / "support_sets_init.pt", support(width=4))
    pt(folder / "models" / "support_sets-2000.pt", support(width=5))
    pt(folder / "models" / "support_sets-10000.pt", support(width=6))
    pt(folder / "models" / "support_sets.pt", support())
    pt(folder / "models" / "reconstructor.pt", {"fc.weight": torch.ones(3, 3)})
    checkpoint = {"iter": 5, "support_sets": support(width=7), "reconstructor": {}}
    pt(folder / "models" / "checkpoint.pt", checkpoint)
    return folder


def fc(width: int = WIDTH, inner: int = 8) -> torch.nn.Module:
    """GANLatentDiscovery's LatentDeformator of the kind fc, in torch.nn."""

    class Deformator(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            sizes = [width, inner, inner, inner]
            for i in range(3):
                setattr(self, f"fc{i + 1}", torch.nn.Linear(sizes[i], inner))
                setattr(self, f"bn{i + 1}", torch.nn.BatchNorm1d(inner))
            self.fc4 = torch.nn.Linear(inner, width)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            act = torch.nn.functional.elu
            x1 = self.fc1(x)
            x2 = self.fc2(act(self.bn1(x1)))
            x3 = self.fc3(act(self.bn2(x2 + x1)))
            return self.fc4(act(self.bn3(x3 + x2 + x1))) + x

    torch.manual_seed(1)
    made = Deformator()
    for name, tensor in made.state_dict().items():
        if "running_var" in name:
            tensor.uniform_(0.5, 2)
        elif "running_mean" in name:
            tensor.normal_(0, 0.3)
    return made.eval()


def voynov_experiment(folder: Path, state: dict[str, Any], **settings: Any) -> Path:
    """The output folder of its run_train.py."""
    given = {"gan_type": "StyleGAN2", "deformator": "ortho", "w_shift": True, **settings}
    (folder / "models").mkdir(parents=True)
    (folder / "args.json").write_text(json.dumps(given))
    (folder / "human_annotation.txt").write_text("2: zoom\n0: background / blur\n\nnoise\n")
    pt(folder / "models" / "deformator_0.pt", {"log_mat_half": torch.zeros(3, 3)})
    pt(folder / "models" / "deformator_90000.pt", {"log_mat_half": torch.zeros(3, 3)})
    pt(folder / "models" / "deformator_100000.pt", state)
    pt(folder / "models" / "shift_predictor_100000.pt", {"fc.weight": torch.ones(2, 2)})
    return folder


def pool(folder: Path, count: int = 3, width: int = WIDTH) -> Path:
    """experiments/latent_codes/GAN/POOL."""
    for i in range(count):
        code = torch.from_numpy(np.random.RandomState(i).randn(1, width).astype(np.float32))
        pt(folder / f"{i:040x}" / "latent_code.pt", code)
        (folder / f"{i:040x}" / "image.jpg").write_bytes(b"\xff\xd8\xff")
    return folder


def csv(path: Path, vector: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(", ".join(f"{x:.6f}" for x in vector) + "\n")
    return path


def normal(seed: int, *shape: int) -> Any:
    return np.random.RandomState(seed).randn(*shape).astype(np.float32)


def boundaries(folder: Path) -> Path:
    """Some of InterFaceGAN's, of one model and space."""
    folder.mkdir()
    for i, name in enumerate(("age", "smile", "pose")):
        npy(folder / f"stylegan_ffhq_{name}_w_boundary.npy", unit(i, 1, WIDTH, dtype=np.float64))
    return folder


CELEBA = ["5_o_Clock_Shadow", "Bald", "Eyeglasses", "Smiling", "Young"]

# One file or folder for each format: what writes it at a place, and the importer that knows it.
MAKERS: dict[str, tuple[str, Callable[[Path], Path]]] = {
    "ganspace_pkl": ("edit.pkl", lambda p: dumped(p, edit())),
    "ganspace_npz": ("basis.npz", lambda p: npz(p, **basis())),
    "ganspace_npy": ("smiling.npy", lambda p: npy(p, unit(5, 1, WIDTH))),
    "interfacegan": ("x_boundary.npy", lambda p: npy(p, unit(6, 1, WIDTH, dtype=np.float64))),
    "steerability": (
        "walk.pkl",
        lambda p: dumped(p, {"w_zoom": 1.1 * unit(7, 1, WIDTH)[..., None]}),
    ),
    "warped": ("experiment", warped_experiment),
    "warped_pool": ("pool", pool),
    "plumerault": ("direction.csv", lambda p: csv(p, unit(8, WIDTH))),
    "tlgan": (
        "feature_direction.pkl",
        lambda p: dumped(p, {"direction": unit(9, 5, WIDTH, dtype=np.float64).T, "name": CELEBA}),
    ),
    "voynov": (
        "trained",
        lambda p: voynov_experiment(p, {"log_mat_half": torch.from_numpy(normal(3, 16, 16))}),
    ),
    "sefa": ("pggan_bedroom256_latents.npy", lambda p: npy(p, normal(10, 4, WIDTH))),
    "nvidia_projected": ("projected_w.npz", lambda p: npz(p, w=normal(11, 1, 6, WIDTH))),
    "rosinality": (
        "factor.pt",
        lambda p: pt(p, {"ckpt": "550000.pt", "eigvec": torch.from_numpy(unit(12, 16, 16))}),
    ),
    "directions": ("axes.npy", lambda p: npy(p, right_angles(14, 5, WIDTH))),
    "autolume": ("plan_xcomp.npy", lambda p: npy(p, right_angles(15, 3, WIDTH))),
    "hessian_penalty": (
        "our_goldens_mid.pt",
        lambda p: pt(p, torch.from_numpy(5 * normal(16, 40, 40))),
    ),
    "lowrankgan": (
        "directions_img_00_region_mouth_ffhq_projected.npy",
        lambda p: npy(p, unit(17, 6, WIDTH, dtype=np.float64)),
    ),
    "folder": ("boundaries", boundaries),
    "latents": ("wp.npy", lambda p: npy(p, normal(13, 4, 6, WIDTH))),
}


def made(entry: str, folder: Path) -> Path:
    """The file or folder of a format, in `folder`."""
    folder.mkdir(exist_ok=True)
    name, make = MAKERS[entry]
    return make(folder / name)
