"""What a database does not answer: a step that needs its rows, or a count that its engine lacks."""

from __future__ import annotations

from importlib import import_module

from ethics_kit.measures.engines import NotCounted, RowsRefused
from ethics_kit.record import Finding
from ethics_kit.stages.case import Case, Outcome, Step
from ethics_kit.stages.evidence import not_assessed


def outcome(step: Step, case: Case) -> Outcome:
    """What a step of the case's stage finds; *not assessed* where a database keeps to itself what the step needs."""
    try:
        return step(case)
    except (RowsRefused, NotCounted) as error:
        requirements = import_module(f"ethics_kit.stages.{case.stage}").STEPS[step]
        return Outcome(tuple(finding(case, requirement, step.__name__, error) for requirement in requirements))


def finding(case: Case, requirement: str, name: str, error: RowsRefused | NotCounted) -> Finding:
    """What stays unknown, and what would tell it."""
    database = case.dossier.database
    if isinstance(error, RowsRefused):
        tables = " and ".join(error.tables)
        awaits = f"rows of {tables}, which stay in the database {database}"
        if error.columns:
            awaits += f" (too few people share the values of {' and '.join(error.columns)} for them to be told)"
        action = f"Say in rows_may_leave of {tables} why rows may be read, who says so and since when; or give files."
    else:
        awaits = f"a count that the database {database} cannot do ({error})"
        action = "Give the tables as files, or in another database."
    return not_assessed(requirement, name, awaits).model_copy(update={"action": action})
