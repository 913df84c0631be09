"""What names a shipment and a plant's month, and a party where it stands in such a name."""

from typing import Final

from monazite_contracts import statements as st

BEHIND_NAMES: Final = "→"
"""Between the name of a party outside the register and its waybill's number."""


def shipment_key(consignor: str, waybill: str) -> str:
    """What names a shipment: a waybill's number is its consignor's own.

    Names of parties outside the register may hold a slash: behind them stands what no waybill's number can hold.
    """
    return f"{consignor}{BEHIND_NAMES if is_outside(consignor) else '/'}{waybill}"


def read_shipment_key(key: str) -> tuple[str, str]:
    """Consignor and waybill of a shipment."""
    named = is_outside(key)
    consignor, _, waybill = key.rpartition(BEHIND_NAMES) if named else key.partition("/")
    return consignor, waybill


def month_key(plant: str, month: str) -> str:
    """What names a plant's month."""
    return f"{plant} {month}"


def consignor_of(party: st.Party) -> str:
    """A consignor as shipment keys name it; one outside the register can never be taken for a plant."""
    return party.plant if isinstance(party, st.RegisteredParty) else f"@{party.country} {party.name}"


def is_outside(party: str) -> bool:
    """Whether a party, as shipment keys name it, is outside the register; the key of its shipment begins so too."""
    return party.startswith("@")
