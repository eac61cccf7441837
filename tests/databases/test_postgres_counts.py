"""All four stages on PostgreSQL: the numbers of DuckDB, no row of a customer, and what needs rows waits for leave."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest

from ethics_kit import dossier as dossiers
from ethics_kit.dossier import Dossier
from ethics_kit.measures.engines import RowsRefused
from ethics_kit.measures.engines.postgres import Backend
from ethics_kit.project import STAGES, Project
from ethics_kit.stages import refused
from ethics_kit.stages.bias_testing import individuals
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.conclude import conclude
from ethics_kit.stages.design_review import contributions
from tests.conftest import AS_OF
from tests.databases.conftest import moved
from tests.databases.server import PASSWORD, Server

ROOT = Path(__file__).parents[2]
NEEDS_ROWS = {"proxies_found", "individual_fairness"}
FEATURES = {"tenure": {"type": "number", "column": "score", "table": "decisions"}}
Steps = dict[tuple[str, str], Outcome]


@dataclass(frozen=True)
class Both:
    """One dossier assessed on files and in the database: outcomes by stage and step, and all that left it."""

    here: Steps
    there: Steps
    dossier: Dossier
    reports: Path
    asked: list[str]
    left: list[pa.Table]


def steps(dossier: Dossier, reports: Path) -> Steps:
    found = {}
    for stage in STAGES:
        case = Case(dossier, stage, AS_OF, reports)
        for step in import_module(f"ethics_kit.stages.{stage}").STEPS:
            found[stage, step.__name__] = case.taken[step.__name__] = refused.outcome(step, case)
    return found


def loaded(root: Path, system: str = "demo") -> Dossier:
    return dossiers.load(Project(root), root / "parameters" / system)


@pytest.fixture(scope="module")
def both(server: Server, projects: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    folder = tmp_path_factory.mktemp("counts")
    root = projects(folder / "demo")(system={"features": FEATURES})
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.entered.items():
            patch.setenv(name, value)
        patch.setattr(individuals, "sample", refusing)  # the comparisons that need rows; all others are judged alike
        here = steps(loaded(root), folder / "reports")
    moved(server, root, "counts")
    left: list[pa.Table] = []
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.entered.items():
            patch.setenv(name, value)
        ask = Backend.to_pyarrow

        def seen(self: Backend, expr: Any, /, **options: Any) -> Any:
            answer = ask(self, expr, **options)
            left.append(answer if isinstance(answer, pa.Table) else pa.table({"value": [answer.as_py()]}))
            return answer

        patch.setattr(Backend, "to_pyarrow", seen)
        before = len(server.statements())
        dossier = loaded(root)
        there = steps(dossier, folder / "reports")
        yield Both(here, there, dossier, folder / "reports", server.statements()[before:], left)


def refusing(case: Case) -> None:
    raise RowsRefused(["customers", "decisions"])


def shown(outcome: Outcome) -> Any:
    return [part.model_dump(mode="json") for part in (*outcome.findings, *outcome.tables)]


def alike(one: Any, other: Any) -> bool:
    """Equal, numbers with decimals to nine digits."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(alike(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, float) and isinstance(other, int | float):
        return one == pytest.approx(other, rel=1e-9, abs=1e-12)
    return bool(one == other)


@pytest.mark.parametrize("stage", STAGES)
def test_what_is_counted_is_what_duckdb_counts(stage: str, both: Both) -> None:
    wrong = [
        name
        for (of, name), outcome in both.here.items()
        if of == stage and name not in NEEDS_ROWS and not alike(shown(outcome), shown(both.there[of, name]))
    ]
    assert wrong == []


def test_what_needs_rows_is_not_assessed_and_says_what_would_let_it(both: Both) -> None:
    for name in NEEDS_ROWS:
        (finding,) = both.there["bias_testing", name].findings
        assert finding.status == "not_assessed"
        assert "rows of customers and decisions, which stay in the database warehouse" in finding.statement
        assert "rows_may_leave" in (finding.action or "")


def test_no_id_and_no_moment_ever_comes_back(both: Both, server: Server) -> None:
    with server.owners() as entered:
        ids = {v for row in entered.execute("SELECT customer_id, decision_id FROM counts.decisions") for v in row}
    values = [v for table in both.left for column in table.columns for v in column.to_pylist()]
    assert len(values) > 500
    assert not ids & {v for v in values if isinstance(v, str)}
    moments = [v for v in values if hasattr(v, "hour") and (v.hour or v.minute or v.second)]
    assert moments == []


