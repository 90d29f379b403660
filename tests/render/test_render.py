"""From a preset to files, through the front door; the promises about pixels and about resuming."""

import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from toy_generator import Toy

from latty import presets, render
from latty.errors import BadData, DeviceError, Interrupted, Locked, OutputError, WouldOverwrite
from latty.folders import Folder
from latty.render import Options, grids, pixels, provenance, shots, work
from latty.render.drawers import AheadDrawer, OwnDrawer
from latty.render.film import Reel
from latty.render.journal import Journal, Mark
from latty.scene import Edit, Scene

SCENE = Scene("portraits", seed=7, truncation=0.8, size=32)


def preset(*outputs: dict[str, Any], **more: Any) -> presets.Preset:
    scene = {
        "model": "portraits",
        "seed": 7,
        "size": 32,
        "edits": [{"direction": "seed:9", "strength": {"from": 0, "to": 1}}],
    }
    data = {"schema": 1, "name": "test", "frames": 6, "scene": scene, "outputs": list(outputs)}
    return presets.from_dict({**data, **more}, "test.toml")


def content(path: Path) -> bytes:
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return b"".join(file.read_bytes() for file in files)


def opened(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


# pixels -------------------------------------------------------------------------------------------


def test_the_mapping_to_bytes_is_fixed() -> None:
    images = torch.tensor([-9.0, -1.0, -0.999, 0.0, 1.0, 9.0]).view(1, 1, 1, 6)
    assert pixels.to_uint8(images)[0, 0, :, 0].tolist() == [0, 0, 0, 128, 255, 255]
    assert pixels.to_uint8(images).shape == (1, 1, 6, 3)


def test_numbers_that_are_not_finite_are_an_error() -> None:
    with pytest.raises(BadData, match="not finite"):
        pixels.to_uint8(torch.full((1, 3, 2, 2), torch.nan))


@pytest.mark.parametrize(("height", "width"), [(20, 30), (60, 90), (40, 60)])
def test_fit_keeps_the_shape(height: int, width: int) -> None:
    assert grids.fit(np.zeros((40, 60, 3), np.uint8), height).shape == (height, width, 3)


def test_picture_is_the_films_frame() -> None:
    alone = render.picture(SCENE)
    assert alone.shape == (32, 32, 3)
    assert alone.dtype == np.uint8
    first = next(iter(render.frames(replace(preset(), frames=1, tracks=()))))
    scene = replace(SCENE, truncation=1.0, edits=(Edit("seed:9", 0.0),))
    assert np.abs(first.astype(int) - render.picture(scene)).max() <= 1


GOLDEN = [
    [[142.6, 148.5, 203.3], [140.5, 137.9, 179.6], [129.4, 135.2, 186.6]],
    [[140.3, 138.0, 179.5], [143.7, 104.8, 86.7], [130.0, 132.7, 179.4]],
    [[104.3, 114.4, 163.2], [84.7, 81.5, 101.1], [98.2, 106.7, 152.2]],
]


def test_a_golden_picture() -> None:
    """Means of the nine fields of one portrait; another machine may differ by a step or two."""
    fields = render.picture(replace(SCENE, size=48)).reshape(3, 16, 3, 16, 3).mean((1, 3))
    assert np.abs(fields - np.array(GOLDEN)).max() < 2, fields.round(1).tolist()


def test_models_that_draw_at_any_size_do() -> None:
    small, large = (render.picture(replace(SCENE, size=size)) for size in (32, 128))
    resampled = grids.fit(small, 128)
    assert large.shape == (128, 128, 3)
    assert np.abs(large.astype(int) - resampled).max() > 40  # sharp, not enlarged


def test_frames_are_tiles_of_all_seeds() -> None:
    made = preset(scene={"model": "portraits", "seed": [1, 2, 3], "size": 16}, frames=1)
    (frame,) = render.frames(made)
    assert frame.shape == (32, 32, 3)
    assert not frame[16:, 16:].any()
    one = render.picture(Scene("portraits", seed=2, size=16))
    assert np.abs(frame[:16, 16:].astype(int) - one).max() <= 1


# sharing ------------------------------------------------------------------------------------------


class Prefixed(Toy):
    """Counts what it computes below an edited layer."""

    def __init__(self) -> None:
        super().__init__()
        self.layers: list[int] = []

    def prefix(self, codes: Tensor, layer: int, noise: object = "const") -> Tensor:
        assert len(codes) == 1
        self.layers.append(layer)
        return codes[:, :layer]

    def synthesis_from(
        self, state: Tensor, codes: Tensor, noise: object = "const", changes: object = ()
    ) -> Tensor:
        below = state.expand(len(codes), -1, -1)
        return self.synthesis(torch.cat([below, codes[:, state.shape[1] :]], 1))


def late(strength: float, layers: str = "2-") -> Scene:
    from latty.scene import Layers

    return Scene("toy", 3, edits=(Edit("seed:5", strength, Layers.parse(layers)),))


def test_a_shared_prefix_is_computed_once() -> None:
    toy = Prefixed()
    painter, plain = pixels.Painter(toy), pixels.Painter(Toy())
    scenes = [late(i / 8) for i in range(16)]
    for half in (scenes[:8], scenes[8:]):
        assert np.array_equal(painter(half), plain(half))
    assert toy.layers == [2]
    painter([late(0.1, "0-"), late(0.2, "0-")])  # nothing is shared
    assert toy.layers == [2]
    painter([replace(s, seed=4) for s in scenes[:2]])
    assert toy.layers == [2, 2]


def test_scenes_with_other_noise_are_drawn_apart() -> None:
    scenes = [replace(late(0.5), noise=noise) for noise in ("const", 3, 3, "none")]
    assert pixels.Painter(Prefixed())(scenes).shape == (4, 16, 16, 3)


def test_labels_reach_synthesis() -> None:
    class Labelled(Toy):
        def synthesis(self, codes: Tensor, label: Any = None, *rest: Any, **more: Any) -> Tensor:
            assert label.tolist() == [0, 2]
            return super().synthesis(codes)

    pixels.Painter(Labelled(classes=3))([Scene("toy", 1, label=0), Scene("toy", 1, label=2)])


# memory -------------------------------------------------------------------------------------------

ERRORS = [
    torch.OutOfMemoryError("CUDA out of memory."),
    MemoryError(),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried ..."),
]


def drawing(most: int, error: BaseException) -> Callable[[Sequence[Scene]], np.ndarray]:
    def draw(scenes: Sequence[Scene]) -> np.ndarray:
        if len(scenes) > most:
            raise error
        # the batch shows in the pixels, as it does in the last bits of real ones
        return np.full((len(scenes), 2, 3, 3), len(scenes), np.uint8)

    return draw


def marks(start: int, stop: int, batch: int) -> list[Mark]:
    """Of pictures that are numbered, drawn at once."""
    return [Mark(batch, stop - start, 0.0, i) for i in range(start, stop)]


def reel(tmp_path: Path, most: int, error: BaseException, batches: Any = ((0, 8),)) -> Reel:
    journal = Journal(tmp_path / "j", "key")
    return Reel([SCENE] * 21, OwnDrawer(drawing(most, error), journal.drawing), journal, batches)


def ahead(most: int, error: BaseException, lock: Any) -> AheadDrawer:
    """Draws as OwnDrawer does; the pixels come later."""

    def begin(scenes: Sequence[Scene]) -> Callable[[], np.ndarray]:
        drawn = drawing(most, error)(scenes)
        return lambda: drawn

    return AheadDrawer(begin, lock)


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("on_gpu", [False, True])
def test_a_full_memory_halves_the_batch(error: BaseException, on_gpu: bool, tmp_path: Path) -> None:
    made = reel(tmp_path, 3, error)
    with made.journal:
        if on_gpu:
            made.drawer = ahead(3, error, made.journal.drawing)
        made.finish(lambda *words: None)
        assert made.drawn_in == ((0, 2),)
        assert [int(made[i][0, 0, 0]) for i in (0, 19, 20)] == [2, 2, 1]


def test_a_batch_that_does_not_fit_later_is_recorded(tmp_path: Path) -> None:
    made = reel(tmp_path, 8, MemoryError())
    with made.journal:
        made.journal.append(np.full((8, 2, 3, 3), 8, np.uint8), marks(0, 8, 8))
        made.drawer = OwnDrawer(drawing(4, MemoryError()), made.journal.drawing)
        made.finish(lambda *words: None)
        assert made.drawn_in == ((0, 8), (8, 4))
    (tmp_path / "j").unlink()
    again = reel(tmp_path, 8, MemoryError(), ((0, 8), (8, 4)))
    with again.journal:
        again.finish(lambda *words: None)
        assert [int(again[i][0, 0, 0]) for i in (0, 8, 20)] == [8, 4, 1]


def test_one_picture_too_large_is_a_device_error(tmp_path: Path) -> None:
    made = reel(tmp_path, 0, MemoryError())
    with made.journal, pytest.raises(DeviceError):
        made.finish(lambda *words: None)


def test_other_errors_go_through(tmp_path: Path) -> None:
    made = reel(tmp_path, 0, RuntimeError("shapes do not fit"))
    with made.journal, pytest.raises(RuntimeError, match="shapes"):
        made.finish(lambda *words: None)


# the journal --------------------------------------------------------------------------------------


def filled(path: Path, count: int = 10, batch: int = 4) -> bytes:
    path.unlink(missing_ok=True)
    frames = np.random.RandomState(0).randint(0, 256, (count, 2, 3, 3), np.uint8)
    with Journal(path, "key") as journal:
        for i in range(0, count, batch):
            journal.append(frames[i : i + batch], marks(i, min(count, i + batch), batch))
    return path.read_bytes()


def recovered(path: Path, data: bytes, key: str = "key") -> int:
    path.write_bytes(data)
    with Journal(path, key) as journal:
        return len(journal)


def test_a_journal_is_read_back(tmp_path: Path) -> None:
    data = filled(tmp_path / "j")
    assert recovered(tmp_path / "j", data) == 10
    assert recovered(tmp_path / "j", data, key="other") == 0


def test_a_file_of_somebody_else_is_no_journal(tmp_path: Path) -> None:
    """What is in a file that does not fit is cut off: it has to be ours."""
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "link").symlink_to("mine")
    (tmp_path / "second name").hardlink_to(tmp_path / "mine")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "second name", "pipe"):
        with pytest.raises(OSError, match=r"."):
            Journal(tmp_path / name, "key")
    assert (tmp_path / "mine").read_text() == "mine"


