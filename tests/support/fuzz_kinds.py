"""Every kind of file that latty reads: honest ones, how they are damaged, and what reads them.

`seeds` makes honest files; `read` is what a verb or the studio calls, and gets the folder in which
one of them was damaged.
"""

import json
import os
import random
import shutil
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mutants
from mutants import Mutator

from latty import home


@dataclass(frozen=True)
class FuzzKind:
    """seeds   name -> content of the files that are damaged, one at a time
    read    reads the file of that name in a folder
    around  lays out what else there must be, once, below a folder
    """

    seeds: Callable[[], dict[str, bytes]]
    read: Callable[[Path], Any]
    mutate: Mutator = mutants.accidents
    around: Callable[[Path], None] = lambda folder: None


KINDS: dict[str, FuzzKind] = {}


def kind(name: str, **more: Any) -> Callable[[Callable[[Path], Any]], Callable[[Path], Any]]:
    """The reader is what it decorates."""

    def decorate(read: Callable[[Path], Any]) -> Callable[[Path], Any]:
        KINDS[name] = FuzzKind(read=read, **more)
        return read

    return decorate


# --- tables that people write ---------------------------------------------------------------------

MOVING = b"""schema = 1
name = "moving"
frames = 12
[scene]
model = "demo"
seed = { walk = [1, 2, 3], blend = "circular", easing = "smooth" }
truncation = { keys = [[0, 0.5], [0.5, 1], [1, 0.5]] }
noise = 5
locks = ["demo/age"]
[[scene.edits]]
direction = "demo/smile"
strength = { from = -3, to = 3, easing = "smooth" }
layers = "0-2"
mode = "centred"
conditions = ["demo/age"]
[[scene.edits]]
direction = "seed:42"
strength = 0.5
[[outputs]]
path = "a.mp4"
fps = 30
size = 64
crf = 20
chroma = "444"
loop = "bounce"
[[outputs]]
path = "b.png"
layout = "grid"
rows = "edits"
columns = 5
span = 2.5
captions = "short"
"""


CLASSES = b"""\
schema = 1
[scene]
model = "x.safetensors"
seed = 3
label = [[3, 0.5], [7, 0.5]]
[[outputs]]
path = "a.gif"
"""


MANY = b"""schema = 1
[vars]
set = "demo"
[[each]]
key = "direction"
values = "{set}/smile,{set}/yaw"
[[each]]
key = "span"
values = [1, 2.5, 3]
[[each]]
key = "seed"
values = "0-9,40"
[scene]
model = "demo"
seed = "{seed}"
[[scene.edits]]
direction = "{direction}"
strength = "-{span}"
[[text]]
value = "{direction} {strength:+.1f}"
[[outputs]]
path = "{direction} {span} {seed:03d}.png"
"""


def presets_that_ship() -> dict[str, bytes]:
    found = {path.name: path.read_bytes() for path in sorted(home.presets_dir().glob("*.toml"))}
    own = {"moving.toml": MOVING, "classes.toml": CLASSES, "many.toml": MANY}
    return {**own, **found}


def _named_by_presets(folder: Path) -> None:
    """The sounds and the model that they name."""
    for sound in home.presets_dir().glob("*.flac"):
        (folder / sound.name).write_bytes(sound.read_bytes())
    for name, data in stored_models().items():
        (folder / name).write_bytes(data)


@kind("preset", seeds=presets_that_ship, mutate=mutants.of_toml, around=_named_by_presets)
def read_preset(path: Path) -> Any:
    from latty import presets
    from latty.presets.reading import load

    presets.check(path)
    return presets.read(path, (), load(path).each.count - 1)


def specs_of_the_guide() -> dict[str, bytes]:
    import re

    from places import ROOT

    text = (ROOT / "docs/specs.md").read_text()
    blocks = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    whole = [block for block in blocks if "[latent]" in block]
    return {f"spec{i}.toml": block.encode() for i, block in enumerate(whole)}


