"""ONNX generators, through onnxruntime: one latent and perhaps a class in, one picture out.

The file travels whole, as one tensor of bytes. There are no gradients, and the picture is the one
layer that can be looked at.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from latty.checkpoints import onnxfile
from latty.checkpoints.onnxfile import NETWORK
from latty.errors import BadData
from latty.models.activations import Changes, changed
from latty.models.base import Labels, Meta, ModelInfo
from latty.models.checks import in_order, layer_index, refuse_gradients
from latty.models.families.onnx.drawing import OnnxDrawing, usage_of
from latty.models.latent_generator import LatentCodes
from latty.models.onnx_session import OnnxSession
from latty.models.state_dict import header_config
from latty.scene import Noise

__all__ = ["build"]

SIGNATURE = {"network.onnx": 1}
NOISE = False
FP32_ONLY = True
ORIGIN = "ONNX generators that latty imported, .safetensors"
CHECKED = "the layouts that become it"

PICTURE = "picture"  # the one layer


def build(tensors: Mapping[str, Tensor], meta: Meta, device: torch.device) -> "OnnxGenerator":
    """The generator of the bytes (B,) of a file. Raises BadData, Missing without onnxruntime."""
    name = meta.get("name", "onnx")
    data = tensors[NETWORK]
    if data.dtype != torch.uint8 or data.dim() != 1:
        raise BadData(f"tensor '{NETWORK}' is not the bytes of a file", "import the file again")
    usage = usage_of(header_config(meta))
    session = OnnxSession(onnxfile.read(data.numpy().data), name)
    info = ModelInfo.of(
        meta,
        "onnx",
        height=usage.height,
        width_px=usage.width,
        channels=usage.channels,
        z_dim=usage.z_dim,
        num_layers=1,
        width=usage.z_dim,
        num_classes=usage.classes,
        class_names=usage.class_names,
        space="z",
        differentiable=False,
    )
    return OnnxGenerator(OnnxDrawing(session, usage), info, device, usage.distribution)


@dataclass(frozen=True, eq=False)
class OnnxGenerator(LatentCodes):
    """A Generator without gradients; its codes are the latent."""

    network: OnnxDrawing

    def synthesis(
        self, codes: Tensor, label: Labels = None, truncation: float = 1.0, noise: Noise = "const"
    ) -> Tensor:
        """Images (N, C, H, W) float32 of codes (N, 1, Z). Raises BadData where a gradient is asked
        for."""
        weights = self._weights(label, codes.shape[0])
        refuse_gradients(self.info, codes, weights)
        z = self._codes(codes)[:, 0].detach().cpu().numpy()
        known = None if weights is None else weights.detach().cpu().numpy()
        return torch.from_numpy(self.network.pictures(z, known)).to(self.device)

    def activation_names(self) -> list[str]:
        """The picture alone."""
        return [PICTURE]

    def activation(
        self,
        codes: Tensor,
        name: str,
        label: Labels = None,
        truncation: float = 1.0,
        noise: Noise = "const",
    ) -> Tensor:
        """The picture (N, C, H, W). Raises UsageError for another name."""
        layer_index(self.info, [PICTURE], name)
        return self.synthesis(codes, label, truncation, noise)

    def synthesis_with(
        self,
        codes: Tensor,
        changes: Changes,
        label: Labels = None,
        truncation: float = 1.0,
        noise: Noise = "const",
    ) -> Tensor:
        """Images (N, C, H, W), changed. Raises UsageError for an unknown layer."""
        places = in_order(self.info, [PICTURE], changes)
        x = self.synthesis(codes, label, truncation, noise)
        return changed(x, places[0][1]) if places else x
