"""A notebook whose warehouse does not answer, or holds nothing, stops at its first query and draws nothing.

They stand apart from what is published for a whole module, which an emptied warehouse would take away.
"""

from __future__ import annotations

import pytest
from nbclient.exceptions import CellExecutionError

from local.commands.notebooks import FOLDER, execute
from local.processes import find_free_port
from rental_pipeline.definitions.read_marketplace import read_marketplace
from tests.fixtures.few_metrics import SQL_ROOT
from tests.fixtures.notebooks import PATHS, each_notebook, environment, read_notebook, read_outputs


@pytest.mark.slow
@each_notebook
def test_a_notebook_fails_where_no_warehouse_answers(path):
    """It stops at its first query, and draws nothing."""
    notebook = read_notebook(path)
    with pytest.raises(CellExecutionError, match="Could not connect to the endpoint URL"):
        execute(notebook, environment(f"http://127.0.0.1:{find_free_port()}"))
    assert not read_outputs(notebook, "image/png")


@pytest.mark.slow
def test_a_notebook_fails_where_no_warehouse_is_named():
    """Neither a workgroup nor a cluster: no other one is taken instead."""
    notebook = read_notebook(PATHS[0])
    with pytest.raises(CellExecutionError, match="Either `cluster_id` or `workgroup_name`"):
        execute(notebook, environment("http://127.0.0.1:1", REDSHIFT_WORKGROUP=""))
    assert not read_outputs(notebook, "image/png")


@pytest.mark.slow
def test_a_notebook_fails_where_nothing_was_published_yet(fresh_warehouse):
    """The tables are there and have no rows: there is no empty plot."""
    fresh_warehouse.execute("create schema apartments_presentation")
    for metric in read_marketplace(SQL_ROOT, "apartments").metrics:
        fresh_warehouse.execute(metric.file.section("table"))
    notebook = read_notebook(FOLDER / "user_engagement.ipynb")
    with pytest.raises(CellExecutionError, match="has the pipeline run"):
        execute(notebook, environment(fresh_warehouse.endpoint_url))
    assert not read_outputs(notebook, "image/png")
