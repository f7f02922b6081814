"""The embedded engine: a Lance table. Its face is `index`."""
