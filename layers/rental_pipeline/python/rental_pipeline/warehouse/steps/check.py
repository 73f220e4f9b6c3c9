"""Check: every check's violations are counted and kept; one that fails stops the run before anything is published."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from rental_pipeline.base.errors import FixData
from rental_pipeline.definitions.curated_table import CuratedTable
from rental_pipeline.definitions.file_shapes import list_read
from rental_pipeline.definitions.generic_checks import ACCOUNTED_FOR, BEYOND_LIMIT, list_generic_checks
from rental_pipeline.definitions.marketplace import Check, select_some
from rental_pipeline.definitions.metric import FIRST_DAY, LAST_DAY, fill_in_days
from rental_pipeline.model.ledger import AUDIT
from rental_pipeline.model.raw_tables import quote_identifier
from rental_pipeline.model.request_size import MAX_BYTES, MAX_STATEMENTS, count_bytes, divide_texts
from rental_pipeline.model.sql_literal import literal
from rental_pipeline.model.strategies import Append
from rental_pipeline.warehouse.steps.curated_build import CuratedBuild, needs_full_build
from rental_pipeline.warehouse.steps.newest import select_newest
from rental_pipeline.warehouse.steps.set_aside import (
    WAYS_OUT,
    describe_set_aside,
    list_set_aside_checks,
    select_newly_set_aside,
    select_set_aside,
)
from rental_pipeline.warehouse.steps.stage import find_staged_days, staged_table
from rental_pipeline.warehouse.steps.step import GUARDS, Rows, Step, StepRequest
from rental_pipeline.warehouse.steps.touched_keys import TouchedKeys

_NAME_BYTES = 130  # of a check's name, of at most 127 bytes, where an attempt before this one is forgotten
_UNITED_BYTES = 15_000  # of the checks that one statement counts
# What people are told of; the rest is in check_result. SNS and Step Functions take 256 KB, an error's cause 32,768 characters.
_MOST_TOLD = 20
_EXAMPLE_TOLD = 200


def compose_check(request: StepRequest) -> Step:
    """Compose the step.

    Raises (when finished):
        FixData: a check of severity fail has violations; the message names each with an example.
    """
    control, run = request.schemas.control, request.run_sequence
    listed = list_checks(request)
    known = [check.name for check in listed if _is_as_published(request, check)]
    read_once, checks = _read_once(request, [check for check in listed if check.name not in known])
    staged = _find_all_staged_days(request)
    days = {check.name: _find_checked_days(request, check, staged) for check in checks}
    read_once |= _make_shared(checks, days)
    names = {fill_in_days(_count(check), *days[check.name]): check.name for check in checks}
    # A file's check has a statement of its own, by which a person finds it where it fails.
    own = {check.name for check in request.marketplace.checks}
    generated = [sql for sql, name in names.items() if name not in own]
    # What other checks call their rows may be the name of a source's column: those that read raw are united among themselves.
    reading_raw = [sql for sql in generated if f"{request.schemas.raw}." in sql]
    not_reading = [sql for sql in generated if sql not in reading_raw]
    united = [texts for each in (not_reading, reading_raw) for texts in divide_texts(each, most_bytes=_UNITED_BYTES)]
    records = {
        f"insert into {control}.check_result (run_sequence, check_name, severity, violations, example)"
        f" select {run}, _rp_check, _rp_severity, _rp_violations, cast(example as varchar(1024))"
        f" from ({' union all '.join(counts)}) as _rp_counted": [names[sql] for sql in counts]
        for counts in ([[sql] for sql, name in names.items() if name in own] + united)
    }
    if known:
        records[
            f"insert into {control}.check_result (run_sequence, check_name, severity, violations, example)"
            f" select {run}, check_name, severity, violations, example from {control}.check_result"
            f" where run_sequence = {request.ledger.published_run} and check_name in ({', '.join(map(literal, known))})"
        ] = known
    most = MAX_STATEMENTS - GUARDS - 1 - len(read_once)  # one deletes what an attempt before this one found
    most_bytes = MAX_BYTES - count_bytes(*read_once.values()) - _NAME_BYTES * len(listed)
    submissions = [
        request.write(
            f"delete from {control}.check_result where run_sequence = {run}"
            f" and check_name in ({', '.join(literal(name) for sql in batch for name in records[sql])})",
            *(made for name, made in read_once.items() if any(re.search(rf"\b{name}\b", sql) for sql in batch)),
            *batch,
            once=False,
            label=f"write-{number}",
        )
        for number, batch in enumerate(divide_texts(records, most, most_bytes))
    ]

    def finish(rows: list[Rows]) -> dict[str, Any]:
        if failing := [row for row in rows[0] if row["severity"] == "fail"]:
            found = "; ".join(tell_violations(failing))
            message = f"nothing was published, because {len(failing)} checks fail: {found}"
            if any(row["check_name"].endswith(BEYOND_LIMIT) for row in failing):
                message = "\n".join([message, *describe_set_aside(rows[1]), WAYS_OUT])
            raise FixData(message)
        return {"warnings": len(rows[0])}

    return Step(
        name=request.statement_name,
        submissions=tuple(submissions),
        reads=(
            f"select check_name, severity, violations, example from {control}.check_result"
            f" where run_sequence = {run} and violations > 0 order by check_name",
            select_set_aside(request),
        ),
        finish=finish,
    )


def _find_all_staged_days(request: StepRequest) -> dict[str, tuple[date, date]]:
    """Return the first and the last day that is staged of each metric, by its staging table."""
    return {staged_table(request, metric): find_staged_days(request, metric) for metric in request.marketplace.metrics}


def _find_checked_days(request: StepRequest, check: Check, staged: Mapping[str, tuple[date, date]]) -> tuple[date, date]:
    """Return the first and the last day of what the run rebuilt, of the metrics that the check reads where it reads some.

    Of what is no incremental run they are those of the calendar.

    Args:
        staged: What `_find_all_staged_days` found.
    """
    if request.plan.kind != "incremental":
        return FIRST_DAY, LAST_DAY
    read = [days for table, days in staged.items() if re.search(rf"\b{table}\b", check.violations)]
    days = read or list(staged.values())
    return min((first for first, _ in days), default=LAST_DAY), max((last for _, last in days), default=FIRST_DAY)


def tell_violations(rows: Rows) -> list[str]:
    """Return what broken checks found, in words: the first of them, and how many more there are."""
    told = [
        f"{row['check_name']}: {row['violations']} rows, for example {(row['example'] or '')[:_EXAMPLE_TOLD]}"
        for row in rows[:_MOST_TOLD]
    ]
    return told + ([f"and {len(rows) - _MOST_TOLD} more checks (control table check_result)"] if rows[_MOST_TOLD:] else [])


def list_checks(request: StepRequest) -> list[Check]:
    """The marketplace's checks; those of all tables, by their headers; and per curated table: every key of raw is accepted or
    rejected; what is newly set aside.

    What was published before has passed its checks: a run looks at the rows among which those are that it touched. Whole tables
    are looked at where a run before built them and did not publish, where nothing says which rows a run touched, and in whatever
    is no incremental run.
    """
    rows = {table.name: condition for table in request.marketplace.curated if (condition := _bound_rows(request, table))}
    generated = list_generic_checks(request.marketplace, rows)
    for table in request.marketplace.curated:
        if table.name in rows and not table.is_derived:
            is_whole = rows[table.name] == "true"
            generated.append(
                _account_for_rows(request, table) if is_whole else _account_for_touched(request, table, rows[table.name])
            )
    generated += list_set_aside_checks(request, rows)
    special = [
        check.look_at({**rows, **_find_apart(request, check)}, request.schemas.curated) for check in request.marketplace.checks
    ]
    return [*special, *generated]


def _find_apart(request: StepRequest, check: Check) -> dict[str, str]:
    """Return the tables of a check that it looks at whole, because parents have come for rows of theirs: what it joins to those
    did not change. But history is looked at by the same keys as the rows that it is of."""
    tables = [request.marketplace.curated_table(name) for name in check.touched]
    judging = [table for table in tables if not table.is_derived]
    if len({table.source for table in tables}) == 1 and len(judging) < 2:
        return {}
    return {table.name: "true" for table in tables if _list_judged_again(request, table)}


def _is_as_published(request: StepRequest, check: Check) -> bool:
    """Whether a check would find what it found before the last publication, so that its result is that one.

    It reads clean rows and rates alone, all of them as they were, and no day has passed for it. One that looks at what a run
    touched or rebuilt finds something else in each run.
    """
    schemas, ledger = request.schemas, request.ledger
    sql = " ".join(check.statements)
    own = {each.name for each in request.marketplace.checks}
    if check.name not in own or check.touched or re.search(r":(first|last)_day\b", sql):
        return False
    read = list_read(sql, schemas.curated)
    tables = [table for table in request.marketplace.curated if table.name in read]
    others = {schema for schema in schemas.all if schema != schemas.curated and list_read(sql, schema)}
    reads_rates_alone = not others or (others == {schemas.control} and list_read(sql, schemas.control) == {"exchange_rate"})
    return (
        ledger.published_run > 0
        and ledger.is_made_from(*AUDIT, request.marketplace.audit_hash)
        and ledger.is_made_from("control", "exchange_rate", request.marketplace.exchange_rate_hash)
        and (":as_of" not in sql or ledger.as_of == request.plan.as_of)
        and reads_rates_alone
        and {table.name for table in tables} == read
        and all(_bound_rows(request, table) is None for table in tables)
    )


def _make_shared(checks: Sequence[Check], days: Mapping[str, tuple[date, date]]) -> dict[str, str]:
    """Return the statements that make what several checks read, by its name: between the days of all that read it."""
    made = {}
    for intermediate in {each.name: each for check in checks for each in check.intermediates}.values():
        read = [days[check.name] for check in checks if intermediate in check.intermediates]
        rows = fill_in_days(intermediate.file.section("rows"), min(first for first, _ in read), max(last for _, last in read))
        made[intermediate.name] = f"create temp table {intermediate.name} as {rows}"
    return made


def _read_once(request: StepRequest, checks: Sequence[Check]) -> tuple[dict[str, str], list[Check]]:
    """Return the statements that select the rows which several checks look at, by the table that each makes, and the checks of
    these: the touched rows of each curated table, and what is newly set aside.

    A touched row is one whose key, or day, arrived: others between the least and the greatest of them are as they were. Where a
    parent has come, the condition itself says which rows are touched.
    """
    curated, statements = request.schemas.curated, {}
    newly = select_newly_set_aside(request)
    if any(newly in check.violations for check in checks):
        statements["_rp_newly_set_aside"] = f"create temp table _rp_newly_set_aside as {newly}"
        checks = [replace(check, violations=check.violations.replace(f"({newly})", "_rp_newly_set_aside")) for check in checks]
    for number, table in enumerate(request.marketplace.curated):
        condition = _bound_rows(request, table)
        if condition in (None, "true"):
            continue
        some, chosen = select_some(curated, table.name, condition), f"_rp_looked_at_{number} as {table.name}"
        if sum(check.violations.count(some) for check in checks) < 2:
            continue
        build, touched = TouchedKeys(request, table), ""
        if not _list_judged_again(request, table):
            touched = f" inner join ({build.select_touched()}) as _rp_touched on {build.on_touched(table.name)}"
        statements[f"_rp_looked_at_{number}"] = (
            f"create temp table _rp_looked_at_{number} as select {table.name}.* from {build.curated}{touched} where {condition}"
        )
        checks = [replace(check, violations=check.violations.replace(some, chosen)) for check in checks]
    return statements, list(checks)


def _count(check: Check) -> str:
    """Return the select that counts a check's violations; the cast cuts an example at the bytes that check_result has for it."""
    return (
        f"select cast({literal(check.name)} as varchar(127)) as _rp_check,"
        f" cast({literal(check.severity)} as varchar(4)) as _rp_severity, count(*) as _rp_violations,"
        f" cast(min(example) as varchar(1024)) as example from ({check.violations}) as broken"
    )


