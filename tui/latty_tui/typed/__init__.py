"""What people type, read and checked: seeds, classes, layers, numbers."""
