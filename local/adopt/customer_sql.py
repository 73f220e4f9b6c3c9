"""The curated tables of customers, and of what they looked at."""

from __future__ import annotations

from local.adopt.role_sql import CODE_BYTES, USER_BYTES, Heading, ReferringSql, RoleSql
from local.adopt.sql_text import Draft, OutputColumn
from rental_pipeline.model.strategies import Append


class ViewSql(ReferringSql):
    """Writes the table of the role `view`."""

    def write_views(self) -> str:
        is_append = isinstance(self.table.contract.strategy, Append)
        key = "event_day" if is_append else "view_id"
        draft = (
            Draft(texts=["newest._event_day as event_day", "newest._row_key as row_key"]) if is_append else self.begin("view_id")
        )
        self.add_listing(draft)
        draft.texts.append(f"{self.value(self.fields['viewed_at'])} as viewed_at_text")
        draft.parsed.append(f"{self.moment('viewed_at_text', self.fields['viewed_at'])} as viewed_at")
        if "customer" in self.fields:
            draft.texts.append(f"{self.value(self.fields['customer'])} as customer_text")
            draft.parsed.append(f"case when octet_length(customer_text) <= {USER_BYTES} then customer_text end as user_id")
        else:
            draft.parsed.append(f"cast(null as varchar({USER_BYTES})) as user_id")
        if "wishlisted" in self.fields:
            draft.texts.append(f"{self.value(self.fields['wishlisted'])} as wishlisted_text")
            draft.parsed.append(f"{self.control}.parse_boolean(wishlisted_text) as is_wishlisted")
            draft.unreadable.append(self.tell_unreadable("wishlisted", "is_wishlisted"))
        else:
            draft.parsed.append("cast(null as boolean) as is_wishlisted")
        self.add_code(draft, "call_to_action")
        draft.rules += self.moment_rules("viewed_at", "viewed_at")
        self.add_listing_rule(draft)
        draft.columns = [
            OutputColumn(key, "date", True) if is_append else OutputColumn(key, self.key_type, True, is_cast=True),
            OutputColumn("user_id", f"varchar({USER_BYTES})"),
            OutputColumn("listing_id", self.listing_type, True, is_cast=True),
            OutputColumn("viewed_at", "timestamp", True),
            OutputColumn("is_wishlisted", "boolean"),
            OutputColumn("call_to_action", f"varchar({CODE_BYTES})"),
        ]
        heading = Heading(
            table="listing_views",
            title="Who looked at which listing: the application's events, typed.",
            grain="one row per event",
            key=key,
            references=self.references,
            reads="newest, known_listings",
            joins=True,
            facts={"days": "viewed_at", "personal": "user_id"},
            storage=f"distkey listing_id: joined to listings on it; sortkey {key}: touched rows are replaced by it",
            notes="-- A viewing by nobody known has no user_id; no figure of people counts it.\n",
        )
        return self.write_file(heading, draft, "listing_id", key)


class CustomerSql(RoleSql):
    """Writes the table of the role `customer`."""

    def write_customers(self) -> str:
        draft = self.draft_customers()
        draft.columns = [
            OutputColumn("user_id", self.key_type, True, is_cast=True),
            OutputColumn("created_at", "timestamp"),
            OutputColumn("removed_at", "timestamp", judged="_removed_at"),
        ]
        return self.write_file(self.head_customers("customers"), draft, "user_id", "user_id")

    def draft_customers(self) -> Draft:
        """Return the draft of the table, without its columns."""
        draft = self.begin("user_id", keeps_removed=True)
        if "created_at" in self.fields:
            draft.texts.append(f"{self.value(self.fields['created_at'])} as created_at_text")
            draft.parsed.append(f"{self.moment('created_at_text', self.fields['created_at'])} as created_at")
            draft.unreadable.append(self.tell_unreadable("created_at"))
        else:
            draft.parsed.append("cast(null as timestamp) as created_at")
        return draft

    @staticmethod
    def head_customers(table: str) -> Heading:
        """Return the heading of the table, by its name."""
        return Heading(
            table=table,
            title="The customers: since when they are there, and no word of who they are.",
            grain="one row per customer, those that the source removed included",
            key="user_id",
            joins=True,
            facts={"removed": "kept", "personal": "user_id"},
            storage="distkey user_id: what they rent joins on it; sortkey user_id: touched rows are replaced by it",
        )
