"""docs/sql.md and docs/sql-on-trino.md list what the code has, and the statements of docs/sql.md run."""

import re
from pathlib import Path

from biolake.sql.documentation import trino_section, updated
from biolake.sql.models import SqlEngine

PAGE = Path(__file__).resolve().parents[2] / "docs" / "sql.md"


def test_page_lists_the_tables_as_they_are() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert updated(page) == page, "run: python -m biolake.sql.documentation docs/sql.md"


def test_page_lists_trinos_functions_as_they_are() -> None:
    page = PAGE.with_name("sql-on-trino.md").read_text(encoding="utf-8")
    assert updated(page, trino_section) == page, "run: python -m biolake.sql.documentation docs/sql-on-trino.md"


def test_statements_of_the_page_run(engine: SqlEngine) -> None:
    blocks = re.findall(r"```sql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    text = re.sub(r"--[^\n]*", "", " ".join(blocks)).replace("GSE42872", "GSE1")
    statements = [statement for statement in text.split(";") if statement.strip()]
    assert len(statements) > 10
    for statement in statements:
        assert engine.query(statement).columns
