"""Respelling a statement for the engine: edits keep everything else, and positions lead back to the user's text."""

from hypothesis import given
from hypothesis import strategies as st

from biolake.sql.commands import Describe, ShowSchemas, ShowTables, read_command
from biolake.sql.dialect import Edit, apply_edits, from_trino, original_offset
from biolake.sql.relations import quoted, sample_columns

TEXT = st.text(alphabet="abcé() '\n", max_size=20)


@given(st.lists(st.tuples(TEXT, TEXT, TEXT), max_size=6), TEXT)
def test_edits_change_their_spans_only(parts: list[tuple[str, str, str]], tail: str) -> None:
    source, expected, edits, unchanged = "", "", [], []
    for kept, old, new in parts:
        unchanged.append((len(expected.encode()), len(source.encode()), len(kept.encode())))
        source, expected = source + kept, expected + kept
        edits.append(Edit(len(source.encode()), len((source + old).encode()), new))
        source, expected = source + old, expected + new
    unchanged.append((len(expected.encode()), len(source.encode()), len(tail.encode())))
    assert apply_edits(source + tail, edits) == expected + tail
    for after, before, length in unchanged:
        for offset in range(length):
            assert original_offset(after + offset, edits) == before + offset


def test_trino_syntax_of_its_own_is_translated() -> None:
    assert from_trino("SELECT CAST(x AS ROW(a INTEGER)) FROM t") is not None
    assert from_trino("SELECT FROM WHERE (") is None


def test_commands() -> None:
    assert read_command(" show schemas ; ") == ShowSchemas()
    assert read_command("SHOW TABLES") == ShowTables(None)
    assert read_command('show tables from "geo-x"') == ShowTables("geo-x")
    assert read_command("DESCRIBE geo.samples;") == Describe("geo.samples")
    assert read_command("DESC geo.samples; DROP TABLE x") is None
    assert read_command("SELECT 'SHOW TABLES'") is None


@given(st.lists(st.text(min_size=1, max_size=5), unique=True, max_size=30))
def test_sample_columns_are_told_apart_by_sql(samples: list[str]) -> None:
    names = sample_columns(["feature_id", "Layer", *samples])
    assert len({name.lower() for name in names}) == len(names)
    assert not {"feature_id", "rid", "layer"} & {name.lower() for name in names}


@given(st.text())
def test_quoted_names_cannot_end_early(name: str) -> None:
    inside = quoted(name)[1:-1]
    assert '"' not in inside.replace('""', "")
