"""A real PostgreSQL for the tests: their own server in a temporary folder, on a socket, that logs all it is asked."""

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import ibis
import psycopg
import pytest

PASSWORD = "canary-of-the-warehouse"
READER = "kit_reader"
ENTRY = "@entry@"


def program(name: str) -> str | None:
    """The newest of PostgreSQL's programs, where Debian puts them or on the path."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda p: float(p.parts[4]))
    return str(found[-1]) if found else shutil.which(name)


def required() -> None:
    """Skip where PostgreSQL is absent, but fail in CI."""
    if program("initdb") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no PostgreSQL here: .ci/run installs it")
        pytest.skip("no PostgreSQL here (Debian: postgresql)")


@dataclass(frozen=True)
class Server:
    """A server: the folder of its socket, its log, and how to enter as its owner."""

    socket: Path
    log: Path
    owner: str

    @property
    def entered(self) -> dict[str, str]:
        """What the kit enters by, in the environment."""
        return {"PGUSER": READER, "PGPASSWORD": PASSWORD}

    @property
    def policy(self) -> dict[str, object]:
        """The entry of policy.yaml."""
        return {"engine": "postgres", "host": str(self.socket), "database": "warehouse"}

    def owners(self, database: str = "warehouse") -> psycopg.Connection:
        return psycopg.connect(host=str(self.socket), dbname=database, user=self.owner, autocommit=True)

    def statements(self) -> list[str]:
        """What the kit asked so far."""
        log = self.log.read_text(encoding="utf-8", errors="replace")
        own = [entry for entry in log.split(ENTRY) if entry.startswith(f"{READER} LOG:")]
        return [re.sub(r"^.*?(statement|execute .*?): ", "", entry, count=1) for entry in own if ": " in entry]


@contextmanager
def served() -> Iterator[Server]:
    """Start a server whose tables are sorted as people sort words, and stop it. It refuses root, so another runs it."""
    folder = Path(tempfile.mkdtemp(prefix="kit-"))  # the path of a socket has to be short
    as_other: dict[str, object] = {}
    owner = pwd.getpwuid(os.getuid()).pw_name
    if os.getuid() == 0:
        other = pwd.getpwnam("postgres")
        owner, as_other = "postgres", {"user": other.pw_uid, "group": other.pw_gid, "extra_groups": []}
        os.chown(folder, other.pw_uid, other.pw_gid)
    folder.chmod(0o755)
    data, log = folder / "data", folder / "log"

    def run(*command: str) -> None:
        done = subprocess.run(command, check=False, capture_output=True, cwd=folder, **as_other)
        assert done.returncode == 0, f"{command}: {(done.stdout + done.stderr).decode()}"

    how = ["--auth-local=scram-sha-256", "--locale-provider=icu", "--icu-locale=en-US", "--encoding=UTF8"]
    key = folder / "password"
    key.write_text(PASSWORD, encoding="utf-8")
    run(program("initdb") or "", "-D", str(data), "-U", owner, *how, "--no-sync", "-N", f"--pwfile={key}", "--locale=C")
    rules = f"local all {owner} trust\nlocal all all scram-sha-256\n"
    (data / "pg_hba.conf").write_text(rules, encoding="utf-8")
    settings = {
        "listen_addresses": "''",
        "unix_socket_directories": f"'{folder}'",
        "log_statement": "all",
        "log_line_prefix": f"'{ENTRY}%u '",
        "fsync": "off",
        "max_wal_size": "256MB",
        "shared_buffers": "64MB",
    }
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    run(program("pg_ctl") or "", "start", "-w", "-D", str(data), "-l", str(log), "-o", options)
    try:
        server = Server(folder, log, owner)
        with server.owners("postgres") as entered:
            entered.execute("CREATE DATABASE warehouse")
            entered.execute(f"CREATE ROLE {READER} LOGIN PASSWORD '{PASSWORD}'")
        yield server
    finally:
        run(program("pg_ctl") or "", "stop", "-m", "immediate", "-D", str(data))
        shutil.rmtree(folder)


def load(server: Server, schema: str, tables: Mapping[str, ibis.Table]) -> None:
    """Put tables of DuckDB into a schema, each column with its type, for the kit to read and not to write."""
    with server.owners() as entered:
        entered.execute(f'CREATE SCHEMA "{schema}"')
        for name, table in tables.items():
            kinds = ", ".join(f'"{c}" {_kind(t)}' for c, t in table.schema().items())
            entered.execute(f'CREATE TABLE "{schema}"."{name}" ({kinds})')
            rows = table.to_pyarrow()
            with entered.cursor().copy(f'COPY "{schema}"."{name}" FROM STDIN') as copy:
                for row in zip(*(column.to_pylist() for column in rows.columns), strict=True):
                    copy.write_row(row)
        entered.execute("ANALYZE")
        entered.execute(f'GRANT USAGE ON SCHEMA "{schema}" TO {READER}')
        entered.execute(f'GRANT SELECT ON ALL TABLES IN SCHEMA "{schema}" TO {READER}')


def _kind(kind: ibis.expr.datatypes.DataType) -> str:
    if kind.is_timestamp():
        return "timestamptz" if kind.timezone else "timestamp"
    if kind.is_floating():
        return "double precision"
    names = {"string": "text", "boolean": "boolean", "date": "date", "int64": "bigint", "int32": "integer"}
    return names[str(kind).lstrip("!")]
