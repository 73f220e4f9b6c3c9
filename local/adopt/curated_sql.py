"""The curated tables of an adopted marketplace, from its mapping: listings, versions, attributes, bookings, customers, views.

They have the names and columns that the metrics read (sql/apartments, with listing for apartment), and the same rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from textwrap import wrap
from typing import Any

from local.adopt.mapping import PRESENT, Choice, Column, Conditions, Join, MappingFile, Role
from local.adopt.taken import TakenTable, curated_type, quote
from rental_pipeline.model.strategies import Append, Merge

_USER_BYTES = 128
_WIDTH = 126
_CONTINUED: dict[str, Any] = {"subsequent_indent": "--" + " " * 13, "break_long_words": False, "break_on_hyphens": False}
_DAYS = ("booking_date", "checkin_date", "checkout_date")


def write_curated(marketplace: str, mapping: MappingFile, tables: Mapping[str, TakenTable]) -> dict[str, str]:
    """Return the text of each file of curated/, by its table."""
    files = {}
    roles = mapping.roles
    if listing := roles.get("listing"):
        writer = _Writer(marketplace, mapping, tables, listing)
        files = {
            "listings": writer.write_listings(),
            "listing_versions": writer.write_versions(),
            "listing_attributes": writer.write_attributes(),
        }
        key_type = writer.key_type
        for name, table, write in (("stay", "bookings", _Writer.write_bookings), ("view", "listing_views", _Writer.write_views)):
            if role := roles.get(name):
                files[table] = write(_Writer(marketplace, mapping, tables, role), key_type, listing)
    if customer := roles.get("customer"):
        files["customers"] = _Writer(marketplace, mapping, tables, customer).write_customers()
    return files


class _Writer:
    """Writes the tables of one role."""

    def __init__(self, marketplace: str, mapping: MappingFile, tables: Mapping[str, TakenTable], role: Role):
        self._m = marketplace
        self._control = f"{marketplace}_control"
        self._mapping = mapping
        self._tables = tables
        self._role = role
        self._table = tables[role.table]

    @property
    def key_type(self) -> str:
        """The curated type of the role's id."""
        return curated_type(self._table.types[self._role.columns["id"].name])

    # ------------------------------------------------------------------------------------------------- listings

    def write_listings(self) -> str:
        role, fields = self._role, self._role.columns
        texts = [_alias(f"newest.{quote(fields['id'].name)}", "id"), "newest._row_key as row_key", "newest._removed_at"]
        parsed, rules, unreadable = [], [("no id", "id is null", "'missing_key: id='")], []
        if "title" in fields:
            texts.append(f"{self._text(fields['title'])} as title_text")
            parsed.append("case when octet_length(title_text) <= 16384 then title_text end as title")
            unreadable.append(self._unreadable("title", fields["title"]))
        else:
            parsed.append("cast(null as varchar(16384)) as title")
        texts += self._money_texts("price")
        parsed += self._money("price")
        rules += self._money_rules("price")
        if "created_at" in fields:
            texts.append(f"{self._value(fields['created_at'])} as created_at_text")
            parsed.append(f"{self._moment('created_at_text', fields['created_at'])} as listing_created_at")
            rules += self._moment_rules("created_at", "listing_created_at")
        else:
            parsed.append("cast(null as timestamp) as listing_created_at")
        texts += self._condition_texts()
        parsed.append(f"{self._condition()} as is_active")
        needed = " not null" if role.money else ""
        created = " not null" if "created_at" in fields else ""
        columns = [
            f"id {self.key_type} not null",
            "title varchar(16384)",
            f"price decimal(18, 2){needed}",
            f"currency varchar(3){needed}",
            f"listing_created_at timestamp{created}",
            "is_active boolean not null",
            "removed_at timestamp",
        ]
        return self._join_parts(
            self._header(
                "The listings, as they are now or as they last were: cleaned, typed, times in UTC.",
                grain="one row per listing, those that the source removed included",
                key="id",
                removed="kept",
                holds="price >= 0",
                days="listing_created_at",
                table="listings",
                storage="distkey id: versions, attributes and bookings join on it; sortkey id: touched rows are replaced by it",
            ),
            self._define("listings", columns, "id", "id"),
            self._judged(
                texts,
                parsed,
                rules,
                unreadable,
                [
                    "id",
                    "title",
                    f"{_round('price')} as price",
                    "currency",
                    "listing_created_at",
                    "is_active",
                    "_removed_at as removed_at",
                ],
            ),
            self._accepted(
                [
                    f"cast(id as {self.key_type}) as id",
                    "title",
                    "price",
                    "currency",
                    "listing_created_at",
                    "is_active",
                    "removed_at",
                ]
            ),
        )

    def write_versions(self) -> str:
        role, fields = self._role, self._role.columns
        cursor = self._table.contract.cursor if isinstance(self._table.contract.strategy, Merge) else None
        changed = "versions._observed_at"
        if cursor:
            moment = self._to_utc(f"versions.{quote(cursor)}", cursor, self._table.contract.cursor_time_zone)
            key = quote(fields["id"].name)
            before = f"lag(versions.{quote(cursor)}) over (partition by versions.{key} order by versions._run_sequence)"
            # A change that did not move the cursor is as old as its being seen, and no older.
            changed = (
                "case\n            when versions._operation = 'D' then versions._observed_at\n"
                f"            when versions.{quote(cursor)} = {before} then versions._observed_at\n"
                f"            else coalesce({moment}, versions._observed_at)\n        end"
            )
        texts = [
            _alias(f"versions.{quote(fields['id'].name)}", "id"),
            "versions._run_sequence as run_sequence",
            "versions._operation as operation",
            f"{changed} as version_changed_at",
            *self._money_texts("price", "versions"),
            *self._condition_texts("versions"),
        ]
        parsed = [*self._money("price"), f"{self._condition()} as is_active"]
        created = "created_at" in fields
        if created:
            texts.append(f"{self._value(fields['created_at'], 'versions')} as created_at_text")
            parsed.append(f"{self._moment('created_at_text', fields['created_at'])} as listing_created_at")
        usable = ["operation = 'U'"]
        usable += ["price >= 0", "currency is not null"] if role.money else []
        usable += [f"{self._control}.is_in_calendar(cast(listing_created_at as date))"] if created else []
        columns = ["id", "started_at as valid_from", "ended_at as valid_to", "price", "currency", "is_active"]
        assumed = ["id", "listing_created_at as valid_from", "started_at as valid_to", "price", "currency", "is_active"]
        dated = f"    select\n{_indent([*columns, 'false as is_assumed'], 8)}\n    from usable\n    where is_usable"
        dated += "\n        and (ended_at is null or started_at < ended_at)"
        if created:
            dated += f"\n    union all\n    select\n{_indent([*assumed, 'true as is_assumed'], 8)}\n    from usable\n"
            dated += "    where is_usable"
            dated += "\n        and version_number = 1\n        and listing_created_at < started_at"
        needed = " not null" if role.money else ""
        text = self._join_parts(
            self._header(
                "The history of price and activity of the listings: what held from when to when, by the versions that raw has"
                " kept.",
                grain="one row per listing and interval in which one version of it held; intervals of a listing never overlap",
                input_="versions",
                key="id",
                unique_key="id, valid_from",
                holds="price >= 0; valid_to > valid_from",
                table="listing_versions",
                reads="versions",
                storage="distkey id: joined to bookings on it; sortkey id, valid_from: read in the order of a listing's history",
            ),
            self._define(
                "listing_versions",
                [
                    f"id {self.key_type} not null",
                    "valid_from timestamp not null",
                    "valid_to timestamp",
                    f"price decimal(18, 2){needed}",
                    f"currency varchar(3){needed}",
                    "is_active boolean not null",
                    "is_assumed boolean not null",
                ],
                "id",
                "id, valid_from",
            ),
        )
        window = "partition by id order by run_sequence"
        return (
            f"{text}\n-- name: accepted\nwith texts as (\n    select\n{_indent(texts, 8)}\n    from versions\n),\n\n"
            f"parsed as (\n    select\n{_indent(['texts.*', *parsed], 8)}\n    from texts\n),\n\n"
            "started as (\n    select\n        parsed.*,\n"
            f"        max(version_changed_at) over ({window} rows between unbounded preceding and current row)\n"
            "            as started_at,\n"
            f"        row_number() over ({window}) as version_number\n    from parsed\n),\n\n"
            f"usable as (\n    select\n        started.*,\n        lead(started_at) over ({window}) as ended_at,\n"
            f"        {_chain(usable, 8)} as is_usable\n    from started\n),\n\n"
            f"dated as (\n{dated}\n)\n\n"
            f"select\n    cast(id as {self.key_type}) as id,\n    valid_from,\n    valid_to,\n    {_round('price', 'dated')}"
            f" as price,\n"
            "    currency,\n    is_active,\n    is_assumed\nfrom dated\n"
        )

    def write_attributes(self) -> str:
        fields = self._role.columns
        texts = [_alias(f"newest.{quote(fields['id'].name)}", "id"), "newest._row_key as row_key", "newest._removed_at"]
        parsed, unreadable = [], []
        for name, size in (("city", 1024), ("state", 1024), ("category", 1024)):
            if name not in fields:
                parsed.append(f"cast(null as varchar({size})) as {name}")
                continue
            text = f"translate(cast({self._ref(fields[name])} as varchar(65535)), chr(9) || chr(10) || chr(13), '   ')"
            texts.append(f"{self._control}.clean_text(regexp_replace({text}, ' +', ' ')) as {name}_text")
            parsed.append(f"case when octet_length({name}_text) <= {size} then {name}_text end as {name}")
            unreadable.append(self._unreadable(name, fields[name]))
        if "bedrooms" in fields:
            texts.append(f"{self._value(fields['bedrooms'])} as bedrooms_text")
            parsed.append(f"{self._control}.parse_number(bedrooms_text) as bedrooms")
            unreadable.append(self._unreadable("bedrooms", fields["bedrooms"]))
        else:
            parsed.append("cast(null as decimal(18, 2)) as bedrooms")
        unit = self._role.money.unit if self._role.money else "unknown"
        outer = [
            "id",
            "category",
            f"{_round('bedrooms')} as bedrooms",
            f"cast('{unit}' as varchar(128)) as price_unit",
            "city",
            "state",
            "cast(lower(ruled.city) as varchar(2048)) as city_key",
            "cast(lower(ruled.state) as varchar(2048)) as state_key",
            "_removed_at as removed_at",
        ]
        names = ["category", "bedrooms", "price_unit", "city", "state", "city_key", "state_key", "removed_at"]
        return self._join_parts(
            self._header(
                "Where the listings are and what they offer, as it is now or last was.",
                grain="one row per listing, those that the source removed included",
                key="id",
                removed="kept",
                table="listing_attributes",
                storage="distkey id: joined to bookings and listings on it; sortkey id: touched rows are replaced by it",
                joins=True,
            ),
            self._define(
                "listing_attributes",
                [
                    f"id {self.key_type} not null",
                    "category varchar(1024)",
                    "bedrooms decimal(18, 2)",
                    "price_unit varchar(128) not null",
                    "city varchar(1024)",
                    "state varchar(1024)",
                    "city_key varchar(2048)",
                    "state_key varchar(2048)",
                    "removed_at timestamp",
                ],
                "id",
                "id",
            ),
            self._judged(texts, parsed, [("no id", "id is null", "'missing_key: id='")], unreadable, outer, joins=True),
            self._accepted([f"cast(id as {self.key_type}) as id", *names]),
        )

    # ------------------------------------------------------------------------------------------------- bookings

    def write_bookings(self, listing_type: str, listing: Role) -> str:
        role, fields = self._role, self._role.columns
        listing_key = listing.columns["id"].name
        texts = [
            _alias(f"newest.{quote(fields['id'].name)}", "booking_id"),
            "newest._row_key as row_key",
            _alias(f"newest.{quote(fields['listing'].name)}", "listing_id"),
            f"known_listings.{quote(listing_key)} as known_listing_id",
            f"{self._value(fields['made_at'])} as made_at_text",
        ]
        parsed = [f"cast({self._moment('made_at_text', fields['made_at'])} as date) as booking_date"]
        rules = [("no booking_id", "booking_id is null", "'missing_key: booking_id='")]
        decides = []
        if "customer" in fields:
            texts.append(f"{self._value(fields['customer'])} as user_id")
            decides.append("user_id is not null")
            rules += [
                ("no user_id", "user_id is null", "'missing_user: user_id='"),
                (
                    f"a user_id of more than {_USER_BYTES} bytes",
                    f"octet_length(user_id) > {_USER_BYTES}",
                    f"{self._control}.tell_broken('unreadable_user: user_id=', user_id)",
                ),
            ]
        else:
            parsed.append(f"cast(null as varchar({_USER_BYTES})) as user_id")
        rules += self._moment_rules("made_at", "booking_date")
        decides.append("booking_date is not null")
        has_nights = "checkin" in fields and ("checkout" in fields or "nights" in fields)
        if "checkin" in fields:
            texts.append(f"{self._value(fields['checkin'])} as checkin_text")
            parsed.append(f"{self._control}.parse_date(checkin_text) as checkin_date")
            rules += self._moment_rules("checkin", "checkin_date")
        else:
            parsed.append("cast(null as date) as checkin_date")
        numbers = []
        if "checkout" in fields:
            texts.append(f"{self._value(fields['checkout'])} as checkout_text")
            parsed.append(f"{self._control}.parse_date(checkout_text) as checkout_date")
            rules += self._moment_rules("checkout", "checkout_date")
        elif has_nights:
            texts.append(f"{self._value(fields['nights'])} as checkout_text")
            numbers.append(f"{self._control}.parse_number(checkout_text) as nights_number")
            parsed.append(
                "case\n            when nights_number = round(nights_number, 0) and nights_number between 0 and 3650\n"
                f"                then {self._control}.parse_date(checkin_text) + cast(nights_number as integer)\n"
                "        end as checkout_date"
            )
            rules += self._moment_rules("checkout", "checkout_date")
        else:
            parsed.append("cast(null as date) as checkout_date")
        if has_nights:
            decides += ["checkin_date is not null", "checkout_date is not null"]
            rules.append(
                (
                    "a stay that ends before it begins (one that ends on the same day has no nights)",
                    "checkout_date < checkin_date",
                    f"{self._control}.tell_broken(\n                        'checkout_before_checkin: checkin=', checkin_text ||"
                    " ', checkout=' || checkout_text\n                    )",
                )
            )
        texts += self._money_texts("amount")
        parsed += self._money("amount", "total_price")
        rules += self._money_rules("amount", "total_price")
        if role.money:
            decides += ["total_price is not null", "currency is not null"]
        texts += self._condition_texts()
        status, status_texts = self._status()
        texts += status_texts
        parsed.append(f"{status} as booking_status")
        if role.state:
            rules.append(
                (
                    "a state that mapping.yaml gives no meaning",
                    "booking_status is null",
                    f"{self._control}.tell_broken('unknown_state: {_plain(role.state.column)}=', state_text)",
                )
            )
        rules.append(
            (
                f"the source never had a listing with this {_plain(fields['listing'])}",
                "known_listing_id is null",
                f"{self._control}.tell_broken('orphan_reference: {_plain(fields['listing'])}=', cast(listing_id as varchar(64)))",
            )
        )
        holds = ["total_price >= 0", "checkout_date >= checkin_date"]
        holds.append("booking_status in ('confirmed', 'pending', 'canceled', 'ignored')")
        holds.append(f"booking_status = 'ignored' or ({' and '.join(decides)})")
        days = "booking_date" + (", checkin_date, checkout_date" if has_nights else "")
        columns = [
            f"booking_id {self.key_type} not null",
            f"user_id varchar({_USER_BYTES})",
            f"listing_id {listing_type}",
            "booking_date date",
            "checkin_date date",
            "checkout_date date",
            "total_price decimal(18, 2)",
            "currency varchar(3)",
            "booking_status varchar(16) not null",
        ]
        names = ["booking_date", "checkin_date", "checkout_date", "total_price", "currency", "booking_status"]
        head = self._header(
            "The bookings as they are now: cleaned, typed, each of a listing that the source has or once had.",
            grain="one row per booking",
            key="booking_id",
            references=f"{fields['listing'].name} as listing_id -> listings.{listing_key}",
            amount="total_price, currency" if role.money else "",
            holds="; ".join(holds),
            days=days,
            personal="user_id",
            table="bookings",
            reads="newest, known_listings",
            storage="distkey listing_id: joined to versions and attributes on it; sortkey booking_date: the metrics' usual"
            " period",
            joins=True,
            notes="-- A row whose state means nothing to the figures (ignored in mapping.yaml) is here with that state, and"
            " breaks no rule:\n"
            "-- what it lacks is NULL. No metric counts it.\n",
        )
        judged = self._judged(
            texts,
            parsed,
            rules,
            [],
            [
                "booking_id",
                f"cast(case when octet_length(ruled.user_id) <= {_USER_BYTES} then ruled.user_id end as"
                f" varchar({_USER_BYTES})) as user_id",
                "listing_id",
                *(f"case when booking_status <> 'ignored' then {day} end as {day}" for day in _DAYS),
                f"case when booking_status <> 'ignored' then {_round('total_price')} end as total_price",
                "currency",
                "cast(booking_status as varchar(16)) as booking_status",
            ],
            joins=True,
            numbers=numbers,
            known=f"\n    left join known_listings on newest.{quote(fields['listing'].name)} ="
            f" known_listings.{quote(listing_key)}",
            ignored="booking_status = 'ignored'",
        )
        listing_id = f"cast(listing_id as {listing_type}) as listing_id"
        return self._join_parts(
            head,
            self._define("bookings", columns, "listing_id", "booking_date"),
            judged,
            self._accepted([f"cast(booking_id as {self.key_type}) as booking_id", "user_id", listing_id, *names]),
        )

    def _status(self) -> tuple[str, list[str]]:
        state = self._role.state
        lines, texts = [], []
        if self._role.conditions:
            lines.append(f"when not {self._condition()} then 'ignored'")
        if state:
            texts.append(f"{self._code(state.column)} as state_text")
            for meaning, values in state.values.items():
                if values:
                    lines.append(f"when {_is_among('state_text', values)} then '{meaning}'")
            # What is no value of the mapping is not counted, and not forgotten: the row is set aside.
        else:
            lines.append("else 'confirmed'" if lines else "when true then 'confirmed'")
        return "case\n" + "\n".join(f"            {line}" for line in lines) + "\n        end", texts

    # -------------------------------------------------------------------------------------------- views, customers

    def write_views(self, listing_type: str, listing: Role) -> str:
        fields = self._role.columns
        listing_key = listing.columns["id"].name
        is_append = isinstance(self._table.contract.strategy, Append)
        key = "event_day" if is_append else "view_id"
        own = ["newest._event_day as event_day"] if is_append else [f"newest.{quote(fields['id'].name)} as view_id"]
        texts = [
            *own,
            "newest._row_key as row_key",
            _alias(f"newest.{quote(fields['listing'].name)}", "listing_id"),
            f"known_listings.{quote(listing_key)} as known_listing_id",
            f"{self._value(fields['viewed_at'])} as viewed_at_text",
        ]
        parsed = [f"{self._moment('viewed_at_text', fields['viewed_at'])} as viewed_at"]
        if "customer" in fields:
            texts.append(f"{self._value(fields['customer'])} as customer_text")
            parsed.append(f"case when octet_length(customer_text) <= {_USER_BYTES} then customer_text end as user_id")
        else:
            parsed.append(f"cast(null as varchar({_USER_BYTES})) as user_id")
        rules = [] if is_append else [("no id", "view_id is null", "'missing_key: id='")]
        rules += self._moment_rules("viewed_at", "viewed_at")
        rules.append(
            (
                f"the source never had a listing with this {_plain(fields['listing'])}",
                "known_listing_id is null",
                f"{self._control}.tell_broken('orphan_reference: {_plain(fields['listing'])}=', cast(listing_id as varchar(64)))",
            )
        )
        key_type = "date" if is_append else self.key_type
        return self._join_parts(
            self._header(
                "Who looked at which listing: the application's events, typed.",
                grain="one row per event",
                key=key,
                references=f"{fields['listing'].name} as listing_id -> listings.{listing_key}",
                days="viewed_at",
                personal="user_id",
                table="listing_views",
                reads="newest, known_listings",
                storage=f"distkey listing_id: joined to listings on it; sortkey {key}: touched rows are replaced by it",
                joins=True,
            ),
            self._define(
                "listing_views",
                [
                    f"{key} {key_type} not null",
                    f"user_id varchar({_USER_BYTES})",
                    f"listing_id {listing_type} not null",
                    "viewed_at timestamp not null",
                ],
                "listing_id",
                key,
            ),
            self._judged(
                texts,
                parsed,
                rules,
                [],
                [key, "user_id", "listing_id", "viewed_at"],
                joins=True,
                known=f"\n    left join known_listings on newest.{quote(fields['listing'].name)} ="
                f" known_listings.{quote(listing_key)}",
            ),
            self._accepted(
                [
                    key if is_append else f"cast({key} as {key_type}) as {key}",
                    "user_id",
                    f"cast(listing_id as {listing_type}) as listing_id",
                    "viewed_at",
                ]
            ),
        )

    def write_customers(self) -> str:
        fields = self._role.columns
        texts = [_alias(f"newest.{quote(fields['id'].name)}", "user_id"), "newest._row_key as row_key", "newest._removed_at"]
        parsed, unreadable = ["cast(null as timestamp) as created_at"], []
        if "created_at" in fields:
            texts.append(f"{self._value(fields['created_at'])} as created_at_text")
            parsed = [f"{self._moment('created_at_text', fields['created_at'])} as created_at"]
            unreadable = [self._unreadable("created_at", fields["created_at"])]
        return self._join_parts(
            self._header(
                "The customers: since when they are there, and no word of who they are.",
                grain="one row per customer, those that the source removed included",
                key="user_id",
                removed="kept",
                personal="user_id",
                table="customers",
                storage="distkey user_id: bookings join on it; sortkey user_id: touched rows are replaced by it",
                joins=True,
            ),
            self._define(
                "customers",
                [f"user_id {self.key_type} not null", "created_at timestamp", "removed_at timestamp"],
                "user_id",
                "user_id",
            ),
            self._judged(
                texts,
                parsed,
                [("no user_id", "user_id is null", "'missing_key: user_id='")],
                unreadable,
                ["user_id", "created_at", "_removed_at as removed_at"],
                joins=True,
            ),
            self._accepted([f"cast(user_id as {self.key_type}) as user_id", "created_at", "removed_at"]),
        )

    # -------------------------------------------------------------------------------------------------- expressions

    def _ref(self, column: Column, rows: str = "newest") -> str:
        return f"{_one(column.table) if column.table else rows}.{quote(column.name)}"

    def _value(self, column: Column, rows: str = "newest") -> str:
        return f"{self._control}.clean_value(cast({self._ref(column, rows)} as varchar(256)))"

    def _text(self, column: Column) -> str:
        return f"{self._control}.clean_text(cast({self._ref(column)} as varchar(65535)))"

    def _code(self, column: Column, rows: str = "newest") -> str:
        return f"lower(trim(cast({self._ref(column, rows)} as varchar(256))))"

    def _unreadable(self, name: str, column: Column) -> str:
        return f"{self._control}.tell_unreadable('{_plain(column)}', case when {name} is null then {name}_text end)"

    def _moment(self, text: str, column: Column) -> str:
        """Return the UTC timestamp of a text; one of a DATETIME, or of a text, is of the mapping's zone."""
        parsed = f"{self._control}.parse_timestamp({text})"
        source = self._tables[column.table or self._role.table].source.columns[column.name]
        if self._mapping.time_zone == "UTC" or source.data_type in ("timestamp", "date"):
            return parsed
        return f"convert_timezone('{self._mapping.time_zone}', 'UTC', {parsed})"

    def _to_utc(self, value: str, cursor: str, zone: str) -> str:
        return f"convert_timezone('{zone}', 'UTC', {value})" if zone != "UTC" and self._table.is_local_time(cursor) else value

    def _moment_rules(self, field: str, value: str) -> list[tuple[str, str, str]]:
        tell = f"{self._control}.tell_broken"
        return [
            (f"no {field}", f"{field}_text is null", f"'missing_date: {field}='"),
            (f"a {field} that is no date", f"{value} is null", f"{tell}('unparseable_date: {field}=', {field}_text)"),
            (
                f"a {field} outside the calendar",
                f"not {self._control}.is_in_calendar(cast({value} as date))",
                f"{tell}('date_out_of_range: {field}=', {field}_text)",
            ),
        ]

    def _money_texts(self, field: str, rows: str = "newest") -> list[str]:
        money, currency = self._role.money, self._role.currency
        if not money:
            return []
        texts = [f"{self._value(money.column, rows)} as {field}_text"]
        if currency:
            column = currency.column if isinstance(currency, Choice) else currency
            texts.append(f"{self._code(column, rows)} as currency_text")
        return texts

    def _money(self, field: str, name: str = "") -> list[str]:
        money, currency = self._role.money, self._role.currency
        name = name or field
        if not money:
            return [f"cast(null as decimal(18, 2)) as {name}", "cast(null as varchar(3)) as currency"]
        factor = "" if money.divide_by == 1 else f" * {1 / money.divide_by:.10f}".rstrip("0")
        if isinstance(currency, Choice):
            lines = [
                f"            when {_is_among('currency_text', values)} then '{code}'" for code, values in currency.values.items()
            ]
            code = "case\n" + "\n".join(lines) + "\n        end"
        elif currency:
            code = f"{self._control}.parse_currency(currency_text)"
        else:
            code = f"cast('{self._mapping.currency}' as varchar(3))" if self._mapping.currency else "cast(null as varchar(3))"
        return [f"{self._control}.parse_number({field}_text){factor} as {name}", f"{code} as currency"]

    def _money_rules(self, field: str, name: str = "") -> list[tuple[str, str, str]]:
        if not self._role.money:
            return []
        name, tell = name or field, f"{self._control}.tell_broken"
        told = "currency_text" if self._role.currency else "''"
        return [
            (f"no {field}", f"{field}_text is null", f"'missing_price: {field}='"),
            (
                f"a {field} that is no number of at most ten digits before the point",
                f"{name} is null",
                f"{tell}('unparseable_number: {field}=', {field}_text)",
            ),
            (f"a {field} below zero", f"{name} < 0", f"{tell}('negative_price: {field}=', {field}_text)"),
            (
                "a currency that is not three letters, or none",
                "currency is null",
                f"{tell}('unknown_currency: currency=', {told})",
            ),
        ]

    def _condition_texts(self, rows: str = "newest") -> list[str]:
        return [f"{self._code(column, rows)} as condition_{n}_text" for n, column in enumerate(self._role.conditions, start=1)]

    def _condition(self) -> str:
        """Return the expression, never NULL, of whether all conditions hold."""
        conditions: Conditions = self._role.conditions
        if not conditions:
            return "true"
        parts = [_is_among(f"condition_{n}_text", values) for n, values in enumerate(conditions.values(), start=1)]
        return f"(case when {' and '.join(parts)} then true else false end)"

    # ------------------------------------------------------------------------------------------------------- pieces

    def _header(
        self,
        title: str,
        *,
        grain: str,
        key: str,
        table: str,
        storage: str,
        input_: str = "newest",
        references: str = "none",
        reads: str = "newest",
        joins: bool = False,
        notes: str = "",
        **more: str,
    ) -> str:
        used = self._role.joins if joins else ()
        lines = {"grain": grain, "source": self._role.table, "input": input_, "key": key, "references": references}
        if used:
            lines["joins"] = ", ".join(f"{join.left} -> {join.table}.{join.to}" for join in used)
            reads += "".join(f", joined_{join.table}" for join in used)
        lines |= {name: text for name, text in more.items() if text}
        lines |= {
            "reads": reads,
            "writes": f"{self._m}_curated.{table}",
            "parameters": "none",
            "rerun": "the same rows: a function of all raw versions of each key"
            if input_ == "versions"
            else "the same rows: a function of raw's newest versions",
            "storage": storage,
        }
        head = "\n".join(
            line
            for name, text in lines.items()
            for line in wrap(text, _WIDTH, initial_indent=f"-- {name + ':':<11} ", **_CONTINUED)
        )
        return (
            f"-- {title}\n--\n{head}\n--\n{notes}"
            "-- Made by `make adopt` from mapping.yaml, with the rules of sql/apartments; what you change here stays.\n"
        )

    def _define(self, table: str, columns: list[str], distkey: str, sortkey: str) -> str:
        body = ",\n".join(f"    {column}" for column in columns)
        return (
            f"-- name: table\ncreate table if not exists {self._m}_curated.{table} (\n{body}\n)\n"
            f"distkey ({distkey})\nsortkey ({sortkey})\n"
        )

    def _judged(
        self,
        texts: list[str],
        parsed: list[str],
        rules: list[tuple[str, str, str]],
        unreadable: list[str],
        outer: list[str],
        *,
        joins: bool = False,
        numbers: list[str] | None = None,
        known: str = "",
        ignored: str = "",
    ) -> str:
        used = self._role.joins if joins else ()
        ctes = [cte for join in used for cte in self._join_ctes(join)]
        joined = "".join(
            f"\n    left join {_one(join.table)} on {self._ref(join.left)} = {_one(join.table)}.{quote(join.to)}" for join in used
        )
        ctes.append(f"texts as (\n    select\n{_indent(texts, 8)}\n    from newest{joined}{known}\n)")
        rows = "texts"
        if numbers:
            ctes.append(f"numbers as (\n    select\n{_indent(['texts.*', *numbers], 8)}\n    from texts\n)")
            rows = "numbers"
        ctes.append(f"parsed as (\n    select\n{_indent([f'{rows}.*', *parsed], 8)}\n    from {rows}\n)")
        cases = []
        for number, (words, condition, told) in enumerate(rules):
            line = f"            when {condition} then {told}"
            if len(line) > _WIDTH:
                line = f"            when {condition}\n                then {told}"
            cases.append(f"            -- {words}\n{line}")
            if number == 0 and ignored:
                cases.append(f"            when {ignored} then null")
        told = "\n        || ".join(unreadable) or "cast('' as varchar(330))"
        ctes.append(
            "ruled as (\n    select\n        parsed.*,\n"
            "        -- The first rule that the row breaks, and what breaks it: `rule: column=value as it came`.\n"
            f"        case\n{chr(10).join(cases)}\n        end as broken,\n        {told} as unreadable\n    from parsed\n)"
        )
        selected = [
            *outer,
            "row_key",
            "split_part(broken, ': ', 1) as broken_rule",
            "substring(broken, position(': ' in broken) + 2) as broken_value",
            "cast(nullif(substring(left(unreadable, 255), 3), '') as varchar(1024)) as unreadable_value",
        ]
        body = ",\n\n".join(ctes)
        return f"-- name: judged\nwith {body}\n\nselect\n{_indent(selected, 4)}\nfrom ruled\n"

    def _join_ctes(self, join: Join) -> Iterator[str]:
        """Yield what makes one row of those of a joined table that fit: the one with the greatest `latest_by`, then key."""
        used = [column.name for _, column in self._role.list_columns() if column.table == join.table]
        names = list(dict.fromkeys([join.to, *used]))
        rows = f"joined_{join.table}"
        order = [*([join.latest_by] if join.latest_by else []), *self._tables[join.table].contract.key]
        rank = "link_rank" if "link_rank" not in names else "link_rank_"
        ordered = ", ".join(f"{rows}.{quote(name)} desc nulls last" for name in dict.fromkeys(order))
        columns = [f"{rows}.{quote(name)}" for name in names]
        columns.append(
            f"row_number() over (\n            partition by {rows}.{quote(join.to)}\n            order by {ordered}\n       "
            f" ) as {rank}"
        )
        yield f"{join.table}_ranked as (\n    select\n{_indent(columns, 8)}\n    from {rows}\n)"
        yield (
            f"{_one(join.table)} as (\n    select\n{_indent([quote(name) for name in names], 8)}\n    from {join.table}_ranked\n"
            f"    where {rank} = 1\n)"
        )

    def _accepted(self, columns: list[str]) -> str:
        return f"-- name: accepted\nselect\n{_indent(columns, 4)}\nfrom judged\nwhere broken_rule is null\n"

    @staticmethod
    def _join_parts(*parts: str) -> str:
        return "\n".join(parts)


