"""Runs of other tools that said success while data was missing. A test's name begins with the report."""

from contextlib import closing

import pytest

from rental_pipeline.base.errors import FixConfiguration, FixData
from tests.fixtures.mariadb import EXTRACTION_USER


@pytest.mark.slow
def test_aws_dms_a_target_that_is_out_of_sync_ends_no_run_well(market):
    """Somebody deletes a row of curated by hand. The next reconcile run counts raw and curated, even if nothing changed."""
    market.insert_parent(1)
    market.insert_parent(2)
    market.run_well()
    with market.warehouse.connect() as connection:
        connection.execute("delete from market_curated.parents where id = 1")
    with pytest.raises(
        FixData, match=r"parents_accounted_for: 1 rows, for example 2 in raw, 1 accepted \(2 by the ledger\), 0 rejected"
    ):
        market.run({"reconcile": True})
    market.run_well({"rebuild": True})
    market.assert_whole()


@pytest.mark.slow
def test_airbyte_85783_no_rows_is_not_the_answer_to_a_missing_privilege(market):
    """A table that the user may not read any more is named, and not read as empty."""
    market.insert_parent()
    market.run_well()
    account = EXTRACTION_USER, market.server.client_host
    with closing(market.server.connect()) as connection, connection.cursor() as cursor:
        try:
            cursor.execute("revoke select on market_source.* from %s@%s", account)
            with pytest.raises(FixConfiguration, match=r"no table parents|denied"):
                market.run()
        finally:
            cursor.execute("grant select on market_source.* to %s@%s", account)
    market.assert_whole()


def test_posthog_99515_a_key_that_is_not_unique_is_refused(market):
    """Redshift enforces no key, so a merge on this one would keep any of the rows. It is refused before anything is read."""
    market.execute("alter table labels drop primary key, add key (code)")
    market.execute("insert into labels values ('a', 'one', null), ('a', 'two', null)")
    with pytest.raises(FixConfiguration, match=r"the key \(code\) is not unique in the source"):
        market.run()


def test_posthog_99515_a_key_that_comes_twice_is_refused_by_the_load(market):
    """The second line: the source's index was there when the run was planned, and gone when it was read."""
    market.execute("insert into labels values ('a', 'one', null)")
    run = market.start().stop_before("extract_slice 0")
    market.execute("alter table labels drop primary key, add key (code)")
    market.execute("insert into labels values ('a', 'two', null)")
    with pytest.raises(FixConfiguration, match="KEY NOT UNIQUE"):
        run.finish()
    assert market.query("select count(*) from market_raw.labels") == [(0,)]
