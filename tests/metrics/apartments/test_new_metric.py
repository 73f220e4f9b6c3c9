"""A metric more is one file: the next run publishes it, and the judge of its model has its figures, too."""

from datetime import date

from tests.metrics.agreement import assert_metrics_agreed
from tests.metrics.apartments.rows import attributes, booking, listing

AS_OF = date(2024, 5, 1)
RATES = "rate_date,currency,usd_per_unit\n2020-01-01,USD,1\n"


def test_a_copy_under_a_new_name_is_published_by_the_next_run(make_engine):
    """With no other file touched; its increments are the model's as well."""
    engine = make_engine(rates=RATES)
    places = {key: attributes(key, cityname=city) for key, city in ((1, "Austin"), (2, "Paris"))}
    engine.run(
        AS_OF,
        {
            "apartments": [listing(1), listing(2)],
            "apartment_attributes": places.values(),
            "bookings": [booking(1, apartment_id=1)],
        },
    )
    model = engine.sql_root / "apartments/presentation/popular_cities_weekly.sql"
    text = model.read_text(encoding="utf-8").replace("popular_cities_weekly", "cities_that_people_like")
    model.with_name("cities_that_people_like.sql").write_text(text, encoding="utf-8")
    for changes in ({}, {"bookings": [booking(2, apartment_id=2)]}):
        engine.run(AS_OF, changes)
        assert_metrics_agreed(engine, AS_OF)
        copied, published = (engine.read(f"presentation.{name}") for name in ("cities_that_people_like", model.stem))
        assert len(copied) == len(published) > 0
