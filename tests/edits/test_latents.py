"""Stored latents: what files hold, what a model takes, and scenes that start there."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from cli_process import environment
from numpy.typing import NDArray
from places import REAL
from toy_edits import PLAIN, edited, of
from toy_generator import Toy

from latty import home, latents
from latty.directions.base import Info
from latty.directions.file import ARRAY, DirectionSet
from latty.directions.file import write as write_set
from latty.edits import codes
from latty.errors import BadData, LattyError, Missing
from latty.latents import Latents
from latty.scene import Edit, Layers, Scene

SHARED = REAL / "directions"
RANDOM = np.random.RandomState(4)
Z: NDArray[np.float32] = RANDOM.randn(3, 6).astype(np.float32)  # of the toy
W: NDArray[np.float32] = RANDOM.randn(3, 5).astype(np.float32)
WP: NDArray[np.float32] = RANDOM.randn(3, 4, 5).astype(np.float32)


def own(folder: Path, **changes: object) -> Path:
    """latty's own file of three z."""
    made = Latents("z", torch.from_numpy(Z), "toy", "toy", "toy0", ("a", "b", "c"), ("drawn",))
    path = folder / "mine.safetensors"
    latents.write(path, replace(made, **changes))  # type: ignore[arg-type]
    return path


def saved(folder: Path, name: str, **arrays: NDArray[np.generic]) -> str:
    """A file of others."""
    path = folder / name
    if name.endswith(".npy"):
        np.save(path, arrays["array"])
    elif name.endswith(".npz"):
        np.savez(path, **arrays)  # type: ignore[arg-type]
    else:
        tensors = {key: torch.from_numpy(array) for key, array in arrays.items()}
        torch.save(tensors.get("array", tensors), path)
    return str(path)


def start(ref: str) -> tuple[str, torch.Tensor]:
    return latents.start(ref, Toy().info)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = own(tmp_path)
    for found in (latents.read(str(path)), latents.from_file(path)):
        assert found.space == "z" and torch.equal(found.array, torch.from_numpy(Z))
        assert (found.model, found.family, found.model_digest) == ("toy", "toy", "toy0")
        assert (found.names, found.notes) == (("a", "b", "c"), ("drawn",))
    for space, array in (("w", W), ("w", WP)):
        made = Latents(space, torch.from_numpy(array))  # type: ignore[arg-type]
        latents.write(path, made)
        found = latents.read(str(path))
        assert found.space == "w" and torch.equal(found.array, made.array)


def test_the_same_latents_are_the_same_bytes(tmp_path: Path) -> None:
    first = own(tmp_path).read_bytes()
    assert own(tmp_path, array=torch.from_numpy(Z).double()).read_bytes() == first
    assert own(tmp_path, names=()).read_bytes() != first


def test_names_of_the_store_and_places(tmp_path: Path) -> None:
    own(home.latents_dir())
    for which, row in (("0", 0), ("2", 2), ("-1", 2), ("-3", 0), ("b", 1)):
        space, z = start(f"mine#{which}")
        assert space == "z" and torch.equal(z[0], torch.from_numpy(Z[row]))
    assert torch.equal(start("mine")[1][0], torch.from_numpy(Z[0]))
    assert torch.equal(start(f"{home.latents_dir() / 'mine.safetensors'}#c")[1], start("mine#2")[1])
    assert latents.LATENTS.files() == {"mine": home.latents_dir() / "mine.safetensors"}


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("name", ["x.npy", "x.npz", "x.pt", "latent-without-suffix"])
def test_files_of_others_whatever_their_name(
    name: str, dtype: type[np.generic], tmp_path: Path
) -> None:
    ref = saved(tmp_path, name, array=Z.astype(dtype))
    space, z = start(f"{ref}#1")
    assert space == "z" and z.dtype == torch.float32
    np.testing.assert_array_equal(z[0].numpy(), Z[1].astype(dtype).astype(np.float32))
    codes_ = saved(tmp_path, name, array=WP.astype(dtype))
    space, w = start(f"{codes_}#-1")
    assert space == "w" and w.shape == (1, 4, 5)
    np.testing.assert_array_equal(w[0].numpy(), WP[2].astype(dtype).astype(np.float32))
    alone = saved(tmp_path, name, array=W[1].astype(dtype))  # one w, the same in all layers
    space, w = start(alone)
    assert space == "w" and (w == w[:, :1]).all()
    np.testing.assert_array_equal(w[0, 3].numpy(), W[1].astype(dtype).astype(np.float32))