@kind("spec", seeds=specs_of_the_guide, mutate=mutants.of_toml)
def read_spec(path: Path) -> Any:
    from latty.models import spec

    return spec.read(path), spec.still_marked(path)


def cards() -> dict[str, bytes]:
    from scorer_cards import CNN

    cnn = CNN.format(weights="x.safetensors")
    onnx = cnn[: cnn.index("layers")].replace('"cnn"', '"onnx"').replace("safetensors", "onnx")
    return {"cnn.toml": cnn.encode(), "onnx.toml": onnx.encode()}


@kind("scorer card", seeds=cards, mutate=mutants.of_toml)
def read_scorer_card(path: Path) -> Any:
    from latty.attributes import card, store

    return store.is_card(path), card.read_card(path)


SETTINGS = b"""out_dir = "made"
device = "cpu"
batch = 4
sidecar = true
image = "sixel"
zoo = "zoo.toml"
"""


@kind("settings of the user", seeds=lambda: {"config.toml": SETTINGS}, mutate=mutants.of_toml)
def read_config(path: Path) -> Any:
    from latty import config

    place = home.config_dir() / "config.toml"
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copyfile(path, place)
    return config.load(folder=Path("/"))


@kind("settings of a folder", seeds=lambda: {"latty.toml": SETTINGS}, mutate=mutants.of_toml)
def read_folder_config(path: Path) -> Any:
    from latty import config

    (home.config_dir() / "config.toml").unlink(missing_ok=True)
    return config.load(folder=path.parent)


def zoos() -> dict[str, bytes]:
    import tomllib

    from latty.models import zoo

    whole = tomllib.loads((Path(zoo.__file__).parent / "zoo.toml").read_text())
    few = {**whole, "models": dict(list(whole["models"].items())[::12])}
    return {"zoo.toml": mutants.as_toml(few)}


@kind("zoo", seeds=zoos, mutate=mutants.of_toml)
def read_zoo(path: Path) -> Any:
    from latty.models import zoo

    return [entry.what() for entry in zoo.read(path).values()]


KEYS = b'undo = "ctrl+z"\nredo = "ctrl+y, U"\nedits.mute = "b"\n[queue]\ncancel = "x"\n'


@kind("keymap", seeds=lambda: {"keymap.toml": KEYS}, mutate=mutants.of_toml)
def read_keys(path: Path) -> Any:
    from latty_tui import keymap

    place = home.config_dir() / keymap.FILE
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copyfile(path, place)
    return keymap.read(["undo", "redo", "edits.mute", "queue.cancel"])


# --- what the studio keeps ------------------------------------------------------------------------


def _placed(path: Path, place: Path, read: Callable[[], Any]) -> Any:
    """What reads the file of that place; what is set aside is removed again."""
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copyfile(path, place)
    place.chmod(0o600)
    try:
        return read()
    finally:
        for left in place.parent.glob(f"{place.name}*"):
            left.unlink()


def _history() -> Any:
    from latty.scene import Edit, Scene
    from latty_tui.state import State, Step

    first = State(Scene("demo", 3, 0.8))
    second = first.added(Edit("demo/smile", 2.0))
    return [Step(first, "start"), Step(second, "smile")]


def histories() -> dict[str, bytes]:
    from latty_tui.memory import journal

    return {"history.jsonl": b"".join(journal.whole(_history(), 1, {"view": "big"}, 1.0))}


def _of_a_history(data: bytes, others: list[bytes], dice: random.Random) -> bytes:
    """Accidents, or malice in a line whose checksum is right."""
    if dice.random() < 0.4:
        return mutants.accidents(data, others, dice)
    lines = data.splitlines(keepends=True)
    at = dice.randrange(len(lines))
    text = mutants.of_json(lines[at][9:], others, dice)
    lines[at] = b"%08x %s\n" % (zlib.crc32(text), text)
    return b"".join(lines)


