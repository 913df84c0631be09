"""Every rule of the table fires, and its valid neighbour passes; field and remedy say where and what to do."""

from collections.abc import Callable
from typing import Any, NamedTuple, get_args

import orjson
import pytest
from pydantic import BaseModel

from monazite_contracts import builders as a
from monazite_contracts.envelope import canonical
from monazite_contracts.messages import MESSAGES
from monazite_contracts.opening import open_value
from monazite_contracts.refusals import _RULE_OF_ERROR, REMEDIES, SEAL_RULES, TAGS_OF_FIELD, Refusal, refuse

Json = dict[str, Any]


class Case(NamedTuple):
    rule: str
    field: str
    broken: Json | bytes
    neighbour: Json | bytes


def without(event: Json, name: str) -> Json:
    return {**event, "data": {key: value for key, value in event["data"].items() if key != name}}


GOOD = a.a_production()
OTHER_ASSAY = a.a_metal_assay(Nd="99.0000")
STRADDLING = {"start": "2023-05-31T08:00:00+08:00", "end": "2023-06-01T00:00:00.000001+08:00"}
UP_TO_MIDNIGHT = STRADDLING | {"end": "2023-06-01T00:00:00+08:00"}
REFUSED_LINE = {"lot": f"{a.MINE}/R-1", "accepted_kg": "0.000", "refused_kg": "18000.000"}
WITH_REASON = REFUSED_LINE | {"reason": "damaged"}
SHORT_LINE = {"lot": f"{a.MINE}/R-1", "accepted_kg": "17000.000", "refused_kg": "0.000"}
COUNT = {"product": "bastnaesite-concentrate", "net_mass_kg": "1.000"}
VALUE = a.an_envelope([GOOD])
DEEP = b"[" * 300 + b"]" * 300


def finalised(**assay: Any) -> Json:
    return a.an_assay_finalised(GOOD, assay=a.an_assay(**assay))


