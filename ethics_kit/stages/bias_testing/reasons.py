"""P1.2: the reasons stored with decisions: are they there, and what do they tell a customer?"""

from __future__ import annotations

from collections.abc import Mapping

import ibis

from ethics_kit.measures import readability
from ethics_kit.record import Finding, Status, Table
from ethics_kit.stages.case import Case, Outcome, hide_small
from ethics_kit.stages.evidence import not_assessed, share_finding

GLOSSARY = "the words a customer is told for each reason code (reasons in system.yaml)"

NO_WORDS = "(no code, or another)"


def reasons_given(case: Case) -> Outcome:
    """P1.2: decisions with a stored reason, with a reason in words, and how easily the words read."""
    table, glossary = case.dossier.system.events, case.dossier.system.reasons
    readable = _readable(case) if glossary else not_assessed("P1.2", "reasons_readable", GLOSSARY)
    if not case.has(table, "customer", "time", "reason"):
        awaits = case.lacking(table, "customer", "time", "reason")
        waiting = (not_assessed("P1.2", name, awaits) for name in ("reasons_stored", "reasons_worded"))
        return Outcome((*waiting, readable))
    counted = case.table(table).group_by("reason").aggregate(n=ibis._.count()).to_pyarrow().to_pylist()
    counts = {row["reason"]: int(row["n"]) for row in counted}
    findings = [_stored(case, counts), _worded(case, counts), readable]
    return Outcome(tuple(findings), (_table(case, counts),) if glossary else ())


def _stored(case: Case, counts: Mapping[str | None, int]) -> Finding:
    policy, without, n = case.dossier.policy.explanations.reasons_min, counts.get(None, 0), sum(counts.values())
    return share_finding(
        case,
        "P1.2",
        "reasons_stored",
        n - without,
        n,
        statement=f"{without:,} of {n:,} {case.dossier.system.events} carry no reason.",
        at_least=policy.value,
        unit=f"share of {case.dossier.system.events}",
        action="Store the reason with each decision, when it is made.",
        source=policy.source,
    )


def _worded(case: Case, counts: Mapping[str | None, int]) -> Finding:
    glossary = case.dossier.system.reasons
    if not glossary:
        return not_assessed("P1.2", "reasons_worded", GLOSSARY)
    policy = case.dossier.policy.explanations.reasons_min
    n = sum(count for code, count in counts.items() if code is not None)
    worded = sum(count for code, count in counts.items() if code in glossary)
    unknown = sum(1 for code in counts if code is not None and code not in glossary)
    told = f" {unknown} reason codes have no words." if unknown else ""
    return share_finding(
        case,
        "P1.2",
        "reasons_worded",
        worded,
        n,
        statement=f"For {worded:,} of {n:,} stored reasons there are words to tell the customer.{told}",
        at_least=policy.value,
        unit="share of stored reasons",
        action="Write words for every reason code into system.yaml, under reasons.",
        source=policy.source,
    )


def _readable(case: Case) -> Finding:
    """The language in which the words read hardest, all its reasons together."""
    policy = case.dossier.policy.coverage.notice_readability_min
    texts: dict[str, list[str]] = {}
    for reason in case.dossier.system.reasons.values():
        for language, words in reason.words.items():
            texts.setdefault(language, []).append(words)
    readings = {language: readability.readability("\n\n".join(words), language) for language, words in texts.items()}
    scores = {language: found.score for language, found in readings.items() if found.score is not None}
    left = sorted(set(texts) - set(scores))
    untold = f" No formula judges {', '.join(left)}." if left else ""
    said = {"id": "P1.2.reasons_readable", "requirement": "P1.2", "evidence": "measured", "threshold": policy.value}
    action = "Shorten sentences and words, and have customers try them."
    if not scores:
        return Finding(**said, status="inconclusive", statement=untold.strip(), null_reason="no formula", action=action)
    hardest = min(scores, key=lambda language: scores[language])
    found, score = readings[hardest], scores[hardest]
    status: Status = "not_met" if score < policy.value else "inconclusive" if left else "met"
    return Finding(
        **said,
        status=status,
        statement=f"The reasons read hardest in {hardest}: {score:.0f} on a scale on which 100 is very easy.{untold}",
        value=score,
        unit="reading ease",
        n=found.words,
        method=f"{found.formula}, over the {found.words} words of all reasons",
        source=policy.source,
        action=None if status == "met" else action,
    )


def _table(case: Case, counts: Mapping[str | None, int]) -> Table:
    """The glossary with how often each reason was stored; codes that are not in it are counted and not shown."""
    glossary, total = case.dossier.system.reasons, sum(counts.values())
    known = {code: counts.get(code, 0) for code in glossary}
    rows: list[list[str | int | float | None]] = [
        [code, " / ".join(reason.words.values()), ", ".join(reason.features), known[code], known[code] / max(total, 1)]
        for code, reason in glossary.items()
    ]
    other = total - sum(known.values())
    rows.append([NO_WORDS, "", "", other, other / max(total, 1)])
    shown, hidden = hide_small(rows, n_column=3, counts=(4,), small=case.dossier.policy.records.small_cell.value)
    return Table(
        id="P1.2.reasons",
        title="Reasons that customers are told",
        requirement="P1.2",
        columns=["code", "words", "stands for", case.dossier.system.events, "share"],
        rows=shown,
        hidden=hidden,
    )