@kind("studio history", seeds=histories, mutate=_of_a_history)
def read_history(path: Path) -> Any:
    from latty_tui.memory.journal import HistoryFile

    path.chmod(0o600)
    return HistoryFile(path).read()


def old_histories() -> dict[str, bytes]:
    from latty_tui.memory import tables

    steps = [tables.step_table(step) for step in _history()]
    table = {"schema": 1, "steps": steps, "index": 1, "looks": {"theme": "latty-dark"}}
    return {"studio.json": json.dumps(table).encode()}


@kind("studio.json", seeds=old_histories, mutate=mutants.of_json)
def read_old_history(path: Path) -> Any:
    from latty_tui.memory import earlier

    return _placed(path, home.state_dir() / earlier.FILE, earlier.read)


MARKS = {
    "schema": 1,
    "stars": ["demo/smile"],
    "tags": {"demo/smile": ["a", "b"]},
    "recent": ["/tmp/x.pt"],
}


@kind("marks", seeds=lambda: {"marks.json": json.dumps(MARKS).encode()}, mutate=mutants.of_json)
def read_marks(path: Path) -> Any:
    from latty_tui.library import marks

    return _placed(path, home.data_dir() / marks.FILE, marks.Marks.load)


@kind("recent presets", seeds=lambda: {"recent.json": b'["/tmp/a.toml", "/tmp/b.toml"]'},
      mutate=mutants.of_json)  # fmt: skip
def read_recent(path: Path) -> Any:
    from latty_tui.films import documents

    place = home.state_dir() / documents.RECENT
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copyfile(path, place)
    return documents.recent()


# --- what latty stores ----------------------------------------------------------------------------


def sets() -> dict[str, bytes]:
    from latty.directions.store import SETS

    made = {}
    for name in ("demo", "demo-random", "portraits-warped"):
        if (path := SETS.named(name)) is not None and path.stat().st_size < 200_000:
            made[f"{name}.safetensors"] = path.read_bytes()
    return made


@kind("direction set", seeds=sets, mutate=mutants.of_safetensors)
def read_set(path: Path) -> Any:
    from latty.checkpoints.safetensors import says_kind
    from latty.directions import file
    from latty.directions.store import resolve

    says_kind(path, file.KIND)
    header, _ = file.read(path)
    resolve(f"{path}#0")
    return header


def stored_latents() -> dict[str, bytes]:
    import tempfile

    import torch

    from latty.latents import Latents, write

    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for space, shape in (("z", (3, 8)), ("w", (3, 2, 8))):
            path = Path(folder) / f"{space}.safetensors"
            about = ("demo", "plain", "0" * 64, ("a", "b", "c"), ("note",))
            write(path, Latents(space, torch.ones(shape), *about, (("steps", 3), ("lr", 0.1))))
            found[path.name] = path.read_bytes()
    return found


@kind("latents", seeds=stored_latents, mutate=mutants.of_safetensors)
def read_latents(path: Path) -> Any:
    from latty import latents

    latents.look(f"{path}#0").index("0")
    return latents.read(f"{path}#0")


def pools() -> dict[str, bytes]:
    import numpy as np

    from latty.latents.pools import PoolHeader

    shapes = {"z": (8,), "w": (8,), "wp": (2, 8)}
    head = PoolHeader("demo", "plain", "0" * 64, "{seed:03d}.png", 3, shapes, (("class", 1),))
    numbers = [np.ones((3, *shape), "<f4").tobytes() for shape in shapes.values()]
    return {"pool.safetensors": b"".join(head.pieces([*numbers, np.arange(3).tobytes()]))}


@kind("pool", seeds=pools, mutate=mutants.of_safetensors)
def read_pool(path: Path) -> Any:
    from latty import latents

    found = [latents.look(f"{path}{form}#0") for form in ("", ":z", ":w", ":wp")]
    seeds = [latents.seeds(one) for one in found if one.arrays]
    return [latents.rows(one, range(one.shape[0])) for one in found], seeds


