"""Bad files in child processes: nothing of theirs runs, memory and time stay bounded."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from bad_checkpoints import SAMPLES
from places import BADFILES, LIMIT, ROOT

from latty.checkpoints import open_checkpoint
from latty.errors import LattyError

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="peak memory is read from /proc"
)
SECONDS, MEBIBYTES = 2.0, 200
# Refused by the families, which know what a generator's tensors are; here they must be read.
FOR_FAMILIES = ("wrong-shape", "missing-key", "unknown-architecture")
READABLE = ("a", "b", "c", "d")

CHILD = """
import json, os, resource, sys, time
from pathlib import Path
import numpy
from latty.checkpoints import checkpoint, inspect, inspection, open_checkpoint, weights
from latty.errors import LattyError

FORBIDDEN = ("exec", "import", "os.system", "os.exec", "os.posix_spawn", "os.fork", "socket.",
             "subprocess.", "compile", "os.remove", "os.mkdir", "shutil.", "pickle.", "ctypes.")
heard = []
hush = False

def hear(event, args):
    if not hush and event.startswith(FORBIDDEN):
        heard.append(f"{event} {args!r}"[:200])

def peak():
    # Of this program alone: getrusage also remembers the process that started it.
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])

def attempt(path):
    try:
        weights.check_all(open_checkpoint(path).tensors())
        open_checkpoint(path).weights()
        return "ok", ""
    except LattyError as error:
        return getattr(error, "code", "?"), str(error)

attempt(sys.argv[1])  # warm: an honest file makes every import that reading needs
inspect(sys.argv[1])
modules, results = set(sys.modules), {}
limit = int(open("/proc/self/statm").read().split()[0]) * 4096 + 400 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
sys.addaudithook(hear)
base = peak()  # of the child after its imports: no file, and no row of files, may go far above it
for name in sys.argv[2:]:
    start = time.process_time()
    code, words = attempt(name)
    seconds, grown = time.process_time() - start, peak() - base
    told = inspect(name)
    results[name] = [code, words, seconds, grown / 1024, told["refused"]]
hush = True
news = sorted(set(sys.modules) - modules)
print(json.dumps({"heard": heard, "modules": news, "results": results}))
"""


def read_all(good: Path, files: list[Path], folder: Path) -> dict[str, list]:
    """code, words, seconds, MiB and what `inspect` refuses, of each file read in one child."""
    environment = {**os.environ, "TMPDIR": str(folder)}
    before = sorted(folder.iterdir())
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(good), *map(str, files)],
        capture_output=True,
        text=True,
        env=environment,
        cwd=folder,
        timeout=LIMIT,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    assert told["heard"] == [] and told["modules"] == []
    assert sorted(folder.iterdir()) == before, "something ran"
    return told["results"]


def judge(found: list, wanted: str) -> None:
    code, words, seconds, grown, _ = found
    expected = wanted.split("|")
    if code not in expected:
        assert code == "ok" and set(expected) & set(FOR_FAMILIES), (code, words)
    assert seconds < SECONDS and grown < MEBIBYTES, (seconds, grown)
    assert words.isprintable() and "Traceback" not in words


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.pt"
    path.write_bytes(SAMPLES["good-zip"][1])
    return path


@pytest.mark.slow
@pytest.mark.parametrize("group", ["code", "bulk", "broken", "zip", "useless"])
def test_samples_in_a_child(tmp_path: Path, good: Path, group: str) -> None:
    chosen = {name: data for name, (_, data) in SAMPLES.items() if name.startswith(group)}
    for name, data in chosen.items():
        (tmp_path / name).write_bytes(data)
    files = [tmp_path / name for name in chosen]
    for name, found in read_all(good, files, tmp_path).items():
        judge(found, SAMPLES[Path(name).name][0])
        if group in ("code", "broken", "zip") and found[0] != "no-model":
            assert found[4]["code"] == found[0], "inspect refuses for another reason"


@pytest.mark.skipif(not BADFILES.is_dir(), reason="no folder of bad files beside the checkout")
@pytest.mark.parametrize("group", READABLE)
def test_the_corpus_in_a_child(tmp_path: Path, good: Path, group: str) -> None:
    manifest = json.loads((BADFILES / "manifest.json").read_text())
    files = [BADFILES / name for name in manifest if name.startswith(group)]
    for path, found in read_all(good, files, tmp_path).items():
        judge(found, manifest[Path(path).name]["expect"])


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "pipe.pkl"
    os.mkfifo(path)
    code = "import sys; from latty.checkpoints import open_checkpoint; open_checkpoint(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        **{"capture_output": True, "text": True, "timeout": 60, "cwd": ROOT},
    )
    assert done.returncode not in (0, -signal.SIGKILL) and "it is a named pipe" in done.stderr


def test_odd_spaces_of_a_file_do_not_reach_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00\x10\x00{\xa0'descr\x9b': 1, }")
    with pytest.raises(LattyError, match="is damaged near") as caught:
        open_checkpoint(path)
    assert str(caught.value).isprintable()
