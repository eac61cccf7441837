"""Stage 3 on planted rows: each family of comparisons finds what was planted, and nothing where nothing was."""

import itertools
import re
from datetime import date
from itertools import product

import pytest

from ethics_kit.framework import catalogue
from ethics_kit.record import LevelResult
from ethics_kit.stages import bias_testing
from tests.stages.planted_rows import assess, case_of, found_in, line, people, planted

# --- within strata -------------------------------------------------------------------------------------------------

PLAIN = "C2.1.gender.selection_rate_difference"
TIER = {"strata": {"tier": {"column": "tier", "reason": "Higher tiers pay for calls."}}}


def tiers(female_basic, female_plus, male_basic, male_plus, size=1):
    """Of 600 women on basic and 200 on plus, and as many men the other way round, how many are selected."""
    return [
        *people(600 * size, gender="female", tier="basic", decision=female_basic * size),
        *people(200 * size, gender="female", tier="plus", decision=female_plus * size),
        *people(200 * size, gender="male", tier="basic", decision=male_basic * size),
        *people(600 * size, gender="male", tier="plus", decision=male_plus * size),
    ]


def test_a_gap_that_a_legitimate_factor_explains_shows_as_crude_and_not_within_it(project):
    root = planted(project, tiers(120, 160, 40, 480, size=2), system=TIER)
    findings, tables = assess(root, bias_testing.demographic_parity)
    assert (findings[PLAIN].status, abs(findings[PLAIN].value)) == ("not_met", pytest.approx(0.3))
    inside = findings[f"{PLAIN}_within_tier"]
    assert (inside.status, inside.value) == ("met", pytest.approx(0, abs=1e-9))
    table = tables["C2.1.gender.selection_rate_within_tier"]
    assert line(table, "female")[table.columns.index("crude gap") - 1] == pytest.approx(-0.3)
    assert "tier is taken as legitimate: Higher tiers pay for calls." in table.note
    assert "Simpson" not in table.note


def test_a_gap_within_a_legitimate_factor_is_found(project):
    findings, _ = assess(planted(project, tiers(120, 60, 80, 300), system=TIER), bias_testing.demographic_parity)
    inside = findings[f"{PLAIN}_within_tier"]
    assert (inside.status, abs(inside.value)) == ("not_met", pytest.approx(0.2))
    assert "within tier" in inside.statement


def test_a_gap_that_turns_round_within_strata_is_pointed_out(project):
    root = planted(project, tiers(180, 180, 40, 480), system=TIER)  # 10 points ahead in both tiers, 20 behind over all
    findings, tables = assess(root, bias_testing.demographic_parity)
    gaps = {row[0]: row[5:6] + row[8:9] for row in tables["C2.1.gender.selection_rate_within_tier"].rows}
    assert gaps["female"] == [pytest.approx(0.1), pytest.approx(-0.2)]
    note = tables["C2.1.gender.selection_rate_within_tier"].note
    assert "Simpson's paradox: for female, male the gap within strata points the other way." in note
    assert findings[f"{PLAIN}_within_tier"].status == "not_met"


# --- the design's constraint ---------------------------------------------------------------------------------------


def constraint(metric="demographic_parity", on=date(2026, 5, 1), **more):
    chosen = {"metric": metric, "attributes": ["gender"], "reason": "Calls help.", "by": "Cho Designer", "on": on}
    return {"constraint": chosen | more}


def two_groups(female, male, n=1000, **more):
    return people(n, gender="female", decision=female, **more) + people(n, gender="male", decision=male, **more)


@pytest.mark.parametrize(("female", "status"), [(500, "met"), (700, "not_met")])
def test_the_designs_constraint_is_met_or_not_by_what_was_decided(project, female, status):
    root = planted(project, two_groups(female, 500), design_review=constraint())
    finding = assess(root, bias_testing.constraint_met)[0]["S2.2.constraint_met"]
    assert (finding.status, abs(finding.value)) == (status, pytest.approx(female / 1000 - 0.5))
    assert "Demographic parity for gender, chosen by Cho Designer on 2026-05-01" in finding.statement