def scores_of_latents() -> dict[str, bytes]:
    import tempfile

    import torch

    from latty.latents import scores

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pool.safetensors"
        path.write_bytes(pools()[path.name])
        made = scores.write(path, scores.Scores(("a", "b"), torch.ones(3, 2)))
        return {made.name: made.read_bytes()}


def _pool_beside(folder: Path) -> None:
    (folder / "pool.safetensors").write_bytes(pools()["pool.safetensors"])


@kind("scores beside latents", seeds=scores_of_latents, mutate=mutants.of_safetensors,
      around=_pool_beside)  # fmt: skip
def read_scores_beside(path: Path) -> Any:
    from latty.latents import scores

    return scores.read(path.parent / "pool.safetensors", 3)


def kept_walks() -> dict[str, bytes]:
    import numpy as np
    import torch

    from latty.rank.traversal import walk_file

    pictures = [np.full((4, 5, 3), 40 * i, np.uint8) for i in range(3)]
    each = torch.arange(24.0).view(3, 2, 4)
    return {
        "one.safetensors": walk_file.content(each[:, :1].expand(3, 2, 4), pictures),
        "layers.safetensors": walk_file.content(each, pictures),
    }


@kind("pieces of walks", seeds=kept_walks, mutate=mutants.of_safetensors)
def read_walk(path: Path) -> Any:
    from latty.rank.traversal import walk_file

    found = walk_file.read(path, 3)
    return found.codes, [found[i] for i in range(3)]


def traversals() -> dict[str, bytes]:
    walked = {"name": "a", "strengths": [-1, 0, 1], "unit": "px", "layers": "0-3"}
    said = {"schema": 1, "set_name": "s", "set_digest": "0" * 64, "model": "demo",
            "model_digest": "1" * 64, "family": "stylegan2", "space": "w", "directions": [walked],
            "baseline": [walked], "starts": [3, "pool#0"], "codes": [2, 4], "picture": [4, 5, 3],
            "samples": 200, "label": 3, "truncation": 0.5, "factors": ["smile"]}  # fmt: skip
    return {"traverse.json": json.dumps(said).encode()}


@kind("traversals", seeds=traversals)
def read_traversal(path: Path) -> Any:
    from latty.rank.traversal import header

    return header.read_header(path.parent).shape


def walk_scores() -> dict[str, bytes]:
    import tempfile

    import torch

    from latty.rank import score_store

    with tempfile.TemporaryDirectory() as folder:
        found = score_store.WalkScores(torch.ones(2, 3, 4, 2), torch.ones(1, 3, 4, 2),
                                       torch.ones(5, 2))  # fmt: skip
        score_store.write(Path(folder), _judge(), found)
        return {_judge().file: (Path(folder) / _judge().file).read_bytes()}


def _judge() -> Any:
    from latty.rank.score_store import JudgeKey

    return JudgeKey("colour", ("red", "green"), "0" * 64)


@kind("scores of walks", seeds=walk_scores, mutate=mutants.of_safetensors)
def read_walk_scores(path: Path) -> Any:
    from latty.rank import score_store

    return score_store.read(path.parent, _judge(), score_store.WalkShape(2, 1, 3, 4, 5))


def stored_models() -> dict[str, bytes]:
    import tempfile

    import torch
    from safetensors.torch import save_file

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.safetensors"
        meta = {"kind": "generator", "family": "dcgan", "name": "x", "resolution": "64",
                "config": '{"resolution": 64, "channels": [3, 4]}', "notes": "a\nb",
                "num_layers": "1", "title": "t"}  # fmt: skip
        save_file({"a": torch.ones(3)}, path, meta)
        return {path.name: path.read_bytes()}


@kind("stored model", seeds=stored_models, mutate=mutants.of_safetensors)
def read_model(path: Path) -> Any:
    from latty.checkpoints import inspect, open_checkpoint
    from latty.models.recognition import recognise
    from latty.models.store import said_size

    inspect(path)
    checkpoint = open_checkpoint(path)
    return said_size(checkpoint.meta), recognise(checkpoint)


