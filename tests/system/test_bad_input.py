"""Ten thousand malformed messages on a real Kafka, decided by the real intake beside good ones, each by itself."""

import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
import pytest
import pytest_asyncio
from contract_oracle import Opened, judge_value
from handmade_input import cases
from malformed import Json, Sent, around, bases, enveloped, frame_of, misplaced, mutate, sent, written
from raw_records import a_batch, a_record, produce
from running_platform import PLANTS, REO_G, Platform

from monazite_contracts import builders as a
from monazite_contracts.deadletters import DeadLetter
from monazite_contracts.partitioner import partition_of
from monazite_contracts.receipts import Receipt, ReceiptEntry
from monazite_contracts.refusals import REMEDIES
from monazite_contracts.topics import DEAD_LETTERS, receipts_topic

BAD, GOOD = PLANTS[:2], PLANTS[2:]
NO_CROSS = {"missing-field", "unknown-field", "not-in-list", "wrong-format", "unknown-type", "too-large"}
"""Rules that name the very field; the others speak of several."""

CASES = cases()

BATCH_BYTES = 600_000


def corpus(number: int, seed: int) -> list[Sent]:
    """So many malformed messages, each different, with a good one of another plant after every tenth."""
    random_ = random.Random(seed)  # noqa: S311 - a test's dice
    found: dict[tuple[Any, ...], Sent] = {}
    by_hand = {_identity(case.record) for case in CASES.values()}
    while len(found) < number:
        record = _malformed(len(found), random_)
        if _identity(record) not in by_hand:
            found.setdefault(_identity(record), record)
    mixed: list[Sent] = []
    for count, record in enumerate(found.values()):
        mixed.append(record)
        if count % 10 == 0:
            mixed.append(good(count, GOOD[count // 10 % len(GOOD)]))
    return mixed


def _identity(record: Sent) -> tuple[Any, ...]:
    """What a repeat shares with what it repeats."""
    return record.topic, record.partition, record.key, record.headers, record.value or b""


def good(number: int, plant: str) -> Sent:
    events = [a.a_production(plant=plant, record=f"G-{number}")]
    return replace(sent(enveloped(events, plant, number, "production"), plant, "production"), good=True)


def _malformed(number: int, random_: random.Random) -> Sent:
    plant = random_.choice(BAD)
    event = random_.choice(bases(plant, f"M-{number}"))
    stream = _stream(event)
    neighbour = _neighbour(plant, stream, f"N-{number}")
    whole = sent(enveloped([neighbour, event], plant, number, stream), plant, stream)
    dice = random_.random()
    if dice < 0.8:
        intruder = random_.random() < 0.02
        odd = [neighbour, _intruder(number, plant, stream, random_) if intruder else mutate(event, random_)]
        random_.shuffle(odd)
        return sent(enveloped(odd, plant, number, stream), plant, stream)
    if dice < 0.87:
        frame = frame_of(plant, number, stream) | {"events": [neighbour]}
        return sent(written(mutate(frame, random_)).encode(), plant, stream)
    return around(whole, random_) if dice < 0.97 else misplaced(whole, random_)


def _intruder(number: int, plant: str, stream: str, random_: random.Random) -> Json:
    """A good event that belongs elsewhere, or is longer than an event may be."""
    if random_.random() < 0.3:
        lines = [{"lot": f"{plant}/{'L' * 48}", "product": "bastnaesite-concentrate", "net_mass_kg": "1.000"}] * 100
        names = {"waybill": "X" * 200, "buyer": {"kind": "named", "name": "\u4e00" * 200, "country": "CN"}}
        return a.a_dispatch(plant=plant, record=f"B-{number}", lines=lines * random_.choice((1, 9)), **names)
    whose = random_.choice([other for other in BAD if other != plant] + [plant])
    return random_.choice([e for e in bases(whose, f"I-{number}") if whose != plant or _stream(e) != stream])


def _stream(event: Json) -> str:
    kind = event["type"].split(".")[1]
    if kind in {"dispatched", "received", "destination-changed"}:
        return "shipments"
    return "declarations" if kind in {"declaration", "stocktake"} else "production"


def _neighbour(plant: str, stream: str, record: str) -> Json:
    if stream == "shipments":
        return a.a_change_of_destination(plant=plant, record=record)
    return (
        a.a_stocktake(plant=plant, record=record) if stream == "declarations" else a.a_loss(plant=plant, record=record)
    )


# --- what it came to


Place = tuple[str, int, int]


@dataclass
class Outcome:
    """Everything that the platform kept and told, by coordinate."""

    published: dict[Place, Sent]
    rows: dict[Place, Any] = field(default_factory=dict)
    events: dict[Place, list[Any]] = field(default_factory=lambda: defaultdict(list))
    entries: dict[str, list[ReceiptEntry]] = field(default_factory=lambda: defaultdict(list))
    letters: dict[Place, list[DeadLetter]] = field(default_factory=lambda: defaultdict(list))


async def publish(platform: Platform, records: Iterable[Sent]) -> dict[Place, Sent]:
    """Writes records as they are, in batches; returns where each of them came to stand."""
    by_partition: dict[tuple[str, int], list[Sent]] = defaultdict(list)
    for record in records:
        by_partition[record.topic, record.partition].append(record)
    placed: dict[Place, Sent] = {}
    for (topic, partition), waiting in by_partition.items():
        while waiting:
            size, batch = 0, []
            while waiting and (not batch or size + len(waiting[0].value or b"") < BATCH_BYTES):
                size += len(waiting[0].value or b"") + 300
                batch.append(waiting.pop(0))
            raw = a_batch([a_record(n, r.key, r.value, r.headers) for n, r in enumerate(batch)])
            offset = await produce(platform.stack.addresses.kafka, topic, partition, raw)
            placed |= {(topic, partition, offset + n): record for n, record in enumerate(batch)}
    platform.published += len(placed)
    return placed


async def decided(platform: Platform, published: dict[Place, Sent]) -> Outcome:
    await platform.decided(300)
    await platform.told(300)
    found = Outcome(published)
    async with platform.connection() as opened:
        sql = (
            "SELECT l.topic, l.partition, l.log_offset, l.record_key, l.value, v.outcome, v.rule, v.field, v.remedy"
            " FROM ledger l JOIN envelopes v USING (message)"
        )
        for row in await opened.fetch(sql):
            found.rows[row["topic"], row["partition"], row["log_offset"]] = row
        sql = (
            "SELECT l.topic, l.partition, l.log_offset, e.* FROM events e JOIN ledger l USING (message)"
            " ORDER BY message, index"
        )
        for row in await opened.fetch(sql):
            found.events[row["topic"], row["partition"], row["log_offset"]].append(row)
    for plant in PLANTS:
        for record in await platform.read(receipts_topic(plant)):
            receipt = Receipt.model_validate_json(record.value)
            found.entries["/".join(orjson.loads(receipt.source.model_dump_json()).values())] += receipt.entries
    for record in await platform.read(DEAD_LETTERS):
        letter = DeadLetter.model_validate_json(record.value)
        found.letters[letter.topic, letter.partition, letter.offset].append(letter)
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def outcome(platform: Platform, pytestconfig: pytest.Config) -> Outcome:
    number, seed = pytestconfig.getoption("--malformed"), pytestconfig.getoption("--malformed-seed")
    by_hand = [case.record for case in CASES.values()]
    return await decided(platform, await publish(platform, [*by_hand, *corpus(number, seed)]))


# --- what must hold


def differences(outcome: Outcome) -> Iterator[str]:
    """Whatever is not as the contract's page and schemas say."""
    for place, record in outcome.published.items():
        said = judge_value(record.value)
        try:
            _check(outcome, place, record, said)
        except AssertionError as error:
            yield f"{place}: {error}\n{(record.value or b'')[:3_000]!r}\n{dict(outcome.rows.get(place, {}))!r}"[:4_500]


def _check(outcome: Outcome, place: Place, record: Sent, said: Opened) -> None:
    row = outcome.rows.get(place)
    assert row is not None, "not in the ledger"
    assert (row["record_key"], row["value"]) == (record.key, record.value), "not kept byte for byte"
    letters = outcome.letters.get(place, [])
    entries = outcome.entries.get("/".join(said.source.values()), []) if said.source else []
    if said.source is None or not record.sealed:
        _check_refused(row, letters, None)
        return
    plant, stream = said.source["plant"], said.source["stream"]
    own = (record.headers[0][1] or b"").decode() == f"{plant}.gw-1.2023" and said.source["gateway"] == "gw-1"
    key = f"{plant}/{said.source['gateway']}".encode()
    if (record.topic, record.partition, record.key) != (f"plant-{stream}", partition_of(key, 6), key):
        assert row["rule"] == "misplaced", row["rule"]
        _check_refused(row, letters, entries if own else None)
    elif said.events is None:
        assert row["field"] in said.paths or row["rule"] == "too-deep", (row["field"], said.paths)
        _check_refused(row, letters, entries)
    else:
        assert (row["outcome"], letters) == ("applied", []), (row["outcome"], row["rule"], row["remedy"], letters)
        _check_events(outcome.events[place], said, entries)


def _check_refused(row: Any, letters: list[DeadLetter], entries: list[ReceiptEntry] | None) -> None:
    """One refusal, and one answer: to the sender where it is proven, to nobody in particular otherwise."""
    assert row["outcome"] == "refused", row["outcome"]
    _check_reason(row)
    if entries is None:
        assert [(letter.rule, letter.remedy) for letter in letters] == [(row["rule"], row["remedy"])], letters
    else:
        assert letters == []
        told = [(e.outcome, e.rule, e.field or "", e.remedy) for e in entries]
        assert told == [("refused", row["rule"], row["field"], row["remedy"])], told


def _check_reason(row: Any) -> None:
    assert row["rule"] in REMEDIES, row["rule"]
    assert re.fullmatch(r"[^\n\x00]{15,}\.", row["remedy"]), row["remedy"]
    assert row["remedy"].endswith(REMEDIES[row["rule"]])


def _check_events(rows: list[Any], said: Opened, entries: list[ReceiptEntry]) -> None:
    assert said.events is not None
    assert [row["index"] for row in rows] == list(range(len(said.events)))
    by_index = {entry.index: entry for entry in entries}
    assert len(by_index) == len(entries), "an event is answered twice"
    for row, judged in zip(rows, said.events, strict=True):
        if judged.valid:
            assert row["outcome"] == "applied", f"valid, but {row['rule']} {row['field']}: {row['remedy']}"
            continue
        assert row["outcome"] == "refused", f"out of contract at {judged.paths}, but {row['outcome']}"
        _check_reason(row)
        if judged.paths is not None and row["rule"] in NO_CROSS:
            named = re.escape(row["field"]).replace("\N{REPLACEMENT CHARACTER}", ".")  # what cannot be told apart
            assert any(re.fullmatch(named, path) for path in judged.paths), f"{row['field']!r}: {sorted(judged.paths)}"
        told = by_index[row["index"]]
        assert (told.rule, told.field or "", told.remedy) == (row["rule"], row["field"], row["remedy"])


async def test_each_is_answered_as_the_contract_says_and_nothing_else_is_touched(outcome: Outcome) -> None:
    found = list(differences(outcome))
    assert not found, f"{len(found)} of {len(outcome.published)}:\n" + "\n\n".join(found[:20])


@pytest.mark.parametrize("name", CASES)
async def test_what_the_world_is_known_to_send_is_answered_with_rule_and_field(outcome: Outcome, name: str) -> None:
    case = CASES[name]
    ((place, _),) = [found for found in outcome.published.items() if found[1] is case.record]
    row, events = outcome.rows[place], outcome.events.get(place, [])
    if case.whole is not None:
        assert (row["outcome"], row["rule"], row["field"]) == ("refused", *case.whole), row["remedy"]
        return
    assert row["outcome"] == events[0]["outcome"] == "applied", "the good event beside it"
    assert (events[1]["rule"], events[1]["field"]) == (case.event or (None, None)), events[1]["remedy"]


async def test_the_corpus_is_worth_its_time(outcome: Outcome) -> None:
    """Hardly any mutation stays valid, every rule that refuses content is met, and every answer is there often."""
    refused = [row for row in outcome.rows.values() if row["outcome"] == "refused"]
    events = [row for rows in outcome.events.values() for row in rows if row["outcome"] == "refused"]
    assert len(refused) + len(events) > 0.8 * sum(not record.good for record in outcome.published.values())
    met = {row["rule"] for row in refused} | {row["rule"] for row in events}
    assert met >= set(REMEDIES), set(REMEDIES) - met


async def test_good_messages_and_good_events_beside_them_are_applied_to_the_gram(
    platform: Platform, outcome: Outcome
) -> None:
    good_ones = sum(record.good for record in outcome.published.values())
    drawn_g = await platform.ask("SELECT sum(drawn_g) FROM draw_days WHERE plant = ANY($1)", list(GOOD))
    assert drawn_g == good_ones * REO_G


async def test_everything_adds_up_and_a_rebuild_is_the_same(platform: Platform, outcome: Outcome) -> None:
    account = await platform.account()
    assert account.reconciled
    assert account.received == len(outcome.published) == len(outcome.rows)
    from monazite_consumers.queries import rebuilt

    async with platform.connection() as opened:
        assert await rebuilt(opened, keep=False) == []


async def test_the_member_never_stopped_and_no_code_of_ours_raised(platform: Platform, outcome: Outcome) -> None:
    assert await platform.healthy("intake")
    assert not [row for row in outcome.rows.values() if row["rule"] == "platform-fault"]
    assert await platform.ask("SELECT count(*) FROM events WHERE rule = 'platform-fault'") == 0
