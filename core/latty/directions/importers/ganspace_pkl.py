"""GANSpace's exported edits: one direction per pickle, with its layers, spread and settings.

Härkönen et al. 2020. Keys as its interactive viewer writes them: lat_comp and act_comp (1, D) of
unit length with lat_stdev and act_stdev, edit_start, edit_end (not included), edit_type,
sigma_range (where the slider stood), latent_space, model_name, output_class, decomposition {name,
layer, ...}, ...
"""

from typing import Any

from latty.checkpoints.values import TensorView
from latty.directions.file import DirectionSet
from latty.directions.importing import sanitise
from latty.directions.importing.base import CERTAIN, NO, Imported
from latty.directions.importing.model_names import PRIMARY, ganspace_family, ganspace_layer
from latty.directions.importing.sets import Named, linear
from latty.directions.importing.source import ImportSource

SIGNS = ("edit_type", "component_index", "sigma_range", "decomposition", "lat_stdev")
WIDEST = 2.0  # GANSpace shows -2 .. 2 where nothing is said


def recognise(source: ImportSource) -> int:
    tree = source.table
    has = "lat_comp" in tree or "act_comp" in tree
    return CERTAIN if has and sum(key in tree for key in SIGNS) >= 2 else NO


def convert(source: ImportSource) -> Imported:
    tree = source.table
    model, output = sanitise.text(tree.get("model_name")), sanitise.text(tree.get("output_class"))
    family = ganspace_family(model)
    space, view, sigma, notes = _chosen(source, tree, family)
    name = sanitise.name_of(sanitise.raw(tree.get("name")), f"c{_component(tree)}")
    half = abs(sanitise.number(tree.get("sigma_range"), WIDEST)) or WIDEST
    layers = sanitise.layers(tree.get("edit_start"), tree.get("edit_end"))
    direction = Named(name, view, sigma, (-half, half), layers)
    made_for = f"{model} {output}".strip() or "a model of GANSpace"
    header = DirectionSet("ganspace", space, (), made_for, family)
    known = {**tree, "class": output} if family.startswith("biggan") and output else tree
    return linear(source, [direction], "ganspace_pkl", header, known, notes)


def _component(tree: dict[Any, Any]) -> int:
    return int(sanitise.number(tree.get("component_index"), 0))


def _chosen(
    source: ImportSource, tree: dict[Any, Any], family: str
) -> tuple[str, TensorView, float, list[str]]:
    """Space, vector, sigma and notes: GANSpace moves latents, an activation, or both."""
    mode = sanitise.text(tree.get("edit_type")).lower() or "latent"
    decomposition = tree.get("decomposition")
    layer = sanitise.text(decomposition.get("layer")) if isinstance(decomposition, dict) else ""
    hooked = source.space.startswith("activation") or (mode == "activation" and not source.space)
    if hooked and layer not in PRIMARY:
        return _activation(source, tree, layer, family)
    same = mode == "activation" and layer in PRIMARY  # the activation is w
    first = "act" if same or "lat_comp" not in tree else "lat"
    view = sanitise.squeezed(sanitise.floats(source, tree, f"{first}_comp"))
    given = sanitise.text(tree.get("latent_space")).lower()
    known = given in ("z", "w") or bool(source.space)
    notes = [] if known else ["no latent space is named: taken for w (--space z for the other)"]
    if mode == "both":
        notes.append("it edits latents and an activation; only the move of latents is kept")
    space = source.space or (given if given in ("z", "w") else "w")
    return space, view, sanitise.number(tree.get(f"{first}_stdev"), 1.0), notes


def _activation(
    source: ImportSource, tree: dict[Any, Any], layer: str, family: str
) -> tuple[str, TensorView, float, list[str]]:
    here = ganspace_layer(layer, family)
    space = source.space or f"activation:{here}"
    view = activation(sanitise.floats(source, tree, "act_comp"), layer)
    note = f"an edit of the activation '{layer}', here '{space.partition(':')[2]}'"
    return space, view, sanitise.number(tree.get("act_stdev"), 1.0), [note]


def activation(view: TensorView, layer: str) -> TensorView:
    """A component (..., C * H * W) as (C, H, W); BigGAN-deep's first layer has channels last."""
    flat = sanitise.squeezed(view)
    if layer.endswith("gen_z") and len(flat.shape) == 1 and flat.shape[0] % 16 == 0:
        width, step = flat.shape[0] // 16, flat.stride[0]
        strides = (step, 4 * width * step, width * step)
        return TensorView(flat.storage, flat.dtype, (width, 4, 4), strides, flat.offset)
    return flat
