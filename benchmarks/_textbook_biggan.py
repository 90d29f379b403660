"""Both BigGANs as their own code runs them, with the tensor names of their files.

Brock et al. 2019 (arXiv:1809.11096), appendix B. References of ours; of BigGAN-deep there is a
package, pytorch-pretrained-biggan, and `published` runs that on the same tensors. In eval mode too
the spectral norm is computed at every call, batch norms are not folded, up-sampling comes before
the shortcut's convolution and attention is written out. Letters: N batch, Z latent width, E
condition, I O C channels.
"""

from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks._textbook import double, shaken

EMBEDDED, CHUNK, CLASSES = 128, 20, 10


class Stepped(nn.Module):
    """A weight over its largest singular value, by one step of power iteration at each call."""

    def __init__(self, *shape: int, bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(shape))
        self.register_buffer("u0", torch.randn(1, shape[0]))
        self.bias = nn.Parameter(0.1 * torch.randn(shape[0])) if bias else None

    def normed(self) -> Tensor:
        matrix = self.weight.flatten(1)
        v = F.normalize(self.u0 @ matrix, dim=1, eps=1e-6)
        u = F.normalize(v @ matrix.t(), dim=1, eps=1e-6)
        normed: Tensor = self.weight / (v @ matrix.t() @ u.t()).squeeze()
        return normed

    def forward(self, x: Tensor) -> Tensor:
        weight = self.normed()
        if weight.dim() == 2:
            return F.linear(x, weight, self.bias)
        return F.conv2d(x, weight, self.bias, padding=weight.shape[-1] // 2)


class Stored(Stepped):
    """A weight over u^T W v of the vectors that are kept: torch.nn.utils.spectral_norm."""

    def __init__(self, *shape: int, bias: bool = True) -> None:
        super().__init__(*shape, bias=bias)
        u, _, v = torch.linalg.svd(self.weight.detach().flatten(1), full_matrices=False)
        self.weight_orig = self.weight
        del self.weight, self.u0
        self.register_buffer("weight_u", u[:, 0].clone())
        self.register_buffer("weight_v", v[0].clone())

    def normed(self) -> Tensor:
        sigma = torch.dot(self.weight_u, torch.mv(self.weight_orig.flatten(1), self.weight_v))
        normed: Tensor = self.weight_orig / sigma
        return normed


def _attended(x: Tensor, theta: Any, phi: Any, g: Any, o: Any, gamma: Tensor) -> Tensor:
    n, c, h, w = x.shape
    query = theta(x).view(n, -1, h * w)
    key = F.max_pool2d(phi(x), 2).view(n, -1, h * w // 4)
    value = F.max_pool2d(g(x), 2).view(n, -1, h * w // 4)
    weights = F.softmax(torch.bmm(query.transpose(1, 2), key), -1)
    seen = torch.bmm(value, weights.transpose(1, 2)).view(n, c // 2, h, w)
    y: Tensor = gamma * o(seen) + x
    return y


class Attention(nn.Module):
    """Self-attention of BigGAN-PyTorch over `c` channels."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.theta, self.phi = (Stepped(c // 8, c, 1, 1, bias=False) for _ in range(2))
        self.g, self.o = Stepped(c // 2, c, 1, 1, bias=False), Stepped(c, c // 2, 1, 1, bias=False)
        self.gamma = nn.Parameter(torch.tensor(0.5))

    def forward(self, x: Tensor) -> Tensor:
        return _attended(x, self.theta, self.phi, self.g, self.o, self.gamma)


class ClassNorm(nn.Module):
    """ccbn of BigGAN-PyTorch: batch norm, then a gain and a shift linear in the condition."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gain = Stepped(width, EMBEDDED + CHUNK, bias=False)
        self.bias = Stepped(width, EMBEDDED + CHUNK, bias=False)
        self.register_buffer("stored_mean", torch.zeros(width))
        self.register_buffer("stored_var", torch.ones(width))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        gain, shift = (1 + self.gain(y))[..., None, None], self.bias(y)[..., None, None]
        return F.batch_norm(x, self.stored_mean, self.stored_var) * gain + shift


class Residual(nn.Module):
    """GBlock of BigGAN-PyTorch."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = Stepped(outputs, inputs, 3, 3), Stepped(outputs, outputs, 3, 3)
        self.conv_sc = Stepped(outputs, inputs, 1, 1)
        self.bn1, self.bn2 = ClassNorm(inputs), ClassNorm(outputs)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        h = self.conv1(double(F.relu(self.bn1(x, y))))
        h = self.conv2(F.relu(self.bn2(h, y)))
        out: Tensor = h + self.conv_sc(double(x))
        return out


class PlainNorm(nn.Module):
    """The last batch norm of BigGAN-PyTorch."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gain, self.bias = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))
        self.register_buffer("stored_mean", torch.zeros(width))
        self.register_buffer("stored_var", torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return F.batch_norm(x, self.stored_mean, self.stored_var, self.gain, self.bias)


class BigGAN(nn.Module):
    """BigGAN-PyTorch with hierarchical latents; attention after block number `attended`."""

    def __init__(self, widths: tuple[int, ...], attended: int) -> None:
        super().__init__()
        self.shared = nn.Embedding(CLASSES, EMBEDDED)
        self.linear = Stepped(16 * widths[0], CHUNK)
        blocks = [nn.ModuleList([Residual(a, b)]) for a, b in pairwise(widths)]
        blocks[attended].append(Attention(widths[attended + 1]))
        self.blocks = nn.ModuleList(blocks)
        last = PlainNorm(widths[-1]), nn.ReLU(), Stepped(3, widths[-1], 3, 3)
        self.output_layer = nn.Sequential(*last)

    def forward(self, codes: Tensor, label: Tensor) -> Tensor:
        """Codes (N, L, D), classes (N,) -> images (N, 3, H, W)."""
        embedded = self.shared(label)
        x = self.linear(codes[:, 0]).view(len(codes), -1, 4, 4)
        for i, (block, *attention) in enumerate(self.blocks):
            x = block(x, torch.cat([embedded, codes[:, i + 1]], 1))
            x = attention[0](x) if attention else x
        return torch.tanh(self.output_layer(x))


# --- BigGAN-deep ---------------------------------------------------------------------------------

DEEP_Z, STATISTICS, EPS = 128, 51, 1e-4


class DeepNorm(nn.Module):
    """BigGANBatchNorm of Hugging Face; truncation 1 reads the last of its statistics."""

    def __init__(self, width: int, conditional: bool = True) -> None:
        super().__init__()
        self.register_buffer("running_means", torch.zeros(STATISTICS, width))
        self.register_buffer("running_vars", torch.ones(STATISTICS, width))
        if conditional:
            self.scale, self.offset = (Stored(width, 2 * DEEP_Z, bias=False) for _ in range(2))
        else:
            self.weight, self.bias = (
                nn.Parameter(torch.ones(width)),
                nn.Parameter(torch.ones(width)),
            )

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        mean, var = self.running_means[-1], self.running_vars[-1]
        if condition is None:
            return F.batch_norm(x, mean, var, self.weight, self.bias, eps=EPS)
        weight = (1 + self.scale(condition))[..., None, None]
        bias = self.offset(condition)[..., None, None]
        mean, var = mean[:, None, None], var[:, None, None]
        y: Tensor = (x - mean) / torch.sqrt(var + EPS) * weight + bias
        return y


class DeepAttention(nn.Module):
    """SelfAttn of Hugging Face."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.snconv1x1_theta, self.snconv1x1_phi = (
            Stored(c // 8, c, 1, 1, bias=False) for _ in range(2)
        )
        self.snconv1x1_g = Stored(c // 2, c, 1, 1, bias=False)
        self.snconv1x1_o_conv = Stored(c, c // 2, 1, 1, bias=False)
        self.gamma = nn.Parameter(torch.tensor([0.5]))

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        maps = self.snconv1x1_theta, self.snconv1x1_phi, self.snconv1x1_g
        return _attended(x, *maps, self.snconv1x1_o_conv, self.gamma)


class DeepBlock(nn.Module):
    """GenBlock of Hugging Face: 1x1, 3x3, 3x3 and 1x1 convolutions; the shortcut drops channels."""

    def __init__(self, inputs: int, outputs: int, up: bool) -> None:
        super().__init__()
        self.up, middle = up, inputs // 4
        for i, (a, b) in enumerate(pairwise((inputs, middle, middle, middle, outputs))):
            side = 3 if i in (1, 2) else 1
            self.add_module(f"bn_{i}", DeepNorm(a))
            self.add_module(f"conv_{i}", Stored(b, a, side, side))

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        y = x
        for i in range(4):
            y = F.relu(self.get_submodule(f"bn_{i}")(y, condition))
            y = self.get_submodule(f"conv_{i}")(double(y) if self.up and i == 1 else y)
        x = x[:, : y.shape[1]]
        return y + (double(x) if self.up else x)


class BigGANDeep(nn.Module):
    """BigGAN-deep; `widths` of the blocks, every other one doubles, attention at `attended`."""

    def __init__(self, widths: tuple[int, ...], attended: int) -> None:
        super().__init__()
        self.embeddings = nn.Linear(CLASSES, DEEP_Z, bias=False)
        self.generator = nn.Module()
        self.generator.gen_z = Stored(16 * widths[0], 2 * DEEP_Z)
        layers: list[nn.Module] = [
            DeepBlock(a, b, i % 2 == 1) for i, (a, b) in enumerate(pairwise(widths))
        ]
        layers.insert(attended, DeepAttention(widths[attended]))
        self.generator.layers = nn.ModuleList(layers)
        self.generator.bn = DeepNorm(widths[-1], False)
        self.generator.conv_to_rgb = Stored(widths[-1], widths[-1], 3, 3)

    def forward(self, codes: Tensor, label: Tensor) -> Tensor:
        """Codes (N, L, Z), the same for all L, classes (N,) -> images (N, 3, H, W)."""
        embedded = self.embeddings(F.one_hot(label, CLASSES).float())
        condition = torch.cat([codes[:, 0], embedded], 1)
        x = self.generator.gen_z(condition).view(len(codes), 4, 4, -1).permute(0, 3, 1, 2)
        x = x.contiguous()
        for layer in self.generator.layers:
            x = layer(x, condition)
        x = self.generator.conv_to_rgb(F.relu(self.generator.bn(x)))
        return torch.tanh(x[:, :3])


def published(widths: tuple[int, ...], attended: int) -> nn.Module:
    """The same network by Hugging Face's own code. Raises ImportError where it is not installed."""
    from pytorch_pretrained_biggan import BigGAN as Package  # type: ignore[import-not-found]
    from pytorch_pretrained_biggan import BigGANConfig

    last = widths[-1]
    layers = [(i % 2 == 1, a // last, b // last) for i, (a, b) in enumerate(pairwise(widths))]
    config = BigGANConfig(
        channel_width=last,
        num_classes=CLASSES,
        layers=layers,
        attention_layer_position=attended,
        output_dim=4 << len(layers) // 2,
        eps=EPS,
    )

    class Published(Package):  # type: ignore[misc]
        def forward(self, codes: Tensor, label: Tensor) -> Tensor:
            """As BigGANDeep."""
            y: Tensor = super().forward(codes[:, 0], F.one_hot(label, CLASSES).float(), 1.0)
            return y

    module: nn.Module = Published(config)
    module.load_state_dict(shaken(BigGANDeep(widths, attended)).state_dict())
    return module
