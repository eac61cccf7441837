"""The commands. Heavy imports wait until a command needs them."""

from __future__ import annotations

import os
import sys
import traceback
from collections import Counter
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ethics_kit import cli_compare, cli_gate, cli_portfolio, cli_record, cli_review
from ethics_kit.errors import EthicsKitError, InputError, Problem, printable, told
from ethics_kit.measures.formats import ALLOW_PICKLE
from ethics_kit.project import (
    PASSPHRASE,
    STAGES,
    Project,
    find_project,
    locate_system,
    locate_systems,
    require_project,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ethics_kit.project import Stage as StageName
    from ethics_kit.runner.assessment import Result
    from ethics_kit.schema import Policy

OK, FAILED, BAD_INPUT, REFUSED, STOPPED, TERMINATED = 0, 1, 2, 3, 130, 143

TRACE = "ETHICS_KIT_TRACE"
"""Set by a person who wants to read an unexpected error whole, on a terminal of their own."""

EXAMPLE_DAY = "2026-11-01"
NEXT_TOLD = 5

Located = tuple[Project, Path]

Stage = StrEnum("Stage", {name: name for name in STAGES})  # type: ignore[misc]
Kind = Literal["scored", "ranked", "generative", "rules"]
Systems = Annotated[
    list[str] | None,
    typer.Argument(metavar="[SYSTEM]...", help="Dossier folders or names of systems; all of the project if none."),
]

AllowPickle = Annotated[
    bool,
    typer.Option(
        "--allow-pickle", help="Open model files that can run code (pickle, joblib), where model.sha256 names the file."
    ),
]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Assess the AI systems used in customer success, and keep records that anyone can check.",
)


def main() -> None:
    """Entry point: the kit's own errors are told in words, with exit code 2 for input and 1 for runs."""
    try:
        app()
    except InputError as error:
        _tell(error)
        sys.exit(BAD_INPUT)
    except EthicsKitError as error:
        typer.echo(str(error), err=True)
        sys.exit(FAILED)
    except OSError as error:
        typer.echo(f"{printable(error.filename or 'system', 4096)}: {error.strerror or told(error)}", err=True)
        sys.exit(FAILED)
    except Exception as error:
        if TRACE in os.environ:
            raise
        typer.echo(f"{told(error)} at {_place(error)}: a fault of the kit, or of a library that it uses.", err=True)
        typer.echo(
            f"What the error says may quote data; to read it on this terminal, set {TRACE}=1 and try again.", err=True
        )
        sys.exit(FAILED)


def _place(error: Exception) -> str:
    """The last line of the kit's own code that the error came through."""
    frames = traceback.extract_tb(error.__traceback__)
    here = Path(__file__).parent
    own = [f"{Path(f.filename).relative_to(here)}:{f.lineno}" for f in frames if Path(f.filename).is_relative_to(here)]
    return own[-1] if own else "an unknown place"


def _tell(error: InputError) -> None:
    for problem in error.problems:
        typer.echo(str(problem), err=True)


def _located(systems: list[str] | None) -> tuple[list[Located], list[InputError]]:
    """The dossiers named, or all; a folder of dossiers stands for each of them."""
    found: list[Located] = []
    errors = []
    for name in systems or [""]:
        try:
            found += locate_systems(name)
        except InputError as error:
            errors.append(error)
    return list({folder: (project, folder) for project, folder in found}.values()), errors


@dataclass(frozen=True)
class Validated:
    """The dossiers that are sound, those that are not, how many problems were told, and the policies by project."""

    sound: list[Located]
    bad: list[Located]
    problems: int
    policies: dict[Path, Policy]


