"""The curated table of stays: bookings, with a state that the metrics know."""

from __future__ import annotations

from local.adopt.mapping import Column
from local.adopt.role_sql import CODE_BYTES, USER_BYTES, Heading, ReferringSql
from local.adopt.sql_text import Draft, OutputColumn, Rule, is_among, name_alias, name_plainly, round_to_cents
from local.adopt.taken import curated_type

_MOST_NIGHTS = 3650
_NOT_IGNORED = "booking_status <> 'ignored'"


class StaySql(ReferringSql):
    """Writes the table of the role `stay`.

    Attributes:
        key_column, status: How the key and the state are called here.
    """

    key_column, status = "booking_id", "booking_status"

    def write_bookings(self) -> str:
        draft = self.begin_keyed()
        self.add_listing(draft)
        draft.texts.append(f"{self.value(self.fields['made_at'])} as made_at_text")
        draft.parsed.append(f"cast({self.moment('made_at_text', self.fields['made_at'])} as date) as booking_date")
        # What a row must have to count.
        decides = [*self.add_customer(draft), "booking_date is not null"]
        draft.rules += self.moment_rules("made_at", "booking_date")
        self._add_days(draft)
        if self._has_nights:
            decides += ["checkin_date is not null", "checkout_date is not null"]
        self.add_money(draft, "amount", "total_price")
        if self.role.money:
            decides += ["total_price is not null", "currency is not null"]
        draft.texts += self.condition_texts()
        self.add_status(draft)
        self.add_code(draft, "payment_status")
        self.add_listing_rule(draft)
        draft.ignored = "booking_status = 'ignored'"
        draft.columns = self._list_columns()
        holds = [
            "total_price >= 0",
            "checkout_date >= checkin_date",
            "booking_status in ('confirmed', 'pending', 'canceled', 'ignored')",
            f"{draft.ignored} or ({' and '.join(decides)})",
        ]
        heading = Heading(
            table="bookings",
            title="The bookings as they are now: cleaned, typed, each of a listing that the source has or once had.",
            grain="one row per booking",
            key=", ".join(self.keys),
            references=self.references,
            reads="newest, known_listings",
            joins=True,
            facts={
                "amount": "total_price, currency" if self.role.money else "",
                "holds": "; ".join(holds),
                "days": "booking_date" + (", checkin_date, checkout_date" if self._has_nights else ""),
                "personal": "user_id",
            },
            storage="distkey listing_id: joined to versions and attributes on it; sortkey booking_date: the metrics' usual"
            " period",
            notes="-- A row whose state means nothing to the figures (ignored in mapping.yaml) is here with that state, and"
            " breaks no rule:\n"
            "-- what it lacks is NULL. No metric counts it.\n",
        )
        return self.write_file(heading, draft, "listing_id", "booking_date")

    def begin_keyed(self) -> Draft:
        """Begin a draft with all columns of the key."""
        draft = self.begin(self.key_column)
        for name, column in list(self.keys.items())[1:]:
            draft.texts.append(name_alias(self.ref(column), name))
            draft.rules.append(Rule(f"no {name}", f"{name} is null", f"'missing_key: {name}='"))
        return draft

    def list_key_columns(self) -> list[OutputColumn]:
        return [
            OutputColumn(name, curated_type(self.table.types[column.name]), True, is_cast=True)
            for name, column in self.keys.items()
        ]

    @property
    def keys(self) -> dict[str, Column]:
        """The columns of the source's key, by their names here."""
        return {
            f"{self.key_column}{f'_{number}' if number > 1 else ''}": column
            for number, column in enumerate(self.role.key, start=1)
        }

    @property
    def _has_nights(self) -> bool:
        return "checkin" in self.fields and ("checkout" in self.fields or "nights" in self.fields)

    def _list_columns(self) -> list[OutputColumn]:
        user = f"cast(case when octet_length(ruled.user_id) <= {USER_BYTES} then ruled.user_id end as varchar({USER_BYTES}))"
        return [
            *self.list_key_columns(),
            OutputColumn("user_id", f"varchar({USER_BYTES})", judged=user),
            OutputColumn("listing_id", self.listing_type, is_cast=True),
            *(
                OutputColumn(day, "date", judged=f"case when {_NOT_IGNORED} then {day} end")
                for day in ("booking_date", "checkin_date", "checkout_date")
            ),
            OutputColumn(
                "total_price", "decimal(18, 2)", judged=f"case when {_NOT_IGNORED} then {round_to_cents('total_price')} end"
            ),
            OutputColumn("currency", "varchar(3)"),
            OutputColumn("booking_status", "varchar(16)", True, judged="cast(booking_status as varchar(16))"),
            OutputColumn("payment_status", f"varchar({CODE_BYTES})"),
        ]

    def add_customer(self, draft: Draft) -> list[str]:
        """Add who booked; return what a row must have for that to count."""
        if "customer" not in self.fields:
            draft.parsed.append(f"cast(null as varchar({USER_BYTES})) as user_id")
            return []
        draft.texts.append(f"{self.value(self.fields['customer'])} as user_id")
        draft.rules += [
            Rule("no user_id", "user_id is null", "'missing_user: user_id='"),
            Rule(
                f"a user_id of more than {USER_BYTES} bytes",
                f"octet_length(user_id) > {USER_BYTES}",
                f"{self.control}.tell_broken('unreadable_user: user_id=', user_id)",
            ),
        ]
        return ["user_id is not null"]

    def _add_days(self, draft: Draft) -> None:
        """Add when a stay begins and ends: the end by its own column, or by the number of its nights."""
        if "checkin" in self.fields:
            draft.texts.append(f"{self.value(self.fields['checkin'])} as checkin_text")
            draft.parsed.append(f"{self.control}.parse_date(checkin_text) as checkin_date")
            draft.rules += self.moment_rules("checkin", "checkin_date")
        else:
            draft.parsed.append("cast(null as date) as checkin_date")
        if "checkout" in self.fields:
            draft.texts.append(f"{self.value(self.fields['checkout'])} as checkout_text")
            draft.parsed.append(f"{self.control}.parse_date(checkout_text) as checkout_date")
            draft.rules += self.moment_rules("checkout", "checkout_date")
        elif self._has_nights:
            draft.texts.append(f"{self.value(self.fields['nights'])} as checkout_text")
            draft.numbers.append(f"{self.control}.parse_number(checkout_text) as nights_number")
            draft.parsed.append(
                f"case\n            when nights_number = round(nights_number, 0) and nights_number between 0 and {_MOST_NIGHTS}\n"
                f"                then {self.control}.parse_date(checkin_text) + cast(nights_number as integer)\n"
                "        end as checkout_date"
            )
            draft.rules += self.moment_rules("checkout", "checkout_date")
        else:
            draft.parsed.append("cast(null as date) as checkout_date")
        if self._has_nights:
            draft.rules.append(
                Rule(
                    "a stay that ends before it begins (one that ends on the same day has no nights)",
                    "checkout_date < checkin_date",
                    f"{self.control}.tell_broken(\n                        'checkout_before_checkin: checkin=', checkin_text ||"
                    " ', checkout=' || checkout_text\n                    )",
                )
            )

    def add_status(self, draft: Draft) -> None:
        state = self.role.state
        lines = []
        if self.role.conditions:
            lines.append(f"when not {self.condition()} then 'ignored'")
        if state:
            draft.texts.append(f"{self.code(state.column)} as state_text")
            for meaning, values in state.values.items():
                if values:
                    lines.append(f"when {is_among('state_text', values)} then '{meaning}'")
            # What is no value of the mapping is not counted, and not forgotten: the row is set aside.
            draft.rules.append(
                Rule(
                    "a state that mapping.yaml gives no meaning",
                    f"{self.status} is null",
                    f"{self.control}.tell_broken('unknown_state: {name_plainly(state.column)}=', state_text)",
                )
            )
        else:
            lines.append("else 'confirmed'" if lines else "when true then 'confirmed'")
        status = "case\n" + "\n".join(f"            {line}" for line in lines) + "\n        end"
        draft.parsed.append(f"{status} as {self.status}")
