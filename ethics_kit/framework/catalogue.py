"""Loads the framework's YAML files and checks that they agree with one another."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ethics_kit import yamlfile, yamlparse

FOLDER = Path(__file__).parent

Stage = Literal["impact_analysis", "design_review", "bias_testing", "deployment_signoff"]
Kind = Literal["scored", "ranked", "generative", "rules"]
Use = Literal["churn", "health", "triage", "offers", "bot"]
Level = Literal["I", "II", "III", "IV"]
Evidence = Literal["measured", "attested"]
Effect = Literal["met", "not_met", "not_assessed"]
KINDS: tuple[Kind, ...] = ("scored", "ranked", "generative", "rules")
LEVELS: tuple[Level, ...] = ("I", "II", "III", "IV")

Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,60}$")]


class Strict(BaseModel):
    """Unknown keys are errors; values are not changed after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Requirement(Strict):
    """One row of the framework. `stages` says which evidence each stage owes for it."""

    id: Annotated[str, Field(pattern=r"^[PSCGB][0-9](\.[0-9])?$")]
    title: str
    evidence: Literal["measured", "attested", "both"]
    stages: dict[Stage, tuple[Evidence, ...]]
    shows: str


class Choice(Strict):
    """One answer a question offers; `effect` is what choosing it shows about the requirement."""

    value: Identifier
    label: str
    points: int = 0
    effect: Effect = "met"


class Condition(Strict):
    """Holds when `question` has one of the answers `is_`, or has none: silence counts as holding."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    question: Identifier
    is_: tuple[str, ...] = Field(alias="is")


class Question(Strict):
    """One question of a stage's workbook. An id never changes its meaning.

    `scores` names the scale that the choices' points count on. `trigger` marks a legal trigger: a *yes*, or
    no answer, sets impact level III as a floor. `evidence` says whether an answer needs a file or link. A question is
    asked of the `kinds` it names and `from_level` on; `quick` ones make up the short questionnaire.
    """

    id: Identifier
    text: str
    why: str
    source: str | None = None
    guidance: str
    type: Literal["yes_no", "choice", "text", "date"]
    choices: tuple[Choice, ...] = ()
    scores: Literal["raw", "mitigation"] | None = None
    area: str | None = None
    requirement: str | None = None
    evidence: Literal["required", "optional", "none"] = "optional"
    shown_when: Condition | None = None
    kinds: tuple[Kind, ...] = KINDS
    from_level: Level = "I"
    trigger: bool = False
    quick: bool = False

    @property
    def options(self) -> tuple[Choice, ...]:
        """The choices; for a yes/no question without its own, *yes* meets and *no* does not."""
        if self.choices or self.type != "yes_no":
            return self.choices
        return (
            Choice(value="yes", label="Yes", effect="met"),
            Choice(value="no", label="No", effect="not_met"),
        )

    @property
    def max_points(self) -> int:
        return max((c.points for c in self.options), default=0) if self.scores else 0


class Section(Strict):
    """Questions that are shown together, as one form."""

    id: Identifier
    title: str
    intro: str
    questions: tuple[Question, ...]


class LevelDuties(Strict):
    """What an impact level asks for, in words and in the two numbers the gate enforces."""

    notice: str
    explanation: str
    bias_testing: str
    peer_review: str
    human: str
    rollout: str
    signoff: tuple[str, ...]
    review_months: int


class Obligation(Strict):
    """From which level, and for which kinds of system, a requirement is required.

    `measured_kinds` are the kinds that have what its measure counts; of others only the attested half is asked.
    """

    requirement: str
    required_from: Level
    kinds: tuple[Kind, ...] = KINDS
    measured_kinds: tuple[Kind, ...] = KINDS
    condition: Identifier | None = None
    if_not_met: Literal["block", "condition"]
    reason: str


class Contradiction(Strict):
    """Answers that cannot all be true. `when` lists them, `stage` is the one whose record says so.

    A rule may name answers of its own stage and of earlier ones; the dossier holds them all.
    """

    id: Identifier
    stage: Stage
    text: str
    requirement: str
    when: tuple[Condition, ...]


class DpiaCriterion(Strict):
    """A criterion for a data protection impact assessment: it holds when any of the answers was given."""

    id: Identifier
    text: str
    any_of: Annotated[tuple[Condition, ...], Field(min_length=1)]
    example: str
    source: str


class NamedCondition(Strict):
    """A condition that obligations refer to by id, decided by one answer of the impact analysis."""

    id: Identifier
    text: str
    question: Identifier
    holds_when: tuple[str, ...]


class Risk(Strict):
    """A risk of the library. `uses` are the customer-success uses it applies to.

    `likelihood` and `severity` (1 to 5) are typical values before anything is done, `because` says why; `treatments`
    are what others do about it.
    """

    id: Annotated[str, Field(pattern=r"^R[0-9]+$")]
    title: str
    cause: str
    harmed: str
    sign: str
    uses: tuple[Use, ...]
    likelihood: Annotated[int, Field(ge=1, le=5)]
    severity: Annotated[int, Field(ge=1, le=5)]
    because: str
    treatments: Annotated[tuple[str, ...], Field(min_length=2, max_length=4)]
    source: str


class Role(Strict):
    """One column a table may have, by the part it plays; `result_of` lists the uses whose groups it has to compare."""

    type: Literal["id", "text", "time", "number", "flag"]
    required: bool = False
    minimum: float | None = None
    result_of: list[Use] = []
    about: str


class Table(Strict):
    """A table a dossier may name: what a row is, and its columns by role. A `snapshot` may be of one day."""

    about: str
    snapshot: bool = False
    roles: dict[Identifier, Role]


class FieldWords(Strict):
    """What a field of a register is called, and a hint how to fill it in."""

    label: str
    help: str = ""


class RegisterWords(Strict):
    """A table of a stage's file: where its rows lie, and what it and its fields are called; `one` is one row.

    `signed`: beside the list stands who keeps it, and since when it is as it is. `signs`: the name and date in
    a row are those of whoever enters it.
    """

    id: Identifier
    path: str
    title: str
    one: str
    intro: str
    signed: bool = False
    signs: bool = True
    fields: dict[str, FieldWords] = {}


class Standard(Strict):
    """A law or standard whose applicability each system settles; `short` is how a table names it."""

    id: Identifier
    short: str
    title: str
    kind: str


def _read(name: str) -> Any:
    return yamlfile.plain(yamlparse.read((FOLDER / name).read_text(encoding="utf-8")))


@cache
def requirements() -> dict[str, Requirement]:
    """All 54 requirements by id, in the framework's order."""
    return {row["id"]: Requirement.model_validate(row) for row in _read("requirements.yaml")}


