"""The rules, one row each: what is noticed, how grave it is, on which legal basis, and what an official reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from monazite_contracts.alerts import Severity

SubjectKind = Literal["cap", "plant", "gateway", "enterprise", "topic", "platform"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One row.

    `fires_on`: presence alerts at once, absence only when it has settled: soon,
    or after the longer time across enterprises. `about`: an event, or a lot, shipment or month that somebody answers
    for. `clears`: how the condition ends; a rule that only a person closes stays raised; a quiet one is evidence for
    others and alerts nobody. `remedy` is what a flagged plant reads.
    """

    id: str
    subject: SubjectKind
    severity: Severity
    basis: str
    title: str
    clears: str
    fires_on: Literal["presence", "absence"] = "presence"
    settles: Literal["soon", "across", "at once"] = "soon"
    about: Literal["event", "holding"] = "event"
    stays: bool = False
    quiet: bool = False
    remedy: str = ""


_INFO, _WARN, _SERIOUS, _CRITICAL = Severity.INFORMATION, Severity.WARNING, Severity.SERIOUS, Severity.CRITICAL
_DUE, _BALANCE = "Order 71 art. ~10; Decree 785 art. 25", "Decree 785 arts 11, 25; association 2021"
_BY_PERSON: Final = "only a person closes it"
_DUTY: Final = "our own duty"
_CAPS, _FALSE = "Order 71 arts 5-6; Decree 785 art. 21", "Decree 785 art. 25"
_LAWFUL, _EXPORT = "Decree 785 arts 13, 23", "Announcement 18 of 2025 (MOFCOM, GACC); Decree 785 arts 14, 23"
_LISTED, _INTEGRITY = "Decree 785 art. 8; Order 71 art. ~7", "Order 71 art. ~11; Decree 785 art. 25"

