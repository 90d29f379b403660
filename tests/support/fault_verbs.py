"""Every verb that writes, at its smallest: what lies there before, and the command."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from threading import Thread

import archive_files
import encoder_files
import numpy as np
import torch
from faults import KILL, Fault, Runner, put, tree
from loopback import File, Server
from PIL import Image
from zoo_files import zoo_text

from latty.models.families.stylegan2.network import StyleGAN2Config, StyleGAN2Network

PRESET = """\
schema = 1
name = "p"
frames = {frames}
[scene]
model = "portraits"
seed = {{ walk = [1, 2] }}
"""
OUTPUT = '[[outputs]]\npath = "{}"\nsize = 16\n'
SMALL = StyleGAN2Config(z_dim=8, w_dim=8, resolution=16, channels=(8, 8, 6), mapping_layers=2)
CARD = """\
kind = "cnn"
weights = "net.pt"
size = 16
channels = 3
range = [-1, 1]
outputs = ["smile", "hat"]
activation = "sigmoid"
layers = [
  { kind = "conv", tensors = "0", stride = 4 },
  { kind = "flatten" },
  { kind = "linear", tensors = "2" },
]
"""
TRAINED = "--iterations 2 --batch 2 --reconstructor lenet --probes 2 --directions 2 --size 32"
TRAIN = "train-scorer dots/labels.csv -o t --size 16 --width 4 --epochs 2 -q"
Files = dict[str, bytes]
SIDECAR = {"home/config/config.toml": b"sidecar = true\n"}


def preset(*outputs: str, frames: int = 2, of: str = "portraits") -> Files:
    """p.toml, which writes these."""
    text = PRESET.format(frames=frames) + "".join(map(OUTPUT.format, outputs))
    return {"here/p.toml": text.replace("portraits", of).encode()}


def older(*outputs: str) -> Files:
    """p.toml of the layout before there was a number."""
    text = preset(*outputs)["here/p.toml"].decode()
    return {"here/p.toml": text.replace("schema = 1\n", "# mine\n").encode()}


def _pt(value: object) -> bytes:
    file = io.BytesIO()
    torch.save(value, file)
    return file.getvalue()


def _npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def model(seed: int = 0, name: str = "m.pt") -> Files:
    """A checkpoint as torch writes it."""
    torch.manual_seed(seed)
    return {f"here/{name}": _pt({"g_ema": StyleGAN2Network(SMALL).state_dict()})}


def with_encoder(seed: int = 0, name: str = "e.pt") -> Files:
    """A generator and its encoder, as e4e writes them."""
    torch.manual_seed(seed)
    state = {f"decoder.{key}": tensor for key, tensor in encoder_files.rosinality().items()}
    state |= encoder_files.encoder()
    whole = {"state_dict": state, "latent_avg": torch.randn(4, encoder_files.WIDTH)}
    return {f"here/{name}": _pt({**whole, "opts": encoder_files.OPTS})}


def lying_about() -> Files:
    """What killed renders, searches and imports leave."""
    marked = b"latty render"
    return {
        "here/renders/x.gif.latty-work/.latty": marked,
        "here/renders/x.gif.latty-work/pictures": bytes(100),
        "home/state/discover/mine-1/state.safetensors": bytes(100),
        "home/data/models/.m.safetensors.0123456789ab": bytes(100),
        "home/data/scorers/s.0123456789ab.safetensors": bytes(100),
    }


def boundary() -> Files:
    """A direction as InterFaceGAN writes it."""
    vector = np.random.RandomState(0).randn(1, 64).astype(np.float32)
    return {"here/b.npy": _npy(vector / np.linalg.norm(vector))}


def codes() -> Files:
    """Latents as NVIDIA's projector writes them."""
    file = io.BytesIO()
    np.savez(file, w=np.random.RandomState(0).randn(1, 6, 512).astype(np.float32))
    return {"here/projected_w.npz": file.getvalue()}


def scores() -> Files:
    """Latents, and a score for each."""
    return {**codes(), "here/s.npy": _npy(np.ones(1))}


def scorer(seed: int = 0, name: str = "s") -> Files:
    """A card and its weights."""
    torch.manual_seed(seed)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 2, 4, 4), torch.nn.Flatten(), torch.nn.Linear(32, 2)
    )
    card = CARD.replace("net.pt", f"{name}.pt")
    return {f"here/{name}.toml": card.encode(), f"here/{name}.pt": _pt(network.state_dict())}


