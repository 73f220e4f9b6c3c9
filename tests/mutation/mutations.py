"""The mutations: in each, one rule of the product is gone or turned round, and the tests named beside it must fail.

A text that is replaced stands exactly once in its file. Where the product has moved on, tests/unit/test_mutations.py names the
entry: give it the text that stands there now, or take it away with the rule that it was about.
"""

from __future__ import annotations

from dataclasses import dataclass

TEMPLATE, RUN, SQL_STEP = "template.yaml", "statemachine/run.asl.yaml", "statemachine/sql_step.asl.yaml"
PACKAGE = "layers/rental_pipeline/python/rental_pipeline"
STEPS, PROCEDURES = f"{PACKAGE}/warehouse/steps", "sql/control/procedures.sql"
UNIT = "tests/unit"
MONITORING, RIGHTS = f"{UNIT}/template/test_monitoring.py", f"{UNIT}/template/test_rights.py"
RETRIES, CHOICES = f"{UNIT}/template/test_state_retries.py", f"{UNIT}/template/test_state_choices.py"
BATCHES, GUARDS = f"{UNIT}/warehouse/test_guarded_batches.py", "tests/integration/warehouse/test_guards.py"
CHECKS, ORDER = f"{UNIT}/sql/test_checks.py", f"{UNIT}/sql/test_order.py"
SECRETS, CLASSIFY = f"{UNIT}/source/test_secrets.py", f"{UNIT}/warehouse/test_classify.py"
PENDING = f"{UNIT}/warehouse/test_pending.py"
SETTLED = f"{UNIT}/warehouse/test_settled_state.py"
EXTRACTION = "tests/integration/extraction"
APARTMENTS, CARS = "tests/metrics/apartments", "tests/metrics/cars"


