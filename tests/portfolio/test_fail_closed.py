"""Silence is never a pass: taking anything away from a dossier never makes a result better."""

import pickle
from copy import copy
from dataclasses import replace
from datetime import date
from functools import partial
from importlib import import_module

import pytest
from ibis.backends.duckdb import Backend

from ethics_kit import checks
from ethics_kit import dossier as dossiers
from ethics_kit.framework import catalogue
from ethics_kit.measures import individual, proxies
from ethics_kit.measures.tables import CROSSWALK, Tables
from ethics_kit.project import STAGES, Project
from ethics_kit.recommendation import requirement_status
from ethics_kit.report import figures
from ethics_kit.stages.answers import attested
from ethics_kit.stages.bias_testing import mitigations
from ethics_kit.stages.case import Case
from ethics_kit.stages.conclude import conclude

COMPUTED = (
    (individual, "neighbour_pairs"),
    (individual, "consistency"),
    (mitigations, "try_mitigations"),
    (proxies, "predicted"),
)
RANK = {"approve": 2, "approve_with_conditions": 1, "undetermined": 0, "reject": 0}


@pytest.fixture(autouse=True, scope="module")
def no_drawing():
    """Figures take much of the time and settle nothing."""
    with pytest.MonkeyPatch.context() as patch:
        for name in figures.__all__:
            if name.islower() and not name.startswith("_"):
                patch.setattr(figures, name, lambda *_, **__: ())
        yield


@pytest.fixture(autouse=True, scope="module")
def asked_once():
    """What the tables of one connection answered already is not asked again: they never change here."""
    answers = {}
    ask, keep = Backend.to_pyarrow, Tables.kept

    def answered(connection, expression, **options):
        key = (id(connection), expression.op())
        if any(options.values()) or key not in answers:
            answers[key] = (
                ask(connection, expression, **options),
                connection,
            )  # the connection, so its id stays its own
        return answers[key][0]

    def kept(tables, table):
        key = (id(tables._connection), table.op())
        if key not in answers:
            answers[key] = (keep(tables, table), tables._connection)
        return answers[key][0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Backend, "to_pyarrow", answered)
        patch.setattr(Tables, "kept", kept)
        yield


@pytest.fixture(autouse=True, scope="module")
def computed_once():
    """What follows from the same rows and the same seed alone is not computed again."""
    known = {}

    def computed(function, *given, **options):
        key = (function.__name__, pickle.dumps((given, options)))
        if key not in known:
            known[key] = function(*given, **options)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        for module, name in COMPUTED:
            patch.setattr(module, name, partial(computed, getattr(module, name)))
        yield


@pytest.fixture(scope="module")
def load(portfolio):
    return lambda system: dossiers.load(Project(portfolio.root), portfolio.root / "parameters" / system, tables=False)


def assess(dossier, stage, reports, left_out=()):
    """A stage without its notebook: every section asked, every step taken."""
    case = Case(dossier, stage, date(2026, 11, 1), reports)
    for section in catalogue.sections(stage):
        case.taken[section.id] = attested(case, section.id)
    for step in import_module(f"ethics_kit.stages.{stage}").STEPS:
        case.taken[step.__name__] = step(case)
    return conclude(case, {name: outcome for name, outcome in case.taken.items() if name not in left_out})


def passed(record):
    """The requirements that count as settled in the system's favour."""
    return {
        d.requirement
        for d in record.obligations.duties
        if requirement_status([f for f in record.findings if f.requirement == d.requirement], d.needs)
        in ("met", "not_applicable")
    }


def without(dossier, part, key):
    """The dossier without one entry of one part (a stage's, the organisation's or the system's dict or list)."""
    owner, name = part
    model = dossier.stages[owner] if owner in STAGES else getattr(dossier, owner)
    before = getattr(model, name)
    if isinstance(before, dict):
        after = {k: v for k, v in before.items() if k != key}
    elif isinstance(before, list):
        after = [v for i, v in enumerate(before) if i != key]
    else:
        after = type(model).model_fields[name].get_default(call_default_factory=True)
    changed = model.model_copy(update={name: after})
    tables = dossier.tables
    if name == "tables":
        dossier = _unlisted(dossier, key)
    if owner in STAGES:
        dossier = replace(dossier, stages={**dossier.stages, owner: changed})
    else:
        dossier = replace(dossier, **{owner: changed})
    vars(dossier)["tables"] = fewer(tables, checks.data.sources(dossier) | checks.extracts.sources(dossier))
    return dossier


def fewer(tables, sources):
    """The tables opened with other sources, of which those that are as they were are not read again."""
    assert all(source.path == tables.sources[name].path for name, source in sources.items())
    left = copy(tables)
    left.sources = sources
    left._raw = {name: tables.raw(name) for name in sources}
    vars(left).pop("_crosswalk", None)
    alike = {name for name in sources if sources[name] == tables.sources[name]}
    if tables.sources.get(CROSSWALK) != sources.get(CROSSWALK):
        alike = {name for name in alike if "customer" not in sources[name].columns}
    left._by_role = {name: table for name, table in tables._by_role.items() if name in alike}
    return left


def _unlisted(dossier, table):
    """The dossier without a table in its inventory: check refuses rows about a table that is not there."""
    review = dossier.stages["design_review"]
    rows = [
        row.model_copy(update={"columns": {name: c for name, c in row.columns.items() if name != table}})
        for row in review.inventory.rows
    ]
    kept = review.inventory.model_copy(update={"rows": [row for row in rows if row.columns or row.other]})
    return replace(dossier, stages={**dossier.stages, "design_review": review.model_copy(update={"inventory": kept})})


