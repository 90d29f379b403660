"""StyleGAN2."""

from ._stylegan2_net import Config, Network

__all__ = ["Config", "Network"]
