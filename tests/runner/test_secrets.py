"""What the environment keeps secret stands nowhere: not in a record, a notebook, a page, a log, nor what is printed."""

import base64
import html
import json
import re
from datetime import date
from functools import partial
from urllib.parse import quote

import nbformat
import pytest

from ethics_kit.project import Project, notebook_name
from ethics_kit.runner import secrets
from ethics_kit.runner.assessment import Job, assess
from ethics_kit.runner.job import run_job

CANARY = 'Kanari<"&é/+7c2f9a'
VARIABLES = (
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "PGPASSWORD",
    "SNOWFLAKE_PASSWORD",
    "DASK_API_KEY",
    "MY_TOKEN",
    "ETHICS_KIT_PASSPHRASE",
)
PARTS = ("Kanari", "7c2f9a", base64.b64encode(CANARY.encode()).decode()[:12])

ENVIRONMENT = "import os\nheld = '\\n'.join(f'{name}={value}' for name, value in os.environ.items())\n"
SHOWN = {
    "printed": "print(held)",
    "an error": "raise RuntimeError(held)",
    "an error in the kit's own words": "from ethics_kit.errors import RunError\nraise RunError(held)",
    "displayed": "from IPython.display import HTML, display\ndisplay(HTML(f'<pre>{held}</pre>'))",
    "a value": "held",
    "in base64": "import base64\nbase64.b64encode(os.environ['PGPASSWORD'].encode()).decode()",
    "in an address": "import urllib.parse\nurllib.parse.quote(os.environ['PGPASSWORD'])",
}


@pytest.fixture
def canary(monkeypatch):
    for name in VARIABLES:
        monkeypatch.setenv(name, CANARY)


def everything(root):
    return {path: path.read_bytes().decode(errors="replace") for path in root.rglob("*") if path.is_file()}


def spoil(root, system, source):
    """A cell of the project's own template that runs for one of its systems."""
    own = root / "notebooks" / notebook_name("impact_analysis")
    notebook = nbformat.read(own, as_version=4)
    lines = [line for line in source.splitlines() if line]
    body = f"if system.endswith({system!r}):\n" + "".join(f"    {line}\n" for line in lines[:-1])
    last = f"    shown = {lines[-1]}\nelse:\n    shown = None\nshown"
    if lines[-1].startswith(("raise", "display", "print")):
        last = f"    {lines[-1]}"
    notebook.cells.insert(-1, nbformat.v4.new_code_cell(body + last))
    nbformat.write(notebook, own)


def unseen(texts):
    for place, text in texts.items():
        assert not [part for part in PARTS if part in text], place


def test_a_portfolio_run_with_secrets_in_the_environment_shows_none_anywhere(short, kit, canary):
    root = short("one")
    short("two")
    spoil(root, "one", ENVIRONMENT + SHOWN["printed"])
    spoil(root, "two", ENVIRONMENT + SHOWN["an error"])
    done = kit("run", "--stage", "impact_analysis", "--as-of", "2026-11-01", cwd=root)
    assert done.code == 1
    files = everything(root)
    unseen({**files, "out": done.out, "err": done.err})
    names = {str(path.relative_to(root / "reports")) for path in files if "reports" in path.parts}
    assert [n for n in names if re.fullmatch(r"one/impact_analysis/2026-11-01_\w+/record\.json", n)]
    assert "two/impact_analysis/failed_2026-11-01/notebook.ipynb" in names


@pytest.mark.parametrize("way", [way for way in SHOWN if way not in ("printed", "an error")])
def test_a_cell_that_shows_a_secret_fails_and_nothing_of_it_is_published(short, server, canary, way):
    root = short("one")
    spoil(root, "one", ENVIRONMENT + SHOWN[way])
    job = Job(Project(root), root / "parameters/one", "impact_analysis", date(2026, 11, 1), root / "reports")
    result = assess(job, partial(run_job, server=server))
    assert not result.ok
    assert len(everything(root / "reports")) >= 2
    unseen({**everything(root), "reason": result.reason})
    told = (
        secrets.HIDDEN if way == "an error in the kit's own words" else "shows the value of the environment's variable"
    )
    assert told in result.reason


FORMS = [CANARY, json.dumps(CANARY), html.escape(CANARY), quote(CANARY), base64.b64encode(CANARY.encode()).decode()]


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_found_however_it_is_commonly_written(canary, form):
    held = {"a": ["x", {"b": f"before {form} after"}], "c": 1, "d": None}
    assert secrets.shown(held) in VARIABLES
    assert secrets.without(held) == {"a": ["x", {"b": secrets.HIDDEN}], "c": 1, "d": None}


def test_only_values_of_secret_variables_that_are_no_ordinary_words_are_sought(monkeypatch):
    for name, value in {"MY_TOKEN": "records", "HOME_TOWN": "Hildesheim-West", "KEYBOARD": "de-nodeadkeys"}.items():
        monkeypatch.setenv(name, value)
    text = "records Hildesheim-West de-nodeadkeys"
    assert secrets.shown(text) is None
    assert secrets.without([text]) == [text]
    monkeypatch.setenv("MY_TOKEN", "records-of-2026")
    assert secrets.shown("the records-of-2026") == "MY_TOKEN"