CASES = [
    Case("not-json", "", b"{" + VALUE, VALUE),
    Case("not-json", "", b"\xef\xbb\xbf" + VALUE, VALUE),
    Case("not-an-envelope", "", b"[]", VALUE),
    Case("not-an-envelope", "sequence", VALUE.replace(b'"sequence":1', b'"sequence":0'), VALUE),
    Case("not-an-envelope", "source.plant", VALUE.replace(b'"plant":"shihe-mine"', b'"plant":"SHIHE"'), VALUE),
    Case("too-large", "", VALUE + b" " * 512 * 1024, VALUE),
    Case(
        "too-large",
        "data.inputs",
        a.a_separation(inputs=[a.an_input()] * 101),
        a.a_separation(inputs=[a.an_input()] * 100),
    ),
    Case("too-deep", "", VALUE.replace(b'"1.0"', DEEP), VALUE),
    Case("missing-field", "data.origin", without(GOOD, "origin"), GOOD),
    Case("missing-field", "data.assay.basis", a.a_production(assay={"status": "final"}), GOOD),
    Case("missing-field", "type", {key: GOOD[key] for key in GOOD if key != "type"}, GOOD),
    Case(
        "missing-field",
        "data.lines.0.reason",
        a.a_receipt_of_goods(lines=[REFUSED_LINE], outcome="refused"),
        a.a_receipt_of_goods(lines=[WITH_REASON], outcome="refused"),
    ),
    Case(
        "missing-field",
        "data",
        a.a_receipt_of_goods(lines=[SHORT_LINE], outcome="short"),
        a.a_receipt_of_goods(lines=[SHORT_LINE | {"reason": "mass_differs"}], outcome="short"),
    ),
    Case("unknown-field", "data.colour", a.a_production(colour="red"), GOOD),
    Case("unknown-field", "data.assay.colour", a.a_production(assay=a.an_assay(colour="red")), GOOD),
    Case(
        "unknown-field",
        "data.consignee.name",
        a.a_dispatch(consignee={"kind": "plant", "plant": "ab", "name": "x"}),
        a.a_dispatch(),
    ),
    Case("unknown-type", "type", GOOD | {"type": "monazite.production.v2"}, GOOD),
    Case(
        "unknown-type",
        "data.replacement.type",
        a.a_correction(GOOD | {"type": "monazite.void.v1"}, {}),
        a.a_correction(GOOD, {}),
    ),
    Case("wrong-stream", "type", a.an_envelope([a.a_dispatch()], source=a.a_source()), a.an_envelope([a.a_dispatch()])),
    Case(
        "wrong-stream",
        "type",
        a.an_envelope([a.a_correction(a.a_dispatch(), {})], source=a.a_source()),
        a.an_envelope([a.a_correction(a.a_dispatch(), {})], source=a.a_source(stream="shipments")),
    ),
    Case("wrong-source", "source", a.an_envelope([GOOD], source=a.a_source("shihe-mine-2")), VALUE),
    Case("wrong-format", "data.net_mass_kg", a.a_production(net_mass_kg="20000.00"), GOOD),
    Case("wrong-format", "data.net_mass_kg", a.a_production(net_mass_kg=20000.0), GOOD),
    Case("wrong-format", "data.net_mass_kg", a.a_production(net_mass_kg="0.000"), a.a_production(net_mass_kg="0.001")),
    Case(
        "wrong-format",
        "data.assay.treo_pct",
        a.a_production(assay=a.an_assay(treo_pct="100.0001")),
        a.a_production(assay=a.an_assay(treo_pct="100.0000")),
    ),
    Case(
        "wrong-format", "data.consignee.plant", a.a_dispatch(consignee={"kind": "plant", "plant": "X"}), a.a_dispatch()
    ),
    Case(
        "wrong-format",
        "data.invoice.issued_on",
        a.a_dispatch(invoice={"number": "1", "issued_on": "2023-02-29"}),
        a.a_dispatch(invoice={"number": "1", "issued_on": "2024-02-29"}),
    ),
    Case("not-in-list", "data.product", a.a_production(product="gold"), GOOD),
    Case("not-in-list", "data.assay.basis", a.a_production(assay=a.an_assay(basis="wet")), GOOD),
    Case("not-in-list", "data.consignee.kind", a.a_dispatch(consignee={"kind": "?"}), a.a_dispatch()),
    Case(
        "duplicate-key",
        "",
        VALUE.replace(b'"test":', b'"data":1,"test":').replace(
            b'"source":"shihe-mine",', b'"source":"x","source":"shihe-mine",'
        ),
        VALUE,
    ),
    Case("event-id", "id", GOOD | {"recordid": "R-2"}, GOOD),
    Case("lot-of-another-plant", "data", a.a_production(lot="shihe-mine-2/R-1"), GOOD),
    Case("lot-of-another-plant", "data", a.a_split(children=[{"lot": "ab/1", "net_mass_kg": "1.000"}]), a.a_split()),
    Case(
        "lot-of-another-plant",
        "data",
        a.a_correction(GOOD, {"lot": "ab/1"}),
        a.a_correction(GOOD, {"lot": f"{a.MINE}/2"}),
    ),
    Case("product-activity", "data", a.a_production(activity="separated"), GOOD),
    Case("product-activity", "data", a.a_separation(activity="mined"), a.a_separation(activity="recovered")),
    Case("assay-basis", "data", a.a_production(assay=OTHER_ASSAY), GOOD),
    Case("assay-basis", "data.inputs.0", a.a_separation(inputs=[a.an_input(assay=OTHER_ASSAY)]), a.a_separation()),
    Case("assay-basis", "data", a.a_scrap_intake(assay=OTHER_ASSAY), a.a_scrap_intake()),
    Case(
        "assay-basis", "data", a.a_blend(product="ndpr-metal"), a.a_blend(product="ndpr-metal", assay=a.a_metal_assay())
    ),
    Case("period-straddles", "data.period", a.a_production(period=STRADDLING), a.a_production(period=UP_TO_MIDNIGHT)),
    Case("contradiction", "data.period", a.a_production(period=a.DAY | {"end": a.DAY["start"]}), GOOD),
    Case(
        "contradiction",
        "data.expected_at",
        a.a_dispatch(expected_at=a.NOON),
        a.a_dispatch(expected_at="2023-05-04T12:00:01+08:00"),
    ),
    Case("product-twice", "data.lines", a.a_declaration(lines=[a.a_flow_line(), a.a_flow_line()]), a.a_declaration()),
    Case("product-twice", "data.counts", a.a_stocktake(counts=[COUNT, COUNT]), a.a_stocktake(counts=[COUNT])),
    Case("contradiction", "data", a.a_declaration(nil=True), a.a_nil_declaration()),
    Case("contradiction", "data", a.a_nil_declaration(nil=False), a.a_declaration()),
    Case("contradiction", "data", finalised(status="provisional"), finalised()),
    Case(
        "contradiction",
        "data",
        a.a_receipt_of_goods(lines=[WITH_REASON]),
        a.a_receipt_of_goods(lines=[WITH_REASON], outcome="refused"),
    ),
    Case(
        "contradiction",
        "data",
        a.a_receipt_of_goods(lines=[SHORT_LINE | {"reason": "damaged"}], outcome="refused"),
        a.a_receipt_of_goods(lines=[SHORT_LINE]),
    ),
    Case(
        "contradiction",
        "data",
        a.a_receipt_of_goods(lines=[SHORT_LINE | {"reason": "damaged"}], outcome="partly_refused"),
        a.a_receipt_of_goods(lines=[SHORT_LINE, WITH_REASON], outcome="partly_refused"),
    ),
]


def test_a_product_that_stands_in_two_lines_is_named() -> None:
    found = refusal_in(a.a_stocktake(counts=[COUNT, COUNT]))
    assert found is not None
    assert found.remedy == "bastnaesite-concentrate stands in two lines. Send one line for each product."


def refusal_in(message: Json | bytes) -> Refusal | None:
    opened = open_value(message if isinstance(message, bytes) else a.an_envelope([message], source=carrier(message)))
    return opened.refusal or opened.events[0].refusal


