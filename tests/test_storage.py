"""What storage.fetched makes of objects on a real S3 server (moto's), and of addresses that are none."""

import hashlib
import os
import threading
import time

import pytest

from ethics_kit import storage
from ethics_kit.storage import StorageError, fetched, flaw, listed, version

ONE, OTHER = b"a,b\n1,2\n", b"a,b\n1,3\n"
HERE = "s3://warehouse/crm/notices.csv"


@pytest.fixture
def here(bucket):
    """The bucket with one object in it, at `HERE`."""
    bucket.put("crm/notices.csv", ONE)
    return bucket


def test_an_object_is_read_once_and_again_when_it_has_changed(here):
    first, second = fetched(HERE), fetched(HERE)
    here.put("crm/notices.csv", OTHER)
    third = fetched(HERE)
    assert [(f.path.read_bytes(), f.new) for f in (second, third)] == [(ONE, False), (OTHER, True)]
    assert [f.sha256 for f in (first, third)] == [hashlib.sha256(content).hexdigest() for content in (ONE, OTHER)]
    assert (first.new, first.size, first.path.suffix) == (True, len(ONE), ".csv")
    assert first.path.read_bytes() == ONE, "who had opened the first content goes on reading it"


def test_the_version_changes_with_the_content_and_only_then(here):
    before = version(HERE)
    assert version(HERE) == before
    here.put("crm/notices.csv", OTHER)
    assert version(HERE) != before


def test_a_pinned_content_is_given_and_another_is_refused(here):
    pinned = hashlib.sha256(ONE).hexdigest()
    assert fetched(HERE, pinned.upper()).sha256 == pinned
    here.put("crm/notices.csv", OTHER)
    with pytest.raises(StorageError, match=f"allowed: the one that is pinned, {pinned}; to do: put that content back"):
        fetched(HERE, pinned)


def test_many_at_once_read_an_object_once(here):
    results = []
    threads = [threading.Thread(target=lambda: results.append(fetched(HERE))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(r.new for r in results) == [False] * 7 + [True]
    assert {r.path.read_bytes() for r in results} == {ONE}


def test_what_is_fetched_nobody_else_may_read(here):
    path = fetched(HERE).path
    folders = (path.parent, path.parent.parent)
    assert [f.stat().st_mode & 0o077 for f in (path, *folders)] == [0, 0, 0]
    folders[1].chmod(0o755)
    with pytest.raises(StorageError, match=r"others may read; allowed: a folder of this user alone"):
        fetched(HERE)


def test_a_copy_that_was_cut_short_is_read_again(here):
    fetched(HERE).path.write_bytes(b"a")
    assert fetched(HERE).path.read_bytes() == ONE


def test_what_nobody_asked_for_in_a_week_is_deleted(here):
    here.put("crm/other.csv", OTHER)
    old, recent = fetched(HERE), fetched("s3://warehouse/crm/other.csv")
    long_ago = time.time() - 8 * 86_400
    os.utime(old.path, (long_ago, long_ago))
    here.put("crm/third.csv", ONE)
    fetched("s3://warehouse/crm/third.csv")
    assert (old.path.exists(), recent.path.exists()) == (False, True)
    assert fetched(HERE).new


def test_an_object_that_changes_while_it_is_read_is_refused_and_nothing_is_left(here, monkeypatch):
    times = iter("1234567")
    monkeypatch.setattr(storage, "version", lambda _: next(times))
    with pytest.raises(StorageError, match="changes while it is read"):
        fetched(HERE)
    assert [p.name for p in storage._folder().glob("*/*")] == ["lock"]


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("s3://warehouse/crm/gone.csv", "no such object or bucket; "),
        ("s3://elsewhere/crm/notices.csv", "no such object or bucket; "),
        ("s3://warehouse/crm", "a folder; allowed: an object: one file"),
        ("s3://warehouse/secret/a.csv", "access denied; "),
        (
            "gs://warehouse/a.csv",
            "no package that reads gs:// here; allowed: gcsfs, installed; to do: pip install gcsfs",
        ),
    ],
)
def test_what_storage_does_not_give_is_told_in_plain_words(here, address, found):
    here.put("secret/a.csv", ONE)
    here.deny("secret/*")
    with pytest.raises(StorageError, match=f"found {found}"):
        fetched(address)


