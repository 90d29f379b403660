"""The only file that knows directories. LATTY_HOME puts everything under one folder."""

import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import platformdirs

from latty.errors import ConfigError

# What may say where they are; presets by the thousand ask for them.
SAYS = ("LATTY_HOME", "HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA",
        *(f"XDG_{kind}_HOME" for kind in ("CONFIG", "DATA", "CACHE", "STATE")))  # fmt: skip


def _place(kind: str, standard: Callable[..., str]) -> Path:
    return _said(kind, standard, *map(os.environ.get, SAYS))


@lru_cache(64)
def _said(kind: str, standard: Callable[..., str], home: str | None, *_: str | None) -> Path:
    try:
        return Path(home).expanduser() / kind if home else Path(standard("latty", appauthor=False))
    except RuntimeError:  # "~nobody-of-that-name", or a user without a home
        what = f"LATTY_HOME: no user's home is {home}" if home else "this user has no home folder"
        raise ConfigError(what, "LATTY_HOME names a folder for latty") from None


def root_of(path: Path) -> Path | None:
    """The folder of ours that a path lies in or is, None where it lies elsewhere. What is in ours
    is for their owner alone. Raises ConfigError."""
    roots = (config_dir(), data_dir(), cache_dir(), state_dir())
    return next((root for root in roots if path.is_relative_to(root)), None)


def config_dir() -> Path:
    """Holds config.toml."""
    return _place("config", platformdirs.user_config_dir)


def data_dir() -> Path:
    """Holds what the user imported or discovered: models/, directions/, latents/, scorers/."""
    return _place("data", platformdirs.user_data_dir)


def cache_dir() -> Path:
    """Holds what can be made again."""
    return _place("cache", platformdirs.user_cache_dir)


def frames_dir() -> Path:
    """Pictures of finished films, for the next encode."""
    return cache_dir() / "frames"


def archives_dir() -> Path:
    """What archives of presets hold, unpacked: a folder per archive."""
    return cache_dir() / "archives"


def state_dir() -> Path:
    """Holds logs and error reports."""
    return _place("state", platformdirs.user_state_dir)


def models_dir() -> Path:
    """The user's model store: NAME.safetensors."""
    return data_dir() / "models"


def directions_dir() -> Path:
    """The user's direction sets: NAME.safetensors."""
    return data_dir() / "directions"


def latents_dir() -> Path:
    """The user's stored latents: NAME.safetensors."""
    return data_dir() / "latents"


def scorers_dir() -> Path:
    """The user's picture classifiers: NAME.toml and its weights."""
    return data_dir() / "scorers"


def charts_dir() -> Path:
    """Charts and figures of trainings that are no jobs, a folder for each."""
    return state_dir() / "charts"


def browser_dir() -> Path:
    """What others wrote of the page of `latty serve`."""
    return data_dir() / "browser"


def runs_dir() -> Path:
    """A folder per job."""
    return state_dir() / "runs"


def queue_dir() -> Path:
    """A ticket per waiting job."""
    return state_dir() / "queue"


def slots_dir() -> Path:
    """A lock per GPU, or for the CPU."""
    return state_dir() / "slots"


def shipped_dir() -> Path:
    """What comes with latty: models/, directions/, scorers/ and the model card."""
    return Path(__file__).parent / "shipped"


def presets_dir() -> Path:
    """Presets that come with latty."""
    return _bundled("presets")


def docs_dir() -> Path:
    """The pages of help, in Markdown."""
    return _bundled("docs")


def _bundled(name: str) -> Path:
    """A folder that comes with latty: among what is shipped in a wheel, in a checkout at its
    top."""
    bundled = shipped_dir() / name
    return bundled if bundled.is_dir() else Path(__file__).parents[2] / name
