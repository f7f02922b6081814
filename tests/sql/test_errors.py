"""What users read when a statement cannot be answered: where it went wrong, and the name they probably meant."""

import os
import signal
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from biolake.sql import errors
from biolake.sql.embedded import EmbeddedEngine
from biolake.sql.models import SqlEngine
from tests.sql.conftest import LIMITS
from tests.sql.made_lake import MadeLake

SLOW = "SELECT count(*) FROM range(1000000000000) t(i) WHERE hash(i) = 0"
# fmt: off
MISTAKES: list[tuple[str, type[errors.SqlError], str, str]] = [
    ("SELECT titel FROM geo.datasets", errors.UnknownColumn, "titel", "Did you mean title"),
    ("SELECT 'é', d.titel FROM geo.datasets d", errors.UnknownColumn, "d.titel", "Did you mean title"),
    ("SELECT src_dataset_id FROM geo.samples", errors.UnknownColumn, "src_dataset_id", "Here it is dataset_id"),
    ("SELECT 'é' FROM geo.dataset", errors.UnknownTable, "geo.dataset", "Did you mean datasets"),
    ("SELECT 1 FROM goe.datasets", errors.UnknownTable, "goe.datasets", "Did you mean geo"),
    ("SELECT 1 FROM datasets", errors.UnknownTable, "datasets", "Did you mean geo.datasets"),
    ("SELECT 1 FROM data_matrices.geo__GSE9", errors.UnknownTable, "data_matrices", "geo has no dataset GSE9"),
    ("SELECT 1 FROM data_matrices.nothing", errors.UnknownTable, "data_matrices", "<repository>__<dataset_id>"),
    ("SELECT 1, lowr(title) FROM geo.datasets", errors.UnknownFunction, "lowr", "Did you mean lower"),
    ("SELECT a FROM geo.datasets WHERE", errors.InvalidSyntax, "", "syntax error"),
    ("SELEC 1", errors.InvalidSyntax, "SELEC", "syntax error"),
    ("SELECT year, title FROM geo.datasets GROUP BY year", errors.InvalidStatement, "title", "GROUP BY"),
    ("SELECT sum(title) FROM geo.datasets", errors.InvalidStatement, "sum", "sum"),
    ("SELECT any_match(curated_disease, d -> d = 'x') FROM geo.datasets WHERE titel = 'a'",
     errors.UnknownColumn, "titel", "Did you mean title"),
    ("SELECT CAST(title AS INTEGER) FROM geo.datasets", errors.InvalidValue, "CAST", "try_cast"),
    ("SELECT * FROM geo.datasets WHERE year = ?", errors.InvalidStatement, "", ""),
]
# fmt: on


@pytest.mark.parametrize(("sql", "kind", "at", "hint"), MISTAKES, ids=[case[0] for case in MISTAKES])
def test_mistake_is_named_with_its_place(
    engine: SqlEngine, sql: str, kind: type[errors.SqlError], at: str, hint: str
) -> None:
    with pytest.raises(kind) as caught:
        engine.query(sql)
    assert hint in str(caught.value)
    if at:
        assert caught.value.position == sql.index(at) or sql[caught.value.position or 0 :].startswith(at.split(".")[-1])


def test_hidden_repository_reads_like_a_missing_one(engine: SqlEngine) -> None:
    for sql in (
        "SELECT * FROM {}.datasets",
        "SHOW TABLES IN {}",
        "SELECT * FROM data_matrices.{}__GSE1",
        "DESCRIBE {}.samples",
    ):
        said = []
        for name in ("geo", "xyz"):
            with pytest.raises(errors.UnknownTable) as caught:
                engine.query(sql.format(name), repositories={"lab"})
            said.append(str(caught.value).replace(name, "?"))
        assert said[0] == said[1]


def test_time_is_the_callers_and_the_process_stays(open_on: Callable[..., SqlEngine], read_lake: MadeLake) -> None:
    engine = open_on(read_lake, replace(LIMITS, processes=1))
    assert isinstance(engine, EmbeddedEngine)
    engine.query("SELECT 1")
    before = engine.process_ids()
    with pytest.raises(errors.QueryTimedOut, match=r"within 0.5 s"):
        engine.query(SLOW, timeout=0.5)
    assert engine.query("SELECT 1 AS one").to_records() == [{"one": 1}]
    assert engine.process_ids() == before


def test_dead_process_is_replaced(open_on: Callable[..., SqlEngine], read_lake: MadeLake) -> None:
    engine = open_on(read_lake, replace(LIMITS, processes=1))
    assert isinstance(engine, EmbeddedEngine)
    engine.query("SELECT 1")
    os.kill(engine.process_ids()[0], signal.SIGKILL)
    assert engine.query("SELECT count(*) AS n FROM geo.datasets").to_records() == [{"n": 2}]


def test_process_that_dies_at_work_is_an_error_and_replaced(
    open_on: Callable[..., SqlEngine], read_lake: MadeLake
) -> None:
    engine = open_on(read_lake, replace(LIMITS, processes=1))
    assert isinstance(engine, EmbeddedEngine)
    engine.query("SELECT 1")
    (victim,) = engine.process_ids()
    killer = threading.Timer(0.3, os.kill, (victim, signal.SIGKILL))
    killer.start()
    with pytest.raises(errors.QueryProcessDied):
        engine.query(SLOW, timeout=10)
    assert engine.query("SELECT 1 AS one").to_records() == [{"one": 1}]


def test_busy_engine_says_so(open_on: Callable[..., SqlEngine], read_lake: MadeLake) -> None:
    engine = open_on(read_lake, replace(LIMITS, processes=1))
    engine.query("SELECT 1")
    failures: list[BaseException] = []

    def ask() -> None:
        try:
            engine.query(SLOW, timeout=2.0)
        except errors.QueryTimedOut as error:
            failures.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    while not engine_is_busy(engine):
        pass
    with pytest.raises(errors.EngineBusy) as caught:
        engine.query("SELECT 1", timeout=0.2)
    thread.join()
    assert caught.value.transient
    assert len(failures) == 1


def engine_is_busy(engine: SqlEngine) -> bool:
    assert isinstance(engine, EmbeddedEngine)
    return not engine.process_ids()


def test_search_without_an_index(open_on: Callable[..., SqlEngine], read_lake: MadeLake) -> None:
    with pytest.raises(errors.SearchUnavailable):
        open_on(read_lake).query("SELECT * FROM search('x')")


def test_closed_engine(open_on: Callable[..., SqlEngine], read_lake: MadeLake) -> None:
    engine = open_on(read_lake)
    engine.close()
    with pytest.raises(errors.EngineClosed):
        engine.query("SELECT 1")
