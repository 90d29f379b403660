"""Pins compared with what is here, and made of it: in presets, and in the words of jobs.

Nothing here imports torch.
"""

import os
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePath

from latty.errors import BadData, Missing, UsageError
from latty.presets.contents import (
    ARCHIVE,
    FILES,
    SHOWN,
    TOLD,
    Difference,
    difference,
    named_at,
    scorers_of,
    sources,
)
from latty.presets.digests import DIGESTS, digest_of, same
from latty.presets.naming import path_from
from latty.presets.overrides import parse
from latty.presets.pins import DIGEST, PINNED, Pins
from latty.presets.preset_file import PresetFile
from latty.presets.values import Preset
from latty.unpacked import unpacked

TABLES = {kind: table for table, kind in PINNED.items()}  # of pins
Pair = tuple[str, str]  # the kind of content, and the file or name that is here
Texts = Iterable[tuple[Pair, str]]  # how something is spelled


def pinned(
    preset: Preset,
    folder: Path,
    typed: Collection[Pair] = (),
    texts: Texts = (),
    others: Texts = (),
) -> Iterator[Difference]:
    """What of a preset in a folder has other content than it pins. What is pinned and not named any
    more is not looked at.

    typed   what the user names instead
    texts   how the preset spells what has another name here, in an archive or another folder
    others  how other presets do that it extends or shows, of whose paths the last name counts

    Raises Missing, BadData, OutputError.
    """
    if (pins := preset.pins) is None:
        return
    every = sources(preset)
    climbed = (scorers_of(source).items() for kind, source in every if kind == "directions")
    said = _by_pair((*texts, *((("scorers", one), name) for some in climbed for one, name in some)))
    near = _by_pair(others)
    ways = {pair: _ways(*pair, folder, said.get(pair, ())) for pair in every}
    taken = {(kind, way) for (kind, _), some in ways.items() for way in some}
    for kind, source in every:
        if (kind, source) in typed:
            continue
        pair = kind, source
        spelled = (*said.get(pair, ()), *near.get(pair, ()))
        name, digits = _pin(dict(getattr(pins, TABLES[kind])), pair, ways[pair], spelled, taken)
        if kind == "model" and source == preset.scene.model and pins.model is not None:
            name, digits = source, pins.model
        if (found := difference(kind, name, digits, source)) is not None:
            yield found


def unlike(
    preset: Preset, loaded: PresetFile, overrides: Sequence[str], texts: Texts = ()
) -> tuple[Difference, ...]:
    """What of a preset that was read has other content than it pins, but for what the user names
    instead; `texts` spell what was found under another name. What is not there is told by the
    checks. Raises BadData, OutputError."""
    if preset.pins is None:
        return ()
    keys = [parse(text) for text in overrides]
    typed = named_at(loaded.data, lambda key: any(one.covers(key) for one in keys))
    folder, names = loaded.path.parent if loaded.path else Path(), loaded.names
    if names is not None:
        texts = (*texts, *names.texts())
    others = [one for other in names.others() for one in other.texts()] if names else []
    try:
        return tuple(pinned(preset, folder, typed, texts, others))
    except Missing:
        return ()


def _by_pair(texts: Texts) -> dict[Pair, list[str]]:
    found = dict[Pair, list[str]]()
    for pair, text in texts:
        found.setdefault(pair, []).append(text)
    return found


def _ways(kind: str, source: str, folder: Path, texts: Sequence[str]) -> list[str]:
    """How a preset in a folder may mean a source."""
    whole = os.path.abspath(source)  # noqa: PTH100  links stay
    ways = [*texts, source, _spelled(source, folder), whole, os.path.relpath(whole, folder)]
    return [*ways, PurePath(source).name] if kind in FILES.values() else ways


def _pin(
    said: Mapping[str, str],
    pair: Pair,
    ways: Sequence[str],
    spelled: Sequence[str],
    taken: Container[Pair],
) -> tuple[str, str | None]:
    """How pins spell something, and its digest: in one of its ways, or with its last name where
    that means nothing else; of several of these the one that is true. Raises Missing, BadData,
    OutputError."""
    if (way := next((one for one in ways if one in said), None)) is not None:
        return way, said[way]
    kind, source = pair
    names = {PurePath(one).name for one in spelled}
    near = [one for one in said if PurePath(one).name in names and (kind, one) not in taken]
    near.sort(key=lambda one: not same(said[one], kind, source))
    return (near[0], said[near[0]]) if near else (source, None)


def _spelled(source: str, folder: Path) -> str:
    """A file in or below the preset's folder as from there, wherever one is."""
    path = Path(source)
    return path_from(source, folder) if path.is_absolute() else source


def _here(preset: Preset) -> dict[tuple[str, str], str]:
    """SHA-256 of what each name stands for now, in the order of DIGESTS. Raises Missing, BadData,
    OutputError."""
    named = sorted(sources(preset), key=lambda pair: [*DIGESTS].index(pair[0]))
    found = {(kind, source): DIGESTS[kind](source) for kind, source in named}
    return {pair: digits for pair, digits in found.items() if digits}


def pins_of(presets: Sequence[Preset], folder: Path) -> Pins:
    """The pins of what is here now, of a preset or of all that one stands for. Raises Missing,
    BadData, OutputError."""
    found: dict[str, dict[str, str]] = {kind: {} for kind in PINNED}
    here = {pair: digits for preset in presets for pair, digits in _here(preset).items()}
    own = {preset.scene.model for preset in presets}
    model = here.pop(("model", own.pop()), None) if len(own) == 1 else None
    for (kind, source), digits in here.items():
        found[TABLES[kind]][_spelled(source, folder)] = digits
    return Pins(model, **{kind: tuple(sorted(table.items())) for kind, table in found.items()})


def spelled(preset: Preset, packed: Path | None = None) -> list[str]:
    """The pins of what is here now as words of a command line: "model:demo=e2fa8acf9d68"; of what
    the archive `packed` holds that of the archive. Raises Missing, BadData, OutputError."""
    pins = {(ARCHIVE, str(packed)): digest_of(packed)} if packed is not None else {}
    pins |= {pair: digits for pair, digits in _here(preset).items() if unpacked(pair[1]) is None}
    return [f"{kind}:{source}={digits[:SHOWN]}" for (kind, source), digits in pins.items()]


def check_spelled(words: Sequence[str]) -> None:
    """Raises Changed where what is here has another content, UsageError for what is no pin, and
    what looking for it does."""
    found = []
    for word in words:
        kind, mark, rest = word.partition(":")
        source, equals, said = rest.rpartition("=")
        if kind not in (*DIGESTS, ARCHIVE) or not mark or not equals or not DIGEST.accepts(said):
            raise UsageError(f"--pin {word} is no pin", "as in model:demo=e2fa8acf9d68")
        found.append(difference(kind, source, said, source))
    differs = tuple(one for one in found if one is not None)
    if differs:
        told = "; ".join(one.words("the one that was pinned") for one in differs[:TOLD])
        raise BadData(told, "put that back, or submit it again")
