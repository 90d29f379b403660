"""Do the parts of a scene go together? What the headers of its directions and latents can tell.

A preset gets here when everything it names is there. Nothing here imports torch or numpy.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from latty.directions.base import Info
from latty.directions.store import resolve, set_info, several, split
from latty.errors import Problem
from latty.presets import codecs, naming, sounds
from latty.presets.moments import USUAL
from latty.presets.preset_file import PresetFile
from latty.presets.values import Preset
from latty.scene import ALL, MIXING, Edit, Scene, references, to_table
from latty.tables import words

Said = tuple[words.Path, str, str]  # key of the scene, or of its edit, what, hint
Find = Callable[[Preset], Iterator[Said]]


def missing(source: PresetFile, preset: Preset) -> Iterator[Problem]:
    """What the presets that panels name need, and what is not there."""
    for index, panel in enumerate(preset.panels):
        if not panel.source:
            continue
        named = [*references(to_table(panel.preset.scene))]
        for key, track in panel.preset.following.items():
            named.append(((key,), naming.SOUND, track.sound))
        for path, kind, ref in named:
            if (error := naming.fault(kind, ref)) is not None:
                what = _elsewhere(path, error.message)
                yield source.problem(_preset_of(index), what, error.hint, error.exit_code)


def of_scenes(
    source: PresetFile, preset: Preset, *finds: Find, numbers: bool = True
) -> list[Problem]:
    """What is found in the scenes that are drawn: that of the preset, or those of its panels; what
    several panels have from one place, or in the recipe of a picture, is said once. `numbers`:
    whether any of it depends on more of a scene than its kind (Preset.kind)."""
    if not preset.panels:
        return [source.problem(("scene", *path), what, hint)
                for find in finds for path, what, hint in find(preset)]  # fmt: skip
    found: dict[object, Problem] = {}
    known = dict[object, list[Said]]()
    for index, panel in enumerate(preset.panels):
        own, part = source.data["panels"][index], panel.preset
        scene = part.scene if numbers else part.kind
        if numbers and isinstance(scene.seed, int):  # which one changes nothing that is found
            scene = replace(scene, seed=min(scene.seed, 1))
        # What else a panel has is that of the whole, which takes long to compare.
        alike = scene, part.tracks, part.seeds, part.pace, part.held
        if alike not in known:
            part = replace(part, scene=scene)
            known[alike] = [said for find in finds for said in find(part)]
        for path, what, hint in known[alike]:
            where: words.Path = ("panels", index, *path)
            if panel.source and path[0] not in own:
                where, what = _preset_of(index), _elsewhere(path, what)
            elif path[0] not in own:
                where = ("scene", *path)
            problem = source.problem(where, what, hint)
            found.setdefault((path, what) if source.kind.wide else problem, problem)
    return [*found.values()]


def _preset_of(index: int) -> words.Path:
    return "panels", index, "preset"


def _elsewhere(path: words.Path, what: str) -> str:
    """What is wrong at a key of another file."""
    return f"{words.dotted(('scene', *path))}: {what}"


def faults(preset: Preset) -> Iterator[Said]:
    """What of its scene could never be drawn, whatever the model."""
    scene = preset.scene
    for index, edit in enumerate(scene.edits):
        for path, what, hint in (*_edit_faults(edit), *_lock_faults(edit, scene)):
            yield ("edits", index, *path), what, hint
    if _start(scene)[0] == "w":
        early = [edit.direction for edit in scene.edits if _space(edit.direction) == "z"]
        if early:
            what = f"lies behind the mapping, where '{words.shown(early[0])}' cannot move z"
            yield ("latent",), what, "start at a seed, or edit in w"


def for_other_models(preset: Preset) -> Iterator[Said]:
    """Warnings of its scene: directions and latents that were made for another model."""
    scene, model = preset.scene, Path(preset.scene.model).stem
    made_for: list[tuple[words.Path, str]] = [
        (path, _maker(ref, scene.model))
        for path, kind, ref in references(to_table(scene))
        if kind in ("direction", "directions", "move") and not ref.startswith(MIXING)
    ]
    made_for.append((("latent",), _start(scene)[1]))
    for path, maker in made_for:
        if maker and maker != model:
            here = words.shown(scene.model)
            what = f"was made for model '{words.shown(maker)}', this is '{here}'"
            yield path, what, ""


def unused(preset: Preset) -> Iterator[Said]:
    """Warnings: keys of its scene that another one takes the place of."""
    if preset.scene.latent is not None and (preset.seeds or preset.scene.seed != 0):
        yield ("seed",), "is not used: the scene starts at its latent", ""


def paces(source: PresetFile, preset: Preset) -> Iterator[Problem]:
    """Warnings: panels whose preset lasts longer or shorter than the film, and that do not say
    how long they do."""
    for index in of_another_length(preset):
        panel = preset.panels[index]
        if (pace := panel.preset.pace) is None or not panel.preset.moves:
            continue
        then = {"once": "then it stays at its end", "bounce": "then it goes back"}
        after = then.get(pace.loop, "then it begins again")
        after = "its end is not seen" if pace.seconds > pace.film else after
        what = f"lasts {pace.seconds:g} s, the film {pace.film:g} s: {after}"
        yield source.problem(("panels", index, "preset"), what, "or say seconds beside it")


def of_another_length(preset: Preset) -> Iterator[int]:
    """The panels whose preset lasts longer or shorter than the film, by its own word."""
    for index, panel in enumerate(preset.panels):
        pace = panel.preset.pace
        if pace is None or not panel.source or "seconds" in panel.own:
            continue
        if abs(pace.seconds - pace.film) >= 0.5 / USUAL:
            yield index


def silent(preset: Preset) -> Iterator[Said]:
    """Sounds of which nothing is heard in the whole film where something follows them."""
    for key, track in preset.following.items():
        if (error := track.silence) is not None:
            path = (int(part) if part.isdecimal() else part for part in key.split("."))
            yield (*path, "sound"), error.message, error.hint


def _maker(ref: str, model: str) -> str:
    """The model that a direction was made for; "" for this very one, whatever it is called."""
    header = set_info(split(ref)[0])
    same = header.model != Path(model).stem and naming.is_model(model, header.model_digest)
    return "" if same else header.model


def sounds_end(source: PresetFile, preset: Preset) -> Iterator[Problem]:
    """Warnings: sounds that end before the film does, where something plays them."""
    for where, ref, offset in sounds.named(source.data):
        output = source.data["outputs"][where[1]] if where[0] == "outputs" else None
        if output and "sound" in dict(codecs.unread(output)):
            continue
        left, lasts = sounds.look(ref).seconds - offset, preset.duration
        if left < lasts - 1 / USUAL:
            what = f"ends after {max(left, 0):g} s of {lasts:g}: silence from there on"
            yield source.problem(where, what)


def _start(scene: Scene) -> tuple[str, str]:
    """Space and model of the latent where a scene starts; "" for what nobody said."""
    if scene.latent is None:
        return "", ""
    from latty import latents  # few presets need it

    found = latents.look(scene.latent)
    return found.space, found.model


def _edit_faults(edit: Edit) -> Iterator[Said]:
    own = _same(edit.direction)
    if edit.unit == "own" and own and not own[1].unit:
        yield ("unit",), f"'{words.shown(edit.direction)}' counts in sigma only", "leave it out"
    space = _space(edit.direction)
    if space not in ("", "z", "w") and edit.layers not in (None, ALL):
        yield ("layers",), f"mean nothing in {words.shown(space)}, which is one layer", ""
    for place, ref in enumerate(edit.conditions):
        path, held = ("conditions", place), several(ref)
        if own and any(_same(one) == own for one in held):
            yield path, "is the direction of this very edit: nothing of it would be left", ""
        elif own and (other := _space(held[0])) != space:
            what = f"is held in {other}, and this edit moves in {space}"
            yield path, what, "name a direction of the same space"
    if edit.within is not None and own and (other := _space(several(edit.within)[0])) != space:
        what = f"lies in {other}, and this edit moves in {space}"
        yield ("within",), what, "name directions of the same space"


def _lock_faults(edit: Edit, scene: Scene) -> Iterator[Said]:
    own = _same(edit.direction)
    for ref in scene.locks if own else ():
        if _same(ref) != own and _space(ref) != _space(edit.direction):
            moves = f"moves in {_space(edit.direction)}"
            what = f"{moves}, where the lock '{words.shown(ref)}' in {_space(ref)} cannot hold it"
            yield ("direction",), what, "lock directions of the same space"


def _same(ref: str) -> "tuple[Path, Info] | None":
    """What two spellings of one direction share; None for a seed."""
    return None if ref.startswith(MIXING) else _header(ref)[:2]


def _space(ref: str) -> str:
    """The space of a direction; "" for a seed, which goes where the model likes it."""
    return "" if ref.startswith(MIXING) else _header(ref)[3]


def _header(ref: str) -> "tuple[Path, Info, str, str]":
    """File, info, model and space of a direction."""
    path, header, index = resolve(ref)
    return path.resolve(), header.infos[index], header.model, header.space
