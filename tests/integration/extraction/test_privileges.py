"""A privilege that is missing is called that, and never a column or table that was dropped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from local.standins.mysql.mariadb import MariaDB
from rental_pipeline.base.errors import FixConfiguration
from tests.fixtures.aws import Aws
from tests.integration.extraction.conftest import Extraction, catalogue_column, write_source_secret

CONTRACT = "  t: {strategy: merge, key: id, cursor: changed_at}\n"


class Reader:
    """The pipeline's user, whose privileges each test gives it."""

    def __init__(self, extraction: Extraction, server: MariaDB):
        self.extraction, self.server = extraction, server
        self.account = f"'limited'@'{server.client_host}'"
        self.database = extraction.source.database

    def run(self, *statements: str) -> None:
        with closing(self.server.connect(self.database)) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def may(self, privileges: str, on: str = "t") -> None:
        """Have these privileges on the table (or another), and no others."""
        self.run(f"revoke all privileges, grant option from {self.account}", f"grant process on *.* to {self.account}")
        self.run(f"grant {privileges} on `{self.database}`.{on} to {self.account}")

    def refused(self) -> str:
        with pytest.raises(FixConfiguration) as caught:
            self.extraction.plan()
        return str(caught.value)


@pytest.fixture
def reader(extraction: Extraction, mariadb: MariaDB, aws: Aws, set_environment) -> Iterator[Reader]:
    extraction.source.execute(
        "create table t (id int primary key, changed_at datetime not null, name varchar(10), note varchar(10), key (changed_at))"
    )
    extraction.source.execute("insert into t values (1, '2026-01-01', 'a', 'b')")
    extraction.write_contract(CONTRACT)
    made = Reader(extraction, mariadb)
    made.run(f"drop user if exists {made.account}", f"create user {made.account} identified by 'pw'")
    secret = write_source_secret(aws, extraction.source, username="limited", password="pw")
    set_environment(SOURCE_SECRET_ARN=secret)
    yield made
    made.run(f"drop user {made.account}")


def know(extraction: Extraction, *names: str) -> None:
    """Have raw hold these columns."""
    kinds = {"id": "integer", "changed_at": "timestamp"}
    extraction.columns = [catalogue_column("t", name, kinds.get(name, "varchar(40)")) for name in names]


@pytest.mark.parametrize("table_too", [True, False])
def test_a_column_that_was_revoked_is_not_called_dropped(reader: Reader, table_too: bool) -> None:
    """Raw has it: the way out is a grant, and nothing that touches history."""
    know(reader.extraction, "id", "changed_at", "name", "note")
    reader.may("select (id, changed_at, name)" + (", insert" if table_too else ""))
    says = reader.refused()
    assert f"{reader.account} may not read the column note, which the source has" in says
    assert f"grant select (`note`) on `{reader.database}`.`t` to {reader.account}" in says
    assert "dropped" not in says
    assert "erase" not in says


def test_a_column_that_was_dropped_is_called_that(reader: Reader) -> None:
    """Also for a user who may read some columns only."""
    know(reader.extraction, "id", "changed_at", "name", "note", "gone")
    reader.may("select")
    assert "dropped in the source: gone" in reader.refused()


def test_a_column_that_the_contract_needs_is_asked_for(reader: Reader) -> None:
    """The key, the cursor, and what is required or personal; all at once."""
    reader.extraction.write_contract(
        "  t: {strategy: merge, key: id, cursor: changed_at, requires: [name], personal: {note: drop}}\n"
    )
    reader.may("select (name)")
    says = reader.refused()
    assert "may not read the columns id, changed_at, note, which the source has" in says
    reader.may("select")
    reader.extraction.plan()


def test_a_column_that_is_misspelt_is_called_that(reader: Reader) -> None:
    """The source does not have it, whatever the user may."""
    reader.extraction.write_contract("  t: {strategy: merge, key: id, cursor: changed_at, requires: [nmae]}\n")
    reader.may("select (id, changed_at, name, note)")
    assert "the source has no column nmae (did you mean 'name'?)" in reader.refused()
    reader.may("select")
    assert "the source has no column nmae (did you mean 'name'?)" in reader.refused()


def test_a_table_that_may_not_be_read_is_not_called_missing(reader: Reader) -> None:
    """Without any privilege in the database a server tells neither; where the user may read others, it is missing."""
    reader.run("create table other (id int primary key)")
    reader.may("select", on="other")
    says = reader.refused()
    assert f"table t: {reader.account} may not read it, if it is there" in says
    assert f"grant select on `{reader.database}`.`t` to {reader.account}" in says
    reader.run("drop table t")
    reader.may("select", on="*")
    assert "the source has no table t" in reader.refused()


def test_a_user_of_single_columns_sees_whether_the_key_is_unique(reader: Reader) -> None:
    """An index is shown to whoever may see all its columns, and never a part of it as if it were the whole."""
    reader.run("alter table t drop primary key, add unique (id, name)", "alter table t modify name varchar(10) not null")
    reader.may("select (id, changed_at, note)")
    assert "the key (id) is not unique in the source" in reader.refused()
    reader.run("alter table t add primary key (id)")
    assert [column["name"] for column in reader.extraction.plan()["tables"][0]["columns"]] == ["id", "changed_at", "note"]


def test_columns_that_may_be_written_but_not_read_are_found_before_reading(reader: Reader) -> None:
    """The catalogue shows them; only the query that reads the table tells, and names the first alone."""
    know(reader.extraction, "id", "changed_at", "name", "note")
    reader.may("select (id, changed_at), insert")
    says = reader.refused()
    assert "may not read the columns name, note, which the source has" in says
    assert f"grant select (`name`, `note`) on `{reader.database}`.`t`" in says
