"""The words by which the first mapping.yaml is guessed: of tables, of columns, of states."""

from __future__ import annotations

from collections.abc import Mapping


def list_words(text: str) -> tuple[str, ...]:
    """Return the words of a text, in its order."""
    return tuple(text.split())


# Of tables, the likeliest first.
LISTINGS = list_words(
    "listing apartment property room accommodation vehicle car product unit lodging villa cabin house home flat space boat"
    " bike rental item equipment object hotel inventory asset tool machine film movie book game instrument costume"
)
STAYS = list_words(
    "booking reservation stay rental transaction trip lease order hire contract detail line item row buchung reserva prenotazione"
)
CUSTOMERS = list_words("customer user person guest client member renter tenant account kunde cliente utilisateur")
VIEWS = list_words("view viewing visit pageview impression hit")
# Of each field, the names that columns have, the likeliest first; squeezed to their letters.
NAMES: Mapping[str, tuple[str, ...]] = {
    "made_at": list_words(
        "bookedat bookingdate orderedat orderdate dateadd createdat createdon created dateadded insertedat rentaldate rentedat"
    ),
    "created_at": list_words(
        "createdat createdate createdon dateadd created dateadded listedat listingcreatedon insertedat publishedat"
    ),
    "checkin": list_words(
        "checkin checkindate checkinat datefrom fromdate startdate starton startsat startson startat arrival arrivaldate"
        " begindate rentalstarttime pickupdate pickupat starttime datestart dfrom rentaldate rentalstart rentedat hiredate"
        " loandate borrowedat checkedoutat"
    ),
    "checkout": list_words(
        "checkout checkoutdate checkoutat dateto todate enddate endon endsat endson endat departure departuredate"
        " rentalendtime returndate dropoffdate dropoffat endtime dateend dto"
    ),
    "nights": list_words("nights numnights nightcount numberofnights numberofdays"),
    "amount": list_words(
        "totalpricecents totalcents totalamountcents amountcents pricecents totalprice totalamount grandtotal"
        " totalpricetaxincl totalpaidtaxincl totalpaid amount total price totalminor pricetotal"
    ),
    "price": list_words(
        "pricecents nightlypricecents pricepernight nightlyprice nightlyrate price rate dailyrate dailyprice priceminor"
        " unitpricecents unitprice baseprice hourlyrate"
    ),
    "currency": list_words("currency currencycode pricecurrency currencyiso idcurrency currencyid"),
    "state": list_words("bookingstatus status state currentstate bookingstate reservationstatus idstatus orderstate statusid"),
    "customer": list_words(
        "customerid guestid renterid buyerid userid idcustomer iduser idguest clientid starterid personid memberid tenantid"
        " travelerid payerid"
    ),
    "title": list_words("title name headline"),
    "city": list_words("city cityname town municipality ville stadt ciudad"),
    "region": list_words("state region province statecode county"),
    "category": list_words("category propertytype roomtype listingtype vehicletype producttype type kind class"),
    "bedrooms": list_words("bedrooms bedroomcount numbedrooms numberofbedrooms rooms numrooms"),
    "payment_status": list_words("paymentstatus paymentstate"),
    "wishlisted": list_words("iswishlisted wishlisted isfavorite favorited isfavourite"),
    "call_to_action": list_words("calltoaction cta"),
    "viewed_at": list_words("viewedat visitedat createdat dateadd happenedat viewedon"),
}
# What a state's word says it means, in this order.
MEANINGS = (
    ("canceled", r"cancel|refund|reject|declin|denied|void|expired|fail|no.?show|error|storn|annul|abgelehnt|withdrawn"),
    ("ignored", r"inquir|enquir|draft|free|initiat|not.?started|cart|abandon|test|deleted|spam|quote"),
    ("pending", r"pend|await|request|hold|preauth|pre.?approv|unpaid|waiting|option|process|new|open|attente|offen"),
    (
        "confirmed",
        r"confirm|paid|accept|complet|approv|active|booked|check.?(ed)?.?(in|out)|finish|done|deliver|success|closed|valid",
    ),
)
