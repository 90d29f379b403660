"""Under which names files hold the weight of a layer, by its prefix.

weight                                              the weight itself
weight_g, weight_v                                  weight norm of torch.nn.utils
parametrizations.weight.original0, original1        the same, of its newer parametrizations
weight_orig, weight_u, weight_v                     spectral norm of torch.nn.utils
parametrizations.weight.original, 0._u, 0._v        the same, of its newer parametrizations
weight_bar, weight_u, weight_v                      spectral norm by a wrapper of the layer
"""

NEW = "parametrizations.weight."
WEIGHT_NORMS = (("weight_g", "weight_v"), (f"{NEW}original0", f"{NEW}original1"))  # g, v
SPECTRAL_NORMS = (  # W, u, v
    ("weight_orig", "weight_u", "weight_v"),
    (f"{NEW}original", f"{NEW}0._u", f"{NEW}0._v"),
    ("weight_bar", "weight_u", "weight_v"),
)
SHAPED = ("weight", f"{NEW}original", f"{NEW}original1", "weight_orig", "weight_bar", "weight_v")
RUNNING = ("running_mean", "running_var", "num_batches_tracked")
PARTS = sorted(
    {
        *SHAPED,
        "bias",
        *RUNNING,
        *(name for form in (*WEIGHT_NORMS, *SPECTRAL_NORMS) for name in form),
    },
    key=len,
    reverse=True,
)
