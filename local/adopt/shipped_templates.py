"""What an adopted marketplace takes of the shipped ones, and what each of their files needs of a mapping."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Need = tuple[str, str]  # the role and the field, in words of mapping.yaml; of several fields, ` or ` between them, one
_AMOUNT, _CUSTOMER, _CREATED = ("stay", "amount"), ("stay", "customer"), ("listing", "created_at")
_PRICE, _CITY = ("listing", "price"), ("listing", "city")
_CHECKIN, _CHECKOUT = ("stay", "checkin"), ("stay", "checkout or nights")
_PICKUP, _DROPOFF, _PLACE = ("stay", "pickup"), ("stay", "dropoff"), ("place", "id")


@dataclass(frozen=True)
class Template:
    """A shipped marketplace.

    Attributes:
        name: Its folder.
        alone: Files that no adopted marketplace has.
        needs: What a file needs of the mapping, beside the tables that it reads.
        tables: The role of which each curated table is made.
        not_made: Curated tables that no mapping gives, with why; what reads them is left out.
        unknown: By file, role and field, what the file says of a field that the mapping may lack, and what it says then: that
            nothing is known of it, and not that it is 0.
        renamed: Names of tables and columns that another marketplace's SQL has otherwise. A singular is a word of comments, too.
        types: By role, a pattern of the columns that hold its key, and the type that they have here.
    """

    name: str
    alone: tuple[str, ...]
    needs: Mapping[str, tuple[Need, ...]]
    tables: Mapping[str, str]
    not_made: Mapping[str, str] = field(default_factory=dict)
    unknown: Mapping[tuple[str, str, str], Mapping[str, str]] = field(default_factory=dict)
    renamed: tuple[tuple[str, str], ...] = ()
    types: tuple[tuple[str, str], ...] = ()


BY_NIGHTS = Template(
    name="apartments",
    # It knows the values of the shipped marketplace's own application.
    alone=("checks/call_to_action_known",),
    not_made={"booking_versions": "no mapping gives the history of bookings yet"},
    needs={
        "intermediate/listing_price": (_PRICE,),
        "checks/listings_without_rate": (_PRICE,),
        "checks/listings_have_current_version": (_PRICE,),
        "presentation/popular_cities_weekly": (_CITY,),
        "checks/bookings_without_city": (_CITY,),
        "lake/highest_revenue_city": (_CITY, _AMOUNT),
        "presentation/top_listings_weekly": (_AMOUNT,),
        "checks/bookings_without_rate": (_AMOUNT,),
        "lake/top_spenders": (_AMOUNT, _CUSTOMER),
        "presentation/bookings_per_user_weekly": (_CUSTOMER,),
        "presentation/repeat_customers_daily": (_CUSTOMER,),
        "presentation/occupancy_monthly": (_CHECKIN, _CHECKOUT, _CREATED),
        "presentation/nights_monthly": (_CHECKIN, _CHECKOUT, _CREATED, _AMOUNT),
        "presentation/bookings_weekly": (_CHECKIN,),
        "report/bookings_per_user": (_CUSTOMER,),
        "intermediate/numbered_booking": (_CUSTOMER,),
        "presentation/guests_monthly": (_CUSTOMER,),
        "presentation/listings_weekly": (_CREATED,),
        "presentation/conversion_weekly": (_CUSTOMER, ("view", "customer")),
        "intermediate/confirmed_stay": (_CHECKIN, _CHECKOUT),
        "intermediate/stay_length": (_CHECKIN, _CHECKOUT),
        "lake/most_booked_listing": (_CHECKIN, _CHECKOUT),
    },
    tables={
        "apartments": "listing",
        "apartment_versions": "listing",
        "apartment_attributes": "listing",
        "bookings": "stay",
        "user_viewing": "view",
    },
    unknown={
        ("presentation/bookings_weekly", *_CUSTOMER): {
            "customers bigint not null": "customers bigint",
            "coalesce(customer_week.customers, 0) as customers": "cast(null as bigint) as customers",
            "bookings.user_id,": "cast(null as varchar(1)) as user_id,",
        },
        ("presentation/conversion_weekly", "view", "wishlisted"): {
            "viewers_with_wishlist bigint not null": "viewers_with_wishlist bigint",
            "case when user_viewing.is_wishlisted then 1 else 0 end as is_wish": "cast(null as bigint) as is_wish",
            "0 as is_wish": "cast(null as bigint) as is_wish",
        },
        ("presentation/conversion_weekly", "view", "call_to_action"): {
            "viewers_with_call bigint not null": "viewers_with_call bigint",
            "case when user_viewing.call_to_action is not null then 1 else 0 end as is_call": "cast(null as bigint) as is_call",
            "0 as is_call": "cast(null as bigint) as is_call",
        },
    },
    renamed=(("user_viewing", "listing_views"), ("apartments", "listings"), ("apartment", "listing")),
    types=(("listing", r"\b(listing_id) (bigint)\b"),),
)
BY_HOURS = Template(
    name="cars",
    alone=("checks/amounts_fit_rates", "checks/rentals_of_inactive_users"),
    needs={
        "presentation/user_rentals_total": (_CUSTOMER,),
        "presentation/user_cohorts_monthly": (_CUSTOMER, ("customer", "created_at")),
        "checks/rentals_before_account": (_CUSTOMER, ("customer", "created_at")),
        "lake/top_spenders": (_CUSTOMER,),
        "intermediate/location_use": (_PICKUP, _DROPOFF),
        "presentation/location_hours_monthly": (_PICKUP, _DROPOFF),
        "presentation/location_rentals_total": (_PLACE,),
        "lake/highest_revenue_location": (_PICKUP, _PLACE),
        "checks/rentals_of_unknown_type": (("listing", "category"),),
    },
    tables={
        "vehicles": "listing",
        "vehicle_versions": "listing",
        "rental_transactions": "stay",
        "users": "customer",
        "locations": "place",
    },
    types=(
        ("customer", r"\b(user_id) (varchar\(64\))"),
        ("place", r"\b(location_id) (bigint)\b"),
        ("category", r"\b(vehicle_type) (varchar\(16\))"),
    ),
)
