"""What the generated listings are made of: cities, sources, sentences, and the damage that text takes on its way."""

from __future__ import annotations

SOURCES_GENERATION_1 = (
    ("RentLingo", 0.691),
    ("RentDigs.com", 0.276),
    ("ListedBuy", 0.018),
    ("RealRentals", 0.007),
    ("GoSection8", 0.003),
    ("Listanza", 0.0015),
    ("RENTOCULAR", 0.001),
    ("rentbits", 0.0005),
    ("Home Rentals", 0.0005),
    ("Real Estate Agent", 0.0005),
    ("RENTCafé", 0.0005),
    ("tenantcloud", 0.0005),
)
SOURCES_GENERATION_2 = ("Airbnb", "Craigslist", "Realtor", "Zillow")

# City, state as generation 1 writes it (an abbreviation), latitude, longitude. The first are the most frequent.
CITIES = (
    ("Austin", "TX", 30.2672, -97.7431),
    ("Dallas", "TX", 32.7767, -96.7970),
    ("Houston", "TX", 29.7604, -95.3698),
    ("San Antonio", "TX", 29.4241, -98.4936),
    ("Los Angeles", "CA", 34.0522, -118.2437),
    ("Chicago", "IL", 41.8781, -87.6298),
    ("Madison", "WI", 43.0731, -89.4012),
    ("Portland", "OR", 45.5152, -122.6784),
    ("Portland", "ME", 43.6591, -70.2568),
    ("Denver", "CO", 39.7392, -104.9903),
    ("San Francisco", "CA", 37.7749, -122.4194),
    ("Kansas City", "MO", 39.0997, -94.5786),
    ("Arlington", "VA", 38.8816, -77.0910),
    ("Arlington", "TX", 32.7357, -97.1081),
    ("Seattle", "WA", 47.6062, -122.3321),
    ("Cincinnati", "OH", 39.1031, -84.5120),
    ("Washington", "DC", 38.9072, -77.0369),
    ("Las Vegas", "NV", 36.1699, -115.1398),
    ("Colorado Springs", "CO", 38.8339, -104.8214),
    ("Omaha", "NE", 41.2565, -95.9345),
    ("Raleigh", "NC", 35.7796, -78.6382),
    ("Ames", "IA", 42.0308, -93.6319),
    ("Marietta", "GA", 33.9526, -84.5499),
    ("Minneapolis", "MN", 44.9778, -93.2650),
    ("Milwaukee", "WI", 43.0389, -87.9065),
    ("Bloomington", "IN", 39.1653, -86.5264),
    ("Coeur d'Alene", "ID", 47.6777, -116.7805),
    ("Winston-Salem", "NC", 36.0999, -80.2442),
    ("St. Louis", "MO", 38.6270, -90.1994),
    ("Española", "NM", 35.9911, -106.0806),
)

# Generation 2 draws city and state independently: "New York, California" is what it says.
CITIES_GENERATION_2 = (
    "New York",
    "Austin",
    "Chicago",
    "San Antonio",
    "Los Angeles",
    "Philadelphia",
    "Houston",
    "Phoenix",
    "San Diego",
    "Dallas",
)
STATES_GENERATION_2 = ("California", "Texas", "New York", "Florida", "Illinois", "Pennsylvania", "Arizona")

STREETS = (
    "2nd St NE",
    "Schutte Road",
    "12th Ave",
    "Washington Blvd",
    "Georgia Street",
    "N Scott St",
    "Falcon Wood Dr",
    "Union Hills",
    "W. Ken Caryl Place #d",
    "O'Farrell St",
    "Spring Ridge Dr",
    "Salem Ln NW",
    "Holt Turnpike",
    "Amanda Isle",
)
SURNAMES = (
    "Johnson",
    "Fowler",
    "Kelley",
    "Gibson",
    "Delgado",
    "Austin",
    "Carroll",
    "Burch",
    "Crane",
    "Rodriguez",
    "Stewart",
    "Abbott",
    "Dean",
    "Stanley",
    "Riley",
    "O'Brien",
    "García",
    "Smith",
)
AMENITIES = (
    "Gym",
    "Pool",
    "Parking",
    "Elevator",
    "Garden",
    "Balcony",
    "Wi-Fi",
    "Air Conditioning",
    "Pet-friendly",
    "Washer/Dryer",
)
CATEGORIES_GENERATION_1 = ("housing/rent/apartment", "housing/rent/home", "housing/rent/short_term")
CATEGORIES_GENERATION_2 = ("1BHK", "2BHK", "3BHK", "Penthouse", "Studio")

SENTENCES_GENERATION_1 = (
    'This unit is located at {street}, and it is the "best kept secret" in town.',
    "Monthly rental rates range from $550 - $790, deposit required",
    "We have studio - 1 beds units available for rent, call today!",
    "Close to shops, bars, schools and the metro.\nNo application fee.",
    'Features: 9\' ceilings; 55" TV; "smart" thermostat',
    "Square footage:\t450\tsq. ft.; unit number: B\\2",
    "Amenities include:\r\n- dishwasher,\r\n- hardwood floors,\r\n- on-site laundry",
    "Enjoy amazing mountain viewsâ?? and a cafÃ© on the ground floor",
    "Don't miss it, it won't last; \"first come, first served\"",
    "Pets: cats, dogs (max. 2); 50% off the first month & free parking",
    "Moving in is easy 🏠, ask for María or Zoë",
)
SENTENCES_GENERATION_2 = (
    "Happy product model process necessary.",
    "Only forget war they.",
    "Industry article table middle floor talk.",
    "Technology past much.",
    "Discussion shake drive return approach collection.",
    "Agreement shake design sort, size source rise follow.",
    "Course field ground build still right.",
    "Week he himself unit nice.",
    "Answer story important, medical knowledge ahead.",
    "Begin everyone suggest, seven natural role.",
)