@pytest.mark.parametrize(
    ("arrays", "space", "row"),
    [
        ({"w": WP[:1]}, "w", WP[0]),  # NVIDIA's projected_w.npz
        ({"wp": WP, "w": W, "z": Z}, "w", WP[0]),
        ({"z": Z, "noise": W}, "z", Z[0]),
        ({"latents": Z, "scores": W[:, 0]}, "z", Z[0]),
        ({"latent_codes": WP, "scores": W[:, 0]}, "w", WP[0]),
        ({"latents": W, "other": Z}, "w", np.stack([W[0]] * 4)),
    ],
)
@pytest.mark.parametrize("name", ["x.npz", "x.pt"])
def test_named_arrays(
    name: str, arrays: dict[str, NDArray[np.float32]], space: str, row: object, tmp_path: Path
) -> None:
    found, begin = start(saved(tmp_path, name, **arrays))
    assert found == space
    np.testing.assert_array_equal(begin[0].numpy(), row)


def test_the_space_can_be_said(tmp_path: Path) -> None:
    ref = saved(tmp_path, "x.npz", wp=WP, z=Z)
    assert start(f"{ref}:z#1")[0] == "z" and start(f"{ref}:w#1")[0] == "w"
    info = replace(Toy().info, z_dim=5)  # Z = D: a plain array could be either
    ref = saved(tmp_path, "x.npy", array=W)
    assert latents.start(ref, info)[0] == "z"
    space, w = latents.start(f"{ref}:w#2", info)
    assert space == "w" and torch.equal(w[0, 0], torch.from_numpy(W[2]))
    assert latents.from_file(Path(ref), "w").space == "w"
    with pytest.raises(BadData, match="asks for w"):
        start(f"{own(tmp_path)}:w#0")


def test_what_is_no_latent_of_this_model(tmp_path: Path) -> None:
    for array in (np.ones((2, 7)), np.ones((2, 3, 5)), np.ones((2, 4, 6))):
        with pytest.raises(BadData) as caught:
            start(saved(tmp_path, "x.npy", array=array.astype(np.float32)))
        words = str(caught.value)
        shape = ", ".join(map(str, array.shape))
        assert f"({shape})" in words and "z (N, 6), w (N, 5) or w (N, 4, 5)" in words
    with pytest.raises(BadData, match=r"latents \(3, 6\) in w"):
        start(saved(tmp_path, "x.npy", array=Z) + ":w#0")


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.ones((2, 6), np.int64), "which are no latents"),
        (np.ones((1, 2, 3, 4), np.float32), "which are no latents"),
        (np.ones((0, 6), np.float32), "which are no latents"),
        (np.array("text"), "which are no latents"),
        (np.array([[1, np.nan, 0, 0, 0, 0]], np.float32), "not finite"),
        (np.array([[np.inf, 1, 0, 0, 0, 0]], np.float32), "not finite"),
    ],
)
def test_numbers_that_are_no_latents(
    array: NDArray[np.generic], words: str, tmp_path: Path
) -> None:
    with pytest.raises(LattyError, match=words) as caught:
        start(saved(tmp_path, "x.npy", array=array))
    assert "\n" not in str(caught.value)


def test_a_file_of_many_arrays_must_say_which(tmp_path: Path) -> None:
    ref = saved(tmp_path, "x.npz", one=Z, two=Z)
    with pytest.raises(BadData, match=r"one, two; which are the latents\?") as caught:
        start(ref)
    assert "wp" in caught.value.hint and "latents" in caught.value.hint


