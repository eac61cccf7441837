"""What tests share: a small valid project, a way to spoil it, the command line, and a real Chromium."""

import csv
import json
import logging
import os
import random
import shutil
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from playwright.sync_api import Browser, sync_playwright
from ruamel.yaml import YAML
from xdist.scheduler import LoadScopeScheduling

from ethics_kit import cli, scaffold
from ethics_kit.project import STAGES

settings.register_profile("patient", deadline=None)  # no test is about the clock
settings.load_profile("patient")

# --- a project -------------------------------------------------------------------------------------------------

AS_OF = date(2026, 11, 1)
CUSTOMERS, DECISIONS = 200, 400


def _limit(value: Any) -> dict[str, Any]:
    return {"value": value, "rationale": "A test needs one.", "source": "This test."}


POLICY = {
    "version": "test-1",
    "approved_by": {"name": "Ada Policy", "role": "chair"},
    "approved_on": date(2026, 1, 20),
    "confidentiality": "Internal",
    "fairness": {
        "attributes": _limit(["gender", "age_band"]),
        "margin": _limit(0.05),
        "significance": _limit(0.05),
        "confidence": _limit(0.95),
        "max_unknown": _limit(0.3),
        "minimum_group": _limit(30),
    },
    "risk": {"appetite": _limit(9)},
    "consultation": {"groups": _limit(["customers_decided_on"]), "max_age_months": _limit(18)},
    "records": {
        "answers_max_age_months": _limit(12),
        "data_max_age_days": _limit(400),
        "upstream_max_age_days": _limit(92),
        "minimum_rows": _limit(100),
        "small_cell": _limit(10),
    },
    "coverage": {
        "ownership_min": _limit(1.0),
        "notice_min": _limit(0.99),
        "audit_log_min": _limit(0.99),
        "training_min": _limit(0.95),
        "without_consent_max": _limit(0.0),
        "after_opt_out_max": _limit(0.0),
        "over_retention_max": _limit(0.0),
    },
    "gate": {"refuse": _limit(["reject", "undetermined"])},
}

ORGANISATION = {
    "name": "Test organisation",
    "answers": {},
    "tables": {
        "training": {
            "source": "data/training.csv",
            "columns": {"person": "person", "role": "role", "completed": "completed", "expires": "expires"},
        }
    },
    "retention_classes": {"decision_log": {"days": 1095, "reason": "Appeals take up to three years."}},
}

SYSTEM = {
    "name": "Demo",
    "kind": "scored",
    "use": "churn",
    "purpose": "Finds customers to call.",
    "owner": {"name": "Olu Owner", "role": "product owner"},
    "deputy": {"name": "Dee Deputy", "role": "team lead"},
    "model": {"version": "m-1", "released": date(2026, 3, 1)},
    "unit": {"decision": "a score", "affected_person": "customer"},
    "selection_is": "benefit",
    "decision": {"selected": [], "capacity": 300},
    "outcome": {"positive": [], "horizon_days": 30},
    "attributes": {
        "gender": {"class": "protected", "column": "gender"},
        "age_band": {"class": "protected", "column": "age_band"},
        "language": {"class": "proxy", "column": "language"},
        "plan": {"class": "segment", "column": "plan"},
    },
    "lawful_bases": [
        {
            "purpose": "retention",
            "basis": "consent",
            "by": "Bea Basis",
            "approved_by": "Abe Approver",
            "on": date(2026, 1, 2),
        }
    ],
    "tables": {
        "decisions": {
            "source": "data/decisions.csv",
            "columns": {
                "customer": "customer_id",
                "time": "decided_at",
                "id": "decision_id",
                "score": "score",
                "decision": "flagged",
                "action": "called",
                "outcome": "churned",
                "purpose": "purpose",
                "model_version": "model_version",
                "inputs_hash": "inputs_hash",
                "reason": "reason",
                "actor": "actor",
                "sequence": "sequence",
            },
            "retention_class": "decision_log",
        },
        "customers": {
            "source": "data/customers.csv",
            "columns": {"customer": "customer_id", "region": "region", "since": "since"},
        },
        "consents": {
            "source": "data/consents.csv",
            "columns": {"customer": "customer_id", "purpose": "purpose", "given": "given", "withdrawn": "withdrawn"},
        },
        "notices": {
            "source": "data/notices.csv",
            "columns": {"customer": "customer_id", "time": "told_at", "channel": "channel", "language": "language"},
        },
        "opt_outs": {
            "source": "data/opt_outs.csv",
            "columns": {"customer": "customer_id", "time": "opted_out_at", "purpose": "purpose"},
        },
        "past_assessments": {
            "source": "data/past_assessments.csv",
            "columns": {"date": "approved_on", "reference": "reference"},
        },
    },
}


