"""What a run shows: lines and a bar, a log for programs, the table, the summary. No kernel runs but in one test."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
from datetime import date, datetime
from pathlib import Path

import pytest

from ethics_kit import cli_gate, cli_progress, cli_run, cli_summary
from ethics_kit.cli_gate import Refusal
from ethics_kit.cli_log import JsonLog
from ethics_kit.cli_progress import Ended, Pace, Planned
from ethics_kit.errors import Terminated
from ethics_kit.project import STAGES, Project
from ethics_kit.runner.results import Job, Result
from ethics_kit.runner.unchanged import Wanted

DAY = date(2026, 11, 1)
DOCUMENT = Path(__file__).parents[2] / "docs/scheduling.md"


def result(system="demo", stage="impact_analysis", verdict="approve", reason="All is met.", seconds=2.0, **more):
    project = Project(Path("/project"))
    job = Job(project, project.root / "parameters" / system, stage, DAY, project.reports)
    return Result(job, verdict, reason, project.reports / system / stage / "2026-11-01_abc", seconds, **more)


def planned(systems=3, stages=STAGES, jobs=2, **more):
    return Planned([f"s{number}" for number in range(systems)], stages, DAY, jobs, **more)


def ended(results, refusals=None, code=0, pages=("reports/index.html",), seconds=75.4):
    return Ended(results, refusals, list(pages), code, seconds)


# --- lines -------------------------------------------------------------------------------------------------------


def test_a_line_tells_how_one_assessment_ended():
    line = cli_progress.line(result(new=False, attempts=2), 3, 20)
    where = "/project/reports/demo/impact_analysis/2026-11-01_abc/report.html"
    assert line == f"[3/20] demo  impact_analysis  approve  2.0 s  (unchanged)  (second attempt)  {where}"


def test_a_line_of_what_was_not_run_again_tells_since_when():
    line = cli_progress.line(result(since="2026-11-03", new=False), 1, 1)
    assert line.startswith("[1/1] demo  impact_analysis  approve  unchanged since 2026-11-03  /project/")


def test_a_reason_cannot_steer_the_terminal_or_flood_it():
    line = cli_progress.line(result(verdict="failed", reason="\x1b[2J\n" + "x" * 9000), 1, 1)
    assert line.isprintable()
    assert len(line) < 700


# --- time left ---------------------------------------------------------------------------------------------------


def assess(pace, one):
    pace.started(one.job)
    pace.ended(one)


def test_time_left_is_not_told_before_each_stage_to_come_was_seen():
    pace = Pace(planned(systems=2, stages=STAGES[:2]))
    assert pace.left() is None
    assess(pace, result("s0", STAGES[0]))
    assert pace.left() is None
    assert "left" not in pace.words()
    assess(pace, result("s0", STAGES[1]))
    assert pace.left() is not None
    assert "left" in pace.words()


def test_time_left_is_the_median_of_each_stage_shared_by_the_jobs():
    pace = Pace(planned(systems=9, stages=STAGES[:2], jobs=2))
    for number, seconds in enumerate([1.0, 4.0, 900.0]):
        assess(pace, result(f"s{number}", STAGES[0], seconds=seconds))
        assess(pace, result(f"s{number}", STAGES[1], seconds=10.0))
    assert pace.left() == pytest.approx((6 * 4 + 6 * 10) / 2)


def test_the_last_system_keeps_one_job_busy():
    pace = Pace(planned(systems=2, stages=STAGES[:2], jobs=8))
    for stage in STAGES[:2]:
        assess(pace, result("s0", stage, seconds=30.0))
    assert pace.left() == pytest.approx(60.0)


def test_what_is_skipped_is_expected_to_be_skipped_in_the_same_share():
    pace = Pace(planned(systems=8, stages=STAGES[:1], jobs=1))
    for number in range(4):
        since = "2026-11-01" if number else None
        assess(pace, result(f"s{number}", seconds=0.0 if number else 20.0, since=since))
    assert pace.left() == pytest.approx(4 * 0.25 * 20)
    assert pace.words() == "4/8 done, 3 unchanged, about 20 s left"


def test_what_was_known_to_be_unchanged_says_nothing_of_what_is_run():
    pace = Pace(planned(systems=100, stages=STAGES[:1], jobs=1))
    for number in range(90):
        pace.ended(result(f"s{number}", seconds=0.0, since="2026-11-01"))
    assert pace.left() is None
    assess(pace, result("s90", seconds=20.0))
    assert pace.left() == pytest.approx(9 * 20)
    assert pace.words() == "91/100 done, 90 unchanged, about 3 min 0 s left"


def test_what_a_running_assessment_has_done_does_not_count_as_left(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(cli_progress.time, "monotonic", lambda: now[0])
    pace = Pace(planned(systems=2, stages=STAGES[:1], jobs=1))
    assess(pace, result("s0", seconds=30.0))
    pace.started(result("s1").job)
    now[0] = 110.0
    assert pace.left() == pytest.approx(20.0)
    now[0] = 500.0  # longer than it should take: that takes nothing off the others
    assert pace.left() == pytest.approx(0.0)
    assert pace.words() == "1/2 done, 1 running, about 0 s left"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (59.6, "1 min 0 s"), (125, "2 min 5 s"), (12_000, "3 h 20 min")]
)
def test_durations_read_as_people_say_them(seconds, words):
    assert cli_summary.duration(seconds) == words


# --- the bar on a terminal ---------------------------------------------------------------------------------------

SCRIPT = """
import sys, time
from tests.runner.test_shown import planned, result
from ethics_kit.cli_progress import Lines
from ethics_kit.project import STAGES
with Lines(planned(systems=3, stages=STAGES[:2])) as watch:
    for number in range(3):
        for stage in STAGES[:2]:
            watch.started(result(f"s{number}", stage).job)
            time.sleep(0.3)
            print("told beside", file=sys.stderr) if number == 1 else None
            watch.ended(result(f"s{number}", stage, reason="", seconds=1.0))
