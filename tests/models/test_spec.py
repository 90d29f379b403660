"""Plain networks by a spec: what a spec may say, how faults are told, and that it draws the same.

Two generators that others trained lie in ../shared/real, an optional folder beside the checkout.
"""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import small_networks as small
import torch
from places import REAL, ROOT
from safetensors.torch import save_file
from small_families import EVERY, Every
from torch import nn

from latty.checkpoints.refusals import Refusal
from latty.errors import BadData, Missing, PresetError
from latty.models import open_model
from latty.models import spec as models_spec
from latty.models.families import dcgan, plain
from latty.models.latent_generator import Latent
from latty.models.opening import build, convert
from latty.models.recognition import families_of

needs_files = pytest.mark.skipif(not REAL.is_dir(), reason="no ../shared/real here")
GUIDE = ROOT / "docs" / "specs.md"

FACES = """
layers = [
  { kind = "conv_transpose", tensors = "generator_deconv.0.0", kernel = 4, bias = false },
  { kind = "batch_norm", tensors = "generator_deconv.0.1" },
  { kind = "conv", tensors = "generator_deconv.1.0", padding = 1, bias = false },
  { kind = "batch_norm", tensors = "generator_deconv.1.1" },
  { kind = "leaky_relu", slope = 0.2 },
  { kind = "conv_transpose", tensors = "generator_deconv.2.0", stride = 2, padding = 1, bias = false },
  { kind = "batch_norm", tensors = "generator_deconv.2.1" },
  { kind = "leaky_relu", slope = 0.2 },
  { kind = "conv_transpose", tensors = "generator_deconv.3.0", stride = 2, padding = 1, bias = false },
  { kind = "batch_norm", tensors = "generator_deconv.3.1" },
  { kind = "leaky_relu", slope = 0.2 },
  { kind = "conv_transpose", tensors = "generator_deconv.4.0", stride = 2, padding = 1 },
  { kind = "tanh" },
]
[latent]
size = 100
distribution = "uniform"
[image]
channels = 3
size = 32
"""  # noqa: E501 (one layer per line)


def examples() -> list[str]:
    """The TOML blocks of docs/specs.md."""
    return re.findall(r"```toml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)


@needs_files
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("faces32_fletchersarip93/generator.pt", FACES),
        ("mnist_dcgan_ryhan/generator.pth", examples()[0]),
    ],
)
def test_foreign_generators_draw_what_their_own_code_draws(
    name: str, text: str, tmp_path: Path
) -> None:
    spec = tmp_path / "net.toml"
    spec.write_text(text, encoding="utf-8")
    path = REAL / name
    model = build(convert(path, spec), path, "x", small.CPU)
    with np.load(path.with_name("fixture.npz")) as data:
        z, wanted = torch.from_numpy(data["z"]), data["img"]
    with torch.inference_mode():
        ours = model.synthesis(model.mapping(z)).numpy()
    assert model.info.family == "plain" and ours.shape == wanted.shape
    assert np.abs(ours - wanted).max() <= 1e-5


def test_the_guides_examples_are_specs() -> None:
    whole, mlp, classes = examples()
    assert models_spec.parse(whole).ignore == ("critic.",)
    assert models_spec.parse(mlp).layers[-1].shape == (1, 28, 28)
    found = models_spec.parse(f"{mlp}\n{classes}")
    assert found.classes == 10 and found.class_names[3] == "three" and not found.latent_first


def test_the_guide_shows_every_kind_in_its_shortest_form() -> None:
    shown = re.findall(r"`(\{ kind = .*?\})`(?:,| \|)", GUIDE.read_text(encoding="utf-8"))
    head = "latent = { size = 1 }\nimage = { channels = 1, size = 1 }\n"
    found = {models_spec.parse(f"{head}layers = [{one}]").layers[0].kind for one in shown}
    assert found == set(models_spec.KINDS)


def test_a_spec_survives_its_header() -> None:
    for text in (FACES, f"{examples()[1]}\n{examples()[2]}"):
        spec = models_spec.parse(text)
        assert models_spec.of_json(spec.to_json()) == spec


HEAD = "[latent]\nsize = 6\n[image]\nchannels = 3\nsize = 8\n"


def opened(network: nn.Module, text: str) -> Latent:
    meta = {"spec": models_spec.parse(text).to_json()}
    made = small.tensors(network)
    assert "plain" in families_of(small.shapes(made), meta)
    return plain.build(made, meta, small.CPU)


