"""Stage 4 on small projects: reviews over time, and teams that may be persons."""

import csv
from datetime import date, timedelta

import pytest

from ethics_kit import dossier as dossiers
from ethics_kit.project import Project
from ethics_kit.stages.case import Case
from ethics_kit.stages.deployment_signoff import oversight_over_time
from tests.stages.test_checkpoints import REVIEWS


def assess(project, rows):
    """What the step finds in reviews of (day of 2026, team, seconds, overridden, right), each of its own decision."""
    root = project(system={"tables": {"human_reviews": REVIEWS}})
    with (root / "parameters/demo/data/human_reviews.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["decision", "reviewed_at", "team", "seconds", "overridden", "right"])
        for number, (day, *rest) in enumerate(rows):
            writer.writerow([f"d{number:04d}", date(2026, 1, 1) + timedelta(days=day), *rest])
    dossier = dossiers.load(Project(root), root / "parameters/demo", tables=False)
    case = Case(dossier, "deployment_signoff", date(2026, 11, 1), root)
    outcome = oversight_over_time(case)
    return {f.id.removeprefix("P4.4."): f for f in outcome.findings}, {t.id: t for t in outcome.tables}, outcome.figures


def reviews(team, months, *, each=60, more=0):
    """`each` reviews a month from February on; those of two seconds grow by `more` a month, one in ten is wrong."""
    for month in range(months):
        for i in range(each):
            seconds = 2 if i < more * month else 60 + i % 3
            wrong = i % 10 == 0
            yield 35 + 30 * month, team, seconds, "yes" if wrong else "no", "no" if wrong else "yes"


def test_a_steady_team_is_met_and_one_that_gets_faster_is_not(project):
    rows = [*reviews("steady", 6), *reviews("hasty", 6, more=10)]
    findings, tables, drawn = assess(project, rows)
    found = findings["reviews_too_fast_over_time"]
    assert found.status == "not_met"
    assert "In the team hasty" in found.statement
    assert found.interval.low < found.value < found.interval.high
    assert found.value == pytest.approx(0.5, abs=0.02)  # a sixth of all, three months a quarter
    assert findings["overridden_when_right_over_time"].status == "met"
    told = {(row[0], row[1]): row[-1] for row in tables["P4.4.trends"].rows}
    assert told["reviews too fast", "steady"] == "met"
    assert len(tables["P4.4.reviews_over_time"].rows) == 12
    assert "hasty (reviews too fast, 83%, limit 10%)" in drawn[0].caption


def test_two_months_or_a_handful_settle_nothing_and_say_what_would(project):
    findings, _, _ = assess(project, reviews("new", 2))
    assert findings["reviews_too_fast_over_time"].status == "inconclusive"
    assert "reviews in 3 months or more are needed" in findings["reviews_too_fast_over_time"].statement
    findings, _, _ = assess(project, reviews("few", 6, each=10))
    assert findings["accepted_when_wrong_over_time"].status == "inconclusive"


def test_a_missing_column_is_not_a_good_course(project):
    columns = REVIEWS["columns"] | {"seconds": ...}
    root = project(system={"tables": {"human_reviews": REVIEWS | {"columns": columns}}})
    path = root / "parameters/demo/data/human_reviews.csv"
    path.write_text("decision,reviewed_at,team,overridden,right\nd0001,2026-03-01,desk,no,yes\n")
    dossier = dossiers.load(Project(root), root / "parameters/demo", tables=False)
    case = Case(dossier, "deployment_signoff", date(2026, 11, 1), root)
    findings = {f.id: f for f in oversight_over_time(case).findings}
    assert findings["P4.4.seconds_over_time"].status == "not_assessed"
    assert "P4.4.reviews_too_fast_over_time" not in findings


def test_small_quarters_take_the_place_of_small_months(project):
    _, tables, _ = assess(project, reviews("desk", 6, each=20))
    assert [row[1] for row in tables["P4.4.reviews_over_time"].rows] == ["2026-01", "2026-04", "2026-07"]


@pytest.mark.parametrize(
    ("team", "told"),
    [
        (lambda i: f"jane.roe{i % 2}@example.org", "2 of its 2 values are addresses"),
        (lambda i: f"Jane Roe {i}", "look like persons"),
    ],
    ids=["addresses", "one per review"],
)
def test_values_that_look_like_persons_are_not_shown(project, team, told):
    rows = [(40 + i, team(i), 60 + i % 3, "no", "yes") for i in range(150)]
    findings, tables, drawn = assess(project, rows)
    assert findings["by_team"].status == "not_assessed"
    assert told in findings["by_team"].statement
    everything = repr((findings, tables, drawn)).lower()
    assert "jane" not in everything
    assert [row[0] for row in tables["P4.4.reviews"].rows] == ["(no team named)"]


def test_small_teams_are_gathered_without_their_names(project):
    rows = [
        *reviews("desk", 6),
        *((60, name, 60, "no", "yes") for name in ("Jane Roe", "Max Muster") for _ in range(6)),
    ]
    findings, tables, drawn = assess(project, rows)
    assert "Jane" not in repr((findings, tables, drawn))
    assert {row[0] for row in tables["P4.4.reviews"].rows} == {"desk", "(teams with fewer than 10 reviews)"}


def test_a_rise_that_chance_explains_is_not_held_against_a_team(project):
    rows = [
        (35 + 30 * month, "desk", 2 if i < fast else 60 + i % 3, "no", "yes")
        for month, fast in enumerate([0, 1, 1, 2, 1, 2])
        for i in range(6)
    ]
    found = assess(project, rows)[0]["reviews_too_fast_over_time"]
    assert found.value > found.threshold
    assert found.interval.low < 0
    assert found.status == "inconclusive"
    assert "more months of reviews would" in found.statement
