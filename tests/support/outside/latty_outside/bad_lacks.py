"""An entry that has nothing of what its kind must have."""
