"""Ways to show a picture in a terminal: one entry each."""