@dataclass(frozen=True)
class Mutation:
    """One change of the product.

    Attributes:
        name: What it breaks, in words.
        file: Of the checkout.
        old: What is replaced.
        new: By what.
        tests: Node ids or files of the fast tests, of which one has to fail.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


def _mutate(name: str, file: str, old: str, new: str, *tests: str) -> Mutation:
    return Mutation(name, file, old, new, tests)


_TEMPLATE = [
    _mutate(
        "alarm-compares-inversely",
        TEMPLATE,
        "LessThanThreshold\n      Threshold: 1\n      EvaluationPeriods: !Ref StartedWithinHours",
        "GreaterThanThreshold\n      Threshold: 1\n      EvaluationPeriods: !Ref StartedWithinHours",
        MONITORING,
    ),
    _mutate(
        "held-back-alarm-by-minimum",
        TEMPLATE,
        "MetricName: WatermarkHeldBack\n      Dimensions: *this_stack\n      Statistic: Maximum",
        "MetricName: WatermarkHeldBack\n      Dimensions: *this_stack\n      Statistic: Minimum",
        MONITORING,
    ),
    _mutate(
        "stopped-runs-raise-no-alarm",
        TEMPLATE,
        "Expression: failed + timed_out + aborted",
        "Expression: failed + timed_out",
        MONITORING,
    ),
    _mutate(
        "one-failed-run-raises-no-alarm",
        TEMPLATE,
        "Threshold: 0\n      EvaluationPeriods: 1\n      TreatMissingData: notBreaching\n      AlarmActions: &tell_alarm",
        "Threshold: 1\n      EvaluationPeriods: 1\n      TreatMissingData: notBreaching\n      AlarmActions: &tell_alarm",
        MONITORING,
    ),
    _mutate(
        "silence-of-runs-is-no-alarm",
        TEMPLATE,
        "EvaluationPeriods: !Ref SucceededWithinHours\n      TreatMissingData: breaching",
        "EvaluationPeriods: !Ref SucceededWithinHours\n      TreatMissingData: notBreaching",
        MONITORING,
    ),
    _mutate(
        "right-too-many",
        TEMPLATE,
        "Action: [s3:PutObjectTagging, s3:DeleteObject]",
        "Action: [s3:PutObject, s3:PutObjectTagging, s3:DeleteObject]",
        RIGHTS,
    ),
    _mutate(
        "schedules-role-for-any-account",
        TEMPLATE,
        "Principal: {Service: scheduler.amazonaws.com}\n            Action: sts:AssumeRole\n"
        '            Condition: {StringEquals: {"aws:SourceAccount": !Ref AWS::AccountId}}\n',
        "Principal: {Service: scheduler.amazonaws.com}\n            Action: sts:AssumeRole\n",
        RIGHTS,
    ),
    _mutate(
        "machines-role-for-any-account",
        TEMPLATE,
        "Principal: {Service: states.amazonaws.com}\n            Action: sts:AssumeRole\n"
        '            Condition: {StringEquals: {"aws:SourceAccount": !Ref AWS::AccountId}}\n',
        "Principal: {Service: states.amazonaws.com}\n            Action: sts:AssumeRole\n",
        RIGHTS,
    ),
    _mutate("bucket-takes-plain-http", TEMPLATE, '{"aws:SecureTransport": "false"}', '{"aws:SecureTransport": "true"}', RIGHTS),
    _mutate(
        "queue-takes-any-accounts-events",
        TEMPLATE,
        '              StringEquals: {"aws:SourceAccount": !Ref AWS::AccountId}\n',
        "",
        RIGHTS,
    ),
    _mutate(
        "stopped-runs-are-not-closed", TEMPLATE, "status: [FAILED, TIMED_OUT, ABORTED]", "status: [FAILED, TIMED_OUT]", RETRIES
    ),
    _mutate(
        "failed-events-are-dropped",
        TEMPLATE,
        "              MaximumEventAgeInSeconds: 7200\n"
        "            DeadLetterConfig:\n              Arn: !GetAtt UndeliveredEventsQueue.Arn\n",
        "              MaximumEventAgeInSeconds: 7200\n",
        RETRIES,
    ),
    _mutate(
        "committed-slices-expire",
        TEMPLATE,
        "{Key: slice, Value: uncommitted}",
        "{Key: slice, Value: committed}",
        f"{UNIT}/template/test_template.py::test_nothing_expires_that_a_later_run_needs",
    ),
]
_MACHINES = [
    _mutate(
        "second-run-goes-on",
        RUN,
        "StringEquals: in_progress\n        Next: Another run is in progress",
        "StringEquals: in_progress\n        Next: Fingerprint raw",
        CHOICES,
    ),
    _mutate("published-unchecked", RUN, "steps: [stage, check]", "steps: [stage]", CHOICES),
    _mutate(
        "dry-run-loads",
        RUN,
        "Variable: $.plan.dry_run\n        BooleanEquals: true",
        "Variable: $.plan.dry_run\n        BooleanEquals: false",
        CHOICES,
    ),
    _mutate(
        "curated-tables-are-left-out",
        RUN,
        "Variable: $.pending.curated[0]\n        IsPresent: true",
        "Variable: $.pending.curated[1000]\n        IsPresent: true",
        CHOICES,
    ),
    _mutate(
        "plan-is-not-continued",
        RUN,
        "Variable: $.plan.continuation\n        NumericGreaterThan: 0",
        "Variable: $.plan.continuation\n        NumericGreaterThan: 1",
        CHOICES,
    ),
    _mutate(
        "lake-stays-behind",
        RUN,
        "Variable: $.pending.lake_is_behind\n        BooleanEquals: true\n        Next: Unload to the lake",
        "Variable: $.pending.lake_is_behind\n        BooleanEquals: true\n        Next: Is there anything to archive?",
        CHOICES,
    ),
    _mutate(
        "archive-is-bypassed",
        RUN,
        "Next: Archive the slices\n    Default: Close the run",
        "Next: Close the run\n    Default: Close the run",
        CHOICES,
    ),
    _mutate(
        "news-are-not-told",
        RUN,
        "Variable: $.is_news\n        BooleanEquals: true\n        Next: Notify",
        "Variable: $.is_news\n        BooleanEquals: true\n        Next: Nothing to notify",
        CHOICES,
    ),
    _mutate(
        "rest-of-a-slice-is-left",
        RUN,
        "IsNull: false\n              Next: Extract a slice",
        "IsNull: false\n              Next: Slice read",
        CHOICES,
    ),
    _mutate("replay-begins-at-its-end", RUN, "first.$: $.replay.first", "first.$: $.replay.last", CHOICES),
    _mutate(
        "a-later-step-begins-when-the-time-is-up",
        f"{PACKAGE}/warehouse/run_step.py",
        "return seconds >= 3 * _RESERVE_SECONDS",
        "return True",
        "tests/unit/warehouse/test_several_steps.py",
    ),
    _mutate("sql-step-is-tried-once", SQL_STEP, "MaxAttempts: 5", "MaxAttempts: 1", RETRIES),
    _mutate("what-may-pass-is-not-retried", SQL_STEP, "ErrorEquals: [RetryLater, ", "ErrorEquals: [", RETRIES),
    _mutate(
        "unfinished-sql-counts-as-done",
        SQL_STEP,
        "StringEquals: RUNNING\n        Next: Keep the position",
        "StringEquals: RUNNING\n        Next: Done",
        CHOICES,
    ),
    _mutate("sql-is-submitted-again", SQL_STEP, "    ResultPath: $.progress\n", "    ResultPath: $.before\n", CHOICES),
]
_OVERTAKEN = (
    "        raise exception 'OVERTAKEN: run % may not write any more, run % has the lease', p_run, v_holder;\n    end if;\n"
)
_GUARDS = [
    _mutate(
        "lease-is-not-prolonged",
        PROCEDURES,
        "'RUN CLOSED: run % may not write any more', p_run;\n    end if;\n"
        "    update lease set expires_at = dateadd(second, p_lease_seconds, getdate());",
        "'RUN CLOSED: run % may not write any more', p_run;\n    end if;",
        GUARDS,
    ),
    _mutate(
        "overtaken-run-writes",
        PROCEDURES,
        f"    if v_holder <> p_run then\n{_OVERTAKEN}    if not v_is_held then",
        f"    if v_holder < p_run then\n{_OVERTAKEN}    if not v_is_held then",
        GUARDS,
    ),
    _mutate("restored-warehouse-opens", PROCEDURES, "v_run < p_kept_run and v_started_at < p_kept_at", "false", GUARDS),
    _mutate("ledger-begun-anew-is-refused", PROCEDURES, " and v_started_at < p_kept_at then", " then", GUARDS),
    _mutate(
        "overtaken-run-is-reopened",
        PROCEDURES,
        f"    if v_holder <> p_run then\n{_OVERTAKEN}    update run set status = 'running'",
        f"    if v_holder < p_run then\n{_OVERTAKEN}    update run set status = 'running'",
        GUARDS,
    ),
    _mutate("closed-run-writes", PROCEDURES, "    if not v_is_held then", "    if v_is_held is null then", GUARDS),
    _mutate(
        "held-lease-is-taken",
        PROCEDURES,
        "if v_is_held and v_expires_at > getdate() then",
        "if v_is_held and v_expires_at < getdate() then",
        GUARDS,
    ),
    _mutate("step-is-done-twice", PROCEDURES, "if v_commits > 0 then", "if v_commits > 1 then", GUARDS),
    _mutate("rows-are-lost", PROCEDURES, "if v_in_parquet <> v_copied then", "if v_in_parquet < v_copied then", GUARDS),
    _mutate("key-is-not-unique", PROCEDURES, "if v_keys <> v_copied then", "if v_keys > v_copied then", GUARDS),
    _mutate("any-delete-passes", PROCEDURES, "v_removed > p_max_delete_fraction * v_known", "v_removed > v_known", GUARDS),
    _mutate(
        "watermark-goes-back",
        PROCEDURES,
        "case when v_watermark is null or p_after > v_watermark then",
        "case when true then",
        GUARDS,
    ),
    _mutate(
        "watermark-of-another-run",
        PROCEDURES,
        "if p_after is not null and coalesce(v_watermark,",
        "if p_after is null and coalesce(v_watermark,",
        GUARDS,
    ),
    _mutate(
        "changed-values-are-equal",
        PROCEDURES,
        "where _rp_rows_expected <> _rp_rows_found or _rp_checksum_expected <> _rp_checksum_found;",
        "where _rp_rows_expected <> _rp_rows_found;",
        GUARDS,
    ),
    _mutate(
        "position-ahead-is-no-matter", PROCEDURES, "if v_position <> p_planned then", "if v_position < p_planned then", GUARDS
    ),
    _mutate(
        "replay-forgets-tombstones",
        PROCEDURES,
        "rows_added <> rows_added_before or rows_removed <> rows_removed_before",
        "rows_added <> rows_added_before",
        GUARDS,
    ),
    _mutate(
        "missing-checks-publish", PROCEDURES, "if v_checks <> p_checks or v_failing > 0 then", "if v_failing > 0 then", GUARDS
    ),
    _mutate(
        "failing-checks-publish",
        PROCEDURES,
        "if v_checks <> p_checks or v_failing > 0 then",
        "if v_checks <> p_checks then",
        GUARDS,
    ),
    _mutate("closed-run-keeps-the-lease", PROCEDURES, "update lease set is_held = false where run_sequence = p_run;", "", GUARDS),
    _mutate(
        "late-close-frees-anothers-lease",
        PROCEDURES,
        "update lease set is_held = false where run_sequence = p_run;",
        "update lease set is_held = false;",
        GUARDS,
    ),
]
_BATCHES = [
    _mutate("batches-do-not-lock", f"{STEPS}/step.py", '                "lock lease",\n', "", BATCHES),
    _mutate(
        "steps-are-not-recorded",
        f"{STEPS}/step.py",
        '{literal(title or self.title)}," if once else',
        '{literal(title or self.title)}," if not once else',
        BATCHES,
    ),
    _mutate(
        "unload-without-fence",
        f"{STEPS}/unload.py",
        'request.write(*statements, once=False, label=f"write-{number}")',
        'type(request.write("select 1"))(f"write-{number}", tuple(statements))',
        BATCHES,
    ),
    _mutate(
        "published-unaudited",
        f"{STEPS}/publish.py",
        '            f"call require_audit({run}, {len(list_checks(request))})",\n',
        "",
        BATCHES,
    ),
    _mutate(
        "curated-on-any-position",
        f"{STEPS}/curate.py",
        "            f\"call expect_position('curated', {literal(self.table.name)}, {self.position})\",\n",
        "",
        BATCHES,
    ),
    _mutate(
        "lake-believes-any-count",
        f"{PACKAGE}/lake/file_lists.py",
        "if (manifest is not None) != bool(rows):",
        "if manifest is None and rows:",
        f"{UNIT}/lake/test_file_lists.py",
    ),
    _mutate(
        "keys-are-bounded-where-any-may-change",
        f"{STEPS}/curated_build.py",
        'is_known = not self.is_full and self.bound_curated() != "true" and',
        "is_known = not self.is_full and",
        f"{UNIT}/warehouse/test_bounds.py",
    ),
    _mutate("load-is-not-compared", f"{STEPS}/load.py", "*load.commit(), *verify)", "*load.commit())", BATCHES),
    _mutate(
        "replay-is-not-confirmed",
        f"{STEPS}/replay.py",
        '        f"call confirm_replay({request.run_sequence}, {name}, {replay.loads})",\n',
        "",
        BATCHES,
    ),
    _mutate(
        "new-files-in-an-old-run",
        f"{PACKAGE}/warehouse/run_step.py",
        "        request.require_same_files()\n",
        "        pass\n",
        BATCHES,
    ),
]
_CHECKS = [
    _mutate(
        "doubled-figures-only-warn",
        "sql/apartments/checks/bookings_counted_once.sql",
        "-- severity:   fail",
        "-- severity:   warn",
        CHECKS,
    ),
    _mutate(
        "cars-money-only-warns", "sql/cars/checks/money_counted_once.sql", "-- severity:   fail", "-- severity:   warn", CHECKS
    ),
    _mutate("cars-use-only-warns", "sql/cars/checks/use_counted_once.sql", "-- severity:   fail", "-- severity:   warn", CHECKS),
    _mutate(
        "lost-rows-only-warn",
        f"{STEPS}/check.py",
        'severity="fail",\n        violations=f"""\n        select\n            cast(_rp_raw',
        'severity="warn",\n        violations=f"""\n        select\n            cast(_rp_raw',
        CHECKS,
    ),
    _mutate(
        "set-aside-only-warns",
        f"{STEPS}/set_aside.py",
        'Check(f"{table.name}{BEYOND_LIMIT}", "fail",',
        'Check(f"{table.name}{BEYOND_LIMIT}", "warn",',
        CHECKS,
    ),
    _mutate(
        "failing-check-is-ignored", f"{STEPS}/check.py", 'if row["severity"] == "fail"]', 'if row["severity"] == "stop"]', CHECKS
    ),
]
_FIGURES = [
    _mutate(
        "nested-stays-count-twice",
        "sql/apartments/presentation/occupancy_monthly.sql",
        "rows between unbounded preceding and 1 preceding",
        "rows between 1 preceding and 1 preceding",
        f"{APARTMENTS}/test_hard_cases.py::test_overlapping_stays_count_a_night_once",
    ),
    _mutate(
        "pace-knows-what-came-later",
        "sql/apartments/curated/booking_versions.sql",
        "        _observed_at as observed_at,",
        "        _changed_at as observed_at,",
        f"{APARTMENTS}/test_pace.py::test_the_books_of_a_past_day",
    ),
    _mutate(
        "pace-keeps-what-was-canceled",
        "sql/apartments/presentation/pace_monthly.sql",
        "        -1 as known_stays,",
        "        0 as known_stays,",
        f"{APARTMENTS}/test_pace.py::test_the_books_of_a_past_day",
    ),
    _mutate(
        "shared-rows-of-one-metric-alone",
        f"{PACKAGE}/warehouse/steps/stage.py",
        "min(days[name]), max(days[name])",
        "max(days[name][:2]), max(days[name])",
        "tests/unit/warehouse/test_staged_days.py",
    ),
    _mutate(
        "header-takes-prose-for-a-key",
        f"{PACKAGE}/definitions/sql_files.py",
        "            if not is_inside:\n                first",
        "            if False:\n                first",
        f"{UNIT}/definitions/test_sql_files.py",
    ),
    _mutate(
        "the-last-night-has-no-more-cents",
        "sql/apartments/presentation/nights_monthly.sql",
        "case when booked_to = checkout_date then last_night_more else 0 end",
        "0",
        f"{APARTMENTS}/test_kpis.py::test_a_stays_price_is_spread_over_its_nights",
    ),
    _mutate(
        "a-move-touches-the-new-place-only",
        "sql/apartments/presentation/conversion_weekly.sql",
        "max(case when _is_before then city_key",
        "max(case when not _is_before then city_key",
        f"{APARTMENTS}/test_kpis.py::test_a_listing_moves_twice_while_nothing_is_published",
    ),
    _mutate(
        "a-table-of-another-shape-is-asked",
        f"{STEPS}/dirty_periods.py",
        'if not is_made_anew and request.ledger.is_defined_as("presentation", metric.name, definition):',
        "if not is_made_anew:",
        f"{UNIT}/warehouse/test_dirty_periods.py",
    ),
    _mutate(
        "a-period-that-has-ended-since-is-not-the-newest",
        f"{STEPS}/publish.py",
        "for day in (find_staged_days(request, metric)[0], following))",
        "for day in (find_staged_days(request, metric)[0],))",
        f"{UNIT}/warehouse/test_publish.py",
    ),
    _mutate(
        "a-loaded-table-has-no-comparison",
        f"{STEPS}/load.py",
        "*load.copy(), *compared, *change,",
        "*load.copy(), *change,",
        f"{UNIT}/warehouse/test_rendered_sql.py",
    ),
    _mutate(
        "a-late-booking-leaves-later-months",
        "sql/apartments/presentation/guests_monthly.sql",
        "cast('2050-12-31' as date) as last_day",
        "min(booking_date) as last_day",
        f"{APARTMENTS}/test_kpis.py::test_guests_come_back",
    ),
    _mutate(
        "who-canceled-is-a-customer",
        "sql/apartments/presentation/bookings_weekly.sql",
        "    where booking_status <> 'canceled'\n",
        "",
        f"{APARTMENTS}/test_kpis.py::test_a_customer_counts_once_in_a_week",
    ),
    _mutate(
        "kept-rows-are-kept-twice",
        f"{STEPS}/stage.py",
        '*([] if is_whole else [f"delete from',
        '*([] if True else [f"delete from',
        f"{APARTMENTS}/test_random_increments.py",
    ),
    _mutate(
        "kept-guest-is-counted-as-new",
        "sql/apartments/intermediate/numbered_booking.sql",
        "coalesce(known_guest.bookings, 0)\n    + row_number()",
        "row_number()",
        f"{APARTMENTS}/test_random_increments.py",
    ),
    _mutate(
        "oldest-version-is-current",
        f"{STEPS}/newest.py",
        "order by _rp_raw._run_sequence desc)",
        "order by _rp_raw._run_sequence)",
        "tests/integration/schedules/test_versions.py::test_21_a_replay_makes_the_same_raw",
    ),
    _mutate(
        "full-build-forgets-lost-days",
        f"{STEPS}/touched_keys.py",
        'gone = f" union select event_day from {self.curated}" if self.is_append else ""',
        'gone = ""',
        f"{APARTMENTS}/test_order.py",
    ),
    _mutate(
        "joined-rows-touch-nothing",
        f"{STEPS}/touched_keys.py",
        "if self.arrivals.joined:",
        "if False:",
        "tests/integration/schedules/test_joins.py::test_a_label_that_changes_breaks_the_rows_that_lead_to_it",
    ),
    _mutate(
        "what-refers-to-a-personal-key-is-taken",
        "local/adopt/personal.py",
        "if _STRICTER.index(policy) > _STRICTER.index(columns[column].policy):",
        "if False:",
        f"{UNIT}/adopt/test_tables.py",
    ),
    _mutate(
        "a-hash-is-joined-to-what-was-hashed",
        "local/adopt/taken.py",
        "if len(plain) != 1:",
        "if True:",
        f"{UNIT}/adopt/test_taken.py",
    ),
    _mutate(
        "the-doctor-sees-no-reference-to-personal-data",
        f"{PACKAGE}/operate/doctor/reference_checks.py",
        "if wanted and not policy:",
        "if False:",
        "tests/integration/doctor/test_references.py",
    ),
    _mutate(
        "an-adopted-text-is-taken-unasked",
        "local/adopt/personal.py",
        "return Decision(Policy.UNDECIDED, _describe(column, values))",
        "return Decision(Policy.TAKE, _describe(column, values))",
        f"{UNIT}/adopt/test_personal.py",
    ),
    _mutate(
        "what-a-mapping-lacks-counts-as-0",
        "local/adopt/shipped_sql.py",
        "if of_path == path and not _has(mapping, role, field):",
        "if False:",
        f"{UNIT}/adopt/test_sql.py",
    ),
    _mutate(
        "a-rental-that-is-not-confirmed-counts",
        "local/adopt/hourly_sql.py",
        'judged=f"case when {_COUNTS} then {value} end"',
        "judged=value",
        f"{UNIT}/adopt/test_sql.py",
    ),
    _mutate(
        "an-adopted-cursor-is-relied-upon",
        "local/adopt/tables.py",
        "    if table.rows <= MOST_COMPARED_ROWS:",
        "    if table.rows <= MOST_COMPARED_ROWS and not kept:",
        f"{UNIT}/adopt/test_tables.py",
    ),
    _mutate(
        "an-edited-file-is-written-over",
        "local/adopt/kept_files.py",
        "if current is None or self._record.get(key) == hash_texts(current):",
        "if True:",
        "tests/integration/adopt/test_adoption.py::test_what_a_person_edited_stays",
    ),
    _mutate(
        "frozen-is-first-loaded-with-anything",
        f"{PACKAGE}/model/raw_tables.py",
        "        if undecided:\n            raise",
        "        if False:\n            raise",
        f"{UNIT}/model/test_table_plan.py",
    ),
    _mutate(
        "a-cursor-is-believed-whatever-was-seen",
        f"{STEPS}/judge.py",
        "or {cursor} < greatest(_rp_version._rp_before_at, _rp_compared._rp_compared_at)",
        "or false",
        "tests/metrics/apartments/test_hard_cases.py::test_a_cursor_is_believed_until_it_is_disproved",
    ),
    _mutate(
        "a-comparison-disproves-no-cursor",
        f"{STEPS}/judge.py",
        "greatest(_rp_version._rp_before_at, _rp_compared._rp_compared_at)",
        "_rp_version._rp_before_at",
        "tests/metrics/apartments/test_hard_cases.py::test_a_cursor_is_believed_until_it_is_disproved",
    ),
    _mutate(
        "a-cursor-that-stands-still-is-not-counted",
        f"{STEPS}/load.py",
        "and _rp_arrived.{cursor} <= _rp_newest.{cursor}",
        "and _rp_arrived.{cursor} < _rp_newest.{cursor}",
        "tests/integration/runs/test_reconcile.py::test_deletes_and_changes_that_moved_no_cursor_are_found_and_nothing_else_is_read",
    ),
    _mutate(
        "slices-are-cut-by-a-personal-key",
        f"{PACKAGE}/plan/slices.py",
        "if table.hashes_key:",
        "if False:",
        "tests/integration/runs/test_personal_data.py::test_a_personal_key_is_hashed_and_references_stay_equal",
    ),
    _mutate(
        "a-personal-key-is-shown-in-a-message",
        f"{PACKAGE}/extract/rows.py",
        "if isinstance(value, bytes) and self._table.column(name).is_hashed:",
        "if False:",
        f"{UNIT}/extract/test_decoder_errors.py",
    ),
    _mutate(
        "frozen-takes-any-new-column",
        f"{PACKAGE}/model/raw_tables.py",
        "named = {*contract.requires, *contract.personal, *(existing or ())}",
        "named = {column.name for column in columns}",
        f"{UNIT}/model/test_table_plan.py",
    ),
    _mutate(
        "versions-of-a-moment-unordered",
        "sql/apartments/curated/apartment_versions.sql",
        "lead(started_at) over (partition by id order by run_sequence)",
        "lead(started_at) over (partition by id order by started_at)",
        ORDER,
    ),
    _mutate(
        "versions-of-a-vehicle-unordered",
        "sql/cars/curated/vehicle_versions.sql",
        "lag(state) over (partition by vehicle_id order by run_sequence)",
        "lag(state) over (partition by vehicle_id order by valid_from)",
        ORDER,
    ),
    _mutate(
        "spelling-by-chance",
        "sql/apartments/presentation/popular_cities_weekly.sql",
        "order by bookings desc, city asc, state asc)",
        "order by bookings desc)",
        ORDER,
    ),
    _mutate(
        "newest-by-another-order",
        f"{STEPS}/newest.py",
        "order by _rp_raw._run_sequence desc)",
        "order by _rp_raw._operation desc)",
        ORDER,
    ),
    _mutate(
        "generated-checks-only-warn",
        f"{PACKAGE}/definitions/generic_checks.py",
        'f"{name}_{number}", "fail",',
        'f"{name}_{number}", "warn",',
        CHECKS,
    ),
    _mutate(
        "generated-checks-beyond-a-statement",
        f"{PACKAGE}/definitions/generic_checks.py",
        "divide_texts(each, most_bytes=_STATEMENT_BYTES)",
        "divide_texts(each, most_bytes=10**9)",
        f"{UNIT}/definitions/test_generic_checks.py",
    ),
    _mutate(
        "rule-of-a-null-value-accepts",
        "sql/control/functions.sql",
        "left(coalesce($2, ''), 128)",
        "left($2, 128)",
        "tests/metrics/test_parsing.py::test_a_broken_rule_is_told_whatever_its_value_is",
    ),
    _mutate(
        "rule-joined-by-bars",
        f"{PACKAGE}/definitions/curated_table.py",
        "if null := _NULL_RULE.search(judged):",
        "if null := None:",
        f"{UNIT}/definitions/test_marketplace.py",
    ),
    _mutate(
        "misspelled-sections-are-silent",
        f"{PACKAGE}/definitions/file_shapes.py",
        "if name not in known]",
        "if False]",
        f"{UNIT}/definitions/test_marketplace.py",
    ),
    _mutate(
        "examples-show-personal-keys",
        f"{STEPS}/set_aside.py",
        "    if not personal.isdisjoint(table.key):\n",
        "    if False:\n",
        CHECKS,
    ),
    _mutate(
        "headers-judged-late",
        f"{PACKAGE}/definitions/read_marketplace.py",
        "    _judge_headers(read)\n",
        "",
        f"{UNIT}/definitions/test_marketplace.py",
    ),
    _mutate(
        "large-numbers-raise",
        f"{STEPS}/limits.py",
        'return f"{double} >= {largest_decimal - half!r}"',
        "return None",
        f"{UNIT}/warehouse/test_limits.py",
    ),
    _mutate(
        "worst-city-ranks-first",
        "sql/apartments/presentation/popular_cities_weekly.sql",
        "order by city_week.bookings desc) as city_rank",
        "order by city_week.bookings) as city_rank",
        f"{APARTMENTS}/test_hard_cases.py",
    ),
    _mutate(
        "canceled-bookings-earn",
        "sql/apartments/presentation/repeat_customers_daily.sql",
        "where bookings.booking_status = 'confirmed'",
        "where bookings.booking_status <> 'pending'",
        f"{APARTMENTS}/test_hard_cases.py",
    ),
    _mutate(
        "lowest-spender-ranks-first",
        "sql/cars/views/user_revenue.sql",
        "rank() over (order by revenue desc)",
        "rank() over (order by revenue)",
        f"{CARS}/test_hard_cases.py",
    ),
    _mutate(
        "last-cent-of-use-is-lost",
        "sql/cars/intermediate/fleet_day.sql",
        "(odd_cents * seconds_after - mod(odd_cents * seconds_after, rental_seconds))",
        "(odd_cents * seconds_before - mod(odd_cents * seconds_before, rental_seconds))",
        f"{CARS}/test_key_figures.py",
    ),
    _mutate(
        "car-that-comes-back-is-out-with-the-next",
        "sql/cars/presentation/cars_out_daily.sql",
        "piece_to as moment",
        "dateadd(second, 1, piece_to) as moment",
        f"{CARS}/test_key_figures.py",
    ),
    _mutate(
        "car-stands-for-ever",
        "sql/cars/intermediate/car_time.sql",
        "dateadd(day, 30, out_to)",
        "dateadd(day, 300, out_to)",
        f"{CARS}/test_key_figures.py",
    ),
    _mutate(
        "new-car-counts-as-idle",
        "sql/cars/presentation/idle_cars_weekly.sql",
        "then fleet.was_there_7_days",
        "then 1",
        f"{CARS}/test_key_figures.py",
    ),
]
_SOURCE = [
    _mutate(
        "key-of-the-hash-is-shown",
        f"{PACKAGE}/source/personal_data.py",
        "    secret: bytes = field(repr=False)",
        "    secret: bytes = field()",
        SECRETS,
    ),
    _mutate(
        "password-is-shown",
        f"{PACKAGE}/source/connection.py",
        "    password: str | None = field(repr=False)",
        "    password: str | None = field()",
        SECRETS,
    ),
    _mutate(
        "any-host-may-answer",
        f"{PACKAGE}/source/connection.py",
        "    context = ssl.create_default_context()\n",
        "    context = ssl.create_default_context()\n    context.check_hostname = False\n",
        SECRETS,
    ),
    _mutate("source-can-be-written", f"{PACKAGE}/source/connection.py", ', "set session transaction read only"', "", SECRETS),
    _mutate(
        "footer-is-not-compared",
        f"{PACKAGE}/extract/extract_slice.py",
        "    if not found.equals(content.schema):",
        "    if found is None:",
        f"{UNIT}/extract/test_written_parts.py",
    ),
    _mutate(
        "rows-come-from-intent",
        f"{PACKAGE}/extract/extract_slice.py",
        "WrittenFile(key, size, footer.num_rows, least_key, greatest_key)",
        "WrittenFile(key, size, content.num_rows, least_key, greatest_key)",
        f"{UNIT}/extract/test_written_parts.py",
    ),
    _mutate(
        "forbidden-counts-as-missing",
        f"{PACKAGE}/base/object_store.py",
        "        content = _read_bytes(bucket, key)\n    except FixData:",
        "        content = _read_bytes(bucket, key)\n    except (FixData, FixConfiguration):",
        f"{UNIT}/base/test_object_store.py",
    ),
    _mutate(
        "denied-counts-as-missing",
        f"{PACKAGE}/base/object_store.py",
        'if code in ("NoSuchKey", "404", "NotFound"):',
        'if code in ("NoSuchKey", "404", "NotFound", "AccessDenied"):',
        f"{UNIT}/base/test_object_store.py",
    ),
]
_REACTIONS = [
    _mutate(
        "later-steps-are-left-out",
        f"{PACKAGE}/warehouse/run_step.py",
        'return [{**event, "step": step, "name": name} for step in steps for name in names]',
        'return [{**event, "step": steps[0], "name": names[0]}]',
        "tests/unit/warehouse/test_several_steps.py",
    ),
    _mutate(
        "a-stopped-run-looks-for-the-failing-part",
        f"{PACKAGE}/warehouse/data_api.py",
        "return not any(text in message for text in (*_RETRY, *_REMEDIES))",
        "return True",
        "tests/unit/warehouse/test_several_steps.py",
    ),
    _mutate(
        "a-replay-lists-its-loads-in-one-piece",
        f"{PACKAGE}/plan/replay.py",
        "if len(self._waiting) == LOADS_PER_STEP:",
        "if False:",
        "tests/unit/plan/test_replay.py",
    ),
    _mutate(
        "a-touched-key-counts-for-each-version",
        f"{PACKAGE}/warehouse/steps/touched_keys.py",
        'selects = [f"select distinct {keys}',
        'selects = [f"select {keys}',
        "tests/unit/warehouse/test_bounds.py",
    ),
    _mutate(
        "rows-without-a-day-are-not-judged",
        f"{STEPS}/curated_build.py",
        "self.is_full or self.arrivals.rows or self.arrivals.orphans",
        "self.is_full or self.arrivals.least or self.arrivals.orphans",
        f"{UNIT}/warehouse/test_bounds.py",
    ),
    _mutate(
        "rows-that-wait-for-a-parent-are-forgotten",
        f"{STEPS}/curated_build.py",
        "self.arrivals.rows or self.arrivals.orphans or self.arrivals.joined",
        "self.arrivals.rows or self.arrivals.joined",
        f"{UNIT}/warehouse/test_bounds.py",
    ),
    _mutate(
        "children-of-a-late-parent-are-not-looked-at",
        f"{STEPS}/touched_keys.py",
        """ or {self._is_referring('_rp_child', is_raw=True)}))\"""",
        '))"',
        f"{UNIT}/warehouse/test_looked_at.py",
    ),
    _mutate(
        "a-cleaned-text-tells-its-parent",
        f"{STEPS}/touched_keys.py",
        "not table.is_derived and all(map(self._keeps_its_text, self.table.references))",
        "not table.is_derived",
        f"{UNIT}/warehouse/test_looked_at.py",
    ),
    _mutate(
        "rows-that-nothing-looked-at-are-no-fault",
        f"{STEPS}/check.py",
        "and _rp_looked_at._rp_rows < _rp_build.rows_accepted",
        "and _rp_looked_at._rp_rows > _rp_build.rows_accepted",
        f"{APARTMENTS}/test_looked_at.py",
    ),
    _mutate(
        "children-are-looked-at-without-what-they-join",
        f"{STEPS}/check.py",
        "if len({table.source for table in tables}) == 1 and len(judging) < 2:",
        "if len(judging) < 3:",
        f"{UNIT}/warehouse/test_looked_at.py",
    ),
    _mutate(
        "checks-look-at-days-of-no-metric",
        f"{PACKAGE}/warehouse/steps/check.py",
        "days = read or list(staged.values())",
        "days = read",
        "tests/unit/warehouse/test_staged_days.py",
    ),
    _mutate("serialization-is-not-retried", f"{PACKAGE}/warehouse/data_api.py", '    "could not serialize",\n', "", CLASSIFY),
    _mutate(
        "isolation-is-not-retried", f"{PACKAGE}/warehouse/data_api.py", '    "Serializable isolation violation",\n', "", CLASSIFY
    ),
    _mutate(
        "s3-that-is-slow-is-not-retried",
        f"{PACKAGE}/warehouse/data_api.py",
        'error in _S3_PASSES or status.startswith("5")',
        "False",
        CLASSIFY,
    ),
    _mutate("a-denied-role-is-data", f"{PACKAGE}/warehouse/data_api.py", "return FixConfiguration, _LET_S3_IN", "pass", CLASSIFY),
    _mutate(
        "refused-deletes-are-configuration",
        f"{PACKAGE}/warehouse/data_api.py",
        '    "DELETE REFUSED",\n',
        "",
        CLASSIFY,
    ),
    _mutate(
        "values-are-told",
        f"{PACKAGE}/warehouse/data_api.py",
        'message = _VALUE.sub("…", message)',
        "message = str(message)",
        CLASSIFY,
    ),
    _mutate("literal-ends-early", f"{PACKAGE}/model/sql_literal.py", """.replace("'", "''")""", "", CLASSIFY),
    _mutate(
        "nobody-is-told",
        f"{PACKAGE}/operate/failed_run.py",
        "        closing.problem = str(error)\n",
        "        return asdict(closing)\n",
        f"{UNIT}/operate/test_failed_run.py",
    ),
    _mutate(
        "a-publication-under-way-is-none",
        f"{PACKAGE}/operate/failed_run.py",
        "closing.has_published = bool(api.query(opening, published)) or None",
        "closing.has_published = bool(api.query(opening, published))",
        f"{UNIT}/operate/test_failed_run.py",
    ),
    _mutate(
        "a-failed-statement-silences",
        f"{PACKAGE}/operate/failed_run.py",
        "except (PipelineError, StatementFailed, ClientError, BotoCoreError) as error:",
        "except PipelineError as error:",
        f"{UNIT}/operate/test_failed_run.py",
    ),
]

