"""Acts on a record that is published: signing it, reviewing it. Its page is rendered anew, then the act is attested."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal

import nbformat
from securesystemslib.signer import CryptoSigner

from ethics_kit import archive
from ethics_kit import review as reviews
from ethics_kit.archive import Latest
from ethics_kit.attestation import chain, keys, proof, statement
from ethics_kit.attestation import folder as folders
from ethics_kit.attestation.identities import identities
from ethics_kit.attestation.keys import TrustedKey
from ethics_kit.attestation.proof import Proof
from ethics_kit.attestation.statement import Attestation
from ethics_kit.errors import EthicsKitError, InputError, Problem, display_path, told
from ethics_kit.project import Project
from ethics_kit.record import Record
from ethics_kit.report import commands, page, pdf
from ethics_kit.runner import shown
from ethics_kit.runner.pages import Pages

Review = Callable[[Record, bytes | None], bytes]
"""From the record and its review.yaml as it is (None where there is none), the review.yaml that it becomes."""


def act(
    project: Project,
    folder: Path,
    *,
    act: Literal["run", "sign", "review"],
    signer: CryptoSigner | None = None,
    review: Review | None = None,
    pdf_wanted: bool = False,
) -> bool:
    """Add an act to the record in `folder` (``reports/<system>/<stage>/<record>``): its review, a signature, or both.

    A run makes the record current, unless another one is to stay so. A PDF that is there is made anew; with
    `pdf_wanted` also where there is none yet. False where there is nothing to do: the signer has signed the record and
    its review as they are.

    Raises
    ------
    InputError
        The record was altered, something lies in its folder that does not belong there, or the key is not trusted.
    RunError
        The system's chain is damaged.
    """
    trusted = keys.of_project(project)
    by = signing(project, trusted, signer) if signer else None
    reports, system = folder.parents[2], folder.parents[1].name
    with chain.held(reports, system) as own:
        record = intact(folder, own.chain)
        found = folders.attestations(folder)
        if by and review is None and _signed_as_it_is(found[statement.FILE], list(found.values()), by):
            return False
        with archive.staged(reports) as whole:
            files = folders.continued(folder, whole)
            if review:
                kept = files / reviews.FILE
                kept.write_bytes(review(record, kept.read_bytes() if kept.is_file() else None))
            _render(files, record, folders.attestations(files), trusted, by, pdf_wanted=pdf_wanted)
            content = folders.attest(own, files, record, act=act, signer=signer)
            (files / statement.FILE).write_bytes(content)
            if act == "run" and (becomes := archive.current(folder.parent, Latest("ok", folder.name, record.as_of))):
                (files.parent / archive.LATEST).write_bytes(becomes)
            own.commit(whole, folders.entry(own, content, record, act=act))
    return True


def tell_pages(project: Project, folder: Path) -> str:
    """Write the portfolio's pages after an act on the record in `folder`, and tell where they are.

    The act stands whatever befalls the pages: then it is told what they lack, and how to write them.
    """
    reports, system = folder.parents[2], folder.parents[1].name
    try:
        return f"Portfolio: {display_path(shown.draw(Pages(reports, [project], date.today(), [system])))}"
    except (EthicsKitError, OSError) as error:
        todo = "put that right, then: ethics-kit portfolio"
        return f"The portfolio's pages do not show it yet, as they could not be written: {told(error)}; {todo}"


def signing(project: Project, trusted: list[TrustedKey], signer: CryptoSigner) -> TrustedKey:
    """Whose key `signer` is.

    Raises
    ------
    InputError
        The key does not stand in organisation.yaml, or does not count today.
    """
    key_id = signer.public_key.keyid
    own = [key for key in trusted if key.id == key_id]
    today = datetime.now(UTC).date()
    if own and own[0].holds_on(today):
        return own[0]
    found = f"no signer with the key {key_id[:16]}…"
    todo = "add the block that ethics-kit keygen printed, with a name and a role, and have it approved"
    if own:
        found = f"that the key of {own[0].name} counts from {own[0].from_} until {own[0].until or 'further notice'}"
        todo = "sign with a key that counts today, or correct the days"
    allowed = "a signer whose key counts today"
    raise InputError([Problem(file=project.organisation, key="signers", found=found, allowed=allowed, todo=todo)])


def intact(folder: Path, known: chain.Chain | None) -> Record:
    """The record in `folder`, where nothing was altered and nothing lies beside it.

    Raises
    ------
    InputError
        How the folder differs from what its attestation and the chain say.
    """
    told = folders.altered(folder, known) or [f"{name} does not belong here" for name in statement.unlisted(folder)]
    record = archive.trusted(folder, folder.parents[1].name, folder.parent.name)
    if record is None or told:
        allowed = "a record as its attestation and the chain say"
        todo = "find out who changed it (ethics-kit verify tells more); ethics-kit run publishes it anew"
        raise InputError([Problem(file=folder, found=one, allowed=allowed, todo=todo) for one in told])
    return record


def _signed_as_it_is(newest: Attestation, found: list[Attestation], by: TrustedKey) -> bool:
    """Whether `by` has signed an attestation with the record and the review that the newest one has."""
    state = [newest.statement.files.get(name) for name in ("record.json", reviews.FILE)]
    return any(
        [one.statement.files.get(name) for name in ("record.json", reviews.FILE)] == state
        and statement.signed_by(one, [by])
        for one in found
    )


def _render(
    files: Path,
    record: Record,
    found: Mapping[str, Attestation],
    trusted: list[TrustedKey],
    by: TrustedKey | None,
    *,
    pdf_wanted: bool,
) -> None:
    """The page anew, from what is in the folder, with the signature that `by` is about to give; its PDF after it."""
    report, paper = files / commands.REPORT, files / pdf.FILE
    made = [report.name, *([paper.name] if pdf_wanted or paper.exists() else [])]
    report.unlink()
    paper.unlink(missing_ok=True)
    digests = statement.digests(files)
    signatures = proof.signatures(found, digests, trusted)
    if by:
        today = datetime.now(UTC).date()
        signatures.append(proof.signature(by, today, statement.FILE, [*digests, *made]))
    kept = files / reviews.FILE
    entries = statement.review_entries(kept.read_bytes() if kept.is_file() else None)
    reviewed = identities(reviews.read(files, record), entries, found.values(), trusted, signing=by)
    notebook = nbformat.read(files / "notebook.ipynb", as_version=4)
    html = page.render(notebook, record, Proof(digests, signatures), reviewed)
    report.write_text(html, encoding="utf-8")
    if paper.name in made:
        paper.write_bytes(pdf.made(html))
