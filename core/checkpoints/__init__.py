"""Reading weight files. A file is looked at by content, never by name, and nothing in it is run."""
