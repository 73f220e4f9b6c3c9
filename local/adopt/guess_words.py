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
    " unterkunft wohnung ferienwohnung zimmer haus fahrzeug auto fahrrad objekt raum alojamiento habitacion"
    " apartamento piso casa"
    " vehiculo coche bicicleta propiedad inmueble hebergement chambre appartement logement vehicule voiture velo"
    " alloggio camera"
    " appartamento veicolo macchina"
    " woning huisje appartement kamer voertuig fiets boot quarto imovel alojamento carro veiculo"
)
STAYS = list_words(
    "booking reservation stay rental transaction trip lease buchung reserva prenotazione"
    " order hire contract ride vermietung miete alquiler estancia aufenthalt sejour noleggio fahrt boeking reservering verhuring"
    " verblijf rit locacao aluguel hospedagem viagem detail line item row"
)
CUSTOMERS = list_words(
    "customer user person guest client member renter tenant account"
    " rider driver kunde gast mieter cliente huesped usuario utente"
    " ospite utilisateur locataire"
    " klant huurder reiziger hospede inquilino"
)
PLACES = list_words(
    "station location place branch depot site hub garage parking lot office store zone stazione estacion standort"
)
KINDS = list_words("type category kind class model group tipo modelo typ modell kategorie categoria")
VIEWS = list_words("view viewing visit pageview impression hit")
# Flags of a listing that is offered, and of one that is not.
ACTIVE = list_words(
    "isactive active open published ispublished enabled available isavailable visible aktiv istaktiv activo activa attivo actif"
)
GONE = list_words("deleted isdeleted archived hidden closed disabled isarchived geloscht geloescht borrado eliminado supprime")
# Of each field, the names that columns have, the likeliest first; squeezed to their letters.
NAMES: Mapping[str, tuple[str, ...]] = {
    "made_at": list_words(
        "bookedat bookingdate orderedat orderdate dateadd createdat createdon created dateadded insertedat rentaldate rentedat"
        " gebuchtam buchungsdatum bestelltam erstelltam fechareserva creadoen fechacreacion dataprenotazione creele"
        " datereservation datecreation"
        " geboektop boekingsdatum aangemaaktop datareserva reservadoem criadoem datacriacao"
    ),
    "created_at": list_words(
        "createdat createdate createdon dateadd created dateadded listedat listingcreatedon insertedat publishedat"
        " erstelltam angelegtam creadoen fechaalta fechacreacion creatoil creele datecreation"
        " aangemaaktop criadoem datacriacao datacadastro"
    ),
    "checkin": list_words(
        "checkin checkindate checkinat datefrom fromdate startdate starton startsat startson startat arrival arrivaldate"
        " begindate rentalstarttime pickupdate pickupat starttime datestart dfrom rentaldate rentalstart rentedat hiredate"
        " loandate borrowedat checkedoutat"
        " anreise anreisedatum ankunft von startdatum beginn mietbeginn abholung fechaentrada entrada llegada"
        " fechainicio inicio desde dataarrivo arrivo datainizio inizio datearrivee arrivee datedebut debut"
        " aankomst aankomstdatum begindatum startdatum vanaf dataentrada chegada datachegada datainicio retirada dataretirada"
    ),
    "checkout": list_words(
        "checkout checkoutdate checkoutat dateto todate enddate endon endsat endson endat departure departuredate"
        " rentalendtime returndate dropoffdate dropoffat endtime dateend dto"
        " abreise abreisedatum bis enddatum ende mietende rueckgabe fechasalida salida fechafin fin hasta datapartenza"
        " partenza datafine fine datedepart depart datefin"
        " vertrek vertrekdatum einddatum tot saida datasaida datafim fim devolucao datadevolucao"
    ),
    "nights": list_words(
        "nights numnights nightcount numberofnights numberofdays naechte anzahlnaechte noches numnoches notti nuits"
        " nachten aantalnachten noites numnoites diarias"
    ),
    "amount": list_words(
        "totalpricecents totalcents totalamountcents amountcents pricecents totalprice totalamount grandtotal"
        " totalpricetaxincl totalpaidtaxincl totalpaid amount total price totalminor pricetotal"
        " gesamtpreis gesamtbetrag betrag summe importe importetotal preciototal totale importo montant montanttotal prixtotal"
        " totaalprijs totaalbedrag bedrag valortotal valor precototal"
    ),
    "price": list_words(
        "pricecents nightlypricecents pricepernight nightlyprice nightlyrate price rate dailyrate dailyprice priceminor"
        " unitpricecents unitprice baseprice hourlyrate"
        " preis preispronacht tagespreis mietpreis precio precionoche preciodia tarifa prezzo prezzonotte prix prixnuit tarif"
        " prijs prijspernacht nachtprijs dagprijs preco precodiaria diaria precopornoite"
    ),
    "currency": list_words(
        "currency currencycode pricecurrency currencyiso idcurrency currencyid waehrung wahrung moneda divisa valuta devise moeda"
    ),
    "state": list_words(
        "bookingstatus status state currentstate bookingstate reservationstatus idstatus orderstate statusid"
        " zustand buchungsstatus estado estadoreserva stato etat statut"
        " boekingsstatus toestand situacao"
    ),
    "customer": list_words(
        "customerid guestid renterid buyerid userid idcustomer iduser idguest clientid starterid personid memberid tenantid"
        " travelerid payerid"
        " kundeid kundenid gastid kunde gast mieterid clienteid idcliente huespedid idhuesped usuarioid idusuario"
        " utenteid ospiteid"
        " klantid klant huurderid idklant hospedeid idhospede inquilinoid"
    ),
    "title": list_words("title name headline titel bezeichnung titulo nombre titolo nome titre nom naam"),
    "city": list_words(
        "city cityname town municipality ville stadt ciudad ort stadtname poblacion localidad comune plaats stad cidade municipio"
    ),
    "region": list_words(
        "state region province statecode county bundesland kanton provincia comunidad regione departement provincie uf"
    ),
    "category": list_words(
        "category propertytype roomtype listingtype vehicletype producttype type kind class typ tipo art kategorie categoria"
    ),
    "bedrooms": list_words("bedrooms bedroomcount numbedrooms numberofbedrooms rooms numrooms"),
    "brand": list_words("brand make manufacturer maker marke marca marque"),
    "model_year": list_words("modelyear year vehicleyear manufactureyear buildyear yearbuilt baujahr ano"),
    "pickup": list_words(
        "pickuplocationid pickuplocation pickupstationid startstationid startstation fromstationid stationfrom stationfromid"
        " startlocationid originid originstationid pickupid pickupbranchid startid idstationstart idpickup"
    ),
    "dropoff": list_words(
        "dropofflocationid dropofflocation dropoffstationid returnlocationid returnstationid endstationid endstation tostationid"
        " stationto stationtoid endlocationid destinationid destinationstationid dropoffid dropoffbranchid endid idstationend"
        " iddropoff"
    ),
    "payment_status": list_words("paymentstatus paymentstate"),
    "wishlisted": list_words("iswishlisted wishlisted isfavorite favorited isfavourite"),
    "call_to_action": list_words("calltoaction cta"),
    "viewed_at": list_words("viewedat visitedat createdat dateadd happenedat viewedon"),
}
# What a state's word says it means, in this order.
MEANINGS = (
    (
        "canceled",
        r"cancel|refund|reject|declin|denied|void|expired|fail|no.?show|error|storn|annul|abgelehnt|withdrawn"
        r"|anulad|rechaz|rifiut|refus|geweigerd|recusad",
    ),
    ("ignored", r"inquir|enquir|draft|free|initiat|not.?started|cart|abandon|test|deleted|spam|quote"),
    (
        "pending",
        r"pend|await|request|hold|preauth|pre.?approv|unpaid|waiting|running|laufend|option|process|new|open|attente|offen|angefragt"
        r"|wacht|aangevraagd|aguard|andamento",
    ),
    (
        "confirmed",
        r"confirm|paid|accept|complet|approv|active|booked|check.?(ed)?.?(in|out)|finish|done|deliver|success|closed|valid"
        r"|best(ä|ae)tigt|bezahlt|abgeschlossen|gebucht|pagad|finaliz|acept|terminad|pagat|pay(é|e)"
        r"|bevestigd|betaald|voltooid|afgerond|confirmad|pago|conclu(í|i)d",
    ),
)