def _valid(systems: list[str] | None) -> Validated:
    """Validate the dossiers named, or all; tell each problem once."""
    from ethics_kit import checks, dossier

    located, errors = _located(systems)
    sound, bad, policies = [], [], {}
    for project, folder in located:
        try:
            loaded = dossier.load(project, folder)
            if unusable := [*checks.model.problems(loaded)]:
                raise InputError(unusable)
            policies[project.root] = loaded.policy
            sound.append((project, folder))
        except InputError as error:
            errors.append(error)
            bad.append((project, folder))
    seen: set[str] = set()
    for raised in errors:
        fresh = [p for p in raised.problems if str(p) not in seen]
        seen |= {str(p) for p in fresh}
        _tell(InputError(fresh))
    return Validated(sound, bad, len(seen), policies)


@app.command()
def check(systems: Systems = None, allow_pickle: AllowPickle = False) -> None:
    """Validate dossiers, policy and tables; print every problem at once; run nothing."""
    _allow_pickle(allow_pickle)
    found = _valid(systems)
    for _, folder in found.sound:
        typer.echo(f"{folder.name}: in order")
    if found.problems:
        typer.echo(f"{found.problems} problem{'s' * (found.problems > 1)} to put right.", err=True)
        raise typer.Exit(BAD_INPUT)