print("the end")
"""
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def on_a_terminal(columns, script=SCRIPT, **environment):
    """What a program writes to a terminal of so many columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "FORCE_COLOR")}
    environment = {**kept, "TERM": "xterm-256color", **environment}
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=root, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    ) as running:
        os.close(theirs)
        read = b""
        while True:
            try:
                if not select.select([ours], [], [], 60)[0]:
                    break
                piece = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            read += piece
        os.close(ours)
        assert running.wait(60) == 0, read.decode()
    return read.decode()


def test_on_a_terminal_a_bar_stands_below_the_lines_and_is_gone_in_the_end():
    read = on_a_terminal(100)
    plain = ESCAPE.sub("", read)
    lines = [line.strip() for line in re.split(r"[\r\n]+", plain)]
    told = [line for line in lines if line.startswith("[")]
    assert [line.split()[0] for line in told] == [f"[{number}/6]" for number in range(1, 7)]
    assert all(line.endswith("report.html") for line in told)  # longer than the terminal is wide, and whole
    assert re.search(r"━.* 2/6 done, 1 running, about \d+ s left", plain)
    assert lines.count("told beside") == 2
    assert [line for line in lines if line][-1] == "the end"
    assert "\x1b[?25h" in read.split("the end")[0]  # the cursor is back


def test_a_narrow_terminal_has_the_words_alone_and_cuts_them():
    plain = ESCAPE.sub("", on_a_terminal(30))
    bars = [line for line in re.split(r"[\r\n]+", plain) if " done" in line]
    assert bars
    assert all(len(line.rstrip()) <= 30 for line in bars)
    assert not re.search("[━╸]", plain)


def test_no_color_and_a_dumb_terminal_are_respected():
    assert not re.search(r"\x1b\[[0-9;]*[34][0-9;]*m", on_a_terminal(100, NO_COLOR="1"))
    dumb = on_a_terminal(100, TERM="dumb")
    assert "\x1b" not in dumb
    assert len(re.findall(r"(?m)^\[\d/6\] ", dumb)) == 6
    assert " done" not in dumb


CHECKING = """
import time
from ethics_kit.cli_check import _shown
with _shown(1200) as looked_at:
    for number in range(700):
        looked_at()
    time.sleep(0.6)
print("the end")
"""


def test_on_a_terminal_a_bar_counts_the_dossiers_that_were_checked():
    read = on_a_terminal(100, CHECKING)
    plain = ESCAPE.sub("", read)
    assert re.search(r"━.* checking 700 of 1,200", plain)
    assert "Checked" not in plain
    assert "\x1b[?25h" in read.split("the end")[0]  # the cursor is back
    assert not re.search("[━╸]", ESCAPE.sub("", on_a_terminal(30, CHECKING)))
    assert "\x1b" not in on_a_terminal(100, CHECKING, TERM="dumb")


# --- the log for programs ----------------------------------------------------------------------------------------


