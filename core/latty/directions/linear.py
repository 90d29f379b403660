"""Directions that are vectors: latents, codes or the activation of a layer move in a straight line.

Letters: N batch, Z z-width, L layers, D latent width, C channels, H W pixels of an activation.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from latty.directions.file import ARRAY, NORMALS, DirectionSet
from latty.errors import BadData, UsageError
from latty.scene import Layers

if TYPE_CHECKING:
    from torch import Tensor

    from latty.models.base import Generator

ROWS = (ARRAY, NORMALS)
INSIDE = "activation:"  # "activation:b8.conv0": the space of what that layer gives


def layer_of(space: str) -> str:
    """The layer of a space "activation:LAYER"; "" for z and w."""
    return space.removeprefix(INSIDE) if space.startswith(INSIDE) else ""


@dataclass(frozen=True, slots=True, eq=False)
class LinearDirection:
    """latents + strength * sigma * vector, in one of three spaces.

    z            latents (N, Z), vector (Z,)
    w            latents (N, L, D), vector (D,) for all layers or (L, D) one per layer
    activation   latents (N, C, H, W), vector (C * H * W,), or (C,) the same at every pixel
    stored_normal   what must be held still to hold the attribute, where that is not the vector
    """

    name: str
    space: str
    layers: Layers
    vector: "Tensor"
    sigma: float
    stored_normal: "Tensor | None" = None

    @property
    def normal(self) -> "Tensor":
        """The attribute's gradient, (D,), (L, D) or (Z,) like the vector, any length but 0."""
        return self.vector if self.stored_normal is None else self.stored_normal

    def move(self, latents: "Tensor", strength: "Tensor", generator: "Generator") -> "Tensor":
        """Latents moved by strength (N,) sigma, or codes by (N, L)."""
        return latents + self.offset(latents, strength)

    def offset(self, latents: "Tensor", strength: "Tensor") -> "Tensor":
        """What `move` adds to latents (N, Z) or codes (N, L, D). Raises BadData where an activation
        has another size."""
        step = self.sigma * strength.to(latents)
        step = step.view(*step.shape, *[1] * (latents.ndim - step.ndim))
        return step * self._vector(latents)

    def coordinate(self, latents: "Tensor", generator: "Generator") -> "Tensor":
        """<x, v> / (|v|^2 sigma): (N,) of latents and activations, (N, L) of codes (N, L, D).

        0 in layers in which the vector is 0. Raises BadData as `offset`.
        """
        vector = self._vector(latents)
        axes = (1, 2, 3) if layer_of(self.space) else (-1,)
        square = vector.square().expand(1, *latents.shape[1:]).sum(axes)
        return (latents * vector).sum(axes) / (square * self.sigma).clamp_min(1e-30)

    def _vector(self, like: "Tensor") -> "Tensor":
        """The vector as it goes with `like`."""
        vector = self.vector.to(like)
        if not layer_of(self.space):
            return vector
        shape, layer = like.shape[1:], layer_of(self.space)
        if like.ndim != 4:
            what = f"direction '{self.name}' moves the activation of layer {layer}, no latents"
            raise BadData(what, "draw the scene: the synthesis applies it")
        if vector.numel() == shape.numel():
            return vector.reshape(shape)
        if vector.numel() == shape[0]:
            return vector.reshape(-1, 1, 1)
        size = " x ".join(map(str, shape))
        raise BadData(
            f"direction '{self.name}' has {vector.numel()} numbers; layer {layer} of this model "
            f"has {size}",
            "it was made for another model",
        )


def direction(header: DirectionSet, index: int, tensors: "Mapping[str, Tensor]") -> LinearDirection:
    """Direction `index` of a set of the form "linear". Raises BadData for too few normals. Vectors
    are (K, D) or (K, L, D)."""
    info, normals = header.infos[index], tensors.get(NORMALS)
    if normals is not None and (normals.ndim < 2 or len(normals) != len(header.infos)):
        what = f"the array '{NORMALS}' has shape {tuple(normals.shape)}"
        raise BadData(f"{what} for {len(header.infos)} directions", "write the set again")
    normal = None if normals is None else normals[index]
    vector = tensors[ARRAY][index]
    return LinearDirection(info.name, header.space, info.layers, vector, info.sigma, normal)


def turned(arrays: "dict[str, Tensor]", index: int) -> None:
    """Minus the vector, (D,) or (L, D), and its normal."""
    for name in ROWS:
        if name in arrays:
            arrays[name][index] *= -1


def check_shape(direction: LinearDirection, generator: "Generator", ref: str) -> None:
    """Raises BadData where the vector is none of this model's latents, or the model has not the
    layer. How large an activation is shows when one is there: `offset` checks that."""
    info = generator.info
    if layer_of(direction.space):
        return check_layer(layer_of(direction.space), generator, ref)
    full = (info.num_layers, info.width)
    fitting = [(info.z_dim,)] if direction.space == "z" else [full[1:], full]
    for vector in (direction.vector, direction.normal):
        if tuple(vector.shape) not in fitting:
            wants = " or ".join(map(str, fitting))
            raise BadData(
                f"{ref} has shape {tuple(vector.shape)}; {info.name} moves by {wants} "
                f"in {direction.space}",
                "it was made for another model",
            )
    return None


def check_layer(layer: str, generator: "Generator", ref: str) -> None:
    """Raises BadData where the model has no such layer, or no activations at all."""
    from latty.models.base import HasActivations
    from latty.models.checks import layer_index  # torch: headers are read without it

    if not isinstance(generator, HasActivations):
        raise BadData(
            f"{ref} moves activations of layer {layer}; {generator.info.name} has no activations",
            "use a direction in z or w",
        )
    try:
        layer_index(generator.info, generator.activation_names(), layer)
    except UsageError as error:
        raise BadData(f"{ref} moves activations: {error.message}", error.hint) from None
