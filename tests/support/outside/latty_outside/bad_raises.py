"""An entry that cannot be imported."""

raise RuntimeError("no library for\nthat")
