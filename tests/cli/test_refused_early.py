"""A file that is no model is refused before torch is imported, by every verb that takes a model."""

from pathlib import Path

import pytest
from bad_checkpoints import entry, safetensors
from cli_process import latty, write_preset

VERBS = {
    "sample": ("sample", "{}"),
    "render": ("render", "tiny.toml", "--set", "scene.model={}"),
    "edit": ("edit", "{}", "--attribute", "smile", "--to", "1"),
    "discover": ("discover", "sefa", "{}"),
    "discover of a class": ("discover", "sefa", "{}", "--label", "cat"),
    "rank": ("rank", "portraits-random", "--model", "{}"),
    "traverse": ("traverse", "portraits-random", "--model", "{}"),
    "import": ("import", "{}"),
}
FILES = {
    "foreign.safetensors": safetensors({"x.weight": entry([2, 2], 0, 16)}, bytes(16)),
    "hostile.pt": b"\x80\x02cos\nsystem\nU\x04ls /\x85R.",
    "cut.pkl": b"\x80\x02}(X",
    "picture.pt": b"\x89PNG\r\n\x1a\n",
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("name", FILES)
def test_what_is_no_model_is_refused_before_torch(verb: str, name: str, tmp_path: Path) -> None:
    write_preset(tmp_path)
    (tmp_path / name).write_bytes(FILES[name])
    (tmp_path / "torch.py").write_text("raise SystemExit('torch was imported')")
    words = [word.format(name) for word in VERBS[verb]]
    done = latty(*words, home=tmp_path, PYTHONPATH=str(tmp_path))
    assert done.returncode == 65, done.stderr
    assert name in done.stderr and done.stderr.count("\n") == 1, done.stderr
