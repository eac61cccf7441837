"""The portfolio's page: systems by stages, worst first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from ethics_kit import archive, languages, past
from ethics_kit.attestation import folder as folders
from ethics_kit.attestation.chain import read_chain
from ethics_kit.dossier import SYSTEM_ID
from ethics_kit.project import STAGES, write_atomic
from ethics_kit.recommendation import requirement_status
from ethics_kit.record import Finding, Record
from ethics_kit.report import html, supply

MARKS = {
    "approve": "met",
    "approve_with_conditions": "inconclusive",
    "reject": "not_met",
    "undetermined": "not_assessed",
}


def write_index(
    reports: Path,
    systems: Iterable[str],
    *,
    confidentiality: str,
    language: str = languages.SOURCE,
    not_run: Collection[str] = (),
) -> Path:
    """Write ``index.html`` for `systems`, by their ids, and for every other system with a record in `reports`.

    `not_run` are those whose dossiers are not in order: their records, if any, are older than this run.
    """
    systems = set(systems)
    recorded = {path.parent.parent.name for path in reports.glob("*/*/latest.json")}
    recorded = {name for name in recorded if SYSTEM_ID.match(name)}
    rows = sorted((_row(reports, s) for s in systems | recorded), key=lambda r: (r["rank"], r["id"]))
    for row in rows:
        row["not_run"], row["elsewhere"] = row["id"] in not_run, row["id"] not in systems
    verdicts = Counter(c["words"] for r in rows for c in r["cells"])
    page = (
        html.environment(language)
        .get_template("index.html.j2")
        .render(rows=rows, stages=STAGES, counts=dict(sorted(verdicts.items())), confidentiality=confidentiality)
    )
    path = reports / "index.html"
    write_atomic(path, page.encode())
    return path


def _row(reports: Path, system: str) -> dict[str, Any]:
    cells: list[dict[str, Any]] = []
    blocking: list[Finding] = []
    records: list[Record] = []
    name, level, failing, settled, required = system, "–", 0, 0, 0
    known = read_chain(reports, system)[0]
    for stage in STAGES:
        folder = archive.stage_folder(reports, system, stage)
        latest = archive.read_latest(folder)
        cell: dict[str, Any] = {
            "link": None,
            "words": "Not assessed",
            "mark": "not_assessed",
            "as_of": "",
            "required": 0,
            "state": "",
        }
        if latest:
            cell |= {
                "link": f"{system}/{stage}/{latest.folder}/report.html",
                "as_of": latest.as_of.isoformat(),
            }
            record = folders.whole(folder / latest.folder, known) if latest.status == "ok" else None
            if record:
                records.append(record)
                name = str(record.system.get("name", system))
                share = _settled(record)
                failing += share[2]
                settled, required = settled + share[0], required + share[1]
                verdict = record.recommendation.verdict
                cell |= {
                    "words": html.VERDICT_WORDS[verdict],
                    "mark": MARKS[verdict],
                    "settled": share[0],
                    "required": share[1],
                    "state": past.review_state(folder / latest.folder, record)[0],
                }
                level = f"{record.level.value}" + (
                    f" ({record.level.holds})" if record.level.value == "undetermined" else ""
                )
                blocking += [f for f in record.findings if f.id in record.recommendation.blocking]
            else:
                cell |= {"words": "Failed" if latest.status == "failed" else "Altered or missing", "mark": "not_met"}
        cells.append(cell)
    broken = sum(c["words"] in ("Failed", "Altered or missing") for c in cells)
    rank = (-failing, -broken, settled / required if required else 0)
    worst = next(iter(sorted(blocking, key=lambda f: f.evidence != "measured")), None)
    told = f"{worst.requirement}: {worst.statement}" if worst else "–"
    wanted = next((str(item.what) for item in supply.ranked(*records)), "")
    return {"id": system, "name": name, "level": level, "cells": cells, "worst": told, "next": wanted, "rank": rank}


def _settled(record: Record) -> tuple[int, int, int]:
    """Required requirements: settled, all, not met."""
    statuses = [
        requirement_status([f for f in record.findings if f.requirement == d.requirement], d.needs)
        for d in record.obligations.duties
        if d.weight == "required"
    ]
    settled = sum(s in ("met", "not_met", "not_applicable") for s in statuses)
    return settled, len(statuses), statuses.count("not_met")