def entries(dossier, stage):
    """All that can be taken away and bears on a stage."""
    parts = [(stage, "actions"), (stage, "waivers")]
    if stage == "impact_analysis":
        parts += [(stage, "answers"), ("organisation", "answers")]
        parts += [(stage, name) for name in ("stakeholders", "risks", "risks_ruled_out", "standards")]
        parts += [("organisation", "standards")]
    else:
        parts += [(stage, "checkpoints")] * (stage == "design_review")
        parts += [(stage, "choices_offered")] * (stage == "deployment_signoff")
        parts += [("system", name) for name in ("tables", "attributes", "lawful_bases")]
        parts += [("organisation", name) for name in ("tables", "retention_classes", "places", "transfers")]
    if stage == "deployment_signoff":
        parts += [("organisation", "audits"), ("organisation", "training_required"), (stage, "audits")]
    for owner, name in parts:
        value = getattr(dossier.stages[owner] if owner in STAGES else getattr(dossier, owner), name)
        for key in value if isinstance(value, dict) else range(len(value)):
            yield (owner, name), key
    if stage == "design_review":
        yield from (
            ((stage, name), None) for name in ("constraint", "inventory", "notices", "review_plan", "model_card")
        )
    if stage == "bias_testing":
        yield (stage, "privacy_assessment"), None
    if stage == "deployment_signoff":
        yield (stage, "rollout"), None
        yield (stage, "promises"), None
    yield from ((("system", name), None) for name in ("owner", "deputy", "model"))


def breaks_a_reference(dossier, part, key):
    """A dossier that check refuses is no assessment at all: a class that tables name, a table that attributes need."""
    if part == ("organisation", "retention_classes"):
        listed = dossier.stages["design_review"].inventory.rows
        return key in {t.spec.retention_class for t in dossier.located_tables.values()} | {r.retention for r in listed}
    if part == ("system", "tables"):
        return any(table == key for _, _, table in dossier.held_attributes())
    return False


@pytest.mark.parametrize(
    ("system", "stage"), [("health_score", "impact_analysis"), *(("churn_risk", stage) for stage in STAGES)]
)
def test_taking_one_thing_away_settles_nothing_and_never_betters_the_recommendation(portfolio, load, system, stage):
    whole = load(system)
    before = assess(whole, stage, portfolio.reports)
    read = {i.role.removeprefix("table ") for i in before.inputs}
    tried = 0
    for part, key in entries(whole, stage):
        if breaks_a_reference(whole, part, key) or (part[1] == "tables" and key not in read):
            continue
        after = assess(without(whole, part, key), stage, portfolio.reports)
        assert RANK[after.recommendation.verdict] <= RANK[before.recommendation.verdict], (part, key)
        if part[1] != "risks":  # a risk without a deputy taken off the register: P4.1 gains, S1.2 loses
            assert passed(after) <= passed(before), (part, key)
        tried += 1
    assert tried > 10


@pytest.mark.parametrize("stage", STAGES[1:])
def test_without_the_records_before_it_a_stage_settles_less_and_is_not_approved(portfolio, load, stage, tmp_path):
    whole = load("health_score")
    alone = assess(whole, stage, tmp_path)
    assert alone.level.holds == "IV"
    assert alone.recommendation.verdict in ("undetermined", "reject")
    assert {u.status for u in alone.upstream} == {"missing"}


def test_an_empty_impact_analysis_has_the_highest_level_and_settles_nothing(portfolio, load):
    whole = load("health_score")
    bare = replace(
        whole,
        organisation=whole.organisation.model_copy(update={"answers": {}, "standards": {}}),
        stages={**whole.stages, "impact_analysis": type(whole.stages["impact_analysis"])()},
    )
    record = assess(bare, "impact_analysis", portfolio.reports)
    assert (record.level.value, record.level.holds) == ("undetermined", "IV")
    assert record.recommendation.verdict == "undetermined"
    assert passed(record) <= {"P4.1"}


def test_an_unapproved_policy_lets_nothing_pass(portfolio, load):
    whole = load("health_score")
    policy = whole.policy.model_copy(update={"approved_by": None})
    record = assess(replace(whole, policy=policy), "impact_analysis", portfolio.reports)
    assert record.recommendation.verdict == "undetermined"
    assert "policy.yaml" in record.recommendation.missing


def test_a_cell_that_is_left_out_leaves_its_requirements_unassessed(portfolio, load):
    whole = load("churn_risk")
    full = assess(whole, "impact_analysis", portfolio.reports)
    assert full.recommendation.verdict == "reject"
    cut = assess(whole, "impact_analysis", portfolio.reports, left_out=("risk_register", "governance"))
    assert {"S1.2.left_out_risk_register", "G1.left_out_governance"} <= {f.id for f in cut.findings}
    assert passed(cut) < passed(full) | {"S1.2"}
    assert not {"S1.2", "G1", "G2"} & passed(cut)


def test_an_extract_that_is_not_named_any_more_settles_nothing(load, portfolio):
    whole = load("next_best_offer")
    (name,) = whole.system.extracts
    step = import_module("ethics_kit.stages.bias_testing").extract_anonymity
    statuses = []
    for dossier in (whole, without(whole, ("system", "extracts"), name)):
        found = step(Case(dossier, "bias_testing", date(2026, 11, 1), portfolio.reports)).findings
        statuses.append({f.status for f in found})
    assert "not_met" in statuses[0]
    assert statuses[1] == {"not_assessed"}
