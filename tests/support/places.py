"""Folders that tests name, and the one time limit of everything that they wait for."""

import os
from pathlib import Path

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests/golden"
FAKES = ROOT / "tests/support/fakes"
SHARED = Path(os.environ.get("LATTY_SHARED") or ROOT.parent / "shared")
PARITY = SHARED / "parity"
CASES = SHARED / "cases"
REAL = SHARED / "real"
BADFILES = SHARED / "badfiles"
WILD = SHARED / "cases/wild"
LIMIT = float(os.environ.get("LATTY_TEST_LIMIT") or 180)  # seconds; only a hang reaches it