def test_a_constraint_on_errors_is_not_judged_by_how_many_are_selected(project):
    rows = [
        *people(1000, gender="female", outcome="yes", decision=600),
        *people(1000, gender="female", outcome="no", decision=100),
        *people(1000, gender="male", outcome="yes", decision=600),
        *people(200, gender="male", outcome="no", decision=20),
    ]
    root = planted(project, rows, design_review=constraint("equal_opportunity"))
    findings, _ = assess(root, bias_testing.constraint_met, bias_testing.demographic_parity)
    assert findings[PLAIN].status == "not_met"
    assert findings["S2.2.constraint_met"].status == "met"


def test_a_rate_that_only_the_constraint_names_is_tested(project):
    rows = [
        *people(500, gender="female", decision="yes", outcome=400),
        *people(500, gender="male", decision="yes", outcome=250),
        *people(500, gender="female", decision="no", outcome=100),
        *people(500, gender="male", decision="no", outcome=100),
    ]
    root = planted(project, rows, design_review=constraint("predictive_parity"))
    findings, _ = assess(root, bias_testing.constraint_met, bias_testing.outcome_equity)
    assert findings["C2.3.gender.positive_predictive_value_difference"].status == "not_met"
    assert findings["S2.2.constraint_met"].status == "not_met"


@pytest.mark.parametrize("chosen", [{}, constraint(on=date(2026, 11, 2))], ids=["none", "dated after as_of"])
def test_without_a_constraint_chosen_by_then_whether_it_is_met_is_not_assessed(project, chosen):
    root = planted(project, two_groups(500, 500), design_review=chosen)
    finding = assess(root, bias_testing.constraint_met)[0]["S2.2.constraint_met"]
    assert finding.status == "not_assessed"
    assert "the constraint chosen (constraint in design_review.yaml)" in finding.statement


# --- attributes that are not there ---------------------------------------------------------------------------------


def test_an_attribute_that_only_the_policy_names_is_open_in_every_comparison_of_groups(project):
    rows = [{**row, "age_band": "18-34" if i % 2 else "60+"} for i, row in enumerate(two_groups(100, 100, 200))]
    root = planted(project, rows, policy={"attributes": ["gender", "age_band", "religion"]})
    findings, _ = assess(root, *bias_testing.STEPS)
    awaited = {i: f for i, f in findings.items() if ".religion." in i}
    assert set(awaited) == {
        "C2.1.religion.selection_rate_difference",
        "C2.3.religion.outcome_difference",
        "P2.2.religion.treatment_difference",
        "C2.4.religion.intersections",
    }
    assert {f.status for f in awaited.values()} == {"not_assessed"}
    assert all("the attribute religion, which S3.1 tells of" in f.statement for f in awaited.values())
    assert findings["S3.1.religion_covered"].status == "not_assessed"


# --- weights -------------------------------------------------------------------------------------------------------


def test_rows_with_weights_count_as_many_cases_and_as_fewer_independent_ones(project):
    rows = people(50, gender="female", weight="3", decision=30) + people(50, gender="female", weight="1", decision=10)
    rows += people(100, gender="male", weight="1", decision=50)
    findings, tables = assess(planted(project, rows), bias_testing.demographic_parity)
    table = tables["C2.1.gender.selection_rate"]
    n, effective, rate = line(table, "female")[:3]
    assert (n, rate) == (200, pytest.approx((30 * 3 + 10) / 200))
    assert 70 < effective <= 200**2 / (50 * 3**2 + 50)  # Kish's number
    assert line(table, "male")[:3:2] == [100, pytest.approx(0.5)]
    assert findings[PLAIN].n <= 180
    assert "Rows carry weights: n is their sum" in table.note


# --- capacity ------------------------------------------------------------------------------------------------------

RANK = {"score_is": "rank", "decision": {"capacity": 100}}


