"""The saved queries of the stack are the files of sql/*/lake, in a language that Athena and DuckDB share."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlglot
import yaml
from sqlglot import exp

from local.commands.saved_queries import TEMPLATE, name_resource, read_queries, write_queries
from local.standins.cloudformation.template import read_template
from rental_pipeline.definitions.lake_tables import lake_name, list_lake_tables
from rental_pipeline.definitions.read_marketplace import read_marketplace
from rental_pipeline.definitions.sql_files import SqlFile

SQL = Path(__file__).parents[3] / "sql"
QUERIES = [(marketplace, file) for marketplace, files in read_queries().items() for file in files.values()]
each_query = pytest.mark.parametrize(("marketplace", "file"), QUERIES, ids=lambda value: getattr(value, "name", value))
NEEDED = {
    "SourceSecretArn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:source-AbCdEf",
    "CopyRoleArn": "arn:aws:iam::123456789012:role/copy",
    "RedshiftClusterId": "warehouse",
}


def test_the_template_holds_the_files():
    """If this fails: `make saved-queries`. A new question is written into it by `make build`, and said by its name here."""
    template = TEMPLATE.read_text(encoding="utf-8")
    kept = {name: list_kept(name) for name in read_queries()}
    assert write_queries(template, kept) == template
    if new := [f"{name}/{file}" for name, files in read_queries().items() for file in files.keys() - kept[name].keys()]:
        pytest.skip(f"not in template.yaml before `make build` or `make saved-queries`: {', '.join(sorted(new))}")


def list_kept(marketplace: str) -> dict[str, SqlFile]:
    """Return the marketplace's questions without those that are not in the template yet."""
    resources = yaml.compose(TEMPLATE.read_text(encoding="utf-8"))
    names = {key.value for section, value in resources.value if section.value == "Resources" for key, _ in value.value}
    return {name: file for name, file in read_queries()[marketplace].items() if name_resource(marketplace, name) in names}


@pytest.mark.parametrize("marketplace", read_queries())
def test_a_stack_has_the_queries_of_its_marketplace(marketplace):
    """And of no other one, each in the stack's database and workgroup."""
    resources = read_template(TEMPLATE, "my-stack", {**NEEDED, "Marketplace": marketplace}).resources("AWS::Athena::NamedQuery")
    assert sorted(query["QueryString"].strip() for query in resources.values()) == sorted(
        file.section("query") for file in list_kept(marketplace).values()
    )
    assert {(query["Database"], query["WorkGroup"]) for query in resources.values()} == {("my_stack", "my-stack")}


@each_query
def test_athena_and_duckdb_read_a_query_alike(marketplace, file):
    """Both take each function as it is written; quotients, which differ between them on whole numbers, are of doubles."""
    athena, duckdb = (sqlglot.parse_one(file.section("query"), read=dialect) for dialect in ("athena", "duckdb"))
    assert athena.sql("athena") == duckdb.sql("duckdb")
    for tree in (athena, duckdb):
        assert not list(tree.find_all(exp.Anonymous))
        assert all(side.is_type("double") for quotient in tree.find_all(exp.Div) for side in (quotient.left, quotient.right))


@each_query
def test_a_query_reads_what_its_header_says(marketplace, file):
    """Tables of the lake, by their plain names: the database is that of the stack."""
    assert list(file.header) == ["question", "reads", "parameters"]
    tree = sqlglot.parse_one(file.section("query"), read="athena")
    own = {cte.alias for cte in tree.find_all(exp.CTE)}
    tables = [table for table in tree.find_all(exp.Table) if table.name not in own]
    assert all(not table.db for table in tables)
    named = {name.strip() for name in file.header["reads"].split(",")}
    assert named == {table.name for table in tables}
    warehouse = read_marketplace(SQL, marketplace)
    unloaded = {table.name for table in list_lake_tables(warehouse)}
    assert named <= unloaded | {lake_name("raw", table.source) for table in warehouse.curated}
