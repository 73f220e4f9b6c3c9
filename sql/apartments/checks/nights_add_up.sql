-- Each night has its place and its money, told a second time: a month's nights have what its stays earn, to the cent; the members
-- of each segment add up to all; and occupancy_monthly counts the same nights.
--
-- severity:   fail
-- reads:      checked_booking, apartments_control.exchange_rate, apartments_control.staged_period,
--             apartments_staging.nights_monthly, apartments_staging.occupancy_monthly
-- parameters: as_of, first_day, last_day
--
-- A stay's month gets its price less what its nights before and after the month have; a stay within one month its whole price. So
-- over all months each stay earns its price, however it is spread. Today's night is not over: it is the run's next day's.

-- name: violations
with stay as (
    select
        bookings.checkin_date,
        greatest(bookings.checkout_date, bookings.checkin_date + 1) as stay_end,
        cast(round(bookings.total_price * exchange_rate.rate, 2) as decimal(38, 2)) as revenue
    from checked_booking as bookings
    inner join apartments_control.exchange_rate
        on bookings.currency = exchange_rate.currency
        and bookings.booking_date >= exchange_rate.valid_from
        and bookings.booking_date < exchange_rate.valid_to
    where bookings.booking_status = 'confirmed'
        and bookings.checkin_date <= cast(:last_day as date)
        and bookings.checkout_date >= cast(:first_day as date)
),

spread as (
    select
        stay.*,
        cast(
            floor(cast(revenue * 100 as double precision) / cast(stay_end - checkin_date as double precision)) as decimal(18, 0)
        ) * 0.01 as night_revenue
    from stay
),

whole as (
    select
        period_start,
        least(cast(dateadd(month, 1, period_start) as date), cast(:as_of as date)) as period_end,
        available_nights,
        booked_nights,
        booked_nights_unavailable,
        coalesce(revenue, 0) + coalesce(revenue_unavailable, 0) + coalesce(revenue_without_night, 0) as month_revenue
    from apartments_staging.nights_monthly
    where segment = 'all'
),

earned as (
    select
        whole.period_start,
        sum(
            case when spread.stay_end > whole.period_end then 0 else spread.revenue end
            - case when spread.stay_end > whole.period_end then 0 else spread.night_revenue end
            * greatest(whole.period_start - spread.checkin_date, 0)
            + case when spread.stay_end > whole.period_end then spread.night_revenue else 0 end
            * (whole.period_end - greatest(spread.checkin_date, whole.period_start))
        ) as month_revenue
    from whole
    inner join spread
        on spread.checkin_date < whole.period_end
        and spread.stay_end > whole.period_start
    group by whole.period_start
),

member_sum as (
    select
        period_start,
        segment,
        sum(available_nights) as available_nights,
        sum(booked_nights) as booked_nights,
        sum(booked_nights_unavailable) as booked_nights_unavailable,
        sum(coalesce(revenue, 0) + coalesce(revenue_unavailable, 0) + coalesce(revenue_without_night, 0)) as month_revenue
    from apartments_staging.nights_monthly
    group by period_start, segment
),

segment_names as (
    select cast('city' as varchar(16)) as segment
    union all
    select cast('category' as varchar(16)) as segment
    union all
    select cast('bedrooms' as varchar(16)) as segment
),

both_staged as (
    select nights_period.period_start
    from apartments_control.staged_period as nights_period
    inner join apartments_control.staged_period as occupancy_period on nights_period.period_start = occupancy_period.period_start
    where nights_period.metric = 'nights_monthly'
        and occupancy_period.metric = 'occupancy_monthly'
)

select
    'month of ' || cast(whole.period_start as varchar(64)) || ': ' || cast(whole.month_revenue as varchar(64)) || ' instead of '
    || cast(coalesce(earned.month_revenue, 0) as varchar(64)) as example
from whole
left join earned on whole.period_start = earned.period_start
where whole.month_revenue <> coalesce(earned.month_revenue, 0)
union all
select
    'month of ' || cast(whole.period_start as varchar(64)) || ': the members of ' || segment_names.segment
    || ' do not add up to all' as example
from whole
cross join segment_names
left join member_sum
    on whole.period_start = member_sum.period_start
    and segment_names.segment = member_sum.segment
where member_sum.period_start is null
    or whole.available_nights <> member_sum.available_nights
    or whole.booked_nights <> member_sum.booked_nights
    or whole.booked_nights_unavailable <> member_sum.booked_nights_unavailable
    or whole.month_revenue <> member_sum.month_revenue
union all
select 'month of ' || cast(both_staged.period_start as varchar(64)) || ': other nights than in occupancy_monthly' as example
from both_staged
left join apartments_staging.occupancy_monthly on both_staged.period_start = occupancy_monthly.period_start
left join whole on both_staged.period_start = whole.period_start
where coalesce(whole.available_nights, 0) <> coalesce(occupancy_monthly.available_nights, 0)
    or coalesce(whole.booked_nights, 0) <> coalesce(occupancy_monthly.booked_nights, 0)
    or coalesce(whole.booked_nights_unavailable, 0) <> coalesce(occupancy_monthly.booked_nights_unavailable, 0)