def queue(low_first=False, **more):
    """Of the first 100 by score 80 are women, of the next 50 none, then all the rest: 200 and 200."""
    order = ["female"] * 80 + ["male"] * 20 + ["male"] * 50 + ["female"] * 120 + ["male"] * 130
    ranked = enumerate(order) if low_first else enumerate(reversed(order))
    return [
        {"gender": gender, "score": i, "decision": "yes" if (i < 100 if low_first else i >= 300) else "no", **more}
        for i, gender in ranked
    ]


@pytest.mark.parametrize("low_first", [False, True])
def test_who_comes_first_under_capacity_is_compared(project, low_first):
    root = planted(project, queue(low_first), system=RANK)
    finding = assess(root, bias_testing.equitable_treatment)[0]["P2.2.gender.top_k_difference"]
    assert (finding.status, abs(finding.value)) == ("not_met", pytest.approx(0.3))


def test_shares_served_are_shown_at_half_all_and_half_again_of_the_capacity(project):
    _, tables = assess(planted(project, queue(), system=RANK), bias_testing.equitable_treatment)
    table = tables["P2.2.capacities"]
    assert list(dict.fromkeys(row[0] for row in table.rows)) == ["50%: first 50", "100%: first 100", "150%: first 150"]
    served = {(row[0][:4].rstrip(":"), row[2]): row[4] for row in table.rows}
    assert served["100%", "female"] == pytest.approx(0.4)
    assert served["100%", "male"] == pytest.approx(0.1)
    assert served["150%", "male"] == pytest.approx(0.35)


def test_places_that_tied_rows_share_are_split_among_them(project):
    rows = [{"gender": "female", "score": 1, "decision": "yes"}] * 200
    rows += [{"gender": "male", "score": 1, "decision": "yes"}] * 200
    findings, tables = assess(planted(project, rows, system=RANK), bias_testing.equitable_treatment)
    assert findings["P2.2.gender.top_k_difference"].value == pytest.approx(0)
    assert "400 rows tie for the last 100 places" in tables["P2.2.gender.treatment"].note


def test_where_rows_repeat_nobody_is_first_under_capacity_and_the_note_says_so(project):
    rows = [{**row, "customer": f"c{i // 2}"} for i, row in enumerate(queue(action="yes"))]
    findings, tables = assess(planted(project, rows, system=RANK), bias_testing.equitable_treatment)
    assert "P2.2.gender.top_k_difference" not in findings
    assert "P2.2.capacities" not in tables
    assert (
        "Who comes first under capacity is not tested, as rows repeat or carry weights."
        in tables["P2.2.gender.treatment"].note
    )


# --- recommended and taken -----------------------------------------------------------------------------------------


def test_what_was_done_is_compared_apart_from_what_was_recommended(project):
    def done(n):
        return lambda i: "called" if i < n / 2 else "mailed" if i < n else "none"

    rows = people(1000, gender="female", decision=500, action=done(600))
    rows += people(1000, gender="male", decision=500, action=done(300))
    root = planted(project, rows, system={"decision": {"capacity": ..., "taken": ["called", "mailed"]}})
    findings, tables = assess(root, bias_testing.demographic_parity, bias_testing.equitable_treatment)
    assert findings[PLAIN].status == "met"
    finding = findings["P2.2.gender.action_rate_difference"]
    assert (finding.status, abs(finding.value)) == ("not_met", pytest.approx(0.3))
    assert "The action taken counts" in tables["P2.2.gender.treatment"].note


# --- classes in an order -------------------------------------------------------------------------------------------

ORDER = {
    "decision": {"capacity": ..., "order": ["high", "medium", "low"], "selected": ["high"]},
    "outcome": {"order": ["urgent", "normal", "minor"], "positive": ["urgent"]},
}


def classes(gender, lower):
    """200 who deserve the first class and 200 the second, `lower` of each placed one lower, and 100 the last."""
    return [
        *people(200, gender=gender, outcome="urgent", decision=lambda i: "medium" if i < lower else "high"),
        *people(200, gender=gender, outcome="normal", decision=lambda i: "low" if i < lower else "high"),
        *people(100, gender=gender, outcome="minor", decision="low"),
    ]


