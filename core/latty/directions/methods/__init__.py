"""Methods: one entry per algorithm that finds directions."""