def test_every_kind_of_layer_is_torchs() -> None:
    network = small.shaken(Every())
    model = opened(network, EVERY)
    label, z = torch.tensor([0, 3, 2]), model.sample([1, 2, 3])
    with torch.no_grad():
        wanted = network(z, label) * 2 - 1
    torch.testing.assert_close(model.synthesis(model.mapping(z), label), wanted)
    assert model.activation_names() == ["net.0", "net.3"]
    assert model.activation(model.mapping(z), "net.3", label=label).shape == (3, 6, 4, 4)
    assert model.class_names() == ("a", "b", "c", "d")
    (weight,) = model.layer_weights()
    torch.testing.assert_close(weight, network.net[0].weight.detach()[:, 2:])
    mixed = torch.tensor([[0.5, 0.5, 0.0, 0.0]])
    one = model.synthesis(model.mapping(z[:1]), mixed)
    assert not torch.equal(one, model.synthesis(model.mapping(z[:1]), label[:1]))


def test_classes_without_an_embedding_are_joined_as_they_are() -> None:
    network = nn.Sequential(nn.Linear(8, 192), nn.Tanh())
    text = f"""{HEAD}[classes]\ncount = 2
[[layers]]\nkind = "linear"\ntensors = "0"\n[[layers]]\nkind = "tanh"
[[layers]]\nkind = "reshape"\nshape = [3, 8, 8]"""
    model = opened(small.shaken(network), text)
    z, label = model.sample([1, 2]), torch.tensor([1, 0])
    joined = torch.cat([z, torch.eye(2)[label]], 1)
    with torch.no_grad():
        wanted = network(joined).view(2, 3, 8, 8)
    torch.testing.assert_close(model.synthesis(model.mapping(z), label), wanted)


def test_a_stored_copy_needs_no_spec_beside_it(tmp_path: Path) -> None:
    network, file = small.shaken(Every()), tmp_path / "x.safetensors"
    direct = opened(network, EVERY)
    header = {"kind": "generator", "family": "plain", "spec": models_spec.parse(EVERY).to_json()}
    save_file(small.tensors(network), file, header)
    again = open_model(str(file), "cpu")
    codes = direct.mapping(direct.sample([1]))
    assert again.info.family == "plain"
    assert torch.equal(again.synthesis(codes), direct.synthesis(codes))


def test_a_dcgan_by_a_spec_is_the_dcgan() -> None:
    made = small.tensors(small.shaken(small.DCGAN((6, 5, 3))))
    text = f"""{HEAD}
[[layers]]\nkind = "conv_transpose"\ntensors = "main.0"\nbias = false
[[layers]]\nkind = "batch_norm"\ntensors = "main.1"
[[layers]]\nkind = "relu"
[[layers]]\nkind = "conv_transpose"\ntensors = "main.3"\nstride = 2\npadding = 1\nbias = false
[[layers]]\nkind = "tanh"
"""
    meta = {"spec": models_spec.parse(text).to_json()}
    assert "dcgan" not in families_of(small.shapes(made), meta), (
        "a spec goes before what tensors show"
    )
    ours, known = plain.build(made, meta, small.CPU), dcgan.build(made, {}, small.CPU)
    codes = ours.mapping(ours.sample([1]))
    assert torch.equal(ours.synthesis(codes), known.synthesis(codes))


# --- faults of a spec ----------------------------------------------------------------------------


def test_all_faults_are_told_at_once_with_their_places() -> None:
    text = """lattent = 1
[latent]
size = 0
distribution = "gauss"
[image]
channels = 2
size = 8
[[layers]]
kind = "conv"
tensors = "a"
strid = 2
[[layers]]
kind = "leaky_relu"
[[layers]]
kind = "convolution"
"""
    with pytest.raises(PresetError) as caught:
        models_spec.parse(text, "net.toml")
    told = [(p.line, p.column, p.key) for p in caught.value.problems]
    assert told == [
        (1, 1, "lattent"),
        (3, 1, "latent.size"),
        (4, 1, "latent.distribution"),
        (6, 1, "image.channels"),
        (11, 1, "layers.0.strid"),
        (12, 3, "layers.1.slope"),
        (15, 1, "layers.2.kind"),
    ]
    message = str(caught.value)
    assert "net.toml:11:1: layers.0.strid: unknown key, did you mean 'stride'?" in message
    assert "did you mean 'latent'?" in message and "layers.1.slope: is missing" in message


def test_places_in_inline_tables() -> None:
    text = "latent = { size = -1 }\nimage = { channels = 3, sise = 8 }\nlayers = [\n"
    text += '  { kind = "relu" },\n  { kind = "upsample", factor = 99 },\n]\n'
    with pytest.raises(PresetError) as caught:
        models_spec.parse(text)
    told = [(p.line, p.column, p.key) for p in caught.value.problems]
    assert told == [
        (1, 12, "latent.size"),
        (2, 1, "image.size"),
        (2, 25, "image.sise"),
        (5, 24, "layers.1.factor"),
    ]


