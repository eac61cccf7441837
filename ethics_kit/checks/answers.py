"""Problems in the answers: unknown questions, answers that are no choice, missing evidence, risks named twice."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from ethics_kit import schema
from ethics_kit.checks.references import ADDRESS, override_problems, resolved
from ethics_kit.errors import Problem, printable, quoted
from ethics_kit.framework import catalogue
from ethics_kit.project import STAGES

if TYPE_CHECKING:
    from ethics_kit.dossier import Dossier
    from ethics_kit.yamlfile import Key, YamlFile

LINK = re.compile(r"https://[^\s<>\"']+\Z")
SECRET = re.compile(r"(?i).*(signature|token|password|secret)|sig|pwd|(api[_-]?)?key")
"""Keys of a link that open what it leads to for everybody who reads the report."""


def problems(dossier: Dossier) -> list[Problem]:
    """Unknown questions, answers that are no choice, missing evidence, risks named twice."""
    return [*_answer_problems(dossier), *_register_problems(dossier), *_balancing_problems(dossier)]


def _answer_problems(dossier: Dossier) -> Iterator[Problem]:
    everywhere = {q: question for stage in STAGES for q, question in catalogue.questions(stage).items()}
    for q, answer in dossier.organisation.answers.items():
        yield from _one_answer(dossier.files["organisation"], everywhere, q, answer, dossier.project.parameters)
    for stage in STAGES:
        known = catalogue.questions(stage)
        for q, answer in dossier.stages[stage].answers.items():
            file = dossier.files[stage]
            yield from _one_answer(file, known, q, answer, dossier.folder)
            if q in known:
                yield from override_problems(
                    file,
                    ("answers", q),
                    answer.override_reason,
                    overrides=answer.given and q in dossier.organisation.answers,
                    what="answer",
                )


def _one_answer(
    file: YamlFile, known: dict[str, catalogue.Question], q: str, answer: schema.Answer, folder: Path
) -> Iterator[Problem]:
    key: Key = ("answers", q)
    question = known.get(q)
    if question is None:
        close = difflib.get_close_matches(q, known, n=1, cutoff=0.6)
        todo = f"did you mean {close[0]}?" if close else "remove it, or move it to the stage that asks it"
        yield file.problem(key, found="a question nobody asks", allowed="ids of the questionnaire", todo=todo)
        return
    value = answer.value
    if value is not None and question.options and value not in {c.value for c in question.options}:
        yield file.problem(
            (*key, "value"),
            found=quoted(value),
            allowed=", ".join(c.value for c in question.options),
            todo="choose one of these",
        )
    if value is not None and question.type == "date" and not isinstance(value, date):
        allowed = "a date such as 2026-10-31"
        yield file.problem((*key, "value"), found=quoted(value), allowed=allowed, todo="write it so, without quotes")
    yield from evidence_problems(file, (*key, "evidence"), answer.evidence, folder)


def _balancing_problems(dossier: Dossier) -> Iterator[Problem]:
    for index, basis in enumerate(dossier.system.lawful_bases):
        if basis.balancing_test:
            key: Key = ("lawful_bases", index, "balancing_test", "evidence")
            yield from evidence_problems(dossier.files["system"], key, basis.balancing_test.evidence, dossier.folder)


def evidence_problems(file: YamlFile, key: Key, evidence: str | None, folder: Path) -> Iterator[Problem]:
    """Evidence is a web link that gives nothing away, or a file in the dossier's own folder that says something."""
    if evidence is None:
        return
    if LINK.match(evidence):
        if _gives_away(evidence):
            yield file.problem(
                key,
                found="a link with a password, key or signature in it",
                allowed="an https:// link that asks its reader to sign in",
                todo="link the document itself, and have what was written here revoked",
            )
        return
    allowed = "an https:// link, or a file in the folder of this YAML file"
    real = None if ADDRESS.match(evidence) else resolved(folder / evidence)
    if real is None or not real.is_relative_to(folder.resolve()):
        yield file.problem(
            key,
            found=quoted(evidence),
            allowed=allowed,
            todo="put the document beside the dossier, or link it",
        )
    elif not real.is_file():
        todo = "put the document there, or correct the name"
        yield file.problem(key, found=f"no file {printable(evidence)}", allowed=allowed, todo=todo)
    elif real.name in {f"{name}.yaml" for name in schema.FILES}:
        todo = "name the document the answer rests on"
        yield file.problem(key, found=f"{printable(evidence)}, which only claims", allowed=allowed, todo=todo)
    elif not real.stat().st_size:
        yield file.problem(key, found=f"an empty file {printable(evidence)}", allowed=allowed, todo="fill it in")


def _gives_away(link: str) -> bool:
    """Whether a link holds credentials, or is too odd to tell."""
    try:
        parts = urlsplit(link)
    except ValueError:
        return True
    keys = [k for part in (parts.query, parts.fragment) for k, _ in parse_qsl(part.replace(";", "&"), True)]
    return "@" in parts.netloc or any(SECRET.fullmatch(k) for k in keys)


def _register_problems(dossier: Dossier) -> Iterator[Problem]:
    file = dossier.files["impact_analysis"]
    impact = dossier.stage(schema.ImpactAnalysis)
    for name, standard in impact.standards.items():
        shared = name in dossier.organisation.standards
        key: Key = ("standards", name)
        yield from override_problems(file, key, standard.override_reason, overrides=shared, what="standard")
    lists = {
        "risks": [r.id for r in impact.risks],
        "risks_ruled_out": [r.id for r in impact.risks_ruled_out],
        "stakeholders": [s.group for s in impact.stakeholders],
    }
    for name, ids in lists.items():
        for repeated in (i for i, count in Counter(ids).items() if count > 1):
            key = (name, len(ids) - 1 - ids[::-1].index(repeated))
            yield file.problem(
                key, found=f"{repeated} a second time", allowed="each id once", todo="merge the two rows"
            )
    for name in ("risks", "risks_ruled_out"):
        for index, risk in enumerate(lists[name]):
            if risk.startswith("R") and risk not in catalogue.risks():
                yield file.problem(
                    (name, index, "id"),
                    found=quoted(risk),
                    allowed=f"R1 to R{len(catalogue.risks())}, or X1, X2 … for the system's own",
                    todo="use the library's id, or an own one",
                )
    for index, risk in enumerate(lists["risks_ruled_out"]):
        if risk in lists["risks"]:
            yield file.problem(
                ("risks_ruled_out", index),
                found=f"{risk}, which is also registered",
                allowed="a risk is either registered or ruled out",
                todo="remove one of the two",
            )