_READING = [
    _mutate(
        "clock-in-autumn",
        f"{PACKAGE}/source/safe_watermark.py",
        "return min(_to_local(later, time_zone)",
        "return max(_to_local(later, time_zone)",
        f"{UNIT}/source/test_local_time.py",
    ),
    _mutate(
        "bound-without-margin",
        f"{PACKAGE}/source/safe_watermark.py",
        "return min(started) - _MARGIN",
        "return min(started)",
        f"{EXTRACTION}/test_safe_watermark.py",
    ),
    _mutate(
        "waiting-statements-hold-nothing",
        f"{PACKAGE}/source/safe_watermark.py",
        "started.append(_from_unix(statement))",
        "pass",
        f"{EXTRACTION}/test_safe_watermark.py",
    ),
    _mutate(
        "open-transactions-hold-nothing",
        f"{PACKAGE}/source/safe_watermark.py",
        "started.append(_from_unix(transaction) - doubt)",
        "pass",
        f"{EXTRACTION}/test_safe_watermark.py",
    ),
    _mutate(
        "overlap-is-left-out",
        f"{PACKAGE}/plan/table_planner.py",
        "            lower = planned - contract.overlap\n",
        "            lower = planned\n",
        f"{EXTRACTION}/test_plan.py",
    ),
    _mutate(
        "planned-watermark-goes-back",
        f"{PACKAGE}/plan/table_planner.py",
        "reached = max(new, planned) if planned else new",
        "reached = new",
        f"{EXTRACTION}/test_plan.py",
    ),
    _mutate(
        "missing-cursors-are-not-read",
        f"{PACKAGE}/source/queries.py",
        "return _any_of(cursor_in_window(table), cursor_is_missing(table))",
        "return cursor_in_window(table)",
        f"{EXTRACTION}/test_slices.py",
    ),
    _mutate(
        "text-is-a-cursor",
        f"{PACKAGE}/source/columns.py",
        "    if not can_be_cursor(cursor):\n        return [",
        "    if cursor is None:\n        return [",
        f"{EXTRACTION}/test_plan.py",
    ),
    _mutate(
        "any-columns-are-a-key",
        f"{PACKAGE}/source/columns.py",
        "if key and not any(unique <= names for unique in source.unique_keys):",
        "if key and not source.unique_keys:",
        f"{EXTRACTION}/test_plan.py::test_a_key_that_may_be_null_is_no_key",
    ),
    _mutate(
        "replicas-are-read",
        f"{PACKAGE}/source/replication.py",
        "    if connections:\n        origin",
        "    if connections == ():\n        origin",
        f"{UNIT}/source/test_replication.py",
    ),
    _mutate(
        "rows-lost-before-the-manifest",
        f"{PACKAGE}/extract/manifests.py",
        "if not result.rows_read == result.rows_in_parquet == in_parts:",
        "if not result.rows_read == result.rows_in_parquet:",
        f"{EXTRACTION}/test_conduct.py",
    ),
    _mutate(
        "cut-files-are-loaded",
        f"{PACKAGE}/extract/manifests.py",
        "if (size := sizes.get(file.key)) != file.bytes:",
        "if (size := sizes.get(file.key)) is None:",
        f"{EXTRACTION}/test_conduct.py",
    ),
]

