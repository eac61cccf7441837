"""P1.1 and P1.3: whether notices still reach customers, and whether the model card is of the model that decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import ibis
import ibis.expr.types as ir

from ethics_kit.dates import months_after
from ethics_kit.measures import oversight, timelines
from ethics_kit.measures.disclosure import withheld_crossed
from ethics_kit.measures.proportions import rate
from ethics_kit.measures.timelines import Share
from ethics_kit.record import UPSTREAM_WORDS, Finding, Record, Table
from ethics_kit.report import card
from ethics_kit.stages.case import Case, Outcome, hide_small
from ethics_kit.stages.evidence import not_assessed, share_finding

REACHES, IN_CONVERSATION = "notice_reaches_recent", "told_in_conversation"
NAMES, COMPLETE, CURRENT = "card_names_deployed", "card_complete", "card_after_release"


def notices_still_reach(case: Case) -> Outcome:
    """P1.1: customers decided on of late who had been told of the AI before, by month, language and channel."""
    months = case.dossier.policy.autonomy.recent_months.value
    since = datetime.combine(months_after(case.as_of, -months), datetime.min.time())
    reached, tables = _reached(case, since)
    if case.dossier.system.kind == "generative":
        return Outcome((reached, _in_conversation(case, since)), tables)
    return Outcome((reached,), tables)


def _reached(case: Case, since: datetime) -> tuple[Finding, tuple[Table, ...]]:
    events = case.dossier.system.events
    for needed in ((events, "customer", "time"), ("notices", "customer", "time")):
        if not case.has(*needed):
            return not_assessed("P1.1", REACHES, case.lacking(*needed)), ()
    reached = timelines.notices_reaching(case.table(events), case.table("notices"), since=since)
    rows = case.dossier.tables.kept(reached)
    by_month = timelines.shares_by(rows, "month", "told")
    if not by_month:
        return not_assessed("P1.1", REACHES, f"{events} from {since.date()} on"), ()
    people = rows.group_by("customer").aggregate(told=ibis._.told.argmin(ibis._.month))
    (whole,) = timelines.shares_by(people.mutate(all=ibis.literal(1)), "all", "told").values()
    weakest = min(by_month, key=lambda month: by_month[month].count / by_month[month].n)
    policy = case.dossier.policy.coverage.notice_min
    finding = share_finding(
        case,
        "P1.1",
        REACHES,
        whole.count,
        whole.n,
        statement=f"Since {since.date()}, {whole.n - whole.count} of {whole.n} customers had no notice logged before "
        f"their first event of that time; the weakest month is {weakest:%Y-%m} "
        f"({by_month[weakest].count} of {by_month[weakest].n} told).",
        at_least=policy.value,
        unit="share of customers",
        action="Find out where the notice no longer shows, and show it again before the next decision.",
        source=policy.source,
    )
    months: dict[str | None, Share] = {f"{month:%Y-%m}": share for month, share in by_month.items()}
    tables = [_shares(case, "month", months), *_by_language(case, people), *_by_channel(case, rows)]
    return finding, tuple(tables)


def _shares(case: Case, key: str, found: Mapping[str | None, Share]) -> Table:
    policy = case.dossier.policy
    shares = {k: rate(s.count, s.n, confidence=policy.fairness.confidence.value) for k, s in found.items()}
    rows = [[k or "not known", s.n, s.count, shares[k].value, shares[k].low, shares[k].high] for k, s in found.items()]
    shown, hidden = hide_small(rows, n_column=1, counts=range(2, 6), small=policy.records.small_cell.value)
    return Table(
        id=f"P1.1.reached_by_{key}",
        title=f"Customers told before they were decided on, by {key}",
        requirement="P1.1",
        columns=[key, "customers", "told before", "share", "low", "high"],
        rows=shown,
        hidden=hidden,
    )


def _by_language(case: Case, people: ir.Table) -> list[Table]:
    """By the language that customers use, where the dossier holds it."""
    for name, _, table in case.dossier.held_attributes():
        if name == "language" and case.has(table, "customer"):
            known = case.table(table).group_by(who="customer").aggregate(language=ibis._.attribute_language.max())
            joined = people.left_join(known, people.customer == known.who)
            return [_shares(case, "language", timelines.shares_by(joined, "language", "told"))]
    return []


def _by_channel(case: Case, rows: ir.Table) -> list[Table]:
    """The latest notices of those who were told, where it is logged how and in which language these were."""
    if not case.has("notices", "channel", "language"):
        return []
    told = rows.filter(rows.told).group_by("channel", "language").aggregate(n=ibis._.customer.nunique())
    found = told.order_by(ibis.desc("n"), "channel", "language").to_pyarrow().to_pylist()
    body = [[row["channel"] or "not known", row["language"] or "not known", row["n"]] for row in found]
    small = case.dossier.policy.records.small_cell.value
    hidden = withheld_crossed([(row[0], row[1]) for row in body], [row[2] for row in body], small)
    shown = [[*row[:2], None if place in hidden else row[2]] for place, row in enumerate(body)]
    table = Table(
        id="P1.1.reached_by_channel",
        title="Customers told, by channel and language of the latest notice before",
        requirement="P1.1",
        columns=["channel", "language", "customers"],
        rows=shown,
        hidden=len(hidden),
    )
    return [table] if body else []


def _in_conversation(case: Case, since: datetime) -> Finding:
    """Whether an assistant says in each conversation that it is one."""
    if not case.has("conversations", "time", "disclosed"):
        return not_assessed("P1.1", IN_CONVERSATION, case.lacking("conversations", "time", "disclosed"))
    rows = case.table("conversations")
    recent = rows.filter(rows.time >= ibis.literal(since, type="timestamp"))
    found = recent.aggregate(n=recent.count(), count=recent.disclosed.sum()).to_pyarrow().to_pylist()[0]
    policy, n = case.dossier.policy.coverage.notice_min, int(found["n"])
    count = int(found["count"] or 0)
    return share_finding(
        case,
        "P1.1",
        IN_CONVERSATION,
        count,
        n,
        statement=f"In {n - count} of {n} conversations from {since.date()} on nobody was told that it was an AI.",
        at_least=policy.value,
        unit="share of conversations",
        action="Say so at the beginning of every conversation, in every channel.",
        source=f"{policy.source}; EU AI Act Art. 50(1)",
    )


# --- the model card --------------------------------------------------------------------------------------------


def card_of_deployed_model(case: Case) -> Outcome:
    """P1.3: the design review's model card against the version that decides: named, complete, newer than it."""
    record = case.earlier("design_review")
    says = _card(record, "Version") if record else None
    if record is None or says is None:
        status = next(u.status for u in case.upstream if u.stage == "design_review")
        awaits = "a design review with a model card" + ("" if record else f" ({UPSTREAM_WORDS[status]})")
        return Outcome(tuple(not_assessed("P1.3", name, awaits) for name in (NAMES, COMPLETE, CURRENT)))
    return Outcome((_named(case, says), _complete(record), _current(case, record)))