def fields_in_the_document():
    """The events and their fields, as the document's table lists them."""
    rows = re.findall(
        r"(?m)^\| `(\w+)` \| .+? \| (.+) \|$", DOCUMENT.read_text(encoding="utf-8").split("## The log")[1]
    )
    return {event: re.findall(r"`(\w+)`", fields) for event, fields in rows}


def logged(capsys, results, refusals=None, **more):
    with JsonLog(planned(**more)) as log:
        for one in results:
            log.started(one.job)
            log.ended(one)
        log.ran(results)
    log.finished(ended(results, refusals))
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_every_event_has_the_fields_that_the_document_lists_in_their_order(capsys):
    failed = result(verdict="failed", reason="no\nluck \x1b[1m", attempts=2)
    refusals = [Refusal(failed, "the assessment failed: no\nluck", "nothing to sign off")]
    told = logged(capsys, [result(since="2026-11-03"), failed], refusals, not_run=["bad"], problems=2)
    assert {one["event"]: list(one)[2:] for one in told} == fields_in_the_document()
    both = ["started", "assessed"]
    assert [one["event"] for one in told] == ["run_started", *both, *both, "refused", "finished"]
    assert all(datetime.fromisoformat(one["at"]).tzinfo for one in told)
    assert told[4]["reason"] == r"no\nluck \x1b[1m"
    assert (told[2]["since"], told[4]["attempts"], told[4]["since"]) == ("2026-11-03", 2, None)
    last = told[-1]
    assert (last["assessed"], last["failed"], last["unchanged"], last["refused"]) == (2, 1, 1, 1)
    assert (last["verdicts"], last["not_run"]) == ({"approve": 1, "failed": 1}, ["bad"])


def test_a_real_run_writes_its_log_and_nothing_else_to_standard_output(short, kit):
    root = short()
    run = ("run", "--stage", "impact_analysis", "--as-of", "2026-11-01", "--gate", "--log", "json")
    done = kit(*run, cwd=root)
    told = [json.loads(line) for line in done.out.splitlines()]
    assert [one["event"] for one in told] == ["run_started", "started", "assessed", "refused", "finished"]
    assert done.code == told[-1]["exit_code"] == 3
    assert told[2]["verdict"] == "undetermined"
    assert (root / told[2]["folder"] / "record.json").is_file()
    assert told[-1]["pages"] == ["reports/index.html"]
    assert (root / "reports/index.html").is_file()


def test_a_run_without_a_sound_dossier_still_ends_its_log(project, edit, kit):
    root = project()
    edit(root / "parameters/demo/system.yaml", ("kindd",), "scored")
    done = kit("run", "--log", "json", cwd=root)
    first, last = map(json.loads, done.out.splitlines())
    assert (done.code, last["exit_code"], first["not_run"], first["problems"]) == (2, 2, ["demo"], 1)


@pytest.mark.parametrize(("stop", "expected"), [(KeyboardInterrupt, 130), (Terminated, 143)])
def test_a_run_that_is_stopped_ends_its_log_with_what_it_had(monkeypatch, capsys, stop, expected):
    from ethics_kit.runner import batch

    def stopped(*_, begun, report, **__):
        begun(result("s0").job)
        report(result("s0"))
        raise stop

    monkeypatch.setattr(batch, "run", stopped)
    job = result().job
    found = cli_run.Validated([(job.project, job.folder)], [], 0, {})
    code = cli_run.assessed(found, Wanted(STAGES, DAY), jobs=1, log="json")
    told = capsys.readouterr()
    last = json.loads(told.out.splitlines()[-1])
    assert (code, last["event"], last["exit_code"], last["assessed"]) == (expected, "finished", expected, 1)
    assert told.err == "Stopped. What is published is whole; run again to go on.\n"


