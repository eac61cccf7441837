"""P3.3: whether people are hidden in each extract that is passed on."""

from __future__ import annotations

from datetime import timedelta

from ethics_kit import schema
from ethics_kit.measures.anonymity import Risks, Sizes
from ethics_kit.record import Finding, Status
from ethics_kit.report import figures
from ethics_kit.stages.bias_testing import extract_tables as shown
from ethics_kit.stages.bias_testing.looked import Looked, Sensitive, looked_into
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.evidence import not_assessed

CENSUS = "count of every row of the extract: a census, so without an interval"
HIDE = "Tell quasi-identifiers less exactly or leave them out, as the table of generalisations shows."


def extract_anonymity(case: Case) -> Outcome:
    """P3.3: who can be told apart in every extract that is passed on, and what would hide them."""
    extracts = case.dossier.system.extracts
    outcomes = [_assessed(case, name, extract) for name, extract in extracts.items()]
    if not outcomes:
        return Outcome((_none_named(case),))
    return Outcome(
        tuple(f for o in outcomes for f in o.findings),
        tuple(t for o in outcomes for t in o.tables),
        tuple(f for o in outcomes for f in o.figures),
    )


def _none_named(case: Case) -> Finding:
    if case.obligations.conditions.get("shares_extracts") != "does_not_hold":
        return not_assessed("P3.3", "extracts", "each extract that is passed on, under extracts in system.yaml")
    return Finding(
        id="P3.3.extracts",
        requirement="P3.3",
        status="not_applicable",
        evidence="measured",
        statement="Not applicable: the impact analysis answers that no extract is passed on, and none is named.",
        null_reason="no extract is passed on",
    )


def _assessed(case: Case, name: str, extract: schema.Extract) -> Outcome:
    limit = case.dossier.policy.records.data_max_age_days.value
    if not case.as_of - timedelta(days=limit) <= extract.made_on <= case.as_of:
        awaits = (
            f"the extract {name} as passed on in the {limit} days up to {case.as_of}; this one is of {extract.made_on}"
        )
        return Outcome((not_assessed("P3.3", f"{name}.k", awaits),))
    seen = looked_into(case, name, extract)
    findings = [
        _identifiers(seen),
        *_declared(seen),
        _k(case, seen),
        _unique(seen),
        _risk(case, seen.name, seen.sizes, seen.risks),
        *(f for s in seen.sensitive for f in (_l(case, seen, s), _t(case, seen, s))),
    ]
    tables = [shown.measures(case, seen), shown.identifying(seen), *shown.generalisation(case, seen)]
    k_min = case.dossier.policy.privacy.k_min.value
    return Outcome(tuple(findings), tuple(tables), figures.class_sizes(name, seen.sizes, k_min))


def _counted(name: str, status: Status, statement: str, action: str, **said: object) -> Finding:
    """A finding from a count of the whole extract."""
    return Finding.model_validate(
        {
            "id": f"P3.3.{name}",
            "requirement": "P3.3",
            "status": status,
            "evidence": "measured",
            "statement": statement,
            "method": CENSUS,
            "action": None if status == "met" else action,
            **said,
        }
    )


def _identifiers(seen: Looked) -> Finding:
    told = [
        f"{seen.names[n.column]} ({', '.join(f'{rows:,} {what}' for what, rows in n.kinds.items())})"
        for n in seen.named
    ]
    if not (told or seen.ids_known):
        awaits = f"the table customers, whose ids are sought in {seen.name}"
        awaits += ", while its rows stay in a database" if seen.kept_back else ""
        return not_assessed("P3.3", f"{seen.name}.identifiers", awaits)
    where = f"found in {len(told)}: {'; '.join(told)}" if told else "found in none"
    return _counted(
        f"{seen.name}.identifiers",
        "not_met" if told else "met",
        f"{seen.name}: e-mail addresses, telephone numbers and ids of customers were sought in all {len(seen.names)} "
        f"columns of {seen.rows:,} rows, and {where}.",
        "Take them out, or replace ids by numbers that only the sender can resolve.",
        value=len(told),
        unit="columns",
        n=seen.rows,
        threshold=0,
    )


