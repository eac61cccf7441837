"""Where a dossier may say that its tables lie, and what it is told where that is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ethics_kit import dossier as dossiers
from ethics_kit.attestation.inputs import Inputs
from ethics_kit.errors import InputError
from ethics_kit.measures import engines
from ethics_kit.project import Project
from ethics_kit.record import Input
from tests.databases.conftest import named
from tests.databases.server import PASSWORD, READER, Server
from tests.made import record

Make = Callable[..., Path]
Edit = Callable[..., None]
SYSTEM, POLICY = "parameters/demo/system.yaml", "parameters/policy.yaml"
WAREHOUSE = {"engine": "postgres", "host": "db.example.com", "database": "crm"}


def told(root: Path, *, tables: bool = False) -> list[str]:
    try:
        dossiers.load(Project(root), root / "parameters/demo", tables=tables)
    except InputError as error:
        return [re.sub(r"^.*?(\w+\.yaml):\d+: ", r"\1 ", str(p)) for p in error.problems]
    return []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("password", "s3cret"),
        ("user", "ada"),
        ("url", "postgresql://ada:s3cret@db/crm"),
        ("access_token", "s3cret"),
        ("host", "ada:s3cret@db.example.com"),
        ("host", "postgresql://ada:s3cret@db"),
        ("database", "dbname=crm password=s3cret"),
        ("host", "db.example.com password=s3cret"),
    ],
)
def test_nothing_to_enter_with_is_taken_from_yaml_nor_told(project: Make, edit: Edit, key: str, value: str) -> None:
    root = project()
    edit(root / POLICY, ("databases", "warehouse"), {**WAREHOUSE, key: value})
    (problem,) = told(root)
    assert problem.startswith("policy.yaml databases.warehouse: found the keys engine, host, database")
    assert "s3cret" not in problem


@pytest.mark.parametrize("name", ["root1", "outside"])
def test_a_database_has_no_name_that_addresses_of_files_begin_with(project: Make, edit: Edit, name: str) -> None:
    root = project()
    edit(root / POLICY, ("databases", name), WAREHOUSE)
    assert "another name" in told(root)[0]


def test_a_table_lies_in_a_file_or_in_a_database(project: Make, edit: Edit) -> None:
    root = project()
    edit(root / POLICY, ("databases", "warehouse"), WAREHOUSE)
    edit(root / SYSTEM, ("tables", "notices", "data"), "warehouse")
    edit(root / SYSTEM, ("tables", "consents", "source"), ...)
    edit(root / SYSTEM, ("tables", "opt_outs", "rows_may_leave"), {"reason": "r", "by": "b", "on": "2026-01-01"})
    assert [re.split(r"; allowed |\. ", p)[0].split(":")[0] for p in told(root)] == [
        "system.yaml tables.consents",
        "system.yaml tables.notices",
        "system.yaml tables.opt_outs",
    ]
    assert all("either source (a file), or data" in p for p in told(root)[:2])
    assert "rows_may_leave only with data" in told(root)[2]


@pytest.mark.parametrize("table", ["crm.decisions; DROP TABLE x", 'crm."decisions"', "a.b.c.d", "crm..decisions", None])
def test_a_table_is_named_plainly(project: Make, edit: Edit, table: str | None) -> None:
    root = project()
    edit(root / POLICY, ("databases", "warehouse"), WAREHOUSE)
    edit(
        root / SYSTEM,
        ("tables", "notices"),
        {"data": "warehouse", "table": table, "columns": {"customer": "c", "time": "t"}},
    )
    assert any("such as crm.decisions" in problem for problem in told(root))


def test_a_dossier_names_databases_of_the_policy_only_and_one_place_for_all(project: Make, edit: Edit) -> None:
    root = project()
    edit(root / POLICY, ("databases", "warehouse"), WAREHOUSE)
    for name, data in (("notices", "warehouse"), ("consents", "elsewhere"), ("opt_outs", "warehouse")):
        edit(root / SYSTEM, ("tables", name, "source"), ...)
        edit(root / SYSTEM, ("tables", name, "data"), data)
        edit(root / SYSTEM, ("tables", name, "table"), f"crm.{name}")
    edit(root / SYSTEM, ("tables", "opt_outs", "time_zone"), "Europe/Berlin")
    edit(root / SYSTEM, ("tables", "opt_outs", "encoding"), "cp1252")
    problems = "\n".join(told(root))
    assert 'tables.consents.data: found "elsewhere"' in problems
    assert "tables.decisions.source: found a file, while other tables are in the database" in problems
    assert "tables.opt_outs.time_zone: found time_zone for a table of a database" in problems
    assert "tables.opt_outs.encoding" in problems
    assert "tables.past_assessments" not in problems
    assert "training.source" not in problems


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"PGPASSWORD": "wrong-canary"}, "the user or the password was not accepted"),
        ({"PGPASSWORD": None}, "it asks for a password"),
        ({"PGUSER": "nobody_known"}, "the user or the password was not accepted"),
    ],
)
def test_why_a_database_lets_nobody_in_is_told_without_what_was_tried(
    server: Server, enter: None, monkeypatch: pytest.MonkeyPatch, change: dict[str, str | None], words: str
) -> None:
    for name, value in change.items():
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name)
    database = engines.Database("warehouse", "postgres", {"host": str(server.socket), "database": "warehouse"})
    with pytest.raises(engines.NoDatabase) as error:
        engines.connect(database, engines.Leave({}, {}, bool))
    assert words in str(error.value)
    assert not re.search(f"{PASSWORD}|canary|{READER}|nobody_known|{server.socket}", str(error.value))


def test_the_command_says_what_is_wrong_in_the_database_all_at_once(
    project: Make, server: Server, enter: None, kit: Callable[..., Any]
) -> None:
    root = project()
    with server.owners() as entered:
        entered.execute("CREATE SCHEMA faulty")
        entered.execute(
            "CREATE TABLE faulty.notices AS SELECT 'c1' AS customer_id, 'soon' AS told_at, 'email' AS channel"
        )
        entered.execute("CREATE TABLE faulty.consents (customer_id text, purpose text, given date, withdrawn date)")
        entered.execute(f"GRANT USAGE ON SCHEMA faulty TO {READER}; GRANT SELECT ON faulty.notices TO {READER}")
    named(server, root, "faulty")
    done = kit("check", "demo", cwd=root)
    assert done.code == 2
    told = done.err + done.out
    assert "no table faulty.decisions that can be read in the database" in told
    assert "no table faulty.consents that can be read in the database" in told  # it is there, and not for this user
    assert "tables.notices.columns.language: found no column language" in told
    assert "Traceback" not in told
    assert not re.search(f"{PASSWORD}|c1|soon", told)


def test_an_engine_that_is_not_installed_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(engines.MODULES, "postgres", "ethics_kit.measures.engines.absent")
    with pytest.raises(engines.NoDatabase, match=r"pip install 'ethics-kit\[postgres\]'"):
        engines.connect(engines.Database("warehouse", "postgres"), engines.Leave({}, {}, bool))


def test_an_input_in_a_database_is_told_and_never_called_gone(tmp_path: Path) -> None:
    inputs = [
        Input(role="table decisions", address="warehouse:crm.decisions", sha256="0" * 64),
        Input(role="table customers", address="outside:customers.csv", sha256="0" * 64),
        Input(role="model", address="warehouse:model", sha256="0" * 64),
    ]
    held = record().model_copy(update={"inputs": inputs})
    known = Inputs(Project(tmp_path))
    assert [address for address, _ in known.elsewhere(held)] == ["warehouse:crm.decisions"]
    assert [address for address, _ in known.differences(held)] == ["outside:customers.csv", "warehouse:model"]