def test_who_is_placed_lower_than_deserved_is_compared(project):
    rows = classes("female", 80) + classes("male", 20)
    findings, tables = assess(
        planted(project, rows, system=ORDER), bias_testing.outcome_equity, bias_testing.classes_by_group
    )
    finding = findings["C2.3.gender.placed_lower_difference"]
    assert (finding.status, abs(finding.value)) == ("not_met", pytest.approx(0.3))
    assert finding.n == 800  # who deserves the last class cannot be placed lower
    table = tables["C2.3.gender.classes"]
    assert line(table, "any", "placed lower than deserved", "female") == [400, pytest.approx(0.4)]
    assert line(table, "any", "placed lower than deserved", "male") == [400, pytest.approx(0.1)]
    assert line(table, "medium", "selection rate", "female") == [500, pytest.approx(80 / 500)]
    assert line(table, "high", "recall (true positive rate)", "male") == [200, pytest.approx(0.9)]


# --- results among people treated alike ----------------------------------------------------------------------------

RESULTS = ("resolved", "retained", "received")
TREATED = {"decision": {"capacity": ..., "taken": ["call"]}}


def treated(gender, called, mailed, called_good, mailed_good, hours):
    """So many called and mailed, with so many good results among them, and the mean wait of each."""
    waits = [lambda i, h=h: h + i % 5 - 2 for h in hours]
    both = ((called, "call", called_good, waits[0]), (mailed, "mail", mailed_good, waits[1]))
    return [
        row
        for n, action, good, wait in both
        for row in people(
            n, gender=gender, decision=n // 2, action=action, wait_hours=wait, **dict.fromkeys(RESULTS, good)
        )
    ]


def test_a_gap_in_results_between_people_treated_alike_is_found(project):
    rows = treated("female", 200, 200, 80, 40, (30, 50)) + treated("male", 200, 200, 140, 100, (20, 40))
    findings, tables = assess(planted(project, rows, system=TREATED), bias_testing.outcome_equity)
    for flag in RESULTS:
        finding = findings[f"C2.3.gender.{flag}_difference_within_treatment"]
        assert (finding.status, abs(finding.value)) == ("not_met", pytest.approx(0.3))
        assert "among people treated alike" in finding.statement
    wait = findings["C2.3.gender.wait_hours_difference_within_treatment"]
    assert (wait.status, abs(wait.value), wait.unit) == ("not_met", pytest.approx(10), "hours")
    assert "Treated alike: compared within each action taken" in tables["C2.3.gender.outcomes"].note


RETAINED = "C2.3.gender.retained_difference"


@pytest.mark.parametrize(
    ("system", "owed"),
    [
        ({}, RETAINED),
        ({"use": "triage"}, "C2.3.gender.wait_hours_difference"),
        ({"use": ...}, "C2.3.gender.results_difference"),
        ({"not_kept": {"retained": {"reason": "Nobody records it.", "by": "Ana", "on": date(2026, 8, 1)}}}, None),
        ({"not_kept": {"retained": {"reason": "Nobody records it.", "by": "Ana", "on": date(2026, 12, 1)}}}, RETAINED),
    ],
    ids=["the column", "of another use", "the use", "settled", "settled later"],
)
def test_without_the_results_of_its_use_outcome_equity_stays_open(project, system, owed):
    findings, _ = assess(
        planted(project, people(800, gender="female", decision=400), system=system), bias_testing.outcome_equity
    )
    due = [
        f
        for f in findings.values()
        if f.id.rpartition(".")[2].split("_difference")[0] in (*catalogue.results(), "results")
    ]
    assert (owed in {f.id for f in due}) is bool(owed)
    assert {f.status for f in due} == ({"not_assessed"} if owed else set())


def test_a_gap_in_results_that_comes_from_different_treatment_is_no_gap_between_people_treated_alike(project):
    rows = treated("female", 500, 1500, 400, 300, (10, 50)) + treated("male", 1500, 500, 1200, 100, (10, 50))
    findings, _ = assess(
        planted(project, rows, system=TREATED), bias_testing.outcome_equity, bias_testing.equitable_treatment
    )
    for name in (*RESULTS, "wait_hours"):
        finding = findings[f"C2.3.gender.{name}_difference_within_treatment"]
        assert (finding.status, finding.value) == ("met", pytest.approx(0, abs=1e-9))
    assert findings["P2.2.gender.action_rate_difference"].status == "not_met"


