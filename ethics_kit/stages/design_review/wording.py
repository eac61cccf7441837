"""P1.1: the wording of notices: how easily they read, and whether they link to the explanation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor

from ethics_kit import schema
from ethics_kit.framework import catalogue
from ethics_kit.measures import readability
from ethics_kit.record import Finding, Status, Table
from ethics_kit.stages.case import Case
from ethics_kit.stages.evidence import register_share

Pair = tuple[str, str]
"""A channel and a language."""

READERS = "notice_tested_with_readers"
"""The question whether people read the notices and could say what they mean."""


@dataclass(frozen=True)
class Notice:
    """A notice in force, as customers read it."""

    entry: schema.NoticeText
    content: str
    reading: readability.Reading

    @property
    def name(self) -> str:
        return f"{self.entry.language} ({', '.join(self.entry.channels)})"

    @property
    def link(self) -> bool:
        """Whether the text holds an address that a reader can follow."""
        found = readability.ADDRESS.findall(self.content)
        return any("@" not in address and ("/" in address or address.startswith("www.")) for address in found)

    @property
    def pairs(self) -> set[Pair]:
        language = readability.base_language(self.entry.language)
        return {(channel_of(channel), language) for channel in self.entry.channels}


def channel_of(name: str) -> str:
    """A channel's name as two people would agree on it: case and blanks around it do not matter."""
    return name.strip().casefold()


def easy_to_read(case: Case, notices: Sequence[Notice]) -> list[Finding]:
    """The hardest notice against the limit; what no formula can judge is left to readers who tried it."""
    judged = [n for n in notices if _judged(case, n)]
    left = [n for n in notices if n not in judged]
    tried = case.answer(catalogue.questions(case.stage)[READERS]) == "yes"
    return [_scored(case, judged, left, tried)] if judged or not tried else []


def linked(case: Case, notices: Sequence[Notice]) -> list[Finding]:
    """Where the impact level asks for a link to the explanation, whether each text holds one."""
    level = case.level.holds
    if not link_owed(level):
        return []
    without = [n.name for n in notices if not n.link]
    return [
        register_share(
            case,
            "P1.1",
            "notice_links_to_explanation",
            len(notices) - len(without),
            len(notices),
            statement=f"{len(notices) - len(without)} of {len(notices)} notices hold an address, as level {level} asks"
            + (f"; none in {'; '.join(without)}." if without else "."),
            at_least=1.0,
            unit="share of notices",
            action="Add the address of the explanation to these notices.",
            source=f"levels.yaml, level {level}: {catalogue.levels()[level].notice}",
        )
    ]


def link_owed(level: catalogue.Level) -> bool:
    """Whether the notice that a level asks for links to the explanation."""
    return "with a link" in catalogue.levels()[level].notice


def table(case: Case, notices: Sequence[Notice]) -> Table:
    """The notices in force with what a machine can tell of them."""
    rows: list[list[str | int | float | None]] = []
    for n in notices:
        told = [n.entry.language, ", ".join(n.entry.channels), n.entry.version, n.entry.valid_from.isoformat()]
        score = floor(n.reading.score) if n.reading.score is not None and _judged(case, n) else None
        rows.append([*told, n.reading.words, n.reading.sentences, score, _why(case, n), "yes" if n.link else "no"])
    return Table(
        id="P1.1.notices",
        title="Notices of AI use",
        requirement="P1.1",
        columns=[
            "language",
            "channels",
            "version",
            "since",
            "words",
            "sentences",
            "reading ease",
            "by which formula",
            "address in it",
        ],
        rows=rows,
        note="By machine: whether a text is on file, how long its words and sentences are (100 is easiest), whether it "
        "holds an address. Whether it says that an AI is used, for what, and how to reach a person, somebody attests.",
    )


def _judged(case: Case, notice: Notice) -> bool:
    """Whether there is a formula for the language, and text enough for it."""
    return notice.reading.score is not None and notice.reading.words >= _enough(case)


def _enough(case: Case) -> int:
    return case.dossier.policy.coverage.notice_words_min.value


def _why(case: Case, notice: Notice) -> str:
    if notice.reading.formula is None:
        return "not judged: no formula for this language"
    return notice.reading.formula if _judged(case, notice) else f"not judged: fewer than {_enough(case)} words"


def _scored(case: Case, judged: Sequence[Notice], left: Sequence[Notice], tried: bool) -> Finding:
    limit = case.dossier.policy.coverage.notice_readability_min
    scores = {n.name: n.reading.score or 0.0 for n in judged}
    hard = [f"{name} {score:.0f}" for name, score in scores.items() if score < limit.value]
    status: Status = "not_met" if hard else "met" if tried or not left else "inconclusive"
    actions = ["Use shorter sentences and words, and have readers try the text."] if hard else []
    actions += [] if tried or not left else ["Have readers try the notices that no formula can judge."]
    return Finding(
        id="P1.1.notice_readability",
        requirement="P1.1",
        status=status,
        evidence="measured",
        statement=f"Reading ease: {'; '.join([*_told(scores, hard), *_told_left(case, left, tried)])}.",
        value=min(scores.values(), default=None),
        null_reason=None if scores else "too few words, or no formula for the language",
        unit="points of reading ease, the hardest notice",
        n=len(judged),
        threshold=limit.value,
        method="Flesch's reading ease by language: " + "; ".join(f.name for f in readability.FORMULAS.values()),
        source=limit.source,
        action=" ".join(actions) or None,
    )


def _told(scores: Mapping[str, float], hard: Sequence[str]) -> list[str]:
    if not scores:
        return []
    hardest = min(scores, key=lambda name: scores[name])
    told = [f"the hardest of {len(scores)} judged notices is {hardest}: {scores[hardest]:.1f}"]
    return told + ([f"under the limit: {', '.join(hard)}"] if len(hard) > 1 else [])


def _told_left(case: Case, left: Sequence[Notice], tried: bool) -> list[str]:
    """What no formula judges, and whether people who read it stand in for one."""
    short = [f"{n.name} {n.reading.words} words" for n in left if n.reading.formula]
    strange = [n.name for n in left if not n.reading.formula]
    told = [f"under {_enough(case)} words, too short to judge: {', '.join(short)}"] if short else []
    told += [f"no formula for the language of {', '.join(strange)}"] if strange else []
    return [*told, *(["readers have tried the notices instead"] if tried and left else [])]