def _declared(seen: Looked) -> list[Finding]:
    found = []
    if seen.undeclared:
        columns = ", ".join(seen.undeclared[:10]) + (" …" if len(seen.undeclared) > 10 else "")
        awaits = f"what each column of {seen.name} tells; counted as quasi-identifiers until then: {columns}"
        found.append(not_assessed("P3.3", f"{seen.name}.columns_declared", awaits))
    if not (seen.extract.sensitive or seen.extract.none_sensitive):
        awaits = f"the sensitive columns of {seen.name}, or why there are none (none_sensitive)"
        found.append(not_assessed("P3.3", f"{seen.name}.sensitive", awaits))
    return found


def _k(case: Case, seen: Looked) -> Finding:
    limit, sizes = case.dossier.policy.privacy.k_min, seen.sizes
    met = sizes.k is not None and sizes.k >= limit.value
    return _counted(
        f"{seen.name}.k",
        "met" if met else "not_met",
        f"{seen.name}: the fewest people who look alike are {sizes.k} (k-anonymity); {sizes.below(limit.value):,} of "
        f"{sizes.n:,} people look like fewer than {limit.value}.",
        HIDE,
        value=sizes.k,
        unit="people",
        n=sizes.n,
        threshold=limit.value,
        source=limit.source,
    )


def _unique(seen: Looked) -> Finding:
    sizes = seen.sizes
    return _counted(
        f"{seen.name}.unique",
        "not_met" if sizes.unique else "met",
        f"{seen.name}: {sizes.unique:,} of {sizes.n:,} people look like nobody else in it.",
        HIDE,
        value=sizes.unique,
        unit="people",
        n=sizes.n,
        threshold=0,
    )


def _risk(case: Case, name: str, sizes: Sizes, risks: Risks) -> Finding:
    limit = case.dossier.policy.privacy.risk_max
    met = risks.marketer is not None and risks.marketer <= limit.value
    return _counted(
        f"{name}.risk",
        "met" if met else "not_met",
        f"{name}: somebody who knows the quasi-identifiers of everybody and guesses each row would be right for "
        f"{risks.marketer:.1%} of {sizes.n:,} people on average (marketer risk).",
        HIDE,
        value=risks.marketer,
        unit="mean chance of being right",
        n=sizes.n,
        threshold=limit.value,
        source=limit.source,
    )


def _l(case: Case, seen: Looked, sensitive: Sensitive) -> Finding:
    limit, found = case.dossier.policy.privacy.l_min, sensitive.found
    met = found.distinct_l is not None and found.distinct_l >= limit.value
    return _counted(
        f"{seen.name}.l_{sensitive.key}",
        "met" if met else "not_met",
        f"{seen.name}: people who look alike have at least {found.distinct_l} different values of {sensitive.column}; "
        f"{found.one_value:,} of {found.n:,} rows share their single value with all who look alike.",
        "Tell quasi-identifiers less exactly, or the sensitive value.",
        value=found.distinct_l,
        unit="values",
        n=found.n,
        threshold=limit.value,
        source=limit.source,
    )


def _t(case: Case, seen: Looked, sensitive: Sensitive) -> Finding:
    limit, found = case.dossier.policy.privacy.t_max, sensitive.found
    met = found.t is not None and found.t <= limit.value
    distance = "the ranks of the values" if sensitive.ordered else "equal distance of all values"
    return _counted(
        f"{seen.name}.t_{sensitive.key}",
        "met" if met else "not_met",
        f"{seen.name}: the values of {sensitive.column} of people who look alike differ from those of all by up to "
        f"{found.t:.2f} of 1 (t-closeness).",
        "Tell quasi-identifiers less exactly, or the sensitive value.",
        value=found.t,
        unit="distance, 0 to 1",
        n=found.n,
        threshold=limit.value,
        method=f"earth mover's distance by {distance}; {CENSUS}",
        source=limit.source,
    )