# --- hold-out ------------------------------------------------------------------------------------------------------


def held_out(**more):
    """400 customers by falling score, every other one held out; half retained, but for all of the treated of the
    first 40, and none of those held out among them."""
    return [
        {
            "score": 400 - i,
            "holdout": "yes" if i % 2 else "no",
            "gender": "female" if i % 4 < 2 else "male",
            "retained": ("no" if i % 2 else "yes") if i < 40 else "yes" if i % 8 < 4 else "no",
            "decision": "yes" if i % 16 < 8 else "no",
            "outcome": "yes" if i % 32 < 16 else "no",
            **more,
        }
        for i in range(400)
    ]


def test_what_acting_changes_is_shown_by_decile_and_by_group(project):
    _, tables = assess(planted(project, held_out()), bias_testing.effect_of_acting)
    deciles, groups = tables["C2.3.uplift_by_decile"], tables["C2.3.uplift_by_group"]
    assert [row[0] for row in deciles.rows] == ["all", *(f"decile {place}" for place in range(1, 11))]
    assert line(deciles, "decile 1")[:5] == [20, 20, 1, 0, 1]
    assert line(deciles, "decile 2")[:5] == [20, 20, 0.5, 0.5, 0]
    for group in ("female", "male"):
        assert line(groups, f"gender = {group}")[:5] == [100, 100, *map(pytest.approx, (0.55, 0.45, 0.1))]
    assert "for: no group." in groups.note


def test_a_group_that_acting_helps_less_is_named(project):
    rows = [{**row, "retained": "no" if row["gender"] == "male" else row["retained"]} for row in held_out()]
    rows = [{**row, "retained": "yes" if row["gender"] == "female" and row["holdout"] == "no" else row["retained"]}
            for row in rows]  # fmt: skip
    _, tables = assess(planted(project, rows), bias_testing.effect_of_acting)
    assert "gender = female +55.0 points" in tables["C2.3.uplift_by_group"].note


@pytest.mark.parametrize(
    ("drop", "told"),
    [((), "What acting changes is shown against the hold-out."), (("holdout",), "No hold-out tells how much.")],
    ids=["with hold-out", "without"],
)
def test_error_rates_are_under_treatment_where_acting_changes_the_outcome(project, drop, told):
    rows = [{k: v for k, v in row.items() if k not in drop} for row in held_out()]
    root = planted(project, rows, system={"outcome": {"changed_by_action": "yes"}})
    findings, tables = assess(root, bias_testing.outcome_equity, bias_testing.effect_of_acting)
    assert "under treatment" in findings["C2.3.gender.true_positive_rate_difference"].statement
    assert "Error rates are under treatment" in tables["C2.3.gender.outcomes"].note
    assert told in tables["C2.3.gender.outcomes"].note
    assert ("C2.3.uplift_by_group" in tables) is not drop


def test_error_rates_are_plain_where_acting_changes_nothing(project):
    root = planted(project, held_out(), system={"outcome": {"changed_by_action": "no"}})
    findings, tables = assess(root, bias_testing.outcome_equity)
    assert "under treatment" not in findings["C2.3.gender.true_positive_rate_difference"].statement
    assert "under treatment" not in tables["C2.3.gender.outcomes"].note


# --- combinations --------------------------------------------------------------------------------------------------

CROSSED = "C2.4.gender_x_age_band.selection_rate_difference"
PAIR = ("female", "60+")


def crossed(rate=lambda gender, age: 0.8 if (gender == "female") == (age == "60+") else 0.2, n=400, **more):
    """So many of each combination of gender and age; the rates mirror each other, so that each attribute alone is
    even."""
    both = itertools.product(("female", "male"), ("18-34", "60+"))
    return [
        row
        for gender, age in both
        for row in people(n, gender=gender, age_band=age, decision=round(rate(gender, age) * n), **more)
    ]


