"""Raw tables follow the source's schema: created, given new columns, widened; never narrowed, retyped or dropped."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.model.column_types import HASH_TYPE, LONGEST_VARCHAR, CatalogueColumn, catalogue_type, varchar_length
from rental_pipeline.model.contract import DROP, FREEZE, HASH, TableContract
from rental_pipeline.model.own_names import own
from rental_pipeline.model.request_size import MAX_BYTES, count_bytes
from rental_pipeline.model.strategies import Append
from rental_pipeline.model.table_plan import PlannedColumn

EVENT_DAY = "_event_day"
# What MySQL's manual calls the supported range begins here; below are the zero date and what was never meant as a date. Events of
# such days are with those that have none.
FIRST_DATE = "1000-01-01"
ROW_HASH = "_row_hash"
BAD_COLUMNS = "_bad_columns"
BAD_COLUMNS_TYPE = f"varchar({LONGEST_VARCHAR})"
METADATA = {
    "_run_sequence": "bigint not null",
    "_operation": "char(1) not null",
    ROW_HASH: "bigint not null",
    "_observed_at": "timestamp not null",
    # Null, or the names of the columns that are null because their values could not be held (bad_rows: set_aside).
    BAD_COLUMNS: f"{BAD_COLUMNS_TYPE} encode zstd",
}
_DECIDE = (
    "decide on each new column in source.yaml (`requires: [column]` takes it, `personal: {column: drop}` or hash keeps it out,"
    " `drift: evolve` takes all)"
)
_MOST_COLUMNS = 1580  # Redshift's 1,600 without the pipeline's own, in raw tables and in the temporary ones of a build
# Columns of raw tables, and of what is read of them (`newest`, `versions`), besides the source's.
RESERVED_COLUMNS = (*METADATA, EVENT_DAY, "_changed_at", "_removed_at", "_row_key", "_row_ordinal", "_version_rank")


@dataclass(frozen=True)
class RawTable:
    """A raw table after the run's changes.

    Attributes:
        columns: What is read into it, with the types that it has.
        batch: DDL that may run in a transaction.
        single: DDL that Redshift allows outside of one only.
        added: Names of columns that are new in it: earlier rows must be read again for them.
    """

    columns: tuple[PlannedColumn, ...]
    batch: tuple[str, ...] = ()
    single: tuple[str, ...] = ()
    added: tuple[str, ...] = field(default=())


def list_raw_columns(columns: dict[str, str]) -> tuple[PlannedColumn, ...]:
    """Return the columns of a raw table that came of its source, by the types that the warehouse's catalogue has of all."""
    return tuple(PlannedColumn(name, kind, name, "") for name, kind in columns.items() if name not in RESERVED_COLUMNS)


def quote_identifier(name: str) -> str:
    """Quote an identifier for Redshift, so that a reserved word or any other text can be a name."""
    return '"' + name.replace('"', '""') + '"'


def read_catalogue(columns: Iterable[CatalogueColumn], schema: str) -> dict[str, dict[str, str]]:
    """Return the types of the columns of each table of a schema, in this package's spelling."""
    tables: dict[str, dict[str, str]] = {}
    for column in columns:
        if column.schema == schema:
            tables.setdefault(column.table, {})[column.column] = catalogue_type(column)
    return tables