def carrier(event: Json) -> Any:
    allowed = {"monazite.dispatched.v1": "shipments", "monazite.received.v1": "shipments"}
    declared = {"monazite.declaration.v1": "declarations", "monazite.stocktake.v1": "declarations"}
    return a.a_source(event["source"], stream=(allowed | declared).get(event.get("type", ""), "production"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}-{case.field}")
def test_the_rule_fires_and_its_neighbour_passes(case: Case) -> None:
    found = refusal_in(case.broken)
    assert found is not None
    assert (found.rule, found.field) == (case.rule, case.field)
    assert found.remedy.endswith(REMEDIES[case.rule]) or case.rule == "not-an-envelope"
    assert refusal_in(case.neighbour) is None


def test_every_rule_of_the_table_is_reached() -> None:
    """Those about key, seal and place are decided by whoever reads the headers, and are tested there."""
    assert {case.rule for case in CASES} | SEAL_RULES == set(REMEDIES)


def test_every_error_that_is_mapped_names_a_rule_of_the_table() -> None:
    assert set(_RULE_OF_ERROR.values()) <= set(REMEDIES)


def test_every_error_of_our_own_making_is_mapped() -> None:
    """What the models raise by name is not left to `wrong-format`, except what is a matter of format."""
    import re
    from pathlib import Path

    import monazite_contracts

    folder = Path(monazite_contracts.__path__[0])
    sources = "".join(path.read_text() for path in folder.glob("*.py"))
    raised = set(re.findall(r'PydanticCustomError\(\s*"(\w+)"', sources))
    assert raised - set(_RULE_OF_ERROR) == {"day"}


def test_every_field_with_several_forms_is_known_by_its_tags() -> None:
    """A new discriminated union would put its tags into the paths that plants read."""
    found: dict[str, set[str]] = {}

    def look(model: type[BaseModel]) -> None:
        for name, field in model.model_fields.items():
            for inner in [field.annotation, *get_args(field.annotation)]:
                for option in [inner, *get_args(inner)]:
                    if isinstance(option, type) and issubclass(option, BaseModel):
                        look(option)
            tag = field.discriminator
            options = [option for option in get_args(field.annotation) if isinstance(option, type)]
            if isinstance(tag, str):
                found.setdefault(name, set()).update(
                    get_args(option.model_fields[tag].annotation)[0]
                    for option in options
                    if issubclass(option, BaseModel)
                )

    for message in MESSAGES:
        look(message.model)
    found.pop("replacement")
    assert {name: found[name] for name in ("assay", "consignee", "consignor")} == {
        name: set(TAGS_OF_FIELD[name]) for name in ("assay", "consignee", "consignor")
    }
    assert set(found) <= set(TAGS_OF_FIELD)


SAID = {
    "data.note": (
        a.a_loss(note="two\nlines"),
        "what is asked for: Visible text without control or invisible characters",
    ),
    "data.net_mass_kg": (a.a_loss(net_mass_kg="1.0"), "what is asked for: Kilograms, exactly three decimals"),
    "data.lost_at": (a.a_loss(lost_at="yesterday"), "what is asked for: RFC 3339"),
    "time": (GOOD | {"time": "2023-02-29T00:00:00Z"}, "there is no such instant, day value is outside expected range"),
    "data.reason": (a.a_loss(reason="magic"), "one of these is asked for: 'spill', 'fire'"),
    "data.lot": (a.a_loss(lot=1), "a text in quotes is asked for"),
    "data.assay.basis": (
        a.a_production(assay={"basis": ["x"] * 99}),
        "one of these is asked for: 'dry', 'as_received'",
    ),
    "data.counts": (a.a_stocktake(counts=[]), "at least 1 are asked for, here are 0"),
    "data.colour": (a.a_loss(colour=1), "the contract knows no such field here"),
    "data": (GOOD | {"data": "x"}, "an object is asked for"),
}


@pytest.mark.parametrize("field", SAID)
def test_what_is_wrong_is_said_without_the_validators_own_words(field: str) -> None:
    message, said = SAID[field]
    found = refusal_in(message)
    assert found is not None
    assert (found.field, found.remedy[: len(said)]) == (field, said)


def test_a_refusal_says_what_was_found_and_what_to_do() -> None:
    assert refuse("wrong-stream", "type", "it is elsewhere.").remedy == (
        "it is elsewhere. Publish this type on the stream that the contract names for it."
    )
    assert refuse("wrong-stream").remedy == REMEDIES["wrong-stream"]


@pytest.mark.parametrize("make", [a.a_production, a.a_loss, a.a_dispatch, a.a_declaration, a.a_stocktake])
def test_an_unknown_field_is_refused_at_every_level(make: Callable[..., Json]) -> None:
    event = make()
    for path in _objects(event):
        changed = orjson.loads(canonical(event))
        place = changed
        for part in path:
            place = place[part]
        if path and path[-1] == "elements_pct":
            continue
        place["unknown"] = "x"
        found = refusal_in(changed)
        assert found is not None
        assert found.rule == "unknown-field"
        assert found.field == ".".join(map(str, [*path, "unknown"]))


def _objects(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    here = [path] if isinstance(document, dict) else []
    return here + [found for key, value in inner for found in _objects(value, (*path, key))]
