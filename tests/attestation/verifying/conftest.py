"""A system with a history, made once: run, signed, reviewed, run again, and run and signed a month later."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import nbformat
import pytest
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook
from securesystemslib.signer import CryptoSigner

from ethics_kit.attestation import keys
from ethics_kit.attestation.result import Trouble, Verification
from ethics_kit.attestation.verify import verify
from ethics_kit.project import STAGES, Project, Stage, notebook_name
from ethics_kit.record import Record
from ethics_kit.runner import acts
from ethics_kit.runner import job as jobs
from ethics_kit.runner.assessment import Job, assess
from ethics_kit.runner.job import JobSpec
from ethics_kit.workbook import STAGING

OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)
PASSPHRASE = "only a test"


@dataclass(frozen=True)
class History:
    """A project's folder with the records of the system `demo`."""

    root: Path
    officer: CryptoSigner
    committee: CryptoSigner

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    @property
    def system(self) -> Path:
        return self.reports / "demo"

    @property
    def organisation(self) -> Path:
        return self.root / "parameters" / "organisation.yaml"

    def folder(self, stage: str = "impact_analysis", day: date = OCTOBER) -> Path:
        (found,) = (self.system / stage).glob(f"{day}_*")
        return found

    def verify(
        self, reports: Path | None = None, *, key_file: Path | None = None, inputs: bool = False
    ) -> Verification:
        return verify(reports or self.reports, key_file=key_file, inputs=inputs)

    def troubles(self, reports: Path | None = None, *, key_file: Path | None = None) -> list[Trouble]:
        found = self.verify(reports, key_file=key_file)
        return [t for s in found.systems for t in (*s.troubles, *(t for r in s.records for t in r.troubles))]


def signers(**people: tuple[str, str]) -> list[dict[str, object]]:
    """The list `signers` of organisation.yaml: role → name and public key."""
    return [
        {"name": name, "role": role, "public_key": public, "from": date(2026, 1, 1)}
        for role, (name, public) in people.items()
    ]


def shorten(root: Path) -> None:
    """Templates that open the dossier, take no step but the model card and save the record: they run much faster."""
    (root / "notebooks").mkdir()
    for stage in STAGES:
        notebook = nbformat.read(Project(root).template(stage), as_version=4)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        card = [cell for cell in code if cell.source == "book.assess(stage.model_card)"]
        notebook.cells = [*code[:2], *card, code[-1]]
        nbformat.write(notebook, root / "notebooks" / notebook_name(stage))


def in_this_process(spec: JobSpec, staging: Path, _server: object) -> jobs._Ran:
    """What `run_job` has a kernel do, without its start: what cells show is left out."""
    template = load_notebook_node(str(spec.project.template(spec.stage)))
    notebook = parameterize_notebook(template, jobs._parameters(spec), kernel_name="python3", language="python")
    names: dict[str, object] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(spec.root)
        patch.setenv(STAGING, str(staging))
        for number, cell in enumerate(notebook.cells, start=1):
            exec(cell.source, names)  # noqa: S102  # the kit's own template
            cell.execution_count = number
    return jobs._Ran(notebook, error="", died=False)


def run(root: Path, stage: Stage, day: date, system: str = "demo") -> None:
    project = Project(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "_execute", in_this_process)
        result = assess(Job(project, project.parameters / system, stage, day, project.reports))
    assert result.ok, result.reason


def minute(record: Record, content: bytes | None) -> bytes:
    """A review.yaml, with one entry more than before."""
    head = f"schema: ethics-kit/review/1\nrecord_id: {record.record_id}\nentries:\n".encode()
    return (
        content or head
    ) + b"  - act: comment\n    by: Olu Owner\n    role: owner\n    on: 2026-11-02\n    text: Seen.\n"


@pytest.fixture(scope="session")
def made(projects: Callable[[Path], Callable[..., Path]], tmp_path_factory: pytest.TempPathFactory) -> History:
    base = tmp_path_factory.mktemp("history")
    public = {role: keys.generate(base / f"{role}.pem", PASSPHRASE) for role in ("officer", "committee")}
    people = signers(ethics_officer=("Ona Officer", public["officer"]), committee=("Chi Chair", public["committee"]))
    root = projects(base / "project")(organisation={"signers": people})
    shorten(root)
    history = History(root, *(keys.load_private(base / f"{role}.pem", PASSPHRASE) for role in public))
    for stage in STAGES:
        run(root, stage, OCTOBER)
    folder = history.folder()
    assert acts.act(Project(root), folder, act="sign", signer=history.officer)
    assert acts.act(Project(root), folder, act="review", review=minute)
    assert acts.act(Project(root), folder, act="review", review=minute, signer=history.committee)
    run(root, "impact_analysis", OCTOBER)
    run(root, "impact_analysis", NOVEMBER)
    run(root, "design_review", NOVEMBER)
    assert acts.act(Project(root), history.folder("impact_analysis", NOVEMBER), act="sign", signer=history.officer)
    return history


@pytest.fixture
def history(made: History, tmp_path: Path) -> History:
    """A copy to tamper with."""
    root = tmp_path / "project"
    shutil.copytree(made.root, root)
    return History(root, made.officer, made.committee)
