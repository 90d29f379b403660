"""What the scorers without weights share: pictures of any kind as small RGB, in 0..1."""

import torch.nn.functional as F
from torch import Tensor

from latty.errors import BadData

MOST = 128  # px of the longer side: means do not change above, and quantiles stay cheap


def seen(images: Tensor) -> Tensor:
    """Images (N, 1 or 3, H, W) as scorers see them: of colours and opacity (N, 4, H, W) the
    colours. Raises BadData for other channels."""
    if images.shape[1] not in (1, 3, 4):
        raise BadData(f"pictures of {images.shape[1]} channels", "scorers read grey or RGB")
    return images[:, :3]


def shares(images: Tensor) -> Tensor:
    """Images (N, C, H, W) in -1..1 as they are `seen`, in 0..1; what lies beyond is cut, as in a
    file. Raises BadData for other channels."""
    return (seen(images).float().clamp(-1, 1) + 1) / 2


def middle(images: Tensor, size: tuple[int, int]) -> Tensor:
    """The largest middle part of images (N, C, H, W) that are not square in the shape of `size`,
    (height, width), as labelled pictures are cut for a training; square ones are left whole."""
    height, width = images.shape[-2:]
    if height == width:
        return images
    scale = min(height / size[0], width / size[1])
    inside = [max(1, round(side * scale)) for side in size]
    top, left = (height - inside[0]) // 2, (width - inside[1]) // 2
    return images[..., top : top + inside[0], left : left + inside[1]]


def small_rgb(images: Tensor, most: int = MOST) -> Tensor:
    """Images (N, 1 or 3, H, W) in -1..1 as RGB (N, 3, h, w) in 0..1, h and w at most `most`.

    Raises BadData as `shares`.
    """
    rgb = shares(images)
    height, width = rgb.shape[-2:]
    if max(height, width) > most:
        scale = most / max(height, width)
        rgb = F.interpolate(
            rgb, (max(1, round(height * scale)), max(1, round(width * scale))), mode="area"
        )
    return rgb.expand(-1, 3, -1, -1)


def luma(rgb: Tensor) -> Tensor:
    """Brightness as it is seen, (N, h, w) in 0..1 of RGB (N, 3, h, w): ITU-R BT.709."""
    red, green, blue = rgb.unbind(1)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
