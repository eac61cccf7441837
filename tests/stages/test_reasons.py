"""P1.2 on small projects: reasons stored, in words, readable and borne out; and what a model shows by tier."""

import itertools
import random
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression

from ethics_kit.measures.affordable import Affordable
from ethics_kit.measures.readability import readability
from ethics_kit.stages import bias_testing, modelled
from tests.stages.planted_rows import case_of, found_in, line, planted, write

STORED, WORDED, READABLE, FIDELITY = (
    f"P1.2.{name}" for name in ("reasons_stored", "reasons_worded", "reasons_readable", "fidelity")
)
PLAIN = "You use it less than most people do. So we call you."
REASONS = {
    "less_use": {"words": {"en": PLAIN}, "features": ["use"]},
    "many_visits": {"words": {"en": "You came to see us often. We want to know why."}, "features": ["visits"]},
}
FEATURES = {name: {"column": name} for name in ("use", "visits")}
N = 400


def rows(*, reason=None):
    """Decisions by ``visits - use``; the reason is what pushed most towards each, unless `reason` says otherwise."""
    chance, found = random.Random(5), []
    for i in range(N):
        use, visits = chance.gauss(0, 1), chance.gauss(0, 1)
        chosen = visits - use > 0
        heavier = "many_visits" if (visits > -use) == chosen else "less_use"
        code = heavier if reason is None else reason(i, heavier)
        found.append({
            "id": f"d{i}", "gender": chance.choice(["female", "male"]), "use": round(use, 4),
            "visits": round(visits, 4), "decision": "yes" if chosen else "no", "reason": code,
        })  # fmt: skip
    return found


def other(code):
    return "less_use" if code == "many_visits" else "many_visits"


def explained(project, decisions, *, reasons=REASONS, model=True, tables=None, **system):
    """A project with a logistic model of the decisions in a file, and what is different in its system."""
    system = {"features": FEATURES, "reasons": reasons} | ({"model": {"file": "model.skops"}} if model else {}) | system
    root = planted(project, decisions, system=system, tables={"decisions": source(decisions)} | (tables or {}))
    if model:
        data = pd.DataFrame(decisions)
        estimator = LogisticRegression(C=100).fit(data[["use", "visits"]], data["decision"])
        skops.io.dump(estimator, root / "parameters/demo/model.skops")
    return root


def source(decisions):
    columns = {"customer": "customer", "time": "time", "decision": "decision", "id": "id"}
    columns |= {"reason": "reason"} if "reason" in decisions[0] else {}
    unused = ("score", "action", "outcome", "purpose", "model_version", "inputs_hash", "actor", "sequence")
    return {"source": "data/events.csv", "columns": columns | dict.fromkeys(unused, ...), "retention_class": ...}


def assess(root):
    return found_in(case_of(root), bias_testing.reasons_given, bias_testing.reasons_borne_out)


def test_reasons_that_are_there_worded_and_borne_out_are_met(project):
    findings, tables = assess(explained(project, rows()))
    assert {f.status for f in findings.values()} == {"met"}
    assert (findings[FIDELITY].n, findings[FIDELITY].threshold) == (N, 0.9)
    assert "exact: the model adds its columns up" in findings[FIDELITY].method
    assert tables["P1.2.importance"].rows[0][1] == N


def test_missing_reasons_and_codes_without_words_are_counted_and_not_shown(project):
    odd = rows(reason=lambda i, code: "" if i < 20 else "her name is Ann" if i < 60 else code)
    findings, tables = assess(explained(project, odd))
    assert (findings[STORED].status, findings[STORED].value) == ("not_met", 380 / 400)
    assert (findings[WORDED].status, findings[WORDED].value) == ("not_met", pytest.approx(340 / 380))
    assert "1 reason codes have no words" in findings[WORDED].statement
    assert line(tables["P1.2.reasons"], "(no code, or another)")[2] == 60
    assert "Ann" not in f"{findings}{tables}"


def test_a_code_in_none_of_the_rows_words_stands_with_a_count_of_nought(project):
    table = assess(explained(project, rows(), reasons=REASONS | {"unused": {"words": {"en": PLAIN}}}))[1][
        "P1.2.reasons"
    ]
    assert line(table, "unused", PLAIN, "")[0] == 0


def test_reasons_that_the_model_does_not_bear_out_are_found_to_the_row(project):
    wrong = rows(reason=lambda i, code: other(code) if i < 120 else code)
    case = case_of(explained(project, wrong))
    finding = found_in(case, bias_testing.reasons_borne_out)[0][FIDELITY]
    data = pd.DataFrame(wrong)
    model = LogisticRegression(C=100).fit(data[["use", "visits"]], data["decision"])
    added = (data[["use", "visits"]] - data[["use", "visits"]].mean()) * model.coef_[0]
    towards = added.mul(np.where(data.decision == "yes", 1, -1), axis=0)
    named = np.where(data.reason == "less_use", towards.use, towards.visits)
    assert finding.status == "not_met"
    assert finding.value == (named > 0).mean()  # both features are among the three weightiest


def test_a_share_that_the_sample_does_not_settle_is_inconclusive(project):
    some = rows(reason=lambda i, code: "" if i % 11 == 0 else code)
    finding = assess(explained(project, some))[0][FIDELITY]
    assert finding.interval.low < 0.9 < finding.value
    assert finding.status == "inconclusive"
    assert "does not settle" in finding.statement


