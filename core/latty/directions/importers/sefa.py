"""SeFa's curated latents: `{model}_latents.npy`, z (N, D) of ProGANs, codes (N, L, D) of StyleGANs.

Shen and Zhou 2021. Codes are stored truncated.
"""

import re

from latty.directions.importing import sanitise, vectors
from latty.directions.importing.base import CERTAIN, NO, Codes, Imported
from latty.directions.importing.model_names import family_of
from latty.directions.importing.sets import latent_space, latents
from latty.directions.importing.source import ImportSource

NAME = re.compile(
    r"(?:sefa_)?((?:pggan|stylegan\d?)_?[a-z0-9]*(?:_[a-z0-9]+)*)_latents?(?:_codes?)?"
)


def recognise(source: ImportSource) -> int:
    view = vectors.alone(source)
    if view is None or source.kind != "npy" or len(view.shape) not in (2, 3):
        return NO
    return CERTAIN if NAME.fullmatch(source.stem) and vectors.width_fits(view) else NO


def convert(source: ImportSource) -> Imported:
    view = vectors.alone(source)
    if view is None or len(view.shape) not in (2, 3):
        sanitise.refuse(source, "it holds no latents (N, D) or codes (N, L, D)")
    matched = NAME.fullmatch(source.stem)
    model = matched[1] if matched else ""
    layered = len(view.shape) == 3
    family = family_of(model)
    space = latent_space(source, "w" if layered or family.startswith("stylegan") else "z")
    notes = []
    if layered:
        notes.append("its codes are truncated already: leave truncation at 1")
    return latents(source, [view], Codes(space, model, family), notes)
