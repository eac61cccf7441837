"""What tests of databases share: one PostgreSQL, and a project's tables in it."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from ethics_kit import dossier as dossiers
from ethics_kit.project import Project
from tests.databases import server as postgres
from tests.databases.server import Server

LEAVE = {"reason": "The analysts of this system see these rows anyway.", "by": "Ada Policy", "on": date(2026, 2, 1)}


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL of the tests' own, for all of them."""
    postgres.required()
    with postgres.served() as running:
        yield running


@pytest.fixture
def enter(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the environment, what the kit enters by."""
    for name, value in server.entered.items():
        monkeypatch.setenv(name, value)


def moved(server: Server, root: Path, schema: str, system: str = "demo", *, allow: bool = False) -> None:
    """Put a dossier's tables into a schema, as they are read from their files, and have the dossier name them there."""
    held = dossiers.load(Project(root), root / "parameters" / system)
    postgres.load(server, schema, {name: held.tables.raw(name) for name in held.located_tables})
    named(server, root, schema, system, allow=allow)


def named(server: Server, root: Path, schema: str, system: str = "demo", *, allow: bool = False) -> None:
    """Have a dossier name the tables of a schema in place of its files."""
    yaml = YAML()
    yaml.representer.ignore_aliases = lambda *_: True

    def change(path: Path, what: Callable[[Any], None]) -> None:
        content = yaml.load(path)
        what(content)
        yaml.dump(content, path)

    def tables(content: Any) -> None:
        for name, table in content["tables"].items():
            for key in ("source", "encoding", "delimiter", "time_zone"):
                table.pop(key, None)
            table.update(data="warehouse", table=f"{schema}.{name}", **({"rows_may_leave": LEAVE} if allow else {}))

    change(root / "parameters/policy.yaml", lambda content: content.update(databases={"warehouse": server.policy}))
    change(root / "parameters/organisation.yaml", tables)
    change(root / "parameters" / system / "system.yaml", tables)