def test_a_dotted_key_has_its_place() -> None:
    with pytest.raises(
        PresetError, match=r"s1\.toml:3:7: image\.chanels: unknown key, did you mean"
    ):
        models_spec.parse("schema = 1\nlatent.size = 6\nimage.chanels = 2\n", "s1.toml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "spec:1:1: latent: is missing"),
        ("a = = 1", "spec:1:5: invalid value"),
        ("a = " + "[" * 5000, "nests deeper"),
        ("layers = []", "at least 1 entries"),
        ("layers = [1, 2]", "must be a table"),
        ("schema = 2", "must be 1"),
        ("a = " + "9" * 5000, "thousands of digits"),
        (f"schema = 0x{'f' * 5000}", "must be 1"),
        (
            f"latent = {{ size = 0x{'f' * 5000} }}",
            "1:12: latent.size: must be at most 4096, not a n",
        ),
        ("ignore = 'x'", "must be a list"),
        ("latent = 3", "latent: must be a table"),
        ("'\\u001b[31m' = 1", "\\?\\[31m: unknown key|u001b"),
        (HEAD + "[classes]\ncount = 2\nnames = ['a']", "1 names for 2 classes"),
        (HEAD + "[[layers]]\nkind = 3", "kind: must be one of .*, not 3"),
        (HEAD + "[[layers]]\nkind = 'batch_norm'\ntensors = 'x'\neps = nan", "a finite number"),
        (HEAD + "[[layers]]\nkind = 'conv'\ntensors = 'x'\nstride = true", "a whole number"),
    ],
)
def test_faults(text: str, said: str) -> None:
    with pytest.raises(PresetError, match=said) as caught:
        models_spec.parse(text)
    assert caught.value.exit_code == 65 and "\x1b" not in str(caught.value)


def test_files_that_are_no_specs(tmp_path: Path) -> None:
    with pytest.raises(Missing):
        models_spec.read(tmp_path / "none.toml")
    file = tmp_path / "net.toml"
    file.write_bytes(b"# caf\xe9\n")
    with pytest.raises(PresetError, match="UTF-8"):
        models_spec.read(file)
    file.write_bytes(b"#" * 2**19)
    with pytest.raises(PresetError, match="larger than 256 KiB"):
        models_spec.read(file)
    file.write_bytes(b"\xef\xbb\xbf" + FACES.replace("\n", "\r\n").encode())
    assert models_spec.read(file) == models_spec.parse(FACES)
    for header in ("{", "[]", '{"latent": 1}'):
        with pytest.raises(PresetError):
            models_spec.of_json(header)


# --- faults between a spec and the tensors -------------------------------------------------------

LAYERS = [
    {"kind": "linear", "tensors": "0"},
    {"kind": "tanh"},
    {"kind": "reshape", "shape": [3, 8, 8]},
]


def built(layers: list[dict], **more: object) -> Latent:
    table = {"latent": {"size": 6}, "image": {"channels": 3, "size": 8}, "layers": layers, **more}
    network = nn.Sequential(nn.Linear(6, 192), nn.Linear(192, 2))
    kept = {k: t for k, t in small.tensors(network).items() if k[0] == "0" or more.get("ignore")}
    return plain.build(kept, {"spec": json.dumps(table)}, small.CPU)


def test_what_is_left_out_must_be_named() -> None:
    assert built(LAYERS).info.resolution == 8
    assert built(LAYERS, ignore=["1."]).info.resolution == 8
    with pytest.raises(Refusal, match=r"'1\.weight' is no part") as caught:
        built(LAYERS, ignore=["1.b"])
    assert "ignore" in caught.value.hint


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ([{"kind": "linear", "tensors": "9"}], r"layer 0 \(linear\): tensor '9.weight' is missing"),
        ([LAYERS[0], {"kind": "reshape", "shape": [3, 8, 7]}], "layer 1 .* do not fill 3 x 8 x 7"),
        (LAYERS[:2], "gives 192 x 1 x 1 pictures, the spec says 3 x 8 x 8"),
        ([*LAYERS, {"kind": "upsample"}], "gives 3 x 16 x 16 pictures"),
        ([{"kind": "conv", "tensors": "0"}], r"'0.weight' has the shape \[192, 6\], not"),
        ([*LAYERS, *[{"kind": "upsample", "factor": 8}] * 9], "would give"),
        ([{"kind": "relu"}], "pictures"),
        ([*[{"kind": "upsample", "factor": 8}] * 4, LAYERS[0]], "layer 3 .*would give"),
        ([LAYERS[0], {"kind": "batch_norm", "tensors": "0"}], "running_mean' is missing"),
    ],
)
def test_a_spec_that_does_not_fit_says_in_which_layer(change: list[dict], said: str) -> None:
    with pytest.raises(BadData, match=said):
        built(change)


def test_a_plain_network_needs_its_spec() -> None:
    assert "plain" not in families_of({}, {}) and "plain" not in families_of(
        {}, {"family": "plain"}
    )
    with pytest.raises(BadData, match="spec"):
        plain.build({}, {"family": "plain"}, small.CPU)
