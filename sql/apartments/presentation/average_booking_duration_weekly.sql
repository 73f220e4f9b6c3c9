-- Mean duration of confirmed stays over time, by the week of their checkin.
--
-- grain:      one row per week in which a confirmed stay begins
-- period:     week
-- unique_key: period_start
-- reads:      stay_length
-- writes:     apartments_presentation.average_booking_duration_weekly
-- parameters: none
-- rerun:      replaces whole weeks; the same rows for the same curated rows
-- storage:    diststyle all: small, joined to by reports; sortkey period_start: read by time
--
-- What a stay is, and which of them count, stands in intermediate/stay_length.sql.
--
-- The formula: average_nights = nights / stays, of the confirmed stays that begin in the week (from Monday).
-- Worked example: stays of 2 and of 5 nights begin on Tuesday and on Sunday: stays 2, nights 7, average_nights 3.5.
-- It cannot say: how the nights are spread over weeks, nor how long pending stays are.

-- name: table
create table if not exists apartments_presentation.average_booking_duration_weekly (
    period_start date not null,
    stays bigint not null,
    nights bigint not null,
    average_nights double precision not null
)
diststyle all
sortkey (period_start)

-- name: rows
select
    period_start,
    stays,
    nights,
    average_nights
from stay_length
