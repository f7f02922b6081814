"""Datasets kept in Delta tables: what the tables are, exactly-once commits, reading, compaction.

One set of tables per repository under `<lake>/<repository>/<table>`. Searching text is `biolake.search`, SQL is
`biolake.sql`.
"""