@pytest.mark.parametrize(
    ("ref", "words", "hint"),
    [
        ("mine#3", "no latent 3", "it holds 3: 0 to 2"),
        ("mine#-4", "no latent -4", "it holds 3: 0 to 2"),
        ("mine#d", "no latent 'd'", "there is: a, b, c"),
        ("mine#", "names no latent", "FILE#INDEX"),
        ("#3", "names no latent", "FILE#INDEX"),
        ("min#0", "no latents 'min'", "did you mean 'mine'?"),
        ("folder/x.npz#0", "there is no file", "check the path"),
        ("~nobody-here/x#0", "there is no file", "check the path"),
        ("mine#" + "9" * 5000, "no latent", "there is"),
    ],
)
def test_references_that_lead_nowhere(ref: str, words: str, hint: str) -> None:
    own(home.latents_dir())
    with pytest.raises((BadData, Missing), match=words) as caught:
        start(ref)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    "changes",
    [
        {"space": "y"},
        {"array": torch.ones(3)},
        {"array": torch.ones(3, 2, 2, 2)},
        {"array": torch.ones(2, 4, 5)},  # z has no layers
        {"array": torch.full((3, 6), torch.nan)},
        {"names": ("a", "b")},
        {"names": ("a", "a", "b")},
        {"names": ("a", "b#", "c")},
        {"names": ("a", "b", "\x1b[2J")},
    ],
)
def test_what_could_not_be_read_back_is_not_written(
    changes: dict[str, object], tmp_path: Path
) -> None:
    with pytest.raises(BadData):
        own(tmp_path, **changes)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "about",
    ["", "[]", "{", '{"schema": 2, "space": "z"}', '{"schema": 1}', '{"schema": 1, "space": 3}'],
)
def test_a_damaged_header_is_refused(about: str, tmp_path: Path) -> None:
    data = own(tmp_path).read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    header["__metadata__"]["about"] = about
    text = json.dumps(header).encode()
    (tmp_path / "x").write_bytes(len(text).to_bytes(8, "little") + text + data[8 + size :])
    with pytest.raises(BadData):
        start(str(tmp_path / "x"))


def test_nothing_in_a_file_is_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "ran",)

    torch.save({"w": torch.from_numpy(WP), "x": Evil()}, tmp_path / "x.pt")
    np.save(tmp_path / "x.npy", np.array([Evil()]), allow_pickle=True)
    for name in ("x.pt", "x.npy"):
        with pytest.raises(BadData):
            start(str(tmp_path / name))
    assert not (tmp_path / "ran").exists()


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    ref = saved(tmp_path, "x.npy", array=Z)
    first = start(ref)[1]
    saved(tmp_path, "x.npy", array=np.concatenate([Z + 1, Z]))
    assert torch.equal(start(ref)[1], first + 1)


# --- scenes ---------------------------------------------------------------------------------------


@pytest.fixture
def sets() -> None:
    """A direction of the toy in z and one in w."""
    for space, width in (("z", 6), ("w", 5)):
        header = DirectionSet("random", space, (Info("a", 0.5),), "toy", "toy", "toy0")
        path = home.directions_dir() / f"in_{space}.safetensors"
        write_set(path, header, {ARRAY: torch.ones(1, width)})


@pytest.mark.usefixtures("sets")
def test_a_stored_z_is_edited_mapped_and_truncated(tmp_path: Path) -> None:
    ref, toy = f"{own(tmp_path)}#1", Toy(classes=3)
    z = torch.from_numpy(Z[1:2])
    label = torch.tensor([2])
    scene = edited(Edit("in_z/a", 2.0), latent=ref, truncation=0.6, cutoff=2, label=2)
    torch.testing.assert_close(of(scene, toy), toy.mapping(z + 1, label, 0.6, 2)[0])
    late = replace(scene, truncation_after_edits=True)
    torch.testing.assert_close(of(late, toy), toy.mapping(z + 1, label, 0.6, 2)[0])
    both = edited(Edit("in_z/a", 2.0, Layers(0, 1)), Edit("in_w/a", 4.0), latent=ref)
    expected = torch.cat([toy.mapping(z + 1)[0, :1], toy.mapping(z)[0, 1:]]) + 2
    torch.testing.assert_close(of(both, toy), expected)


@pytest.mark.usefixtures("sets")
def test_stored_codes_skip_the_mapping(tmp_path: Path) -> None:
    toy, w = Toy(), torch.from_numpy(WP[2:])
    ref = saved(tmp_path, "projected_w.npz", w=WP) + "#2"
    assert torch.equal(of(replace(PLAIN, latent=ref)), w[0])
    cut = replace(PLAIN, latent=ref, truncation=0.5, cutoff=3)
    torch.testing.assert_close(of(cut), toy.truncate(w, 0.5, 3)[0])
    moved = edited(Edit("in_w/a", 2.0, Layers(1, 2)), latent=ref, truncation=0.5)
    step = torch.zeros(4, 5)
    step[1] = 1
    torch.testing.assert_close(of(moved), toy.truncate(w, 0.5, None)[0] + step)
    late = replace(moved, truncation_after_edits=True)
    torch.testing.assert_close(of(late), toy.truncate(w + step, 0.5, None)[0])
    mixed = edited(Edit("seed:9", 1.0, Layers(2)), latent=ref)
    torch.testing.assert_close(of(mixed)[2:], of(replace(PLAIN, seed=9))[2:])
    with pytest.raises(BadData, match=r"in_z/a moves z, and .* lies behind the mapping") as caught:
        of(edited(Edit("in_z/a", 1.0), latent=ref))
    assert caught.value.hint
    with pytest.raises(BadData, match="seed:9 moves z"):
        codes([edited(Edit("seed:9", 1.0), latent=ref)], Toy(space="z"))
    with pytest.raises(BadData, match="knows no classes"):
        of(replace(PLAIN, latent=ref, label=1))


