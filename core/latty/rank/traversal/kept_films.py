"""The films of a ranking of what a traversal keeps: copied, or composed of its pictures."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from latty import files
from latty.directions.store import reference
from latty.presets.formats import Pixels
from latty.rank import gallery
from latty.rank.films import file_of, film_of, height_of
from latty.rank.traversal import pieces, walk_file
from latty.rank.traversal.composing import KeptReel, compose
from latty.rank.traversal.header import TraversalHeader
from latty.render import provenance, work
from latty.scene import Edit, Scene


@dataclass(frozen=True, slots=True)
class KeptFilms:
    """The film of each direction of a traversal from each of its starts."""

    folder: Path
    header: TraversalHeader

    def source(self, k: int, n: int) -> Path | None:
        """The film that the traversal has; None where it has none."""
        stem = file_of(k, self.header.directions[k].name, self.header.starts[n], "")
        found = sorted((self.folder / work.FILMS).glob(f"{stem}.*"))
        return found[0] if found else None

    def name(self, k: int, n: int) -> str:
        """What a film is called."""
        there = self.source(k, n)
        suffix = there.suffix if there else ".gif"
        return file_of(k, self.header.directions[k].name, self.header.starts[n], suffix)

    def make(self, k: int, n: int, path: Path) -> None:
        """One film. Raises BadData, OutputError."""
        if (there := self.source(k, n)) is not None:
            files.write(path, [there.read_bytes()])
            return
        draft = path.with_name(f".{path.name}")
        self._compose(k, n, path.name, draft)
        files.rename(draft, path)

    def shows(self, k: int, n: int, path: Path) -> bool:
        """Whether a file is that film."""
        there = self.source(k, n)
        if there is None or not path.is_file() or path.is_symlink():
            return False
        return provenance.digest_of_output(there) == provenance.digest_of_output(path)

    def _compose(self, k: int, n: int, name: str, target: Path) -> None:
        header, walked, start = self.header, self.header.directions[k], self.header.starts[n]
        scene = Scene(header.model, truncation=header.truncation, label=header.label)
        edit = Edit(reference(header.set_name, walked.name))
        size = height_of(header.picture[0])
        preset = film_of(scene, edit, start, walked.strengths, name, size)
        piece = lru_cache(2)(lambda number: self._piece((k, n), number))
        reel = KeptReel(piece, pieces.LONGEST, header.steps)
        target.parent.mkdir(parents=True, exist_ok=True)
        compose(preset, self._original(n), reel, target, "")

    def _piece(self, walk: tuple[int, int], number: int) -> walk_file.KeptWalk:
        piece = pieces.pieces_of(walk, self.header.steps)[number]
        return walk_file.read(self.folder / work.WALKS / piece.file, piece.count)

    def _original(self, n: int) -> Pixels:
        every = pieces.pieces_of(pieces.ORIGINALS, len(self.header.starts))
        piece = every[n // pieces.LONGEST]
        file = self.folder / work.WALKS / piece.file
        return walk_file.read(file, piece.count)[n - piece.first]


def ranked_set(folder: Path, header: TraversalHeader) -> gallery.RankedSet:
    """What is ranked where the walks are kept."""
    films = KeptFilms(folder, header)
    digests = header.set_digest, header.model_digest or header.model
    return gallery.RankedSet(header.set_name, header.model, digests, films.make, films.name,
                             films.shows)  # fmt: skip
