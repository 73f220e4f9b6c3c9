"""`make adopt`: a folder of SQL from a database that exists, and the report of what was decided and what is open."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from local.adopt.address import read_address, write_grant
from local.adopt.adopt import MAPPING, Adoption, adopt, judge_name
from local.adopt.personal import Policy
from rental_pipeline.source.connection import connect

_MOST_SHOWN = 30


def adopt_source(url: str, name: str, sql_root: Path) -> bool:
    """Adopt a database, and print the report; return whether the mapping can be followed.

    Raises:
        AddressRefused, NameRefused: the command line is wrong.
        FixConfiguration, RetryLater: the source cannot be read, or an edited source.yaml breaks a rule.
    """
    judge_name(name, sql_root)
    address = read_address(url)
    with closing(connect(address)) as connection:
        adoption = adopt(connection, name, sql_root)
    print("\n".join(write_report(adoption, url, write_grant(address))))
    return not adoption.refused


def write_report(adoption: Adoption, url: str, grant: str) -> list[str]:
    """Return the lines of the report."""
    folder = adoption.folder
    taken = [table for table in adoption.decisions if not table.left_out]
    left = [table for table in adoption.decisions if table.left_out]
    columns = [decision for table in taken for decision in table.columns.values()]
    counted = {policy: sum(column.policy is policy for column in columns) for policy in Policy}
    lines = [
        f"{len(taken)} tables are taken ({counted[Policy.TAKE]} columns as they are, {counted[Policy.HASH]} hashed,"
        f" {counted[Policy.DROP]} never read, {counted[Policy.UNDECIDED]} undecided); {len(left)} are not:",
        *_list([f"{table.source.name}: {table.left_out}" for table in left]),
    ]
    merged = [f"{table.name}: {table.strategy_reason}" for table in taken if table.strategy == "merge"]
    lines += ["", f"Cursors: {len(merged)} tables by merge, {len(taken) - len(merged)} compared whole (snapshot)", *_list(merged)]
    lines += _list([f"{table.name}: {advice}" for table in taken for advice in table.advice])
    if undecided := adoption.undecided:
        lines += ["", f"To decide: {len(undecided)} texts are not read until somebody says whether they are personal"]
        lines += _list(undecided)
    if adoption.mapping:
        lines += _tell_mapping(adoption)
    if adoption.written.kept:
        lines += ["", "Kept as you edited it:"]
        for name, difference in adoption.written.kept.items():
            lines += [f"  {name}", *(f"    {line}" for line in difference.splitlines())]
    if adoption.written.gone:
        lines += ["", f"Generated no more: {', '.join(adoption.written.gone)}"]
    lines += ["", f"Written: {len(adoption.written.written)} parts of {folder}"]
    if adoption.refused:
        return [*lines, "", adoption.refused, "", f"Correct {folder / MAPPING}, then run `make adopt` again: no SQL was written."]
    return [
        *lines,
        "",
        "The user of the source needs no more than this, of an administrator:",
        f"  {grant}",
        "",
        "Next",
        f"  $EDITOR {folder / MAPPING} {folder / 'source.yaml'}    look at the guesses; then `make adopt` again",
        f"  make check MARKETPLACE={folder.name}    contract, SQL and Redshift's rules, without a run",
        f"  make run SOURCE='{url}' MARKETPLACE={folder.name}{_name_currency(adoption)}    the first load, then increments",
    ]


def _tell_mapping(adoption: Adoption) -> list[str]:
    assert adoption.mapping
    roles = [
        f"{role.name} is {', '.join([role.table, *(join.table for join in role.joins)])}"
        for role in adoption.mapping.roles.values()
    ]
    lines = [
        "",
        f"Meaning ({MAPPING}): {'; '.join(roles) or 'nothing is mapped'}",
        f"  metrics: {', '.join(adoption.metrics) or 'none'}",
    ]
    if adoption.left_out:
        # Metrics first: what else is missing mostly follows from them.
        missing = sorted(adoption.left_out.items(), key=lambda item: (not item[0].startswith("presentation/"), item[0]))
        lines += ["", "Not made, as something is missing:", *_list([f"{path}: {why}" for path, why in missing])]
    if adoption.states:
        lines += ["", "Rows per state"]
        for meaning, values in sorted(adoption.states.items(), key=lambda item: item[0] == ""):
            shown = ", ".join(f"{value} {rows:,}" for value, rows in values.items())
            lines.append(f"  {meaning or 'WITHOUT A MEANING (set aside, say what they mean)'}: {shown}")
    if adoption.currencies_without_rate:
        codes = ", ".join(adoption.currencies_without_rate)
        lines += [
            "",
            f"Currencies without a rate: {codes}; their amounts are in no converted sum until sql/control/exchange_rates.csv"
            f" has one",
        ]
    return lines


def _name_currency(adoption: Adoption) -> str:
    """Return the option of a run that shows hourly figures in their currency, which is not converted."""
    mapping = adoption.mapping
    return f" CURRENCY={mapping.currency}" if mapping and mapping.is_hourly and mapping.currency else ""


def _list(items: list[str]) -> list[str]:
    more = [f"  … and {len(items) - _MOST_SHOWN} more"] if len(items) > _MOST_SHOWN else []
    return [*(f"  {item}" for item in items[:_MOST_SHOWN]), *more]