def dots() -> Files:
    """Pictures with labels."""
    found, rows, random = {}, [["file", "right"]], np.random.RandomState(0)
    for i in range(20):
        pixels = random.randint(0, 40, (16, 16, 3)).astype(np.uint8)
        pixels[6:10, 10 * (i % 2) :][:, :4] = 200
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG")
        found[f"here/dots/{i}.png"] = file.getvalue()
        rows.append([f"{i}.png", str(i % 2)])
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return {**found, "here/dots/labels.csv": text.getvalue().encode()}


@cache
def _server() -> Server:
    """One for as long as this process lives."""
    server = Server()
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    return server


def on_a_server() -> Files:
    """A zoo of one model; another one in a file."""
    address = _server().at("/small.pt", File(model()["here/m.pt"]))
    zoo = {
        "home/config/config.toml": b'zoo = "zoo.toml"\n',
        "here/zoo.toml": zoo_text(address).encode(),
    }
    return {**zoo, **model(1, "n.pt")}


@dataclass(frozen=True)
class Verb:
    """A command that writes.

    before  files that are there; run first, in this order: `first`, and `halfway` to the kill
            at the last call of that kind on a file of that name: "write pictures"
    force   what is there from `first` is replaced
    each    it goes on, and says a line of each thing that it could not do
    """

    name: str
    words: str
    before: Callable[[], Files] = dict
    first: tuple[str, ...] = ()
    halfway: str = ""
    each: bool = False

    @property
    def line(self) -> list[str]:
        return self.words.split()

    def prepare(self, run: Runner) -> Files:
        """What lies there before the command, homes included."""
        put(run.disk.root, self.before())
        for line in self.first:
            done = run(*line.split())
            assert done.code == 0, done
        if self.halfway:
            state = tree(run.disk.root)
            kind, _, name = self.halfway.partition(" ")
            calls = run(*self.line).calls
            at = [i for i, call in enumerate(calls, 1)
                  if call.startswith(kind) and call.endswith(name)]  # fmt: skip
            put(run.disk.root, state)
            assert run(*self.line, fault=Fault(at[-1], KILL)).code == -9
        return tree(run.disk.root)


def render(
    name: str, *outputs: str, words: str = "", frames: int = 2, more: Files | None = None,
    first: tuple[str, ...] = (), halfway: str = "",
) -> Verb:  # fmt: skip
    """Rendering p.toml, which has these outputs."""
    before = {**preset(*outputs, frames=frames), **(more or {})}
    return Verb(f"render {name}", f"render p.toml -q{words}", lambda: before, first, halfway)