@app.command()
def run(
    systems: Systems = None,
    stage: Annotated[Stage | None, typer.Option(help="Only this stage.")] = None,
    as_of: Annotated[str, typer.Option(help="ISO date; facts after it are left out. Default: today.")] = "",
    reports: Annotated[Path | None, typer.Option(help="Where records go. Default: reports/ of the project.")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Systems assessed at the same time.")] = os.cpu_count() or 1,
    gate: Annotated[
        bool, typer.Option("--gate", help="Exit with 3 where a recommendation is one the policy refuses.")
    ] = False,
    pdf: Annotated[
        bool, typer.Option("--pdf", help="Each report as a PDF too; needs the extra ethics-kit[pdf] and Pango.")
    ] = False,
    time_limit: Annotated[float, typer.Option(min=1, help="Seconds that one notebook may take.")] = 600,
    memory_limit: Annotated[
        float | None,
        typer.Option(min=0.1, help="GB of memory that one notebook may take. Default: the machine's, shared by jobs."),
    ] = None,
    allow_pickle: AllowPickle = False,
) -> None:
    """Assess systems stage by stage and write their records, reports and the portfolio's pages."""
    from ethics_kit.report.pdf import require as require_pdf
    from ethics_kit.workbook import parse_as_of

    _allow_pickle(allow_pickle)
    if pdf:
        require_pdf()
    day = parse_as_of(as_of)
    if day > date.today():
        typer.echo(f"--as-of {day} lies ahead of today.", err=True)
    found = _valid(systems)
    if not (found.sound or found.bad):
        raise typer.Exit(BAD_INPUT)
    if reports:
        reports = reports.resolve()
        _refuse_shared_names(found.sound, reports)
    stages = [s for s in STAGES if stage in (None, s)]
    results = _run(
        found,
        stages=stages,
        day=day,
        reports=reports,
        jobs=jobs,
        pdf=pdf,
        time_limit=time_limit,
        memory_limit=int(memory_limit * 1e9) if memory_limit else None,
    )
    raise typer.Exit(_exit_code(found, results, gate=gate))


def _allow_pickle(allowed: bool) -> None:
    """For this process and the kernels it starts; what the shell says does not count."""
    os.environ[ALLOW_PICKLE] = "1" if allowed else "0"


def _refuse_shared_names(sound: list[Located], reports: Path) -> None:
    """Two systems of one name, of different projects, would write into one folder."""
    counts = Counter(folder.name for _, folder in sound)
    shared = [name for name, count in counts.items() if count > 1]
    if shared:
        found = f"several systems called {', '.join(shared)}"
        todo = "run them one by one, each with reports of its own"
        raise InputError([Problem(file=reports, found=found, allowed="each name once per --reports", todo=todo)])


def _run(
    found: Validated,
    *,
    stages: Sequence[StageName],
    day: date,
    reports: Path | None,
    jobs: int,
    pdf: bool = False,
    time_limit: float = 600,
    memory_limit: int | None = None,
) -> list[Result]:
    from ethics_kit.runner import batch

    sound = found.sound
    total, done = len(sound) * len(stages), Counter[str]()

    def tell(result: Result) -> None:
        done["all"] += 1
        again = "" if result.new else "  (unchanged)"
        where = printable(result.reason, 500) if not result.ok else _shown(result.folder / "report.html")
        typer.echo(
            f"[{done['all']}/{total}] {result.system}  {result.stage}  {result.verdict}"
            f"  {result.seconds:.1f} s{again}  {where}"
        )

    say = partial(typer.echo, err=True)
    try:
        results = batch.run(
            sound,
            stages=stages,
            as_of=day,
            reports=reports,
            jobs=jobs,
            pdf=pdf,
            time_limit=time_limit,
            memory_limit=memory_limit,
            report=tell,
            say=say,
        )
    except KeyboardInterrupt as stop:
        typer.echo("Stopped. What is published is whole; run again to go on.", err=True)
        raise typer.Exit(TERMINATED if isinstance(stop, batch.Terminated) else STOPPED) from None
    _table(found, results, stages)
    _tell_next(results)
    _write_pages(found, reports, day)
    if found.bad:
        names = ", ".join(f.name for _, f in found.bad)
        typer.echo(f"Not run, as the dossier is not in order (see above): {names}", err=True)
    return results


def _write_pages(found: Validated, reports: Path | None, day: date) -> None:
    """The pages of each reports folder that is there, with the systems of all projects that report to it."""
    projects: dict[Path, dict[Path, Project]] = {}
    for project, _ in (*found.sound, *found.bad):
        projects.setdefault(reports or project.reports, {})[project.root] = project
    for folder, own in projects.items():
        cli_portfolio.after_run(
            folder,
            own.values(),
            day=day,
            systems=[system.name for project, system in (*found.sound, *found.bad) if project.root in own],
            not_run=[system.name for project, system in found.bad if project.root in own],
        )


def _shown(path: Path) -> str:
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return str(path)


def _table(found: Validated, results: list[Result], stages: Sequence[str]) -> None:
    """Verdicts, one line per system; plain text, so that it can be pasted."""
    verdicts = {(r.job.folder, r.stage): r.verdict for r in results}
    folders = list(dict.fromkeys(r.job.folder for r in results))
    rows = [["system", *stages], *([f.name, *(verdicts.get((f, t), "–") for t in stages)] for f in folders)]
    rows += [[folder.name, *("not run" for _ in stages)] for _, folder in found.bad]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    typer.echo("")
    for row in rows:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _tell_next(results: list[Result]) -> None:
    """After the assessment of one system: what to supply first, over its stages."""
    from ethics_kit.record import read_record
    from ethics_kit.report import supply

    records = [record for r in results if r.ok and (record := read_record(r.folder / "record.json")[0])]
    if records and len({r.job.folder for r in results}) == 1:
        lines = supply.told(records, NEXT_TOLD)
        typer.echo("\nWhat to supply next:" if lines else "\nNothing that is required waits for anything.")
        for line in lines:
            typer.echo(line)


def _exit_code(found: Validated, results: list[Result], *, gate: bool) -> int:
    """2 over 1 over 3."""
    stopped = cli_gate.refused(results, found.policies, problems=found.problems) if gate else []
    if found.problems:
        return BAD_INPUT
    if not all(r.ok for r in results):
        return FAILED
    return REFUSED if stopped else OK


@app.command()
def new(
    system: Annotated[str, typer.Argument(help="Name of the new system: letters, digits, _ and -.")],
    like: Annotated[str, typer.Option(help="Start from an example's dossier, such as churn_risk.")] = "",
    data: Annotated[
        Path | None, typer.Option(help="A table (CSV, Parquet, DuckDB) to propose column roles from.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Begin with the short questionnaire: 12 questions, half an hour.")
    ] = False,
    kind: Annotated[
        Kind | None, typer.Option(help="The kind of system, so that only its questions are written.")
    ] = None,
) -> None:
    """Write a commented dossier and its workbooks; existing files are never touched."""
    from ethics_kit import scaffold

    for line in scaffold.create(system, like=like, data=data, kind=kind, quick=quick):
        typer.echo(line)


@app.command()
def complete(system: Annotated[str, typer.Argument(help="A dossier folder or a system's name.")]) -> None:
    """Add the questions and keys that a dossier lacks, as after new --quick; what stands there stays."""
    from ethics_kit import scaffold

    for line in scaffold.complete(system):
        typer.echo(line)


@app.command("open")
def open_(
    system: Annotated[str, typer.Argument(help="A dossier folder or a system's name.")],
    jupyter: Annotated[
        list[str] | None, typer.Argument(metavar="[-- OPTION...]", help="Options for JupyterLab: -- --port 9000")
    ] = None,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Print the address instead, as on a server without a screen.")
    ] = False,
) -> None:
    """Start JupyterLab on a system's workbooks; existing workbooks are never touched. Ctrl-C stops it."""
    from ethics_kit import scaffold

    project, folder = locate_system(system)
    options = list(jupyter or ())
    if hasattr(os, "geteuid") and os.geteuid() == 0 and "--allow-root" not in options:
        typer.echo(
            "JupyterLab does not start as root: whoever reached it could change everything on this machine.\n"
            "To do: log in as another user; or, in a container that is yours alone: "
            f"ethics-kit open {system} -- --allow-root",
            err=True,
        )
        raise typer.Exit(FAILED)
    for line in scaffold.create_workbooks(project, folder.name):
        typer.echo(line)
    if no_browser or not _has_screen():
        options.append("--no-browser")
        typer.echo("Open the address that JupyterLab prints in a browser on this machine.")
        typer.echo("From another machine, first there: ssh -L PORT:localhost:PORT USER@HOST (PORT as in the address)")
    sys.stdout.flush()
    os.environ.pop(PASSPHRASE, None)
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", *_lab_options(project, folder.name), *options])