def _card(record: Record, name: str) -> str | None:
    """What the card of a record says in a field."""
    rows = [row for table in record.tables if table.id == card.TABLE for row in table.rows]
    return next((str(says) for _, field, says in rows if field == name and says != card.NOT_STATED), None)


def _named(case: Case, says: str) -> Finding:
    events = case.dossier.system.events
    if not case.has(events, "time", "model_version"):
        return not_assessed("P1.3", NAMES, case.lacking(events, "time", "model_version"))
    used = oversight.versions_in_use(case.table(events))
    if not used:
        return not_assessed("P1.3", NAMES, f"a model version in the rows of {events}")
    of_card = sum(n for version, n in used.items() if says in (version, f"{version}, released {_released(case)}"))
    n = sum(used.values())
    return share_finding(
        case,
        "P1.3",
        NAMES,
        of_card,
        n,
        statement=f"The card describes {says}; on the newest day {of_card} of {n} events with a version were made by "
        f"it{_others(used, says)}.",
        at_least=1.0,
        unit="share of events of the newest day",
        action="Review the card for the version that decides, or withdraw that version.",
        source="the design review's record: its model card",
        minimum=1,
    )


def _released(case: Case) -> str:
    return str(case.dossier.system.model.released)


def _others(used: Mapping[str, int], says: str) -> str:
    others: Sequence[str] = [version for version in used if not says.startswith(version)]
    return f", others by {', '.join(others)}" if others else ""


def _complete(record: Record) -> Finding:
    """What the design review found, as it found it."""
    found = next((f for f in record.findings if f.id == "P1.3.model_card_complete"), None)
    if found is None:
        return not_assessed("P1.3", COMPLETE, "a design review that looked at how complete the card is")
    statement = f"{found.statement.removesuffix('.')}, as of {record.as_of}."
    changes = {"id": f"P1.3.{COMPLETE}", "statement": statement, "owner": None, "due": None, "waiver": None}
    return found.model_copy(update=changes)


def _current(case: Case, record: Record) -> Finding:
    released = case.dossier.system.model.released
    written = next((f.stated_on for f in record.findings if f.id == "P1.4.card_states_limits"), None)
    if released is None:
        return not_assessed("P1.3", CURRENT, "the day of the model's release (model.released in system.yaml)")
    if written is None:
        return not_assessed("P1.3", CURRENT, "the day on which the card was written (model_card in design_review.yaml)")
    days = (written - released).days
    told = f"The card's own part is of {written}, {abs(days)} days {'after' if days >= 0 else 'before'} the release"
    return Finding(
        id=f"P1.3.{CURRENT}",
        requirement="P1.3",
        status="met" if days >= 0 else "not_met",
        evidence="measured",
        statement=f"{told} of {released}.",
        value=days,
        unit="days from the release to the card",
        n=1,
        threshold=0,
        method="day on which the card's own part was signed, less the day of the release",
        source="the design review's record; system.yaml: model.released",
        action=None if days >= 0 else "Look the card through for the released version, and sign it anew.",
    )