MODEL = "import m.pt --name m -q"
SET = "discover sefa m -q -o mine"
OVER = " --force"
WALKS = "traverse portraits --directions smile --seeds 0 --steps 3 --baseline 0 --samples 10 -q"
OWN = (MODEL, "discover random m -q -o one")
PATH = 'path="HOME/data/directions/one.safetensors"'
SHOWN = '{"model":"portraits","seed":1,"edits":[{"direction":"portraits-random/r1","strength":1}]}'
OTHER = "render p.toml -q --set scene.seed=9"
VERBS = [
    render("gif", "p.gif"),
    render("png", "p.png"),
    render("mp4", "p.mp4"),
    render("webm", "p.webm"),
    render("webp", "p.webp"),
    render("frames", "p/"),
    render("several, with sidecars", "p.gif", "p.png", "q/", more=SIDECAR),
    render("gif, half there", "p.gif", frames=20, halfway="write pictures"),
    render("gif over an old one", "p.gif", words=OVER, first=(OTHER,)),
    render("frames over old ones", "p/", words=OVER, first=(OTHER,)),
    Verb(
        "render a picture again",
        "render renders/p.png -q -o q.png",
        lambda: preset("p.png"),
        first=("render p.toml -q",),
    ),
    Verb(
        "update what is up to date",
        "render p.toml -q --update",
        lambda: {**preset("p.gif"), **SIDECAR},
        first=("render p.toml -q",),
    ),
    Verb("sample", "sample portraits --seeds 0-1 --size 16 -o s.png -q"),
    Verb("sample a pool", "sample portraits --seeds 0-1 --size 16 --files {seed}.png -o p -q"),
    Verb("edit", "edit portraits --attribute smile --to 0 --steps 9 --frames 2 --size 16 -q"),
    Verb("discover sefa", SET, model, first=(MODEL,)),
    Verb(
        "discover over an old set", SET + OVER, model, first=(MODEL, "discover random m -q -o mine")
    ),
    Verb("discover voynov", f"discover voynov m {TRAINED} -q -o mine", model, first=(MODEL,)),
    Verb(
        "discover ganspace",
        "discover ganspace m --samples 64 --components 2 -q -o mine",
        model,
        first=(MODEL,),
    ),
    Verb("import model", MODEL, lambda: {**model(), "here/config.json": b'{"seed": 1}\n'}),
    Verb(
        "import model over an old one",
        MODEL + OVER,
        lambda: {**model(), **model(1, "n.pt")},
        first=("import n.pt --name m -q",),
    ),
    Verb("remove a scorer", "remove s -y -q", scorer, first=("import s.toml --name s -q",)),
    Verb("import directions", "import b.npy --name d --for demo --space z -q", boundary),
    Verb("import latents", "import projected_w.npz --name l -q", codes),
    Verb("import scores", "import s.npy --for projected_w.npz --name s -q", scores),
    Verb("import scorer", "import s.toml --name s -q", scorer),
    Verb(
        "import scorer over an old one",
        "import s.toml --name s -q --force",
        lambda: {**scorer(), **scorer(1, "t")},
        first=("import t.toml --name s -q",),
    ),
    Verb("train-scorer", TRAIN, dots),
    Verb("train-scorer over an old one", TRAIN + OVER, dots, first=(TRAIN + " --seed 5",)),
    Verb(
        "rank",
        "rank one --seeds 0 --steps 3 --scorers luma --baseline 1 -q",
        model,
        first=(MODEL, "discover random m --components 1 -q -o one"),
    ),
    Verb(
        "rank kept walks",
        "rank walks --scorers smile --top 1 -q",
        first=(WALKS + " -o walks --scorers smile",),
    ),
    Verb("traverse", WALKS),
    Verb("export model", "export m --as rosinality -o out.safetensors -q", model, first=(MODEL,)),
    Verb("export directions", "export portraits-random --as interfacegan -o out -q"),
    Verb("save a preset", "call save_preset 7", lambda: preset("p.gif")),
    Verb(
        "rename a set",
        "call rename_set one two",
        model,
        first=(MODEL, "discover random m -q -o one"),
    ),
    Verb(
        "delete a set", "call delete_set one", model, first=(MODEL, "discover random m -q -o one")
    ),
    Verb(
        "rename a direction",
        "call rename_direction one new",
        model,
        first=(MODEL, "discover random m -q -o one"),
    ),
    Verb("fetch", "fetch small -q", on_a_server),
    Verb(
        "fetch over an old one",
        "fetch small -q --force",
        on_a_server,
        first=("fetch small -q", "import n.pt --name small -q --force"),
    ),
    Verb("fetch, half there", "fetch small -q", on_a_server, halfway="write small.pt.part"),
    Verb(
        "engine: rename a direction",
        f'engine change_directions work="rename" {PATH} name="r1" to="new"',
        model,
        OWN,
    ),
    Verb(
        "engine: delete directions",
        f'engine change_directions work="delete" {PATH} names=["r1"]',
        model,
        OWN,
    ),
    Verb(
        "engine: rename a set",
        f'engine change_directions work="rename_set" {PATH} name="two"',
        model,
        OWN,
    ),
    Verb("engine: delete a set", f'engine change_directions work="delete_set" {PATH}', model, OWN),
    Verb(
        "engine: export a set",
        f'engine export_directions {PATH} name=null to="HOME/../here/o.safetensors"',
        model,
        OWN,
    ),
    Verb("engine: keep an offset", f'engine keep_offset scene={SHOWN} name="kept"'),
    Verb("import model with an encoder", "import e.pt --name e -q", with_encoder),
    Verb(
        "import model with an encoder over another",
        "import e.pt --name e -q --force",
        lambda: {**with_encoder(), **with_encoder(1, "f.pt")},
        first=("import f.pt --name e -q",),
    ),
    Verb("pin", "pin p.toml -q", lambda: {**model(), **preset("p.gif", of="m")}, first=(MODEL,)),
    Verb("migrate", "migrate p.toml -q", lambda: older("p.gif")),
    Verb("clean", "clean -y -q", lying_about, each=True),
    Verb("pack", "pack p.toml -o p.latty -q", lambda: preset("p.gif")),
    Verb(
        "render an archive",
        "render film.latty -q",
        lambda: {"here/film.latty": archive_files.archive(archive_files.members())},
    ),
    Verb("mark", "call mark /m.pt", first=("call mark /n.pt",)),
]
