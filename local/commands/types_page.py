"""docs/reference/types.md, made of the table of types: `python -m local.commands.types_page` writes it; a test compares them."""

from __future__ import annotations

import re
from pathlib import Path

from rental_pipeline.model.column_types import TYPES, arrow_type

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "types.md"

_OPENING = """\
# Types

What each MySQL type becomes, in Parquet and in Redshift. This page is made of the table in
[`column_types.py`](../../layers/rental_pipeline/python/rental_pipeline/model/column_types.py), which the code and its tests read
(`.venv/bin/python -m local.commands.types_page` writes it again). A value arrives exactly, or the run stops with its
column's name; what is lost all the same (dates that do not exist) is counted and reported.

| MySQL | Redshift | Parquet (Arrow) | key | cursor | remark |
|---|---|---|:-:|:-:|---|
"""
_CLOSING = """
*key*: slices can be cut by it, so a merge or snapshot table may have it in its key. *cursor*: a modification or event time may
be of it. *p, s*: precision and scale. *4n, 2n*: bytes for n characters, or for n bytes written in hexadecimal; at most 65,535.

- **Refused by name, before anything is read**: every other type (spatial types, VECTOR, MariaDB's XMLTYPE), and DECIMAL of
  more than 38 digits. The way out is in the message: `personal: {column: drop}`; of a key, another key or type.
- **Refused while reading, or set aside** (`bad_rows` in `source.yaml`): a value of more than 65,535 bytes, text with the
  character NUL, and text that is no valid UTF-8. `refuse` stops the run before anything is loaded, and names table, column,
  and key (or event time) of the first such rows, and nothing else of them. `set_aside` keeps the row in raw with NULL in the
  value's place, its true hash, and the column's name in `_bad_columns`; curated has it in `rejected_rows` by the rule
  `unreadable_row`, until the source mends it. Their number is in each slice's result, in `loads.json`, in the ledger
  (`table_load.rows_set_aside`), in the run's message, and in the metric `RowsSetAside`. Noncharacters such as U+FFFE are
  valid, and arrive.
- **Refused while reading, always**: a key of that kind, a date that does not exist where it is a key, a row that the source
  cannot hash or that cannot be received (longer than 128 MiB), and any value that its type above cannot hold (the table was
  changed since the run was planned).
- **NULL and counted**: dates that do not exist (0000-00-00, 2024-02-31) elsewhere. Their number is in each slice's result, in
  `loads.json`, in the ledger (`table_load.zero_dates`), in the log, and in the metric `ImpossibleDates`.
- **Time**: every session with the source runs in UTC, so a TIMESTAMP arrives in UTC. A DATETIME has no zone and arrives as
  written; `cursor_time_zone` in `source.yaml` says which clock a cursor shows.
- **Hashed columns** (`personal: {column: hash}`) are varchar(64) whatever they were: HMAC-SHA256 of the value's text, in
  hexadecimal.
- **Character sets** may differ from column to column; every text arrives in UTF-8.
  Bytes that stand for no character in their set count as text that is no valid UTF-8. A hash is of the whole value, however long.
- **NULL** stays NULL in every type; an empty text stays an empty text.
"""


def write_page() -> str:
    """Return the page."""
    rows = []
    for name, rule in TYPES.items():
        plain = re.sub(r"\b[pns]\b|(?<=\d)n", "1", rule.redshift)
        marks = ["✓" if is_so else "" for is_so in (rule.is_key, rule.is_cursor)]
        cells = [name.upper(), rule.redshift, str(arrow_type(plain)), *marks, rule.remark]
        if rule.redshift == "decimal(p,s)":
            cells[2] = "decimal128(p, s)"
        rows.append("| " + " | ".join(cells).rstrip() + " |")
    return _OPENING + "\n".join(rows) + "\n" + _CLOSING


if __name__ == "__main__":
    PAGE.write_text(write_page(), encoding="utf-8")