def test_a_gap_only_where_two_attributes_meet_is_found_there_and_in_neither_alone(project):
    findings, tables = assess(
        planted(project, crossed()), bias_testing.demographic_parity, bias_testing.intersectional_bias
    )
    assert findings[PLAIN].status == "met"
    assert findings["C2.1.age_band.selection_rate_difference"].status == "met"
    assert (findings[CROSSED].status, abs(findings[CROSSED].value)) == ("not_met", pytest.approx(0.4))
    assert {row[1]: row[3] for row in tables["C2.4.gender_x_age_band"].rows} == {
        **dict.fromkeys(("female × 60+", "male × 18-34"), pytest.approx(0.8)),
        **dict.fromkeys(("female × 18-34", "male × 60+"), pytest.approx(0.2)),
    }


def test_combinations_that_fare_alike_are_not_accused(project):
    rows = crossed(lambda *_: 0.5, n=1500)
    assert assess(planted(project, rows), bias_testing.intersectional_bias)[0][CROSSED].status == "met"


def test_a_small_combination_is_neither_listed_nor_drawn_nor_left_over_by_the_others(project):
    rows = people(9, gender="female", age_band="teen", decision=9)
    for number, (gender, age) in enumerate(product(("female", "male", "other"), ("18-34", "35-59", "60+"))):
        rows += people(60 + number, gender=gender, age_band=age, decision=20)
    outcome = bias_testing.intersectional_bias(case_of(planted(project, rows)))
    (table,) = outcome.tables
    shown = [str(row[1]) for row in table.rows]
    assert table.hidden + len(shown) == 10
    for group in ("male", "other", "18-34", "35-59", "60+"):  # where two of three are shown, the third follows
        assert sum(group in name.split(" × ") for name in shown) != 2
    assert "teen" not in str(table.rows)
    assert outcome.figures
    assert not [f for f in outcome.figures if "teen" in f.svg.decode() + f.alt + f.caption]
    assert "teen" not in " ".join(f.statement for f in outcome.findings)


def three(project, **policy):
    return planted(project, crossed(n=60, region=lambda i: "north" if i % 2 else "south"), policy=policy)


def combinations(case):
    return [t.id.removeprefix("C2.4.") for t in bias_testing.intersectional_bias(case).tables]


def test_the_policy_says_which_combinations_are_tested(project):
    root = three(project, intersections=[["gender", "region"], ["gender", "age_band", "region"]])
    assert combinations(case_of(root)) == ["gender_x_region", "gender_x_age_band_x_region"]


PAIRS = ["gender_x_age_band", "gender_x_region", "age_band_x_region"]


@pytest.mark.parametrize(("level", "more"), [("II", []), ("III", ["gender_x_age_band_x_region"])])
def test_pairs_are_tested_and_from_level_iii_all_attributes_together(project, level, more):
    case = case_of(three(project))
    case.level = LevelResult(value=level, holds=level, best=level, worst=level)
    assert combinations(case) == PAIRS + more


# --- unknown groups, reference groups, very many groups ------------------------------------------------------------


def test_the_bounds_told_for_rows_of_an_unknown_group_hold_and_are_reached(project):
    rows = people(100, gender="female", decision=60) + people(120, gender="male", decision=40)
    rows += people(40, gender="", decision=15)
    table = assess(planted(project, rows), bias_testing.demographic_parity)[1]["C2.1.gender.selection_rate"]
    found = re.search(r"the gap of (\w+) .* lies between (\S+) and (\S+) points", table.note)
    gaps = [
        (60 + yes) / (100 + yes + no) - (40 + 15 - yes) / (120 + 40 - yes - no)
        for yes, no in itertools.product(range(16), range(26))
    ]
    sign = 1 if found[1] == "female" else -1
    extremes = sorted(sign * gap * 100 for gap in (min(gaps), max(gaps)))
    assert [float(found[2]), float(found[3])] == pytest.approx(extremes, abs=0.06)
    assert table.note.startswith("40 of 260 rows have no known gender;")


