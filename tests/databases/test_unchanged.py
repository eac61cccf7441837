"""What lies in a database may have changed: what reads it is run again each time, and the run says so."""

import pytest

from ethics_kit import cli_check
from ethics_kit.runner.unchanged import Wanted
from tests.databases.conftest import moved
from tests.databases.server import Server
from tests.runner.test_unchanged import AS_OF, IMPACT, STAGES, _aged, again, run, whole

pytestmark = pytest.mark.xdist_group("postgres")  # its server is started by one worker


def test_a_stage_that_reads_a_database_is_never_kept_and_one_that_does_not_is(project, server: Server, enter) -> None:
    root = project()
    moved(server, root, "unchanged")
    _aged(root)
    run(root)
    assert again(root) == {*STAGES} - {IMPACT}
    assert not whole(root, stages=(IMPACT,)), "whether the tables are in order is looked at again"


def test_a_run_says_which_systems_it_assesses_each_time(project, server: Server, enter, capsys) -> None:
    root = project()
    moved(server, root, "each_time")
    named = [str(root / "parameters/demo")]
    for force, told in (
        (False, "Run again in any case, as their tables are in a database: demo\n"),
        (True, ""),
    ):
        assert cli_check.valid(named, Wanted(STAGES, AS_OF, force=force)).bad == []
        assert capsys.readouterr().err == told
    cli_check.valid(named)
    assert capsys.readouterr().err == ""
