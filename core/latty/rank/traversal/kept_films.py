"""The films of a ranking of what a traversal keeps: copied, or composed of its pictures."""

from dataclasses import dataclass
from pathlib import Path

from latty import files
from latty.directions.store import reference
from latty.rank import gallery
from latty.rank.films import file_of, film_of, height_of
from latty.rank.traversal.composing import compose
from latty.rank.traversal.header import TraversalHeader
from latty.rank.traversal.kept_walks import KeptWalks
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
        files.rename(self._composed(k, n, path), path)

    def shows(self, k: int, n: int, path: Path) -> bool:
        """Whether a file is that film."""
        if not path.is_file() or path.is_symlink():
            return False
        if (there := self.source(k, n)) is not None:
            return provenance.digest_of_output(there) == provenance.digest_of_output(path)
        draft = self._composed(k, n, path)
        try:
            return provenance.digest_of_output(draft) == provenance.digest_of_output(path)
        finally:
            files.remove(draft)

    def _composed(self, k: int, n: int, path: Path) -> Path:
        """The film beside its place."""
        header, walked, start = self.header, self.header.directions[k], self.header.starts[n]
        scene = Scene(header.model, truncation=header.truncation, label=header.label,
                      precision=header.precision)  # fmt: skip
        edit = Edit(reference(header.set_name, walked.name))
        size = height_of(header.picture[0])
        preset = film_of(scene, edit, start, walked.strengths, path.name, size)
        walks = KeptWalks(self.folder / work.WALKS, len(header.starts), header.steps)
        draft = path.with_name(f".{path.name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        compose(preset, walks.original(n), walks.reel(k, n), draft, "")
        return draft


def ranked_set(folder: Path, header: TraversalHeader) -> gallery.RankedSet:
    """What is ranked where the walks are kept."""
    films = KeptFilms(folder, header)
    digests = header.set_digest, header.model_digest or header.model
    return gallery.RankedSet(header.set_name, header.model, header.space, digests, films.make,
                             films.name, films.shows, header.key)  # fmt: skip