def plan_raw_table(
    schema: str, contract: TableContract, columns: tuple[PlannedColumn, ...], existing: dict[str, str] | None, may_evolve: bool
) -> RawTable:
    """Return what must become of a raw table so that it holds the source's columns.

    Args:
        schema: The raw schema's name.
        columns: What the source offers now.
        existing: The raw table's columns and types; None where there is no table yet.
        may_evolve: Whether this run may add columns: only one that can read the table whole.

    Raises:
        FixConfiguration: the source dropped or retyped a column, or has one that nobody has decided on where the contract says
            freeze, or raw holds a column otherwise than the contract now asks for personal data; all are named.
    """
    name = f"{quote_identifier(schema)}.{quote_identifier(contract.name)}"
    _refuse_too_wide(schema, contract, columns)
    # What `requires` or `personal` names, somebody has decided on; and on what raw has, before.
    named = {*contract.requires, *contract.personal, *(existing or ())}
    undecided = tuple(column for column in columns if column.name not in named) if contract.drift == FREEZE else ()
    if existing is None:
        if undecided:
            raise FixConfiguration(
                f"table {contract.name}, of which source.yaml says drift: freeze, has columns on which nobody has decided:"
                f" {_join_names(undecided)}. Nothing was read. {_DECIDE}"
            )
        # A position may be left of an earlier raw table of the name: this one knows nothing yet, and its history begins with its
        # first load.
        begin = (
            "update layer_position set first_run_sequence = null, watermark = null"
            f" where layer = 'raw' and name = '{contract.name}' and not exists (select 1 from {name})"
        )
        return RawTable(columns, batch=(create_raw_table(name, contract, columns), begin))
    _refuse_other_strategy(contract, existing)
    refuse_other_privacy(schema, contract, existing)
    new = tuple(column for column in columns if column.name not in existing)
    kept = [column for column in columns if column.name in existing]
    mistakes = [*_find_dropped(columns, existing), *_find_retyped(kept, existing)]
    if undecided:
        mistakes.append(f"new in the source, and the contract says drift: freeze: {_join_names(undecided)}")
    if mistakes:
        raise FixConfiguration(
            f"table {contract.name} differs from {schema}.{contract.name}: {'; '.join(mistakes)}. Nothing was read."
            f" Undo the change in the source; or {_DECIDE}; or (for dropped and retyped ones) rename the raw table, so that the"
            f" next run makes and fills a new one, or, where its history may go, rerun with {show_erasure(contract.name)}"
        )
    fitted = {column.name: _fit(column, existing[column.name]) for column in kept}
    widened = [column for column in fitted.values() if column.type != existing[column.name]]
    added = new if may_evolve else ()
    return RawTable(
        columns=tuple(fitted.get(column.name, column) for column in columns if column.name in fitted or column in added),
        batch=(
            *add_metadata(schema, contract.name, existing),
            *(f"alter table {name} add column {quote_identifier(column.name)} {_encode(column.type)}" for column in added),
        ),
        single=tuple(f"alter table {name} alter column {quote_identifier(column.name)} type {column.type}" for column in widened),
        added=tuple(column.name for column in added),
    )


def name_replayed(staging: str, table: str) -> str:
    """Return the table in which a replay makes a raw table again: beside the staged metrics, of which one may have its name."""
    return f"{staging}.{quote_identifier(own(table))}"


def create_raw_table(relation: str, contract: TableContract, columns: Iterable[PlannedColumn]) -> str:
    """Compose CREATE TABLE of a raw table, or of its copy elsewhere.

    A keyed table is distributed by the key's first column and sorted by key: the newest version of each key is found, and joined
    with what arrives, without moving rows between nodes. Events are spread evenly and sorted by day: whole days are replaced.
    """
    # A sort key stays as it is: Redshift leaves it uncompressed.
    definitions = {
        quote_identifier(column.name): column.type if column.name in contract.key else _encode(column.type) for column in columns
    } | METADATA
    if isinstance(contract.strategy, Append):
        definitions[EVENT_DAY] = "date not null"
        storage = f"diststyle even sortkey ({EVENT_DAY})"
    else:
        key = [quote_identifier(column) for column in contract.key]
        storage = f"distkey ({key[0]}) sortkey ({', '.join([*key, '_run_sequence'])})"
    body = ", ".join(f"{column} {definition}" for column, definition in definitions.items())
    return f"create table if not exists {relation} ({body}) {storage}"


def _encode(column_type: str) -> str:
    """Return a column's type with the encoding that lets a text grow.

    ENCODE AUTO may choose BYTEDICT or TEXT255, and ALTER COLUMN TYPE refuses those (Redshift, "ALTER TABLE"). Once a column says
    its encoding, the others get Redshift's defaults: AZ64 for numbers and times, none for sort keys ("CREATE TABLE", ENCODE).
    """
    return f"{column_type} encode zstd" if varchar_length(column_type) else column_type


