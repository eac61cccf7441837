"""P1.1: what customers are told of the AI, in which words, and when."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ethics_kit import schema
from ethics_kit.measures import readability, timelines
from ethics_kit.record import Finding
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.design_review import wording
from ethics_kit.stages.design_review.wording import Notice, Pair, channel_of
from ethics_kit.stages.evidence import not_assessed, register_awaits, register_share, share_finding

CODE = re.compile(r"[a-z]{2,3}(-[A-Za-z]{2})?")
"""A value of a language column that names a language; `other` and `unknown` name none."""


def notice_before_first_decision(case: Case) -> Outcome:
    """P1.1: customers who had been told of the AI before it first decided on them."""
    name, table = "notice_before_first_decision", case.dossier.system.events
    for needed in ((table, "customer", "time"), ("notices", "customer", "time")):
        if not case.has(*needed):
            return Outcome((not_assessed("P1.1", name, case.lacking(*needed)),))
    told = timelines.noticed_before_first_event(case.table(table), case.table("notices"))
    policy = case.dossier.policy.coverage.notice_min
    finding = share_finding(
        case,
        "P1.1",
        name,
        told.count,
        told.n,
        statement=f"{told.n - told.count} of {told.n} customers had no notice logged before their first decision.",
        at_least=policy.value,
        unit="share of customers",
        action="Show the notice before the first decision, and log it.",
        source=policy.source,
    )
    return Outcome((finding,))


def notice_texts(case: Case) -> Outcome:
    """P1.1: the notice of each channel and language: is there one, how easily does it read, does it link further?"""
    kept = case.dossier.stage(schema.DesignReview).notices
    awaits = register_awaits(case, kept, "the texts of the notices (notices in design_review.yaml)")
    if kept is None or awaits:
        return Outcome(tuple(not_assessed("P1.1", name, awaits) for name in ("notice_on_file", "notice_readability")))
    notices = _in_force(case, kept)
    findings = [_on_file(case, kept, notices)]
    if notices:
        findings += [*wording.easy_to_read(case, notices), *wording.linked(case, notices)]
    return Outcome(tuple(findings), (wording.table(case, notices),))


def _in_force(case: Case, kept: schema.Notices) -> list[Notice]:
    """The notices that customers get on `as_of`; a text that only holds the place of one is none."""
    found = []
    for number, entry in enumerate(kept.texts, 1):
        if entry.valid_from > case.as_of or (entry.valid_until and entry.valid_until < case.as_of):
            continue
        content = entry.text or ""
        if entry.file:
            path = case.dossier.folder / entry.file
            case.documents[f"notice {number}"] = path
            content = path.read_text(encoding="utf-8")
        if not schema.placeholder(content):
            found.append(Notice(entry, content, readability.readability(content, entry.language)))
    return found


def _on_file(case: Case, kept: schema.Notices, notices: Sequence[Notice]) -> Finding:
    """Each channel in each language: those the dossier names as served, and those in which notices were logged."""
    served = {(channel_of(c), readability.base_language(code)) for c in kept.channels for code in kept.languages}
    wanted = served | _logged(case) | {(channel_of(c), code) for c in kept.channels for code in _spoken(case)}
    missing = sorted(wanted - {pair for notice in notices for pair in notice.pairs})
    told = f"; none for {', '.join(f'{channel} in {language}' for channel, language in missing)}" if missing else ""
    return register_share(
        case,
        "P1.1",
        "notice_on_file",
        len(wanted) - len(missing),
        len(wanted),
        statement=f"{len(wanted) - len(missing)} of {len(wanted)} pairs of channel and language served have a notice "
        f"in force on file{told}.",
        at_least=1.0,
        unit="share of channels and languages",
        action="Write the missing notices, or take the channel or language out of those served, and tell customers.",
        source="EU AI Act Art. 50; GDPR Art. 12",
    )


def _logged(case: Case) -> set[Pair]:
    """The channels and languages in which notices were logged, where the dossier says so."""
    if not case.has("notices", "channel", "language"):
        return set()
    seen = case.table("notices").select("channel", "language").distinct().to_pyarrow().to_pylist()
    return {
        (channel_of(row["channel"]), readability.base_language(row["language"]))
        for row in seen
        if row["channel"] and row["language"] and CODE.fullmatch(row["language"].strip())
    }


def _spoken(case: Case) -> set[str]:
    """The languages that customers use, where an attribute called `language` holds codes."""
    for name, _, table in case.dossier.held_attributes():
        if name == "language" and case.has(table):
            values = case.table(table)[f"attribute_{name}"].as_table().distinct().to_pyarrow()[f"attribute_{name}"]
            return {readability.base_language(v) for v in values.to_pylist() if v and CODE.fullmatch(v.strip())}
    return set()