def test_the_hardest_language_is_judged(project):
    words = {"en": PLAIN, "de": "Nutzungsintensitätsveränderungen beeinflussen Priorisierungsentscheidungen."}
    finding = assess(explained(project, rows(), reasons={"less_use": {"words": words, "features": ["use"]}}))[0][
        READABLE
    ]
    assert (finding.status, finding.value) == ("not_met", readability(words["de"], "de").score)
    assert "hardest in de" in finding.statement


@pytest.mark.parametrize("words", [{"nl": "U gebruikt het minder."}, {"en": PLAIN, "nl": "U gebruikt het minder."}])
def test_a_language_without_a_formula_leaves_it_open(project, words):
    finding = assess(explained(project, rows(), reasons={"less_use": {"words": words}}))[0][READABLE]
    assert finding.status == "inconclusive"
    assert "No formula judges nl." in finding.statement


# --- tiers ---------------------------------------------------------------------------------------------------------


def test_predictions_alone_show_coverage_and_say_what_else_they_await(project):
    findings, tables = assess(explained(project, rows(), model=False))
    assert findings[STORED].status == findings[WORDED].status == "met"
    assert findings[FIDELITY].status == "not_assessed"
    assert "predictions alone do not show what they rest on" in findings[FIDELITY].statement
    assert "P1.2.importance" not in tables


@pytest.mark.parametrize(
    ("changed", "awaits"),
    [
        ({"reasons": {"less_use": {"words": {"en": PLAIN}}}}, "the features that each reason stands for"),
        ({"features": {"use": {"column": "use"}}, "reasons": {}}, "found no column visits"),
    ],
)
def test_what_is_missing_is_awaited(project, changed, awaits):
    finding = assess(explained(project, rows(), **changed))[0][FIDELITY]
    assert finding.status == "not_assessed"
    assert awaits in finding.statement


ADDED = {"source": "data/added.csv", "columns": {"decision": "id", "base": "base"}}


def with_table(project, decisions, kept=N):
    """The tier of the table: what each feature added, for the first `kept` decisions."""
    features = {name: {"column": name, "attribution": f"{name}_added"} for name in FEATURES}
    root = explained(project, decisions, model=False, tables={"attributions": ADDED})
    system = root / "parameters/demo/system.yaml"
    text = system.read_text()
    for name in features:
        text = text.replace(f"    column: {name}\n", f"    column: {name}\n    attribution: {name}_added\n", 1)
    system.write_text(text)
    added = [{"id": r["id"], "base": 0, "use_added": -r["use"], "visits_added": r["visits"]} for r in decisions[:kept]]
    write(root / "parameters/demo/data/added.csv", added)
    return root


def test_a_table_of_attributions_stands_in_for_the_model(project):
    case = case_of(with_table(project, rows()))
    findings, tables = found_in(case, bias_testing.reasons_borne_out)
    assert (findings[FIDELITY].status, findings[FIDELITY].value) == ("met", 1.0)
    assert "as the table of attributions says" in findings[FIDELITY].method
    assert {row[0] for row in tables["P1.2.importance"].rows} == {"use", "visits"}
    held = modelled.modelled(case)
    assert (held.tier, held.model, held.features) == ("attributions", None, ("use", "visits"))


def test_decisions_that_the_table_leaves_out_are_not_borne_out(project):
    findings, tables = found_in(case_of(with_table(project, rows(), kept=300)), bias_testing.reasons_borne_out)
    assert findings[FIDELITY].value == 300 / N
    assert tables["P1.2.importance"].rows[0][1] == 300


def test_a_slow_model_is_looked_at_in_fewer_rows_and_the_report_says_so(project, monkeypatch):
    case = case_of(explained(project, rows()))
    monkeypatch.setattr(modelled, "affordable", lambda *_, **__: Affordable(100, True))
    finding = found_in(case, bias_testing.reasons_borne_out)[0][FIDELITY]
    assert finding.n == 100
    assert (
        "a seeded sample of 100 decisions, as many as the policy's seconds_max affords on the machine" in finding.method
    )
    assert "sample_rows sets a number that holds on every machine" in finding.method


def test_how_busy_the_machine_is_does_not_decide_how_many_decisions_are_explained(project, monkeypatch):
    """Every look at the clock is an hour after the last: other programs had the processor all the time."""
    hours = itertools.count(step=3600)
    monkeypatch.setattr("time.perf_counter", lambda: next(hours))
    case = case_of(explained(project, rows()))
    assert modelled.modelled(case).size == f"a seeded sample of {N} decisions"


def test_the_waiting_of_a_plug_in_counts(project, monkeypatch):
    hours = itertools.count(step=3600)
    monkeypatch.setattr("time.perf_counter", lambda: next(hours))
    case = case_of(explained(project, rows()))
    system = case.dossier.system
    named = system.model_copy(update={"model": system.model.model_copy(update={"plugin": "elsewhere"})})
    case = replace(case, dossier=replace(case.dossier, system=named))
    assert modelled.modelled(case).size.startswith("a seeded sample of 100 decisions, as many as")


def test_rules_are_their_own_reasons(project):
    case = case_of(explained(project, rows(), kind="rules"))
    assert bias_testing.reasons_borne_out(case).findings == ()