def test_a_torn_journal_keeps_whole_batches(tmp_path: Path) -> None:
    data = filled(tmp_path / "j")
    kept = [recovered(tmp_path / "j", data[:length]) for length in range(len(data) + 1)]
    assert set(kept) == {0, 4, 8, 10}
    assert kept == sorted(kept)


def test_every_flipped_byte_is_found(tmp_path: Path) -> None:
    data = filled(tmp_path / "j")
    header = data.index(b"\n") + 1
    record = 2 * 3 * 3 + 24
    for place in range(header, len(data)):
        damaged = bytearray(data)
        damaged[place] ^= 0x10
        frame = (place - header) // record
        assert recovered(tmp_path / "j", bytes(damaged)) == frame // 4 * 4


def test_a_damaged_header_starts_again(tmp_path: Path) -> None:
    data = filled(tmp_path / "j")
    for place in range(data.index(b"\n") + 1):
        damaged = bytearray(data)
        damaged[place] ^= 0x10
        assert recovered(tmp_path / "j", bytes(damaged)) in (0, 10)


# write --------------------------------------------------------------------------------------------

EVERY = [
    {"path": "a.gif", "loop": "bounce"},
    {"path": "a.mp4"},
    {"path": "a.webm", "size": 33},
    {"path": "a.webp"},
    {"path": "a.png"},
    {"path": "grid.png", "layout": "grid", "rows": "edits", "columns": 3},
    {"path": "deep/frames/"},
]


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rendered")
    render.write(preset(*EVERY), Options(folder))
    return folder


