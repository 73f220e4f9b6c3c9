"""Translations on disk: the same as those that are made anew, and made once for all processes of a folder."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from local_redshift import translate as module
from local_redshift.refusal import Refused
from local_redshift.translate import translate
from local_redshift.translation import Translation
from local_redshift.translation_cache import TranslationCache, open_cache

STATEMENTS = [
    "select my_function(a), nvl(b, :word) from t where c = 'x'",
    "insert into s.t (a) select dateadd(day, 1, a) from s.u",
    "create table s.t (a bigint not null, b varchar(10)) diststyle key distkey (a) sortkey (a)",
    "lock s.t",
    "vacuum s.t",
    "truncate s.t",
    "call s.p(1)",
]
COPY = "copy s.t from 's3://bucket/manifest' iam_role 'arn:aws:iam::123456789012:role/copy' format as parquet manifest"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LOCAL_REDSHIFT_CACHE", str(tmp_path / "translations"))
    forget()
    yield tmp_path / "translations"
    forget()


def forget() -> None:
    """Do as another process."""
    translate.cache_clear()
    open_cache.cache_clear()


def refuse_to_translate(sql: str) -> Translation:
    raise AssertionError(f"translated anew: {sql}")


@pytest.mark.parametrize("sql", STATEMENTS)
def test_another_process_reads_what_was_translated(sql, monkeypatch):
    made = translate(sql)
    forget()
    monkeypatch.setattr(module, "_translate", refuse_to_translate)
    assert translate(sql) == made == Translation.from_fields(made.to_fields())


def test_what_names_files_of_one_run_is_not_kept(monkeypatch):
    assert translate(COPY).copy == translate(COPY).copy
    forget()
    monkeypatch.setattr(module, "_translate", refuse_to_translate)
    with pytest.raises(AssertionError, match="translated anew"):
        translate(COPY)


def test_a_refusal_is_said_again(monkeypatch):
    for _ in range(2):
        forget()
        with pytest.raises(Refused, match="DISTINCT ON"):
            translate("select distinct on (a) a from t")


def test_another_version_begins_anew(folder, monkeypatch):
    translate(STATEMENTS[0])
    (before,) = folder.glob("*.sqlite")
    forget()
    monkeypatch.setattr("local_redshift.translation_cache._fingerprint", lambda: "another")
    (folder / "mine.sqlite").write_text("somebody's own")
    translate(STATEMENTS[1])
    assert {path.name for path in folder.glob("*.sqlite")} == {"translations-another.sqlite", "mine.sqlite"}
    assert not before.exists()


def test_a_broken_file_is_begun_anew(folder):
    translate(STATEMENTS[0])
    (file,) = folder.glob("*.sqlite")
    forget()
    for path in folder.glob("*"):
        path.unlink()
    file.write_bytes(b"no database" * 100)
    made = translate(STATEMENTS[0])
    forget()
    assert translate(STATEMENTS[0]) == made
    assert TranslationCache(folder).get(STATEMENTS[0])


def test_without_its_file_all_is_translated_anew(tmp_path, monkeypatch, caplog):
    (tmp_path / "file").touch()
    monkeypatch.setenv("LOCAL_REDSHIFT_CACHE", str(tmp_path / "file"))
    assert translate(STATEMENTS[0]).returns_rows
    assert translate(STATEMENTS[1]).before
    assert caplog.text.count("translations are not kept in") == 1


def test_a_file_that_breaks_later_stops_nothing(folder, caplog):
    cache = TranslationCache(folder)
    cache.put("select 1", {"text": "1"})
    cache._file.execute("drop table translation")
    assert cache.get("select 1") is None
    cache.put("select 2", {"text": "2"})
    assert caplog.text.count("no such table") == 1


def test_old_statements_make_room(folder, monkeypatch):
    monkeypatch.setattr("local_redshift.translation_cache._MOST", 10)
    cache = TranslationCache(folder)
    for number in range(11):
        cache.put(f"select {number}", {"text": str(number)})
    again = TranslationCache(folder)
    assert [number for number in range(11) if again.get(f"select {number}")] == [6, 7, 8, 9, 10]


def test_threads_and_processes_may_share_a_folder(folder):
    caches = [TranslationCache(folder) for _ in range(4)]

    def keep(number: int) -> None:
        caches[number % 4].put(f"select {number % 50}", {"text": str(number % 50)})
        assert caches[(number + 1) % 4].get(f"select {number % 50}") == {"text": str(number % 50)}

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(keep, range(400)))