def test_a_reference_group_of_the_policy_adds_a_line_for_each_other_group(project):
    rows = two_groups(60, 40, 100) + people(100, gender="other", decision=30)
    root = planted(project, rows, policy={"reference": {"gender": "male"}})
    table = assess(root, bias_testing.demographic_parity)[1]["C2.1.spread"]
    gap, ratio = table.columns.index("gap") - 3, table.columns.index("ratio") - 3
    for group, rate in (("female", 0.6), ("other", 0.3)):
        found = line(table, "gender", "selection rate", f"{group} – reference male")
        assert (found[gap], found[ratio]) == (pytest.approx(rate - 0.4), pytest.approx(rate / 0.4))
    assert len(table.rows) == 3


def test_5000_groups_are_not_compared_and_that_is_said(project):
    rows = [{"gender": f"g{i}", "decision": "yes" if i % 2 else "no"} for i in range(5000)]
    findings, tables = assess(planted(project, rows), *bias_testing.STEPS)
    assert findings[PLAIN].status == "not_assessed"
    assert "gender in at most 60 groups: it has 5000; band them" in findings[PLAIN].statement
    assert findings["P2.1.gaps_found"].n == 0  # comparisons
    assert not [i for i in tables if ".gender." in i]
    assert not [i for i, f in findings.items() if ".gender." in i and f.status != "not_assessed"]


# --- the bias profile ----------------------------------------------------------------------------------------------


def test_without_an_impact_analysis_the_bias_profile_names_the_parts_not_shown(project):
    findings, tables = assess(planted(project, crossed()), bias_testing.bias_profile)
    finding = findings["B3.bias_profile"]
    assert finding.status == "not_assessed"
    assert "not shown: who influences the system and who is affected; risks of bias, scored" in finding.statement
    states = {row[0]: row[3] for row in tables["B3.bias_profile"].rows}
    assert states["combinations of attributes"] == "shown"
    assert finding.value == list(states.values()).count("shown") < len(states)


def test_a_forecast_that_errs_for_one_group_is_found_with_its_errors(project):
    """Women's 100 is forecast as 130, men's as 100; both vary by 1 from row to row."""
    rows = [
        {
            "gender": gender,
            "decision": "yes" if i % 2 else "no",
            "outcome": "yes" if i % 3 else "no",
            "actual": 100 + i % 2,
            "score": (130 if gender == "f" else 100) + i % 3,
        }
        for gender in "fm"
        for i in range(200)
    ]
    root = planted(project, rows, system={"score_is": "forecast", "outcome": {"positive": [], "horizon_days": 0}})
    findings, tables = found_in(case_of(root), bias_testing.outcome_equity, bias_testing.scores_by_group)
    found = findings["C2.3.gender.forecast_error_difference"]
    assert found.status == "not_met"
    assert abs(found.value) == pytest.approx(30)
    errors = {row[1]: row[3:] for row in tables["C2.3.forecast_errors"].rows}
    actual, forecast = [100 + i % 2 for i in range(200)], [130 + i % 3 for i in range(200)]
    off = [f - a for f, a in zip(forecast, actual, strict=True)]
    assert errors["f"][0] == errors["f"][3] == pytest.approx(sum(off) / 200)
    assert errors["f"][6] == pytest.approx((sum(e * e for e in off) / 200) ** 0.5)
    assert [row[1] for row in tables["C2.3.scores"].rows] == ["f", "m"]


def test_the_ratio_of_selection_rates_stands_beside_the_gap_with_its_interval(project):
    rows = people(400, gender=lambda i: "fm"[i % 2], decision=lambda i: "yes" if i % 4 == 0 or i % 8 == 1 else "no")
    _, tables = found_in(case_of(planted(project, rows)), bias_testing.demographic_parity)
    table = tables["C2.1.gender.selection_rate"]
    place = table.columns.index("ratio to the rest")
    ratio, low, high = {row[0]: row[place : place + 3] for row in table.rows}["f"]
    assert ratio == pytest.approx(2)
    assert low < ratio < high
