"""Schedules about steps that are cancelled, repeated or too large (I5, I6)."""

import shutil

import pytest

from rental_pipeline.base.errors import FixConfiguration, FixData


@pytest.mark.slow
def test_15_a_step_that_commits_late_does_not_undo_what_a_newer_run_planned(market):
    """The old run's load was cancelled in vain and arrives after the new run has planned: the fence refuses it."""
    market.insert_parent(1)
    old = market.start().stop_before("load parents")
    market.insert_parent(2)
    new = market.start().stop_before("load parents")
    with pytest.raises(FixConfiguration, match="OVERTAKEN"):
        old.step()
    assert market.query("select count(*) from market_raw.parents") == [(0,)]
    new.finish()
    market.assert_whole()


def test_26_a_step_that_failed_is_submitted_anew_and_not_answered_with_its_old_failure(market):
    """The Data API remembers a request by its token for eight hours, also a failed one; the same step of the same run goes on."""
    market.insert_parent()
    run = market.start().stop_before("load parents")
    manifest = {"Bucket": market.pipeline.bucket, "Key": "market/runs/000001/manifests/parents.json"}
    content = market.pipeline.s3.get_object(**manifest)["Body"].read()
    market.pipeline.s3.delete_object(**manifest)
    with pytest.raises(FixData):
        market.pipeline.step("load", 1, "parents")
    market.pipeline.s3.put_object(**manifest, Body=content)
    run.finish()
    market.assert_raw_mirrors_source()


def test_26_a_publication_longer_than_a_batch_is_one_transaction(market):
    """21 metrics take more than 40 statements: where the last one fails, nothing of the others is published."""
    folder = market.sql_root / "market" / "presentation"
    for number in range(20):
        copy = shutil.copy(folder / "children_weekly.sql", folder / f"children_weekly_{number}.sql")
        market.edit(f"presentation/{copy.name}", "children_weekly", copy.stem)
    market.insert_parent()
    run = market.start().stop_before("publish")
    market.warehouse.execute("drop table market_presentation.children_weekly_9")
    with pytest.raises(FixConfiguration):
        run.step()
    assert market.query("select count(*) from layer_position where layer = 'presentation'") == [(0,)]
