"""Finding, Recommendation and Record: what a stage leaves behind, and the only link between stages.

`record.json` is canonical JSON (RFC 8785). `record_id` is the sha256 of that form without `run` and `record_id`. The
recommendation follows from the record alone: `recommendation.recommend` computes it, and anyone can compute it again.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import rfc8785
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from ethics_kit import disk
from ethics_kit.disk import Odd
from ethics_kit.framework import catalogue
from ethics_kit.framework.catalogue import Evidence, Kind, Level, Stage
from ethics_kit.schema import Verdict
from ethics_kit.schema.review import Decision, State

SCHEMA = "ethics-kit/record/1"
LARGEST = 100_000_000
FOREIGN, CHANGED = "record.json is not a record of this kit", "record.json was changed after it was written"
"""Why a file is not read whose fields are not those of a record, or not as they are written."""
PRELIMINARY = "preliminary dossier"
"""What a recommendation misses while only the short questionnaire was asked."""

IN_THE_WAY, WAIVERS = "G3.in_the_way", "G3.waivers"
"""The tables of the gate: what blocks, is missing or conditions, over all stages; and every waiver."""

SINCE_LAST = "S4.4.since_last"
"""The table of what a record says of itself against the last one; its note is one sentence for page one."""

IN_DATABASE = re.compile(r"(?!outside:|root[0-9]*:)[a-z][a-z0-9_]*:[^/]")
"""How the address of a table of a database begins."""

EARLIER = "earlier record"
"""The role of an input that is a record of before; its address is from the reports folder."""

ITS_RECORD = "its record"
"""What the first of them names instead of a finding where a whole record stands in the way."""

Status = Literal["met", "not_met", "inconclusive", "not_assessed", "not_applicable"]
WORST_FIRST: tuple[Verdict, ...] = ("reject", "undetermined", "approve_with_conditions", "approve")
WEAKEST: tuple[Status, ...] = ("not_met", "not_assessed", "inconclusive", "met", "not_applicable")


def number(value: float | int | None) -> float | int | None:
    """A number as a record holds it: NaN and infinity are null, floats have ten significant digits.

    So have integers of 2**53 and more, which canonical JSON cannot hold. It writes 0.0 as 0: a whole number is one here
    too, so that a record says of itself what it says when it is read back.
    """
    if value is None or (isinstance(value, int) and abs(value) < 2**53):
        return value
    value = float(value)
    if not math.isfinite(value):
        return None
    value = float(f"{value:.10g}")
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


Number = Annotated[float | int | None, AfterValidator(number)]


class Part(BaseModel):
    """Unknown keys are errors; values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Interval(Part):
    """A confidence interval; `level` is its coverage, 0 to 1."""

    low: Number
    high: Number
    level: float


class Waived(Part):
    """Who accepts a finding, why and until when."""

    by: str
    role: str
    reason: str
    on: date
    until: date


class Finding(Part):
    """What one piece of evidence shows about one requirement."""

    id: Annotated[str, Field(pattern=r"^[PSCGB][0-9](\.[0-9])?(\.[A-Za-z0-9_]+)+$")]
    requirement: str
    status: Status
    evidence: Evidence
    statement: str
    value: Number = None
    null_reason: str | None = None
    unit: str | None = None
    interval: Interval | None = None
    n: int | None = None
    threshold: Number = None
    method: str | None = None
    source: str | None = None
    action: str | None = None
    owner: str | None = None
    due: date | None = None
    waiver: Waived | None = None
    author: str | None = None
    stated_on: date | None = None
    inherited: bool = False

    @model_validator(mode="after")
    def _null_has_a_reason(self) -> Finding:
        if self.value is None and self.null_reason is None and self.evidence == "measured":
            raise ValueError(f"{self.id}: a measured finding without a value says why (null_reason)")
        if not self.id.startswith(f"{self.requirement}."):
            raise ValueError(f"{self.id}: does not begin with its requirement {self.requirement}")
        return self


class Input(Part):
    """A file, or a table of a database, that the record rests on. Rows and the days they span (up to the as-of date)
    are for tables.
    """

    role: str
    address: str
    sha256: str
    rows: int | None = None
    rows_after_as_of: int | None = None
    first_day: date | None = None
    last_day: date | None = None
    inherited: bool = False

    @property
    def in_database(self) -> bool:
        """Whether it is a table of a database: its address is the policy's name of that, and the table there."""
        return self.role.startswith("table ") and IN_DATABASE.match(self.address) is not None


class Upstream(Part):
    """An earlier stage's record as this stage found it.

    `use`: the level is taken from it, it counts in the gate, or its findings are only read. `recommendation` is what
    follows from it on this stage's day; `lapsed` says that it was better on its own, before a waiver ended or the date
    of an action passed. `review` and `decision` are people's.
    """

    stage: Stage
    use: Literal["level", "gate", "read"]
    status: Literal["ok", "missing", "failed", "altered", "stale", "other_model"]
    record_id: str | None = None
    as_of: date | None = None
    model_version: str | None = None
    recommendation: Verdict | None = None
    lapsed: bool = False
    review: State | Literal["unreadable"] | None = None
    decision: Decision | None = None


UPSTREAM_WORDS = {
    "ok": "in order",
    "missing": "there is no record",
    "failed": "its last run failed",
    "altered": "its record was altered or is gone",
    "stale": "its record is older than the policy allows",
    "other_model": "its record names another kind or version of the model, or one of the two names no version",
}

REVIEW_WORDS = {
    "returned": "people returned it to its analyst",
    "superseded": "people entered that another record takes its place",
    "withdrawn": "people withdrew it",
    "unreadable": "its review.yaml is not in order",
}
"""The states of a review in which an earlier record carries nothing."""


