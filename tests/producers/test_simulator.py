"""A simulated year is repeatable, well-formed, of the size asked for, and real holders behave in it."""

import os
import subprocess
import sys
from collections import defaultdict
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from monazite_contracts.events import Stream, event_time
from monazite_contracts.months import day_of
from monazite_contracts.opening import Opened, open_value
from monazite_contracts.seal import decode_base64url, public_key, verifies
from monazite_contracts.topics import PLANT_TOPICS
from monazite_producers.errors import PlanImpossibleError
from monazite_producers.publisher import Outgoing
from monazite_producers.simulator import SimulationPlan, simulate

REGISTRY = Path(__file__).parents[2] / "deploy" / "registry"
REAL = ("northern", "creg", "guangdong", "xiamen")


def headers_of(message: Outgoing) -> dict[str, bytes | None]:
    return dict(message.headers)


def is_sealed(message: Outgoing, keys: dict[str, Any]) -> bool:
    headers = headers_of(message)
    key = keys.get((headers["key"] or b"").decode())
    seal = decode_base64url((headers["seal"] or b"").decode(), 64)
    return key is not None and seal is not None and verifies(message.value or b"", seal, public_key(key["public"]))


def opened(messages: list[Outgoing]) -> list[tuple[Outgoing, Opened]]:
    return [(message, open_value(message.value)) for message in messages]


def test_the_same_plan_gives_the_same_bytes_in_another_process(small: Any) -> None:
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from conftest import _played\n"
        "print(_played(2_000, 71, 2023).digest())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "12345"}
    command = [sys.executable, "-c", script, str(Path(__file__).parent)]
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == small.digest()


def test_another_seed_gives_another_year_of_the_same_shape(small: Any, play: Any) -> None:
    other = play(seed=72)
    assert other.digest() != small.digest()
    assert {(a.rule, a.condition) for a in other.account.alerts} == {
        (a.rule, a.condition) for a in small.account.alerts
    }


@pytest.mark.parametrize("events", [2_000, 5_000, 20_000, 60_000])
def test_about_as_many_events_are_carried_as_were_asked_for(play: Any, events: int) -> None:
    carried = sum(play(events).account.events.values())
    assert 0.85 * events <= carried <= 1.15 * events


def test_too_few_events_and_a_year_without_allocations_are_refused() -> None:
    with pytest.raises(PlanImpossibleError, match="2000"):
        simulate(SimulationPlan(REGISTRY, events=1_999))
    with pytest.raises(PlanImpossibleError, match="1999"):
        simulate(SimulationPlan(REGISTRY, year=1999))
    with pytest.raises(PlanImpossibleError, match="no registry files"):
        simulate(SimulationPlan(Path(__file__).parent))


def test_the_registry_may_be_given_as_entries(small: Any) -> None:
    entries: dict[str, list[dict[str, Any]]] = {}
    for file in sorted(REGISTRY.glob("*.yaml")):
        for noun, found in yaml.safe_load(file.read_text(encoding="utf-8")).items():
            entries.setdefault(noun, []).extend(found)
    first = next(simulate(SimulationPlan(entries, events=2_000)).days)
    assert first == small.days[0]


def test_every_day_of_the_year_is_there_once_and_the_one_that_closes_it(small: Any) -> None:
    assert [day.day for day in small.days[:-1]] == [date(2023, 1, 1) + timedelta(days=n) for n in range(365)]
    assert small.days[-1].day == date(2024, 1, 6) < small.simulation.ends_on
    assert len(list(small.simulation.days)) == 0  # a year passes once


def test_messages_are_in_order_and_on_their_day(small: Any) -> None:
    for day in small.days:
        instants = [message.at for message in day.messages]
        assert instants == sorted(instants)
        assert all(day_of(instant) == day.day for instant in instants)


def test_every_message_but_the_broken_opens_cleanly(small: Any, play: Any) -> None:
    sample = [*small.messages, *play(20_000).messages[::11]]
    refused = [
        (message, found)
        for message, found in opened(sample)
        if found.refusal or any(event.refusal for event in found.events)
    ]
    assert refused
    assert {message.key for message, _ in refused} == {b"example-i-mine-1/gw-1"}


def test_every_good_message_is_sealed_by_its_gateways_registered_key(small: Any) -> None:
    keys = {entry["id"]: entry for entry in small.registry["gateway_keys"]}
    for message, found in opened(small.messages):
        if found.source is None or message.key == b"example-h-mine-1/gw-1":
            continue
        assert is_sealed(message, keys)
        key = keys[(headers_of(message)["key"] or b"").decode()]
        assert (key["plant"], key["gateway"]) == (found.source.plant, found.source.gateway)