def test_whatever_else_goes_wrong_is_told_by_kind_and_never_by_message(here, monkeypatch):
    class Broken:
        def info(self, _):
            raise ValueError("key AKIA-canary")

    monkeypatch.setattr(storage, "_system", lambda _: Broken())
    with pytest.raises(StorageError, match=r"cannot be read \(ValueError\); allowed: storage that answers") as caught:
        fetched(HERE)
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_cache_folder_that_cannot_be_made_is_a_problem_of_this_machine(here, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ETHICS_KIT_CACHE", str(tmp_path / "file"))
    with pytest.raises(StorageError, match=r"cannot be written \(Not a directory\); .* set ETHICS_KIT_CACHE"):
        fetched(HERE)


def test_a_file_that_another_process_renames_meanwhile_is_passed_over(here, tmp_path):
    beside = tmp_path / "cache/storage/other"
    beside.mkdir(mode=0o700, parents=True)
    beside.parent.chmod(0o700)
    (beside / "tmp1").symlink_to("renamed")  # listed, and not there when it is looked at
    assert fetched(HERE).path.read_bytes() == ONE


UPWARDS, OPTIONS = "an address that leads out of its folder", "an address with a user, a password or options in it"
NO_OBJECT, UNREAD = "an address that does not name an object", "an address of a kind that is not read"


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("s3://bucket/a/b.parquet", None),
        ("gs://bucket/day=2026-11-01/b.parquet", None),
        ("abfs://container/a b.csv", None),
        ("s3://bucket", NO_OBJECT),
        ("s3://bucket/", NO_OBJECT),
        ("s3://bucket/a/", NO_OBJECT),
        ("s3://bucket//a.csv", NO_OBJECT),
        ("s3://bucket/a*.csv", NO_OBJECT),
        ("s3://bucket/%2e%2e/a.csv", NO_OBJECT),
        ("s3://bucket/a\\b.csv", NO_OBJECT),
        ("s3://bucket/a\nb.csv", NO_OBJECT),
        ("s3:///a.csv", NO_OBJECT),
        ("s3://../a.csv", NO_OBJECT),
        ("s3://bucket/../other/a.csv", UPWARDS),
        ("s3://bucket/./a.csv", UPWARDS),
        ("s3://key:word@bucket/a.csv", OPTIONS),
        ("s3://bucket/a.csv?versionId=1", OPTIONS),
        ("s3://bucket/a.csv#x", OPTIONS),
        ("s3://bucket/a.zip::file://b", OPTIONS),
        ("s3://127.0.0.1:9000/a.csv", OPTIONS),
        ("simplecache::s3://bucket/a.csv", UNREAD),
        ("S3://bucket/a.csv", UNREAD),
        ("file:///etc/passwd", UNREAD),
        ("https://169.254.169.254/latest", UNREAD),
        ("memory://a/b.csv", UNREAD),
        ("", UNREAD),
    ],
)
def test_only_plain_addresses_of_objects_are_read(address, why):
    assert flaw(address) == why
    if why:
        for ask in (fetched, version):
            with pytest.raises(StorageError, match=f"found {why}; allowed: SCHEME://BUCKET/KEY"):
                ask(address)


@pytest.mark.parametrize(
    ("folder", "address", "inside"),
    [
        ("s3://bucket", "s3://bucket/a.csv", True),
        ("s3://bucket/", "s3://bucket/a/b.csv", True),
        ("s3://bucket/crm", "s3://bucket/crm/a.csv", True),
        ("s3://bucket/crm/", "s3://bucket/crm/a.csv", True),
        ("s3://bucket/crm", "s3://bucket/crm2/a.csv", False),
        ("s3://bucket/crm", "s3://bucket/crm/../a.csv", False),
        ("s3://bucket", "s3://bucket2/a.csv", False),
        ("s3://bucket", "gs://bucket/a.csv", False),
        ("s3://", "s3://bucket/a.csv", False),
        ("s3://bucket/..", "s3://bucket/../a.csv", False),
        ("warehouse", "s3://bucket/a.csv", False),
    ],
)
def test_an_address_is_listed_by_whole_steps_of_its_path(folder, address, inside):
    assert listed(address, ["elsewhere", folder]) is inside
