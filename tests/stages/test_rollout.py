"""S4.1 on small projects: what each step allows, what a level asks of the steps, and what is waited for."""

import csv
from datetime import date, timedelta

import pytest

from ethics_kit import dossier as dossiers
from ethics_kit.errors import InputError
from ethics_kit.measures.sequential import boundaries
from ethics_kit.project import Project
from ethics_kit.record import LevelResult
from ethics_kit.stages.case import Case
from ethics_kit.stages.deployment_signoff import rollout_guardrails

FIRST = date(2026, 6, 1)
COUNTS = ("exposed", "harmed", "control", "control_harmed")
QUIET = [[500, 20, 500, 21], [2500, 101, 2500, 99], [20000, 790, 2500, 100]]
HALF = [[250, 10, 250, 10], [1250, 50, 1250, 50], [10000, 395, 1250, 50]]
SHOWN = [[500, 20, 500, 21], [2500, 300, 2500, 99], [20000, 2400, 2500, 100]]
RAIL = {"metric": "complaint", "margin": 0.02, "why": "Two in a hundred is what the desk can take."}


def day(step):
    return FIRST + timedelta(days=28 * (step - 1))


def plan(*, sizes=QUIET, **more):
    steps = [{"step": i, "starts": day(i), "exposed": s[0], "control": s[2]} for i, s in enumerate(sizes, start=1)]
    said = {"by": "Ann Lee", "on": date(2026, 5, 20), "method": "obrien_fleming"}
    return said | {"guardrails": [RAIL], "steps": steps} | more


def rows(counts=QUIET, group=None, metric=None):
    return [
        {"step": i, "start": day(i), "metric": metric or "", "group": group or "", **dict(zip(COUNTS, c, strict=False))}
        for i, c in enumerate(counts, start=1)
    ]


