"""Files of other programs: one entry per format, recognised by content and converted, not run."""
