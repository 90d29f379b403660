"""Texts with the scores of latents: is there one of the latent that a scene starts at?

Nothing here imports torch or numpy.
"""

import re
from collections.abc import Iterator

from latty.errors import Problem, did_you_mean
from latty.presets.preset_file import PresetFile
from latty.presets.texts import SCORE
from latty.presets.values import Preset

SINGLE = re.compile(r"\{score[:}]")  # of latents that latty wrote


def unscored(source: PresetFile, preset: Preset) -> Iterator[Problem]:
    """Texts with the score of a latent, where no latent has one."""
    from latty import latents  # few presets need it

    written = [(("text", i, "value"), one.value, preset) for i, one in enumerate(preset.texts)]
    written += [(("panels", i, "title"), one.title, one.preset)
                for i, one in enumerate(preset.panels)]  # fmt: skip
    for where, value, part in written:
        start, said = part.scene.latent, value.replace("{{", "")
        names = SCORE.findall(said)
        known = latents.scored(latents.look(start)) if start and names else ()
        for name in names:
            if name not in known:
                what = (
                    f"holds {{score.{name}}}, and the scene starts at no latent with such a score"
                )
                hint = did_you_mean(name, known) or "latty import FILE --for POOL brings scores"
                yield source.problem(where, what, hint)
        if SINGLE.search(said) and (not start or latents.score(start) is None):
            what = "holds {score}, and the scene starts at no latent with a score"
            yield source.problem(where, what, "latty edit writes such latents")