@pytest.fixture
def written(project):
    """A project with a table of steps and a plan."""

    def written(table, plan=None, *, left_out=()):
        columns = [c for c in ("step", "start", "metric", "group", *COUNTS) if c not in left_out]
        located = {"rollout_steps": {"source": "data/steps.csv", "columns": {c: c for c in columns}}}
        root = project(system={"tables": located}, deployment_signoff={"rollout": plan} if plan else {})
        with (root / "parameters/demo/data/steps.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, columns, extrasaction="ignore", restval="")
            writer.writeheader()
            writer.writerows(table)
        return root

    return written


@pytest.fixture
def assess(written):
    """The findings by the end of their id, and the tables."""

    def assess(table, plan=None, *, level="III", left_out=(), as_of=date(2026, 11, 1)):
        root = written(table, plan, left_out=left_out)
        dossier = dossiers.load(Project(root), root / "parameters/demo")
        case = Case(dossier, "deployment_signoff", as_of, root / "reports")
        case.level = LevelResult(value=level, holds=level, best=level, worst=level)
        outcome = rollout_guardrails(case)
        return {f.id.removeprefix("S4.1."): f for f in outcome.findings}, {t.id: t.rows for t in outcome.tables}

    return assess


def statuses(found):
    return {name: f.status for name, f in found.items()}


WITH_GROUPS = [*rows(), *rows(HALF, "female"), *rows(HALF, "male")]


def test_a_planned_rollout_without_harm_meets_all_that_level_three_asks_for(assess):
    found, tables = assess(WITH_GROUPS, plan(groups=["female", "male"]))
    assert statuses(found) == dict.fromkeys(
        ("staged", "planned", "went_on", "complaint.harm", "complaint.groups"), "met"
    )
    harm = found["complaint.harm"]
    assert (harm.threshold, harm.n, harm.interval.level) == (0.02, 28500, pytest.approx(1 - 2 * 0.05 / 3))
    assert harm.interval.low < harm.value < harm.interval.high < 0.02
    assert [row[-1].split(":")[0] for row in tables["S4.1.steps"]] == ["proceed"] * 3
    assert [row[1] for row in tables["S4.1.groups"]] == ["female", "male"]


def test_boundaries_are_spent_by_the_plans_numbers_and_joined_by_what_was_counted(assess):
    half = [[250, 10, 250, 10], [2500, 101, 2500, 99]]
    _, tables = assess(rows(half), plan(sizes=QUIET[:2]), level="II")
    fractions, information = [250 / 1500, 1.0], [125, 125 + 1250]
    wanted = boundaries(fractions, alpha=0.05, spending="obrien_fleming", information=information)
    assert [row[-2] for row in tables["S4.1.steps"]] == pytest.approx(wanted, abs=1e-3)


def test_harm_that_crosses_the_boundary_is_rolled_back_and_the_step_after_it_is_a_finding(assess):
    found, _ = assess(rows(SHOWN), plan(), level="II")
    assert statuses(found) == {"staged": "met", "went_on": "not_met", "complaint.harm": "not_met"}
    assert "Step 3, complaint, all customers: roll back" in found["complaint.harm"].statement
    assert found["went_on"].statement == "Step 3 began although step 2 said roll back."


def test_taking_the_system_back_after_a_roll_back_is_no_step_against_it(assess):
    found, _ = assess(rows([*SHOWN[:2], [500, 20, 500, 21]]), plan(), level="II")
    assert found["went_on"].status == "met"
    assert found["complaint.harm"].status == "not_met"


def test_harm_in_one_group_stops_a_rollout_that_looks_well_over_all(assess):
    hurt = [[36, 1, 36, 1], [180, 6, 180, 6], [900, 130, 180, 6]]
    found, _ = assess([*rows(), *rows(hurt, "es"), *rows(HALF, "en")], plan(groups=["en", "es"]))
    assert found["complaint.harm"].status == "met"
    assert found["complaint.groups"].status == "not_met"
    assert "es (of 2 groups the one that stops soonest): roll back" in found["complaint.groups"].statement


def test_fewer_customers_than_planned_hold_the_step(assess):
    found, _ = assess(rows([QUIET[0], [1000, 40, 1000, 40]]), plan(), level="II")
    harm = found["complaint.harm"]
    assert (harm.status, harm.action) == (
        "inconclusive",
        "Expose no more customers until the step can be decided, and look again.",
    )
    assert "hold: too few customers so far" in harm.statement
    assert "exposed and as many in the control group over all steps would be enough" in harm.statement


def test_a_first_step_may_proceed_and_the_last_has_to_rule_the_margin_out(assess):
    first, _ = assess(rows(QUIET[:1]), plan(), level="II")
    assert "proceed: enough customers for this step" in first["complaint.harm"].statement
    last, _ = assess(rows(QUIET[:1]), plan(sizes=QUIET[:1], guardrails=[RAIL | {"margin": 0.01}]), level="I")
    assert last["complaint.harm"].status == "inconclusive"
    assert "hold: harm beyond the margin is not ruled out" in last["complaint.harm"].statement


def test_harm_that_one_look_alone_would_show_holds_the_next_step(assess):
    found, _ = assess(rows([[500, 40, 500, 20], QUIET[1]]), plan(), level="II")
    assert found["went_on"].statement == "Step 2 began although step 1 said hold."
    assert found["went_on"].status == "not_met"


def test_steps_beyond_the_plan_have_nothing_left_to_spend(assess):
    found, tables = assess(rows([*QUIET, [40000, 1580, 2500, 100]]), plan())
    assert (found["planned"].status, found["planned"].value) == ("not_met", 1)
    assert tables["S4.1.steps"][-1][-2] is None
    assert found["complaint.harm"].status == "inconclusive"


def test_a_plan_made_after_the_first_step_does_not_count(assess):
    late = plan(on=date(2026, 6, 1), guardrails=[RAIL | {"margin": 0.5}])
    found, _ = assess(WITH_GROUPS, late)
    assert found["planned"].status == "not_met"
    assert "fixed after the fact" in found["planned"].statement
    assert found["complaint.harm"].threshold == 0.02  # the policy's
    assert found["complaint.harm"].method.startswith("normal-mixture confidence sequence")


@pytest.mark.parametrize("change", [{"on": date(2026, 12, 1)}, {"steps": []}, {"guardrails": []}])
def test_a_plan_that_is_not_there_yet_or_says_nothing_is_waited_for(assess, change):
    found, _ = assess(WITH_GROUPS, plan(**change))
    assert found["planned"].status == "not_assessed"


def test_without_a_plan_nobody_agreed_when_the_next_step_might_begin(assess):
    found, _ = assess(rows(), level="II")
    assert statuses(found) == {"staged": "met", "went_on": "not_assessed", "guardrail_event.harm": "met"}
    found, _ = assess(rows(SHOWN), level="II")
    assert found["went_on"].status == "not_met"


def test_level_one_may_go_live_at_once_and_level_two_may_not(assess):
    at_once = rows([[20000, 790, 20000, 800]])
    for level, status in (("I", "met"), ("II", "not_met")):
        found, _ = assess(at_once, level=level)
        assert found["staged"].status == status


def test_the_committee_decides_between_steps_at_level_four(assess):
    decided = plan(groups=["female", "male"])
    for step, days in zip(decided["steps"][1:], (-2, -3), strict=True):
        on = step["starts"] + timedelta(days=days)
        step |= {"decided_by": "ethics committee", "decided_on": on, "minute": "https://demo.example/minutes"}
    found, _ = assess(WITH_GROUPS, decided, level="IV")
    assert found["committee"].status == "met"
    decided["steps"][2]["decided_on"] = day(3) + timedelta(days=1)
    found, _ = assess(WITH_GROUPS, decided, level="IV")
    assert found["committee"].status == "not_met"
    assert "Not between the steps: step 3." in found["committee"].statement
    decided["steps"][2]["decided_on"] = day(2)
    found, _ = assess(WITH_GROUPS, decided, level="IV")
    assert found["committee"].status == "not_met"
    found, _ = assess(WITH_GROUPS, plan(groups=["female", "male"]), level="IV")
    assert found["committee"].null_reason == "awaits who decided on step 2, 3, when, and the minute (rollout.steps)"


def test_from_level_three_harm_by_group_is_waited_for(assess):
    found, _ = assess(rows(), plan())
    assert found["groups"].status == "not_assessed"
    found, _ = assess(WITH_GROUPS, plan(groups=["female", "male", "nonbinary"]))
    assert found["complaint.groups"].status == "not_assessed"
    assert "complaint, nonbinary, step 3" in found["complaint.groups"].statement


def test_without_a_control_group_the_rate_agreed_beforehand_counts_and_no_other(assess):
    alone = [row | {"control": "", "control_harmed": ""} for row in rows()]
    found, _ = assess(alone, plan(), level="II")
    assert found["complaint.harm"].status == "not_assessed"
    assert "a control group for complaint, or a baseline agreed in the plan" in found["complaint.harm"].statement
    assert found["went_on"].statement == (
        "Step 2 began although step 1 could not be compared; step 3 began although step 2 could not be compared."
    )
    agreed = plan(guardrails=[RAIL | {"baseline": 0.04}])
    found, _ = assess(alone, agreed, level="II", left_out=("control", "control_harmed"))
    assert found["complaint.harm"].status == "met"
    assert "against the agreed rate of 4.00%" in found["complaint.harm"].statement
    found, _ = assess(alone, agreed | {"on": date(2026, 6, 2)}, level="II")
    assert found["complaint.harm"].status == "not_assessed"


def test_each_guardrail_is_judged_and_shares_the_error(assess):
    two = [*rows(metric="complaint"), *rows(SHOWN, metric="late_reply")]
    found, _ = assess(two, plan(), level="II")
    assert (found["complaint.harm"].status, found["late_reply.harm"].status) == ("met", "not_met")
    assert found["complaint.harm"].interval.level == pytest.approx(1 - 2 * 0.025)
    both = plan(guardrails=[RAIL, RAIL | {"metric": "late_reply"}])
    found, _ = assess(rows(metric="complaint"), both, level="II")
    assert found["late_reply.harm"].status == "not_assessed"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"harmed": 600}, "1 of 3 rows have others"),
        ({"exposed": 499.5}, "1 of 3 rows have others"),
        ({"control_harmed": ""}, "1 of 3 rows have others"),
        ({"step": 2}, "one row for each step, metric and group: 1 have more"),
        ({"step": 4}, "steps numbered from 1 without a gap"),
        ({"start": day(3)}, "steps that begin one after the other"),
        ({"metric": "Nur so: <b>"}, "metrics named in small letters"),
    ],
)
def test_counts_that_cannot_be_settle_nothing(assess, change, words):
    table = rows()
    table[0] |= change
    found, tables = assess(table, plan())
    assert statuses(found) == {"rollout": "not_assessed"}
    assert words in found["rollout"].statement
    assert tables == {}