def _has_screen() -> bool:
    """Whether a browser can be shown; without a screen Python would start a text browser in the terminal."""
    return sys.platform != "linux" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))


def _lab_options(project: Project, system: str) -> list[str]:
    """The project as root, so that evidence and YAML can be reached; the first workbook open; no calls to outside."""
    from ethics_kit import scaffold

    first = scaffold.first_workbook(project, system).relative_to(project.root).as_posix()
    return [
        f"--ServerApp.root_dir={project.root}",
        f"--LabApp.default_url=/lab/tree/{first}",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--Application.log_level=WARN",
    ]


app.command()(cli_review.review)
app.command()(cli_record.sign)
app.command()(cli_record.verify)
app.command()(cli_record.keygen)
app.command()(cli_compare.compare)
app.command()(cli_portfolio.portfolio)


@app.command()
def demo(
    jobs: Annotated[int, typer.Option(min=1, help="Systems assessed at the same time.")] = os.cpu_count() or 1,
) -> None:
    """Make the example portfolio's tables where they are missing, and assess all five systems."""
    from ethics_kit import examples, scaffold
    from ethics_kit.workbook import parse_as_of

    project = find_project(Path.cwd()) or scaffold.example_project(Path.cwd())
    written = examples.write_tables(project.parameters)
    if written:
        typer.echo(f"Made {len(written)} example tables under {_shown(project.parameters)}/")
    found = _valid([str(project.parameters / name) for name in examples.planted()["systems"]])
    if found.problems:
        raise typer.Exit(BAD_INPUT)
    results = _run(found, stages=STAGES, day=parse_as_of(EXAMPLE_DAY), reports=None, jobs=jobs)
    raise typer.Exit(_exit_code(found, results, gate=False))


@app.command()
def schema() -> None:
    """Write the JSON Schemas of the YAML files and of record.json, so that editors complete and check them."""
    from ethics_kit import scaffold

    for path in scaffold.write_schemas(require_project(Path.cwd())):
        typer.echo(_shown(path))
