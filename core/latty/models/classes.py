"""What classes are called, and which class a word means. Neither torch nor numpy is imported.

A model's own names count; one of 1000 classes without names has those of ImageNet (ILSVRC 2012, in
its order). A class may have several names with commas between them, as ImageNet's have.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from latty.errors import BadData, did_you_mean, whole_list
from latty.home import shipped_dir
from latty.scene import Label, Mixture
from latty.text import clean

if TYPE_CHECKING:
    from latty.models.base import Generator

IMAGENET = 1000  # classes
SHOWN = 30  # names in a message
WEIGHT = re.compile(r"(.*?)\s*[:=]\s*([0-9.eE+-]+)", re.DOTALL)


@cache
def imagenet() -> tuple[str, ...]:
    """ImageNet's names in the order of its classes, such as "Eskimo dog, husky"."""
    text = (shipped_dir() / "imagenet.txt").read_text(encoding="utf-8")
    return tuple(text.splitlines())


def names_said(config: Mapping[str, Any], count: int) -> tuple[str, ...]:
    """The settings' "class_names", or "id2label" as Hugging Face writes it; () without either."""
    found = config.get("class_names")
    if found is None and isinstance(labels := config.get("id2label"), dict):
        found = [labels.get(str(i)) for i in range(count)]
    if not isinstance(found, list) or len(found) != count:
        return ()
    named = all(isinstance(name, str) for name in found)
    return tuple(clean(name) for name in found) if named else ()


def own_names(generator: "Generator") -> tuple[str, ...]:
    """The names that the model itself gives its classes; () where it gives none."""
    given: tuple[str, ...] = getattr(generator, "class_names", tuple)()
    return given or generator.info.class_names


def names_of(generator: "Generator") -> tuple[str, ...]:
    """The names of the classes in their order; () where nobody knows any."""
    own = own_names(generator)
    return own or (imagenet() if generator.info.num_classes == IMAGENET else ())


def words_of(label: Label, names: Sequence[str]) -> str:
    """A class as people read it: "1 fox terrier", or "0 red fox:0.5, 1 fox terrier:0.5"."""

    def called(index: int) -> str:
        return f"{index} {names[index]}" if index < len(names) else str(index)

    if isinstance(label, tuple):
        return ", ".join(f"{called(index)}:{weight:g}" for index, weight in label)
    return called(label) if isinstance(label, int) else label or "none"


def typed(label: Label) -> int | str | None:
    """A class as `--label` takes it: its index or name, or a mixture "250:0.7,12:0.3"; None without
    one."""
    if isinstance(label, tuple):
        return ",".join(f"{index}:{weight:.15g}" for index, weight in label)
    return label


def label_of(text: str, generator: "Generator") -> int | Mixture:
    """The class that a text means, or the mixture: "husky", "250", "husky:0.7,lynx:0.3". Raises
    BadData for what is no class of the model, or means several."""
    if not generator.info.num_classes:
        raise BadData(f"{generator.info.name} knows no classes", "leave the label out")
    info = generator.info
    return label_among(text, names_of(generator), info.num_classes, info.name)


def label_among(text: str, names: Sequence[str], count: int, model: str) -> int | Mixture:
    """The same, among `count` classes of these names ((): none are known). Raises BadData."""
    if any(mark in text for mark in ",:=") and text.strip() in names:  # a name may hold them
        return names.index(text.strip())
    pairs = [_weighted(part, names, count, model) for part in text.split(",")]
    return pairs[0][0] if len(pairs) == 1 and pairs[0][1] == 1 else tuple(pairs)


def _weighted(part: str, names: Sequence[str], count: int, model: str) -> tuple[int, float]:
    found = WEIGHT.fullmatch(part.strip())
    if found is None or part.strip() in names:
        return index_of(part, names, count, model), 1.0
    try:
        weight = float(found[2])
    except ValueError:
        weight = math.nan
    if not 0 <= weight < math.inf:
        raise BadData(f"'{found[2]}' is no weight of a class", "as in husky:0.7,lynx:0.3")
    return index_of(found[1], names, count, model), weight


def index_of(word: str, names: Sequence[str], count: int, model: str) -> int:
    """The class that a word or number means: by its whole name, by one of its names, by words in
    them. Raises BadData with the nearest names, or with all that it may mean."""
    word = word.strip()
    if word.isascii() and word.isdecimal() and len(word) < 8:
        if int(word) >= count:
            raise BadData(f"no class {word}", f"{model} has classes 0 to {count - 1}")
        return int(word)
    found = matching(word, names)
    if len(found) == 1:
        return found[0]
    if found:
        told = ", ".join(f"{i} {names[i]}" for i in found[:SHOWN])
        more = f", and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        raise BadData(f"'{word}' may mean {len(found)} classes of {model}", f"{told}{more}")
    if not names:
        raise BadData(f"no class '{word}'", "this model's classes have no names: give an index")
    if len(names) <= SHOWN:
        hint = whole_list(word, names)
    else:
        near = did_you_mean(word, [one for name in names for one in _parts(name)])
        hint = f"{near} " if near.startswith("did") else ""
        hint += f"all {count}: latty classes {model}"
    raise BadData(f"no class '{word}'", hint)


def matching(word: str, names: Sequence[str]) -> list[int]:
    """Every class that a word may mean: those that are called just so, or else in other letters, or
    else those in whose names its words are."""
    sought = word.strip().casefold()
    tests: tuple[Callable[[str], bool], ...] = (
        lambda name: word in _parts(name),
        lambda name: sought == name.casefold() or sought in _parts(name.casefold()),
        lambda name: {*_words(sought)} <= {*_words(name.casefold())},
    )
    if not _words(sought):
        return []
    found = ([i for i, name in enumerate(names) if test(name)] for test in tests)
    return next((some for some in found if some), [])


def _parts(name: str) -> list[str]:
    return [part.strip() for part in name.split(",")]


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text)
