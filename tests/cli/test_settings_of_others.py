"""Settings that nobody vouches for: of another user, of no kind of file, in a home that is none."""

import json
import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from cli_in_process import latty
from cli_process import COMMAND, environment
from cli_words import WORDS
from odd_files import make
from places import CASES, LIMIT

from latty import config
from latty.cli.parser import VERBS

OTHER = 65534
CHEAP = ["list", "models"]  # a verb that asks for no settings
ASKS = ["render", "hello", "--dry-run", "--json"]  # one that does
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")


def given(path: Path, text: str) -> Path:
    """A file of another user."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.chown(path, OTHER, OTHER)
    return path


def settings(home: Path, **more: str) -> dict[str, str]:
    run = latty("doctor", "--json", home=home, **more)
    assert run.returncode == 0, run.stderr
    facts = map(json.loads, run.stdout.splitlines())
    return {fact["name"]: fact["value"] for fact in facts if fact["section"] == "settings"}


@pytest.mark.slow
@as_root
def test_another_users_settings_are_not_obeyed_and_that_is_said_once(tmp_path: Path) -> None:
    file = given(tmp_path / "latty.toml", "batch = 3\nout_dir = 'theirs'\nzoo = 'zoo.toml'")
    inside = tmp_path / "inside"
    inside.mkdir()
    run = subprocess.run([*COMMAND, "doctor"], cwd=inside, env=environment(tmp_path),
                         capture_output=True, text=True, timeout=LIMIT, check=True)  # fmt: skip
    assert run.stderr.count("\n") == 1 and f"{file} is not obeyed" in run.stderr
    assert f"LATTY_TRUSTED_FOLDERS={tmp_path}" in run.stderr
    assert "not obeyed" in run.stdout and "batch" in run.stdout
    done = latty("fetch", "mine", home=tmp_path)
    assert done.returncode == 66 and "not obeyed" in done.stderr, "their zoo is not fetched from"
    found = settings(tmp_path)
    assert found["batch"] == "auto  from default" and found["zoo"].endswith("from default")
    assert "nobody" in found["not obeyed"] or str(OTHER) in found["not obeyed"]


@as_root
def test_a_link_of_another_user_to_settings_of_ours_is_not_obeyed(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("batch = 3")
    (tmp_path / "latty.toml").symlink_to("mine.toml")
    assert settings(tmp_path)["batch"].startswith("3")
    os.chown(tmp_path / "latty.toml", OTHER, OTHER, follow_symlinks=False)
    assert settings(tmp_path)["batch"] == "auto  from default"


@as_root
@pytest.mark.parametrize("kind", ["fifo", "deep", "folder"])
def test_what_is_not_obeyed_is_not_read(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "latty.toml"
    make(path, kind)
    os.chown(path, OTHER, OTHER)
    assert settings(tmp_path)["batch"] == "auto  from default"


@as_root
def test_the_search_goes_on_above_what_is_not_obeyed(tmp_path: Path) -> None:
    (tmp_path / "latty.toml").write_text("batch = 5")
    inside = given(tmp_path / "inside" / "latty.toml", "batch = 3").parent
    assert config.load({}, inside, {}).batch == 5


@as_root
def test_folders_can_be_trusted_by_their_user_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = given(tmp_path / "a" / "latty.toml", "batch = 3").parent
    (place / "deep").mkdir()
    assert config.load({}, place / "deep", {}).batch == "auto"
    for folders, batch in ((str(place), 3), (str(tmp_path), 3), (f"/x:{place}", 3), ("/x", "auto")):
        assert config.load({}, place / "deep", {"LATTY_TRUSTED_FOLDERS": folders}).batch == batch
    monkeypatch.setenv("LATTY_HOME", str(tmp_path / "home"))
    (tmp_path / "home/config").mkdir(parents=True)
    (tmp_path / "home/config/config.toml").write_text(f"trusted_folders = ['{place}']")
    assert config.load({}, place, {}).batch == 3
    (place / "latty.toml").write_text("trusted_folders = ['/']")
    with pytest.raises(config.ConfigError, match="a project cannot say that itself"):
        config.load({}, place, {})


@as_root
def test_under_sudo_the_callers_settings_are_obeyed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = given(tmp_path / "latty.toml", "batch = 3").parent
    monkeypatch.setenv("SUDO_UID", str(OTHER))
    assert config.load({}, place, {}).batch == 3


@as_root
def test_a_user_obeys_roots_settings_and_no_third_users() -> None:
    with TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o755)
        (place / "latty.toml").write_text("batch = 3")
        assert as_user(1234, place) == 3
        os.chown(place / "latty.toml", 1235, 1235)
        assert (as_user(1234, place), as_user(1235, place)) == (0, 3)


@as_root
def test_a_folder_that_may_not_be_searched_lies_above() -> None:
    """As where root goes on as somebody else in its own folder."""
    with TemporaryDirectory() as name:
        inside = Path(name) / "inside"
        inside.mkdir()
        before = Path.cwd()
        try:
            os.chdir(inside)
            assert as_user(1234, inside) == 0
        finally:
            os.chdir(before)


def as_user(user: int, place: Path) -> int:
    """The batch of a process of another user in a folder; 0 = the usual one."""
    if (pid := os.fork()) == 0:
        try:
            os.environ["LATTY_HOME"] = "/none"
            os.setuid(user)
            os._exit(config.load({}, place, {}).frames_at_once or 0)
        finally:
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


# --- of any kind and content ----------------------------------------------------------------------


KINDS = {"fifo": "named pipe", "folder": "folder", "device": "device", "sparse": "larger than",
         "deep": "nests deeper", "long": "thousands of digits", "\xff = 1": "not UTF-8",
         "batch = \x00": "latty"}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["latty.toml", "home/config/config.toml", "zoo.toml"])
def test_settings_of_any_kind_are_one_line(name: str, kind: str, tmp_path: Path) -> None:
    make(tmp_path / name, kind)
    more = {"LATTY_ZOO": name} if name == "zoo.toml" else {}
    verb = ["fetch", "ada-ffhq"] if more else ["render", "hello", "--dry-run"]
    run = latty(*verb, home=tmp_path, **more)
    assert run.returncode == 78, run.stderr
    assert run.stderr.count("\n") == 1 and name.rpartition("/")[2] in run.stderr
    assert KINDS[kind] in run.stderr


@pytest.mark.parametrize("case", ["latty_deep.toml", "latty_hugeint.toml"])
def test_the_cases(case: str, tmp_path: Path) -> None:
    source = CASES / "hostile" / case
    if not source.exists():
        pytest.skip(f"no {source}")
    (tmp_path / "latty.toml").write_bytes(source.read_bytes())
    run = latty("render", "hello", "--dry-run", home=tmp_path)
    assert run.returncode == 78 and "latty.toml:1:" in run.stderr and run.stderr.count("\n") == 1


# --- homes that are none --------------------------------------------------------------------------

HOMES = ["~nosuch/x", "/dev/null", "\udcff"]
MORE = [pytest.param(one, marks=pytest.mark.slow) for one in ("file", "/proc/none", "new\nline")]


@pytest.mark.parametrize("place", [*HOMES, *MORE])
def test_no_home_makes_a_verb_fail_without_a_line(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for verb in VERBS.names():
        run = latty(verb, *WORDS[verb], home=tmp_path, LATTY_HOME=place)
        assert run.returncode in (0, 2, 65, 66, 73, 74, 78), (verb, run.stderr)
        assert "Traceback" not in run.stderr and "our fault" not in run.stderr, (verb, run.stderr)
    run = latty("list", "models", home=tmp_path, LATTY_HOME="~nosuch/x")
    assert run.returncode == 78 and "no user's home is ~nosuch/x" in run.stderr


@pytest.mark.parametrize("place", ["~nosuch/x", "file"])
def test_no_home_makes_the_studio_fail_without_a_line(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    run = subprocess.run(COMMAND, cwd=tmp_path, env={**environment(tmp_path), "LATTY_HOME": place},
                         stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT,
                         check=False)  # fmt: skip
    assert run.returncode in (2, 74, 78) and run.stderr.count("\n") == 1, run.stderr


def test_a_user_without_a_home_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No HOME, and a user whom the system does not know."""
    variables = environment(tmp_path)
    for name in ("LATTY_HOME", "HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        variables.pop(name, None)
    code = (
        "import pwd, sys\n"
        "def none(user):\n    raise KeyError(user)\n"
        "pwd.getpwuid = none\n"
        "from latty.cli.main import main\n"
        "sys.exit(main(['render', 'hello', '--dry-run']))\n"
    )
    run = subprocess.run([COMMAND[0], "-c", code], cwd=tmp_path, env=variables, check=False,
                         capture_output=True, text=True, timeout=LIMIT)  # fmt: skip
    assert run.returncode == 78 and "LATTY_HOME names a folder" in run.stderr, run.stderr
    assert not (tmp_path / "~").exists()


@pytest.mark.parametrize(
    "words",
    [
        *(
            [verb, *more]
            for verb, more in WORDS.items()
            if verb in ("list", "render", "sample", "inspect")
        ),
        [],
    ],
)
def test_a_working_folder_that_is_gone_is_a_line(words: list[str], tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    shell = ["sh", "-c", 'cd "$1" && rmdir "$1" && shift && exec "$@"', "sh", str(gone)]
    run = subprocess.run([*shell, *COMMAND, *words], env=environment(tmp_path), check=False,
                         cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                         timeout=LIMIT)  # fmt: skip
    assert run.returncode in (0, 2, 66, 78), run.stderr
    assert run.stderr.count("\n") <= 1 and "our fault" not in run.stderr, run.stderr