def _write_csv(path: Path, header: str, rows: Sequence[Sequence[object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header.split())
        writer.writerows(rows)


def _write_tables(folder: Path) -> None:
    """Two decisions for each customer, from February to July 2026; everybody consented and was told before."""
    chance = random.Random(20261101)
    start = date(2026, 2, 1)
    ids = [f"c{number:03d}" for number in range(CUSTOMERS)]
    people = [
        [
            customer,
            chance.choice(["female", "male"]),
            chance.choice(["18-34", "35-59", "60+"]),
            chance.choice(["en", "en", "es"]),
            chance.choice(["basic", "plus"]),
            chance.choice(["north", "south"]),
            start - timedelta(days=chance.randrange(100, 2000)),
        ]
        for customer in ids
    ]
    _write_csv(folder / "customers.csv", "customer_id gender age_band language plan region since", people)
    decisions = []
    for number in range(DECISIONS):
        score = chance.random()
        flagged = "yes" if score > 0.6 else "no"
        churned = "yes" if chance.random() < score / 2 else "no"
        day = start + timedelta(days=number * 180 // DECISIONS)
        row = [ids[number % CUSTOMERS], f"{day}T09:00:00", f"d{number:04d}", f"{score:.3f}", flagged, flagged, churned]
        decisions.append([*row, "retention", "m-1", f"{number:08x}", "usage_drop", "scoring", number + 1])
    header = (
        "customer_id decided_at decision_id score flagged called churned "
        "purpose model_version inputs_hash reason actor sequence"
    )
    _write_csv(folder / "decisions.csv", header, decisions)
    _write_csv(
        folder / "consents.csv",
        "customer_id purpose given withdrawn",
        [[customer, "retention", date(2026, 1, 5), ""] for customer in ids],
    )
    _write_csv(
        folder / "notices.csv",
        "customer_id told_at channel language",
        [[customer, date(2026, 1, 6), "email", "en"] for customer in ids],
    )
    _write_csv(
        folder / "opt_outs.csv",
        "customer_id opted_out_at purpose",
        [[customer, date(2026, 9, 1), "retention"] for customer in ids[:5]],
    )
    _write_csv(folder / "past_assessments.csv", "approved_on reference", [[date(2025, 10, 1), "EIA-7"]])


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `changes` laid over it, key by key; ``...`` takes a key out."""
    result: dict[str, Any] = {k: _merged(v, {}) if isinstance(v, Mapping) else v for k, v in base.items()}
    for key, value in changes.items():
        if value is ...:
            result.pop(key, None)
        elif isinstance(value, Mapping):
            below = result.get(key)
            result[key] = _merged(below if isinstance(below, Mapping) else {}, value)
        else:
            result[key] = value
    return result


def _yaml() -> YAML:
    """A writer that writes each value out: the kit refuses anchors and aliases."""
    yaml = YAML()
    yaml.representer.ignore_aliases = lambda *_: True
    return yaml


def _dump(path: Path, content: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    _yaml().dump(content, path)


def _projects(root: Path) -> Callable[..., Path]:
    def make(name: str = "demo", **changes: Mapping[str, Any]) -> Path:
        parameters = root / "parameters"
        folder = parameters / name
        contents = {
            parameters / "policy.yaml": _merged(POLICY, changes.pop("policy", {})),
            parameters / "organisation.yaml": _merged(ORGANISATION, changes.pop("organisation", {})),
            folder / "system.yaml": _merged(SYSTEM, changes.pop("system", {})),
        }
        for path, content in contents.items():
            _dump(path, content)
        for stage in STAGES:
            path = folder / f"{stage}.yaml"
            path.write_text(scaffold.stage_yaml(name, stage), encoding="utf-8")
            if stage in changes:
                _dump(path, _merged(YAML().load(path), changes.pop(stage)))
        assert not changes, f"no such files: {list(changes)}"
        _write_tables(folder / "data")
        _write_csv(
            parameters / "data" / "training.csv",
            "person role completed expires",
            [[f"p{number}", "agent", date(2026, 3, 1), date(2027, 3, 1)] for number in range(20)],
        )
        return root

    return make


@pytest.fixture(scope="session")
def projects() -> Callable[[Path], Callable[..., Path]]:
    """`project` for a folder of one's own choice, for what is made once and read by many tests."""
    return _projects


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Path]:
    """A factory of valid projects: ``project()`` writes one and returns its root.

    The system lies in ``parameters/<name>``; a second call with another `name` adds a system to the same project. The
    other keywords name a file without its ending (policy, organisation, system or a stage) and give what is
    different in it: mappings are merged key by key, any other value takes the place of what was there, and ``...``
    takes a key out. ``project(system={"kind": "ranked", "deputy": ...})``. Stage files are those that `new` writes,
    every question unanswered.
    """
    return _projects(tmp_path / "project")


@pytest.fixture
def edit() -> Callable[..., None]:
    """Change one key of a YAML file, comments and order kept.

    ``edit(root / "parameters/demo/system.yaml", ("tables", "decisions", "columns", "time"), "when")``

    Parts of the key are names, or positions in a list; missing mappings on the way are made. ``...`` as the value
    deletes the key.
    """

    def change(path: Path, key: Sequence[str | int], value: Any) -> None:
        yaml = _yaml()
        yaml.preserve_quotes = True
        content = yaml.load(path)
        node = content
        for part in key[:-1]:
            if isinstance(node, dict) and node.get(part) is None:
                node[part] = {}
            node = node[part]
        if value is ...:
            del node[key[-1]]
        else:
            node[key[-1]] = value
        yaml.dump(content, path)

    return change


# --- the command line --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def kit(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Runs a command in this process, from a folder."""

    def run(*arguments: str, cwd: Path) -> Done:
        monkeypatch.chdir(cwd)
        monkeypatch.setattr(sys, "argv", ["ethics-kit", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        told = capsys.readouterr()
        return Done(int(ended.value.code or 0), told.out, told.err)

    return run


# --- storage ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bucket:
    """A bucket of a local S3 server."""

    client: Any
    name: str = "warehouse"

    def put(self, key: str, content: bytes) -> None:
        self.client.put_object(Bucket=self.name, Key=key, Body=content)

    def deny(self, keys: str) -> None:
        """Let nobody read objects under `keys`."""
        about = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{self.name}/{keys}"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [about]})
        self.client.put_bucket_policy(Bucket=self.name, Policy=policy)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The address of an S3 server of this machine."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Bucket]:
    """An empty bucket; this process and those it starts have the credentials for it, and a cache of their own."""
    import boto3

    variables = {
        "AWS_ENDPOINT_URL": s3_server,
        "AWS_ACCESS_KEY_ID": "tester",
        "AWS_SECRET_ACCESS_KEY": "tester",
        "AWS_DEFAULT_REGION": "us-east-1",
        "ETHICS_KIT_CACHE": str(tmp_path / "cache"),
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    urllib.request.urlopen(urllib.request.Request(f"{s3_server}/moto-api/reset", method="POST")).close()
    bucket = Bucket(boto3.client("s3"))
    bucket.client.create_bucket(Bucket=bucket.name)
    yield bucket
    bucket.client.close()


# --- a browser -------------------------------------------------------------------------------------------------

MACOS_CHROMIUM = [
    Path("/Applications/Chromium.app/Contents/MacOS/Chromium"),
    Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
]


def find_chromium() -> str | None:
    if named := os.environ.get("CHROMIUM"):
        return named
    for name in ("chromium", "chromium-browser", "google-chrome", "chrome"):
        if found := shutil.which(name):
            return found
    if sys.platform == "darwin":
        return next((str(path) for path in MACOS_CHROMIUM if path.exists()), None)
    return None


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The system's Chromium, headless. Without one a test is skipped, and fails where CI is set."""
    executable = find_chromium()
    if executable is None:
        missing = (
            "no Chromium found. Install one (Debian, Ubuntu: apt-get install chromium; "
            "macOS: brew install --cask chromium) or give its path in the environment variable CHROMIUM"
        )
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable,
            chromium_sandbox=not root,  # playwright adds --no-sandbox unless told; root cannot do without it
            args=[
                "--headless",
                "--disable-gpu",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ],
        )
        yield browser
        browser.close()


WITH_SERVERS = ("tests/databases/", "tests/runner/test_cluster.py")


class _ByServer(LoadScopeScheduling):
    """Tests go to whichever worker is free; those of a file that starts servers for them all to one."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.split("::", maxsplit=1)[0] if nodeid.startswith(WITH_SERVERS) else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return _ByServer(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: playwright leaves an event loop running, where asyncio.run refuses to work.

    Of these the many short ones, on the portfolio's pages, come after the long one, so that both workers have work.
    """

    def order(item: pytest.Item) -> tuple[bool, bool]:
        needs = getattr(item, "fixturenames", ())
        return "chromium" in needs, "chromium" in needs and "portfolio" in needs

    items.sort(key=order)
