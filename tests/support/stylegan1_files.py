"""Our StyleGAN1 tensors (O, I, k, k) as each published layout holds them, whatever the size.

Written from the references: from 128 px on they fuse up-sampling and convolution, where the kernel
is that of a transposed convolution, half a turn away from the plain one.
"""

import re

import torch
from torch import Tensor

FUSED_FROM = 128


def is_fused(name: str) -> bool:
    """Whether a name is of an up-sampling weight at 128 px or more."""
    match = re.fullmatch(r"synthesis\.layer(\d+)\.weight", name)
    return match is not None and int(match[1]) % 2 == 0 and 4 << int(match[1]) // 2 >= FUSED_FROM


def count(tensors: dict[str, Tensor]) -> int:
    """The number of layers."""
    return sum(name.endswith(".noise_weight") for name in tensors)


def genforce(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    named = {"truncation.w_avg": tensors["mapping.w_avg"], "synthesis.lod": torch.zeros(())}
    for name, tensor in tensors.items():
        if name == "synthesis.const":
            named["synthesis.layer0.const"] = tensor[None]
        elif name.endswith(".noise"):
            named[name.replace("noise", "apply_noise.noise")] = tensor[None, None]
        elif is_fused(name):
            named[name] = tensor.flip(2, 3).contiguous()
        elif name != "mapping.w_avg":
            named[name.replace("noise_weight", "apply_noise.weight")] = tensor
    blur = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16
    named["synthesis.layer2.blur.kernel"] = blur.expand(8, 1, 3, 3).contiguous()
    return {"generator": tensors, "generator_smooth": named, "discriminator": {}}


def higan(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """InterFaceGAN's names, but for two words."""
    words = {"dense.linear": "dense.fc", ".linear.": ".fc.", "first_layer": "const"}
    named = interfacegan(tensors)
    for old, new in words.items():
        named = {name.replace(old, new): tensor for name, tensor in named.items()}
    return named


def interfacegan(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    layer = {
        "weight": "conv.weight",
        "bias": "epilogue.bias",
        "noise_weight": "epilogue.apply_noise.weight",
        "noise": "epilogue.apply_noise.noise",
        "style.weight": "epilogue.style_mod.dense.linear.weight",
        "style.bias": "epilogue.style_mod.dense.wscale.bias",
    }
    named = {"truncation.w_avg": tensors["mapping.w_avg"], "truncation.truncation": torch.ones(1)}
    for name, tensor in tensors.items():
        head, middle, *rest = name.split(".")
        kind = ".".join(rest)
        if middle == "const":
            named["synthesis.layer0.first_layer"] = tensor[None]
        elif middle.startswith("dense"):
            named[f"{head}.{middle}.{'linear' if kind == 'weight' else 'wscale'}.{kind}"] = tensor
        elif middle.startswith("output"):
            named[f"{head}.{middle}.conv.{kind}"] = tensor
        elif is_fused(name):
            named[name] = tensor.flip(2, 3).permute(2, 3, 1, 0).contiguous()
        elif middle.startswith("layer"):
            named[f"{head}.{middle}.{layer[kind]}"] = tensor
    return named


def lernapparat(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    named = {"truncation.avg_latent": tensors["mapping.w_avg"]}
    for i in range(2):
        for kind in ("weight", "bias"):
            named[f"g_mapping.dense{i}.{kind}"] = tensors[f"mapping.dense{i}.{kind}"]
    for kind in ("weight", "bias"):
        named[f"g_synthesis.torgb.{kind}"] = tensors[
            f"synthesis.output{count(tensors) // 2 - 1}.{kind}"
        ]
    for j in range(count(tensors)):
        size, old = 4 << j // 2, f"synthesis.layer{j}"
        block = f"g_synthesis.blocks.{size}x{size}"
        conv = "" if j == 0 else "conv." if j == 1 else "conv1." if j % 2 else "conv0_up."
        epilogue = f"{block}.epi{1 + j % 2}"
        named[f"{block}.{conv}bias"] = tensors[f"{old}.bias"]
        if j:
            weight = tensors[f"{old}.weight"]
            turned = weight.flip(2, 3).contiguous() if is_fused(f"{old}.weight") else weight
            named[f"{block}.{conv}weight"] = turned
        named[f"{epilogue}.top_epi.noise.weight"] = tensors[f"{old}.noise_weight"]
        named[f"{epilogue}.top_epi.noise.noise"] = tensors[f"{old}.noise"][None, None]
        for kind in ("weight", "bias"):
            named[f"{epilogue}.style_mod.lin.{kind}"] = tensors[f"{old}.style.{kind}"]
    named["g_synthesis.blocks.4x4.const"] = tensors["synthesis.const"][None]
    return named


def tensorflow(tensors: dict[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """NVIDIA's variables: "synthesis", "mapping" and "" for the whole network, HWIO."""
    last = count(tensors) // 2 - 1
    found: dict[str, dict[str, Tensor]] = {"": {"dlatent_avg": tensors["mapping.w_avg"]}}
    found["mapping"] = {
        f"Dense{name.split('dense')[1].replace('.', '/')}": _turned(tensor)
        for name, tensor in tensors.items()
        if name.startswith("mapping.dense")
    }
    synthesis = {"lod": torch.zeros(()), "4x4/Const/const": tensors["synthesis.const"][None]}
    for name, tensor in tensors.items():
        match = re.fullmatch(r"synthesis\.(layer|output)(\d+)\.(.+)", name)
        if match is None:
            continue
        number, kind = int(match[2]), match[3]
        if match[1] == "output":
            synthesis[f"ToRGB_lod{last - number}/{kind}"] = _turned(tensor)
        elif kind == "noise":
            synthesis[f"noise{number}"] = tensor[None, None]
        else:
            word = {"noise_weight": "Noise/weight", "style.weight": "StyleMod/weight",
                    "style.bias": "StyleMod/bias"}.get(kind, kind)  # fmt: skip
            layer = "Const" if number == 0 else "Conv" if number == 1 else "Conv1"
            layer = layer if number % 2 or not number else "Conv0_up"
            size = 4 << number // 2
            plain = tensor.flip(2, 3) if is_fused(name) else tensor
            synthesis[f"{size}x{size}/{layer}/{word}"] = _turned(plain)
    return {**found, "synthesis": synthesis}


def _turned(tensor: Tensor) -> Tensor:
    """(O, I) -> (I, O), (O, I, k, k) -> (k, k, I, O)."""
    return tensor.permute(2, 3, 1, 0) if tensor.dim() == 4 else tensor.t()
