"""Mistakes read the same on Trino; what only Trino finds wrong is told in the platform's errors."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from pydantic import SecretStr

from biolake.sql import errors
from biolake.sql.models import SqlEngine
from biolake.sql.trino import TrinoEngine
from biolake.sql.trino_connection import TrinoAddress
from biolake.sql.versions import LakeVersions
from tests.engines.servers.process import free_port
from tests.engines.trino.conftest import LIMITS
from tests.sql.made_lake import MadeLake
from tests.sql.test_errors import (
    MISTAKES,
    test_closed_engine,  # noqa: F401
    test_hidden_repository_reads_like_a_missing_one,  # noqa: F401
    test_search_without_an_index,  # noqa: F401
)

pytestmark = pytest.mark.trino

# A value that a cast cannot use has no place in what Trino says.
_FOUND_AT_RUN_TIME = [case for case in MISTAKES if case[1] is errors.InvalidValue]
_FOUND_BEFORE = [case for case in MISTAKES if case not in _FOUND_AT_RUN_TIME]


@pytest.mark.parametrize(("sql", "kind", "at", "hint"), _FOUND_BEFORE, ids=[case[0] for case in _FOUND_BEFORE])
def test_mistake_is_named_with_its_place(
    engine: SqlEngine, sql: str, kind: type[errors.SqlError], at: str, hint: str
) -> None:
    with pytest.raises(kind) as caught:
        engine.query(sql)
    assert hint in str(caught.value)
    if at:
        assert caught.value.position == sql.index(at) or sql[caught.value.position or 0 :].startswith(at.split(".")[-1])


@pytest.mark.parametrize(("sql", "kind", "at", "hint"), _FOUND_AT_RUN_TIME)
def test_value_that_does_not_fit_is_told_without_a_place(
    engine: SqlEngine, sql: str, kind: type[errors.SqlError], at: str, hint: str
) -> None:
    with pytest.raises(kind, match=hint):
        engine.query(sql)


# fmt: off
WITHOUT_COUNTERPART: list[tuple[str, str, str]] = [
    ("SELECT 'é', hash(title) FROM geo.datasets", "hash", "hash()"),
    ("SELECT i FROM range(3) t(i)", "range", "range"),
    ("SELECT unnest(curated_tissue) FROM geo.datasets", "unnest", "CROSS JOIN UNNEST"),
    ("SELECT curated_tissue[1:2] FROM geo.datasets", "[1", "slice(list, start, length)"),
    ("SELECT MAP {'a': 1}", "MAP", "map(ARRAY[key], ARRAY[value])"),
    ("SELECT 'a', title FROM geo.datasets WHERE year = '2020'", "=", "Trino does not take this"),
]
# fmt: on


@pytest.mark.parametrize(("sql", "at", "hint"), WITHOUT_COUNTERPART, ids=[case[0] for case in WITHOUT_COUNTERPART])
def test_what_trino_has_not_is_refused_by_name(engine: SqlEngine, sql: str, at: str, hint: str) -> None:
    with pytest.raises(errors.NotOnTrino) as caught:
        engine.query(sql)
    assert hint in str(caught.value)
    assert caught.value.position is not None
    assert sql[caught.value.position :].startswith(at)


def test_time_is_the_callers(open_on: Callable[..., SqlEngine], read_lake: MadeLake) -> None:
    engine = open_on(read_lake)
    numbers = "UNNEST(sequence(1, 10000)) AS {0}(i{0})"
    slow = f"SELECT sum(ia * ib * ic) FROM {', '.join(numbers.format(name) for name in 'abc')}"
    with pytest.raises(errors.QueryTimedOut, match="within 2 s"):
        engine.query(slow, timeout=2.0)
    assert engine.query("SELECT 1 AS one").to_records() == [{"one": 1}]


def test_rows_and_bytes_of_a_result_are_capped(open_on: Callable[..., SqlEngine], read_lake: MadeLake) -> None:
    engine = open_on(read_lake, replace(LIMITS, rows=1000, result_bytes=100_000))
    cut = engine.query("SELECT i FROM UNNEST(sequence(1, 10000)) AS t(i)", max_rows=10**9)
    assert (cut.rows, cut.truncated) == (1000, True)
    assert engine.query("SELECT i FROM UNNEST(sequence(1, 20)) AS t(i)", max_rows=20).truncated is False
    wide = engine.query("SELECT repeat('x', 9000) AS x FROM UNNEST(sequence(1, 900)) AS t(i)")
    assert wide.truncated
    assert 0 < wide.table.nbytes <= 100_000


def test_a_trino_that_is_not_there(read_lake: MadeLake) -> None:
    nowhere = TrinoAddress(f"http://127.0.0.1:{free_port()}")
    with (
        TrinoEngine(LakeVersions(read_lake.url), nowhere, limits=LIMITS) as engine,
        pytest.raises(errors.TrinoUnavailable, match="BIOLAKE_TRINO_URL"),
    ):
        engine.query("SELECT count(*) FROM geo.datasets")


def test_a_catalog_that_is_not_there(address: TrinoAddress, read_lake: MadeLake) -> None:
    with (
        TrinoEngine(LakeVersions(read_lake.url), replace(address, catalog="nothing"), limits=LIMITS) as engine,
        pytest.raises(errors.TrinoUnavailable, match="nothing"),
    ):
        engine.query("SELECT count(*) FROM geo.datasets")


def test_a_password_is_in_no_message(read_lake: MadeLake) -> None:
    nowhere = TrinoAddress(f"https://127.0.0.1:{free_port()}", "someone", SecretStr("c0rrect-h0rse"))
    with (
        TrinoEngine(LakeVersions(read_lake.url), nowhere, limits=LIMITS) as engine,
        pytest.raises(errors.TrinoUnavailable) as caught,
    ):
        engine.query("SELECT count(*) FROM geo.datasets")
    assert "c0rrect-h0rse" not in str(caught.value)