def test_every_statement_aggregates_on_every_way_down_to_a_table(both: Both, server: Server) -> None:
    """By the server's own log and its own plans, not by what the kit looks at."""
    selects = [re.sub(r"^DECLARE .*? CURSOR FOR", "", s, flags=re.DOTALL) for s in both.asked if '"counts"' in s]
    assert len(selects) > 80
    with server.owners() as entered:
        entered.execute("SET enable_sort = on")
        bare = [sql for sql in selects if unaggregated(plan(entered, sql))]
    assert bare == []


def plan(entered: psycopg.Connection, sql: str) -> dict[str, Any]:
    row = entered.execute("EXPLAIN (FORMAT JSON) " + sql).fetchone()
    found: dict[str, Any] = row[0][0]["Plan"] if row else {}
    return found


def unaggregated(node: dict[str, Any]) -> bool:
    """Whether a scan of a table lies on a way down without an aggregation; what only filters rows is no such way."""
    if node["Node Type"] in ("Aggregate", "Group", "Unique", "SetOp"):
        return False
    below = [n for n in node.get("Plans", ()) if n["Parent Relationship"] not in ("InitPlan", "SubPlan")]
    return "Relation Name" in node or any(map(unaggregated, below))


def test_the_check_of_plans_sees_rows(server: Server, both: Both) -> None:
    with server.owners() as entered:
        rows = "SELECT d.score FROM counts.decisions d JOIN counts.customers c USING (customer_id)"
        assert unaggregated(plan(entered, rows))
        assert not unaggregated(plan(entered, f"SELECT count(*) FROM ({rows}) t"))


def test_the_record_names_the_table_and_its_digest_and_neither_host_nor_user(both: Both, server: Server) -> None:
    case = Case(both.dossier, "design_review", AS_OF, both.reports)
    for name in ("decisions", "customers"):
        case.table(name)
    record = conclude(case, {})
    found = {i.role: i for i in record.inputs}
    assert found["table decisions"].address == "warehouse:counts.decisions"
    assert found["table decisions"].rows == 400
    assert re.fullmatch(r"[0-9a-f]{64}", found["table decisions"].sha256)
    assert found["table decisions"].sha256 != found["table customers"].sha256
    text = record.to_bytes().decode()
    assert PASSWORD not in text
    assert str(server.socket) not in text


@pytest.fixture(scope="module")
def assistant(server: Server, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An example's dossier on files, and in the database with leave for its rows."""
    made = tmp_path_factory.mktemp("assistant")
    for name in ("files", "moved"):
        (made / name / "parameters").mkdir(parents=True)
        for part in ("policy.yaml", "organisation.yaml", "data", "evidence", "churn_risk"):
            source = ROOT / "parameters" / part
            target = made / name / "parameters" / part
            (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
    moved(server, made / "moved", "churn", "churn_risk", allow=True)
    return made / "files", made / "moved"


COMPARED = ["purpose_limitation", "consent_in_force", "checkpoints", "contributions", "cross_border"]


@pytest.mark.parametrize("step", COMPARED)
def test_an_example_has_the_same_findings_on_its_rows_too(
    step: str, assistant: tuple[Path, Path], enter: None, tmp_path: Path
) -> None:
    module = import_module("ethics_kit.stages.design_review")
    chosen: Callable[[Case], Outcome] = next(s for s in module.STEPS if s.__name__ == step)
    here, there = (shown(chosen(Case(cached(root), "design_review", AS_OF, tmp_path))) for root in assistant)
    assert alike(here, there)
    assert any(f.get("status") != "not_assessed" for f in here)


LOADED: dict[Path, Dossier] = {}


def cached(root: Path) -> Dossier:
    if root not in LOADED:
        LOADED[root] = loaded(root, "churn_risk")
    return LOADED[root]


def test_leave_that_is_given_later_does_not_count(assistant: tuple[Path, Path], enter: None, tmp_path: Path) -> None:
    dossier = cached(assistant[1])
    (finding,) = refused.outcome(contributions, Case(dossier, "design_review", date(2026, 1, 31), tmp_path)).findings
    assert "stay in the database" in finding.statement
    after = refused.outcome(contributions, Case(dossier, "design_review", AS_OF, tmp_path)).findings
    assert all("stay in the database" not in f.statement for f in after)
