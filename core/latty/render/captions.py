"""The texts of a preset over its frames: what they say at a moment, where they are, their looks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from latty import latents
from latty.presets import Output, Preset, fonts
from latty.presets.colours import colour
from latty.presets.fonts import Faces, Typeface
from latty.presets.formats import Pixels, is_film
from latty.presets.texts import Caption, Number, filled, numbers_of
from latty.render import grids, lettering
from latty.render.composition import BLANK, Composition
from latty.render.lettering import Ink
from latty.scene import Scene, Walk, named

_SIDES = {"left": 0.0, "right": 1.0, "top": 0.0, "bottom": 1.0}
KEPT = 32  # texts that are drawn already


def faces(preset: Preset) -> Faces:
    """The typefaces of a preset's texts. Raises what `presets.fonts.faces` does."""
    return fonts.faces(preset.texts, facts_at(preset, None, 0.0, 0)) if preset.texts else {}


def facts_at(
    preset: Preset, output: Output | None, t: float, number: int
) -> dict[str, Number | str]:
    """What the placeholders of a text stand for at t, in the frame of that number."""
    scene = (preset.shown(output) if output else preset).at(t)
    edits = {f"edits.{i}.strength": edit.strength for i, edit in enumerate(scene.edits)}
    amounts = {f"edits.{i}.amount": edit.amount for i, edit in enumerate(scene.edits)}
    moving = [key for key, _ in preset.tracks if key in edits | amounts]
    index = int(moving[0].split(".")[1]) if moving else 0
    first = scene.edits[index] if scene.edits else None
    return {
        **edits,
        **{f"score.{name}": value for name, value in _scores(scene)},
        **amounts,
        "t": t,
        "seconds": t * preset.count(output) / float(output.rate if output else 25),
        "frame": number,
        "frames": preset.count(output),
        "strength": first.strength if first else 0.0,
        "truncation": scene.truncation,
        "cutoff": scene.cutoff or 0,
        "score": (scene.latent and latents.score(scene.latent)) or 0.0,
        "seed": _seed(preset, scene),
        "direction": named(first.direction) if first else "",
        "model": Path(scene.model).stem,
        "class": str("" if scene.label is None else scene.label),
        "name": preset.name,
    }


def _scores(scene: Scene) -> Iterator[tuple[str, Number | str]]:
    for name, value in latents.own_scores(scene.latent).items() if scene.latent else ():
        yield name, "?" if value is None else value


def _seed(preset: Preset, scene: Scene) -> str:
    """The seed, all of several, or of a walk the one that is next."""
    if preset.seeds:
        return ", ".join(map(str, preset.seeds))
    if not isinstance(scene.seed, Walk):
        return str(scene.seed)
    seeds, walk = scene.seed.seeds, scene.seed
    legs = len(seeds) if walk.blend == "circular" else len(seeds) - 1
    return str(seeds[round(walk.t * legs) % len(seeds)])


def table_captions(preset: Preset, output: Output) -> grids.TableCaptions:
    """What stands beside the rows of a table of panels, and above its columns, as it is at the
    beginning; words of a row or column that are not the same in all its panels stand below each."""
    facts, count = [_facts(panel.preset, output) for panel in preset.panels], len(preset.panels)
    columns = output.columns or count
    rows = [range(i, min(i + columns, count)) for i in range(0, count, columns)]
    below = [list[str]() for _ in preset.panels]
    found = list[list[str]]()
    for names, lines in (
        (output.row_names, rows),
        (output.column_names, [range(i, count, columns) for i in range(columns)]),
    ):
        said = [[_unsigned(filled(name, facts[i])) for i in line]
                for name, line in zip(names, lines, strict=False)]  # fmt: skip
        alike = all(len({*one}) == 1 for one in said)
        found.append([one[0] for one in said] if alike else [])
        for line, words in () if alike else zip(lines, said, strict=False):
            for i, word in zip(line, words, strict=True):
                below[i].append(word)
    return grids.TableCaptions(found[0], found[1], [", ".join(words) for words in below])


def captioned_table(
    preset: Preset, output: Output, cell: tuple[int, int, int], composed: Composition
) -> grids.Table:
    """The page of a table of panels with its captions, whose cells, the largest of which has this
    height, width and channels, are to be filled."""
    paper = composed.background or (BLANK if is_film(output.path) else None)
    look = grids.style(cell[0], composed.gap, composed.margin, paper)
    words = table_captions(preset, output) if output.captions else grids.TableCaptions()
    shape = len(preset.panels), output.columns or len(preset.panels)
    return grids.Table(cell, shape, words, look)


