"""The checks that hold of every table, made from what its file's header says: nobody has to list a table that is added.

Redshift enforces NOT NULL, and neither keys nor anything else. A file under checks/ is for what is special.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.definitions.curated_table import CuratedTable
from rental_pipeline.definitions.marketplace import Check, Marketplace, select_some
from rental_pipeline.definitions.sql_files import SqlFile
from rental_pipeline.model.request_size import divide_texts
from rental_pipeline.model.sql_literal import literal

# The ends of the names of the checks that the steps make for each curated table.
ACCOUNTED_FOR, NEWLY_SET_ASIDE, BEYOND_LIMIT = "_accounted_for", "_newly_set_aside", "_set_aside_beyond_limit"

# An append table's rows have no key: equal ones are separate events.
_NO_KEY = "event_day"
# So many rows, and none of them usable, are a format that nobody has told the curated layer about, not dirt.
_MANY_REJECTED = 100
# Of one check's statement, of which a request to the Data API holds 100 KB; and of what one select in it asks.
_STATEMENT_BYTES, _SELECT_BYTES = 40_000, 15_000


def list_generic_checks(marketplace: Marketplace, rows: Mapping[str, str] | None = None) -> list[Check]:
    """Return the checks, each of all the tables that it concerns; a violation of any stops the publication.

    Args:
        rows: By curated table, the condition on the rows that are looked at; a table that is not there is not looked at.
            None: all rows of all tables.

    What is too long for one statement is several checks: `name`, `name_2`, and so on.

    Raises:
        FixConfiguration: a header lacks its `unique_key`, or says `rank` otherwise than it is read.
    """
    control = marketplace.schemas.control
    looked_at = {table.name: "true" for table in marketplace.curated} if rows is None else rows
    tables = [table for table in marketplace.curated if table.name in looked_at]
    curated = [(table, _select_rows(marketplace, table, looked_at[table.name])) for table in tables]
    staged = [(metric.file, f"{marketplace.schemas.staging}.{metric.name}") for metric in marketplace.metrics]
    selects = {
        "curated_keys_unique": [
            _find_doubled(table.file, relation, key) for table, relation in curated if (key := _unique_key(table)) != (_NO_KEY,)
        ],
        "curated_values_in_range": [
            sql for table, relation in curated for sql in _find_out_of_range(table.file, relation, _unique_key(table), control)
        ],
        "references_known": [
            sql
            for parent in marketplace.curated
            for sql in _find_orphans(marketplace, parent, _find_children(marketplace, parent, curated))
        ],
        "tables_not_all_rejected": list(_find_all_rejected(marketplace, looked_at)),
        "metric_rows_unique": [_find_doubled(file, relation, _listed(file, "unique_key")) for file, relation in staged],
        "metric_values_in_range": [
            sql for file, relation in staged for sql in _find_out_of_range(file, relation, _listed(file, "unique_key"), control)
        ],
        "ranks_start_at_one": [sql for file, relation in staged for sql in _find_unranked(file, relation)],
    }
    return [
        Check(name if number == 1 else f"{name}_{number}", "fail", "\nunion all\n".join(part))
        for name, each in selects.items()
        for number, part in enumerate(divide_texts(each, most_bytes=_STATEMENT_BYTES), start=1)
    ]


def name_generated_checks(marketplace: Marketplace) -> set[str]:
    """Return the names of all checks that no file is for; raises as `list_generic_checks`."""
    of_tables = {table.name + end for table in marketplace.curated for end in (ACCOUNTED_FOR, NEWLY_SET_ASIDE, BEYOND_LIMIT)}
    return of_tables | {check.name for check in list_generic_checks(marketplace)}


def _select_rows(marketplace: Marketplace, table: CuratedTable, condition: str) -> str:
    curated = marketplace.schemas.curated
    return f"{curated}.{table.name}" if condition == "true" else select_some(curated, table.name, condition)


def _listed(file: SqlFile, key: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in file.header_line(key).split(","))


def _unique_key(table: CuratedTable) -> tuple[str, ...]:
    """Return the columns that tell a curated table's rows apart: `unique_key`, or else the key (not of versions)."""
    return _listed(table.file, "unique_key") if table.is_derived or "unique_key" in table.file.header else table.key


def _tell(file: SqlFile, key: Sequence[str], rows: str = "") -> str:
    """Return the text that names a row by its table and key, but for columns that no message shows (`personal`)."""
    personal = _parts(file, "personal", ",")
    shown = [f"coalesce(cast({rows}{column} as varchar(64)), '')" for column in key if column not in personal]
    return " || ' ' || ".join([f"'{file.name}'", *shown])


def _find_doubled(file: SqlFile, relation: str, key: Sequence[str]) -> str:
    columns = ", ".join(key)
    return (
        f"select {_tell(file, key)} || ': ' || cast(count(*) as varchar(64)) || ' rows of one key' as example\n"
        f"from {relation}\ngroup by {columns}\nhaving count(*) > 1"
    )


