"""What a table's columns probably are. A proposal only: the analyst confirms each."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass, field, replace
from itertools import chain, count
from pathlib import Path
from typing import Any, Literal

import ibis.expr.types as ir

from ethics_kit import writing
from ethics_kit.errors import InputError, Problem, printable
from ethics_kit.measures.columns import FALSE, TRUE, Column, Form, typed
from ethics_kit.measures.tables import Source, Tables
from ethics_kit.measures.times import moment
from ethics_kit.schema import Attribute, TableSpec
from ethics_kit.writing import Writing

MOST_GROUPS = 60
MOST_NUMBERS = 12
MOST_LETTERS = 300

HINTS: dict[str, tuple[str, ...]] = {
    "model_version": ("model version", "model ver", "version"),
    "inputs_hash": ("inputs hash", "input hash", "features hash", "hash"),
    "id": ("decision id", "case id", "ticket id", "row id", "event id", "score id"),
    "customer": (
        "customer id", "customer", "client id", "client", "user id", "contact id", "member id", "subscriber id",
        "person id", "account id", "id",
    ),
    "cluster": ("account id", "household id", "company id", "cluster"),
    "time": (
        "decided at", "scored at", "decided on", "scored on", "decision date", "decision time", "score date",
        "timestamp", "created at", "date", "time", "day", "at", "on",
    ),
    "score": ("score", "probability", "proba", "prob", "risk score", "prediction score", "propensity"),
    "decision": (
        "decision", "flagged", "selected", "recommended", "recommendation", "predicted", "prediction", "outreach",
        "offer", "offered", "priority", "band", "flag",
    ),
    "action": ("action", "contacted", "taken", "actioned"),
    "outcome": (
        "outcome", "churn", "churned", "label", "actual", "target", "retained", "resolved", "converted",
        "renewed", "exited", "attrition",
    ),
    "purpose": ("purpose",),
    "reason": ("reason code", "reason", "top reason"),
    "actor": ("actor", "agent", "decided by"),
    "sequence": ("sequence", "seq", "log number"),
    "wait_hours": ("wait hours", "waiting time", "wait"),
}  # fmt: skip
"""Words of column names, most telling first, by role."""

PROTECTED = (
    "gender", "sex", "age", "age band", "age group", "birth", "senior", "senior citizen", "ethnicity", "ethnic",
    "race", "religion",
    "disability", "disabled", "nationality", "marital", "marital status", "partner", "dependents", "pregnant",
    "orientation",
)  # fmt: skip
PROXY = (
    "language",
    "locale",
    "region",
    "country",
    "state",
    "city",
    "postcode",
    "postal code",
    "zip",
    "zip code",
    "geography",
    "device",
)
SEGMENT = (
    "plan",
    "tier",
    "contract",
    "segment",
    "company size",
    "industry",
    "product",
    "internet service",
    "payment method",
)


THINGS = "account|case|contract|device|invoice|order|record|subscription|ticket"
"""Whose age or state says nothing about a person."""

INPUT_SCORE = re.compile(r"\b(credit|csat|engagement|nps|satisfaction|sentiment|survey) score\b")
"""Scores that a model is given rather than gives."""


NOT_FOUND = {
    "customer": "no column looks like it: name one under tables.decisions.columns",
    "time": "no column looks like it: name one, or give the snapshot's day (dated) under tables.decisions",
    "decision": "no column looks like it: name one, or nothing can be compared between groups",
}
"""What to do about a role that no column seems to have."""


@dataclass(frozen=True)
class Proposal:
    """Column roles and attributes, as far as the table suggests them.

    `values` are those of the decision and the outcome where they are not yes/no: which of them mean yes, only a person
    can say. `too_many` are columns that would be attributes, if they had few values: column and number of values.
    """

    roles: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, Attribute] = field(default_factory=dict)
    kind: Literal["scored", "ranked"] = "scored"
    values: dict[str, tuple[str, ...]] = field(default_factory=dict)
    too_many: dict[str, int] = field(default_factory=dict)
    table: str | None = None
    writing: Writing = field(default_factory=Writing)
    rows: int = 0
    unused: tuple[str, ...] = ()

    @property
    def salesforce_ids(self) -> list[str]:
        """Roles whose columns hold Salesforce ids."""
        return [role for role in ("customer", "id", "cluster") if self.roles.get(role) in self.writing.salesforce]

    def words(self) -> list[str]:
        """The proposal, a line each, for the analyst to confirm."""
        wanted = {"decision": "decision.selected", "outcome": "outcome.positive"}
        lines = [f"Proposed from {self.rows} rows; confirm each in system.yaml:"]
        for role, column in self.roles.items():
            lines.append(f"  {role:<14} {printable(column)}")
            if self.values.get(role):
                lines.append(f"  {'':<14} list under {wanted[role]} which of its values mean yes")
        lines += [f"  {role:<14} {todo}" for role, todo in NOT_FOUND.items() if role not in self.roles]
        lines += [f"  {a.class_:<14} {printable(a.column)}" for a in self.attributes.values()]
        lines += [
            f"  {'needs bands':<14} {printable(c)}: {n} values, groups need few" for c, n in self.too_many.items()
        ]
        lines += [f"  {key:<14} {value}: {printable(why)}" for key, (value, why) in self.writing.settings.items()]
        lines += [f"  {'in doubt':<14} {printable(doubt)}" for doubt in self.writing.doubts]
        if self.unused:
            lines.append(f"  {'not used':<14} {', '.join(map(printable, self.unused))}")
        return lines


@dataclass(frozen=True)
class Profile:
    """What is known of a column."""

    name: str
    words: str
    distinct: int
    values: tuple[str, ...]
    filled: int
    times: int
    numbers: int


def propose(path: Path) -> Proposal:
    """Propose roles for the columns of a table.

    Raises
    ------
    InputError
        The table cannot be read, or is empty.
    """
    settings = writing.of_file(path)
    source, name = _source(path, settings)
    tables = Tables({"decisions": source})
    faults = tables.faults("decisions")
    if faults:
        raise InputError([Problem(file=path, found=f.found, allowed=f.allowed, todo=f.todo) for f in faults])
    seen = writing.of_values(tables.raw("decisions"))
    seen = replace(seen, settings=settings | seen.settings)
    rows, profiles = _profiles(tables, _form(seen))
    roles = _roles(profiles, rows)
    attributes: dict[str, Attribute] = {}
    too_many = {}
    for profile in (p for p in profiles if p.name not in roles.values()):
        kind = _class(profile)
        if kind and _few(profile):
            attributes[_identifier(profile.name, attributes)] = Attribute(**{"class": kind, "column": profile.name})
        elif kind in ("protected", "proxy"):
            too_many[profile.name] = profile.distinct
    used = {*roles.values(), *(a.column for a in attributes.values()), *too_many}
    return Proposal(
        roles=roles,
        attributes=attributes,
        values={role: values for role in ("decision", "outcome") if (values := _choices(profiles, roles.get(role)))},
        too_many=too_many,
        table=name,
        writing=seen,
        rows=rows,
        unused=tuple(p.name for p in profiles if p.name not in used),
    )


def _source(path: Path, settings: writing.Settings) -> tuple[Source, str | None]:
    if path.suffix.lower() != ".duckdb" or not path.is_file():
        said = TableSpec(source="here", columns={}, **{key: value for key, (value, _) in settings.items()})
        return Source(path.resolve(), encoding=said.encoding, delimiter=said.separator), None
    import duckdb

    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            names = [r[0] for r in connection.execute("SHOW TABLES").fetchall()]
    except duckdb.Error:  # opening it again says what is wrong
        return Source(path.resolve()), None
    if not names:
        todo = "write the table into the file, or export it as CSV"
        raise InputError([Problem(file=path, found="no table in the file", allowed="at least one table", todo=todo)])
    chosen = "decisions" if "decisions" in names else names[0]
    return Source(path.resolve(), table=chosen), chosen


def _form(seen: Writing) -> Form:
    """How numbers and dates are read. The kinds of dates and decimal marks are those of the schema."""
    said = {key: seen.settings[key][0] for key in ("decimal", "dates") if key in seen.settings}
    return replace(Form(), **said)  # type: ignore[arg-type]


def _profiles(tables: Tables, form: Form) -> tuple[int, list[Profile]]:
    raw = tables.raw("decisions")
    wanted: dict[str, Any] = {"rows": raw.count()}
    for number, name in enumerate(raw.columns):
        text = raw[name].cast("string").strip().nullif("")
        wanted |= {
            f"filled{number}": text.count(),
            f"distinct{number}": text.nunique(),
            f"times{number}": _times(text, form).count(),
            f"numbers{number}": typed(text, Column(name, "number", form=form)).count(),
        }
    seen = raw.aggregate(**wanted).to_pyarrow().to_pylist()[0]
    profiles = []
    for number, name in enumerate(raw.columns):
        values: tuple[str, ...] = ()
        if seen[f"distinct{number}"] <= MOST_GROUPS:
            column = raw[name].cast("string").strip().nullif("").name("value")
            found = column.as_table().distinct().order_by("value").to_pyarrow()["value"].to_pylist()
            values = tuple(v for v in found if v is not None)
        profiles.append(
            Profile(
                name=name,
                words=words_of(name),
                distinct=seen[f"distinct{number}"],
                values=values,
                filled=seen[f"filled{number}"],
                times=seen[f"times{number}"],
                numbers=seen[f"numbers{number}"],
            )
        )
    return int(seen["rows"]), profiles


def _times(text: ir.StringColumn, form: Form) -> ir.TimestampValue:
    return text.try_cast("timestamp('UTC')") if form.dates == "iso" else moment(text, dates=form.dates)


def words_of(name: str) -> str:
    """A column's name as lower-case words: ``SeniorCitizen`` and ``senior_citizen`` are the same."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9]+", " ", name)
    return " ".join(spaced.lower().split())


