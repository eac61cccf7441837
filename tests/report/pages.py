"""A small record's page, for tests of what a page is on paper."""

from pathlib import Path
from typing import Any

import nbformat

from ethics_kit.attestation.proof import Proof
from ethics_kit.report import page
from tests.made import record

SYSTEM = {
    "id": "churn_risk",
    "name": "Churn",
    "kind": "scored",
    "model_version": "3.2",
    "purpose": None,
    "intended_use": None,
    "out_of_scope": [],
    "selection_is": None,
    "owner": None,
    "deputy": None,
    "organisation": "Test organisation",
}
POLICY = {
    "version": "1",
    "confidentiality": "Internal",
    "approved_by": {"name": "Ada Policy", "role": "chair"},
    "approved_on": "2026-01-20",
}
VERSIONS = {"ethics_kit": "0.1.0", "python": "3.11.7"}


def small(*cells: Any, policy: Any = (), system: Any = (), **more: Any) -> str:
    """The page of a record with few findings, and a notebook of `cells`; Markdown where they are text."""
    made = record(policy=POLICY | dict(policy), system=SYSTEM | dict(system), versions=VERSIONS, **more)
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_markdown_cell(c) if isinstance(c, str) else c for c in cells]
    return page.render(notebook, made, Proof({"record.json": "0" * 64}, []))


def written(folder: Path, html: str) -> str:
    """The page's address as a file in `folder`."""
    path = folder / "page.html"
    path.write_text(html, encoding="utf-8")
    return path.as_uri()
