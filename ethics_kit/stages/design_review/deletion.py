"""P3.4: requests to delete against the legal limit, and people who asked and still stand in a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import ibis

from ethics_kit.framework import catalogue
from ethics_kit.framework.limits import Limit, limits
from ethics_kit.measures import deadlines, deletion, survival
from ethics_kit.measures.deadlines import Clock
from ethics_kit.measures.deletion import Requests, Standing
from ethics_kit.record import Finding, Table
from ethics_kit.report import figures
from ethics_kit.stages import laws
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.design_review.retention import unaccounted
from ethics_kit.stages.evidence import not_assessed, share_finding

if TYPE_CHECKING:
    import ibis.expr.types as ir

LOG = "deletion_requests"
PROOF = "the proof that a request was made and carried out"
NEEDED = ("customer", "time", "completed")


def deletion_requests(case: Case) -> Outcome:
    """P3.4: requests within the legal limit, overdue ones, and people who asked and still stand in some table."""
    if not case.has(LOG, *NEEDED):
        awaits = case.lacking(LOG, *NEEDED)
        return Outcome(tuple(not_assessed("P3.4", name, awaits) for name in ("in_time", "still_standing")))
    held = laws_held(case)
    rows = followed(case, held)
    counted = deletion.requests_by_state(rows)
    curve = survival.kaplan_meier(*deletion.days_taken(rows), confidence=case.dossier.policy.fairness.confidence.value)
    standing = deletion.still_standing(rows, _tables(case), _exempt(case))
    findings = (
        _in_time(case, counted, held, curve.median),
        *_overdue(counted, held),
        _still_standing(case, standing),
        *_not_looked_at(case),
    )
    drawn = figures.completion_curve(
        curve,
        [(law.label, law.first.days_at_most) for law in held],
        what="requests to delete",
        done="carried out",
        note="Verification and extensions give some requests longer.",
    )
    return Outcome(findings, (_by_state(counted), _by_table(case, standing)), drawn)


def followed(case: Case, held: Sequence[Limit]) -> ir.Table:
    """Each request as it stands at `as_of`, by the limit of the law that holds for it."""
    requests = _placed(case)
    due = deadlines.strictest(requests, [(_clock(law), _regions(case, law)) for law in held])
    return deletion.followed(requests, due, case.end)


def laws_held(case: Case) -> list[Limit]:
    """The laws with a limit that nobody said do not apply; all of them where none is left."""
    decided = laws.decisions(case)
    return [law for law in limits() if law.id not in decided or decided[law.id].applies] or list(limits())


def _clock(law: Limit) -> Clock:
    first, more = law.first, law.extension
    return Clock(first.months, first.days, more.months, more.days, from_verified=law.starts == "verified")


def _regions(case: Case, law: Limit) -> list[str]:
    return [region for region, place in case.dossier.organisation.places.items() if law.reaches(place)]


def _placed(case: Case) -> ir.Table:
    """The requests with the region of each person: from the log itself, else from the customers table."""
    requests = case.table(LOG)
    if not case.has("customers", "customer", "region"):
        return requests
    customers = case.table("customers").group_by(known="customer").aggregate(lives=ibis._.region.min())
    joined = requests.left_join(customers, requests.customer == customers.known)
    region = joined.region.coalesce(joined.lives) if "region" in requests.columns else joined.lives
    return joined.mutate(region=region).drop("known", "lives")


def _tables(case: Case) -> dict[str, ir.Table]:
    """The tables of the dossier that say whom a row is about."""
    sources = case.dossier.tables.sources
    return {
        name: case.table(name) for name in sorted(case.dossier.located_tables) if "customer" in sources[name].columns
    }


def _exempt(case: Case) -> dict[str, str]:
    """Why rows of people who asked may stay, by table; the log of requests itself is always among them."""
    declared = {n: t.spec.exempt_from_deletion for n, t in case.dossier.located_tables.items()}
    reasons = {n: f"{e.reason} ({e.by}, {e.on})" for n, e in declared.items() if e and e.on <= case.as_of}
    return {LOG: PROOF, **reasons}


def _not_looked_at(case: Case) -> list[Finding]:
    """What is open while a table of customers' rows is not named, or does not say whom its rows are about."""
    undated = ["customers"] + ["training_sample"] * (case.dossier.system.supplier is None)
    found = unaccounted(case, "P3.4", undated)
    sources, exempt = case.dossier.tables.sources, _exempt(case)
    silent = [
        name
        for name in sorted(case.dossier.located_tables)
        if "customer" in catalogue.tables()[name].roles
        and "customer" not in sources[name].columns
        and name not in exempt
    ]
    if silent:
        awaits = f"the column for customer in {', '.join(silent)}"
        found.append(not_assessed("P3.4", "tables_say_whom", awaits))
    return found


