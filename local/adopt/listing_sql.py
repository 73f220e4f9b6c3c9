"""The curated tables of listings: as they are, their history, and where they are and what they offer."""

from __future__ import annotations

from dataclasses import replace

from local.adopt.role_sql import Heading, RoleSql
from local.adopt.sql_text import Draft, OutputColumn, indent, name_alias, round_to_cents
from local.adopt.taken import quote

_TITLE_BYTES, _PLACE_BYTES, _KEY_BYTES = 16384, 1024, 2048
_MONEY = "decimal(18, 2)"


class ListingSql(RoleSql):
    """Writes the tables of the role `listing`."""

    def write_listings(self) -> str:
        draft = self.begin("id", keeps_removed=True)
        self.add_text(draft, "title", _TITLE_BYTES, self.clean("title"))
        self.add_money(draft, "price")
        if self._has("created_at"):
            draft.texts.append(f"{self.value(self.fields['created_at'])} as created_at_text")
            draft.parsed.append(f"{self.moment('created_at_text', self.fields['created_at'])} as listing_created_at")
            draft.rules += self.moment_rules("created_at", "listing_created_at")
        else:
            draft.parsed.append("cast(null as timestamp) as listing_created_at")
        draft.texts += self.condition_texts()
        draft.parsed.append(f"{self.condition()} as is_active")
        draft.columns = [
            OutputColumn("id", self.key_type, True, is_cast=True),
            OutputColumn("title", f"varchar({_TITLE_BYTES})"),
            OutputColumn("price", _MONEY, bool(self.role.money), judged=round_to_cents("price")),
            OutputColumn("currency", "varchar(3)", bool(self.role.money)),
            OutputColumn("listing_created_at", "timestamp", self._has("created_at")),
            OutputColumn("is_active", "boolean", True),
            OutputColumn("removed_at", "timestamp", judged="_removed_at"),
        ]
        heading = Heading(
            table="listings",
            title="The listings, as they are now or as they last were: cleaned, typed, times in UTC.",
            grain="one row per listing, those that the source removed included",
            key="id",
            joins=self._has("title") and self.fields["title"].table is not None,
            facts={"removed": "kept", "holds": "price >= 0", "days": "listing_created_at"},
            storage="distkey id: versions, attributes and bookings join on it; sortkey id: touched rows are replaced by it",
        )
        return self.write_file(heading, draft, "id", "id")

    def write_versions(self) -> str:
        return self.write_history(
            Heading(
                table="listing_versions",
                title="The history of price and activity of the listings: what held from when to when, by the versions that raw"
                " has kept.",
                grain="one row per listing and interval in which one version of it held; intervals of a listing never overlap",
                key="id",
                facts={"unique_key": "id, valid_from", "holds": "price >= 0; valid_to > valid_from"},
                storage="distkey id: joined to bookings on it; sortkey id, valid_from: read in the order of a listing's history",
            ),
            "version_changed_at",
        )

    def write_history(self, heading: Heading, moment: str, with_price: bool = True) -> str:
        """Return the text of a file that tells what held from when to when.

        Args:
            heading: Of a table with one column as its key.
            moment: The expression of when a version came to be.
            with_price: Whether the price is a part of it.
        """
        created, key, money = self._has("created_at"), heading.key, self.role.money if with_price else None
        texts = [
            name_alias(f"versions.{quote(self.fields['id'].name)}", key),
            "versions._run_sequence as run_sequence",
            "versions._operation as operation",
            "versions._changed_at as version_changed_at",
            *(self.money_texts("price", "versions") if with_price else []),
            *self.condition_texts("versions"),
        ]
        parsed = [*(self.money("price", "price") if with_price else []), f"{self.condition()} as is_active"]
        usable = ["operation = 'U'"]
        usable += ["price >= 0", "currency is not null"] if money else []
        if created:
            texts.append(f"{self.value(self.fields['created_at'], 'versions')} as created_at_text")
            parsed.append(f"{self.moment('created_at_text', self.fields['created_at'])} as listing_created_at")
            usable.append(f"{self.control}.is_in_calendar(cast(listing_created_at as date))")
        priced = [OutputColumn("price", _MONEY, bool(money)), OutputColumn("currency", "varchar(3)", bool(money))]
        columns = [
            OutputColumn(key, self.key_type, True),
            OutputColumn("valid_from", "timestamp", True),
            OutputColumn("valid_to", "timestamp"),
            *(priced if with_price else []),
            OutputColumn("is_active", "boolean", True),
            OutputColumn("is_assumed", "boolean", True),
        ]
        whole = replace(heading, input="versions", reads="versions")
        head = "\n".join(self.write_head(whole, Draft(columns=columns), key, f"{key}, valid_from"))
        window = f"partition by {key} order by run_sequence"
        is_usable = f"\n{' ' * 8}and ".join(usable)
        held = [f"cast({key} as {self.key_type}) as {key}", "valid_from", "valid_to"]
        held += [f"{round_to_cents('price', 'dated')} as price", "currency"] if with_price else []
        held += ["is_active", "is_assumed"]
        return (
            f"{head}\n-- name: accepted\nwith texts as (\n    select\n{indent(texts, 8)}\n    from versions\n),\n\n"
            f"parsed as (\n    select\n{indent(['texts.*', *parsed], 8)}\n    from texts\n),\n\n"
            "started as (\n    select\n        parsed.*,\n"
            f"        max({moment}) over ({window} rows between unbounded preceding and current row)\n"
            "            as started_at,\n"
            f"        row_number() over ({window}) as version_number\n    from parsed\n),\n\n"
            f"usable as (\n    select\n        started.*,\n        lead(started_at) over ({window}) as ended_at,\n"
            f"        {is_usable} as is_usable\n    from started\n),\n\n"
            f"dated as (\n{self._write_dated(key, created, with_price)}\n)\n\n"
            f"select\n{indent(held, 4)}\nfrom dated\n"
        )

    @staticmethod
    def _write_dated(key: str, created: bool, with_price: bool) -> str:
        """Return the select of the intervals: those that were seen, and what is assumed from a listing's creation on."""
        held = [*(["price", "currency"] if with_price else []), "is_active"]
        seen = [key, "started_at as valid_from", "ended_at as valid_to", *held, "false as is_assumed"]
        dated = f"    select\n{indent(seen, 8)}\n    from usable\n    where is_usable"
        dated += "\n        and (ended_at is null or started_at < ended_at)"
        if created:
            assumed = [key, "listing_created_at as valid_from", "started_at as valid_to", *held, "true as is_assumed"]
            dated += f"\n    union all\n    select\n{indent(assumed, 8)}\n    from usable\n    where is_usable"
            dated += "\n        and version_number = 1\n        and listing_created_at < started_at"
        return dated

    def write_attributes(self) -> str:
        draft = self.begin("id", keeps_removed=True)
        for name in ("city", "state", "category"):
            column = self.ref(self.fields[name]) if self._has(name) else ""
            text = f"translate(cast({column} as varchar(65535)), chr(9) || chr(10) || chr(13), '   ')"
            self.add_text(draft, name, _PLACE_BYTES, f"{self.control}.clean_text(regexp_replace({text}, ' +', ' '))")
        if self._has("bedrooms"):
            draft.texts.append(f"{self.value(self.fields['bedrooms'])} as bedrooms_text")
            draft.parsed.append(f"{self.control}.parse_number(bedrooms_text) as bedrooms")
            draft.unreadable.append(self.tell_unreadable("bedrooms"))
        else:
            draft.parsed.append(f"cast(null as {_MONEY}) as bedrooms")
        unit = self.role.money.unit if self.role.money else "unknown"
        draft.columns = [
            OutputColumn("id", self.key_type, True, is_cast=True),
            OutputColumn("category", f"varchar({_PLACE_BYTES})"),
            OutputColumn("bedrooms", _MONEY, judged=round_to_cents("bedrooms")),
            OutputColumn("price_unit", "varchar(128)", True, judged=f"cast('{unit}' as varchar(128))"),
            OutputColumn("city", f"varchar({_PLACE_BYTES})"),
            OutputColumn("state", f"varchar({_PLACE_BYTES})"),
            OutputColumn("city_key", f"varchar({_KEY_BYTES})", judged=f"cast(lower(ruled.city) as varchar({_KEY_BYTES}))"),
            OutputColumn("state_key", f"varchar({_KEY_BYTES})", judged=f"cast(lower(ruled.state) as varchar({_KEY_BYTES}))"),
            OutputColumn("removed_at", "timestamp", judged="_removed_at"),
        ]
        heading = Heading(
            table="listing_attributes",
            title="Where the listings are and what they offer, as it is now or last was.",
            grain="one row per listing, those that the source removed included",
            key="id",
            joins=True,
            facts={"removed": "kept"},
            storage="distkey id: joined to bookings and listings on it; sortkey id: touched rows are replaced by it",
        )
        return self.write_file(heading, draft, "id", "id")

    def _has(self, name: str) -> bool:
        return name in self.fields
