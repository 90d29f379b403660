"""Writers: one entry per format; its name is the suffix it writes (`frames` writes a folder)."""