_PENDING = [
    _mutate("dirty-periods-are-left", f"{STEPS}/pending.py", "or bool(dirty)", "", PENDING),
    _mutate(
        "time-does-not-pass",
        f"{STEPS}/pending.py",
        "request.ledger.as_of != request.plan.as_of",
        "request.ledger.as_of is None",
        PENDING,
    ),
    _mutate("views-stay-as-they-were", f"{STEPS}/pending.py", "        or bool(list_outdated_views(request))\n", "", PENDING),
    _mutate(
        "erasures-are-not-archived", f"{STEPS}/pending.py", "waiting = bool(loads or erased)", "waiting = bool(loads)", PENDING
    ),
    _mutate(
        "children-of-a-changed-parent-stay",
        f"{STEPS}/pending.py",
        "for name in request.marketplace.sources(table))",
        "for name in [table.source])",
        PENDING,
    ),
    _mutate(
        "changed-files-build-nothing",
        f"{STEPS}/curated_build.py",
        'or not request.ledger.is_made_from("curated", table.name, request.marketplace.curated_hash(table))',
        "",
        PENDING,
    ),
    _mutate(
        "what-no-run-published-is-not-checked-again",
        f"{STEPS}/check.py",
        'if request.plan.kind != "incremental" or is_unpublished or needs_full_build(request, table):',
        'if request.plan.kind != "incremental" or needs_full_build(request, table):',
        f"{UNIT}/warehouse/test_looked_at.py",
    ),
    _mutate(
        "a-check-of-rows-that-changed-says-what-it-said",
        f"{STEPS}/check.py",
        "and all(_bound_rows(request, table) is None for table in tables)",
        "",
        f"{UNIT}/warehouse/test_looked_at.py",
    ),
    _mutate(
        "a-check-says-what-it-said-on-another-day",
        f"{STEPS}/check.py",
        'and (":as_of" not in sql or ledger.as_of == request.plan.as_of)',
        "",
        f"{UNIT}/warehouse/test_looked_at.py",
    ),
    _mutate(
        "time-that-passed-is-not-read",
        f"{STEPS}/stage.py",
        "if metric.depends_on_day and _has_day_passed(request):",
        "if False:",
        f"{UNIT}/warehouse/test_staged_days.py",
    ),
    _mutate(
        "each-metric-is-staged-by-its-own-transaction",
        f"{STEPS}/stage.py",
        "if number == 1 or _fit_in_one(",
        "if number == 1 or not _fit_in_one(",
        f"{UNIT}/warehouse/test_rendered_sql.py",
    ),
    _mutate(
        "text-keys-are-bounded-as-numbers",
        f"{STEPS}/load.py",
        'if None in ends or kind.startswith(("varchar", "char")):',
        "if None in ends:",
        f"{UNIT}/warehouse/test_load_bounds.py",
    ),
    _mutate(
        "days-are-pruned-above-a-position",
        f"{STEPS}/prune.py",
        "select min(run_sequence) from layer_position",
        "select max(run_sequence) from layer_position",
        "tests/integration/warehouse/test_prune.py",
    ),
    _mutate(
        "a-run-forgets-its-own-steps",
        f"{STEPS}/prune.py",
        "where run_sequence < {run_sequence} and",
        "where run_sequence <= {run_sequence} and",
        "tests/integration/warehouse/test_prune.py",
    ),
    _mutate(
        "older-rows-are-joined-by-the-ends-of-new-ones",
        f"{STEPS}/joined.py",
        "if known is None or join.left is not None or not self._only_new:",
        "if known is None or join.left is not None:",
        f"{UNIT}/warehouse/test_joined_bounds.py",
    ),
    _mutate(
        "a-text-bounds-a-number",
        f"{STEPS}/curated_build.py",
        "if not kind or sorts_as(kind) != sorts_as(self._key_type):",
        "if not kind:",
        f"{UNIT}/warehouse/test_bounds.py",
    ),
    _mutate(
        "older-versions-are-not-read-where-a-key-is-gone",
        f"{STEPS}/curated_build.py",
        "if self.table.is_derived or (self.table.keeps_removed and self.arrivals.removed):",
        "if self.table.is_derived:",
        f"{UNIT}/warehouse/test_bounds.py",
    ),
    _mutate(
        "what-a-header-says-of-rows-counts-for-nothing",
        f"{PACKAGE}/definitions/marketplace.py",
        '_DECIDES_METRIC = ("period", "reads", "lookback", "kept_by")',
        "_DECIDES_METRIC = ()",
        f"{UNIT}/definitions/test_marketplace.py",
    ),
    _mutate(
        "a-comment-builds-all",
        f"{PACKAGE}/definitions/sql_files.py",
        "{name}: {strip_statement(sql)}",
        "{name}: {sql}",
        f"{UNIT}/definitions/test_marketplace.py",
    ),
    _mutate(
        "rebuild-of-one-table-builds-all",
        f"{STEPS}/step.py",
        "return rebuild.tables is None or not set(sources).isdisjoint(rebuild.tables)",
        "return True",
        PENDING,
    ),
]

