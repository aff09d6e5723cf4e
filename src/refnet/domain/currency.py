"""Currencies: the active codes of ISO 4217 and the exponents of their minor units."""

from __future__ import annotations

from refnet.errors import InvalidRequest

_NO_MINOR_UNIT = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DIGITS = "BHD IQD JOD KWD LYD OMR TND"
_FOUR_DIGITS = "CLF UYW"
_TWO_DIGITS = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF
CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD
GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL
MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR
PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP
TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG
"""

EXPONENTS: dict[str, int] = {
    **dict.fromkeys(_TWO_DIGITS.split(), 2),
    **dict.fromkeys(_NO_MINOR_UNIT.split(), 0),
    **dict.fromkeys(_THREE_DIGITS.split(), 3),
    **dict.fromkeys(_FOUR_DIGITS.split(), 4),
}
"""Decimal digits of the minor unit, by code."""

VALUE_CAP = 10**12
"""No single closed business counts for more units of the reference currency.

Source: the score model, section 1, as for `reference_value`.
"""


def check_currency(code: str, *, field: str) -> int:
    """The exponent of a currency. Raises InvalidRequest for a code that ISO 4217 does not list."""
    try:
        return EXPONENTS[code]
    except KeyError:
        raise InvalidRequest(
            f"{field} {code!r} is no active ISO 4217 code; use one such as EUR, USD or JPY",
            field=field,
            value=code,
        ) from None


def reference_value(amount: int, exponent: int, rate_millionths: int) -> int:
    """Whole units of the reference currency, floored and capped (score-model section 1).

    amount: in minor units of the currency; exponent: its minor digits; rate: millionths.
    """
    scale: int = 10**exponent * 10**6
    return min((amount * rate_millionths) // scale, VALUE_CAP)