def _in_time(case: Case, counted: Requests, held: Sequence[Limit], median: float | None) -> Finding:
    policy = case.dossier.policy.privacy.deletion_in_time_min
    told = f" Open within their limit: {counted.open}." if counted.open else ""
    told += f" Half were carried out within {median:.0f} days of receipt." if median is not None else ""
    if counted.undated:
        told += f" Of the others {counted.undated} had an extension whose notice has no date, which does not count."
    return share_finding(
        case,
        "P3.4",
        "in_time",
        counted.in_time,
        counted.settled,
        statement=f"{counted.in_time} of {counted.settled} requests to delete were carried out within the legal limit "
        f"({' or '.join(law.label for law in held)}); late: {counted.late}, overdue: {counted.overdue}.{told}",
        at_least=policy.value,
        unit="share of requests",
        action="Find out what held the late requests up; answer within the limit, or tell the person of an extension.",
        source=f"{'; '.join(law.cite for law in held)}; policy: {policy.source}",
        minimum=1,
    )


def _overdue(counted: Requests, held: Sequence[Limit]) -> list[Finding]:
    n = counted.settled + counted.open
    if not n:
        return []
    since = f", the first since {counted.earliest_overdue}" if counted.overdue else ""
    return [
        Finding(
            id="P3.4.overdue",
            requirement="P3.4",
            status="not_met" if counted.overdue else "met",
            evidence="measured",
            statement=f"{counted.overdue} of {n} requests to delete are open past their legal limit{since}.",
            value=counted.overdue,
            unit="requests",
            n=n,
            threshold=0,
            method="count of all requests up to the as-of date, each with its own limit (framework/limits.yaml)",
            source="; ".join(law.cite for law in held),
            action="Carry out these requests now, and tell the people why so late." if counted.overdue else None,
        )
    ]


def _still_standing(case: Case, standing: Standing) -> Finding:
    policy = case.dossier.policy.privacy.still_standing_max
    count = standing.completed + standing.overdue
    return share_finding(
        case,
        "P3.4",
        "still_standing",
        count,
        standing.people,
        statement=f"{count} of {standing.people} people whose request to delete was carried out or is overdue still "
        f"stand in a table, unexplained: {standing.completed} after it was marked as carried out, {standing.overdue} "
        "past the limit of an open one.",
        at_most=policy.value,
        unit="share of people",
        action="Delete these people from the tables named, or declare the duty that asks for the rows "
        "(exempt_from_deletion).",
        source=policy.source,
        minimum=1,
    )


def _by_state(counted: Requests) -> Table:
    return Table(
        id="P3.4.requests",
        title="Requests to delete by what became of them",
        requirement="P3.4",
        columns=["state", "requests"],
        rows=[
            ["carried out within the limit", counted.in_time],
            ["carried out late", counted.late],
            ["open past the limit", counted.overdue],
            ["open within the limit", counted.open],
        ],
    )


def _by_table(case: Case, standing: Standing) -> Table:
    exempt = _exempt(case)
    return Table(
        id="P3.4.standing",
        title="People who asked to be deleted and still stand in a table",
        requirement="P3.4",
        columns=["table", "after completion", "past the limit", "exempt because of"],
        rows=[[name, done, due, exempt.get(name)] for name, (done, due) in standing.by_table.items()],
    )