def test_everything_is_there_and_nothing_else(rendered: Path) -> None:
    files = {p.relative_to(rendered).as_posix() for p in rendered.rglob("*") if p.is_file()}
    frames = {f"deep/frames/{i:05}.png" for i in range(6)}
    assert files == {o["path"] for o in EVERY if not o["path"].endswith("/")} | frames


@pytest.mark.parametrize("name", [o["path"] for o in EVERY])
def test_a_file_renders_itself_again(name: str, rendered: Path, tmp_path: Path) -> None:
    """U3: byte-equal from the embedded recipe, in another folder, under another name."""
    again, batch = provenance.recall(rendered / name)
    (path,) = render.write(again, Options(tmp_path, batch=batch))
    assert content(path) == content(rendered / name)


def test_the_recipe_says_what_made_it_and_not_who(rendered: Path) -> None:
    recipe = provenance.read(rendered / "a.gif")
    assert recipe["model"]["name"] == "portraits"
    assert "batches" not in recipe and "threads" not in recipe  # they change a rounding at most
    assert recipe["torch"] == torch.__version__
    for file in rendered.rglob("*.*"):
        assert str(Path.home()).encode() not in file.read_bytes()
        assert str(rendered).encode() not in file.read_bytes()


def test_outputs_that_show_the_same_scenes_share_them(tmp_path: Path) -> None:
    drawn = []
    plenty = preset({"path": "a.gif"}, {"path": "b.mp4"}, {"path": "c.png"})
    render.write(plenty, Options(tmp_path), lambda done, total, what: drawn.append((done, what)))
    assert [done for done, what in drawn if what == "frames"] == [0, 6]


