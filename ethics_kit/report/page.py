"""A record's page: its verdict first, then the notebook's prose and outputs, code left out."""

from __future__ import annotations

from ethics_kit import light  # noqa: F401

# isort: split

from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, Any

from nbconvert.exporters.templateexporter import TemplateExporter

from ethics_kit import languages
from ethics_kit.attestation.identities import Reviewed
from ethics_kit.attestation.proof import Proof
from ethics_kit.framework import catalogue
from ethics_kit.recommendation import worst_first
from ethics_kit.record import IN_THE_WAY, SINCE_LAST, Record
from ethics_kit.report import commands, html
from ethics_kit.report.first import first
from ethics_kit.report.marked import Part, parts_of
from ethics_kit.review import replayed
from ethics_kit.schema.review import Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import date

    from nbformat import NotebookNode

SETTLED = ("met", "not_applicable")


class RecordExporter(TemplateExporter):
    """nbconvert with the kit's own template, in a language; nothing of nbconvert's pages is inherited."""

    def __init__(self, language: object) -> None:
        self.language = language
        super().__init__()  # type: ignore[no-untyped-call]

    def _template_name_default(self) -> str:
        return "."

    @property
    def template_paths(self) -> list[str]:  # type: ignore[override]
        return [str(html.TEMPLATES)]

    def _template_file_default(self) -> str:
        return "record.html.j2"

    def _create_environment(self) -> Any:
        return html.furnish(super()._create_environment(), self.language)  # type: ignore[no-untyped-call]


@cache
def _exporter(language: str) -> RecordExporter:
    """One for all pages in a language: its templates are compiled once."""
    return RecordExporter(language)


def render(notebook: NotebookNode, record: Record, proof: Proof, reviewed: Reviewed | None = None) -> str:
    """The page of an executed notebook and the record it left, with what proves them and what people made of them.

    Without `reviewed`, nobody has reviewed the record yet.
    """
    reviewed = reviewed or Reviewed(replayed(record, ())[0])
    required = {d.requirement for d in record.obligations.required}
    ranked = worst_first(record.findings, record.recommendation.blocking)
    counting = [f for f in ranked if f.requirement in required]
    settled = [f for f in record.findings if f.requirement in required and f.status in SETTLED]
    since = next((t for t in record.tables if t.id == SINCE_LAST), None)
    named = parts_of(record)
    duties = catalogue.levels()[record.obligations.level].model_dump()
    resources = {
        "record": record,
        "proof": proof,
        "reviewed": reviewed,
        "comments": _comments(reviewed),
        "in_the_way": next((t for t in record.tables if t.id == IN_THE_WAY), None),
        "besides": [i for i in record.recommendation.missing if i not in {f.id for f in record.findings}],
        "unsigned_roles": proof.missing(catalogue.levels()[record.obligations.level].signoff),
        "commands": [(s, commands.of_signature(s)) for s in proof.signatures],
        "digest_commands": commands.of_files(proof),
        "rerun": commands.of_rerun(record),
        "waived": [f for f in record.findings if f.waiver],
        "named": named,
        "since": since,
        "shows_changes": since is not None and any(p.table is since for p in _shown(notebook, named)),
        "first": first(record, reviewed.review),
        "open": [f for f in counting if f.status not in SETTLED],
        "settled": [(name, list(same)) for name, same in groupby(settled, key=lambda f: f.requirement)],
        "places": {f.requirement: f.id for f in reversed(ranked)},
        "sources": _sources(record),
        "methods": list(dict.fromkeys(f.method for f in ranked if f.method)),
        "informative": [f for f in ranked if f.requirement not in required],
        "duties": {
            k.replace("_", " "): ", ".join(v).replace("_", " ") if isinstance(v, tuple | list) else v
            for k, v in duties.items()
        },
    }
    exporter = _exporter(languages.language(record.policy.get("language")).code)
    return html.lean(exporter.template.render(nb=notebook, resources=resources).lstrip())


def _shown(notebook: NotebookNode, named: Callable[[Mapping[str, Any]], Part | None]) -> Iterator[Part]:
    """The parts of the record that the notebook's outputs stand for."""
    for cell in notebook.cells:
        parts = (named(output.get("data", {})) for output in cell.get("outputs", ()))
        yield from (part for part in parts if part)


def _sources(record: Record) -> dict[str, list[str]]:
    """Where the limits of measured findings come from, and for which requirements."""
    found: dict[str, list[str]] = {}
    for finding in record.findings:
        if finding.source and finding.evidence == "measured":
            found.setdefault(finding.source, []).append(finding.requirement)
    return {source: list(dict.fromkeys(requirements)) for source, requirements in found.items()}


def _comments(reviewed: Reviewed) -> dict[str, list[tuple[Entry, str]]]:
    """The comments of a review, with how sure it is whose they are, by the id of the finding they cite."""
    found: dict[str, list[tuple[Entry, str]]] = {}
    for entry, identity in reviewed.entries:
        for finding in dict.fromkeys(entry.findings):
            found.setdefault(finding, []).append((entry, identity))
    return found


def render_failure(
    *, system: str, stage: str, as_of: date, reason: str, ran: int, cells: int, language: object = languages.SOURCE
) -> str:
    """The page of an assessment that could not be finished."""
    template = html.environment(language).get_template("failure.html.j2")
    return template.render(system=system, stage=stage, as_of=as_of.isoformat(), reason=reason, ran=ran, cells=cells)
