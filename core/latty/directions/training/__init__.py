"""What methods that train a network share (warped, voynov)."""
