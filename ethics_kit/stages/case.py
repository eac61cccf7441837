"""What a stage assesses: one dossier as of one day, with the level and the records it rests on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ethics_kit import duties, past, schema
from ethics_kit.dossier import Dossier, Given
from ethics_kit.framework import catalogue
from ethics_kit.framework.catalogue import LEVELS, Question
from ethics_kit.measures.disclosure import withheld
from ethics_kit.record import Duty, Finding, LevelResult, Obligations, Record, Table, Upstream
from ethics_kit.stages import levels

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from ethics_kit.report.figures import Figure


@dataclass(frozen=True)
class Outcome:
    """What one step of a stage found: findings, the tables behind them, and figures to look at."""

    findings: tuple[Finding, ...] = ()
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()


Step = Callable[["Case"], Outcome]
"""One named function of a stage. Its module's STEPS says which requirements it evidences."""


@dataclass(frozen=True)
class TableUse:
    """How much of a table counted, and the days its rows span."""

    rows: int
    rows_after_as_of: int
    first_day: date | None = None
    last_day: date | None = None

    @property
    def counted(self) -> int:
        """The rows up to and including the as-of date."""
        return self.rows - self.rows_after_as_of


@dataclass(eq=False)
class Case:
    """One system, one stage, one day. Steps of the stage are functions of a case."""

    dossier: Dossier
    stage: str
    as_of: date
    reports: Path
    tables_used: dict[str, TableUse] = field(default_factory=dict)
    documents: dict[str, Path] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    taken: dict[str, Outcome] = field(default_factory=dict)
    """What the notebook's steps and sections found so far, by name, for steps that need the findings of others."""
    histories: dict[str, past.History] = field(default_factory=dict)
    """The earlier records that were read, by stage; each is an input of the record."""

    def __post_init__(self) -> None:
        if self.dossier.database:
            allowed = ((n, t.spec.rows_may_leave) for n, t in self.dossier.located_tables.items())
            self.dossier.tables.let_rows_leave(n for n, said in allowed if said and said.on <= self.as_of)

    @property
    def end(self) -> datetime:
        """The first moment after `as_of`."""
        return datetime.combine(self.as_of + timedelta(days=1), datetime.min.time())

    # --- earlier records ---------------------------------------------------------------------------------------

    @cached_property
    def _upstream(self) -> list[tuple[Upstream, Record | None]]:
        return [
            past.upstream(
                self.reports,
                stage,
                system=self.dossier.id,
                kind=self.dossier.system.kind,
                version=self.dossier.system.model.label,
                as_of=self.as_of,
                max_age_days=self.dossier.policy.records.upstream_max_age_days.value,
                use=use,
            )
            for stage, use in duties.rests_on(self.stage)
        ]

    @property
    def upstream(self) -> list[Upstream]:
        return [entry for entry, _ in self._upstream]

    def earlier(self, stage: str) -> Record | None:
        """The record of an earlier stage, where it is there and can be trusted."""
        return next((r for u, r in self._upstream if u.stage == stage), None)

    def history(self, stage: str) -> past.History:
        """The records of a stage with an earlier as-of date, of whatever version of the model."""
        if stage not in self.histories:
            self.histories[stage] = past.history(self.reports, self.dossier.id, stage, before=self.as_of)
        return self.histories[stage]

    @cached_property
    def last(self) -> past.History:
        """The last earlier record of this stage, which its own record is compared with; none for a first one."""
        return past.last(self.reports, self.dossier.id, self.stage, before=self.as_of)

    def series(self, stage: str) -> list[Record]:
        """The earlier records of a stage and the one this stage rests on, oldest first."""
        current, before = self.earlier(stage), self.history(stage).records
        return [*before, *([current] if current and current.record_id not in {r.record_id for r in before} else [])]

    @cached_property
    def level(self) -> LevelResult:
        """The impact level: computed in the impact analysis, read from its record afterwards."""
        if self.stage == "impact_analysis":
            return levels.score(self.points_answered)
        record = self.earlier("impact_analysis")
        return record.level if record else duties.UNKNOWN

    @cached_property
    def obligations(self) -> Obligations:
        """What level and kind require of this stage; conditions come with the level, from the impact analysis."""
        record = self.earlier("impact_analysis")
        if self.stage == "impact_analysis":
            conditions = levels.conditions(self.points_answered)
        elif record:
            conditions = dict(record.obligations.conditions)
        else:
            conditions = dict.fromkeys(catalogue.conditions(), "unanswered")
        kind, level = self.dossier.system.kind, self.level.holds
        return Obligations(
            level=level,
            kind=kind,
            conditions=conditions,
            policy_approved=self.dossier.policy.approved(self.as_of),
            preliminary=self.dossier.system.preliminary,
            duties=duties.duties(self.stage, kind=kind, level=level, conditions=conditions),
        )

    def duty(self, requirement: str) -> Duty:
        return next(d for d in self.obligations.duties if d.requirement == requirement)

    # --- answers -----------------------------------------------------------------------------------------------

    @cached_property
    def given(self) -> dict[str, Given]:
        """The answers that count for this stage."""
        return self.dossier.answers(self.stage)

    def doubt(self, question: Question) -> str | None:
        """Why an answer does not count yet, or None where it does: given, signed, in time, not stale, evidenced."""
        given = self.given.get(question.id)
        if given is None or not given.answer.given:
            return "not asked yet" if self.dossier.system.preliminary and not question.quick else "not answered"
        answer = given.answer
        if question.type == "text" and schema.placeholder(str(answer.value)):
            return "answered with a placeholder"
        if not (answer.by and answer.role and answer.on):
            return "answered, but without the name, role and date of who answered"
        if answer.on > self.as_of:
            return f"answered on {answer.on}, after {self.as_of}"
        if months_between(answer.on, self.as_of) >= self.dossier.policy.records.answers_max_age_months.value:
            return f"answered on {answer.on}, longer ago than the policy allows"
        if question.evidence == "required" and not answer.evidence:
            return "answered, but without the evidence it needs"
        return None

    def answer(self, question: Question) -> str | None:
        """The answer as text where it counts, else None."""
        return None if self.doubt(question) else str(self.given[question.id].answer.value)

    def shown(self, question: Question) -> bool | None:
        """Whether a question is asked of this system; None where that hangs on an open answer."""
        if self.dossier.system.kind not in question.kinds or not self._asked_at_level(question):
            return False
        if question.shown_when is None:
            return True
        parent = catalogue.questions(self.stage)[question.shown_when.question]
        parent_shown = self.shown(parent)
        if parent_shown is False:
            return False
        value = self.answer(parent)
        if value is None:
            return None
        return parent_shown if value in question.shown_when.is_ else False

    def skipped(self, question: Question) -> str | None:
        """Why a question is not asked of this system, in words, or None where it is."""
        if self.shown(question) is not False:
            return None
        if self.dossier.system.kind not in question.kinds:
            return f"asked of {' and '.join(question.kinds)} systems"
        if not self._asked_at_level(question):
            return f"asked from level {question.from_level}"
        return "does not arise from the answers given"

    def _asked_at_level(self, question: Question) -> bool:
        """The impact analysis finds the level, so it asks all; later stages ask what the level that holds requires."""
        found = self.stage != "impact_analysis"
        return not found or LEVELS.index(self.level.holds) >= LEVELS.index(question.from_level)

    @property
    def points_answered(self) -> list[levels.Scored]:
        """Every question of this stage with what is known of it, for scoring."""
        return [
            levels.Scored(question, self.shown(question), self.answer(question))
            for question in catalogue.questions(self.stage).values()
        ]

    # --- tables ------------------------------------------------------------------------------------------------

    @property
    def not_kept(self) -> list[str]:
        """The tables and results that by `as_of` a person said do not exist."""
        return [name for name, why in self.dossier.system.not_kept.items() if why.on <= self.as_of]

    def has(self, table: str, *roles: str) -> bool:
        """Whether the dossier names the table, with these roles; the system's events have to be recent, too."""
        located = self.dossier.located_tables.get(table)
        return located is not None and set(roles) <= self._roles(table) and not self._stale(table)

    def _stale(self, table: str) -> bool:
        """Whether the newest of the system's events is older than the policy allows."""
        if table != self.dossier.system.events:
            return False
        newest = self.use(table).last_day
        limit = timedelta(days=self.dossier.policy.records.data_max_age_days.value)
        return newest is None or newest < self.as_of - limit

    def _roles(self, table: str) -> set[str]:
        source = self.dossier.tables.sources[table]
        return {*source.columns, *source.dated}

    def lacking(self, table: str, *roles: str) -> str:
        """What to supply, in words, where `has` is false."""
        located = self.dossier.located_tables.get(table)
        if located is None:
            return f"the table {table}"
        if set(roles) <= self._roles(table):
            days = self.dossier.policy.records.data_max_age_days.value
            newest = self.tables_used[table].last_day or "none"
            return f"{table} of the last {days} days before {self.as_of} (the newest: {newest})"
        return f"in the table {table} the column for " + ", ".join(r for r in roles if r not in self._roles(table))

    def time_role(self, table: str) -> str | None:
        """The column that dates a row: the table's first required time."""
        roles = catalogue.tables()[table].roles
        return next((name for name, role in roles.items() if role.type == "time" and role.required), None)

    def table(self, name: str) -> ir.Table:
        """A table by roles, up to and including `as_of`. What lies after is left out and counted."""
        whole = self.dossier.tables.table(name)
        role = self.time_role(name)
        self.use(name)
        return whole.filter(whole[role] < self.end) if role else whole

    def columns(self, name: str) -> tuple[str, ...]:
        """Every column name of a table's file; the record names the file, as for any that was looked into."""
        self.use(name)
        return self.dossier.tables.columns(name)

    def use(self, name: str) -> TableUse:
        """How much of a table counts, and when; the record names its file, as for any that was looked into."""
        from ethics_kit.measures.tables import CROSSWALK

        if name not in self.tables_used:
            self.tables_used[name] = self._counted(name)
            if "customer" in self._roles(name) and CROSSWALK in self.dossier.located_tables:
                self.use(CROSSWALK)  # it says which ids stand for one customer
        return self.tables_used[name]

    def _counted(self, name: str) -> TableUse:
        role = self.time_role(name)
        whole = self.dossier.tables.unkept(name, *([role] if role else []))
        wanted = {"rows": whole.count()}
        if role:
            day, kept = whole[role].truncate("D"), whole[role] < self.end
            wanted |= {"kept": kept.sum(), "first": day.min(where=kept), "last": day.max(where=kept)}
        seen = whole.aggregate(**wanted).to_pyarrow().to_pylist()[0]
        if role is None:
            return TableUse(seen["rows"], 0)
        first, last = (moment.date() if moment else None for moment in (seen["first"], seen["last"]))
        return TableUse(seen["rows"], seen["rows"] - (seen["kept"] or 0), first, last)


