"""docs/extracts.md: each of its tables reads a small file as that system exports it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ruamel.yaml import YAML

from ethics_kit import dossier as dossiers
from ethics_kit.project import Project

PAGE = (Path(__file__).parents[1] / "docs/extracts.md").read_text(encoding="utf-8")
BLOCKS = [YAML(typ="safe").load(text)["tables"] for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
ANN, BEN = "003M000000qfPySIAU", "003000000062mPgAAI"
"""Ids of two contacts. A report shows the first 15 characters."""

FILES: dict[str, str] = {
    "Contact.csv": f'"ID","MAILINGCOUNTRY","CREATEDDATE"\n"{ANN}","IE","2020-02-01T09:00:00.000Z"\n'
    f'"{BEN}","","2021-02-01T09:00:00.000Z"\n',
    "ContactPointTypeConsent.csv": '"CONTACT__C","PURPOSE__C","PRIVACYCONSENTSTATUS","EFFECTIVEFROM","EFFECTIVETO"\n'
    f'"{ANN}","Retention calls","OptIn","2025-01-05T10:00:00.000Z",""\n'
    f'"{BEN[:15]}","Retention calls","OptOut","2025-01-06T10:00:00.000Z","2026-01-06T10:00:00.000Z"\n',
    "Widersprüche.csv": f'"Kontakt-ID";"Name";"Widerspruch am"\n"{ANN[:15]}";"Müller";"01.09.2026 14:05"\n',
    "Flags.csv": f'"ID","HASOPTEDOUTOFEMAIL"\n"{ANN}","false"\n"{BEN}","true"\n',
    "Scorecard History.csv": "Company SFDC ID,Contact SFDC ID,Snapshot Date,Overall Score,Overall Score Color\n"
    f"001M000000qfPySIAU,{ANN},10/31/2026 2:05 AM,77,Green\n001M000000qfPySIAU,{BEN},3/1/2026 11:30 PM,31.5,Red\n",
    "users.csv": f"Id,External Id,Role\n90001,{ANN},end-user\n90002,{BEN},end-user\n",
    "tickets.csv": "Id,Requester Id,Created at,Person offered,Assigned at\n7,90001,2026-10-30T14:05:00Z,offered,\n"
    "8,90002,2026-10-30 14:05:00 +0200,unoffered,2026-10-30T15:00:00Z\n",
}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def write(data: Path) -> None:
    for name, content in FILES.items():
        (data / name).write_text(content, encoding="cp1252" if name == "Widersprüche.csv" else "utf-8")
    local = pa.array([at("2026-07-01T12:00")], pa.timestamp("us"))
    zoned = pa.array([at("2026-07-01T12:00+00:00")], pa.timestamp("us", "Europe/Berlin"))
    pq.write_table(
        pa.table({"contact_id": [ANN], "sent_at_local": local, "channel": ["email"]}), data / "notices.parquet"
    )
    pq.write_table(
        pa.table({"contact_id": [ANN], "requested_at": zoned, "deleted_at": zoned}), data / "deletions.parquet"
    )


SHORT = {"customer": [ANN[:15], BEN[:15]]}
EXPECTED: dict[str, dict[str, list[Any]]] = {
    "customers": SHORT | {"since": [at("2020-02-01T09:00"), at("2021-02-01T09:00")]},
    "consents": SHORT | {"granted": [True, False], "purpose": ["retention"] * 2},
    "opt_outs": {"customer": [ANN[:15]], "time": [at("2026-09-01T12:05")]},
    "current_consents": SHORT | {"consented": [True, False], "time": [at("2026-10-31")] * 2},
    "decisions": SHORT
    | {
        "time": [at("2026-10-31T06:05"), at("2026-03-02T04:30")],
        "score": [77, 31.5],
        "decision": ["leave", "call"],
        "cluster": ["001M000000qfPyS"] * 2,
    },
    "customer_ids": {"id": ["90001", "90002"]} | SHORT,
    "human_requests": SHORT | {"time": [at("2026-10-30T14:05"), at("2026-10-30T12:05")], "offered": [True, False]},
    "notices": {"time": [at("2026-07-01T11:00")]},
    "deletion_requests": {"time": [at("2026-07-01T12:00")], "completed": [at("2026-07-01T12:00")]},
}


@pytest.mark.parametrize("tables", BLOCKS, ids=lambda b: " ".join(b))
def test_each_export_is_read(project: Callable[..., Path], edit: Callable[..., None], tables: dict[str, Any]) -> None:
    root = project(system={"decision": {"selected": ["call"]} if "decisions" in tables else {}})
    system = root / "parameters/demo/system.yaml"
    decisions = {"source": "data/decisions.csv", "columns": {"customer": "customer_id", "time": "decided_at"}}
    edit(system, ("tables",), {"decisions": decisions} | tables)
    edit(system, ("attributes",), {})
    write(root / "parameters/demo/data")
    found = dossiers.load(Project(root), root / "parameters/demo")
    for name in tables:
        read = found.tables.table(name).to_pyarrow().to_pydict()
        assert {role: read[role] for role in EXPECTED[name]} == EXPECTED[name]


def test_every_table_of_the_page_is_tried() -> None:
    assert sorted(name for block in BLOCKS for name in block) == sorted(EXPECTED)
