"""The words by which columns and tables are judged: English first, then what French, German, Spanish, Italian, Dutch and
Portuguese schemas call the same."""

from __future__ import annotations

import re
from unicodedata import combining, normalize

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def _list_words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def split_name(name: str) -> tuple[str, ...]:
    """Return the words of a name: `firstName`, `first_name` and `FIRST_NAME2` have first and name. Digits are left out."""
    return tuple(word.lower() for word in _WORD.findall(leave_accents(name)) if not word.isdigit())


def squeeze(name: str) -> str:
    """Return a name's letters alone, in lower case: `e_mail` and `EMail` are email."""
    return re.sub(r"[^a-z]", "", leave_accents(name).lower())


def leave_accents(name: str) -> str:
    """Return a name without accents: `Währung` is Wahrung, `Straße` Strasse."""
    return "".join(letter for letter in normalize("NFKD", name.replace("ß", "ss")) if not combining(letter))


def singular(word: str) -> str:
    """Return a noun's singular, roughly: customers, addresses, properties; buchungen, habitaciones, clienti."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    if word.endswith(("ungen", "ingen", "iones", "dades")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


_IRREGULAR = {"people": "person", "staff": "staff", "children": "child", "addresses": "address", "news": "news"} | {
    # German, Spanish, Italian.
    **{"kunden": "kunde", "gaeste": "gast", "gaste": "gast", "fahrzeuge": "fahrzeug", "haeuser": "haus", "hauser": "haus"},
    **{"fahrten": "fahrt", "fahrrader": "fahrrad", "fahrraeder": "fahrrad", "objekte": "objekt", "unterkunfte": "unterkunft"},
    **{"raume": "raum", "raeume": "raum", "huespedes": "huesped", "prenotazioni": "prenotazione", "camere": "camera"},
    **{"modelle": "modell", "typen": "typ", "kategorien": "kategorie", "modelli": "modello"},
    **{"clienti": "cliente", "utenti": "utente", "ospiti": "ospite", "alloggi": "alloggio", "veicoli": "veicolo"},
    # Dutch, Portuguese.
    **{"klanten": "klant", "gasten": "gast", "fietsen": "fiets", "voertuigen": "voertuig", "boten": "boot", "ritten": "rit"},
    **{"imoveis": "imovel", "alugueis": "aluguel", "locacoes": "locacao", "viagens": "viagem", "hospedagens": "hospedagem"},
}

# ------------------------------------------------------------------------------------------------------------ of tables

# Their rows are, or are about, single people.
PERSON_TABLES = _list_words(
    """
    user person customer member guest host owner client contact employee staff agent account profile address passenger
    traveler traveller tenant driver renter lessee lessor author admin administrator subscriber recipient payer payee
    visitor landlord buyer seller participant attendee applicant lead signup invitee invitation referral beneficiary
    identity kyc verification billing utilisateur personne adresse kunde benutzer mitarbeiter gast mieter vermieter
    cliente usuario persona utente ospite klant gebruiker huurder hospede rider cyclist pilot worker mechanic agent
    kunden gaeste gäste benutzern fahrer fahrgast fahrgaeste personen mitarbeitern kundin huesped huespedes huésped huéspedes
    conductor conductores empleado empleados persone utenti clienti ospiti personne personnes voyageur locataire klanten
    """
)
# Their rows are houses and places, whose telephone and contact are somebody's, and whose city is not.
PLACE_TABLES = _list_words(
    "hotel location property listing apartment branch store shop venue station room house building office warehouse depot site"
    " destination resort villa campsite park city region country"
)
# Their texts are written by people to people.
LETTER_TABLES = _list_words(
    """
    message conversation comment review testimonial feedback ticket mail email chat note inquiry enquiry reply letter
    sms notification dispute complaint report question answer thread post nachricht kommentar bewertung avis mensaje
    recensione bericht
    """
)
# A framework keeps its own books in these; no figure is made of them.
FRAMEWORK_TABLES = re.compile(
    r"(.*_)?(schema_migrations|ar_internal_metadata|migrations|flyway_schema_history|databasechangelog(lock)?|doctrine_migration_"
    r"versions|alembic_version|delayed_jobs|failed_jobs|job_batches|jobs|sessions?|php_sessions?|cache(_locks)?|django_(session|"
    r"migrations|content_type|admin_log)|password_resets?|password_reset_tokens|personal_access_tokens|oauth_[a-z_]+|"
    r"good_jobs?|solid_queue_[a-z_]+|smarty_[a-z_]+)"
)

# ----------------------------------------------------------------------------------------------------------- of columns

# Parts of a squeezed name, long enough to mean one thing alone.
SECRET_PARTS = (
    "passw",
    "passphrase",
    "secret",
    "apikey",
    "accesskey",
    "privatekey",
    "securekey",
    "accesstoken",
    "refreshtoken",
    "authtoken",
    "devicetoken",
    "pushtoken",
    "credential",
    "encrypted",
    "sessionid",
    "cookie",
    "cvv",
    "kennwort",
    "motdepasse",
    "contrasen",
    "wachtwoord",
    "onetime",
    "backupcode",
    "recoverycode",
    "iban",
    "accountnumber",
    "bankaccount",
    "routingnumber",
    "sortcode",
    "creditcard",
    "cardnumber",
    "cardnum",
    "cardlast",
    "lastfour",
    "last4",
    "last4digits",
    "tarjeta",
    "ccnumber",
    "kontonummer",
)
SECRET_WORDS = _list_words(
    """
    pwd mdp pin otp token tokens salt nonce hash digest cvc pan bic swift totp mfa signature csrf jwt cc ccnum webhook
    """
)
# Equal ones are one person or one device, so they are hashed: two accounts of one person stay two rows with equal values.
HASHED_PARTS = (
    "email",
    "username",
    "userlogin",
    "loginname",
    "screenname",
    "nickname",
    "phone",
    "mobile",
    "telefon",
    "telephone",
    "handynummer",
    "courriel",
    "correo",
    "whatsapp",
    "telegram",
    "skype",
    "facebook",
    "twitter",
    "instagram",
    "linkedin",
    "wechat",
    "googleid",
    "googleuid",
    "appleid",
    "deviceid",
    "stripecustomer",
    "stripeaccount",
    "payerid",
    "macaddress",
    "imei",
    "advertisingid",
)
HASHED_WORDS = _list_words(
    """
    mail login tel cell cellular fax msisdn handle nick msn icq uid oauth gsm
    """
)
# What names, places or describes somebody; of no use to any figure.
DROPPED_PARTS = (
    "firstname",
    "lastname",
    "middlename",
    "fullname",
    "displayname",
    "givenname",
    "familyname",
    "surname",
    "forename",
    "maidenname",
    "realname",
    "legalname",
    "publicname",
    "preferredname",
    "nameoncard",
    "prenom",
    "vorname",
    "nachname",
    "familienname",
    "apellido",
    "cognome",
    "achternaam",
    "voornaam",
    "sobrenome",
    "initials",
    "cardholder",
    "birth",
    "geburt",
    "naissance",
    "nacimiento",
    "nascita",
    "geboorte",
    "gender",
    "ethnic",
    "religion",
    "nationality",
    "citizenship",
    "marital",
    "disability",
    "allerg",
    "socialsecurity",
    "nationalid",
    "identitynumber",
    "identitycard",
    "idnumber",
    "idcard",
    "iddocument",
    "documentnumber",
    "passport",
    "taxid",
    "taxnumber",
    "vatnumber",
    "vatid",
    "fiscalcode",
    "driverlicen",
    "driverslicen",
    "drivinglicen",
    "licensenumber",
    "licencenumber",
    "licenseplate",
    "licenceplate",
    "numberplate",
    "kennzeichen",
    "useragent",
    "remoteaddr",
    "ipaddr",
    "clientip",
    "referer",
    "referrer",
    "emergencycontact",
    "nextofkin",
    "aboutme",
    "biograph",
    "selfie",
    "signature",
    "specialrequest",
)
# Of a house, which may be a person's and may be a listing's.
ADDRESS_PARTS = (
    "address",
    "adresse",
    "direccion",
    "indirizzo",
    "endereco",
    "street",
    "strasse",
    "straat",
    "hausnummer",
    "housenumber",
    "postcode",
    "postalcode",
    "zipcode",
    "postleitzahl",
    "codepostal",
)
ADDRESS_WORDS = frozenset(("zip", "plz", "addr", "address1", "address2"))
DROPPED_WORDS = _list_words(
    """
    fname lname mname dob born sex ssn nif nie dni cpf cnpj siret siren pesel bsn ip ips civility salutation
    avatar bio visa whois geoip
    """
)
# Free text: people write of themselves, and of others, in it.
LETTER_PARTS = (
    "message",
    "comment",
    "remark",
    "feedback",
    "testimonial",
    "complaint",
    "nachricht",
    "kommentar",
    "bemerkung",
    "commentaire",
    "mensaje",
    "comentario",
)
LETTER_WORDS = _list_words(
    """
    note notes memo msg reply answer request requests instructions correspondence
    """
)
# With `name` or `contact` beside them: guest_name, name_of_owner.
PEOPLE_WORDS = PERSON_TABLES - {"account", "billing", "address", "profile", "verification"} | _list_words(
    """
    sender receiver holder spouse partner mother father parent child emergency billing shipping invoice reviewer
    manager companion requester requestor creator editor operator cleaner broker signatory
    """
)
# In a table of persons these are of a person; elsewhere of something else.
OF_PERSONS = _list_words(
    """
    name nom nombre nome naam title company business organization organisation firm firma city town ville stadt ciudad
    citta stad municipality district neighborhood neighbourhood suburb region province county state postal latitude
    longitude lat lng lon coordinates coordinate geo geohash location place line age website homepage url photo
    picture image slug alias job occupation profession employer school university description about tagline headline
    language hobbies interests vat number document preferences settings metadata data payload params properties extra
    other label dni identification question
    """
)
NUMBERS_OF_PERSONS = _list_words(
    """
    latitude longitude lat lng lon age geo
    """
)
# Words of codes, which say what something is and not who.
CODE_WORDS = _list_words(
    """
    currency locale language lang status state type kind category class unit timezone zone country iso mode format
    level channel source medium role scope frequency interval period policy engine color colour size version gateway
    provider method module controller action event transition process visibility plan tier brand model fuel
    transmission culture
    """
)
PLACE_WORDS = _list_words(
    """
    city town ville stadt ciudad citta stad municipality region province county country state district neighborhood
    neighbourhood suburb area cityname
    """
)
ID_WORDS = _list_words(
    """
    id uuid guid key ref reference uid sku number no nr code
    """
)
# Of numbers and flags about something personal, which are not personal themselves.
ABOUT_WORDS = _list_words(
    """
    is has can count counter num total verified confirmed enabled allowed show hide visible at on date time last since
    status type required valid optin newsletter subscribed max min days version locked attempts sent failed accepted
    changed updated created visibility format length
    """
)

# Of days that are not somebody's birthday.
DATE_WORDS = _list_words(
    """
    created updated changed modified joined registered registration registrado signup since last first until expires expiry
    expiration valid verified start started end ended hired hire left deleted member membership add upd visit login erstellt
    registriert creado alta baja inscription creation criado aangemaakt
    """
)

# First names that are common where they are, to tell names of people from names of things.
FIRST_NAMES = _list_words(
    """
    james john robert michael david william richard joseph thomas charles christopher daniel matthew anthony mark
    donald steven paul andrew joshua kevin brian george timothy edward jason jeffrey ryan jacob gary nicholas eric
    jonathan stephen larry justin scott brandon benjamin samuel gregory frank alexander patrick jack henry peter simon
    oliver harry leo noah liam lucas mary patricia jennifer linda elizabeth barbara susan jessica sarah karen lisa
    nancy betty margaret sandra ashley kimberly emily donna michelle carol amanda melissa deborah stephanie rebecca
    laura helen anna emma olivia sophia mia isabella charlotte amelia alice grace chloe julia jane kate lucy ella
    hannah jean pierre marie michel philippe alain jacques francois claire camille lea manon chloé ines hans peter
    jurgen jürgen klaus wolfgang stefan andreas ursula sabine petra monika heike jan lukas felix max sophie johanna
    jose josé juan carlos luis miguel javier antonio manuel maria maría carmen ana lucia lucía sofia elena isabel
    pablo giuseppe marco luca giovanni francesco giulia chiara alessandro andrea matteo joao joão pedro tiago rui
    paulo beatriz mohammed mohamed muhammad ahmed ali omar fatima aisha hassan ibrahim yusuf wei li chen ming yuki
    hiroshi kenji sakura akira raj priya amit rahul anita sanjay deepak sunita olga ivan dmitri sergei natalia
    anastasia vladimir piotr agnieszka katarzyna tomasz magdalena johan lars erik sven ingrid astrid anders nils freja
    kim lee bob tom ben sam joe ann eve ada alan grace linus
    """
)
