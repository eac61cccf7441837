"""Databases that tables may lie in: where they are, never with what one enters."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from ethics_kit.schema.fields import Day, Line, Model, Text

Engine = Literal["postgres", "spark", "bigquery", "snowflake"]

KEYS: dict[Engine, dict[str, re.Pattern[str]]] = {
    "postgres": {
        "host": re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*|[0-9a-fA-F:]+|/[\w./-]+"),
        "port": re.compile(r"[0-9]{1,5}"),
        "database": re.compile(r"[\w$ .-]+"),
        "service": re.compile(r"[\w.-]+"),
    },
    "spark": {},
    "bigquery": {
        "project": re.compile(r"[a-z][a-z0-9:.-]*[a-z0-9]"),
        "location": re.compile(r"[A-Za-z0-9-]+"),
    },
    "snowflake": {"connection": re.compile(r"\w[\w.-]*")},
}
"""The keys of each engine, and what their values look like."""

SECRET = re.compile(r"user|pass|pwd|secret|token|credential|private|key|dsn|url|uri|conninfo|options", re.IGNORECASE)
"""Keys that hold what one enters with, or could."""

TABLE = re.compile(r"[^.\"'`;\\\x00-\x1f]+(\.[^.\"'`;\\\x00-\x1f]+){0,2}")
"""TABLE, SCHEMA.TABLE or CATALOG.SCHEMA.TABLE."""


class Database(Model):
    """A database of policy.yaml. User, password and keys come from the environment or the engine's own configuration.

    PostgreSQL: `host` is a name, an address or the folder of a socket; `service` names an entry of the service file.
    Spark: its own configuration says which. BigQuery: the `project` that pays for the queries, and its `location`.
    Snowflake: `connection` names an entry of its connections.toml.
    """

    engine: Engine
    host: Line | None = None
    port: Annotated[int, Field(ge=1, le=65_535, strict=True)] | None = None
    database: Line | None = None
    service: Line | None = None
    project: Line | None = None
    location: Line | None = None
    connection: Line | None = None
    query_seconds: Annotated[int, Field(ge=1, le=86_400, strict=True)] = 600

    @model_validator(mode="before")
    @classmethod
    def _no_secret(cls, data: Any) -> Any:
        named = [str(key) for key in data if SECRET.search(str(key))] if isinstance(data, dict) else []
        if named:
            raise ValueError(
                "where the database is, and nothing to enter with: user, password and keys come from the environment "
                "or the engine's own configuration (docs/databases.md)"
            )
        return data

    @model_validator(mode="after")
    def _plain(self) -> Database:
        """The message names the key and not its value: where a host holds a password, it stays untold."""
        if self.engine == "spark" and "query_seconds" in self.model_fields_set:
            raise ValueError("for spark no query_seconds: how long a query may take is in its own configuration")
        for key, value in self.settings.items():
            form = KEYS[self.engine].get(key)
            if form is None:
                raise ValueError(f"for {self.engine} the keys " + (", ".join(KEYS[self.engine]) or "engine alone"))
            if not form.fullmatch(str(value)):
                raise ValueError(f"in {key} a plain name or address, without user, password or options")
        return self

    @property
    def settings(self) -> dict[str, Any]:
        """What says where it is, by key."""
        return self.model_dump(exclude={"engine", "query_seconds"}, exclude_none=True)


class RowsMayLeave(Model):
    """Why rows of a table may be read out of its database, and who says so; it counts from its day on."""

    reason: Text
    by: Line
    on: Day
