"""How amounts of a currency are written in English: its symbol, and how many decimals it has."""

from __future__ import annotations

# The currencies that have other than two decimals (ISO 4217, list one: "Minor unit").
_DECIMALS = {
    0: frozenset(
        {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW"} | {"PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"}
    ),
    3: frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"}),
    4: frozenset({"CLF", "UYW"}),
}
# Unicode CLDR, locale en, currencies' symbols; a currency without one is written by its code.
_SYMBOLS = {
    "AUD": "A$",
    "BRL": "R$",
    "CAD": "CA$",
    "CNY": "CN¥",
    "EUR": "€",
    "GBP": "£",
    "HKD": "HK$",
    "ILS": "₪",
    "INR": "₹",
    "JPY": "¥",
    "KRW": "₩",
    "MXN": "MX$",
    "NZD": "NZ$",
    "PHP": "₱",
    "TWD": "NT$",
    "USD": "$",
    "VND": "₫",
}
_NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"


def decimals_of(currency: str) -> int:
    """Return how many digits after the point an amount of a currency has."""
    return next((decimals for decimals, currencies in _DECIMALS.items() if currency in currencies), 2)


def symbol_of(currency: str) -> str:
    """Return what stands before an amount: a symbol, or the code and a space."""
    return _SYMBOLS.get(currency, currency + _NO_BREAK_SPACE)