def test_a_message_goes_to_its_streams_topic_under_its_gateways_key(small: Any) -> None:
    for message, found in opened(small.messages):
        if found.source is not None:
            assert message.topic == PLANT_TOPICS[Stream(found.source.stream)]
            assert message.key == f"{found.source.plant}/{found.source.gateway}".encode()


def test_nothing_is_told_before_it_happened_but_by_careless_p(small: Any) -> None:
    early = {
        event.event.source
        for message, found in opened(small.messages)
        for event in found.events
        if event.event is not None and event_time(event.event) > message.at
    }
    assert early == {"example-p-mine-1"}


def test_chains_are_whole_but_where_a_story_breaks_them(small: Any) -> None:
    chains: dict[str, dict[int, Opened]] = defaultdict(dict)
    for message, found in opened(small.messages):
        if found.source is not None and message.key != b"example-h-mine-1/gw-1":
            chains[found.source.model_dump_json()].setdefault(found.sequence or 0, found)
    broken = set()
    for source, chain in chains.items():
        ordered = [chain[sequence] for sequence in sorted(chain)]
        whole = sorted(chain) == list(range(1, len(chain) + 1)) and ordered[0].previous is None
        if not whole or any(after.previous != before.hash for before, after in pairwise(ordered)):
            broken.add(source.split('"')[3])
    assert broken == {"example-l-mine-2", "example-p-mine-1"}


def test_a_restarted_gateway_names_the_last_envelope_it_formed(small: Any) -> None:
    last: dict[tuple[str, ...], Opened] = {}
    named = 0
    for message, found in opened(small.messages):
        if found.source is None or not found.source.plant.startswith("sim-") or message.value is None:
            continue
        source = (found.source.plant, found.source.gateway, found.source.stream)
        if found.continues is not None:
            named += 1
            assert found.continues.hash == last[source].hash.hex()
            assert found.continues.sequence == last[source].sequence
        last[source] = found
    assert named > 10


def test_simulated_lots_descend_from_lots(play: Any) -> None:
    made: set[str] = set()
    used: set[str] = set()
    for _, found in opened(play(5_000).messages):
        for event in found.events:
            data = event.event.data if event.event is not None else None
            lot = getattr(data, "lot", None)
            if lot is not None and "FORGED" not in lot:
                made.add(lot)
            used |= {line.lot for line in getattr(data, "inputs", ())}
    assert len(used) > 300
    assert used - made == {"example-w-separation-1/UNREPORTED-1"}


def test_no_more_of_a_lot_is_used_and_shipped_than_was_made(play: Any) -> None:
    left: dict[tuple[str, str], int] = defaultdict(int)
    for _, found in opened(play(5_000).messages):
        for event in (opened_event.event for opened_event in found.events):
            if event is None or event.source.startswith("example-"):
                continue
            data, plant = event.data, event.source
            if hasattr(data, "claimed_reo_kg"):
                left[plant, data.lot] += _grams(data.net_mass_kg)
            for line in getattr(data, "inputs", ()):
                left[plant, line.lot] -= _grams(line.net_mass_kg)
            for line in getattr(data, "lines", ()):
                if hasattr(line, "accepted_kg"):
                    left[plant, line.lot] += _grams(line.accepted_kg)
                elif hasattr(line, "lot"):
                    left[plant, line.lot] -= _grams(line.net_mass_kg)
    assert left
    assert min(left.values()) >= 0


def _grams(kilograms: str) -> int:
    return int(kilograms.replace(".", ""))


def test_everything_simulated_says_so(small: Any) -> None:
    real = {
        entry["code"]
        for file in REGISTRY.glob("*.yaml")
        for entry in yaml.safe_load(file.read_text(encoding="utf-8")).get("enterprises", ())
    }
    added = [entry for entry in small.registry["enterprises"] if entry["code"] not in real]
    assert len(added) > 20
    for entry in [*added, *small.registry["plants"]]:
        assert entry["simulated"] is True
        assert entry["name"].endswith(("(simulated)", "(invented)"))


def test_real_allocations_are_as_shipped_and_invented_ones_are_marked(small: Any) -> None:
    for entry in small.registry["allocations"]:
        assert entry.get("invented", False) == entry["holder"].startswith("example-")
        assert entry["holder"].startswith("example-") or entry["holder"] in REAL


def test_an_allocation_appears_on_its_day_of_issue(small: Any) -> None:
    for day in small.days:
        declared = small.registry_on(day.day).get("allocations", ())
        assert all(entry["issued_on"] <= day.day.isoformat() for entry in declared)
    for entry in small.registry["allocations"]:
        issued_on = date.fromisoformat(entry["issued_on"])
        assert entry in small.registry_on(issued_on)["allocations"]
        assert entry not in small.registry_on(issued_on - timedelta(days=1)).get("allocations", ())