# --- recipes --------------------------------------------------------------------------------------


def _carrier(suffix: str) -> Callable[[], dict[str, bytes]]:
    def seeds() -> dict[str, bytes]:
        import tempfile

        import numpy as np
        from frames_for_writers import Frames

        from latty import presets
        from latty.presets.digests import model_digest
        from latty.presets.formats import writer_of
        from latty.presets.values import Output
        from latty.render import provenance
        from latty.report import silent

        read = presets.read(home.presets_dir() / "hello.toml")
        preset, model = presets.to_dict(read), read.scene.model
        preset["outputs"] = preset["outputs"][:1]
        known = {"name": model, "digest": model_digest(model)}
        recipe = {"schema": 1, "preset": preset, "batches": [[0, 8], [8, 4]], "frames": 12,
                  "directions": {}, "model": known}  # fmt: skip
        text = provenance.canonical(recipe)
        if suffix == ".json":
            return {"x.json": text.encode()}
        frames = [np.full((16, 16, 3), 40 * i, np.uint8) for i in range(3)]
        made = Output(f"x{suffix}")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"x{suffix}"
            writer_of(made).write(Frames(frames), path, made, text, silent)
            return {path.name: path.read_bytes()}

    return seeds


def read_recipe(path: Path) -> Any:
    from latty.render import provenance, sources

    provenance.recall(path)
    return sources.read(str(path))


def _inside(data: bytes, others: list[bytes], dice: random.Random) -> bytes:
    """Accidents to the container, or, where the recipe lies open in it, to its text alone."""
    at = data.find(b'{"batches"')
    if at < 0 or dice.random() < 0.5:
        return mutants.accidents(data, others, dice)
    stop = data.rindex(b"}") + 1
    return data[:at] + mutants.accidents(data[at:stop], others, dice) + data[stop:]


for _suffix in (".gif", ".png", ".webp", ".mp4", ".webm", ".mov", ".mkv", ".jpg", ".tif"):
    kind(f"recipe in {_suffix}", seeds=_carrier(_suffix), mutate=_inside)(read_recipe)


def read_picture(path: Path) -> Any:
    from itertools import islice

    from latty_tui import play

    return len(list(islice(play.frames(path), 3)))


for _suffix in (".gif", ".png", ".webp", ".mp4", ".webm", ".mov", ".mkv", ".jpg", ".tif"):
    kind(f"picture in {_suffix}", seeds=_carrier(_suffix))(read_picture)


@kind("recipe", seeds=_carrier(".json"), mutate=mutants.of_json)
def read_sidecar(path: Path) -> Any:
    """As deep as a picture's goes: a sidecar is read by the same reader."""
    from latty.render import embedded, named, provenance

    embedded.document(path)
    recipe = provenance.read(path)
    preset, _ = provenance.recalled(recipe, path.name)
    return named.placed(preset, path, recipe, lambda key: False)


# --- runs and work --------------------------------------------------------------------------------


JOB = "made-here"


