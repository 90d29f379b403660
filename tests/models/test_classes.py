"""Classes by name: a model's own, else ImageNet's, the same in every verb and in presets."""

import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from small_networks import biggan_deep

from latty.cli.main import main
from latty.directions.file import read
from latty.directions.parameters import LABEL, parameters
from latty.directions.registries import METHODS
from latty.directions.store import set_info
from latty.errors import BadData
from latty.models.classes import imagenet, label_of, matching, names_of
from latty.render import picture
from latty.scene import Edit, Label, Scene

Captured = pytest.CaptureFixture[str]
FACTS = {
    0: "tench",
    207: "golden retriever",
    248: "husky",
    281: "tabby",
    287: "lynx",
    340: "zebra",
    388: "giant panda",
    444: "tandem",
    555: "fire truck",
    817: "sports car",
    985: "daisy",
    999: "toilet tissue",
}  # fmt: skip  index and word, ILSVRC 2012


@dataclass(frozen=True)
class Model:
    count: int
    names: tuple[str, ...] = ()

    @property
    def info(self) -> SimpleNamespace:
        return SimpleNamespace(name="net", num_classes=self.count, class_names=self.names)


THOUSAND = Model(1000)
OWN = Model(4, ("cat", "wild cat", "a:b, c", "Dog"))


def test_imagenet_has_a_thousand_names_in_its_order() -> None:
    assert len(imagenet()) == len({*imagenet()}) == 1000
    firsts = [name.split(",")[0] for name in imagenet()]
    assert len({*firsts}) == 1000 and all(name == name.strip() != "" for name in imagenet())
    for index, word in FACTS.items():
        assert word in imagenet()[index]
        assert label_of(word, THOUSAND) == index
        assert label_of(str(index), THOUSAND) == index


@pytest.mark.parametrize("index", range(0, 1000, 37))
def test_every_name_finds_its_class(index: int) -> None:
    assert label_of(imagenet()[index], THOUSAND) == index
    for part in imagenet()[index].split(", "):
        assert index in matching(part, imagenet())


def test_mixtures_and_own_names() -> None:
    assert label_of("husky:0.7, lynx:0.3", THOUSAND) == ((248, 0.7), (287, 0.3))
    assert label_of("husky=0.7,287=0.3", THOUSAND) == ((248, 0.7), (287, 0.3))
    assert label_of("3:1", THOUSAND) == 3 and label_of("zebra,lynx", THOUSAND) == (
        (340, 1.0), (287, 1.0))  # fmt: skip
    assert names_of(OWN) == OWN.names and names_of(Model(7)) == ()
    assert label_of("cat", OWN) == 0 and label_of("wild", OWN) == 1 and label_of("dog", OWN) == 3
    assert label_of("a:b, c", OWN) == 2


@pytest.mark.parametrize(
    ("model", "text", "words"),
    [
        (THOUSAND, "zebbra", "did you mean 'zebra'"),
        (THOUSAND, "qqqqq", "latty classes net"),
        (THOUSAND, "terrier", "may mean [0-9]+ classes of net.*Border terrier"),
        (THOUSAND, "crane", "134 crane bird, crane, 517 crane"),
        (THOUSAND, "1000", "classes 0 to 999"),
        (THOUSAND, "husky:x", "no class 'husky:x'"),
        (THOUSAND, "husky:1e999", "no weight"),
        (THOUSAND, "", "no class ''"),
        (OWN, "bird", "there is: cat, wild cat, a:b, c, Dog"),
        (OWN, "4", "classes 0 to 3"),
        (Model(7), "cat", "give an index"),
        (Model(0), "cat", "knows no classes"),
    ],
)
def test_what_is_no_class_is_one_line(model: Model, text: str, words: str) -> None:
    with pytest.raises(BadData, match=words) as caught:
        label_of(text, model)
    assert "\n" not in str(caught.value)


