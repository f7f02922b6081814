"""How the ledger's schema came to be, one revision a module in `versions`, each run once by Alembic.

A new one: change the tables' declarations, `alembic` writes nothing here by itself; copy the newest module, number it
on, and set `biolake.ledger.migrate.HEAD`. The tests hold declarations and revisions against each other.
"""