class LevelResult(Part):
    """The impact level; `holds` is the one whose obligations hold, the worst case of what is unanswered."""

    value: Literal["I", "II", "III", "IV", "undetermined"]
    holds: Level
    best: Level
    worst: Level
    floor: Level | None = None
    reasons: list[str] = []
    unanswered: int = 0
    points: dict[str, int] = {}


class Duty(Part):
    """What the impact level and kind of system make of one requirement in this stage."""

    requirement: str
    weight: Literal["required", "informative", "excluded"]
    needs: tuple[Evidence, ...]
    if_not_met: Literal["block", "condition"]
    reason: str


class Obligations(Part):
    """The duties of this stage, and what they rest on: the level, the conditions and an approved policy.

    A `preliminary` dossier was asked the short questionnaire only, so that nothing is approved on it.
    """

    level: Level
    kind: Kind
    conditions: dict[str, Literal["holds", "does_not_hold", "unanswered"]]
    policy_approved: bool = True
    preliminary: bool = False
    duties: list[Duty]

    @property
    def required(self) -> list[Duty]:
        """The duties that count for the recommendation."""
        return [duty for duty in self.duties if duty.weight == "required"]


class Recommendation(Part):
    """The kit's own conclusion; the decision is a person's."""

    verdict: Verdict
    reason: str
    blocking: list[str] = []
    conditions: list[str] = []
    missing: list[str] = []
    not_applicable: list[str] = []


class Table(Part):
    """Aggregates behind the findings. `hidden` counts cells that the policy's small-cell rule withholds."""

    id: str
    title: str
    requirement: str
    columns: list[str]
    rows: list[list[str | int | Number]]
    hidden: int = 0
    note: str | None = None


class Record(Part):
    """One stage of one system as of one day."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    schema_: str = Field(default=SCHEMA, alias="schema", pattern=f"^{SCHEMA}$")
    record_id: str = ""
    system: dict[str, Any]
    stage: Stage
    as_of: date
    level: LevelResult
    policy: dict[str, Any]
    inputs: list[Input]
    upstream: list[Upstream]
    parameters: dict[str, Any]
    tables: list[Table]
    findings: list[Finding]
    obligations: Obligations
    recommendation: Recommendation
    versions: dict[str, str]
    run: dict[str, Any] = {}

    @field_validator("system")
    @classmethod
    def _named(cls, system: dict[str, Any]) -> dict[str, Any]:
        if not all(isinstance(system.get(key), str) and system[key] for key in ("id", "name")):
            raise ValueError("a system has an id and a name")
        return system

    def sealed(self) -> Record:
        """The record with its id."""
        return self.model_copy(update={"record_id": self.digest()})

    def digest(self) -> str:
        """The sha256 that `record_id` has to be."""
        return _digest(self._members())

    def to_bytes(self) -> bytes:
        """`record.json`, canonical."""
        return _joined(self._members())

    def as_written(self, content: bytes) -> bool:
        """Whether `content` is this record, canonical, with the id that follows from it."""
        members = self._members()
        return _digest(members) == self.record_id and _joined(members) == content

    def _members(self) -> dict[str, bytes]:
        """The members of `record.json`, each in canonical JSON, in the order of their names (in ASCII)."""
        plain = self.model_dump(mode="json", by_alias=True)
        return {name: rfc8785.dumps(plain[name]) for name in sorted(plain)}

    @property
    def folder_name(self) -> str:
        return f"{self.as_of.isoformat()}_{self.record_id[:12]}"


def _digest(members: Mapping[str, bytes]) -> str:
    own = {name: value for name, value in members.items() if name not in ("run", "record_id")}
    return hashlib.sha256(_joined(own)).hexdigest()


def _joined(members: Mapping[str, bytes]) -> bytes:
    return b"{" + b",".join(b'"%b":%b' % (name.encode(), value) for name, value in members.items()) + b"}"


def read_record(path: Path) -> tuple[Record | None, str]:
    """The record in `path` and an empty string, or None and why it cannot be trusted."""
    try:
        content = disk.content(path, LARGEST)
    except ValueError:
        return None, FOREIGN
    return (None, f"record.json {content.why}") if isinstance(content, Odd) else _checked(content)


@lru_cache(maxsize=8)
def _checked(content: bytes) -> tuple[Record | None, str]:
    """As `read_record`, from the file's bytes, on which alone it hangs: a stage reads the same few more than once."""
    from ethics_kit.recommendation import recommend  # rests on the models of this module

    try:
        record = Record.model_validate_json(content)
        unchanged = record.as_written(content)
    except (ValidationError, ValueError, RecursionError):
        return None, FOREIGN
    if not unchanged:
        return None, CHANGED
    if set(catalogue.stage_requirements(record.stage)) - {d.requirement for d in record.obligations.duties}:
        return None, "requirements of the stage are left out of its obligations"
    if recommend(record.findings, record.obligations, record.upstream, record.as_of) != record.recommendation:
        return None, "the recommendation does not follow from the findings"
    return record, ""


def sealed(content: bytes) -> bool:
    """Whether `content` is canonical and has the id that follows from it, whatever fields its version of the kit knew.

    Nothing else in it is looked at: it is no record that counts.
    """
    try:
        body = json.loads(content)
        canonical = rfc8785.dumps(body) == content
        del body["run"]
        claimed = body.pop("record_id")
        return canonical and hashlib.sha256(rfc8785.dumps(body)).hexdigest() == claimed
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, rfc8785.CanonicalizationError):
        return False


def file_sha256(path: Path) -> str:
    """The sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