def test_steps_and_control_columns_that_are_not_there_yet_are_waited_for(assess):
    found, _ = assess(rows(), plan(), as_of=date(2026, 5, 25))
    assert "steps that began by 2026-05-25" in found["rollout"].statement
    found, _ = assess(rows(), plan(), left_out=COUNTS[2:])
    assert found["complaint.harm"].status == "not_assessed"


def test_small_groups_are_withheld_from_the_table(assess):
    tiny = [[3, 0, 3, 1], [4, 1, 4, 0], [2, 0, 2, 0]]
    found, tables = assess([*rows(), *rows(tiny, "few"), *rows(HALF, "many")], plan(groups=["few", "many"]))
    assert found["complaint.groups"].status == "inconclusive"
    assert all(row[3] is None and row[4] is None for row in tables["S4.1.groups"])
    one_sided = [[e, h, 3, 1] for e, h, *_ in HALF]
    _, tables = assess([*rows(), *rows(one_sided, "few"), *rows(HALF, "many")], plan(groups=["few", "many"]))
    assert all(row[5] is None and row[6] is None for row in tables["S4.1.groups"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"steps": plan()["steps"][::-1]}, "found step 3; allowed: step 1: numbers from 1 without a gap"),
        ({"guardrails": [RAIL, RAIL]}, "complaint a second time"),
        ({"groups": ["en", "en"]}, "en a second time"),
        ({"steps": [{"step": 1, "starts": day(1), "exposed": 500}]}, "no control group, and guardrails without"),
        (
            {"steps": [{"step": 1, "starts": day(1), "exposed": 5, "control": 5, "decided_by": "committee"}]},
            "a decision that is half on file",
        ),
        (
            {"steps": [{"step": 1, "starts": day(1), "exposed": 5, "control": 5, "minute": "../../policy.yaml"}]},
            "allowed: an https:// link, or a file in the folder",
        ),
    ],
)
def test_a_plan_that_contradicts_itself_is_refused_with_its_place(written, change, words):
    root = written(rows(), plan(**change))
    with pytest.raises(InputError) as refused:
        dossiers.load(Project(root), root / "parameters/demo")
    assert words in str(refused.value)


def test_steps_larger_or_earlier_than_planned_depart_from_the_plan(assess):
    small = plan(sizes=[[300, 20, 500, 21], *QUIET[1:]])
    assert assess(WITH_GROUPS, small)[0]["planned"].value == 1
    later = plan()
    later["steps"][1]["starts"] = day(2) + timedelta(days=1)
    assert assess(WITH_GROUPS, later)[0]["planned"].value == 1
