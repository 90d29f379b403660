"""A scorer of the user's, and a set whose direction climbs it."""

from pathlib import Path

from cli_in_process import latty
from safetensors.torch import save_file
from scorer_cards import CNN, card, plain

PRESET = """schema = 1
[scene]
model = "demo"
seed = 4
[[scene.edits]]
direction = "up/smile"
strength = 0.01
[[outputs]]
path = "x.png"
size = 32
"""


def climbing(home: Path) -> None:
    """The scorer `judge` and the set `up`, in the stores below `home`, and up.toml there."""
    save_file(plain().state_dict(), home / "w.safetensors")
    words = ["import", str(card(home, CNN.format(weights="w.safetensors"))), "--name", "judge"]
    find = "discover ascent demo -o up --scorer judge --names smile --samples 8 --probes 1"
    for one in (words, [*find.split(), "--steps", "2"]):
        done = latty(*one, home=home)
        assert done.returncode == 0, done.stderr
    (home / "up.toml").write_text(PRESET)
