"""Each sample of a bad file is refused for its own reason, and leaves no trace."""

from pathlib import Path

import numpy as np
import pytest
from bad_checkpoints import SAMPLES, WEIGHTS

from latty.checkpoints import open_checkpoint
from latty.checkpoints.refusals import Refusal
from latty.checkpoints.weights import check_all


# Group "code": asks Python to run something.
@pytest.mark.parametrize("name", SAMPLES)
def test_each_sample_is_refused_for_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    wanted, data = SAMPLES[name]
    path = tmp_path / "gift \x1b[31m.pkl"
    path.write_bytes(data)
    if wanted == "ok":
        check_all(open_checkpoint(path).weights())
    else:
        with pytest.raises(Refusal) as caught:
            check_all(open_checkpoint(path).tensors())
            open_checkpoint(path).weights()
        words = str(caught.value)
        assert caught.value.code == wanted, words
        assert caught.value.exit_code == 65 and caught.value.hint
        assert words.isprintable() and len(words) < 400
    assert sorted(p.name for p in tmp_path.iterdir()) == [path.name]


@pytest.mark.parametrize("bit", range(0, 8 * 256, 97))
def test_every_flipped_bit_of_a_stored_tensor_is_noticed(tmp_path: Path, bit: int) -> None:
    start = WEIGHTS.index(np.arange(64, dtype="<f4").tobytes())
    at = start + bit // 8
    path = tmp_path / "m.pt"
    path.write_bytes(WEIGHTS[:at] + bytes([WEIGHTS[at] ^ (1 << bit % 8)]) + WEIGHTS[at + 1 :])
    with pytest.raises(Refusal, match="damaged"):
        open_checkpoint(path)


def test_a_huge_sparse_file_is_refused_at_once(tmp_path: Path) -> None:
    for start in (b"", b"\x80\x04}.", WEIGHTS[:400]):
        path = tmp_path / "model.pkl"
        with path.open("wb") as file:
            file.write(start)
            file.truncate(100 * 2**30)
        with pytest.raises(Refusal):
            open_checkpoint(path)
        path.unlink()