def a_run() -> dict[str, bytes]:
    from latty.jobs import run

    spec = run.JobSpec(JOB, ("render", "hello"), "/tmp", (("LATTY_DEVICE", "cpu"),), submitted=1.5)
    status = run.Status(spec, "failed", 2, ("cpu",), 2.5, 3.5, 65, error="x")
    os.close(run.create(status))
    run.write_status(status)
    lines = [{"kind": "progress", "t": 1.0, "done": 1, "total": 2, "what": "x", "left": 1.5},
             {"kind": "state", "t": 1.5, "state": "running"},
             {"kind": "error", "t": 2.0, "text": "no"},
             {"kind": "output", "t": 2.0, "path": "/tmp/x.gif", "bytes": 3}]  # fmt: skip
    folder = run.folder_of(JOB)
    (folder / "events.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    names = ("spec.json", "status.json", "events.jsonl")
    return {name: (folder / name).read_bytes() for name in names}


def _of_a_run(data: bytes, others: list[bytes], dice: random.Random) -> bytes:
    return (mutants.of_json_lines if b"}\n{" in data else mutants.of_json)(data, others, dice)


@kind("run folder", seeds=a_run, mutate=_of_a_run)
def read_run(path: Path) -> Any:
    from latty.jobs import run

    there = run.folder_of(JOB) / path.name
    before = there.read_bytes()
    there.write_bytes(path.read_bytes())
    try:
        told = list(run.listed()), run.events(JOB), run.latest(JOB), run.complaint(JOB)
        return told, run.outputs(JOB), run.status(JOB)
    finally:
        there.write_bytes(before)


def a_journal() -> dict[str, bytes]:
    import tempfile

    import numpy as np

    from latty.render.journal import Journal, Mark

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pictures"
        with Journal(path, "k") as journal:
            marks = [Mark(3, 3, i / 3, 0) for i in range(3)]
            journal.append(np.zeros((3, 4, 4, 3), np.uint8), marks)
        return {"pictures": path.read_bytes()}


@kind("journal of pictures", seeds=a_journal)
def read_journal(path: Path) -> Any:
    from latty.render.journal import Journal

    with Journal(path, "k") as journal:
        return [journal[i].sum() for i in range(len(journal))], journal.marks


def a_note() -> dict[str, bytes]:
    return {"publishing.json": json.dumps("0" * 64).encode()}


@kind("work folder", seeds=a_note, mutate=mutants.of_json)
def read_note(path: Path) -> Any:
    from latty.render import work

    with work.Work(path.parent / "out.png") as one:
        (one.folder / "publishing.json").write_bytes(path.read_bytes())
        return work.half_published([one], "0" * 64)


# --- what other people bring ----------------------------------------------------------------------


def label_tables() -> dict[str, bytes]:
    rows = "".join(f"p{i}.png,{i % 2},{i / 20}\n" for i in range(20))
    tabs = "".join(f"p{i}.png\t{i % 2 * 2 - 1}\n" for i in range(20))
    return {
        "labels.csv": f"file,smile,yaw\n{rows}".encode(),
        "tabs.csv": f"file\tsmile\n{tabs}".encode(),
    }


def _pictures(folder: Path) -> None:
    for i in range(20):
        (folder / f"p{i}.png").touch()


def score_tables() -> dict[str, bytes]:
    rows = "".join(f'"p{i}.png";{i / 7:.4f};{-i if i % 5 else "nan"};{i}e-3\r\n' for i in range(20))
    return {"scores.csv": f"\ufefffile;yaw;smile;age\r\n{rows}".encode()}


@kind("scores", seeds=score_tables, around=_pictures)
@kind("labels", seeds=label_tables, around=_pictures)
def read_labels(path: Path) -> Any:
    from latty.attributes import labels

    return labels.read_labels(path)


def tables_for_latents() -> dict[str, bytes]:
    import io

    import numpy as np

    rows = {"scores.csv": "file,seed,class,row,smile,yaw\n000.png,0,,0,.5,\n002.png,2,,2,1,2\n"
            "001.png,1,,1,-1e3,3\n", "list.txt": "3\nsmile yaw\n000.jpg  1 -1\n001.jpg -1 -1\n"
            "002.jpg  1  1\n"}  # fmt: skip
    array = io.BytesIO()
    np.save(array, np.arange(6.0).reshape(3, 2))
    return {**{name: text.encode() for name, text in rows.items()}, "y.npy": array.getvalue()}


@kind("scores for latents", seeds=tables_for_latents, around=_pool_beside)
def read_scores_for_latents(path: Path) -> Any:
    from latty import latents
    from latty.attributes import score_tables

    score_tables.looks_like_scores(path)
    names = ("a", "b") if path.suffix == ".npy" else ()
    return score_tables.read_scores(path, latents.look(f"{path.parent}/pool.safetensors"), names)


def hdf5_files() -> dict[str, bytes]:
    import io

    try:
        import h5py
    except ImportError:
        return {}
    file = io.BytesIO()
    with h5py.File(file, "w") as opened:
        opened["y"] = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
    return {"y.h5": file.getvalue()}


@kind("scores in HDF5", seeds=hdf5_files)
def read_hdf5(path: Path) -> Any:
    from latty.attributes import hdf5

    return hdf5.array(path, "y")


def experiments() -> dict[str, bytes]:
    args = {
        "gan_type": "StyleGAN2",
        "num_support_sets": 3,
        "num_support_dipoles": 2,
        "z_truncation": 0.7,
        "stylegan2_resolution": 1024,
        "shift_in_w_space": True,
        "learn_gammas": False,
        "gamma": 0.1,
        "reconstructor_type": "ResNet",
    }
    return {"args.json": json.dumps(args).encode()}


def _experiment(folder: Path) -> None:
    import torch
    from importer_files import support

    (folder / "models").mkdir()
    torch.save(support(), folder / "models/support_sets.pt")
    torch.save({"support_sets": support(), "iter": 3}, folder / "models/checkpoint.pt")


@kind("experiment folder", seeds=experiments, mutate=mutants.of_json, around=_experiment)
def read_experiment(path: Path) -> Any:
    from latty.directions.importing import recognise

    return recognise.look(path.parent)


def text_vectors() -> dict[str, bytes]:
    row = ",".join(str(i / 10) for i in range(16))
    return {"v.csv": f"{row}\n{row}\n".encode(), "v.json": json.dumps([[0.5] * 16] * 2).encode()}


@kind("text of vectors", seeds=text_vectors)
def read_vectors(path: Path) -> Any:
    from latty.directions.importing import recognise

    return recognise.look(path)


def configs_beside() -> dict[str, bytes]:
    config = {"architectures": ["x"], "resolution": 64, "z_dim": 8, "channels": [3, 4], "model": {
        "latent_dim": 8, "image_size": 64, "class_names": ["a", "b"]}}  # fmt: skip
    return {"config.json": json.dumps(config).encode(), "model.json": json.dumps(config).encode()}


def _weights(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(next(iter(stored_models().values())))


@kind("settings beside a model", seeds=configs_beside, mutate=mutants.of_json, around=_weights)
def read_beside(path: Path) -> Any:
    from latty.checkpoints import open_checkpoint
    from latty.models.parts import parts

    checkpoint = open_checkpoint(path.parent / "model.safetensors")
    return [part.beside for part in parts(checkpoint)]


# --- archives of presets --------------------------------------------------------------------------


def archives() -> dict[str, bytes]:
    import archive_files

    return {"film.latty": archive_files.archive(archive_files.members())}


def _of_an_archive(data: bytes, others: list[bytes], dice: random.Random) -> bytes:
    """Accidents, or malice in a manifest that the rest of the archive is sealed by."""
    if dice.random() < 0.4:
        return mutants.accidents(data, others, dice)
    import archive_files

    held = archive_files.members()
    said = mutants.of_json(archive_files.manifest(held), others, dice)
    if dice.random() < 0.3:
        name = dice.choice([*held])
        grammar = mutants.of_toml if name.endswith(".toml") else mutants.of_safetensors
        held[name] = grammar(held[name], [held[name]], dice)
        said = archive_files.manifest(held)
    return archive_files.archive(held, said)


@kind("archive of presets", seeds=archives, mutate=_of_an_archive)
def read_archive(path: Path) -> Any:
    from latty.presets.archives import manifest, opening
    from latty.render import sources

    manifest.is_archive(path), opening.each(str(path))
    try:
        return sources.read(str(path)).doubts()
    finally:
        shutil.rmtree(home.archives_dir(), ignore_errors=True)