def _roles(profiles: list[Profile], rows: int) -> dict[str, str]:
    found: dict[str, str] = {}
    usable = [p for p in profiles if len(p.name) <= MOST_LETTERS and not looks_protected(p.name)]
    for role, hints in HINTS.items():
        candidates = [p for p in usable if p.name not in found.values() and _fits(role, p, rows)]
        best = min(
            ((_place(p.words, hints), i, p) for i, p in enumerate(candidates) if _place(p.words, hints) is not None),
            default=None,
            key=lambda t: (t[0], t[1]),
        )
        if best:
            found[role] = best[2].name
    order = ("customer", "time", "id")
    return {r: found[r] for r in (*order, *(r for r in found if r not in order)) if r in found}


def _place(words: str, hints: tuple[str, ...]) -> int | None:
    """How telling a name is: the whole name, then its ending or beginning."""
    for number, hint in enumerate(hints):
        if words == hint:
            return number
    for number, hint in enumerate(hints):
        if f" {words} ".find(f" {hint} ") >= 0:
            return len(hints) + number
    return None


def _fits(role: str, profile: Profile, rows: int) -> bool:
    match role:
        case "time":
            return 0 < profile.filled == profile.times and profile.numbers < profile.filled
        case "score" if INPUT_SCORE.search(profile.words):
            return False
        case "score" | "sequence" | "wait_hours":
            return 0 < profile.filled == profile.numbers and profile.distinct > 2
        case "customer" | "id":
            return profile.distinct > rows / 20
        case "cluster":
            return 1 < profile.distinct < rows
        case "decision" | "action" | "outcome":
            return 1 <= profile.distinct <= 12
        case _:
            return profile.filled > 0


