"""What holds of every SQL file, by its parsed statements: true headers, explicit arithmetic, Redshift's language, one style."""

from __future__ import annotations

import re
from datetime import date
from itertools import groupby, pairwise
from pathlib import Path

import pytest
import sqlglot
import yaml
from sqlglot import exp

from local_redshift.dialect import RESERVED_WORDS
from local_redshift.translate import translate
from rental_pipeline.definitions.curated_table import CuratedTable
from rental_pipeline.definitions.exchange_rates import make_rates
from rental_pipeline.definitions.metric import Intermediate
from rental_pipeline.definitions.sql_files import SqlFile, read_sql_file

ROOT = Path(__file__).parents[3]
FOLDERS = ("curated", "intermediate", "presentation", "checks", "views", "report")
HEADERS = {
    "curated": ["grain", "source", "input", "key", "references", "reads", "writes", "parameters", "rerun", "storage"],
    "intermediate": ["grain", "reads", "parameters"],
    "presentation": ["grain", "period", "unique_key", "reads", "writes", "parameters", "rerun", "storage"],
    "checks": ["severity", "reads", "parameters"],
    "views": ["grain", "reads", "writes", "parameters", "rerun", "storage"],
    "report": ["place", "title", "reading", "chart", "columns", "drawn", "empty", "reads", "parameters"],
}
OPTIONAL = {
    *(("curated", key) for key in ("joins", "lake", "removed", "amount", "unique_key", "holds", "days", "personal")),
    *(("presentation", key) for key in ("holds", "days", "personal", "rank", "lookback", "lake")),
    ("intermediate", "kept_by"),
    ("checks", "touched"),
    *(("report", key) for key in ("matters", "matures", "unknown", "lookback")),
}
MARKETPLACES = sorted(path.parent.name for path in (ROOT / "sql").glob("*/source.yaml"))
PATHS = [path for name in MARKETPLACES for folder in FOLDERS for path in sorted((ROOT / "sql" / name / folder).glob("*.sql"))]
TABLES = [path for path in PATHS if path.parent.name in ("curated", "presentation")]
INTERMEDIATES = [path for path in PATHS if path.parent.name == "intermediate"]
METRICS = [path for path in PATHS if path.parent.name == "presentation"]
VIEWS = [path for path in PATHS if path.parent.name == "views"]


def marketplace(path: Path) -> str:
    return path.parent.parent.name


def name_path(path: Path) -> str:
    return str(path.relative_to(ROOT / "sql").with_suffix(""))


