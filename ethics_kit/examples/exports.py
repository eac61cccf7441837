"""How each system's export looks: names of columns, kinds of files."""

from __future__ import annotations

import pandas as pd

from ethics_kit.examples.drawing import Frame

RAW = {
    "churn_risk": {"customer": "subscriber_id", "score": "churn_probability", "decision": "outreach"},
    "health_score": {"customer": "contact_no", "score": "health_points", "decision": "band"},
    "support_triage": {"customer": "requester_id", "score": "confidence", "decision": "priority"},
    "next_best_offer": {"customer": "customer_key", "decision": "offer"},
    "support_assistant": {"customer": "user_id", "language": "lang"},
}
ANYWHERE = {"model_version": "model_release", "inputs_hash": "input_digest", "sequence": "log_no", "sus": "sus_score"}
"""Exports seldom use the kit's roles as names. A role in neither map keeps its name, in the system's spelling."""

OFFICE = {("health_score", "feedback"): "Europe/Berlin"}
"""Tables that an office exports from a survey tool: its decimal comma, its dates, its clocks, its encoding."""


def office_csv(frame: Frame, zone: str) -> bytes:
    """The table as an office in this time zone has it from a spreadsheet; `frame` has its times in UTC."""
    table = pd.DataFrame(frame)
    for name in table.columns[table.dtypes.map(lambda kind: kind.kind == "M")]:
        table[name] = table[name].dt.tz_localize("UTC").dt.tz_convert(zone).dt.strftime("%d.%m.%Y %H:%M:%S")
    return table.to_csv(sep=";", decimal=",", index=False).encode("cp1252")


def _spelling(system: str, name: str) -> str:
    first, *rest = name.split("_")
    match system:
        case "health_score":
            return " ".join([first.capitalize(), *rest])
        case "support_triage":
            return first + "".join(word.capitalize() for word in rest)
        case "next_best_offer":
            return name.upper()
        case _:
            return name


def column_name(system: str, table: str, role: str) -> str:
    """The name of a role's column in the system's export; times are named after their table."""
    if role == "time":
        return _spelling(system, f"{table.removesuffix('s')}_at")
    logged = {"outcome": "result_after_90_days"} if table == "decisions" else {"decision": "decision_id"}
    return _spelling(system, (RAW[system] | ANYWHERE | logged).get(role, role))


def file_suffix(system: str, table: str) -> str:
    loose = {"health_score": ".csv", "support_triage": ".duckdb"}
    if system == "next_best_offer" and table in ("decisions", "customers", "deletion_requests"):
        return ".csv"
    return loose.get(system, ".parquet")
