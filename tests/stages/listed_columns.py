"""A small project whose columns an inventory can list: what its tests share."""

import csv
import random
from datetime import date

DETAILS = {
    "category": "ordinary",
    "source": "the contract",
    "purpose": "retention",
    "retention": "decision_log",
    "location": "IE",
    "safeguards": ["names replaced by a number"],
}
SAMPLE = 600


def _with_columns(path, **columns):
    """Adds columns to a CSV file, each by the number of the row."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for number, row in enumerate(rows):
        row.update({name: value(number) for name, value in columns.items()})
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def written(project):
    """Usage tells who leaves, luck tells nothing; nothing reads the shoe size."""
    chance = random.Random(5)
    sample = {"source": "data/training_sample.csv"}
    sample["columns"] = {"customer": "customer_id", "split": "split", "outcome": "left"}
    root = project(
        system={
            "features": {name: {"column": name, "training": name} for name in ("usage", "luck")},
            "tables": {"training_sample": sample},
        }
    )
    data = root / "parameters/demo/data"
    _with_columns(data / "decisions.csv", usage=lambda _: chance.gauss(0, 1), luck=lambda _: chance.gauss(0, 1))
    _with_columns(data / "customers.csv", shoe_size=lambda number: 36 + number % 9)
    lines = ["customer_id,split,left,usage,luck"]
    for number in range(SAMPLE):
        usage = chance.gauss(0, 1)
        left = "yes" if usage + chance.gauss(0, 1) < 0 else "no"
        lines.append(f"s{number},{'train' if number % 2 else 'test'},{left},{usage:.4f},{chance.gauss(0, 1):.4f}")
    (data / "training_sample.csv").write_text("\n".join(lines) + "\n")
    return root


def every_column(dossier):
    return {name: list(dossier.tables.columns(name)) for name in dossier.located_tables}


def extract(**changes):
    """The table of customers as somebody gets it."""
    details = {"source": "data/customers.csv", "made_on": date(2026, 9, 1), "recipient": "Desk", "purpose": "retention"}
    return {"extracts": {"weekly": details | {"quasi_identifiers": ["gender"]} | changes}}
