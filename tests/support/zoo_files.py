"""A zoo.toml of one StyleGAN2, as a user writes it who keeps a model on a server."""

TEXT = """\
schema = 1
[sources.us]
title = "Us"
page = "https://example.org/us"
named_in = "README.md"
licence = "CC0"
[models.{name}]
source = "us"
family = "stylegan2"
resolution = {resolution}
address = "{address}"
"""


def zoo_text(address: str, name: str = "small", resolution: int = 16) -> str:
    """The text of the file."""
    return TEXT.format(address=address, name=name, resolution=resolution)
