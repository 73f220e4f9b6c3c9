"""The curated tables of what is rented by the hour: vehicles, their history, users, locations, rentals.

They have the names and columns that the figures of sql/cars read, whatever it is that is rented.
"""

from __future__ import annotations

from local.adopt.customer_sql import CustomerSql
from local.adopt.listing_sql import ListingSql
from local.adopt.role_sql import CODE_BYTES, Heading, RoleSql
from local.adopt.sql_text import Draft, OutputColumn, Rule, name_alias, name_plainly, round_to_cents
from local.adopt.stay_sql import StaySql
from local.adopt.taken import curated_type

_BRAND_BYTES, _NAME_BYTES, _PLACE_BYTES = 400, 1020, 400
_COUNTS = "rental_status = 'confirmed'"
_MOMENT = "date_trunc('second', version_changed_at)"


class VehicleSql(ListingSql):
    """Writes the tables of the role `listing`."""

    def write_vehicles(self) -> str:
        draft = self.begin("vehicle_id", keeps_removed=True)
        self.add_code(draft, "category")
        self.add_text(draft, "brand", _BRAND_BYTES, self.clean("brand"))
        if "model_year" in self.fields:
            draft.texts.append(f"{self.value(self.fields['model_year'])} as model_year_text")
            draft.numbers.append(f"{self.control}.parse_number(model_year_text) as model_year_number")
            draft.parsed.append("case when model_year_number = floor(model_year_number) then model_year_number end as model_year")
            draft.unreadable.append(self.tell_unreadable("model_year"))
        else:
            draft.parsed.append("cast(null as bigint) as model_year")
        draft.texts += self.condition_texts()
        draft.parsed.append(f"{self.condition()} as is_active")
        draft.columns = [
            OutputColumn("vehicle_id", self.key_type, True, is_cast=True),
            OutputColumn(
                "vehicle_type",
                f"varchar({CODE_BYTES})",
                True,
                judged=f"cast(coalesce(nullif(category, ''), 'unknown') as varchar({CODE_BYTES}))",
            ),
            OutputColumn("brand", f"varchar({_BRAND_BYTES})"),
            OutputColumn("vehicle_year", "bigint", judged="cast(model_year as bigint)"),
            OutputColumn("is_active", "boolean", True),
            OutputColumn("removed_at", "timestamp", judged="_removed_at"),
        ]
        heading = Heading(
            table="vehicles",
            title="What is rented by the hour, as it is now or as it last was.",
            grain="one row per vehicle, those that the source removed included",
            key="vehicle_id",
            joins=True,
            facts={"removed": "kept"},
            storage="distkey vehicle_id: rentals join on it; sortkey vehicle_id: touched rows are replaced by it",
        )
        return self.write_file(heading, draft, "vehicle_id", "vehicle_id")

    def write_vehicle_versions(self) -> str:
        return self.write_history(
            Heading(
                table="vehicle_versions",
                title="The history of the fleet: from when to when each vehicle was there and active, by the versions that raw"
                " has kept.",
                grain="one row per vehicle and interval in which one version of it held; intervals of a vehicle never overlap",
                key="vehicle_id",
                facts={"unique_key": "vehicle_id, valid_from", "holds": "valid_to > valid_from"},
                storage="distkey vehicle_id: joined to rentals on it; sortkey vehicle_id, valid_from: read in a vehicle's order",
            ),
            _MOMENT,
            with_price=False,
        )


class UserSql(CustomerSql):
    """Writes the table of the role `customer`."""

    def write_users(self) -> str:
        draft = self.draft_customers()
        draft.columns = [
            OutputColumn("user_id", self.key_type, True, is_cast=True),
            OutputColumn("created_on", "date", judged="cast(created_at as date)"),
            OutputColumn("removed_at", "timestamp", judged="_removed_at"),
        ]
        return self.write_file(self.head_customers("users"), draft, "user_id", "user_id")


class LocationSql(RoleSql):
    """Writes the table of the role `place`."""

    def write_locations(self) -> str:
        draft = self.begin("location_id", keeps_removed=True)
        for name, most_bytes in (("title", _NAME_BYTES), ("city", _PLACE_BYTES), ("state", _PLACE_BYTES)):
            self.add_text(draft, name, most_bytes, self.clean(name))
        draft.columns = [
            OutputColumn("location_id", self.key_type, True, is_cast=True),
            OutputColumn("location_name", f"varchar({_NAME_BYTES})", judged="title"),
            OutputColumn("city", f"varchar({_PLACE_BYTES})"),
            OutputColumn("state", f"varchar({_PLACE_BYTES})"),
            OutputColumn("removed_at", "timestamp", judged="_removed_at"),
        ]
        heading = Heading(
            table="locations",
            title="Where what is rented is picked up and dropped off.",
            grain="one row per location, those that the source removed included",
            key="location_id",
            joins=True,
            facts={"removed": "kept"},
            storage="distkey location_id: rentals join on it; sortkey location_id: touched rows are replaced by it",
        )
        return self.write_file(heading, draft, "location_id", "location_id")


