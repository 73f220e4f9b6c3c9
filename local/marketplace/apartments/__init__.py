"""The apartments marketplace's generated source: two generations of listings, their attributes, bookings and viewings."""