@cache
def stage_requirements(stage: str) -> dict[str, tuple[Evidence, ...]]:
    """The requirements a stage serves, with the evidence it owes for each."""
    return {r.id: r.stages[stage] for r in requirements().values() if stage in r.stages}


@cache
def sections(stage: str) -> tuple[Section, ...]:
    """The questionnaire of a stage."""
    return tuple(Section.model_validate(s) for s in _read(f"questionnaires/{stage}.yaml"))


@cache
def questions(stage: str) -> dict[str, Question]:
    """The questions of a stage by id."""
    return {q.id: q for s in sections(stage) for q in s.questions}


@cache
def levels() -> dict[Level, LevelDuties]:
    """What each impact level asks for."""
    return {level: LevelDuties.model_validate(row) for level, row in _read("levels.yaml").items()}


@cache
def signoff_roles() -> tuple[str, ...]:
    """The roles that sign off at any level."""
    return tuple(dict.fromkeys(role for level in levels().values() for role in level.signoff))


def role_name(words: str) -> str:
    """A role as levels.yaml writes it: ``Ethics Officer`` is ``ethics_officer``."""
    return "_".join(words.replace("-", " ").replace("_", " ").casefold().split())


@cache
def obligations() -> dict[str, Obligation]:
    """One obligation per requirement."""
    return {row["requirement"]: Obligation.model_validate(row) for row in _read("obligations.yaml")["obligations"]}


@cache
def conditions() -> dict[str, NamedCondition]:
    """The conditions that obligations depend on."""
    return {row["id"]: NamedCondition.model_validate(row) for row in _read("obligations.yaml")["conditions"]}


@cache
def contradictions() -> tuple[Contradiction, ...]:
    """Answers that cannot all be true."""
    return tuple(Contradiction.model_validate(row) for row in _read("contradictions.yaml"))


@cache
def dpia_criteria() -> tuple[DpiaCriterion, ...]:
    """The nine criteria of WP248 rev.01 (4 Oct 2017), in their order."""
    return tuple(DpiaCriterion.model_validate(row) for row in _read("dpia_criteria.yaml"))


