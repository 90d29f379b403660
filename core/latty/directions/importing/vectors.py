"""Bare arrays, which say nothing of themselves: what shape, numbers and file name tell."""

import re
from math import sqrt

from latty.checkpoints.values import TensorView
from latty.directions.importing import sanitise
from latty.directions.importing.source import ImportSource

DIRECTION_WORDS = re.compile(
    r"boundary|boundaries|direction|steer|editing|semantic|axis|component|vector"
    r"|^(age|young|smil(e|ing)|pose|yaw|pitch|roll|gender|male|eyeglasses|glasses|beard|bald|hair"
    r"|eyes?|eyesize|eyeballs?|mouth|nose|lipstick|eyebrows?|chin|expression|gaze|makeup|bangs)"
    r"(?![a-z])"
)
WALK_WORDS = re.compile(r"zoom|shift|rotate|rotation|color|colour|rgb|luminance|steer")
BARE = ("npy", "npz", "torch-zip", "torch-legacy")  # kinds of files that can be one array
CODE_WORDS = re.compile(
    r"latent_?codes?|latents?(?![a-z_]*direction)|projected|invers|w_?plus|wplus|codes?(?![a-z])"
    r"|embedding|encoded|(^|[_\-.])(z|w|wp|ws|w\+)$"
)
LAYER_WORDS = re.compile(r"(?:^|[_\-.])(?:wp|w_?plus|w\+)(?:$|[_\-.])")
KNOWN_LAYERS = (8, 10, 12, 14, 16, 18)  # of StyleGANs of 32 px to 1024 px
LEAST, WIDEST = 4, 8192  # of one latent


def alone(source: ImportSource) -> TensorView | None:
    """The array that is all of the file: an .npy, or the tensor of a .pt."""
    tree = source.tree
    if isinstance(tree, dict) and source.kind == "npz" and len(tree) == 1:
        tree = next(iter(tree.values()))
    return tree if sanitise.is_floats(tree) else None


def only(source: ImportSource, what: str, hint: str = sanitise.AGAIN) -> TensorView:
    """The array that is all of the file. Raises BadData, which says `what`, where it holds more or
    other things."""
    view = alone(source)
    if view is None:
        sanitise.refuse(source, what, hint)
    return view


def width_fits(view: TensorView) -> bool:
    return bool(view.shape) and LEAST <= view.shape[-1] <= WIDEST


def is_unit(view: TensorView) -> bool:
    """One vector of length 1."""
    found = sanitise.head(view)
    return (
        len(found) == 1 == view.numel // view.shape[-1]
        and abs(sanitise.length(found[0]) - 1) < 2e-3
    )


def names_direction(source: ImportSource) -> bool:
    return bool(DIRECTION_WORDS.search(source.stem))


def names_codes(source: ImportSource) -> bool:
    return bool(CODE_WORDS.search(source.stem)) and not names_direction(source)


def names_walk(source: ImportSource) -> bool:
    """Whether the name is that of one of Steerability's walks."""
    return bool(WALK_WORDS.search(source.stem)) and not names_codes(source)


def names_layers(source: ImportSource) -> bool:
    """Whether the name says W+: a vector for each layer."""
    return bool(LAYER_WORDS.search(source.stem))


def looks_normal(view: TensorView) -> bool:
    """Whether the first rows could be samples of a normal distribution, perhaps truncated: each of
    a length near sqrt(D), around no common middle."""
    found = sanitise.head(view)[:32]
    width = view.shape[-1]
    sizes = [sanitise.length(row) / sqrt(width) for row in found]
    if not found or not all(0.55 < size < 1.25 for size in sizes):
        return False
    middle = sanitise.length([sum(column) / len(found) for column in zip(*found, strict=True)])
    spread = max(sizes)
    return middle / sqrt(width) < spread * (1 / sqrt(len(found)) + 3 / sqrt(width) + 0.02)
