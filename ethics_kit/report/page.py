"""A record's page: its verdict first, then the notebook's prose and outputs, code left out."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from nbconvert.exporters.templateexporter import TemplateExporter

from ethics_kit.attestation.proof import Proof
from ethics_kit.framework import catalogue
from ethics_kit.record import Record
from ethics_kit.report import commands, html

if TYPE_CHECKING:
    from datetime import date

    from nbformat import NotebookNode

WORST_SHOWN = 3


class RecordExporter(TemplateExporter):
    """nbconvert with the kit's own template; nothing of nbconvert's pages is inherited."""

    def _template_name_default(self) -> str:
        return "."

    @property
    def template_paths(self) -> list[str]:  # type: ignore[override]
        return [str(html.TEMPLATES)]

    def _template_file_default(self) -> str:
        return "record.html.j2"

    def _create_environment(self) -> Any:
        return html.furnish(super()._create_environment())  # type: ignore[no-untyped-call]


def render(notebook: NotebookNode, record: Record, proof: Proof) -> str:
    """The page of an executed notebook and the record it left, with what proves them."""
    required = {d.requirement for d in record.obligations.duties if d.weight == "required"}
    counting = [f for f in record.findings if f.requirement in required]
    worst = [f for f in html.worst_first(counting) if f.status not in ("met", "not_applicable")]
    statuses: Counter[str] = Counter(f.status for f in record.findings)
    duties = catalogue.levels()[record.obligations.level].model_dump()
    resources = {
        "record": record,
        "proof": proof,
        "unsigned_roles": proof.missing(catalogue.levels()[record.obligations.level].signoff),
        "commands": [(s, commands.of_signature(s)) for s in proof.signatures],
        "digest_commands": commands.of_files(proof),
        "counts": {s: statuses[s] for s in html.STATUS_WORDS if statuses[s]},
        "worst": worst[:WORST_SHOWN],
        "required": counting,
        "informative": [f for f in record.findings if f.requirement not in required],
        "duties": {
            k.replace("_", " "): ", ".join(v).replace("_", " ") if isinstance(v, tuple | list) else v
            for k, v in duties.items()
        },
    }
    page, _ = RecordExporter().from_notebook_node(notebook, resources=resources)
    return page


def render_failure(*, system: str, stage: str, as_of: date, reason: str, ran: int, cells: int) -> str:
    """The page of an assessment that could not be finished."""
    template = html.environment().get_template("failure.html.j2")
    return template.render(system=system, stage=stage, as_of=as_of.isoformat(), reason=reason, ran=ran, cells=cells)
