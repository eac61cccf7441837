"""The example portfolio's tables: fictional, seeded, with the facts that planted.yaml counts and no others.

``python -m ethics_kit.examples [PARAMETERS]`` writes them where they are missing or were written by another version.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from ruamel.yaml import YAML

from ethics_kit import project
from ethics_kit.examples.around import around, programme, training
from ethics_kit.examples.drawing import Facts, Frame, between, stack
from ethics_kit.examples.events import WORDS, customers_of, events_of
from ethics_kit.examples.exports import OFFICE, column_name, file_suffix, office_csv
from ethics_kit.examples.extracts import extract_of
from ethics_kit.examples.followed import by_people, followed
from ethics_kit.examples.inputs import inputs_of_decisions, inputs_of_sample
from ethics_kit.examples.logged import answered_by_people, audit_log
from ethics_kit.examples.model import fitted, model_file, reasons
from ethics_kit.examples.responses import answered_evenly, more_appeals, more_reviews
from ethics_kit.examples.told import consents, deletion_requests, notices, opt_outs

PLANTED = Path(__file__).with_name("planted.yaml")
Content = bytes | Mapping[str, Frame]
"""Of a file: as it is, or its tables."""
STREAM = 36
"""Of draws that were added later and move no earlier one; of sixty, the one where chance sets groups apart least."""


def planted() -> dict[str, Any]:
    """The facts of planted.yaml."""
    facts: dict[str, Any] = YAML(typ="safe", pure=True).load(PLANTED.read_text(encoding="utf-8"))
    return facts


def tables(system: str, whole: Facts) -> dict[str, Frame]:
    """Every table of one example system."""
    facts = whole["systems"][system]
    people = customers_of(facts, whole)
    events = events_of(people, WORDS[system])
    since = between(people.rng, "2016-01-01", "2026-04-30", len(people.everyone)).astype("M8[D]")
    customer = {"customer": people.everyone} | people.attributes | {"since": since}
    if "language" in events:
        del customer["language"]
    found = {
        "decisions" if "decisions" in facts else "conversations": events,
        "customers": stack([customer], "customer"),
        "consents": consents(people),
        "notices": notices(people),
        "opt_outs": opt_outs(people),
        "deletion_requests": deletion_requests(people),
        **around(people, whole, events),
        **programme(people, events),
    }
    more = np.random.default_rng([facts["seed"], STREAM])
    events |= followed(more, people, events)
    events |= by_people(people, events)
    events |= audit_log(people, events)
    found["human_requests"] = answered_by_people(people, found["human_requests"])
    if "inputs_missing" in facts:
        events |= inputs_of_decisions(system, more, people, since, events)
        found["training_sample"] |= inputs_of_sample(system, more, people, since, found["training_sample"])
        selected = np.isin(events["decision"], WORDS[system].selected)
        wrong = facts["reasons"]["not_borne_out"]
        events["reason"] = reasons(system, more, fitted(system, found), events, selected, wrong)
    found["human_reviews"] = more_reviews(_apart(facts, 6), people, events, found["human_reviews"])
    found["appeals"] = more_appeals(_apart(facts, 27), people, events, found["appeals"])
    found["feedback"] = answered_evenly(_apart(facts, 8), people, found["feedback"])
    for table, names in facts.get("unused", {}).items():
        found[table] |= {name: more.integers(1, 6, len(found[table]["customer"])) for name in names}
    return found


def _apart(facts: Facts, number: int) -> np.random.Generator:
    """A stream of its own for what was added later; of many numbers, one where chance sets groups apart little."""
    return np.random.default_rng([facts["seed"], STREAM, number])


def write_tables(parameters: Path) -> list[Path]:
    """Write what is missing or old below `parameters`; returns the files written."""
    whole, written = planted(), []
    shared: Callable[[], dict[str, Content]] = lambda: {"training.csv": {"training": training(whole)}}  # noqa: E731
    makers = {parameters: shared} | {parameters / s: partial(_files, s, whole) for s in whole["systems"]}
    for home, make in makers.items():
        folder = home / "data"
        if not _is_current(folder):
            folder.mkdir(parents=True, exist_ok=True)
            files = make()
            for name, content in files.items():
                _write(folder / name, content)
            project.write_atomic(folder / ".version", "\n".join([version(), *files, ""]).encode())
            written += [folder / name for name in files]
    return written


def version() -> str:
    """Another one whenever this package's code, planted.yaml or scikit-learn, which the model is made with, is."""
    content = b"".join(path.read_bytes() for path in sorted(PLANTED.parent.iterdir()) if path.is_file())
    content += metadata.version("scikit-learn").encode()
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()[:16]


def _is_current(folder: Path) -> bool:
    marker = folder / ".version"
    known, *names = marker.read_text(encoding="utf-8").split() if marker.is_file() else [""]
    return known == version() and all((folder / name).is_file() for name in names)


def _files(system: str, whole: Facts) -> dict[str, Content]:
    """A system's files: its tables under the export's column names, and its model where that is the house's own."""
    files: dict[str, dict[str, Frame]] = {}
    made, model = tables(system, whole), whole["systems"][system].get("model")
    for table, frame in made.items():
        suffix = file_suffix(system, table)
        name = f"{system if suffix == '.duckdb' else table}{suffix}"
        files.setdefault(name, {})[table] = {column_name(system, table, r): c for r, c in frame.items()}
    office = {f"{t}.csv": office_csv(files[f"{t}.csv"][t], zone) for (s, t), zone in OFFICE.items() if s == system}
    if facts := whole["systems"][system].get("extract"):
        passed_on = extract_of(facts, [whole["systems"][system]["seed"], STREAM, 1], made)
        files[facts["file"]] = {"extract": {column_name(system, "extract", r): c for r, c in passed_on.items()}}
    return {**files, **office, **({model: model_file(fitted(system, made))} if model else {})}


def _write(path: Path, content: Content) -> None:
    """Write beside, then rename."""
    if isinstance(content, bytes):
        project.write_atomic(path, content)
        return
    arrow = {
        name: pa.table({c: pa.array(values, from_pandas=True) for c, values in frame.items()})
        for name, frame in content.items()
    }
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".new-") as folder:
        beside = Path(folder) / path.name
        if path.suffix == ".duckdb":
            import duckdb

            with duckdb.connect(str(beside)) as connection:
                for name, table in arrow.items():
                    connection.register("arrow", table)
                    connection.execute(f"CREATE TABLE {name} AS SELECT * FROM arrow")
        elif path.suffix == ".parquet":
            pyarrow.parquet.write_table(*arrow.values(), beside)
        else:
            pyarrow.csv.write_csv(*arrow.values(), beside, pyarrow.csv.WriteOptions(quoting_style="needed"))
        beside.replace(path)
