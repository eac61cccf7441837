"""What check says of audits, actions and courses that cannot be as they are written."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ethics_kit import dossier
from ethics_kit.errors import InputError
from ethics_kit.project import Project

Make = Callable[..., Path]

AUDIT = {
    "auditor": "Calder & Voss",
    "scope": {"demo": ["m-1"]},
    "on": date(2026, 3, 1),
    "expires": date(2027, 3, 1),
    "evidence": "https://audits.example/7",
    "by": "Ann Lee",
}


def problems(root: Path) -> dict[str, str]:
    """What is found, by key, of a dossier that does not load."""
    with pytest.raises(InputError) as raised:
        dossier.load(Project(root), root / "parameters/demo")
    assert all(p.line and p.todo for p in raised.value.problems)
    return {p.key: p.found for p in raised.value.problems}


@pytest.mark.parametrize(
    ("change", "key", "found"),
    [
        ({"expires": date(2026, 2, 28)}, "audits.0.expires", "2026-02-28, before the report of 2026-03-01"),
        ({"evidence": "gone.md"}, "audits.0.evidence", "no file gone.md"),
        ({"evidence": "../../../../etc/passwd"}, "audits.0.evidence", '"../../../../etc/passwd"'),
        ({"scope": {"other": ["m-1"]}}, "audits.0.scope", "an audit of other"),
        (
            {"open_points": [{"point": "P", "owner": "O", "due": date(2026, 5, 1), "closed": date(2026, 2, 1)}]},
            "audits.0.open_points.0.closed",
            "2026-02-01, before the report of 2026-03-01",
        ),
    ],
)
def test_an_audit_that_cannot_be_is_told(project: Make, change: dict[str, Any], key: str, found: str) -> None:
    assert problems(project(deployment_signoff={"audits": [AUDIT | change]})) == {key: found}


def test_an_audit_in_organisation_yaml_may_be_of_other_systems_but_has_its_report(project: Make) -> None:
    other = AUDIT | {"scope": {"other": ["m-1"]}, "evidence": "gone.md"}
    assert problems(project(organisation={"audits": [other]})) == {"audits.0.evidence": "no file gone.md"}


def test_all_problems_are_told_at_once(project: Make) -> None:
    action = {"finding": "G3", "action": "Do it.", "owner": "O", "opened": date(2026, 5, 2)}
    wrong = [action | {"due": date(2026, 5, 1)}, action | {"due": date(2026, 6, 1), "closed": date(2026, 5, 1)}]
    root = project(
        deployment_signoff={"audits": [AUDIT | {"expires": date(2026, 2, 1)}]},
        bias_testing={"actions": wrong},
        organisation={"training_required": {"agent": ["basics"]}},
    )
    assert problems(root) == {
        "audits.0.expires": "2026-02-01, before the report of 2026-03-01",
        "actions.0.due": "2026-05-01, before opened (2026-05-02)",
        "actions.1.closed": "2026-05-01, before opened (2026-05-02)",
        "tables.training.columns": "no column for course, while organisation.yaml says which courses are asked for",
    }


def test_what_is_right_loads(project: Make) -> None:
    root = project(organisation={"audits": [AUDIT]}, deployment_signoff={"audits": [AUDIT]})
    loaded = dossier.load(Project(root), root / "parameters/demo")
    assert loaded.organisation.audits[0].auditor == "Calder & Voss"


@pytest.mark.parametrize("key", ["auditor", "scope", "on", "expires", "evidence", "by"])
def test_an_audit_without_what_makes_it_one_is_refused(project: Make, key: str) -> None:
    broken = {k: v for k, v in AUDIT.items() if k != key}
    assert set(problems(project(deployment_signoff={"audits": [broken]}))) == {f"audits.0.{key}"}
