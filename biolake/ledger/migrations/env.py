"""Alembic's entry: run revisions on the connection, and in the transaction, of `biolake.ledger.migrate`.

https://alembic.sqlalchemy.org/en/latest/cookbook.html#sharing-a-connection-across-one-or-more-programmatic-migration-commands
"""

from alembic import context

from biolake.ledger.migrate import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    version_table=VERSION_TABLE,
    # SQLite changes a table by making it anew.
    render_as_batch=True,
    # Its DDL is as transactional as PostgreSQL's, within a transaction that is begun by hand.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