def _find_out_of_range(file: SqlFile, relation: str, key: Sequence[str], control: str) -> Iterator[str]:
    """Select the rows of which a condition of the header's `holds` is false, or a day of its `days` is in no calendar.

    Outside of the calendar (sql/control/calendar.sql) no metric has a period.
    """
    conditions = {each: each for each in _parts(file, "holds", ";")}
    conditions |= {
        f"{day} in the calendar": f"{control}.is_in_calendar(cast({day} as date))" for day in _parts(file, "days", ",")
    }
    broken = (f"when not ({each}) then {literal(told)}" for told, each in conditions.items())
    for part in divide_texts(broken, most_bytes=_SELECT_BYTES):
        yield (
            f"select example\nfrom (\n    select {_tell(file, key)} || ' breaks ' || case {' '.join(part)} end as example\n"
            f"    from {relation}\n) as broken\nwhere example is not null"
        )


def _parts(file: SqlFile, key: str, separator: str) -> list[str]:
    return [part.strip() for part in file.header.get(key, "").split(separator) if part.strip()]


def _find_children(
    marketplace: Marketplace, parent: CuratedTable, tables: Sequence[tuple[CuratedTable, str]]
) -> list[tuple[CuratedTable, str, str]]:
    """Return which of some tables, with the relation of their rows, refer to a parent, and by which column.

    Only of a parent that keeps removed rows can be said that it never had a row. A derived table refers to the rows that it is
    the history of.
    """
    if not parent.keeps_removed or len(parent.key) != 1:
        return []
    children = [
        (table, relation, reference.curated_column)
        for table, relation in tables
        for reference in table.references
        if reference.parent == parent.name
    ]
    if not parent.is_derived:
        children += [
            (table, relation, table.key[0]) for table, relation in tables if table.is_derived and table.source == parent.source
        ]
    return children


def _find_orphans(
    marketplace: Marketplace, parent: CuratedTable, children: Sequence[tuple[CuratedTable, str, str]]
) -> Iterator[str]:
    """Select the rows that refer to a row which is neither accepted, kept as removed, nor rejected. The parent is read once."""
    curated = marketplace.schemas.curated
    selects = (
        f"select {_tell(table.file, _unique_key(table), f'{table.name}.')} || ': none of {parent.name} has its {column}'"
        f" as example\nfrom {relation}\n"
        f"left join known on lower(cast({table.name}.{column} as varchar(512))) = known.known_key\n"
        f"where known.known_key is null\n    and {table.name}.{column} is not null"
        for table, relation, column in children
    )
    for part in divide_texts(selects, most_bytes=_SELECT_BYTES):
        # By text, whose case a marketplace may have its references ignore.
        yield (
            "select example\nfrom (\nwith known as (\n"
            f"    select lower(cast({parent.key[0]} as varchar(512))) as known_key from {curated}.{parent.name}\n"
            f"    union select lower(row_key) as known_key from {curated}.rejected_rows where table_name = '{parent.name}'\n)\n"
            + "\nunion all\n".join(part)
            + "\n) as referring"
        )


def _find_all_rejected(marketplace: Marketplace, looked_at: Mapping[str, str]) -> Iterator[str]:
    """Select the tables that have many rejected rows and no accepted one.

    Of one that is not looked at as a whole: by what its builds have added up.
    """
    curated = marketplace.schemas.curated
    builds = f"coalesce(sum(accepted_rows), 0) as row_count from {marketplace.schemas.control}.curated_total"
    counts = (
        f"select cast('{table.name}' as varchar(127)) as table_name, "
        + (
            f"count(*) as row_count from {curated}.{table.name}"
            if looked_at[table.name] == "true"
            else f"{builds} where table_name = '{table.name}'"
        )
        for table in marketplace.curated
        if not table.is_derived and table.name in looked_at
    )
    for part in divide_texts(counts, most_bytes=_SELECT_BYTES):
        yield (
            "select rejected_rows.table_name || ': all ' || cast(count(*) as varchar(64)) || ' rows, for example for '"
            f" || min(rejected_rows.broken_rule) as example\nfrom {curated}.rejected_rows\n"
            f"inner join ({' union all '.join(part)}) as accepted on rejected_rows.table_name = accepted.table_name\n"
            "where accepted.row_count = 0\ngroup by rejected_rows.table_name\n"
            f"having count(*) >= {_MANY_REJECTED}"
        )


def _find_unranked(file: SqlFile, relation: str) -> Iterator[str]:
    """Select the periods in which nobody is first, a rank is beyond the number of the ranked, or somebody has none.

    The header says `rank: column`, or `rank: column of column` where only rows with a value in the second have a rank.
    """
    text = file.header.get("rank")
    if text is None:
        return
    rank, _, value = (part.strip() for part in text.partition(" of "))
    if not rank.isidentifier() or (value and not value.isidentifier()):
        raise FixConfiguration(f"{file.path}: rank says {text!r}; write `column` or `column of column`")
    ranked = f"count({value})" if value else "count(*)"
    yield (
        f"select '{file.name} ' || cast(period_start as varchar(64)) || ': {rank}' as example\nfrom {relation}\n"
        f"group by period_start\nhaving min({rank}) <> 1\n    or max({rank}) > {ranked}\n    or count({rank}) <> {ranked}"
    )
