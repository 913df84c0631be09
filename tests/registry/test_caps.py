"""Who holds which cap on which day: membership, groups, breakdown, succession, cut, release, reserve, the list."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as some
from nacl.encoding import URLSafeBase64Encoder
from nacl.signing import SigningKey

from monazite_consumers.rules.entries import (
    Allocation,
    Approval,
    Breakdown,
    GatewayKey,
    Membership,
    Operation,
    Succession,
)
from monazite_consumers.rules.facts import Entry
from monazite_consumers.rules.grants import Grant, granted_g
from monazite_consumers.rules.registry import Registry
from monazite_contracts.catalogue import CapKind

KIND = CapKind.SEPARATION
TONNE = 1_000_000
JANUARY, MARCH, JUNE, JULY, DECEMBER = (date(2023, month, 1) for month in (1, 3, 6, 7, 12))
LAST_DAY = date(2023, 12, 31)


def a_registry(*entries: Entry) -> Registry:
    nouns = {
        Membership: "memberships",
        Operation: "operations",
        Allocation: "allocations",
        Breakdown: "breakdowns",
        Succession: "successions",
        Approval: "approvals",
        GatewayKey: "gateway_keys",
    }
    return Registry.of(1, [(nouns[type(entry)], entry) for entry in entries])


def runs(enterprise: str, since: date = JANUARY, until: date | None = None, plant: str = "plant") -> Operation:
    return Operation(plant=plant, enterprise=enterprise, since=since, until=until)


def belongs(member: str, group: str, since: date = JANUARY, until: date | None = None) -> Membership:
    return Membership(member=member, group=group, since=since, until=until)


def issued(holder: str, tonnes: int, on: date = MARCH, **fields: Any) -> Allocation:
    stated = {"decision": "d", "batch": str(on), "year": on.year, "kind": KIND, "evidence": "test"} | fields
    form = fields.get("form", "cut" if tonnes < 0 else "grant")
    return Allocation(**stated | {"holder": holder, "tonnes_reo": tonnes, "issued_on": on, "form": form})


def passed(group: str, member: str, tonnes: int, on: date = MARCH) -> Breakdown:
    return Breakdown(group=group, member=member, year=on.year, kind=KIND, issued_on=on, tonnes_reo=tonnes)


def succeeds(predecessor: str, successor: str, *years: int) -> Succession:
    return Succession(predecessor=predecessor, successor=successor, years=years)


def granted_t(registry: Registry, holder: str, day: date = LAST_DAY, year: int = 2023) -> float:
    return granted_g(registry.grants(holder, year, KIND), day) / TONNE


def undistributed_t(registry: Registry, holder: str, day: date = LAST_DAY) -> float:
    return registry.undistributed_g(holder, 2023, KIND, day) / TONNE


# Draws: whose caps


def test_a_draw_posts_to_the_plants_enterprise_and_every_group_above_it() -> None:
    registry = a_registry(runs("mill"), belongs("mill", "region"), belongs("region", "nation"))
    assert registry.holders("plant", MARCH) == ("mill", "region", "nation")


def test_a_plant_that_nobody_runs_posts_nowhere() -> None:
    registry = a_registry(runs("mill", since=MARCH, until=JULY))
    assert registry.holders("plant", MARCH - timedelta(days=1)) == ()
    assert registry.holders("plant", MARCH) == ("mill",)
    assert registry.holders("plant", JULY) == ()
    assert registry.holders("elsewhere", MARCH) == ()


def test_a_plant_that_moves_mid_year_posts_to_whoever_ran_it_on_the_day() -> None:
    registry = a_registry(runs("mill", until=JULY), runs("rival", since=JULY), belongs("mill", "group"))
    assert registry.holders("plant", JULY - timedelta(days=1)) == ("mill", "group")
    assert registry.holders("plant", JULY) == ("rival",)


DATES = some.dates(date(2022, 12, 30), date(2024, 1, 2))
SPANS = some.tuples(DATES, some.none() | DATES).filter(lambda span: span[1] is None or span[0] < span[1])


@given(SPANS, SPANS, SPANS, some.lists(DATES, min_size=2))
def test_what_holds_on_a_day_does_not_depend_on_the_days_that_were_asked_about_before(
    ran: tuple[date, date | None], joined: tuple[date, date | None], listed: tuple[date, date | None], days: list[date]
) -> None:
    approval = Approval(enterprise="group", activity="separation", since=listed[0], until=listed[1])
    entries = (
        runs("mill", *ran),
        belongs("mill", "group", *joined),
        approval,
        succeeds("mill", "heir", 2024),
    )
    asked = a_registry(*entries)
    for day in days:
        fresh = a_registry(*entries)
        assert asked.holders("plant", day) == fresh.holders("plant", day)
        assert asked.listed("plant", KIND, day) == fresh.listed("plant", KIND, day)


def test_an_enterprise_that_changes_groups_mid_year_posts_to_the_group_of_the_day() -> None:
    registry = a_registry(runs("mill"), belongs("mill", "old", until=JULY), belongs("mill", "new", since=JULY))
    assert registry.holders("plant", JUNE) == ("mill", "old")
    assert registry.holders("plant", JULY) == ("mill", "new")
    assert registry.is_member("mill", 2023)
    assert not registry.is_member("old", 2023)
    assert not registry.is_member("mill", 2022)


def test_a_membership_that_ends_on_new_year_is_none_of_the_new_year() -> None:
    registry = a_registry(belongs("mill", "group", until=date(2024, 1, 1)))
    assert registry.is_member("mill", 2023)
    assert not registry.is_member("mill", 2024)


def test_a_circle_does_not_hang_a_rule() -> None:
    registry = a_registry(
        runs("a1"), belongs("a1", "b1"), belongs("b1", "a1"), succeeds("c1", "d1", 2023), succeeds("d1", "c1", 2023)
    )
    assert registry.holders("plant", MARCH) == ("a1", "b1")
    assert registry.successor("c1", 2023) in {"c1", "d1"}


# Succession


def test_a_succession_moves_granted_and_drawn_whole_of_the_named_years_only() -> None:
    registry = a_registry(
        runs("old"),
        issued("old", 10, MARCH),
        issued("old", 7, date(2024, 2, 6)),
        issued("new", 100, MARCH),
        succeeds("old", "new", 2023),
    )
    assert registry.holders("plant", JANUARY) == ("new",)
    assert registry.holders("plant", LAST_DAY) == ("new",)
    assert registry.holders("plant", date(2024, 1, 1)) == ("old",)
    assert granted_t(registry, "new") == 110
    assert registry.grants("old", 2023, KIND) == ()
    assert granted_t(registry, "old", date(2024, 12, 31), 2024) == 7
    assert granted_t(registry, "new", date(2024, 12, 31), 2024) == 0


def test_successions_follow_one_another() -> None:
    registry = a_registry(succeeds("a1", "b1", 2023), succeeds("b1", "c1", 2023, 2024), issued("a1", 5))
    assert registry.successor("a1", 2023) == "c1"
    assert registry.successor("a1", 2024) == "a1"
    assert granted_t(registry, "c1") == 5


def test_a_holder_folded_into_its_own_group_draws_once() -> None:
    registry = a_registry(
        runs("xiamen"), belongs("xiamen", "group"), succeeds("xiamen", "group", 2023), issued("xiamen", 3)
    )
    assert registry.holders("plant", MARCH) == ("group",)
    assert granted_t(registry, "group") == 3


def test_what_a_successor_takes_over_counts_at_the_successors_group() -> None:
    registry = a_registry(runs("old"), succeeds("old", "new", 2023), belongs("new", "group"), issued("old", 4))
    assert registry.holders("plant", MARCH) == ("new", "group")
    assert granted_t(registry, "new") == granted_t(registry, "group") == 4


def test_a_group_that_was_taken_over_keeps_its_members_under_its_successor() -> None:
    registry = a_registry(runs("mill"), belongs("mill", "old"), succeeds("old", "new", 2023), belongs("new", "nation"))
    assert registry.holders("plant", MARCH) == ("mill", "new", "nation")
    assert registry.groups("mill", MARCH) == ("old",)


def test_a_breakdown_to_a_member_that_was_folded_into_the_group_adds_nothing() -> None:
    registry = a_registry(
        belongs("mill", "group"), issued("group", 100), passed("group", "mill", 40), succeeds("mill", "group", 2023)
    )
    assert granted_t(registry, "group") == 100
    assert undistributed_t(registry, "group") == 100


def test_a_breakdown_leaves_the_group_with_a_member_whose_caps_went_elsewhere() -> None:
    registry = a_registry(
        runs("mill"),
        belongs("mill", "group"),
        issued("group", 100),
        passed("group", "mill", 40),
        succeeds("mill", "rival", 2023),
    )
    assert registry.holders("plant", MARCH) == ("rival",)
    assert (granted_t(registry, "group"), granted_t(registry, "rival"), granted_t(registry, "mill")) == (60, 40, 0)


# Grants


def test_an_allocation_counts_from_the_day_it_is_issued() -> None:
    registry = a_registry(issued("mill", 10, MARCH), issued("mill", 5, DECEMBER, batch="2"))
    assert registry.grants("mill", 2023, KIND) == (Grant(MARCH, 10 * TONNE), Grant(DECEMBER, 5 * TONNE))
    days = (MARCH - timedelta(days=1), MARCH, DECEMBER - timedelta(days=1), DECEMBER)
    assert [granted_t(registry, "mill", day) for day in days] == [0, 10, 10, 15]
    assert registry.grants("mill", 2023, CapKind.MINING_ROCK) == ()


def test_a_cut_takes_off_and_a_release_adds() -> None:
    registry = a_registry(issued("mill", 10), issued("mill", -4, JUNE), issued("mill", 2, JULY, form="release"))
    assert [granted_t(registry, "mill", day) for day in (MARCH, JUNE, JULY)] == [10, 6, 8]


def test_a_reserve_grants_nothing_until_it_is_released() -> None:
    registry = a_registry(
        issued("mill", 10), issued("mill", 5, form="reserve"), issued("mill", 3, JULY, form="release")
    )
    assert [granted_t(registry, "mill", day) for day in (MARCH, JULY)] == [10, 13]
    days = (JANUARY, MARCH, JULY)
    assert [registry.reserved_g("mill", 2023, KIND, day) // TONNE for day in days] == [0, 5, 2]


def test_a_breakdown_grants_the_member_and_leaves_the_groups_grant_as_it_is() -> None:
    registry = a_registry(belongs("mill", "group"), issued("group", 100), passed("group", "mill", 40, JUNE))
    assert [granted_t(registry, "mill", day) for day in (MARCH, JUNE)] == [0, 40]
    assert registry.grants("group", 2023, KIND) == (Grant(MARCH, 100 * TONNE),)
    assert [undistributed_t(registry, "group", day) for day in (JANUARY, MARCH, JUNE)] == [0, 100, 60]


def test_a_breakdown_can_be_passed_on_further() -> None:
    registry = a_registry(
        belongs("mill", "region"),
        belongs("region", "nation"),
        issued("nation", 100),
        passed("nation", "region", 50),
        passed("region", "mill", 20),
    )
    assert [granted_t(registry, holder) for holder in ("nation", "region", "mill")] == [100, 50, 20]
    assert [undistributed_t(registry, holder) for holder in ("nation", "region", "mill")] == [50, 30, 20]


def test_a_part_can_be_moved_from_one_member_to_another() -> None:
    registry = a_registry(
        belongs("mill", "group"),
        belongs("works", "group"),
        issued("group", 100),
        passed("group", "mill", 60),
        passed("group", "mill", -20, JUNE),
        passed("group", "works", 20, JUNE),
    )
    assert [granted_t(registry, holder) for holder in ("group", "mill", "works")] == [100, 40, 20]
    assert undistributed_t(registry, "group") == 40


def test_what_is_issued_straight_to_a_member_counts_at_the_group_that_its_draws_count_at() -> None:
    registry = a_registry(belongs("mill", "group"), issued("group", 100), issued("mill", 30, batch="m"))
    assert (granted_t(registry, "group"), granted_t(registry, "mill")) == (130, 30)
    assert (undistributed_t(registry, "group"), undistributed_t(registry, "mill")) == (100, 30)


def test_a_penalty_on_a_member_cuts_the_group_too() -> None:
    registry = a_registry(
        belongs("mill", "group"), issued("group", 100), passed("group", "mill", 40), issued("mill", -10, JUNE)
    )
    assert (granted_t(registry, "group"), granted_t(registry, "mill")) == (90, 30)
    assert undistributed_t(registry, "group") == 60


def test_a_cap_issued_before_its_year_counts_at_the_group_of_its_year() -> None:
    early = issued("mill", 30, date(2022, 12, 20), year=2023)
    registry = a_registry(belongs("mill", "group", JANUARY), early)
    assert registry.grants("group", 2023, KIND) == (Grant(date(2022, 12, 20), 30 * TONNE),)


def test_a_first_issue_of_nothing_is_an_issue() -> None:
    assert a_registry(issued("mill", 0)).grants("mill", 2023, KIND) == (Grant(MARCH, 0),)


@given(
    some.lists(
        some.tuples(
            some.sampled_from(["group", "region", "mill", "rival"]), some.integers(1, 50), some.integers(0, 300)
        ),
        max_size=6,
    ),
    some.lists(some.tuples(some.sampled_from(["mill", "region"]), some.integers(1, 50)), max_size=4),
    some.sampled_from([None, ("mill", "rival"), ("region", "group"), ("region", "rival"), ("rival", "mill")]),
)
def test_passing_on_and_succeeding_never_make_or_lose_a_gram(
    allocations: list[tuple[str, int, int]], breakdowns: list[tuple[str, int]], succession: tuple[str, str] | None
) -> None:
    registry = a_registry(
        belongs("mill", "region"),
        belongs("region", "group"),
        *(issued(who, t, JANUARY + timedelta(days=d), batch=str(n)) for n, (who, t, d) in enumerate(allocations)),
        *(passed({"mill": "region", "region": "group"}[who], who, t) for who, t in breakdowns),
        *([] if succession is None else [succeeds(*succession, 2023)]),
    )
    holders = ("group", "region", "mill", "rival")
    assert sum(undistributed_t(registry, holder) for holder in holders) == sum(t for _, t, _ in allocations)
    tops = [holder for holder in holders if registry.successor(holder, 2023) == holder]
    tops = [holder for holder in tops if len(posts_to(registry, holder)) == 1]
    assert sum(granted_t(registry, holder) for holder in tops) == sum(t for _, t, _ in allocations)


def posts_to(registry: Registry, holder: str) -> tuple[str, ...]:
    """A holder and whose caps its draws post to above it."""
    with_plant = Registry.of(
        1, [*((noun, e) for noun, es in registry.entries.items() for e in es), ("operations", runs(holder))]
    )
    return with_plant.holders("plant", MARCH)


# The list


def approved(
    enterprise: str, since: date = JANUARY, until: date | None = None, activity: Any = "separation"
) -> Approval:
    return Approval(enterprise=enterprise, activity=activity, since=since, until=until)


def test_the_list_is_dated_and_by_activity() -> None:
    registry = a_registry(runs("mill"), approved("mill", MARCH, JULY), approved("mill", JULY, activity="mining"))
    days = (MARCH - timedelta(days=1), MARCH, JULY - timedelta(days=1), JULY)
    assert [registry.listed("plant", KIND, day) for day in days] == [False, True, True, False]
    assert registry.listed("plant", CapKind.MINING_IONIC, JULY)
    assert registry.listed("plant", CapKind.MINING_ROCK, JULY)


def test_a_group_on_the_list_answers_for_its_members_of_the_day() -> None:
    registry = a_registry(runs("mill"), belongs("mill", "group", until=JULY), approved("group"))
    assert registry.listed("plant", KIND, JUNE)
    assert not registry.listed("plant", KIND, JULY)


def test_a_successor_on_the_list_answers_for_the_years_it_took_over() -> None:
    registry = a_registry(runs("old", since=JANUARY), succeeds("old", "new", 2023), approved("new"))
    assert registry.listed("plant", KIND, LAST_DAY)
    assert not registry.listed("plant", KIND, date(2024, 1, 1))


def test_a_plant_that_nobody_runs_is_not_listed() -> None:
    assert not a_registry(approved("mill")).listed("plant", KIND, MARCH)


# Keys


def a_key(**fields: Any) -> GatewayKey:
    public = SigningKey(bytes(32)).verify_key.encode(URLSafeBase64Encoder).decode().rstrip("=")
    stated = {"id": "k1", "plant": "plant", "gateway": "g", "public": public, "since": "2023-01-01T00:00:00Z"}
    return GatewayKey(**stated | fields)


def test_a_key_vouches_from_its_beginning_until_its_end_or_revocation_whichever_is_first() -> None:
    def at(day: int) -> datetime:
        return datetime(2023, 1, day, tzinfo=UTC)

    key = a_key(until=at(20), revoked_from=at(10))
    assert [key.vouches_at(at(day)) for day in (1, 9, 10, 19, 20)] == [True, True, False, False, False]
    assert a_key(until=at(20)).vouches_at(at(19))
    assert not a_key(since=at(2)).vouches_at(at(1))
    assert a_key().vouches_at(at(31))
    assert a_registry(key).gateways == {("plant", "g")}