def each(paths: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", paths, ids=name_path)


TOLD = [*METRICS, *VIEWS]
each_file, each_table = each(PATHS), each(TABLES)


def parse(sql: str) -> exp.Expression:
    (tree,) = sqlglot.parse(sql, read="redshift")
    return tree


def parse_sections(file: SqlFile) -> dict[str, exp.Expression]:
    return {name: parse(sql) for name, sql in file.sections.items()}


def name_table(table: exp.Table) -> str:
    return ".".join(part.name for part in table.parts)


def read_tables(tree: exp.Expression) -> set[str]:
    """Return the tables that a query reads, temporary ones included, its own CTEs not."""
    own = {cte.alias for cte in tree.find_all(exp.CTE)}
    return {name_table(table) for table in tree.find_all(exp.Table)} - own


def define(path: Path) -> exp.Schema:
    """Return the columns that a file's table is created with."""
    return parse(read_sql_file(path).section("table")).this


def list_columns(path: Path) -> list[str]:
    return [column.name for column in define(path).expressions]


def split(names: str) -> set[str]:
    return {name.strip() for name in names.split(",")}


@each(TOLD)
def test_a_figure_is_explained(path):
    """Before its statement: a formula, an example in numbers, and what it cannot say."""
    prose = read_sql_file(path).text.partition("-- name:")[0]
    for words in (r"\bformulas?\b|^-- Formulas", r"^-- (Worked|For) example\b.*", r"\bcannot say\b"):
        assert re.search(words, prose, re.MULTILINE), words
    example = re.split(r"(?m)^-- (?:Worked|For) example", prose)[1]
    assert re.search(r"\d", example)


@each_file
def test_the_header_is_whole(path):
    """Every line the contract asks for is there, in order, and nothing else looks like one."""
    header = [key for key in read_sql_file(path).header if (path.parent.name, key) not in OPTIONAL]
    assert header == HEADERS[path.parent.name]


@each_file
def test_the_header_says_what_is_read(path):
    """`reads` names exactly the tables of the queries; only what an earlier section of the same file makes is left out."""
    file = read_sql_file(path)
    read = set().union(*(read_tables(tree) for name, tree in parse_sections(file).items() if name != "table"))
    own = {path.stem} if "kept" in file.sections else set()
    assert split(file.header["reads"]) == read - {"judged", file.header.get("writes")} - own


@each_table
def test_the_header_says_what_is_written_and_how_it_is_stored(path):
    """The path is the table's name; its distribution and sort keys are explained."""
    file = read_sql_file(path)
    table = f"{marketplace(path)}_{path.parent.name}.{path.stem}"
    assert file.header["writes"] == name_table(define(path).this) == table
    definition = parse(file.section("table"))
    keys = [*definition.find_all(exp.DistKeyProperty), *definition.find_all(exp.SortKeyProperty)]
    named = {column.name for key in keys for column in key.find_all(exp.Identifier)}
    assert named and all(name in file.header["storage"] for name in named)
    assert ("diststyle" in file.section("table")) == ("diststyle" in file.header["storage"])


def params(sql: str) -> list[str]:
    """Return whatever looks like a parameter of the Data API."""
    return re.findall(r"(?<!:):[a-z_]\w*", sql)


@each_file
def test_the_only_parameters_are_days_and_keys(path):
    """That of the run; of metrics and checks also the first and the last of what is rebuilt. Days are cast, for they are texts.

    What asks which periods a change touches has no such days yet, but the least and the greatest key that changed.
    """
    file = read_sql_file(path)
    statements = "\n".join(file.sections.values())
    found = params(statements)
    keys = {":least_key", ":greatest_key"}
    offered = {"presentation": {":first_day", ":last_day"}, "report": {":first_day"}}
    offered |= dict.fromkeys(("intermediate", "checks"), offered["presentation"])
    assert set(found) - keys <= {":as_of", *offered.get(path.parent.name, ())}
    assert len([name for name in found if name not in keys]) == len(re.findall(r"cast\(:\w+ as date\)", statements))
    assert file.header["parameters"] == (", ".join(sorted(name[1:] for name in set(found))) or "none")
    for section, sql in file.sections.items():
        assert set(params(sql)).isdisjoint({":first_day", ":last_day"} if "dirty" in section else keys)


@each_file
def test_every_statement_is_redshifts(path):
    """The local stand-in, which refuses what Redshift would refuse, takes every section; none has a semicolon."""
    for name, sql in read_sql_file(path).sections.items():
        assert ";" not in re.sub("'[^']*'", "''", sql), name
        translate(sql)


@each_file
def test_no_name_is_a_reserved_word(path):
    """Unquoted names are none of Redshift's reserved words, and no name needs quotes."""
    for name, tree in parse_sections(read_sql_file(path)).items():
        for identifier in tree.find_all(exp.Identifier):
            assert not identifier.quoted, (name, identifier.name)
            assert identifier.name.upper() not in RESERVED_WORDS, (name, identifier.name)


def is_double(node: exp.Expression) -> bool:
    return isinstance(node, exp.Cast) and node.to.is_type("double")


@each_file
def test_averages_and_quotients_say_their_type(path):
    """AVG and / compute otherwise on integers and decimals in Redshift: no AVG, and / stands between double precisions only."""
    for name, tree in parse_sections(read_sql_file(path)).items():
        assert not list(tree.find_all(exp.Avg)), f"{name}: divide a sum by a count, each cast to double precision"
        for quotient in tree.find_all(exp.Div):
            assert is_double(quotient.left) and is_double(quotient.right), f"{name}: {quotient.sql()}"


@each_file
def test_names_say_what_they_are(path):
    """No alias of one letter; ranges of windows are counted in rows."""
    for name, tree in parse_sections(read_sql_file(path)).items():
        aliases = [alias.name for alias in tree.find_all(exp.TableAlias)]
        assert all(len(alias) > 1 for alias in aliases), (name, aliases)


@each_file
def test_no_alias_hides_a_column_that_is_used_after_it(path):
    """Redshift lets a later expression of a select name an earlier alias: a name that is both must say which it means."""
    for name, tree in parse_sections(read_sql_file(path)).items():
        for select in tree.find_all(exp.Select):
            aliases: set[str] = set()
            for expression in select.expressions:
                bare = {column.name for column in expression.find_all(exp.Column) if not column.table}
                assert not bare & aliases, f"{name}: qualify {', '.join(bare & aliases)}"
                if isinstance(expression, exp.Alias):
                    aliases.add(expression.alias)


@each_table
def test_the_rows_fit_the_table(path):
    """The last select names the table's columns, all of them, in their order: INSERT goes by position."""
    section = "accepted" if path.parent.name == "curated" else "rows"
    tree = parse(read_sql_file(path).section(section))
    assert tree.named_selects == list_columns(path)


@each([path for path in TABLES if path.parent.name == "curated"])
def test_judged_rows_carry_the_verdict(path):
    """A judged row has the table's columns, its key as text, the rule and value it broke, and what could not be read."""
    file = read_sql_file(path)
    if file.header["input"] == "versions":
        assert "judged" not in file.sections
        return
    names = parse(file.section("judged")).named_selects
    assert names == [*list_columns(path), "row_key", "broken_rule", "broken_value", "unreadable_value"]
    # Each rule stands once, with its name, its condition, what breaks it and, above it, its words; only columns that share a rule
    # repeat its name, one after the other.
    assert re.search(r"^ +(newest\.)?_row_key as row_key,$", file.section("judged"), re.MULTILINE), "a key has one spelling"
    broken = [each.this for each in parse(file.section("judged")).find_all(exp.Alias) if each.alias == "broken"]
    (texts,) = [[branch.args["true"] for branch in case.args["ifs"]] for case in broken]
    rules = [read_rule(text) for text in texts]
    assert rules and list(CuratedTable(file).rules) == [name for name, _ in groupby(rules)]


def read_rule(text: exp.Expression) -> str:
    """Return the name of a rule by what its branch says, which is never NULL: a text, or `tell_broken` of a text and a value."""
    if isinstance(text, exp.Dot):
        call = text.expression
        assert call.name == "tell_broken" and len(call.expressions) == 2, text.sql()
        text = call.expressions[0]
    found = re.fullmatch("([a-z_]+): [a-z_]+=", text.name) if isinstance(text, exp.Literal) else None
    assert found, text.sql()
    return found[1]


@each([path for path in TABLES if path.parent.name == "curated"])
def test_a_child_asks_of_its_parent_only_whether_it_is_accepted(path):
    """Children are judged again when their parent's acceptance changes, and not when another of its values does."""
    file = read_sql_file(path)
    for reference in CuratedTable(file).references:
        asked = {
            column.name
            for tree in parse_sections(file).values()
            for column in tree.find_all(exp.Column)
            if column.table == reference.parent
        }
        assert asked <= {reference.parent_key}, f"{reference.parent}: {sorted(asked)}"


def name_sections(file: SqlFile) -> dict[str, list[str]]:
    """Return the tables whose changes make a metric dirty, with the sections that say how."""
    found: dict[str, list[str]] = {}
    for section in file.sections:
        if section.startswith("dirty_"):
            found.setdefault(section.partition("from_")[2], []).append(section)
    return found


def read_curated(path: Path) -> set[str]:
    """Return the curated tables that the rows of a metric or an intermediate table are selected from."""
    curated = f"{marketplace(path)}_curated."
    read = read_tables(parse(read_sql_file(path).section("rows")))
    return {name.removeprefix(curated) for name in read if name.startswith(curated)}


def list_intermediates(path: Path) -> list[Path]:
    """Return the files of the intermediate tables that a file reads."""
    reads = split(read_sql_file(path).header["reads"])
    return [other for other in INTERMEDIATES if other.parents[1] == path.parents[1] and other.stem in reads]


def is_shared(path: Path) -> bool:
    """Say whether a file is of an intermediate table that is made once for all metrics of a run."""
    return path in INTERMEDIATES and Intermediate(read_sql_file(path)).is_shared


@each([*INTERMEDIATES, *METRICS])
def test_every_table_a_metric_reads_can_make_it_dirty(path):
    """Whatever curated table `rows` reads has a section of the periods, or days, that its changes touch; none is superfluous.

    What an intermediate table reads has it there; one that several metrics share may leave it to them. The exchange rates may
    have one, too; else the periods that hold a changed day are stale.
    """
    file = read_sql_file(path)
    sections = name_sections(file)
    read = read_curated(path)
    made_from = [part for other in list_intermediates(path) for part in (other, *list_intermediates(other))]
    told_there = set[str]().union(*(name_sections(read_sql_file(other)) for other in made_from))
    read = read.union(*(read_curated(other) for other in made_from if is_shared(other)))
    # A metric may say of more periods what its intermediate table says of some.
    assert is_shared(path) or read <= told_there | sections.keys()
    assert sections.keys() - {"exchange_rate"} <= read | told_there
    assert "exchange_rate" not in sections or f"{marketplace(path)}_control.exchange_rate" in file.header["reads"]
    for table, names in sections.items():
        for name in names:
            tree = parse(file.section(name))
            assert tree.named_selects == (["first_day", "last_day"] if name.startswith("dirty_days") else ["period_start"])
            assert f"changed_{table}" in read_tables(tree)


@each(METRICS)
def test_a_metric_begins_with_its_period(path):
    """Its first column is what publication replaces it by."""
    assert list_columns(path)[0] == "period_start"


@each(INTERMEDIATES)
def test_an_intermediate_table_serves_several_files(path):
    """What serves one belongs into its own file, unless a run keeps rows of it for the next one. It is read by its plain name,
    which no table of the marketplace has."""
    file = read_sql_file(path)
    kept = {"table", "kept"} if "kept_by" in file.header else set()
    assert {name for name in file.sections if not name.startswith("dirty_days_from_")} == {"rows", *kept}
    assert path.stem not in {table.stem for table in (*TABLES, *VIEWS) if marketplace(table) == marketplace(path)}
    checks = [other for other in PATHS if other.parent.name == "checks"]
    readers = [
        reader
        for reader in (*METRICS, *checks)
        if marketplace(reader) == marketplace(path) and path.stem in split(read_sql_file(reader).header["reads"])
    ]
    assert len(readers) > (0 if kept else 1)


@each([path for path in INTERMEDIATES if "kept_by" in read_sql_file(path).header])
def test_a_kept_table_is_of_the_staging_schema_and_has_what_is_kept(path):
    """Its rows of before the first dirty day are read, by the day that the engine replaces it by. Metrics that read it rebuild
    all periods from the first changed day on, or a later day would be of another history."""
    file = read_sql_file(path)
    table = f"{marketplace(path)}_staging.{path.stem}"
    assert name_table(define(path).this) == table
    columns = [column.name for column in parse(file.section("table")).find_all(exp.ColumnDef)]
    assert parse(file.section("kept")).named_selects == columns and file.header["kept_by"] in columns
    assert table in split(file.header["reads"])
    assert f"{path.stem}.{file.header['kept_by']} < cast(:first_day as date)" in file.section("rows")
    for metric in [table for table in METRICS if path.stem in split(read_sql_file(table).header["reads"])]:
        for names in name_sections(read_sql_file(metric)).values():
            assert all("cast('2050-12-31' as date) as last_day" in read_sql_file(metric).section(name) for name in names)


@each(VIEWS)
def test_a_view_is_bound_to_the_tables_of_this_marketplace(path):
    """One statement, named by its path, over published metrics, clean rows, and the calendar, which no run makes again."""
    file = read_sql_file(path)
    assert list(file.sections) == ["view"]
    name = f"{marketplace(path)}_presentation.{path.stem}"
    assert file.header["writes"] == name and file.section("view").startswith(f"create view {name} as\n")
    assert "binding" not in file.section("view")
    tables = {f"{marketplace(path)}_{table.parent.name}.{table.stem}" for table in TABLES}
    tables.add(f"{marketplace(path)}_control.calendar")
    assert split(file.header["reads"]) <= tables and name not in tables


@each([path for path in PATHS if path.parent.name == "checks"])
def test_checks_select_an_example(path):
    """A check is one select, `violations`, whose first column is a text `example`."""
    file = read_sql_file(path)
    assert list(file.sections) == ["violations"]
    assert parse(file.section("violations")).named_selects[0] == "example"


CONTRACTS = {
    name: yaml.safe_load((ROOT / "sql" / name / "source.yaml").read_text(encoding="utf-8"))["tables"] for name in MARKETPLACES
}


@each([path for path in TABLES if path.parent.name == "curated"])
def test_the_contract_requires_what_is_read(path):
    """A column of raw that the SQL reads is the key, the cursor or required: its absence is found before anything is read."""
    file = read_sql_file(path)
    contract = CONTRACTS[marketplace(path)][file.header["source"]]
    promised = {contract.get("key"), contract.get("cursor"), *contract["requires"]}
    tree = parse(file.sections.get("judged") or file.section("accepted"))
    raw = file.header["input"]
    (texts,) = [select for select in tree.find_all(exp.Select) if select.args["from_"].this.name == raw]
    read = {column.name for column in texts.find_all(exp.Column) if column.table in ("", raw)}
    assert read and {name for name in read if not name.startswith("_")} <= promised


FUNCTIONS = read_sql_file(ROOT / "sql/control/functions.sql").sections


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_one_select_of_their_own(name):
    """A scalar SQL function of Redshift has neither FROM nor WHERE; calling none of the others, it needs no search_path."""
    definition = FUNCTIONS[name]
    (body,) = re.findall(r"\$\$(.*)\$\$", definition, re.DOTALL)
    assert definition.startswith("--") and f"create or replace function {name}(" in definition
    tree = parse(body)
    assert isinstance(tree, exp.Select) and len(tree.expressions) == 1
    assert not {"from_", "where", "joins", "group", "order", "limit"} & {key for key, value in tree.args.items() if value}
    assert not [other for other in FUNCTIONS if f"{other}(" in body]


def test_the_rates_that_ship_are_plausible():
    """Euros and rupees month by month from 2019 to 2026, without a leap."""
    rates = make_rates((ROOT / "sql/control/exchange_rates.csv").read_text(encoding="utf-8"), "USD")
    assert {rate.currency for rate in rates} == {"USD", "EUR", "INR"}
    months = [date(year, month, 1) for year in range(2019, 2027) for month in range(1, 13)]
    for currency, low, high in (("EUR", 0.9, 1.3), ("INR", 0.009, 0.016)):
        by_month = {rate.valid_from: float(rate.rate) for rate in rates if rate.currency == currency}
        assert list(by_month) == months
        assert all(low < rate < high for rate in by_month.values())
        assert all(abs(by_month[later] / by_month[earlier] - 1) < 0.06 for earlier, later in pairwise(months))
