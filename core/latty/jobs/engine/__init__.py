"""The engine: a process that draws previews, so that nothing the studio does waits for torch."""
