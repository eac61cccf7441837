"""What tests of stages share: files that say the same are read once, and a small project with an inventory."""

from dataclasses import replace
from datetime import date

import pytest

from ethics_kit import dossier as dossiers
from ethics_kit import schema, yamlfile
from ethics_kit.measures.tables import CROSSWALK, Tables
from ethics_kit.project import Project
from ethics_kit.stages.case import Case
from tests.stages.listed_columns import DETAILS, every_column, written

LOADED = []


TEXTS, CHECKED = {}, {}


@pytest.fixture(autouse=True, scope="module")
def read_once():
    """A test's project differs from the others in a file or two: what the rest says is known, and what is wrong there.

    The keys are the files' contents, and how their columns are read.
    """
    parse, faults = yamlfile._parse, Tables.faults

    def parsed(path, text, reader):
        if text not in TEXTS:
            TEXTS[text] = parse(path, text, reader)
        return TEXTS[text]

    def looked_at(tables, name):
        files = [tables.sources[n] for n in (name, CROSSWALK) if n in tables.sources]
        if not all(source.path.is_file() for source in files):
            return faults(tables, name)
        key = (name, *(s.path.read_bytes() for s in files), *(repr(replace(s, path=None)) for s in files))
        if key not in CHECKED:
            CHECKED[key] = faults(tables, name)
        return list(CHECKED[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yamlfile, "_parse", parsed)
        patch.setattr(Tables, "faults", looked_at)
        yield


@pytest.fixture
def inventoried(project):
    """A factory of cases of one project, loaded once: rows of its inventory, and keys of its files to be changed.

    Without `rows` the inventory lists every column of every table for the system's purpose.
    """
    if not LOADED:
        root = written(project)
        LOADED.append(dossiers.load(Project(root), root / "parameters/demo"))
    (loaded,) = LOADED

    def make(rows=None, *, as_of=date(2026, 11, 1), kept_on=date(2026, 9, 1), **changes):
        files = {name: getattr(loaded, name) for name in ("policy", "organisation", "system")}
        for name, updates in changes.items():
            content = files[name].model_dump(by_alias=True) | updates
            files[name] = type(files[name]).model_validate(content)
        rows = [DETAILS | {"columns": every_column(loaded)}] if rows is None else rows
        content = {"by": "Ann Lee", "on": kept_on, "rows": [{k: v for k, v in r.items() if v is not ...} for r in rows]}
        inventory = schema.Inventory.model_validate(content) if rows else None
        review = loaded.stage(schema.DesignReview).model_copy(update={"inventory": inventory})
        dossier = replace(loaded, stages={**loaded.stages, "design_review": review}, **files)
        return Case(dossier, "design_review", as_of, loaded.project.root / "reports")

    return make
