"""Tables that lie in Spark: the same numbers as from files, and no row that leaves."""

import time
from datetime import date
from importlib import import_module
from pathlib import Path

import pytest

from ethics_kit import dossier as dossiers
from ethics_kit.measures.engines import spark as engine
from ethics_kit.project import STAGES, Project
from ethics_kit.stages import refused
from ethics_kit.stages.case import Case
from tests import spark

AS_OF = date(2026, 11, 1)


def loaded(root):
    return dossiers.load(Project(root), root / "parameters/demo")


@pytest.fixture(scope="session")
def both(projects, tmp_path_factory):
    spark.required()
    folder = tmp_path_factory.mktemp("spark")
    files = loaded(projects(folder / "files")())
    with spark.configured(folder):
        session = engine.connect({}, 0)._session
        spark.load(session, folder, "crm", {n: files.tables.raw(n) for n in files.tables.sources})

        def there(spec):
            return {k: v for k, v in spec.items() if k != "source"} | {"source": ..., "data": "lake"}

        changes = {
            owner: {"tables": {n: {"source": ..., "data": "lake", "table": f"crm.{n}"} for n in getattr(files, owner).tables}}
            for owner in ("organisation", "system")
        }
        root = projects(folder / "lake")(policy={"databases": {"lake": {"engine": "spark"}}}, **changes)
        t = time.time()
        yield files, loaded(root)


def outcomes(dossier):
    found = {}
    for stage in STAGES:
        case = Case(dossier, stage, AS_OF, Path("nowhere"))
        for step in import_module(f"ethics_kit.stages.{stage}").STEPS:
            t=time.time(); found[stage, step.__name__] = case.taken[step.__name__] = refused.outcome(step, case)
            print(stage, step.__name__, round(time.time()-t,2))
    return found


def test_spark_counts_what_duckdb_counts(both):
    files, lake = both
    a, b = outcomes(files), outcomes(lake)
    for k in a:
        if a[k].findings != b[k].findings or a[k].tables != b[k].tables: print("DIFF", k, b[k].findings[:2])
    import os, subprocess
    print(subprocess.run("ps -eo pid,ppid,time,rss,args | grep -i [s]park | cut -c1-100; ps -o time -p %d" % os.getpid(), shell=True, capture_output=True, text=True).stdout)
    assert 0
