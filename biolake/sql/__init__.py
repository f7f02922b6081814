"""SQL over the lake, read only: users write a Trino-like dialect, an engine answers with Arrow.

`engine.open_engine` opens one; `models` says what an engine promises; `statement` decides what a statement may do. The
tables themselves are `biolake.lake`'s, full-text search is `biolake.search`'s.
"""
