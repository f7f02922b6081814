"""Faster equivalents of SKDH's own code, one file each, applied in a runtime that names them in its `runtime.toml`.

A patch is a script of the runtime, with one function `apply()`; it refuses to touch code that it was not proven equal
to. None is applied unless a study chooses a runtime that says so, and every result records which were.
"""