def _refuse_too_wide(schema: str, contract: TableContract, columns: tuple[PlannedColumn, ...]) -> None:
    """Stop where a statement that names all columns once would be no request to the Data API, or no table of Redshift.

    Redshift's tables have up to 1,600 columns (Database Developer Guide, "CREATE TABLE"), the pipeline's own among them.
    """
    size = count_bytes(create_raw_table(f"{schema}.{quote_identifier(contract.name)}", contract, columns))
    if len(columns) > _MOST_COLUMNS or size > MAX_BYTES:
        raise FixConfiguration(
            f"table {contract.name} has {len(columns)} columns, whose names and types take {size} bytes; a raw table holds"
            f" {_MOST_COLUMNS} columns and {MAX_BYTES} bytes of them. Nothing was read. Leave out what nobody needs, by"
            " `personal: {column: drop}` in source.yaml"
        )


def add_metadata(schema: str, table: str, existing: dict[str, str]) -> tuple[str, ...]:
    """Return the DDL that gives a raw table the metadata that it was made without; its rows are not read again for that."""
    if BAD_COLUMNS in existing:
        return ()
    name = f"{quote_identifier(schema)}.{quote_identifier(table)}"
    return (f"alter table {name} add column {BAD_COLUMNS} {_encode(BAD_COLUMNS_TYPE)}",)


def _refuse_other_strategy(contract: TableContract, existing: dict[str, str]) -> None:
    if (EVENT_DAY in existing) != isinstance(contract.strategy, Append):
        made_for = "append" if EVENT_DAY in existing else "keyed"
        raise FixConfiguration(
            f"the raw table of {contract.name} was made for {made_for} rows, and source.yaml now says {contract.strategy.name}:"
            " rename the raw table, so that the next run makes and fills a new one"
        )


def refuse_other_privacy(schema: str, contract: TableContract, existing: dict[str, str]) -> None:
    """Stop where raw (or what it is replayed from) holds a column in the clear that is personal now, or the other way round.

    Reading on would hide it in new versions only: the old ones, and the Parquet files of earlier runs, would keep clear values.
    """
    mistakes = []
    for name, kind in existing.items():
        asked, is_hashed = contract.personal.get(name), kind == HASH_TYPE
        if asked == DROP or is_hashed != (asked == HASH):
            held = "hashed" if is_hashed else "in the clear"
            mistakes.append(f"{name} (held {held}; source.yaml says {asked or 'nothing of it'})")
    if mistakes:
        raise FixConfiguration(
            f"{schema}.{contract.name} and the files it was loaded from hold columns otherwise than source.yaml asks for personal"
            f" data: {', '.join(mistakes)}. Nothing was read. Rerun with {show_erasure(contract.name)}: it deletes the table's"
            " history, the files on S3 too, and reloads the table in full"
        )


def show_erasure(table: str) -> str:
    """Return the input of a run that reloads a table in full."""
    return f'{{"erase": ["{table}"]}}'


def _find_dropped(columns: tuple[PlannedColumn, ...], existing: dict[str, str]) -> list[str]:
    offered = {column.name for column in columns}
    gone = [name for name in existing if name not in offered and name not in RESERVED_COLUMNS]
    new = [name for name in offered if name not in existing]
    hint = f" (renamed to {', '.join(sorted(new))}?)" if new else ""
    return [f"dropped in the source: {', '.join(gone)}{hint}"] if gone else []


def _find_retyped(columns: Iterable[PlannedColumn], existing: dict[str, str]) -> list[str]:
    return [
        f"retyped in the source: {column.name} (was {existing[column.name]}, is {column.type})"
        for column in columns
        if column.type != existing[column.name] and not (varchar_length(column.type) and varchar_length(existing[column.name]))
    ]


def _fit(column: PlannedColumn, existing_type: str) -> PlannedColumn:
    """A text column may only grow: where the source's is shorter, the raw table's wider type stays."""
    planned, there = varchar_length(column.type), varchar_length(existing_type)
    return replace(column, type=existing_type) if planned and there and planned < there else column


def _join_names(columns: Iterable[PlannedColumn]) -> str:
    return ", ".join(column.name for column in columns)