def _class(profile: Profile) -> Literal["protected", "proxy", "segment"] | None:
    words = _of_people(profile.words)
    if profile.distinct < 2 or len(profile.name) > MOST_LETTERS:
        return None
    if _names(words, PROTECTED):
        return "protected"
    if _ends_with(words, PROXY):
        return "proxy"
    return "segment" if _ends_with(words, SEGMENT) else None


def _few(profile: Profile) -> bool:
    """Whether the values can be groups as they stand; of numbers and dates, fewer than of words."""
    counted = profile.filled in (profile.numbers, profile.times)
    return profile.distinct <= (MOST_NUMBERS if counted else MOST_GROUPS)


def looks_protected(column: str) -> bool:
    """Whether a column's name suggests a protected attribute or a proxy of one."""
    words = _of_people(words_of(column))
    return _names(words, PROTECTED) or _ends_with(words, PROXY)


def _of_people(words: str) -> str:
    """`words` without the age or state of a thing, such as *account age*."""
    return re.sub(rf"\b({THINGS}) (age|state)\b", "", words)


def _names(words: str, known: tuple[str, ...]) -> bool:
    return any(f" {name} " in f" {words} " for name in known)


def _ends_with(words: str, known: tuple[str, ...]) -> bool:
    return any(f" {words}".endswith(f" {name}") for name in known)


def _identifier(name: str, taken: Container[str]) -> str:
    """The name as the dossier's key: small letters, unique."""
    base = re.sub(r"^[^a-z]+", "", words_of(name).replace(" ", "_"))[:50] or "attribute"
    return next(c for c in chain([base], (f"{base}_{n}" for n in count(2))) if c not in taken)


def _choices(profiles: list[Profile], column: str | None) -> tuple[str, ...]:
    """The values of `column` to choose from; none where they are yes and no."""
    values = next((p.values for p in profiles if p.name == column), ())
    return () if {v.lower() for v in values} <= {*TRUE, *FALSE} else values
