"""What the tests of a stage share: planted rows, and what the steps find in them."""

import csv
from datetime import date

from ethics_kit import dossier as dossiers
from ethics_kit.project import Project
from ethics_kit.stages.case import Case

AS_OF = date(2026, 11, 1)
LIMIT = {"rationale": "A test needs one.", "source": "This test."}
ROLES = (
    "score", "actual", "decision", "action", "outcome", "weight", "wait_hours", "holdout", "resolved", "retained",
    "received", "language", "handover_asked", "handover_granted", "reopened", "refused", "grounded",
)  # fmt: skip
UNUSED = ("id", "score", "action", "outcome", "purpose", "model_version", "inputs_hash", "reason", "actor", "sequence")
ATTRIBUTES = ("gender", "age_band", "region")


def people(n, **columns):
    """`n` rows; a whole number as a value says in how many of them, from the first, the column is yes."""
    told = {k: (lambda i, v=v: "yes" if i < v else "no") if isinstance(v, int) else v for k, v in columns.items()}
    return [{k: v(i) if callable(v) else v for k, v in told.items()} for i in range(n)]


def write(path, rows):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(k for row in rows for k in row)))
        writer.writeheader()
        writer.writerows(rows)


def planted(project, rows, *, table="decisions", policy=None, system=None, tables=None, **stages):
    """A project with `rows` as its only events, one customer each unless they say so, and its root.

    Columns named like a role play it, those of `ATTRIBUTES` are protected and named by the policy.
    """
    names = [name for name in ATTRIBUTES if name in rows[0]]
    fairness = {"attributes": {"value": names}} | {k: LIMIT | {"value": v} for k, v in (policy or {}).items()}
    held = {name: {"class": "protected", "column": name} for name in names}
    columns = dict.fromkeys(UNUSED, ...) | {"decision": ...} | {role: role for role in ROLES if role in rows[0]}
    columns |= {"customer": "customer", "time": "time"}
    source = {"source": "data/events.csv", "columns": columns, "retention_class": ...}
    others = dict.fromkeys(("decisions", "customers", "consents", "notices", "opt_outs", "past_assessments"), ...)
    root = project(
        policy={"fairness": fairness},
        system={
            "decision": {"capacity": ...},
            "kind": "generative" if table == "conversations" else "scored",
            **(system or {}),
            "attributes": dict.fromkeys(("gender", "age_band", "language", "plan"), ...) | held,
            "tables": others | {table: source} | (tables or {}),
        },
        **stages,
    )
    write(
        root / "parameters/demo/data/events.csv",
        [{"customer": f"c{i:05d}", "time": "2026-06-01", **row} for i, row in enumerate(rows)],
    )
    return root


def case_of(root):
    return Case(dossiers.load(Project(root), root / "parameters/demo"), "bias_testing", AS_OF, root / "reports")


def found_in(case, *steps):
    """The findings of `steps` by id, and their tables."""
    outcomes = [step(case) for step in steps]
    return {f.id: f for o in outcomes for f in o.findings}, {t.id: t for o in outcomes for t in o.tables}


def assess(root, *steps):
    return found_in(case_of(root), *steps)


def line(table, *first):
    """The one line of a table that begins with `first`, without that."""
    (found,) = [row[len(first) :] for row in table.rows if tuple(row[: len(first)]) == first]
    return found
