"""The saved queries of the stack are the files of sql/*/lake, in a language that Athena and DuckDB share."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlglot
import yaml
from sqlglot import exp

from local.commands.saved_queries import TEMPLATE, name_resource, read_queries, write_queries
from local.standins.cloudformation.template import read_template
from rental_pipeline.definitions.lake_tables import lake_name, list_lake_tables
from rental_pipeline.definitions.read_marketplace import read_marketplace
from rental_pipeline.definitions.sql_files import SqlFile, read_sql_folder
from tests.unit.adopt.test_sql import WHOLE
from tests.unit.adopt.test_sql import write as write_adopted

SQL = Path(__file__).parents[3] / "sql"
SHIPPED = ("apartments", "cars")
QUERIES = [(marketplace, file) for marketplace, files in read_queries().items() for file in files.values()]
each_query = pytest.mark.parametrize(("marketplace", "file"), QUERIES, ids=lambda value: getattr(value, "name", value))
NEEDED = {
    "SourceSecretArn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:source-AbCdEf",
    "CopyRoleArn": "arn:aws:iam::123456789012:role/copy",
    "RedshiftClusterId": "warehouse",
}


def list_built() -> dict[str, dict[str, SqlFile]]:
    """Return the questions of the marketplaces of which the template has any: the shipped ones, and those built since."""
    resources = yaml.compose(TEMPLATE.read_text(encoding="utf-8"))
    names = {key.value for section, value in resources.value if section.value == "Resources" for key, _ in value.value}
    return {
        marketplace: files
        for marketplace, files in read_queries().items()
        if marketplace in SHIPPED or any(name_resource(marketplace, name) in names for name in files)
    }


def test_the_template_holds_the_files():
    """If this fails: `make saved-queries`. A marketplace that was adopted and not built yet is said by its name."""
    template = TEMPLATE.read_text(encoding="utf-8")
    assert write_queries(template, list_built()) == template
    if new := sorted(read_queries().keys() - list_built().keys()):
        pytest.skip(f"not in template.yaml before `make build` or `make saved-queries`: {', '.join(new)}")


@pytest.mark.parametrize("marketplace", list_built())
def test_a_stack_has_the_queries_of_its_marketplace(marketplace):
    """And of no other one, each in the stack's database and workgroup."""
    resources = read_template(TEMPLATE, "my-stack", {**NEEDED, "Marketplace": marketplace}).resources("AWS::Athena::NamedQuery")
    assert sorted(query["QueryString"].strip() for query in resources.values()) == sorted(
        file.section("query") for file in list_built()[marketplace].values()
    )
    assert {(query["Database"], query["WorkGroup"]) for query in resources.values()} == {("my_stack", "my-stack")}


def test_an_adopted_marketplace_is_deployed_as_the_shipped_ones_are(tmp_path):
    """`make build` brings its questions into the template; a stack of its name has these alone, and its functions serve it."""
    write_adopted(tmp_path / "sql", WHOLE)
    queries = {**read_queries(), "inn": read_sql_folder(tmp_path / "sql" / "inn" / "lake")}
    assert len(queries["inn"]) == 3
    path = tmp_path / "template.yaml"
    path.write_text(write_queries(TEMPLATE.read_text(encoding="utf-8"), queries), encoding="utf-8")
    template = read_template(path, "my-stack", {**NEEDED, "Marketplace": "inn"})
    found = template.resources("AWS::Athena::NamedQuery")
    assert sorted(query["QueryString"].strip() for query in found.values()) == sorted(
        file.section("query") for file in queries["inn"].values()
    )
    functions = template.resources("AWS::Lambda::Function").values()
    assert {function.get("Environment", {}).get("Variables", {}).get("MARKETPLACE", "inn") for function in functions} == {"inn"}
    pattern = yaml.compose(path.read_text(encoding="utf-8"))
    (parameters,) = [value for key, value in pattern.value if key.value == "Parameters"]
    (own,) = [value for key, value in parameters.value if key.value == "Marketplace"]
    (allowed,) = [value.value for key, value in own.value if key.value == "AllowedPattern"]
    assert all(re.fullmatch(allowed, name) for name in ("ab", "a" * 20, "shop2"))  # what judge_name takes


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
