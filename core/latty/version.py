"""The version of latty, which files that it writes name, and of what it stands on."""

import platform

__version__ = "0.1.0"


def version_of(package: str) -> str:
    """The installed version of a distribution, from its metadata."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def version_line() -> str:
    """Versions and licence, for `latty --version` and reports; torch itself is slow to import."""
    python = platform.python_version()
    return f"latty {__version__} (Apache-2.0), Python {python}, torch {version_of('torch')}"