def test_a_latent_wins_over_the_seed_and_stays_what_it_is(tmp_path: Path) -> None:
    ref = f"{own(tmp_path)}#0"
    scenes = [replace(PLAIN, latent=ref, seed=seed) for seed in (0, 3)]
    scenes += [PLAIN, replace(PLAIN, latent=f"{ref[:-1]}1")]
    found = codes(scenes, Toy())
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[2], of(PLAIN)) and not torch.equal(found[2], found[0])
    found[0] += 1  # what is kept is not what was handed out
    assert not torch.equal(found[0], of(scenes[0]))
    direct = saved(tmp_path, "w.npy", array=WP)
    of(replace(PLAIN, latent=direct)).add_(1)
    assert torch.equal(of(replace(PLAIN, latent=direct)), torch.from_numpy(WP[0]))


def test_latents_of_another_model(tmp_path: Path) -> None:
    other = replace(PLAIN, latent=str(own(tmp_path, model="cats", model_digest="other")))
    with pytest.raises(BadData, match=r"was made for cats \(toy\), this is toy"):
        codes([other], Toy())
    assert torch.equal(codes([other], Toy(), foreign=True), Toy().mapping(torch.from_numpy(Z[:1])))
    family = replace(PLAIN, latent=str(own(tmp_path, family="stylegan2", model_digest="")))
    with pytest.raises(BadData, match="was made for toy"):
        codes([family], Toy())


@pytest.mark.parametrize(
    ("name", "count", "width"),
    [
        ("sefa_pggan_celebahq1024_latents.npy", 10, 512),
        (
            "warped_pool/BigGAN-239_4/034e5495bab84476c6520477bb3e360c830fb1f9/latent_code.pt",
            1,
            120,
        ),
    ],
)
def test_latents_as_their_authors_published_them(name: str, count: int, width: int) -> None:
    path = SHARED / name
    if not path.is_file():
        pytest.skip("no ../shared/real/directions here")
    found = latents.from_file(path)
    assert found.space == "z" and found.array.shape == (count, width)
    lengths = found.array.norm(dim=1) / width**0.5
    assert lengths.min() > 0.5 and lengths.max() < 1.5
    info = replace(Toy().info, z_dim=width)
    space, z = latents.start(f"{path}#-1", info)
    assert space == "z" and torch.equal(z[0], found.array[-1])


def test_a_header_is_read_without_numpy(tmp_path: Path) -> None:
    refs = [str(own(tmp_path)), *(saved(tmp_path, f"x.{end}", w=WP) for end in ("npz", "pt"))]
    script = (
        "import sys; from latty import latents\n"
        "print([latents.look(ref).shape for ref in sys.argv[1:]])\n"
        "print([name for name in ('torch', 'numpy') if name in sys.modules])"
    )
    words = [sys.executable, "-c", script, *refs]
    done = subprocess.run(words, env=environment(tmp_path), capture_output=True, text=True)
    assert done.stdout.splitlines() == ["[(3, 6), (3, 4, 5), (3, 4, 5)]", "[]"], done.stderr


def test_a_scene_is_still_a_value() -> None:
    one = Scene("toy", latent="a#1", locks=("x/y",))
    assert hash(one) == hash(replace(one)) and one != replace(one, latent="a#2")


def test_latents_remember_their_class() -> None:
    """A scene without a label that starts at them has theirs; its own goes first."""
    from small_families import made

    from latty.edits import labels

    generator = made("biggan_deep")
    array = torch.randn(2, generator.info.z_dim)
    kept = latents.Latents("z", array, "own", "biggan_deep", params=(("class", 1),))
    latents.write(latents.LATENTS.folder() / "pool.safetensors", kept)
    assert latents.read("pool").params == (("class", 1),)
    scenes = [Scene("own", latent="pool#0"), Scene("own", latent="pool#1", label=0)]
    found = labels(scenes, generator)
    assert found is not None and found.tolist() == [1, 0]
    assert labels([Scene("own")], generator) is None
