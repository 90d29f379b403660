"""What importers share: a source opened once, names and numbers made fit, and who recognises it."""
