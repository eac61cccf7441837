"""A dossier's files as YAML with a comment on every key and every question above its empty answer."""

from __future__ import annotations

import json
import textwrap
from functools import cache
from pathlib import Path

import jinja2

from ethics_kit import proposal
from ethics_kit.errors import printable
from ethics_kit.framework import catalogue
from ethics_kit.framework.catalogue import KINDS, Kind, Question, Section
from ethics_kit.project import TITLES

HERE = Path(__file__).parent


@cache
def _templates() -> jinja2.Environment:
    """YAML, not HTML: every value goes through `tojson`, which YAML reads as it stands."""
    environment = jinja2.Environment(  # noqa: S701
        loader=jinja2.FileSystemLoader(HERE), undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "comment": _comment,
        "tojson": _quoted_yaml,
        "asked_when": _asked_when,
        "printable": printable,
    }
    return environment


def _quoted_yaml(value: object) -> str:
    """JSON, with what YAML does not take as it stands escaped the way YAML does it."""
    text = json.dumps(value, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in text)


def _comment(text: str) -> str:
    """Text as indented comment lines."""
    return textwrap.fill(" ".join(text.split()), 110, initial_indent="  # ", subsequent_indent="  #   ")


def _asked_when(question: Question, kind: Kind | None, stage: str) -> list[str]:
    """When a question is asked at all, where that is not always."""
    lines = []
    if kind is None and question.kinds != KINDS:
        lines.append(f"Asked of {' and '.join(question.kinds)} systems.")
    if stage != "impact_analysis" and question.from_level != "I":
        lines.append(f"Asked from impact level {question.from_level}.")
    if question.shown_when:
        lines.append(f"Asked where {question.shown_when.question} is {' or '.join(question.shown_when.is_)}.")
    return lines


def stage_yaml(system: str, stage: str, *, kind: Kind | None = None, quick: bool = False) -> str:
    """A stage's file: the questions asked of systems of this kind (of any, where it is not known).

    With `quick` only those of the short questionnaire, and no registers.
    """
    return _stage_yaml(system, stage, _sections(stage, kind, quick=quick), kind, quick=quick)


def questions_yaml(system: str, stage: str, *, kind: Kind, but: set[str]) -> str:
    """As `stage_yaml`, without the questions of `but`."""
    kept = [(s, [q for q in s.questions if q.id not in but]) for s in _sections(stage, kind, quick=False)]
    sections = [s.model_copy(update={"questions": tuple(questions)}) for s, questions in kept if questions]
    return _stage_yaml(system, stage, sections, kind, quick=False)


def _stage_yaml(system: str, stage: str, sections: list[Section], kind: Kind | None, *, quick: bool) -> str:
    template = _templates().get_template("stage.yaml.j2")
    risks = catalogue.risks().values()
    title = TITLES[stage]
    return (
        template.render(
            system=system, stage=stage, title=title, sections=sections, risks=risks, kind=kind, quick=quick
        ).rstrip("\n")
        + "\n"
    )


def _sections(stage: str, kind: Kind | None, *, quick: bool) -> list[Section]:
    """The sections with the questions to ask; without any, a section is left out."""
    found = []
    for section in catalogue.sections(stage):
        asked = tuple(q for q in section.questions if (kind is None or kind in q.kinds) and (q.quick or not quick))
        if asked:
            found.append(section.model_copy(update={"questions": asked}))
    return found


def system_yaml(
    system: str,
    found: proposal.Proposal | None,
    source: str | None,
    *,
    kind: Kind | None = None,
    quick: bool = False,
) -> str:
    """system.yaml with a comment on each key; what a table suggests is marked *proposed*.

    With `quick` the keys that a first look at the table needs, and the mark of a preliminary dossier.
    """
    template = _templates().get_template("system.yaml.j2")
    name = (system[0].upper() + system[1:]).replace("_", " ")
    proposed = found or proposal.Proposal()
    return (
        template.render(
            name=name,
            system=system,
            found=proposed,
            kind=kind or proposed.kind,
            source=source,
            roles=catalogue.tables()["decisions"].roles,
            quick=quick,
        ).rstrip("\n")
        + "\n"
    )
