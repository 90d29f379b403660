"""Files that another program cuts short or writes over at any moment while they are read: what
latty makes is of the old content or of the new one, never of both; else one line says so (65), and
nothing is kept."""

from collections.abc import Iterator

import pytest
from fault_rules import READS
from fault_verbs import MODEL, SET, VERBS, Verb, model, preset
from faults import CUT, SPOIL, Disk, Done, Fault, Runner, kinds, put, tree

LOOKS = READS | kinds("data")
OWN = "home/data/models/m.safetensors"
FOLDERS = ("home/", "home/cache/")
SHOWN = "sample m --seeds 0 --size 16 -o s.png -q"


def verb(name: str) -> Verb:
    return next(one for one in VERBS if one.name == name)


def with_model() -> Verb:
    text = preset("p.gif")["here/p.toml"].replace(b'"portraits"', b'"m"')
    before = {**model(), "here/p.toml": text}
    pack = "pack p.toml --with-model -o p.latty -q"
    return Verb("a model", "render p.latty -q", lambda: before, (MODEL, pack, "remove m -y -q"))


CASES = {
    "a checkpoint": (verb("import model"), "here/m.pt"),
    "directions": (verb("import directions"), "here/b.npy"),
    "latents": (verb("import latents"), "here/projected_w.npz"),
    "scores": (verb("import scores"), "here/s.npy"),
    "a scorer's card": (verb("import scorer"), "here/s.toml"),
    "a scorer's weights": (verb("import scorer"), "here/s.pt"),
    "a stored model": (Verb("sample", SHOWN, model, (MODEL,)), OWN),
    "a model that is searched": (Verb("discover", SET, model, (MODEL,)), OWN),
    "a model that is exported": (verb("export model"), OWN),
    "a checkpoint that is shown": (Verb("", SHOWN.replace(" m ", " m.pt "), model), "here/m.pt"),
    "an archive": (verb("render an archive"), "here/film.latty"),
    "an archive of a model": (with_model(), "here/p.latty"),
    "a preset": (verb("render gif"), "here/p.toml"),
    "a preset that is packed": (verb("pack"), "here/p.toml"),
    "a picture's recipe": (verb("render a picture again"), "here/renders/p.png"),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    runner = Runner(Disk(tmp_path_factory.mktemp("disk")), tmp_path_factory.mktemp("said"))
    yield runner
    runner.close()


@pytest.mark.parametrize("deed", [CUT, SPOIL], ids=["cut", "spoiled"])
@pytest.mark.parametrize("name", CASES)
@pytest.mark.slow
def test_a_file_that_changes_at_any_moment(run: Runner, name: str, deed: int) -> None:
    assert not wrongs(run, name, deed, every=1)


@pytest.mark.parametrize(("name", "deed"), [("a checkpoint", CUT), ("an archive", SPOIL)])
def test_a_file_that_changes_while_it_is_read(run: Runner, name: str, deed: int) -> None:
    assert not wrongs(run, name, deed, every=5)


def wrongs(run: Runner, name: str, deed: int, every: int) -> list[str]:
    """What was not as it must be where the file changes at one in so many calls that read anything,
    until it was read."""
    verb, victim = CASES[name]
    before, wrong = verb.prepare(run), []

    def tried(at: int) -> tuple[Done, dict[str, bytes]]:
        put(run.disk.root, before)
        done = run(*verb.line, fault=Fault(at, deed if at else 0, counted=LOOKS, victim=victim))
        left = tree(run.disk.root)
        return done, {one: data for one, data in left.items() if one not in (victim, *FOLDERS)}

    first, old = tried(0)
    looks = [at for at, call in enumerate(first.calls, 1) if call.split()[1] == f"/{victim}"]
    assert first.code == 0 and looks
    new = tried(1)[1]
    for at in range(1, looks[-1] + 2, every):
        done, there = tried(at)
        results = sorted(one for one in {*there} - {*before} if stored(one))
        if done.code == 0 and there in (old, new):
            continue
        lines = done.err.splitlines()
        if done.code != 65 or len(lines) != 1 or not lines[0].startswith("latty: ") or results:
            wrong.append(f"{at} {first.calls[at - 1]}: {done.code} {done.err[-300:]} {results}")
    return wrong


def stored(name: str) -> bool:
    """Whether it is a result, and no folder, cache or lock."""
    return not name.endswith(("/", ".lock")) and not name.startswith("home/cache/")