# --- the front door -------------------------------------------------------------------------------


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A small BigGAN-deep whose settings name its classes."""
    monkeypatch.chdir(tmp_path)
    tensors = biggan_deep()
    count = tensors["embeddings.weight"].shape[1]
    torch.save(tensors, tmp_path / "pytorch_model.bin")
    names = ["red fox", "fox terrier", *(f"thing {i}" for i in range(2, count))]
    (tmp_path / "config.json").write_text(json.dumps({"class_names": names}))
    assert main(["import", "pytorch_model.bin", "--name", "net"]) == 0
    return "net"


def test_names_in_every_verb(model: str, capsys: Captured, tmp_path: Path) -> None:
    capsys.readouterr()
    assert main(["classes", model, "fox", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert rows == [{"index": 0, "name": "red fox"}, {"index": 1, "name": "fox terrier"}]
    assert main(["classes", model, "wolf"]) == 65
    draw = ["sample", model, "--seeds", "3", "--force"]
    pictures = {}
    for label in ("0", "red fox", "red", "1", "red fox:0.5,terrier:0.5", "0=0.5,1=0.5"):
        assert main([*draw, "--label", label, "-o", "s.png"]) == 0
        pictures[label] = (tmp_path / "s.png").read_bytes()
    from PIL import Image

    def pixels(label: str) -> bytes:
        (tmp_path / "one.png").write_bytes(pictures[label])
        with Image.open(tmp_path / "one.png") as picture:
            return picture.tobytes()

    assert pixels("0") == pixels("red fox") == pixels("red") != pixels("1")
    assert pixels("red fox:0.5,terrier:0.5") == pixels("0=0.5,1=0.5") != pixels("0")
    capsys.readouterr()
    assert main([*draw, "--label", "fox", "-o", "s.png"]) == 2
    assert "0 red fox, 1 fox terrier" in capsys.readouterr().err


SHORT = {
    "random": "--samples 20 --components 2",
    "sefa": "--samples 20 --components 2",
    "ganspace": "--samples 40 --components 2 --layer block1",
    "interfacegan": "--scorer colour --names red --samples 200",
    "tlgan": "--scorer colour --samples 1024",
    "ascent": "--scorer colour --names red --samples 200 --probes 2 --steps 2",
    "plumerault": "--transforms brightness --trajectories 4 --rounds 1 --steps 2 --probes 4",
    "voynov": "--directions 2 --iterations 2 --batch 2 --probes 2 --size 16",
    "warped": "--paths 2 --dipoles 2 --iterations 2 --batch 2 --probes 2 --size 16",
}
LONG = ("ascent", "plumerault", "tlgan", "voynov", "warped")
MIXED = ((0, 0.5), (1, 0.5))


def discover(method: str, model: str, *more: str) -> int:
    return main(["discover", method, model, *SHORT[method].split(), *more])


@pytest.mark.parametrize("method", [
    pytest.param(name, marks=[pytest.mark.slow] if name in LONG else [])
    for name in METHODS.names()])  # fmt: skip
def test_every_method_takes_a_class_by_name_and_a_mixture(
    method: str, model: str, capsys: Captured
) -> None:
    if LABEL not in [one.name for one in parameters(method)]:
        pytest.skip(f"{method} draws no class")
    for label, name in (("0", "a"), ("red fox", "b"), ("red:0.5,terrier:0.5", "c")):
        code = discover(method, model, "--label", label, "-o", f"{name}.safetensors")
        assert code == 0, capsys.readouterr().err
    (a, first), (b, second), (c, third) = (read(Path(f"{name}.safetensors")) for name in "abc")
    assert (a.label, b.label, c.label) == (0, 0, MIXED)
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert a.infos == b.infos
    same = a.infos == c.infos and all(torch.equal(first[key], third[key]) for key in first)
    assert same == (method in ("random", "sefa"))  # codes of this family know no class


@pytest.mark.slow
def test_a_set_remembers_its_class(model: str, capsys: Captured) -> None:
    rank = ["--scorers", "colour", "--seeds", "0-1", "--steps", "3", "--json", "--force",
            "--baseline", "0"]  # fmt: skip
    for label, kept in (("terrier", 1), ("red:0.5,terrier:0.5", MIXED)):
        assert discover("random", model, "--label", label, "-o", "set", "--force") == 0
        assert set_info("set").label == kept
        rows = []
        capsys.readouterr()
        for more in ([], ["--label", label], ["--label", "thing 2"]):
            assert main(["rank", "set", *rank, *more]) == 0
            rows.append(json.loads(capsys.readouterr().out)["rows"])
        assert rows[0] == rows[1] != rows[2]
    assert main(["discover", "random", model, "--label", "red:0.5,wolf:0.5", "-o", "x"]) == 2
    assert "no class 'wolf'" in capsys.readouterr().err


def test_a_scene_without_a_class_has_that_of_its_sets(model: str, capsys: Captured) -> None:
    """In renders and previews alike; and where the sets do not agree, none is assumed."""
    for name, label in (("one", "terrier"), ("same", "1"), ("other", "0")):
        assert discover("random", model, "--label", label, "-o", name) == 0
    assert discover("random", model, "-o", "plain") == 0

    def drawn(label: Label, *sets: str) -> bytes:
        edits = tuple(Edit(f"{name}/r0", 1.0) for name in sets)
        return picture(Scene(model, 3, label=label, edits=edits), "cpu").tobytes()

    assert drawn(None, "one") == drawn(1, "one") == drawn("terrier", "one") != drawn(0, "one")
    assert drawn(None, "one", "same") == drawn(1, "one", "same")
    assert drawn(None, "other") == drawn(0, "other")
    assert drawn(None, "one", "other") == drawn(0, "one", "other")  # class 0 where nobody says
    assert drawn(None, "one", "plain") == drawn(0, "one", "plain")
    Path("p.toml").write_text(
        'schema = 1\nname = "p"\nframes = 1\n[scene]\nmodel = "net"\n'
        '[[scene.edits]]\ndirection = "one/r0"\n[[outputs]]\npath = "p.png"\n'
    )
    capsys.readouterr()
    assert main(["render", "p.toml", "--out-dir", "."]) == 0
    assert "class 1 fox terrier, as one remembers it" in capsys.readouterr().err
    assert main(["render", "p.toml", "--out-dir", ".", "--force", "--set", "scene.label=1"]) == 0
    assert "remembers" not in capsys.readouterr().err


def test_presets_take_names_and_mixtures(model: str, tmp_path: Path) -> None:
    text = ('schema = 1\nname = "p"\nframes = 1\n[scene]\nmodel = "net"\nlabel = "{}"\n'
            '[[outputs]]\npath = "{}.png"\n')  # fmt: skip
    for name, label in (("a", "red fox:0.5,terrier:0.5"), ("b", "fox")):
        (tmp_path / f"{name}.toml").write_text(text.format(label, name))
    assert main(["render", "a.toml", "--out-dir", "."]) == 0
    assert main(["render", "b.toml", "--out-dir", "."]) == 65
