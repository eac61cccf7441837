"""A project with signers, records published into it without a kernel, and a check of chains that shares no code."""

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import nbformat
import pytest
from securesystemslib.signer import CryptoSigner

from ethics_kit import archive, review
from ethics_kit.attestation import keys, statement
from ethics_kit.attestation.folder import publish
from ethics_kit.attestation.proof import Proof
from ethics_kit.framework.catalogue import stage_requirements
from ethics_kit.project import Project
from ethics_kit.recommendation import recommend
from ethics_kit.record import Duty, Finding, Input, LevelResult, Obligations, Record
from ethics_kit.report import page
from ethics_kit.runner import acts

AS_OF = date(2026, 11, 1)
PASSPHRASE = "correct horse battery staple"


def a_record(claim: str = "It is met.", stage: Any = "impact_analysis", system: str = "demo") -> Record:
    row = Finding(
        id="P1.1.x",
        requirement="P1.1",
        status="met",
        evidence="attested",
        statement=claim,
        null_reason="a statement, not a number",
    )
    owed = [
        Duty(
            requirement=requirement,
            weight="required" if requirement == "P1.1" else "excluded",
            needs=("attested",),
            if_not_met="block",
            reason="",
        )
        for requirement in dict.fromkeys(("P1.1", *stage_requirements(stage)))
    ]
    obligations = Obligations(level="III", kind="scored", conditions={}, duties=owed)
    return Record(
        system={"id": system, "name": "Demo", "kind": "scored", "model_version": "m-1", "organisation": "Test"},
        stage=stage,
        as_of=AS_OF,
        level=LevelResult(value="III", holds="III", best="III", worst="III"),
        policy={"version": "1", "confidentiality": "Internal", "approved_by": {"name": "Ada"}, "approved_on": AS_OF},
        inputs=[
            Input(role="system", address="parameters/demo/system.yaml", sha256="a" * 64),
            Input(role="policy", address="parameters/policy.yaml", sha256="b" * 64),
        ],
        upstream=[],
        parameters={},
        tables=[],
        findings=[row],
        obligations=obligations,
        recommendation=recommend([row], obligations, [], AS_OF),
        versions={"ethics_kit": "0.1.0"},
    ).sealed()


def run(reports: Path, record: Record, *, prose: str = "Prose.") -> tuple[Path, bool]:
    """Publish `record` as a run does, without a kernel."""
    with archive.staged(reports) as staging:
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(prose, id="a")])
        (staging / "record.json").write_bytes(record.to_bytes())
        nbformat.write(notebook, staging / "notebook.ipynb")
        html = page.render(notebook, record, Proof(statement.digests(staging), []))
        (staging / "report.html").write_text(html)
        return publish(staging, reports, record)


def comment(by: str) -> acts.Review:
    """One more comment in a record's review."""
    entry = {"act": "comment", "by": by, "role": "reviewer", "on": AS_OF, "text": "Seen."}
    return lambda record, content: review.added(Path(review.FILE), content, record, entry, today=AS_OF)[0]


@dataclass
class Signers:
    """A project whose organisation.yaml trusts an officer and a committee, with their private keys."""

    root: Path
    officer: CryptoSigner
    committee: CryptoSigner
    key_files: dict[str, Path]

    @property
    def project(self) -> Project:
        return Project(self.root)

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    def run(self, record: Record | None = None) -> Path:
        return run(self.reports, record or a_record())[0]

    def sign(self, folder: Path, signer: CryptoSigner) -> bool:
        return acts.act(self.project, folder, act="sign", signer=signer)

    def review(self, folder: Path, by: str) -> bool:
        return acts.act(self.project, folder, act="review", review=comment(by))


@pytest.fixture
def signers(project: Callable[..., Path], tmp_path: Path) -> Signers:
    files = {name: tmp_path / f"{name}.pem" for name in ("officer", "committee")}
    public = {name: keys.generate(path, PASSPHRASE) for name, path in files.items()}
    people = [
        {"name": "Ona Officer", "role": "ethics_officer", "public_key": public["officer"], "from": date(2026, 1, 1)},
        {"name": "Cy Chair", "role": "Committee", "public_key": public["committee"], "from": date(2026, 1, 1)},
    ]
    root = project(organisation={"signers": people})
    opened = [keys.load_private(files[name], PASSPHRASE) for name in ("officer", "committee")]
    return Signers(root, *opened, files)


# --- whether a chain is whole, by json and hashlib alone ----------------------------------------------------------


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def payload(path: Path) -> dict[str, Any]:
    return json.loads(base64.b64decode(json.loads(path.read_text())["payload"]))


def whole(system: Path) -> int:
    """The length of the chain in ``reports/<system>``, each link, head and newest folder of which was checked."""
    assert not (system / ".pending").exists()
    if not (system / "chain.json").exists():
        assert not list(system.glob("*/*/attestation*.json"))
        return 0
    chain = json.loads((system / "chain.json").read_text())
    found = {sha256(path): path for path in system.glob("*/*/attestation*.json")}
    previous = None
    newest: dict[str, Path] = {}
    for number, entry in enumerate(chain["entries"], start=1):
        path = found.pop(entry["sha256"])
        predicate = payload(path)["predicate"]
        assert (entry["sequence"], predicate["sequence"], predicate["previous"]) == (number, number, previous)
        previous = entry["sha256"]
        newest[f"{entry['stage']}/{entry['record']}"] = path
    assert not found, "attestations that the chain does not list"
    assert (chain["length"], chain["head"]) == (len(chain["entries"]), previous)
    for place, path in newest.items():
        folder = system / place
        assert path == folder / "attestation.json"
        listed = {s["name"]: s["digest"]["sha256"] for s in payload(path)["subject"] if "/" not in s["name"]}
        assert listed == {p.name: sha256(p) for p in folder.iterdir() if p != path}
    return int(chain["length"])