_STATE = [
    _mutate(
        "a-void-state-counts",
        f"{PACKAGE}/warehouse/settled_state.py",
        "mark = State(format=FORMAT, run_sequence=run_sequence, execution_id=execution_id, settled=None)",
        "return",
        SETTLED,
    ),
    _mutate(
        "a-state-is-settled-over-another-runs-mark",
        f"{PACKAGE}/warehouse/settled_state.py",
        "if (mark.run_sequence, mark.execution_id) != (after.run_sequence, after.execution_id):",
        "if False:",
        SETTLED,
    ),
    _mutate(
        "a-mark-that-comes-in-between-is-written-over",
        f"{PACKAGE}/base/object_store.py",
        'ContentType="application/json", IfMatch=etag)',
        'ContentType="application/json")',
        SETTLED,
    ),
    _mutate(
        "a-state-of-another-stack-counts",
        f"{PACKAGE}/plan/change_detection.py",
        "if settled.stack != Stack(",
        "if False and settled.stack != Stack(",
        SETTLED,
    ),
    _mutate(
        "a-state-that-was-put-back-counts",
        f"{PACKAGE}/plan/change_detection.py",
        "if next_opened and next_opened >= opened:",
        "if False:",
        SETTLED,
    ),
    _mutate(
        "a-day-passes-unnoticed",
        f"{PACKAGE}/plan/change_detection.py",
        "if safe_watermark.source_time.date().isoformat() != last.settled.source_day:",
        "if False:",
        SETTLED,
    ),
    _mutate(
        "figures-of-another-day-stay",
        f"{PACKAGE}/plan/change_detection.py",
        "if ledger.as_of and choose_as_of(RunInput(), ledger, safe_watermark).isoformat() != ledger.as_of:",
        "if False:",
        SETTLED,
    ),
    _mutate(
        "deployed-files-wait-for-the-next-day",
        f"{PACKAGE}/plan/change_detection.py",
        "settled.ledger.files_hash != files or ",
        "",
        SETTLED,
    ),
    _mutate(
        "any-input-may-end-unchanged",
        f"{PACKAGE}/plan/change_detection.py",
        "if asked != RunInput(started_by=asked.started_by):",
        "if False:",
        SETTLED,
    ),
    _mutate(
        "a-table-is-known-without-what-was-equal",
        f"{PACKAGE}/warehouse/settled_state.py",
        "held += add_up(span.expected for span in equal[table.name])",
        "pass",
        SETTLED,
    ),
]

