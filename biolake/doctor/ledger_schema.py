"""Whether the ledger's schema is the one that this version works with; the same for every database."""

from typing import TYPE_CHECKING

from biolake.doctor.models import Finding, ok, problem

if TYPE_CHECKING:
    from sqlalchemy import Connection


def schema(connection: "Connection") -> Finding:
    """Look at the schema's revision."""
    from biolake.ledger.migrate import SchemaState, schema_on

    found = schema_on(connection)
    if found.state == SchemaState.CURRENT:
        return ok("ledger", "schema", f"revision {found.revision}")
    if found.state == SchemaState.EMPTY:
        return ok("ledger", "schema", "empty; tables are made at the first use")
    said = f"revision {found.revision}" if found.revision else "not the ledger's"
    return problem("ledger", "schema", said, f"{found.remedy[:1].upper()}{found.remedy[1:]}")