class RentalSql(StaySql):
    """Writes the table of the role `stay`."""

    listing_column, listing_table = "vehicle_id", "vehicles"
    key_column, status = "rental_id", "rental_status"

    def write_rentals(self) -> str:
        draft = self.begin_keyed()
        self.add_listing(draft)
        parties = [
            self._add_party(draft, "customer", "user_id", "user"),
            self._add_party(draft, "pickup", "pickup_location_id", "location"),
            self._add_party(draft, "dropoff", "dropoff_location_id", "location"),
        ]
        for field, name in (("checkin", "started_at"), ("checkout", "ended_at")):
            draft.texts.append(f"{self.value(self.fields[field])} as {field}_text")
            draft.parsed.append(f"date_trunc('second', {self.moment(f'{field}_text', self.fields[field])}) as {name}")
            draft.rules += self.moment_rules(field, name)
        draft.rules.append(
            Rule(
                "a rental that ends before it starts (one that ends as it starts has no hours)",
                "ended_at < started_at",
                f"{self.control}.tell_broken(\n                        'end_before_start: checkin=', checkin_text ||"
                " ', checkout=' || checkout_text\n                    )",
            )
        )
        self.add_money(draft, "amount", "total_amount")
        if self.role.currency:
            draft.rules.append(
                Rule(
                    "a currency other than the one that figures are in",
                    f"currency <> '{self.currency}'",
                    f"{self.control}.tell_broken('other_currency: currency=', currency)",
                )
            )
        draft.texts += self.condition_texts()
        self.add_status(draft)
        self.add_listing_rule(draft)
        draft.ignored = "rental_status <> 'confirmed'"
        draft.columns = self._list_rental_columns(parties)
        decides = ["rental_date", "started_at", "ended_at", "rental_seconds", "total_amount", "currency"]
        heading = Heading(
            table="rental_transactions",
            title="The rentals as they are now: cleaned, typed, in UTC, each of a vehicle that the source has or once had.",
            grain="one row per rental",
            key=", ".join(self.keys),
            references=self.references,
            reads=f"newest, known_{self.listing_table}",
            joins=True,
            facts={
                "amount": "total_amount, currency",
                "holds": "total_amount >= 0; ended_at >= started_at; rental_seconds = datediff(second, started_at, ended_at);"
                " rental_date = cast(started_at as date); rental_status in ('confirmed', 'pending', 'canceled', 'ignored');"
                f" {draft.ignored} or ({' and '.join(f'{name} is not null' for name in decides)})",
                "days": "rental_date, ended_at",
                "personal": "user_id",
            },
            storage="distkey vehicle_id: joined to vehicles on it; sortkey rental_date: the metrics' usual period",
            notes="-- A rental whose state is not confirmed is here with that state, and breaks no rule: its day, times and\n"
            "-- amount are NULL, and no figure counts it. Money is in one currency, in which all figures are.\n",
        )
        return self.write_file(heading, draft, "vehicle_id", "rental_date")

    def _add_party(self, draft: Draft, field: str, name: str, word: str) -> OutputColumn:
        """Add who, or which place, a rental refers to; return its column."""
        if field not in self.fields:
            draft.parsed.append(f"cast(null as varchar(64)) as {name}")
            return OutputColumn(name, "varchar(64)")
        column = self.fields[field]
        draft.texts.append(name_alias(self.ref(column), name))
        draft.rules.append(Rule(f"no {field}", f"{name} is null", f"'missing_{word}: {name_plainly(column)}='"))
        return OutputColumn(name, curated_type(self.type_of(column)), is_cast=True)

    def _list_rental_columns(self, parties: list[OutputColumn]) -> list[OutputColumn]:
        counted = {
            "rental_date": ("date", "cast(started_at as date)"),
            "started_at": ("timestamp", "ruled.started_at"),
            "ended_at": ("timestamp", "ruled.ended_at"),
            "rental_seconds": ("bigint", "datediff(second, ruled.started_at, ruled.ended_at)"),
            "total_amount": ("decimal(18, 2)", round_to_cents("total_amount")),
            "currency": ("varchar(3)", "ruled.currency"),
        }
        return [
            *self.list_key_columns(),
            *parties,
            OutputColumn(self.listing_column, self.listing_type, is_cast=True),
            *(
                OutputColumn(name, kind, judged=f"case when {_COUNTS} then {value} end")
                for name, (kind, value) in counted.items()
            ),
            OutputColumn(self.status, "varchar(16)", True, judged=f"cast({self.status} as varchar(16))"),
        ]


def write_currency_check(marketplace: str, currency: str) -> str:
    """Return the check that holds figures and the marketplace's reporting currency to one: amounts are not converted."""
    return f"""-- Hourly figures are in {currency}, the currency of mapping.yaml: they are not converted.
--
-- severity:   fail
-- reads:      {marketplace}_control.reporting_currency
-- parameters: none
--
-- Deploy with ReportingCurrency={currency}, or run with CURRENCY={currency}.

-- name: violations
select 'figures would be shown in ' || currency || ': set ReportingCurrency={currency} (make run CURRENCY={currency})' as example
from {marketplace}_control.reporting_currency
where currency <> '{currency}'
"""