def months_between(start: date, end: date) -> int:
    """Whole months from `start` to `end`."""
    return (end.year - start.year) * 12 + end.month - start.month - (end.day < start.day)


Row = list[Any]


def hide_small(
    rows: Sequence[Sequence[Any]], *, n_column: int, counts: Sequence[int], small: int
) -> tuple[list[Row], int]:
    """`rows` with the counts and rates of every row under `small` withheld, and how many rows that was.

    What would follow from the others by subtraction is withheld with them.
    """
    hidden = withheld([row[n_column] or 0 for row in rows], small)
    return _without(rows, hidden, {n_column, *counts}), len(hidden)


def hide_alike(
    blocks: Sequence[Sequence[Sequence[Any]]], *, key: int, n_column: int, counts: Sequence[int], small: int
) -> tuple[list[list[Row]], int]:
    """As `hide_small` for several blocks of rows about the same groups (column `key`).

    A group that is withheld in one block is withheld in all: the selected who were right and those who were wrong add
    up to all the selected, so that what one block withholds would follow from two others.
    """
    names = {block[place][key] for block in blocks for place in withheld([row[n_column] or 0 for row in block], small)}
    shown, columns, hidden = [], {n_column, *counts}, 0
    for block in blocks:
        places = {place for place, row in enumerate(block) if row[key] in names}
        shown.append(_without(block, places, columns))
        hidden += len(places)
    return shown, hidden


def _without(rows: Sequence[Sequence[Any]], hidden: set[int], columns: set[int]) -> list[Row]:
    return [[None if r in hidden and i in columns else v for i, v in enumerate(row)] for r, row in enumerate(rows)]