_STANDINS = [
    _mutate(
        "sql-of-other-databases-is-handed-on",
        "packages/local_redshift/src/local_redshift/rules.py",
        "    if kind not in KNOWN_NODES:",
        "    if False:",
        "packages/local_redshift/tests/test_translate.py",
    ),
    _mutate(
        "joins-need-no-condition",
        "packages/local_redshift/src/local_redshift/grammar.py",
        "    _check_joins([*tokens, end])\n",
        "",
        "packages/local_redshift/tests/test_grammar.py::test_the_sql_of_other_databases_is_refused",
    ),
    _mutate(
        "types-of-other-databases-are-taken",
        "packages/local_redshift/src/local_redshift/dialect.py",
        " or word in TYPE_WORDS)",
        " or True)",
        "packages/local_redshift/tests/test_grammar.py::test_the_sql_of_other_databases_is_refused",
    ),
    _mutate(
        "trailing-blanks-count",
        "packages/local_redshift/src/local_redshift/database.py",
        "        _ignore_trailing_blanks(connection)\n",
        "",
        "packages/local_redshift/tests/test_tables.py::test_trailing_blanks_do_not_count_in_comparisons",
    ),
    _mutate(
        "a-certificate-never-differs",
        "local/commands/certify/certificate.py",
        "AGREES if answer == question.expected else DIFFERS",
        "AGREES",
        "tests/integration/local/test_certify.py::test_a_stand_in_with_one_rule_broken_is_convicted",
    ),
    _mutate(
        "a-certificate-convicts-nobody",
        "local/commands/certify/certificate.py",
        "if name in kept and kept[name] != answer}",
        "if False}",
        "tests/integration/local/test_certify.py::test_a_certificate_with_another_answer_convicts_the_stand_ins",
    ),
    _mutate(
        "unload-is-under-another-key",
        f"{PACKAGE}/base/settings.py",
        'return " encrypted auto" if self.kms_key_arn else ""',
        'return ""',
        f"{UNIT}/warehouse/test_unload.py",
    ),
    _mutate(
        "keys-that-end-with-a-blank-are-read",
        f"{PACKAGE}/plan/keys.py",
        "        if found:",
        "        if False:",
        f"{UNIT}/plan/test_keys.py",
    ),
    _mutate(
        "slices-are-judged-once-only",
        f"{PACKAGE}/plan/keys.py",
        "for part in slices[sums.judged :]:",
        "for part in slices:",
        f"{UNIT}/plan/test_keys.py",
    ),
    _mutate(
        "a-workgroup-without-bounds-is-well",
        f"{PACKAGE}/operate/doctor/workgroup_checks.py",
        "    if most:",
        "    if True:",
        f"{UNIT}/operate/test_workgroup_checks.py",
    ),
    _mutate(
        "a-logged-limit-tells-somebody",
        f"{PACKAGE}/operate/doctor/workgroup_checks.py",
        'if limit["breachAction"] in _TELLING',
        'if limit["breachAction"]',
        f"{UNIT}/operate/test_workgroup_checks.py",
    ),
    _mutate(
        "a-report-without-a-run",
        RUN,
        "Next: Read the report's figures",
        "Next: Notify",
        f"{UNIT}/local/test_state_checks.py",
    ),
]

MUTATIONS = [
    *_TEMPLATE,
    *_MACHINES,
    *_GUARDS,
    *_BATCHES,
    *_CHECKS,
    *_FIGURES,
    *_SOURCE,
    *_REACTIONS,
    *_READING,
    *_PENDING,
    *_STATE,
    *_STANDINS,
]