def _facts(part: Preset, output: Output) -> Callable[[str], Number | str]:
    number = round((part.held or 0.0) * (part.count(output) - 1))
    found = facts_at(part, output, 0.0, number)
    return numbers_of({name: round(one, 2) if isinstance(one, float) else one
                       for name, one in found.items()})  # fmt: skip


def _unsigned(words: str) -> str:
    """As strips write it: a strength of nothing has no sign."""
    return "0" if words in ("+0", "-0") else words


@dataclass(frozen=True, slots=True)
class Writing:
    """The texts of an output: `over` writes them on its frames."""

    preset: Preset
    output: Output
    faces: Faces

    def titled(self, pixels: Pixels, part: Preset, title: str, t: float, number: int) -> Pixels:
        """A panel (H, W, 3 or 4) with its title, whose numbers are its own."""
        if not title:
            return pixels
        values = numbers_of(facts_at(part, self.output, t, number))
        found = pixels.copy()
        lay(found, _title(title), filled(title, values), fonts.own())
        return found

    def over(self, pixels: Pixels, t: float, number: int) -> Pixels:
        """A frame (H, W, 3 or 4) with what is written on it at t. Raises BadData for a text that
        does not fit."""
        seen = [one for one in self.preset.texts if one.opacity(t)]
        if not seen:
            return pixels
        values = numbers_of(facts_at(self.preset, self.output, t, number))
        found = pixels.copy()
        for caption in seen:
            words = filled(caption.value, values)
            lay(found, caption, words, self.faces[caption.font], caption.opacity(t))
        return found


def _title(value: str) -> Caption:
    return Caption(value, "top-left", size=0.08)


def lay(pixels: Pixels, caption: Caption, words: str, face: Typeface, opacity: float = 1.0) -> None:
    """Write words on a frame (H, W, 3 or 4), in place. Raises BadData where they do not fit."""
    side = pixels.shape[0], pixels.shape[1]
    drawn, top, left = _placed(caption, words, face, side)
    first = max(0, top), max(0, left)
    last = min(side[0], top + drawn.letters.shape[0]), min(side[1], left + drawn.letters.shape[1])
    if last[0] <= first[0] or last[1] <= first[1]:
        return
    part = pixels[first[0] : last[0], first[1] : last[1]]
    cut = slice(first[0] - top, last[0] - top), slice(first[1] - left, last[1] - left)
    colours = (caption.outline_color, drawn.outlined), (caption.color, drawn.letters)
    for name, mask in colours if caption.outline else colours[1:]:
        red, green, blue, alpha = colour(name)
        layer = np.empty((*part.shape[:2], 4), np.uint8)
        layer[:] = red, green, blue, 0
        layer[..., 3] = np.rint(mask[cut] * (opacity * alpha / 255))
        part[:] = grids.laid(layer, part)


@lru_cache(KEPT)
def _placed(
    caption: Caption, words: str, face: Typeface, side: tuple[int, int]
) -> tuple[Ink, int, int]:
    """The masks of a text and where their top left corner goes in a frame (height, width)."""
    short = min(side)
    size = max(lettering.SMALLEST, round(caption.size * short))
    pad = size // 2
    room = max(1, side[0] - 2 * pad), max(1, side[1] - 2 * pad)
    lines, size = lettering.fitting(words, face, size, room)
    if isinstance(caption.place, str):
        words_of_place = caption.place.split("-")
        across = next((_SIDES[w] for w in words_of_place if w in ("left", "right")), 0.5)
        down = next((_SIDES[w] for w in words_of_place if w in ("top", "bottom")), 0.5)
    else:
        across = down = 0.5
    drawn = _trimmed(lettering.ink(lines, face, size, caption.outline * size, across))
    height, width = drawn.letters.shape
    if isinstance(caption.place, str):
        return drawn, *(round(pad + (whole - 2 * pad - own) * share) for whole, own, share in
                        ((side[0], height, down), (side[1], width, across)))  # fmt: skip
    x, y = caption.place
    top, left = round(y * side[0] - height / 2), round(x * side[1] - width / 2)
    return drawn, _inside(top, height, side[0]), _inside(left, width, side[1])


def _inside(place: int, length: int, whole: int) -> int:
    """Where something goes so that all of it is seen."""
    return max(0, min(place, whole - length))


def _trimmed(drawn: Ink) -> Ink:
    """Masks without their empty edges."""
    seen = np.nonzero(drawn.outlined)
    if not len(seen[0]):
        return Ink(drawn.letters[:1, :1], drawn.outlined[:1, :1])
    cut = tuple(slice(int(one.min()), int(one.max()) + 1) for one in seen)
    return Ink(drawn.letters[cut], drawn.outlined[cut])
