"""FastGAN and Projected GAN draw what torch's own layers draw, at every size that they have."""

from collections.abc import Callable
from pathlib import Path

import family_promises as promises
import pytest
import torch
from fastgan_networks import LATENT, WIDTHS, Network, our_tensors, trained, written
from torch import Tensor

from latty.errors import BadData
from latty.models import open_model
from latty.models.families import fastgan

CPU = torch.device("cpu")
ALL = tuple(WIDTHS)
NETWORKS: dict[str, Callable[[], Network]] = {
    "fastgan 256": lambda: Network(256, 4),
    "fastgan 512": lambda: Network(512, 4),
    "fastgan 1024": lambda: Network(1024, 8),
    "projected 128": lambda: Network(128, 4, ALL, projected=True, more=256),
    "projected 256": lambda: Network(256, 4, ALL, projected=True),
    "projected lite 512": lambda: Network(512, 4, (), projected=True),
    "projected classes 256": lambda: Network(256, 4, ALL, 3, projected=True),
    "projected classes lite 256": lambda: Network(256, 4, (), 3, projected=True),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_pictures_are_those_of_torchs_own_layers(name: str, tmp_path: Path) -> None:
    network = trained(NETWORKS[name]())
    model = open_model(str(written(network, tmp_path)), "cpu")
    assert model.info.family == "fastgan" and model.info.resolution == network.size
    z, classes = model.sample([1]), model.info.num_classes
    label = torch.eye(classes)[[-1]] if classes else None
    noisy = bool(network.twice)
    for seed, noise in ((None, "none"), (0, "const"), (5, 5))[:: 1 if network.size < 512 else 2]:
        wanted = network(z, label, seed)
        ours = model.synthesis(model.mapping(z, label), label, noise=noise)
        limit = 4e-6 * float(wanted.abs().max())
        torch.testing.assert_close(ours, wanted, atol=limit, rtol=0)
    assert noisy == any("noise seeded with 0" in note for note in model.info.notes)


def test_the_average_over_training_is_taken(tmp_path: Path) -> None:
    network, file = trained(Network(256, 4)), tmp_path / "all_100.pth"
    raw = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    average = [p + 0.1 * torch.randn(p.shape) for p in network.parameters()]
    torch.save({"g": raw, "d": {}, "g_ema": average, "opt_g": {"state": {}}}, file)
    for parameter, mean in zip(network.parameters(), average, strict=True):
        parameter.copy_(mean)
    model = open_model(str(file), "cpu")
    z = model.sample([3])
    torch.testing.assert_close(model.synthesis(model.mapping(z), noise=1), network(z, seed=1))
    torch.save({"g": raw, "g_ema": average[1:]}, file)
    with pytest.raises(BadData, match="g_ema"):
        open_model(str(file), "cpu")


NEW = "parametrizations.weight."
FORMS = {  # of spectral norm: what becomes of weight_orig, weight_u, weight_v
    "parametrizations": {
        "weight_orig": f"{NEW}original",
        "weight_u": f"{NEW}0._u",
        "weight_v": f"{NEW}0._v",
    },
    "a wrapper": {"weight_orig": "weight_bar"},
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("classes", [0, 3])
def test_spectral_norm_is_read_by_all_its_names(classes: int, form: str, tmp_path: Path) -> None:
    network = trained(Network(256, 4, ALL, classes, projected=bool(classes)))
    tensors, file = {}, tmp_path / "network.pth"
    for name, tensor in network.state_dict().items():
        layer, _, last = name.rpartition(".")
        tensors[f"{layer}.{FORMS[form].get(last, last)}"] = tensor
    if classes:
        torch.save({"G_ema": {f"synthesis.{name}": t for name, t in tensors.items()}}, file)
    else:
        average = [parameter.detach() for parameter in network.parameters()]
        torch.save({"g": tensors, "g_ema": average}, file)
    model = open_model(str(file), "cpu")
    z, label = model.sample([1]), torch.eye(classes)[[-1]] if classes else None
    wanted = network(z, label)
    ours = model.synthesis(model.mapping(z, label), label, noise="none")
    torch.testing.assert_close(ours, wanted, atol=4e-6 * float(wanted.abs().max()), rtol=0)


@pytest.mark.parametrize("vector", [None, torch.ones(3)])
def test_vectors_that_do_not_fit_their_weight_are_named(
    vector: Tensor | None, tmp_path: Path
) -> None:
    state = trained(Network(256, 4)).state_dict()
    name, file = "feat_16.1.weight_u", tmp_path / "network.pth"
    given = {n: vector if n == name else t for n, t in state.items()}
    torch.save({"g": {n: t for n, t in given.items() if t is not None}}, file)
    with pytest.raises(BadData, match=r"feat_16\.1\.weight_u"):
        open_model(str(file), "cpu")


def test_what_the_file_does_not_say_is_noted(tmp_path: Path) -> None:
    words = {256: ("noise seeded", "stored statistics", "no tanh"), 1024: ("noise", "stored")}
    for size, wanted in words.items():
        network = Network(size, 8)
        network.feat_8["2"].weight.data.fill_(1)
        model = open_model(str(written(network, tmp_path)), "cpu")
        notes = model.info.notes
        assert len(notes) == len(wanted)
        assert all(word in note for word, note in zip(wanted, notes, strict=True))


def small(classes: int = 0) -> dict[str, Tensor]:
    network = trained(Network(64, 4, (8, 32), classes, projected=True))
    return dict(our_tensors(network))


@pytest.mark.parametrize("classes", [0, 3])
@pytest.mark.parametrize(
    "part", ["feat_16.*weight", "feat_8.*bias", "se_64.main.3", "to_big.weight"]
)
def test_a_damaged_tensor_is_named(classes: int, part: str) -> None:
    tensors = small(classes)
    start, _, end = part.partition("*")
    name = next(name for name in tensors if name.startswith(start) and name.endswith(end or name))
    promises.check_damage(fastgan.build, tensors, fastgan.metadata(True, False), name)


def test_a_header_of_another_network_is_refused() -> None:
    for config in ('{"normalised": 1}', '{"tanh": true, "sigmoid": false}'):
        with pytest.raises(BadData, match="none of a FastGAN"):
            fastgan.build(small(), {"config": config}, CPU)


def test_truncation_does_nothing_to_normalised_latents() -> None:
    model = fastgan.build(small(), fastgan.metadata(True, False), CPU)
    z = model.sample([1])
    images = [model.synthesis(model.mapping(z, truncation=psi)) for psi in (1.0, 0.5)]
    torch.testing.assert_close(*images)
    assert z.shape == (1, LATENT)
