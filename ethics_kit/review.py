"""The review of a record: a log of acts, the state that follows from it, and the sign-off that the impact level asks.

Nothing here writes a file. A log is replayed from its first entry, so that a file written by hand is held to the same
rules as an act of the command or the form; what breaks a rule is an error, and never counts.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from ruamel.yaml.scalarstring import LiteralScalarString

from ethics_kit import yamlfile
from ethics_kit.errors import InputError, Problem, quoted
from ethics_kit.framework import catalogue
from ethics_kit.record import Record
from ethics_kit.schema.fields import mixes_alphabets, same_person
from ethics_kit.schema.review import Act, Decision, Entry, ReviewFile, State
from ethics_kit.yamlfile import EditableFile, YamlFile

FILE = "review.yaml"
SCHEMA = "ethics-kit/review/1"

POSSIBLE: dict[State, tuple[Act, ...]] = {
    "draft": ("submit", "comment", "withdraw", "supersede"),
    "submitted": ("comment", "return", "decide", "withdraw", "supersede"),
    "returned": ("submit", "comment", "withdraw", "supersede"),
    "decided": ("comment", "withdraw", "supersede"),
    "superseded": (),
    "withdrawn": (),
}
"""Which acts each state allows."""

TODO: dict[State, str] = {
    "draft": "submit the record first",
    "submitted": "comment on it, decide or return it",
    "returned": "submit the record again",
}
"""What to do instead of an act that the state does not allow."""

LEADS_TO: dict[Act, State] = {
    "submit": "submitted",
    "return": "returned",
    "withdraw": "withdrawn",
    "supersede": "superseded",
}
"""A comment leaves the state as it is; a decision makes it *decided* once the sign-off is complete."""

NEEDS: dict[Act, tuple[str, ...]] = {
    "submit": (),
    "comment": ("text",),
    "return": ("reason",),
    "decide": ("decision",),
    "withdraw": ("reason",),
    "supersede": ("reason",),
}
MINUTE = ("recorded_by", "minute", "members")
RECORDERS = ("ethics_officer", "committee")
"""Whose keys sign a minute."""
MAY: dict[Act, tuple[str, ...]] = {"comment": ("findings",), "decide": ("reason", "minute_sha256", *MINUTE)}
STRICTEST: tuple[Decision, ...] = ("reject", "approve_with_conditions", "approve")


@dataclass(frozen=True)
class SignOff:
    """Who has decided, by role, since the record was last submitted, and what the level's sign-off still lacks."""

    required: tuple[str, ...]
    given: Mapping[str, Entry]
    analysts: tuple[str, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """The roles that the level asks for and that have not decided."""
        return tuple(role for role in self.required if role not in self.given)

    @property
    def four_eyes(self) -> bool:
        """Whether somebody decided who neither submitted or ran the record nor stated what it rests on."""
        return any(not _among(name, self.analysts) for entry in self.given.values() for name in people(entry))

    @property
    def complete(self) -> bool:
        return not self.missing and self.four_eyes

    @property
    def decision(self) -> Decision | None:
        """The strictest of the decisions given: a rejection by one role is not outvoted."""
        given = [e.decision for e in self.given.values() if e.decision]
        return min(given, key=STRICTEST.index) if given else None

    @property
    def words(self) -> str:
        """How far the sign-off is."""
        done = len(self.required) - len(self.missing)
        told = f"{done} of {len(self.required)} roles have decided"
        if self.missing:
            told += f"; missing: {', '.join(self.missing).replace('_', ' ')}"
        elif not self.four_eyes:
            told += "; only people who made this record approved it, so that a second person is missing"
        return told


@dataclass(frozen=True)
class Review:
    """A record's review as it stands. `entries` are all acts, oldest first."""

    record: Record
    entries: tuple[Entry, ...] = ()
    file: YamlFile | None = field(default=None, repr=False, compare=False)
    state: State = "draft"
    signoff: SignOff = field(default_factory=lambda: SignOff((), {}, ()))

    @property
    def decision(self) -> Decision | None:
        return self.signoff.decision

    @property
    def turned(self) -> Entry | None:
        """The last act that submitted, returned, withdrew or superseded the record."""
        return next((e for e in reversed(self.entries) if e.act in LEADS_TO), None)

    @property
    def agrees(self) -> bool:
        """Whether people decided what the kit recommends."""
        return self.decision == self.record.recommendation.verdict


@dataclass(frozen=True)
class Fault:
    """A rule that an entry breaks."""

    key: str
    found: str
    allowed: str
    todo: str


def people(entry: Entry) -> tuple[str, ...]:
    """Who decided by this entry: for a minute, the members of the committee who were present."""
    return tuple(entry.members) or (entry.by,)


def _among(name: str, others: Sequence[str]) -> bool:
    return any(same_person(name, other) for other in others)


def _makers(record: Record) -> tuple[str, ...]:
    """Who ran the record, and who stated the attested evidence it rests on."""
    authors = [f.author for f in record.findings if f.author and f.evidence == "attested"]
    names = [part.partition(",")[0] for author in authors for part in author.split(";")]
    return tuple(dict.fromkeys(n.strip() for n in (str(record.run.get("by", "")), *names) if n.strip()))


# --- replaying ----------------------------------------------------------------------------------------------------


def replayed(record: Record, entries: Sequence[Entry]) -> tuple[Review, list[list[Fault]]]:
    """The state that follows from `entries`, and the faults of each; a faulty entry changes nothing."""
    makers = _makers(record)
    required = tuple(catalogue.levels()[record.obligations.level].signoff)
    review = Review(record, signoff=SignOff(required, {}, makers))
    faults: list[list[Fault]] = []
    for entry in entries:
        wrong = [*_shape(entry), *_rules(review, entry)]
        faults.append(wrong)
        state, signoff = (review.state, review.signoff) if wrong else _after(review, entry, makers)
        review = Review(record, (*review.entries, entry), state=state, signoff=signoff)
    return review, faults


def _after(review: Review, entry: Entry, makers: tuple[str, ...]) -> tuple[State, SignOff]:
    signoff = review.signoff
    if entry.act == "submit":
        submitters = [e.by for e in review.entries if e.act == "submit"]
        signoff = SignOff(signoff.required, {}, (*makers, *submitters, entry.by))
    elif entry.act == "decide":
        signoff = SignOff(signoff.required, {**signoff.given, catalogue.role_name(entry.role): entry}, signoff.analysts)
        return ("decided" if signoff.complete else "submitted"), signoff
    return LEADS_TO.get(entry.act, review.state), signoff


def _shape(entry: Entry) -> Iterator[Fault]:
    """What an act lacks, or has and does not mean."""
    given = {n for n in Entry.model_fields if n not in ("act", "by", "role", "on") and getattr(entry, n)}
    allowed = (*NEEDS[entry.act], *MAY.get(entry.act, ()))
    for name in NEEDS[entry.act]:
        if name not in given:
            yield Fault(name, "nothing", f"{entry.act} needs a {name}", f"give a {name}")
    for name in sorted(given - set(allowed)):
        takes = f"{entry.act} takes {', '.join(allowed) or 'nothing besides'}"
        yield Fault(name, f"a value for {entry.act}", takes, "leave it out")
    minute = [name for name in MINUTE if name in given]
    if minute and len(minute) < len(MINUTE):
        missing = next(name for name in MINUTE if name not in given)
        todo = "name who wrote it down, the minute, and the members present"
        yield Fault(missing, "nothing", f"{', '.join(MINUTE)} together", todo)


def _rules(review: Review, entry: Entry) -> Iterator[Fault]:
    """What the state of the review, the record and the roles do not allow."""
    possible = POSSIBLE[review.state]
    if entry.act not in possible:
        allowed = ", ".join(possible) or "nothing more"
        todo = TODO.get(review.state, "assess again: a new record has a review of its own")
        yield Fault("act", f"{entry.act} of a record that is {review.state}", allowed, todo)
    if review.entries and entry.on < review.entries[-1].on:
        last = review.entries[-1].on
        yield Fault("on", str(entry.on), f"{last} or later, the day of the last entry", "entries are only ever added")
    for key, name in (
        ("by", entry.by),
        ("recorded_by", entry.recorded_by or ""),
        *(("members", m) for m in entry.members),
    ):
        if mixes_alphabets(name):
            yield Fault(key, quoted(name), "a name with the letters of one alphabet in each word", "type it anew")
    yield from _unknown_findings(review.record, entry)
    if entry.act == "decide":
        yield from _decision_faults(review, entry)


def _unknown_findings(record: Record, entry: Entry) -> Iterator[Fault]:
    known = [f.id for f in record.findings]
    for finding in entry.findings:
        if finding not in known:
            close = difflib.get_close_matches(finding, known, n=1, cutoff=0)
            todo = f"did you mean {close[0]}?" if close else "leave it out"
            yield Fault("findings", quoted(finding), "the id of a finding of this record", todo)


def _decision_faults(review: Review, entry: Entry) -> Iterator[Fault]:
    record, role = review.record, catalogue.role_name(entry.role)
    roles = catalogue.signoff_roles()
    if role not in roles:
        yield Fault("role", quoted(entry.role), ", ".join(roles), "name the role that signs off")
    if role == "owner":
        answering = [str(p["name"]) for p in (record.system.get("owner"), record.system.get("deputy")) if p]
        if not _among(entry.by, answering):
            named = " or ".join(answering) or "nobody: system.yaml names no owner"
            yield Fault("by", quoted(entry.by), f"the system's owner or deputy: {named}", "let one of them decide")
    if entry.members and role != "committee":
        yield Fault("role", quoted(entry.role), "committee, where a minute is recorded", "name the role committee")
    if entry.recorded_by and _among(entry.recorded_by, review.signoff.analysts):
        found, allowed = quoted(entry.recorded_by), "somebody who did not make this record"
        yield Fault("recorded_by", found, allowed, "let an officer write the minute down")
    others = [(r, e) for r, e in review.signoff.given.items() if r != role]
    for other, decided in others:
        again = [name for name in people(entry) if _among(name, people(decided))]
        if len(again) == len(people(entry)):
            taken = other.replace("_", " ")
            yield Fault(
                "by", f"{quoted(again[0])}, who decided as {taken}", "one person, one role", "let another decide"
            )
    verdict = record.recommendation.verdict
    if entry.decision and entry.decision != verdict and not entry.reason:
        found = f"nothing, though {entry.decision} departs from the recommendation {verdict}"
        yield Fault("reason", found, "why the decision departs", "give a reason")


# --- the file -----------------------------------------------------------------------------------------------------


def read(folder: Path, record: Record) -> Review:
    """The review beside `record` in its folder; a draft without entries where there is no file.

    Raises
    ------
    InputError
        The file is not a review of this record, or an entry breaks a rule: every problem with its line.
    """
    path = folder / FILE
    return parsed(path, path.read_bytes() if path.is_file() else None, record)


def parsed(path: Path, content: bytes | None, record: Record) -> Review:
    """As `read`, of the bytes in `path`; None where there is no file."""
    return replayed(record, ())[0] if content is None else _checked(yamlfile.parse(path, content), record)


def _checked(file: YamlFile, record: Record) -> Review:
    model, problems = yamlfile.validate(ReviewFile, file)
    if model is None:
        raise InputError(problems)
    if model.record_id != record.record_id:
        found, allowed = f"the id of another record, {model.record_id[:12]}…", f"{record.record_id[:12]}…"
        todo = "a review belongs to one record; take this file away"
        raise InputError([file.problem(("record_id",), found=found, allowed=allowed, todo=todo)])
    review, faults = replayed(record, model.entries)
    problems = [
        file.problem(("entries", i, fault.key), found=fault.found, allowed=fault.allowed, todo=fault.todo)
        for i, wrong in enumerate(faults)
        for fault in wrong
    ]
    if problems:
        raise InputError(problems)
    return Review(record, review.entries, file, review.state, review.signoff)


def added(
    path: Path, content: bytes | None, record: Record, act: Mapping[str, Any], *, today: date
) -> tuple[bytes, Review]:
    """The `content` of the review's file with one more entry, and the review as it then stands. Nothing is written.

    Raises
    ------
    InputError
        The act is not allowed, lacks something or names what is not there; or the file is not in order.
    """
    before = parsed(path, content, record)
    if content is None:
        file = EditableFile(path, {"schema": SCHEMA, "record_id": record.record_id, "entries": []})
    else:
        file = yamlfile.parse_to_edit(path, content)
    place = len(before.entries)
    given = {k: _in_lines(v) for k, v in act.items() if v not in (None, [])}
    entry, problems = yamlfile.validate(Entry, YamlFile(path, given))
    wrong = [(p.key, p.found, p.allowed, p.todo) for p in problems]
    if entry is not None:
        _, faults = replayed(record, (*before.entries, entry))
        wrong += [(f.key, f.found, f.allowed, f.todo) for f in faults[-1]]
        if entry.on > today:
            wrong.append(("on", str(entry.on), f"{today} or earlier", "enter what was done, not what is planned"))
    if entry is None or wrong:
        raise InputError(Problem(file=path, key=k, found=f, allowed=a, todo=t) for k, f, a, t in wrong)
    fresh = entry.model_dump(exclude_none=True, exclude_defaults=True)
    if not file.data.get("entries"):
        file.data["entries"] = []
    file.data["entries"].append({k: _written(v) for k, v in fresh.items()})
    becomes = file.dumps()
    after = parsed(path, becomes, record)
    kept = after.entries[place]
    todo = "leave out signs that cannot be seen, such as separators of lines; type the text anew"
    lost = [(k, quoted(getattr(entry, k))) for k in Entry.model_fields if getattr(kept, k) != getattr(entry, k)]
    if lost:
        raise InputError(
            Problem(file=path, key=k, found=f, allowed="text that the file keeps as it is", todo=todo) for k, f in lost
        )
    return becomes, after


def _in_lines(value: Any) -> Any:
    """Text with the ends of lines that YAML keeps."""
    return value.replace("\r\n", "\n") if isinstance(value, str) else value


def _written(value: Any) -> Any:
    """Text of several lines as such, so that a person can read the file."""
    return LiteralScalarString(value) if isinstance(value, str) and "\n" in value else value
