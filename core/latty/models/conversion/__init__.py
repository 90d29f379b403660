"""What layouts of one family share on their way to the family's own names."""