@pytest.mark.parametrize(("number", "expected"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize(
    ("place", "told_of"), [("ethics_kit.dossier.load", None), ("ethics_kit.cli_portfolio.after_run", "finished")]
)
def test_a_run_can_be_stopped_while_it_checks_dossiers_and_while_it_writes_pages(
    project, kit, monkeypatch, place, told_of, number, expected
):
    def stopped(*_, **__):
        signal.raise_signal(number)

    root, before = project(), signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(cli_run, "_results", lambda *_, **__: [])
    monkeypatch.setattr(place, stopped)
    done = kit("run", "--log", "json", cwd=root)
    assert (done.code, done.err) == (expected, "Stopped. What is published is whole; run again to go on.\n")
    assert [json.loads(line)["event"] for line in done.out.splitlines()][-1:] == ([told_of] if told_of else [])
    assert signal.getsignal(signal.SIGTERM) is before


# --- the table ---------------------------------------------------------------------------------------------------


def test_the_table_has_the_worst_first():
    verdicts = {"a": "approve", "b": "reject", "c": "failed", "d": "approve_with_conditions", "e": "undetermined"}
    results = [result(system, verdict=verdict) for system, verdict in verdicts.items()]
    rows = cli_summary.table(planned(stages=["impact_analysis"], not_run=["z"]), results)
    assert [row.split()[0] for row in rows] == ["system", "z", "c", "b", "e", "d", "a"]
    assert rows[1] == "z       not run"


def test_one_bad_stage_weighs_more_than_many_middling_ones():
    middling = [result("a", stage, "approve_with_conditions") for stage in STAGES]
    bad = [result("b", stage, "reject" if stage == STAGES[3] else "approve") for stage in STAGES]
    assert [row.split()[0] for row in cli_summary.table(planned(), [*middling, *bad])] == ["system", "b", "a"]


def test_the_table_tells_since_when_nothing_has_changed():
    half = [result("b", STAGES[0], since="2026-11-03"), result("b", STAGES[1])]
    whole = [result("a", stage, since=f"2026-11-0{place}") for place, stage in enumerate(STAGES[:2], 1)]
    rows = cli_summary.table(planned(stages=STAGES[:2]), [*half, *whole])
    assert rows[0].endswith("unchanged since")
    assert [row.split()[3:] for row in rows[1:]] == [["2026-11-02"], ["1", "of", "2"]]


def test_a_large_table_is_cut_and_says_so():
    results = [result(f"s{number:05}", verdict="reject" if number > 9990 else "approve") for number in range(10_000)]
    rows = cli_summary.table(planned(stages=["impact_analysis"]), results)
    assert len(rows) == 1 + cli_summary.ROWS + 1
    assert rows[1].split() == ["s09991", "reject"]
    assert rows[-1] == "and 9960 more systems, none of them worse: in the pages and in actions.csv"


# --- the summary -------------------------------------------------------------------------------------------------


def test_the_summary_can_be_pasted_as_it_is():
    results = [
        result("a", verdict="approve_with_conditions", since="2026-11-03"),
        result("b", verdict="failed", reason="Kernel died: too little memory"),
        result("c", verdict="reject"),
    ]
    refusals = [Refusal(results[2], "reject. One requirement is not met", "review draft")]
    told = cli_summary.summary(planned(stages=["impact_analysis"], not_run=["z"]), ended(results, refusals))
    assert told == [
        "Summary as of 2026-11-01: 3 assessments of 3 systems",
        "  1 failed, 1 reject, 1 approve with conditions",
        "Not run, dossier not in order: 1",
        "  z",
        "Failed: 1",
        "  b impact_analysis: Kernel died: too little memory",
        "Refused by the gate: 1 of 3",
        "  c impact_analysis: reject. One requirement is not met",
        "Unchanged: 1 of 3, not run again",
        "Pages: reports/index.html",
        "Took 1 min 15 s with 2 jobs at a time",
    ]


def test_a_stopped_run_says_how_much_was_not_assessed():
    told = cli_summary.summary(planned(systems=5), ended([result()], pages=()))
    assert told[1] == "Stopped before the end: 19 of 20 not assessed"


def test_the_summary_of_ten_thousand_systems_is_short_and_narrow():
    names = [f"a_system_with_a_very_long_name_of_more_than_sixty_characters_{n:05}" for n in range(10_000)]
    results = [result(name, verdict="failed", reason="x\n" * 5000) for name in names]
    refusals = [Refusal(one, one.reason, "nothing to sign off") for one in results]
    told = cli_summary.summary(planned(systems=10_000, not_run=names), ended(results, refusals))
    assert len(told) < 50
    assert max(map(len, told)) <= 72
    assert all(line.isprintable() for line in told)
    assert "  and 9990 more" in told


def test_the_gate_names_the_first_refusals_and_counts_the_others():
    results = [result(f"s{number}", verdict="reject") for number in range(100)]
    told = cli_gate.told(results, [Refusal(one, "reject.", "review draft") for one in results], problems=0)
    assert told[0].startswith("Gate: refused 100 of 100: s0 impact_analysis reject, ")
    assert told[-1] == "  and 60 more; --log json names every refusal"
    assert len(told) == 42
