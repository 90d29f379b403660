"""The doctor, and the settings that it traces to their origins."""

import json
import re
from pathlib import Path

import outside
import pytest
from cli_in_process import latty
from cli_process import latty as in_a_process

from latty import config
from latty.errors import ConfigError
from latty.render.ffmpeg.probe import try_encoder
from latty.render.work import Work

SECTIONS = {"program", "torch", "devices", "encoders", "terminal", "directories", "settings",
            "lies about", "precision"}  # fmt: skip


def test_the_doctor_finds_everything(tmp_path: Path) -> None:
    done = latty("doctor", "--json", home=tmp_path)
    assert done.returncode == 0, done.stderr
    facts = [json.loads(line) for line in done.stdout.splitlines()]
    assert {fact["section"] for fact in facts} == SECTIONS
    found = {(fact["section"], fact["name"]): fact["value"] for fact in facts}
    for encoder in ("libx264", "libvpx-vp9", "libwebp"):
        assert found["encoders", encoder] == "works"
    assert found["terminal", "pictures"] == "saved"
    assert found["settings", "device"] == "auto  from default"


def test_the_doctor_speaks_to_people_and_names_bad_settings(tmp_path: Path) -> None:
    (tmp_path / "latty.toml").write_text("batsch = 3")
    done = latty("doctor", home=tmp_path)
    assert done.returncode == 78
    assert "did you mean 'batch'?" in done.stdout and "libx264" in done.stdout


@pytest.mark.slow
def test_the_doctor_names_what_is_wrong_with_entries_of_every_kind(tmp_path: Path) -> None:
    site = outside.site(tmp_path, "latty_outside", outside.bad())
    done = in_a_process("doctor", "--json", home=tmp_path, PYTHONPATH=str(site))
    assert done.returncode == 0, done.stderr
    facts = [json.loads(line) for line in done.stdout.splitlines()]
    told = [fact["value"] for fact in facts if fact["section"] == "packages"]
    assert any(line.startswith("family 'broken' of latty_outside is left out: ") for line in told)
    for group, ours in outside.BAD.items():
        kind = group.rpartition(".")[2][:4]
        for name in ("broken", "empty", ours):
            line = re.compile(rf"{kind}\w* '{name}' of latty_outside is left out: .")
            assert any(line.match(value) for value in told), (group, name, told)


def test_the_doctor_shows_what_lies_about(tmp_path: Path) -> None:
    def said() -> dict[str, str]:
        done = latty("doctor", "--json", home=tmp_path)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        return {row["name"]: row["value"] for row in rows if row["section"] == "lies about"}

    (folder := tmp_path / "renders").mkdir()
    assert list(said()) == ["nothing"]
    work = Work(folder / "k.gif")
    with work, work.folder.create("pictures") as file:
        file.write(bytes(5_000_000))
    assert said() == {"renders": "5 MB; latty clean removes them"}


def test_an_encoder_that_is_not_there_is_said() -> None:
    assert try_encoder("gif", "gif", "rgb8") == "works"
    assert try_encoder("libnothing", "mp4", "yuv420p") != "works"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a folder inside, and a home of its own."""
    monkeypatch.setenv("LATTY_HOME", str(tmp_path / "home"))
    (tmp_path / "home" / "config").mkdir(parents=True)
    folder = tmp_path / "project" / "inside"
    folder.mkdir(parents=True)
    return folder


def test_each_place_outranks_the_next(project: Path, tmp_path: Path) -> None:
    user = tmp_path / "home" / "config" / "config.toml"
    ours = project.parent / "latty.toml"
    assert config.load({}, project, {}).batch == "auto"
    user.write_text("batch = 2\nsidecar = true")
    assert config.load({}, project, {}).batch == 2
    ours.write_text("batch = 3\nout_dir = 'out'")
    found = config.load({"device": None}, project, {})
    assert (found.batch, found.sidecar, found.out_dir) == (3, True, project.parent / "out")
    assert config.load({}, project, {"LATTY_BATCH": "4"}).batch == 4
    found = config.load({"batch": "5"}, project, {"LATTY_BATCH": "4", "LATTY_SIDECAR": "no"})
    assert (found.batch, found.sidecar) == (5, False)
    assert dict(found.origins) == {
        "device": "default",
        "precision": "default",
        "gpu": "default",
        "out_dir": str(ours),
        "batch": "--batch",
        "sidecar": "LATTY_SIDECAR",
        "recipe": "default",
        "image": "default",
        "progress": "default",
        "log_time": "default",
        "frame_cache": "default",
        "onnx_memory": "default",
        "onnx_seconds": "default",
        "trusted_folders": "default",
        "zoo": "default",
    }


def test_the_former_name_of_a_setting_is_still_read(project: Path) -> None:
    def image(**environ: str) -> str:
        return config.load({}, project, environ).image

    assert image(LATTY_PICTURES="kitty") == "kitty"
    assert image(LATTY_PICTURES="kitty", LATTY_IMAGE="sixel") == "sixel"
    (project / "latty.toml").write_text('pictures = "blocks"')
    assert image() == "blocks" and image(LATTY_IMAGE="iterm") == "iterm"
    (project / "latty.toml").write_text('pictures = "blocks"\nimage = "saved"')
    assert image() == "saved"


@pytest.mark.parametrize("flag", ["--image", "--pictures"])
def test_the_way_of_pictures_can_be_a_flag(flag: str, tmp_path: Path) -> None:
    done = latty("doctor", "--json", home=tmp_path, LATTY_IMAGE="sixel")
    assert '"image", "value": "sixel  from LATTY_IMAGE"' in done.stdout
    done = latty("sample", "demo", flag, "crayon", home=tmp_path)
    assert done.returncode == 78 and "one of auto, blocks, iterm" in done.stderr


def test_the_search_ends_at_the_project(project: Path) -> None:
    (project / ".git").mkdir()
    (project.parent / "latty.toml").write_text("batch = 3")
    assert config.load({}, project, {}).batch == "auto"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("LATTY_DEVISE", "cpu"),
        ("LATTY_BATCH", "0"),
        ("LATTY_BATCH", "many"),
        ("LATTY_SIDECAR", "perhaps"),
        ("LATTY_PICTURES", "ascii"),
        ("LATTY_DEVICE", ""),
    ],
)
def test_settings_are_strict(variable: str, value: str, project: Path) -> None:
    with pytest.raises(ConfigError, match=variable):
        config.load({}, project, {variable: value})


@pytest.mark.parametrize("text", ["batch = true", "sidecar = 1", "device = 3", "x = 1", "= 1"])
def test_files_are_strict(text: str, project: Path) -> None:
    (project / "latty.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"latty\.toml"):
        config.load({}, project, {})


def test_every_fault_of_a_settings_file_is_told_with_its_place(project: Path) -> None:
    (project / "latty.toml").write_text('batch = 0\ndevise = "cpu"\n')
    with pytest.raises(ConfigError) as caught:
        config.load({}, project, {})
    one, other = str(caught.value).split("\n")
    assert one.endswith("latty.toml:1:1: batch: must be at least 1, not 0")
    assert other.endswith("latty.toml:2:1: devise: unknown key, did you mean 'device'?")