def test_sheets_grids_and_strips_have_the_size_they_should(rendered: Path) -> None:
    one = preset({"path": "x.png", "captions": False})
    style = grids.style(32)
    sheet, grid = opened(rendered / "a.png"), opened(rendered / "grid.png")
    assert sheet.shape[1] == 6 * 32 + 5 * style.gap + 2 * style.margin
    assert grid.shape[0] > 32 + 2 * style.margin
    assert shots.column_names(one, one.outputs[0]) == ["-3", "-2", "-1", "0", "+1", "+2", "+3"]
    assert shots.row_names(one, replace(one.outputs[0], layout="strip")) == ["toward 9"]
    assert sheet[0, 0].tolist() == [255, 255, 255]


def test_one_frame_is_a_bare_picture(tmp_path: Path) -> None:
    (path,) = render.write(preset({"path": "one.png"}, frames=1), Options(tmp_path))
    assert opened(path).shape == (32, 32, 3)


def test_a_grid_without_edits_is_refused(tmp_path: Path) -> None:
    scene = {"model": "portraits", "seed": 1, "size": 16}
    bad = replace(preset({"path": "g.png"}, scene=scene), frames=1)
    bad = replace(bad, outputs=(replace(bad.outputs[0], layout="grid"),))
    with pytest.raises(BadData, match="needs an edit"):
        render.write(bad, Options(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_the_sidecar_is_asked_for(tmp_path: Path) -> None:
    render.write(preset({"path": "a.gif"}), Options(tmp_path, sidecar=True))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.gif", "a.gif.json"]
    beside = provenance.read(tmp_path / "a.gif.json")
    assert beside.pop("batches") == [[0, 8]] and beside.pop("threads") >= 1
    assert beside.pop("sha256") == sha256((tmp_path / "a.gif").read_bytes()).hexdigest()
    assert beside == provenance.read(tmp_path / "a.gif")


def test_the_plan_draws_nothing(tmp_path: Path) -> None:
    rows = render.plan(preset(*EVERY), Options(tmp_path))
    assert [row["frames"] for row in rows] == [10, 6, 6, 6, 1, 1, 6]
    assert rows[0]["seconds"] == 0.4
    assert list(tmp_path.iterdir()) == []


# names, locks, interruptions ----------------------------------------------------------------------


def test_nothing_is_overwritten_without_force(tmp_path: Path) -> None:
    (tmp_path / "a.gif").write_bytes(b"mine")
    made = preset({"path": "b.gif"}, {"path": "a.gif"})
    with pytest.raises(WouldOverwrite, match=r"a\.gif"):
        render.write(made, Options(tmp_path))
    assert [p.name for p in tmp_path.iterdir()] == ["a.gif"]
    render.write(made, Options(tmp_path, overwrite=True))
    assert (tmp_path / "a.gif").read_bytes()[:6] == b"GIF89a"


def test_only_folders_of_frames_are_replaced(tmp_path: Path) -> None:
    made = preset({"path": "f/"})
    render.write(made, Options(tmp_path))
    render.write(replace(made, frames=3), Options(tmp_path, overwrite=True))
    assert len(list((tmp_path / "f").iterdir())) == 3
    (tmp_path / "f" / "thesis.doc").write_text("mine")
    with pytest.raises(WouldOverwrite, match="other files"):
        render.write(made, Options(tmp_path, overwrite=True))


def test_what_came_up_while_it_was_drawn_is_not_overwritten(tmp_path: Path) -> None:
    made, drawn = preset({"path": "a.gif"}, {"path": "b.gif"}), []

    def meanwhile(done: int, total: int, what: str) -> None:
        drawn.append(what)
        (tmp_path / "b.gif").write_text("mine")

    with pytest.raises(WouldOverwrite, match=r"b\.gif"):
        render.write(made, Options(tmp_path), meanwhile)
    assert (tmp_path / "b.gif").read_text() == "mine" and not (tmp_path / "a.gif").exists()
    (tmp_path / "b.gif").rename(tmp_path / "mine.gif")
    seen: list[int] = []
    render.write(made, Options(tmp_path), lambda n, _, what: seen.append(n))
    assert seen[0] == made.frames  # nothing is drawn again
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.gif", "b.gif", "mine.gif"]


@pytest.mark.parametrize("inside", [Path.mkdir, os.mkfifo, lambda one: one.symlink_to("/dev/null")])
def test_what_is_no_frame_is_not_thrown_away(
    inside: Callable[[Path], object], tmp_path: Path
) -> None:
    made = preset({"path": "f/"}, frames=2)
    render.write(made, Options(tmp_path))
    inside(tmp_path / "f" / "0009.png")
    with pytest.raises(WouldOverwrite, match="other files"):
        render.write(made, Options(tmp_path, overwrite=True))


def test_two_writers_of_one_output(tmp_path: Path) -> None:
    with work.Work(tmp_path / "a.gif"), pytest.raises(Locked, match=r"a\.gif"):
        render.write(preset({"path": "a.gif"}), Options(tmp_path))
    assert list(tmp_path.iterdir()) == []
    render.write(preset({"path": "a.gif"}), Options(tmp_path))


@pytest.mark.parametrize("name", ["pictures", "lock", "replaced"])
def test_a_folder_of_frames_may_be_called_as_what_is_kept_beside_it(
    name: str, tmp_path: Path
) -> None:
    made, options = preset({"path": f"{name}/"}, frames=4), Options(tmp_path, batch=2)
    for at in (2, 4):  # while frames are drawn, and while they are written
        with pytest.raises(Interrupted):
            render.write(made, options, Stop(at, Interrupted(2)))
    render.write(made, options)
    assert [p.name for p in tmp_path.iterdir()] == [name]
    assert len(list((tmp_path / name).iterdir())) == 4


def test_two_outputs_of_one_name_are_refused(tmp_path: Path) -> None:
    made = preset({"path": "a.gif"})
    with pytest.raises(BadData, match="same name"):
        render.write(replace(made, outputs=made.outputs * 2), Options(tmp_path))


class Stop:
    """Raises at the n-th report."""

    def __init__(self, at: int, error: BaseException) -> None:
        self.left, self.error = at, error

    def __call__(self, done: int, total: int, what: str) -> None:
        self.left -= 1
        if self.left == 0:
            raise self.error


@pytest.mark.parametrize("error", [Interrupted(15), KeyboardInterrupt()])
def test_the_same_command_goes_on(error: BaseException, tmp_path: Path) -> None:
    made, options = preset({"path": "a.gif"}, {"path": "b.mp4"}), Options(tmp_path / "x", batch=2)
    render.write(made, replace(options, out_dir=tmp_path / "whole"))
    for at in (2, 3, 2, 5, 9):
        with pytest.raises(Interrupted) as caught:
            render.write(made, options, Stop(at, error))
        assert "same command" in caught.value.hint
        assert caught.value.exit_code == (143 if isinstance(error, Interrupted) else 130)
        assert not list(options.out_dir.glob("*.gif"))
    drawn: list[int] = []
    render.write(made, options, lambda n, _, what: drawn.append(n) if what == "frames" else None)
    assert drawn[0] == 6  # all of them from the earlier tries
    for name in ("a.gif", "b.mp4"):
        assert content(tmp_path / "x" / name) == content(tmp_path / "whole" / name)


def test_a_recipe_is_made_once_per_render(tmp_path: Path) -> None:
    """What all outputs share is looked up once, and each output's own preset made once."""
    calls: Counter[str] = Counter()

    def count(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_filename == provenance.__file__:
            calls[frame.f_code.co_name] += 1

    made = preset({"path": "a.gif"}, {"path": "b.mp4"}, {"path": "c/"}, frames=3)
    sys.setprofile(count)
    try:
        render.write(made, Options(tmp_path, sidecar=True))
    finally:
        sys.setprofile(None)
    assert (calls["shared"], calls["made_of"], calls["portable"]) == (1, 1, 3)


def test_a_changed_preset_starts_again(tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        render.write(preset({"path": "a.gif"}), Options(tmp_path), Stop(2, Interrupted(2)))
    other = preset({"path": "a.gif"}, frames=5)
    drawn: list[int] = []
    render.write(other, Options(tmp_path), lambda n, _, what: drawn.append(n))
    assert drawn[0] == 0


def test_stopped_between_two_final_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = preset({"path": "a.gif"}, {"path": "b.gif"})
    rename = os.replace

    def once(one: str, target: str, **folders: int) -> None:
        rename(one, target, **folders)
        if target == "a.gif":
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", once)
    with pytest.raises(Interrupted):
        render.write(made, Options(tmp_path))
    monkeypatch.undo()
    assert (tmp_path / "a.gif").exists()
    assert not (tmp_path / "b.gif").exists()
    render.write(made, Options(tmp_path), Stop(1, AssertionError("draws again")))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.gif", "b.gif"]


def plant_note(folder: Path, key: str) -> None:
    """As a render leaves it that was killed while it cleaned up."""
    with Folder(folder) as parent, parent.of_ours("a.gif.latty-work", "render") as made:
        made.write("publishing.json", [f'"{key}"'.encode()])


def test_a_note_without_files_is_not_believed(tmp_path: Path) -> None:
    made = preset({"path": "a.gif"}, frames=2)
    render.write(made, Options(tmp_path))
    key = sha256(provenance.canonical(presets.to_dict(made)).encode()).hexdigest()
    plant_note(tmp_path, key)
    before = content(tmp_path / "a.gif")
    render.write(made, Options(tmp_path))  # killed while it cleaned up: nothing is left to do
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.gif"]
    (tmp_path / "a.gif").unlink()
    plant_note(tmp_path, key)
    render.write(made, Options(tmp_path))
    assert content(tmp_path / "a.gif") == before


def test_a_rename_that_fails_is_made_up_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = preset({"path": "a.gif"}, {"path": "b.gif"}, frames=2)
    render.write(made, Options(tmp_path / "whole"))
    (tmp_path / "b.gif").write_bytes(b"old")
    rename = os.replace

    def fail(one: str, target: str, **folders: int) -> None:
        if target == "b.gif":
            raise OSError(5, "Input/output error")
        rename(one, target, **folders)

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OutputError):
        render.write(made, Options(tmp_path, overwrite=True))
    assert (tmp_path / "b.gif").read_bytes() == b"old"
    monkeypatch.undo()
    render.write(made, Options(tmp_path, overwrite=True))
    assert content(tmp_path / "b.gif") == content(tmp_path / "whole" / "b.gif")


def test_too_little_space_is_said_before_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work.shutil, "disk_usage", lambda path: SimpleNamespace(free=100))
    with pytest.raises(OutputError, match="are free"):
        render.write(preset({"path": "a.gif"}), Options(tmp_path))
    assert list(tmp_path.iterdir()) == []
    render.write(preset({"path": "a.gif"}), Options(tmp_path, ignore_space=True))


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
def test_pixels_that_are_packed_for_one_copy_are_the_same(channels: int) -> None:
    images = torch.rand(2, channels, 5, 7) * 2.4 - 1.2
    flat, shape = pixels.packed(images)
    assert flat.dtype == torch.uint8 and flat.is_contiguous()
    assert np.array_equal(pixels.unpacked(flat, shape), pixels.to_uint8(images))
    for wrong in (torch.nan, torch.inf, -torch.inf):
        images[1, 0, 2, 2] = wrong
        with pytest.raises(BadData, match="not finite"):
            pixels.unpacked(*pixels.packed(images))


def test_pictures_that_come_later_are_the_same_and_a_fault_in_them_ends_the_film(
    tmp_path: Path,
) -> None:
    painter = pixels.Painter(Toy())
    scenes = [Scene("toy", seed) for seed in range(21)]
    with Journal(tmp_path / "j", "key") as journal:
        made = Reel(scenes, AheadDrawer(painter.begin, journal.drawing), journal, ((0, 8),))
        made.finish(lambda *words: None)
        wanted = np.concatenate([painter(scenes[i : i + 8]) for i in (0, 8, 16)])
        assert all(np.array_equal(made[i], wanted[i]) for i in range(21))
    images = torch.zeros(8, 3, 4, 4)
    images[5] = torch.nan
    with Journal(tmp_path / "k", "key") as journal:
        drawer = AheadDrawer(lambda scenes: pixels.sent(images), journal.drawing)
        made = Reel(scenes, drawer, journal, ((0, 8),))
        with pytest.raises(BadData, match="not finite"):
            made.finish(lambda *words: None)
