"""Databases that count where the tables are: how each is opened, and what is wrong where it cannot be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from ibis.backends.sql import SQLBackend

from ethics_kit.measures.engines.rows import Leave, NotCounted, RowsRefused, says_groups

MODULES = {name: f"ethics_kit.measures.engines.{name}" for name in ("postgres", "spark", "bigquery", "snowflake")}
"""The module of each engine: `connect(settings, query_seconds)` and `REASONS`, its messages in words."""


@dataclass(frozen=True)
class Database:
    """A database by the name that the policy gives it: its engine, where it is, and how long one query may take.

    A value that fewer than `few` people have tells single ones.
    """

    name: str
    engine: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    query_seconds: int = 600
    few: int = 10


class NoDatabase(Exception):
    """The database cannot be opened; the message says why in words, and quotes nothing."""


def connect(database: Database, leave: Leave) -> SQLBackend:
    """Open a database for reading, with what one enters by from the environment or its own configuration.

    Raises
    ------
    NoDatabase
        It does not answer, or lets nobody in; or the engine is not installed.
    """
    try:
        module = import_module(MODULES[database.engine])
        connection: SQLBackend = module.connect(database.settings, database.query_seconds)
    except ImportError:
        raise NoDatabase(f"{database.engine} is not installed: pip install 'ethics-kit[{database.engine}]'") from None
    except Exception as error:  # each engine has errors of its own; their words may hold what one enters with
        message = str(error)
        words = next((said for part, said in module.REASONS.items() if part in message), type(error).__name__)
        raise NoDatabase(words) from None
    connection.leave = leave
    return connection


__all__ = ["Database", "Leave", "NoDatabase", "NotCounted", "RowsRefused", "connect", "says_groups"]