def _bound_rows(request: StepRequest, table: CuratedTable) -> str | None:
    """Return the condition on the rows of a curated table that the checks look at; None: no row is new since they last did."""
    is_unpublished = request.ledger.applied_run("curated", table.name) > request.ledger.published_run
    if request.plan.kind != "incremental" or is_unpublished or needs_full_build(request, table):
        return "true"
    if again := _list_judged_again(request, table):
        conditions = [build.bound_written(table) for build in again]
        return "true" if "true" in conditions else " or ".join(conditions)
    if table.name not in request.pending.curated:
        return None
    build = CuratedBuild(request, table)
    return None if build.is_untouched else build.bound_curated()


def _list_judged_again(request: StepRequest, table: CuratedTable) -> list[TouchedKeys]:
    """Return the builds in which rows were judged again because their parents have come: the table's own; and of one that is
    derived, and keeps the history of those rows, the others' that are made of the same raw table."""
    tables = [table]
    if table.is_derived:
        tables = [each for each in request.marketplace.curated if each.source == table.source and not each.is_derived]
    builds = [TouchedKeys(request, each) for each in tables]
    return [build for build in builds if build.arrivals.orphans]


def _account_for_touched(request: StepRequest, table: CuratedTable, condition: str) -> Check:
    """Return the check that what the run judged was accepted or rejected, and what it accepted is among what is looked at."""
    looked_at = select_some(request.schemas.curated, table.name, condition)
    return Check(
        name=f"{table.name}{ACCOUNTED_FOR}",
        severity="fail",
        violations=f"""
        select
            cast(rows_judged as varchar(20)) || ' touched rows in raw, ' || cast(rows_accepted as varchar(20)) || ' accepted, '
            || cast(rows_rejected as varchar(20)) || ' rejected' as example
        from {request.schemas.control}.curated_build
        where run_sequence = {request.run_sequence}
            and table_name = {literal(table.name)}
            and rows_judged <> rows_accepted + rows_rejected
        union all
        select
            cast(_rp_build.rows_accepted as varchar(20)) || ' rows accepted, ' || cast(_rp_looked_at._rp_rows as varchar(20))
            || ' of them looked at' as example
        from {request.schemas.control}.curated_build as _rp_build
        cross join (select count(*) as _rp_rows from {looked_at}) as _rp_looked_at
        where _rp_build.run_sequence = {request.run_sequence}
            and _rp_build.table_name = {literal(table.name)}
            and _rp_looked_at._rp_rows < _rp_build.rows_accepted
        """,
    )


