"""A project to measure a batch on: an example's dossier under many names, as it is or with few customers."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
from ruamel.yaml import YAML

from ethics_kit import examples, scaffold
from ethics_kit.project import STAGES, bundle

SMALL, CUSTOMER = "churn_risk", "subscriber_id"
"""The example that can be cut to few customers, and how its export calls them."""

KEPT = ("decisions", "customers", "consents", "notices")


def project(root: Path, example: str, copies: int, *, customers: int | None = None) -> list[str]:
    """A project in `root` with so many systems like `example`, their names; with `customers`, of so many of them only.

    Few customers are for churn_risk alone, whose tables are Parquet files with one name for the customer.
    """
    parameters = root / "parameters"
    shutil.copytree(bundle() / "notebooks", root / "notebooks")
    shutil.copytree(bundle() / "parameters", parameters)
    examples.write_tables(parameters)
    if customers:
        _cut(parameters / example, customers)
    for folder in [path.parent for path in parameters.glob("*/system.yaml") if path.parent.name != example]:
        shutil.rmtree(folder)
    names = [f"{example}_{number:04}" for number in range(copies)]
    for name in names:
        shutil.copytree(parameters / example, parameters / name)
    shutil.rmtree(parameters / example)
    return names


def _cut(folder: Path, customers: int) -> None:
    """Keep the first customers and four tables about them, no model file, and every question unanswered."""
    for stage in STAGES:
        (folder / f"{stage}.yaml").write_text(scaffold.stage_yaml(folder.name, stage), encoding="utf-8")
    path = folder / "system.yaml"
    yaml = YAML()
    told = yaml.load(path)
    told["tables"] = {name: table for name, table in told["tables"].items() if name in KEPT}
    for key in ("file", "sha256"):
        told["model"].pop(key, None)
    yaml.dump(told, path)
    with duckdb.connect() as connection:
        first = f"SELECT {CUSTOMER} FROM '{folder}/data/customers.parquet' ORDER BY 1 LIMIT {customers}"
        connection.execute(f"CREATE TABLE first AS {first}")
        for table in sorted((folder / "data").iterdir()):
            if table.stem in KEPT:
                few = table.with_suffix(".few")
                connection.execute(
                    f"COPY (FROM '{table}' SEMI JOIN first USING ({CUSTOMER})) TO '{few}' (FORMAT parquet)"
                )
                few.replace(table)
            else:
                table.unlink()


def multiply(root: Path, system: str, times: int) -> int:
    """So many times the customers of a system, each with all its rows; the number of decisions."""
    data = root / "parameters" / system / "data"
    with duckdb.connect() as connection:
        for name in KEPT:
            table = data / f"{name}.parquet"
            new = [f"{CUSTOMER} || '-' || copy AS {CUSTOMER}"] + ["id || '-' || copy AS id"] * (name == "decisions")
            rows = f"SELECT * EXCLUDE copy REPLACE ({', '.join(new)}) FROM '{table}', range({times}) AS copies (copy)"
            more = table.with_suffix(".more")
            connection.execute(f"COPY ({rows}) TO '{more}' (FORMAT parquet)")
            more.replace(table)
        found = connection.sql(f"SELECT count(*) FROM '{data}/decisions.parquet'").fetchone()
    return int(found[0]) if found else 0


def touch(root: Path, system: str) -> None:
    """One more row in one table of a system."""
    path = root / "parameters" / system / "data/notices.parquet"
    more = path.with_suffix(".more")
    with duckdb.connect() as connection:
        rows = f"SELECT * FROM read_parquet('{path}')"
        connection.execute(f"COPY ({rows} UNION ALL ({rows} LIMIT 1)) TO '{more}' (FORMAT parquet)")
    more.replace(path)
