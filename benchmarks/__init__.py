"""Side-by-side measurements as ratios in one run: `make bench` prints them, no test waits."""
