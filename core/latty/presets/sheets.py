"""What a preset with [[each]] says of one number: its keys filled in, or laid out as panels."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import PurePath
from typing import Any, NamedTuple

from latty.errors import LattyError
from latty.models.facts import model_facts
from latty.presets.axes import SIDES, Axes, Axis, Combination, Pass, moving
from latty.presets.each import Each
from latty.presets.texts import names_in
from latty.presets.variables import TOKEN, Filling, filled, named
from latty.scene import MIXING
from latty.scene import named as direction_name
from latty.tables.rules import Fault

Table = dict[str, Any]
WORDS = {"toward": "toward", "seed": "seed", "latent": "latent", "layers": "layers"}
MOVING = ("t", "seconds", "frame", "strength", "edits", "score")  # in texts, with the moment
SAID = {  # in texts, of a key of a scene that is called otherwise there
    "toward": ("direction",), "label": ("class",), "latent": ("score",),
    **dict.fromkeys(("strength", "amount", "from", "to"), ("strength", "edits")),
}  # fmt: skip


class FilledIn(NamedTuple):
    """The data of one preset with its placeholders replaced, what was found on the way, and the
    numbers in the file of the texts that it writes; () = all."""

    data: Table
    filling: Filling
    texts: tuple[int, ...] = ()


def said(
    data: Mapping[str, Any], stem: str, each: Each, number: int, unread: Collection[str] = ()
) -> FilledIn:
    """What the data of a preset says of a number, as `variables.filled` does; the keys that its
    outputs lay out are its panels, row by row."""
    one = each.pass_of(number)
    chosen = each.chosen(number) if each.values else None
    data = _with_outputs(data, one)
    if one.axes is None:
        return FilledIn(*filled(data, stem, chosen, unread))
    return _Sheet(data, each, one.axes, chosen or {}).said(stem)


def _with_outputs(data: Mapping[str, Any], one: Pass) -> Table:
    outputs = data.get("outputs")
    kept = [outputs[i] for i in one.outputs] if isinstance(outputs, list) else outputs
    return {**data, "outputs": kept} if one.outputs else dict(data)


@dataclass(frozen=True, slots=True)
class _Sheet:
    """The preset of outputs that lay keys out."""

    data: Table
    each: Each
    axes: Axes
    chosen: Mapping[str, Any]

    def said(self, stem: str) -> FilledIn:
        cells, faults = self._cells()
        first, data = cells[0][1], dict(self.data)
        texts, left_out = self._texts()
        if left_out:
            data["text"] = [data["text"][i] for i in texts]
        data["scene"] = _alike([scene for _, scene in cells])
        made, filling = filled(data, stem, self.chosen, laid=self.axes.keys)
        made["scene"] = first
        if isinstance(first, dict):
            made["panels"] = [
                {"alone": True, **({} if t is None else {"at": t}), **scene} for t, scene in cells
            ]
            made["outputs"] = [self._laid(one) if isinstance(one, dict) else one
                               for one in made.get("outputs", ())]  # fmt: skip
        filling.faults[:] = dict.fromkeys([*faults, *filling.faults])
        filling.doubts += left_out
        return FilledIn(made, filling, texts if left_out else ())

    def _cells(self) -> tuple[list[tuple[float | None, Any]], list[Fault]]:
        """The moment and the scene of every cell, row by row, and what is wrong."""
        known, values = named(self.data), self.each.values
        scenes, faults = [], dict[Fault, None]()
        rows, columns = self.axes.rows, self.axes.columns
        for down in rows.combinations(values):
            for row in rows.times():
                for across in columns.combinations(values):
                    filling = Filling({**known, **self.chosen, **down, **across})
                    scene = filling.filled(self.data.get("scene"), ("scene",))
                    faults |= dict.fromkeys(filling.faults)
                    scenes += [(t if row is None else row, scene) for t in columns.times()]
        return scenes, [*faults]

    def _texts(self) -> tuple[tuple[int, ...], list[Fault]]:
        """The numbers of the texts over the whole, and a doubt for each other, which says what the
        captions say."""
        found, doubts, laid = [], list[Fault](), self._in_texts()
        texts = self.data.get("text")
        for index, text in enumerate(texts if isinstance(texts, list) else ()):
            value = text.get("value") if isinstance(text, dict) else None
            names = names_in(value) if isinstance(value, str) else ()
            if name := next((one for one in names if one.partition(".")[0] in laid), ""):
                side = laid[name.partition(".")[0]]
                what = f"lays {{{name}}} out: text.{index}, which says it, is not written here"
                doubts.append(Fault(("outputs", 0, side), what))
            else:
                found.append(index)
        return tuple(found), doubts

    def _in_texts(self) -> dict[str, str]:
        """The names that texts have for what is not the same in all cells, and the side of each."""
        found, scene = dict[str, str](), self.data.get("scene")
        for side, axis in self.axes.sides:
            for key in axis.keys:
                said = (SAID.get(use, (use,)) for use in _uses(scene, key))
                found |= dict.fromkeys((key, *chain.from_iterable(said)), side)
            found |= dict.fromkeys(MOVING if axis.moments else (), side)
        return found

    def _laid(self, output: Table) -> Table:
        """An output with its rows and columns as those of panels; what is no axis stays, to be
        told."""
        short, sides = output.get("captions") == "short", self.axes.sides
        captions = {f"{side[:-1]}_names": self._captions(axis, short) for side, axis in sides}
        across = self.axes.columns
        count = len(across.combinations(self.each.values)) * across.count
        laid = [side for side, axis in sides if axis.keys or axis.moments]
        rest = {key: value for key, value in output.items() if key not in laid}
        if any(side in rest for side in SIDES):
            return rest
        return {**{key: words for key, words in captions.items() if words}, "columns": count,
                **rest}  # fmt: skip

    def _captions(self, axis: Axis, short: bool) -> list[str]:
        """What each row, or each column, is called."""
        if axis.moments:
            edit = next(iter(moving(self.data, axis.moments)), 0)
            of = {
                "strength": f"{{edits.{edit}.strength:+}}",
                "amount": f"{{edits.{edit}.amount:.0%}}",
            }
            return [of.get(axis.moments, "{frame}")] * axis.count
        words = {key: self._words(key, short) for key in axis.keys}
        every = axis.combinations(self.each.values) if axis.keys else []
        found = (", ".join(words[key](value) for key, value in one.items()) for one in every)
        return [one.replace("{", "{{").replace("}", "}}") for one in found]

    def _words(self, key: str, short: bool) -> Callable[[Any], str]:
        use = next(_uses(self.data.get("scene"), key), "")
        names: tuple[str, ...] = ()
        if use == "label":
            names = _classes(self.data.get("scene"), {**named(self.data), **self.chosen})
        return partial(_called, key=key, use=use, short=short, names=names)


def _called(value: Any, key: str, use: str, short: bool, names: tuple[str, ...]) -> str:
    """A value as people read it: a direction without its set, a class's word, a number as it was
    written, beside what it is of; `use`: the key of a scene that it is."""
    if use == "label" and type(value) is int and value < len(names):
        return names[value].partition(",")[0]
    if use == "strength" and not isinstance(value, str):
        return f"{round(value, 2):+g}" if round(value, 2) else "0"
    if use == "model":
        return PurePath(str(value)).stem
    said = direction_name(value) if isinstance(value, str) else f"{value:g}" if (
        isinstance(value, float)) else str(value)  # fmt: skip
    is_word = isinstance(value, str) and use not in WORDS
    return said if short or is_word else f"{WORDS.get(use, key)} {said}"


def _uses(value: Any, key: str, where: str = "") -> Iterator[str]:
    """The keys of a scene whose value is "{key}", or a direction "seed:{key}": that is "toward"."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _uses(one, key, name)
    elif isinstance(value, list):
        for one in value:
            yield from _uses(one, key, where)
    elif isinstance(value, str):
        rest = value.removeprefix(MIXING)
        if (alone := TOKEN.fullmatch(rest)) is not None and alone[1] == key:
            yield where if rest == value else "toward"


def _classes(scene: Any, known: Combination) -> tuple[str, ...]:
    """The names of the classes of a model, as far as its header says them."""
    with suppress(LattyError, OSError, ValueError):
        model = Filling(known).filled(scene.get("model"), ())
        return model_facts(model).class_names if isinstance(model, str) else ()
    return ()


def _alike(scenes: list[Any]) -> Any:
    """What the path of an output may know of scenes: a seed and a model that all of them have."""
    tables = [scene if isinstance(scene, dict) else {} for scene in scenes]
    seeds = [scene.get("seed", 0) for scene in tables]
    models = {str(scene.get("model")) for scene in tables}
    seed = seeds[0] if all(one == seeds[0] for one in seeds) else []
    return {"seed": seed, **({"model": models.pop()} if len(models) == 1 else {})}
