"""P3.2 from flags without history, on small projects: bounds, never a pass."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ethics_kit import dossier as dossiers
from ethics_kit.project import Project
from ethics_kit.record import Finding
from ethics_kit.stages import events
from ethics_kit.stages.case import Case
from ethics_kit.stages.design_review.current_consent import current_consent

TABLE = {
    "source": "data/flags.csv",
    "columns": {"customer": "Id", "consented": "Opted_In"},
    "dated": date(2026, 10, 31),
}


@pytest.fixture
def told(project: Callable[..., Path]) -> Callable[..., Finding]:
    """The finding on the project's 400 events of 200 customers, two each, from flags written as a CSV."""

    def assess(content: str, **spec: Any) -> Finding:
        columns = TABLE["columns"] | spec.pop("columns", {})
        root = project(system={"tables": {"consents": ..., "current_consents": TABLE | spec | {"columns": columns}}})
        (root / "parameters/demo/data/flags.csv").write_text(content, encoding="utf-8")
        case = Case(
            dossiers.load(Project(root), root / "parameters/demo"), "design_review", date(2026, 11, 1), root / "reports"
        )
        decided = events.with_purpose(case)
        assert decided is not None
        return current_consent(case, decided).findings[0]

    return assess


def flags(*answers: tuple[str, int]) -> str:
    """A flag for each of so many customers, in order."""
    given = [answer for answer, many in answers for _ in range(many)]
    return "Id,Opted_In\n" + "".join(f"c{i:03d},{answer}\n" for i, answer in enumerate(given))


def test_flags_that_all_say_yes_are_inconclusive(told: Callable[..., Finding]) -> None:
    found = told(flags(("yes", 200)))
    assert (found.status, found.value, found.n) == ("inconclusive", None, 400)
    assert found.statement.startswith(
        "Between 0 and 400 of 400 events had no consent in force: the flags of 2026-10-31"
    )
    assert found.statement.endswith("A flag of today cannot show the state at the moment of an earlier event.")
    assert found.action == (
        "Supply the table consents, with when each consent was given and withdrawn, and keep it from now on."
    )


def test_flags_that_say_no_may_have_said_yes(told: Callable[..., Finding]) -> None:
    found = told(flags(("yes", 150), ("no", 50)))
    assert found.status == "inconclusive"
    assert "yes for 300 of them, no for 100 and nothing for 0" in found.statement


def test_customers_without_a_flag_have_no_consent(told: Callable[..., Finding]) -> None:
    found = told(flags(("yes", 199)))
    assert found.status == "not_met"
    assert found.statement.startswith("Between 2 and 400 of 400 events")


def test_a_yes_since_before_the_first_event_is_no_pass_either(told: Callable[..., Finding]) -> None:
    lines = "".join(f"c{i:03d},yes,2026-01-05\n" for i in range(200))
    found = told("Id,Opted_In,Since\n" + lines, columns={"changed": "Since"})
    assert found.statement.startswith("Between 0 and 0 of 400 events")
    assert found.status == "inconclusive"


def test_flags_read_after_the_as_of_date_do_not_count(told: Callable[..., Finding]) -> None:
    found = told(flags(("yes", 200)), dated=date(2026, 11, 2))
    assert (found.status, found.null_reason) == ("not_assessed", "awaits current_consents of a day up to 2026-11-01")