def _alias(column: str, name: str) -> str:
    """Return a column under a name, without saying the name twice."""
    return column if column.rpartition(".")[2] == name else f"{column} as {name}"


def _one(table: str) -> str:
    return f"{table}_one"


def _plain(column: Column) -> str:
    """Return a column's name for a message in SQL: letters that a literal may hold."""
    return "".join(letter for letter in str(column) if letter.isalnum() or letter in "_.")


def _round(name: str, rows: str = "ruled") -> str:
    return f"cast(round({rows}.{name}, 2) as decimal(18, 2))"


def _indent(lines: list[str], blanks: int) -> str:
    return ",\n".join(" " * blanks + line for line in lines)


def _chain(conditions: list[str], blanks: int) -> str:
    return f"\n{' ' * blanks}and ".join(conditions)


def _is_among(text: str, values: tuple[str | None, ...]) -> str:
    """Return the condition that a text is one of some values, of which None is NULL and PRESENT anything else."""
    listed = [value for value in values if value not in (None, PRESENT)]
    parts = []
    if listed:
        quoted = ", ".join("'" + str(value).replace("'", "''") + "'" for value in listed)
        parts.append(f"{text} in ({quoted})")
    parts += [f"{text} is null"] if None in values else []
    parts += [f"{text} is not null"] if PRESENT in values else []
    return parts[0] if len(parts) == 1 else f"({' or '.join(parts)})"
