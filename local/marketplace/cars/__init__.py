"""The cars marketplace's generated source: locations, vehicles, users, and the rentals that tie them together."""