def _account_for_rows(request: StepRequest, table: CuratedTable) -> Check:
    planned = request.plan.table(table.source)
    raw = f"{request.schemas.raw}.{quote_identifier(table.source)}"
    if isinstance(planned.strategy, Append):
        current = f"select count(*) as _rp_rows from {raw}"
    else:
        newest = select_newest(raw, planned.key, [], keep_removed=table.keeps_removed)
        current = f"select count(*) as _rp_rows from ({newest}) as _rp_newest"
    curated = request.schemas.curated
    return Check(
        name=f"{table.name}{ACCOUNTED_FOR}",
        severity="fail",
        violations=f"""
        select
            cast(_rp_raw._rp_rows as varchar(20)) || ' in raw, ' || cast(_rp_accepted._rp_rows as varchar(20)) || ' accepted ('
            || cast(_rp_total._rp_rows as varchar(20)) || ' by the ledger), '
            || cast(_rp_rejected._rp_rows as varchar(20)) || ' rejected' as example
        from ({current}) as _rp_raw
        cross join (select count(*) as _rp_rows from {curated}.{table.name}) as _rp_accepted
        cross join (
            select count(*) as _rp_rows from {curated}.rejected_rows where table_name = {literal(table.name)}
        ) as _rp_rejected
        cross join (
            select coalesce(sum(accepted_rows), 0) as _rp_rows
            from {request.schemas.control}.curated_total where table_name = {literal(table.name)}
        ) as _rp_total
        where _rp_raw._rp_rows <> _rp_accepted._rp_rows + _rp_rejected._rp_rows
            or _rp_accepted._rp_rows <> _rp_total._rp_rows
        """,
    )