_ROWS: Final = (
    Rule("cap-not-issued", "cap", _INFO, _CAPS, "draws precede the year's first issue", "the first issue"),
    Rule("cap-80", "cap", _INFO, _CAPS, "80 % of the cap is drawn", "more is granted, or less is drawn"),
    Rule("cap-95", "cap", _WARN, _CAPS, "95 % of the cap is drawn", "more is granted, or less is drawn"),
    Rule("cap-100", "cap", _SERIOUS, _CAPS, "the cap is drawn in full", "more is granted, or less is drawn"),
    Rule("cap-overrun", "cap", _CRITICAL, _CAPS, "more is drawn than granted", "a batch covers it, or a correction"),
    Rule(
        "cap-overrun-then", "cap", _SERIOUS, _CAPS, "on some day more was drawn than was issued by then",
        "only corrected facts retract it",
    ),
    Rule(
        "cap-cleared-by-correction", "cap", _SERIOUS, _FALSE, "corrections have cleared an overrun",
        _BY_PERSON, stays=True,
    ),
    Rule("draw-amended", "plant", _INFO, _FALSE, "an amendment changed a draw", "kept as evidence", quiet=True),
    Rule(
        "unlisted-producer", "plant", _CRITICAL, "Decree 785 arts 8, 22; Order 71 art. ~7",
        "production by an enterprise that is not on the list", "a listing that covers it",
        remedy="Only listed enterprises may mine or separate: ask the regulator, or correct the plant named.",
    ),
    Rule(
        "lot-reused", "plant", _WARN, _FALSE, "lot numbers were made twice", "corrections or voids of all but one",
        remedy="Give every lot its own number; correct or void the statement that took a used one.",
    ),
    Rule(
        "claimed-reo", "plant", _WARN, _FALSE, "claimed REO disagrees with mass × assay", "corrections",
        remedy="Compare claimed_reo_kg with net mass × (1 - moisture) × TREO, and correct what is wrong.",
    ),
    Rule(
        "event-in-future", "plant", _WARN, _FALSE, "events are dated after their arrival", "corrections",
        remedy="Check the clock and the period of the record; correct it.",
    ),
    Rule(
        "event-long-past", "plant", _INFO, "Order 71 art. ~10", "events arrive long after they happened", "corrections",
        remedy="Report within the month; nothing else is needed if the date is right.",
    ),
    Rule(
        "recycler-used-ore", "plant", _CRITICAL, "Decree 785 arts 11, 22", "a recycler used an ore product",
        "corrections",
        remedy="Recyclers may not use ore products: correct the input named, or expect an inspection.",
    ),
    Rule(
        "amendment-without-target", "plant", _WARN, _FALSE, "a correction or void names a version that is not there",
        "the version arrives", fires_on="absence", remedy="Name id and hash of the statement's current version.",
    ),
    Rule(
        "amendment-rival", "plant", _WARN, _FALSE, "two amendments of one version: the earlier stands",
        "a void of the later", remedy="Amend the current version, which an earlier amendment has made.",
    ),
    Rule(
        "void-of-void", "plant", _WARN, _FALSE, "a void was amended", "nothing: restate instead",
        remedy="A void is final: state the fact anew.",
    ),
    Rule(
        "amendment-out-of-scope", "plant", _WARN, _FALSE, "an amendment changes plant, kind or counterparty",
        "nothing: void and restate", remedy="Void the statement and state the fact anew.",
    ),
    Rule(
        "amendment-moves-year", "plant", _SERIOUS, _FALSE, "a correction moves grams into another cap year or kind",
        _BY_PERSON, stays=True, remedy="Expect a question from the regulator.",
    ),
    Rule(
        "amendment-after-report", "plant", _SERIOUS, _FALSE, "a month was amended, or told of, after its report",
        _BY_PERSON, about="holding", stays=True, remedy="Expect a question from the regulator.",
    ),
    Rule(
        "event-conflict", "plant", _SERIOUS, _FALSE, "one record id was stated twice with different content",
        "the earlier is taken back", remedy="Send a correction instead of restating under the same record id.",
    ),
    Rule(
        "lot-overdrawn", "plant", _SERIOUS, _LAWFUL, "more of a lot was used, shipped or lost than was on hand",
        "the statement that brings the rest, or a correction", fires_on="absence",
        about="holding", remedy="State what brought the rest of the lot, or correct the mass that is too high.",
    ),
    Rule(
        "lot-refused", "plant", _SERIOUS, _LAWFUL, "a plant used, shipped or lost of lots what it had refused",
        "a correction of the receipt, or of what was done with the lot", fires_on="absence",
        about="holding", remedy="What you refused is its consignor's: correct the receipt, or what became of the lot.",
    ),
    Rule(
        "lot-used-early", "plant", _WARN, _FALSE, "lots were used, shipped or lost before they were there",
        "an earlier receipt, or corrections of the instants", fires_on="absence",
        about="holding", remedy="Compare when the lot came with when it went, and correct the one that is wrong.",
    ),
    Rule(
        "opening-late", "plant", _SERIOUS, _LAWFUL, "an opening inventory came long after the plant's first dealing",
        "a void, or an earlier statement of the same stock", about="holding",
        remedy="Stock that came after go-live has an origin: state where it came from instead.",
    ),
    Rule(
        "blend-differs", "plant", _SERIOUS, _FALSE, "a blend weighs or holds more or less than what went into it",
        "corrections of masses, assays or parents", about="holding",
        remedy="Name all that went into the blend; check scales and assays.",
    ),
    Rule(
        "split-differs", "plant", _SERIOUS, _FALSE, "the parts of a split weigh more or less than what was split",
        "corrections of masses", about="holding", remedy="Name every part; state what was lost.",
    ),
    Rule(
        "recycled-differs", "plant", _CRITICAL, "Order 71 art. 3; Decree 785 arts 11, 21, 25",
        "output was stated as recycled whose chain does not lead to scrap", "corrections", fires_on="absence",
        settles="across", about="holding", remedy="State the origin of the feed that was really used.",
    ),
    Rule(
        "recycler-fed-ore", "plant", _CRITICAL, "Decree 785 arts 11, 22",
        "a recycler used lots as scrap that are ore products", "corrections of the input, or of the lot",
        about="holding",
        remedy="Recyclers may not use ore products: correct the lot named, or expect an inspection.",
    ),
    Rule(
        "ore-as-scrap", "plant", _CRITICAL, "Decree 785 arts 11, 13, 22, 23", "ore products were taken in as scrap",
        "corrections of the product, or of the statement", about="holding",
        remedy="State ore products as received from whoever sent them, or as imported.",
    ),
    Rule(
        "lot-mislabelled", "plant", _SERIOUS, "Decree 785 arts 13, 23, 25",
        "lots were used or dispatched as another product than they are", "corrections of the product, or of the lot",
        about="holding", remedy="Correct the product named, or the statement that made the lot.",
    ),
    Rule(
        "lot-unreported", "plant", _WARN, _FALSE,
        "a plant used, shipped or lost lots of its own that nobody reported, or that were voided",
        "the statement that makes them, or a correction", fires_on="absence",
        about="holding", remedy="State how the lot came to be, or correct its number.",
    ),
    Rule(
        "lot-unreported-elsewhere", "plant", _WARN, _LAWFUL,
        "lots were taken in, used, shipped or lost that their own plant never reported, or voided",
        "the statement that makes them, or a correction", fires_on="absence", settles="across",
        about="holding", remedy="Check the lot's number on the label; ask the plant that is named in it.",
    ),
    Rule(
        "origin-unlawful", "plant", _CRITICAL, _LAWFUL, "lots were made whose chain does not end in a lawful origin",
        "the statements that complete the chain, or corrections", fires_on="absence", settles="across", about="holding",
        remedy="Name the inputs; each must lead to a listed mine, an import, a scrap intake or an opening inventory.",
    ),
    Rule(
        "shipment-overdue", "plant", _WARN, _LAWFUL, "goods on their way to a plant were not received when they should",
        "their receipt, or a change of destination", fires_on="absence", about="holding",
        remedy="State the receipt of the waybill named, or tell its consignor that nothing came.",
    ),
    Rule(
        "shipment-short", "plant", _WARN, _LAWFUL, "less was received than a plant dispatched",
        "the rest, a change of destination, or a correction on either side", fires_on="absence", settles="across",
        about="holding",
        remedy="Weigh the rest, look for it, and correct the side that is wrong.",
    ),
    Rule(
        "shipment-over", "plant", _WARN, _LAWFUL, "more was received than a plant dispatched",
        "a correction on either side", about="holding", remedy="Correct the side that is wrong.",
    ),
    Rule(
        "shipment-refused", "plant", _INFO, _LAWFUL, "a consignee refused what a plant dispatched",
        "a change of destination, or a correction of the receipt", about="holding",
        remedy="The goods are in your stock again: take them back, or dispatch them anew.",
    ),
    Rule(
        "shipment-misdelivered", "plant", _SERIOUS, _LAWFUL, "goods were received that were sent to somebody else",
        "the consignor's change of destination, or a correction", fires_on="absence", settles="across", about="holding",
        remedy="Ask the consignor to state the change of destination.",
    ),
    Rule(
        "receipt-without-dispatch", "plant", _SERIOUS, _LAWFUL, "goods were received that nobody dispatched",
        "the dispatch, or a correction of the waybill", fires_on="absence", settles="across", about="holding",
        remedy="Check the waybill's number and its consignor, who must state the dispatch. From one outside the "
        "register state an import or a scrap intake instead, unless it returns what you sent it.",
    ),
    Rule(
        "receipt-before-dispatch", "plant", _SERIOUS, _FALSE, "goods were received before they were dispatched",
        "a correction of the instant that is wrong, on either side", about="holding",
        remedy="Correct the instant of the receipt, or ask the consignor to correct that of the dispatch.",
    ),
    Rule(
        "redirect-without-dispatch", "plant", _WARN, _FALSE, "a destination was changed of what was never dispatched",
        "the dispatch, or a correction of the waybill", fires_on="absence", about="holding",
        remedy="State the dispatch of the waybill named.",
    ),
    Rule(
        "waybill-reused", "plant", _WARN, _FALSE, "one waybill number stands on several dispatches",
        "corrections or voids of all but one", about="holding", remedy="Give every waybill its own number.",
    ),
    Rule(
        "consignee-not-entitled", "plant", _SERIOUS, "Decree 785 arts 8, 13, 23",
        "goods went to a consignee that may not take that class of product", "a listing or a correction",
        about="holding",
        remedy="Ore products may go to listed enterprises only, and every plant must be on the register.",
    ),
    Rule(
        "export-papers-missing", "plant", _SERIOUS, _EXPORT, "goods left the country without export papers",
        "a correction that names them", about="holding", remedy="Correct the dispatch: name declaration and licence.",
    ),
    Rule(
        "export-unlicensed", "plant", _CRITICAL, _EXPORT, "licensed items were exported without a known licence",
        "the licence's registration, or a correction", about="holding",
        remedy="Name the licence under which they left.",
    ),
    Rule(
        "export-licence-invalid", "plant", _CRITICAL, _EXPORT,
        "items were exported on a licence of somebody else's or out of date", "a correction", about="holding",
        remedy="Name the licence under which they left.",
    ),
    Rule(
        "export-out-of-scope", "plant", _CRITICAL, _EXPORT, "items were exported that their licence does not cover",
        "a correction", about="holding", remedy="Name the licence under which they left.",
    ),
    Rule(
        "export-other-party", "plant", _CRITICAL, _EXPORT,
        "items were exported to another end user or country than on their papers and licence", "a correction",
        about="holding", remedy="Name the licence under which they left.",
    ),
    Rule(
        "licence-overdrawn", "enterprise", _CRITICAL, _EXPORT, "more was exported on a licence than it allows",
        "a correction", about="holding",
    ),
    Rule(
        "licence-reused", "enterprise", _CRITICAL, _EXPORT, "a licence for one export was used for several",
        "a correction", about="holding",
    ),
    Rule(
        "declaration-due-3", "plant", _INFO, _DUE, "a month's flow record is due in three days", "the declaration",
        fires_on="absence", settles="at once", about="holding",
        remedy="Declare the month named, or confirm that it is nil.",
    ),
    Rule(
        "declaration-due-1", "plant", _INFO, _DUE, "a month's flow record is due in one day", "the declaration",
        fires_on="absence", settles="at once", about="holding",
        remedy="Declare the month named, or confirm that it is nil.",
    ),
    Rule(
        "declaration-missing", "plant", _SERIOUS, _DUE, "a month's flow record is missing", "the declaration",
        fires_on="absence", settles="at once", about="holding",
        remedy="Declare the month named, or confirm that it is nil.",
    ),
    Rule(
        "declaration-escalated", "plant", _CRITICAL, _DUE, "a month's flow record has been missing for five days",
        "the declaration", fires_on="absence", settles="at once", about="holding",
        remedy="Declare the month named, or confirm that it is nil.",
    ),
    Rule(
        "declaration-late", "plant", _WARN, _DUE, "a month's flow record came late", "an excuse by the regulator",
        fires_on="absence", settles="at once", about="holding",
        remedy="Declare by the 10th; ask the regulator if something stood in the way.",
    ),
    Rule(
        "declaration-differs", "plant", _WARN, _FALSE, "a month's flow record disagrees with the plant's own events",
        "corrections of the record or of the events", fires_on="absence", about="holding",
        remedy="Compare the lines named with your events, and correct what is wrong.",
    ),
    Rule(
        "stocktake-differs", "plant", _WARN, _FALSE, "a physical count disagrees with the events",
        "corrections of the count or of the events", fires_on="absence", about="holding",
        remedy="Look for what is missing; state losses, correct masses.",
    ),
    Rule(
        "recovery-separated", "plant", _SERIOUS, _BALANCE, "separation made more or less than its feed can give",
        "the missing statements, or corrections", fires_on="absence", settles="at once", about="holding",
        remedy="State all feed and all losses; check the assays.",
    ),
    Rule(
        "recovery-smelted", "plant", _SERIOUS, _BALANCE, "smelting made more or less than its feed can give",
        "the missing statements, or corrections", fires_on="absence", settles="at once", about="holding",
        remedy="State all feed and all losses; check the assays.",
    ),
    Rule(
        "recovery-recovered", "plant", _SERIOUS, _BALANCE, "recycling made more or less than its scrap can give",
        "the missing statements, or corrections", fires_on="absence", settles="at once", about="holding",
        remedy="State all scrap and all losses; check the assays. More than scrap can give came from somewhere else.",
    ),
    Rule(
        "element-gained", "plant", _SERIOUS, _BALANCE, "more of an element came out of a step than its feed held",
        "the missing statements, or corrections", fires_on="absence", settles="at once", about="holding",
        remedy="State all feed; check the assays of what was used and of what was made.",
    ),
    Rule(
        "claimed-bias-year", "plant", _WARN, _FALSE,
        "over twelve months claimed REO lies to one side of mass × assay in sum", "corrections",
        fires_on="absence", settles="at once", about="holding", remedy="Check how claimed_reo_kg is worked out.",
    ),
    Rule(
        "claimed-bias", "plant", _WARN, _FALSE, "a month's claimed REO lies to one side of mass × assay in sum",
        "corrections", fires_on="absence", settles="at once", about="holding",
        remedy="Check how claimed_reo_kg is worked out.",
    ),
    Rule(
        "envelope-gap", "gateway", _SERIOUS, _INTEGRITY, "envelopes are missing", "they arrive", fires_on="absence",
        remedy="Re-send the sequences named.",
    ),
    Rule(
        "envelope-fork", "gateway", _SERIOUS, _INTEGRITY, "two envelopes claim one sequence", _BY_PERSON,
        stays=True, remedy="Start a new incarnation at every start of the gateway.",
    ),
    Rule(
        "chain-broken", "gateway", _SERIOUS, _INTEGRITY, "envelopes do not name the one before them", "nothing",
        remedy="Check the spool: each envelope names the hash of the one before it.",
    ),
    Rule("seal-false", "gateway", _SERIOUS, _INTEGRITY, "messages arrive under a false seal", _BY_PERSON, stays=True),
    Rule("source-unknown", "gateway", _WARN, _LISTED, "messages await a registration", "the registration"),
    Rule("contract-refused", "gateway", _WARN, _FALSE, "statements were refused by content", _BY_PERSON, stays=True),
    Rule(
        "unreadable", "topic", _WARN, _INTEGRITY, "messages arrive that nobody can be named for", _BY_PERSON,
        stays=True,
    ),
    Rule(
        "log-holes", "topic", _WARN, _INTEGRITY,
        "offsets hold no message: a producer uses transactions, or sent a batch that cannot be read", _BY_PERSON,
        stays=True, remedy="Publish with an idempotent producer and without transactions.",
    ),
    Rule(
        "log-lost", "topic", _CRITICAL, _DUTY, "the broker deleted messages before they were read", _BY_PERSON,
        stays=True, remedy="Lengthen the retention, look at the lag; gateways send again what no receipt covers.",
    ),
    Rule(
        "log-replaced", "topic", _SERIOUS, _DUTY, "another log took the place of the one that was read", _BY_PERSON,
        stays=True, remedy="Find out who recreated the topic or what truncated it; watch the gaps of its sources.",
    ),
    Rule("platform-fault", "platform", _CRITICAL, _DUTY, "our own code raised", "a release that does not"),
)  # fmt: skip

RULES: Final[Mapping[str, Rule]] = MappingProxyType({rule.id: rule for rule in _ROWS})
"""Every rule by its id."""