@cache
def risks() -> dict[str, Risk]:
    """The risk library for customer success."""
    return {row["id"]: Risk.model_validate(row) for row in _read("risks.yaml")}


@cache
def registers() -> tuple[RegisterWords, ...]:
    """The tables of the stages' files."""
    return tuple(RegisterWords.model_validate(row) for row in _read("registers.yaml"))


@cache
def tables() -> dict[str, Table]:
    """The tables a dossier may name."""
    return {name: Table.model_validate(row) for name, row in _read("tables.yaml").items()}


@cache
def results() -> dict[str, Role]:
    """What comes of a decision, by role of the decisions table, with the uses that have to compare it."""
    return {name: role for name, role in tables()["decisions"].roles.items() if role.result_of}


@cache
def standards() -> dict[str, Standard]:
    """The laws and standards whose applicability each system settles."""
    return {row["id"]: Standard.model_validate(row) for row in _read("standards.yaml")}


@cache
def not_applicable_reasons() -> dict[str, str]:
    """Why a requirement may be declared not applicable."""
    return {row["id"]: row["text"] for row in _read("not_applicable.yaml")}


def problems() -> list[str]:
    """Where the framework's files disagree; empty when they are whole."""
    from ethics_kit.framework import conditions as conditions_checked
    from ethics_kit.framework import glossary
    from ethics_kit.project import STAGES

    found = []
    rows = requirements()
    if set(levels()) != set(LEVELS) or not (risks() and tables() and standards() and not_applicable_reasons()):
        found.append("levels, risks, tables or not_applicable: incomplete")
    if set(obligations()) != set(rows):
        found.append(f"obligations and requirements differ: {sorted(set(obligations()) ^ set(rows))}")
    for row in rows.values():
        owed = {e for evidence in row.stages.values() for e in evidence}
        needed = {"measured", "attested"} if row.evidence == "both" else {row.evidence}
        if owed != needed:
            found.append(f"{row.id}: the stages owe {sorted(owed)}, the row says {row.evidence}")
    found += [
        f"{o.requirement}: no condition {o.condition}"
        for o in obligations().values()
        if o.condition and o.condition not in conditions()
    ]
    first_stage = questions("impact_analysis")
    for condition in conditions().values():
        question = first_stage.get(condition.question)
        if question is None:
            found.append(f"condition {condition.id}: impact_analysis has no question {condition.question}")
        elif not set(condition.holds_when) <= {c.value for c in question.options}:
            found.append(f"condition {condition.id}: {condition.question} has no such answer")
    ids = Counter(q.id for stage in STAGES for s in sections(stage) for q in s.questions)
    found += [f"question {name} stands {count} times" for name, count in ids.items() if count > 1]
    for stage in STAGES:
        found += _questionnaire_problems(stage)
    return found + conditions_checked.problems() + glossary.problems()


def _questionnaire_problems(stage: str) -> list[str]:
    found = []
    served = {
        q.requirement
        for q in questions(stage).values()
        if not q.shown_when and set(q.kinds) == set(KINDS) and q.from_level == "I"
    }
    for requirement, evidence in stage_requirements(stage).items():
        if "attested" in evidence and requirement not in served:
            found.append(f"{stage}: {requirement} is attested, but no question that is always shown serves it")
    seen: set[str] = set()
    for question in questions(stage).values():
        where = f"{stage}.{question.id}"
        if question.requirement and "attested" not in stage_requirements(stage).get(question.requirement, ()):
            found.append(f"{where}: {stage} owes no attested evidence for {question.requirement}")
        if question.type == "choice" and len(question.choices) < 2:
            found.append(f"{where}: fewer than two choices")
        if question.scores and not question.max_points:
            found.append(f"{where}: scores, but no choice has points")
        if any(c.points for c in question.options) and not question.scores:
            found.append(f"{where}: has points, but does not say what they score")
        parent = questions(stage).get(question.shown_when.question) if question.shown_when else None
        if question.shown_when and question.shown_when.question not in seen:
            found.append(f"{where}: shown_when names no earlier question")
        if parent and question.shown_when and not set(question.shown_when.is_) <= {c.value for c in parent.options}:
            found.append(f"{where}: shown_when names an answer that {parent.id} does not offer")
        seen.add(question.id)
    return found
