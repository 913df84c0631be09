"""What does not fit together is refused, and what does is not."""

from collections.abc import Callable
from pathlib import Path

import pytest
from nacl.encoding import URLSafeBase64Encoder
from nacl.signing import SigningKey

from monazite_consumers.registry.checks import check
from monazite_consumers.registry.files import read

Write = Callable[[dict[str, str]], Path]

PUBLIC = SigningKey(bytes(32)).verify_key.encode(URLSafeBase64Encoder).decode().rstrip("=")

WORLD = """
enterprises:
  - {code: group, name: Group}
  - {code: acme, name: Acme}
  - {code: beta, name: Beta}
  - {code: solo, name: Solo}
plants:
  - {code: pl, name: Plant, province: jiangxi}
memberships:
  - {member: acme, group: group, since: 2023-01-01}
  - {member: beta, group: group, since: 2023-07-01}
allocations:
  - {decision: d1, batch: "1", year: 2023, holder: group, kind: separation, issued_on: 2023-03-24, tonnes_reo: 100, evidence: x}
"""  # noqa: E501

GRANT = "{{decision: d2, batch: b, year: 2023, holder: {holder}, kind: separation, issued_on: {day}, evidence: x, form: {form}, tonnes_reo: {tonnes}}}"  # noqa: E501
PASSED = "{{group: group, member: {member}, year: 2023, kind: separation, issued_on: {day}, tonnes_reo: {tonnes}}}"


def granted(form: str, tonnes: int, day: str, holder: str = "group") -> str:
    return f"allocations: [{GRANT.format(holder=holder, day=day, form=form, tonnes=tonnes)}]"


def passed(*rows: tuple[str, int, str]) -> str:
    entries = ", ".join(PASSED.format(member=member, tonnes=tonnes, day=day) for member, tonnes, day in rows)
    return f"breakdowns: [{entries}]"


SOUND = {
    "nothing more": "",
    "a plant that changes hands": """
operations:
  - {plant: pl, enterprise: acme, since: 2023-01-01, until: 2023-07-01}
  - {plant: pl, enterprise: solo, since: 2023-07-01}
""",
    "a member that changes groups": """
memberships:
  - {member: solo, group: group, since: 2022-01-01, until: 2023-01-01}
  - {member: solo, group: acme, since: 2023-01-01}
""",
    "groups that change places": """
memberships:
  - {member: solo, group: beta, since: 2020-01-01, until: 2021-01-01}
  - {member: beta, group: solo, since: 2021-01-01, until: 2022-01-01}
""",
    "a grant passed on whole": passed(("acme", 60, "2023-03-24"), ("beta", 40, "2023-07-01")),
    "a part moved to another member": passed(
        ("acme", 100, "2023-03-24"), ("acme", -30, "2023-08-01"), ("beta", 30, "2023-08-01")
    ),
    "a cut of the whole": granted("cut", -100, "2023-03-24"),
    "a release without an announced reserve": granted("release", 5, "2023-05-01"),
    "successions of different years": """
successions:
  - {predecessor: solo, successor: acme, years: [2023]}
  - {predecessor: acme, successor: solo, years: [2024]}
""",
}

TWO_KEYS_OF_ONE_SECRET = f"""
plants: [{{code: pm, name: Other, province: jiangxi}}]
gateway_keys:
  - {{id: k1, plant: pl, gateway: g, public: {PUBLIC}, since: 2023-01-01T00:00:00Z}}
  - {{id: k2, plant: pm, gateway: g, public: {PUBLIC}, since: 2023-01-01T00:00:00Z}}
"""

BROKEN = {
    "an operation of nobody's plant": (
        "operations: [{plant: pl-1, enterprise: acme, since: 2023-01-01}]",
        "unknown-reference",
        "plant",
        "pl-1 is not among the plants (did you mean pl?)",
    ),
    "an unknown operator": (
        "operations: [{plant: pl, enterprise: acne, since: 2023-01-01}]",
        "unknown-reference",
        "enterprise",
        "did you mean acme?",
    ),
    "a key of nobody's plant": (
        f"gateway_keys: [{{id: k, plant: other, gateway: g, public: {PUBLIC}, since: 2023-01-01T00:00:00Z}}]",
        "unknown-reference",
        "plant",
        "other",
    ),
    "an unknown holder": (granted("grant", 1, "2023-03-24", "nobody"), "unknown-reference", "holder", "nobody"),
    "an unknown group": (
        "memberships: [{member: solo, group: nobody, since: 2023-01-01}]",
        "unknown-reference",
        "group",
        "nobody",
    ),
    "an approval of nobody": (
        "approvals: [{enterprise: nobody, activity: mining, since: 2023-01-01}]",
        "unknown-reference",
        "enterprise",
        "nobody",
    ),
    "a duty of nobody": (
        "duties: [{enterprise: nobody, since: 2023-01-01, basis: Order 71}]",
        "unknown-reference",
        "enterprise",
        "nobody",
    ),
    "an excuse of nobody's plant": (
        "excuses: [{plant: pl-1, month: 2023-02, decision: Decision 7}]",
        "unknown-reference",
        "plant",
        "did you mean pl?",
    ),
    "a licence of nobody": (
        """licences:
  - {number: EX-1, enterprise: acne, form: general, products: [terbium-oxide], destination: JP, end_user: Works,
     net_mass_kg: '1.000', since: 2025-05-01}""",
        "unknown-reference",
        "enterprise",
        "did you mean acme?",
    ),
    "an unknown successor": (
        "successions: [{predecessor: solo, successor: nobody, years: [2023]}]",
        "unknown-reference",
        "successor",
        "nobody",
    ),
    "the same key twice": (
        "enterprises: [{code: solo, name: Another}]",
        "duplicate-entry",
        "",
        "declared already (a.yaml:6)",
    ),
    "settings twice": ("settings: {}\nz: 1", "duplicate-entry", "", "declared already"),
    "two operators at once": (
        """
operations:
  - {plant: pl, enterprise: acme, since: 2023-01-01, until: 2023-07-01}
  - {plant: pl, enterprise: solo, since: 2023-06-30}
""",
        "overlap",
        "since",
        "acme since 2023-01-01",
    ),
    "an operator within another's time": (
        """
operations:
  - {plant: pl, enterprise: acme, since: 2023-01-01}
  - {plant: pl, enterprise: solo, since: 2023-06-30, until: 2023-07-01}
""",
        "overlap",
        "since",
        "acme since 2023-01-01",
    ),
    "two groups at once": (
        "memberships: [{member: acme, group: solo, since: 2024-01-01}]",
        "overlap",
        "since",
        "group since 2023-01-01",
    ),
    "a circle of groups": (
        "memberships: [{member: group, group: acme, since: 2024-01-01}]",
        "circle",
        "group",
        "group → acme → group",
    ),
    "its own group": (
        "memberships: [{member: solo, group: solo, since: 2024-01-01}]",
        "circle",
        "group",
        "solo → solo",
    ),
    "two successors of a year": (
        """
successions:
  - {predecessor: solo, successor: acme, years: [2023, 2024]}
  - {predecessor: solo, successor: beta, years: [2024]}
""",
        "overlap",
        "years",
        "2024",
    ),
    "its own successor": (
        "successions: [{predecessor: solo, successor: solo, years: [2023]}]",
        "circle",
        "successor",
        "solo",
    ),
    "two keys of one secret": (
        TWO_KEYS_OF_ONE_SECRET,
        "same-public-key",
        "public",
        "k1 has the same public key",
    ),
    "a breakdown to a stranger": (passed(("solo", 10, "2023-03-24")), "not-a-member", "member", "solo"),
    "a breakdown before the membership": (passed(("beta", 10, "2023-06-30")), "not-a-member", "member", "beta"),
    "more passed on than granted": (
        passed(("acme", 101, "2023-03-24")),
        "over-grant",
        "tonnes_reo",
        "on 2023-03-24 group would be 1 t short of its separation cap of 2023",
    ),
    "passed on before it is granted": (passed(("acme", 10, "2023-03-23")), "over-grant", "tonnes_reo", "2023-03-23"),
    "more taken back than passed on": (
        passed(("acme", 10, "2023-03-24"), ("acme", -11, "2023-04-01")),
        "over-grant",
        "tonnes_reo",
        "acme would be 1 t short",
    ),
    "a cut below zero": (granted("cut", -101, "2023-04-01"), "below-zero", "tonnes_reo", "1 t short"),
    "a cut before the first grant": (granted("cut", -1, "2023-03-23"), "below-zero", "tonnes_reo", "2023-03-23"),
    "a cut of what is passed on": (
        granted("cut", -50, "2023-08-01") + "\n" + passed(("acme", 60, "2023-03-24")),
        "below-zero",
        "tonnes_reo",
        "10 t short",
    ),
    "more released than reserved": (
        "allocations:\n  - "
        + GRANT.format(holder="group", day="2023-03-24", form="reserve", tonnes=10)
        + "\n  - "
        + GRANT.format(holder="group", day="2023-08-01", form="release", tonnes=11),
        "over-reserve",
        "tonnes_reo",
        "1 t more",
    ),
}


@pytest.mark.parametrize("text", SOUND.values(), ids=SOUND.keys())
def test_what_fits_together_is_not_refused(directory: Write, text: str) -> None:
    assert check(read(directory({"a.yaml": WORLD, "b.yaml": text}))) == ()


@pytest.mark.parametrize(("text", "rule", "field", "said"), BROKEN.values(), ids=BROKEN.keys())
def test_what_does_not_fit_is_refused(directory: Write, text: str, rule: str, field: str, said: str) -> None:
    files = {"a.yaml": WORLD, "b.yaml": text}
    if text.startswith("settings"):
        files = {"a.yaml": WORLD + "settings: {}", "b.yaml": "settings: {}"}
    (found,) = check(read(directory(files)))
    assert (found.rule, found.field, found.file) == (rule, field, "b.yaml")
    assert said in found.detail
    assert found.remedy in str(found)


def test_an_overlap_is_seen_past_a_shorter_one_in_between(directory: Write) -> None:
    text = """
operations:
  - {plant: pl, enterprise: acme, since: 2023-01-01, until: 2023-12-01}
  - {plant: pl, enterprise: beta, since: 2023-03-01, until: 2023-04-01}
  - {plant: pl, enterprise: solo, since: 2023-11-01}
"""
    found = check(read(directory({"a.yaml": WORLD, "b.yaml": text})))
    assert [(each.rule, each.line) for each in found] == [("overlap", 4), ("overlap", 5)]


def test_a_circle_of_successors_is_told_at_each_link(directory: Write) -> None:
    text = "successions:\n" + "".join(
        f"  - {{predecessor: {one}, successor: {other}, years: [2023]}}\n"
        for one, other in [("acme", "beta"), ("beta", "solo"), ("solo", "acme")]
    )
    found = check(read(directory({"a.yaml": WORLD, "b.yaml": text})))
    assert [each.rule for each in found] == ["circle"] * 3


def test_all_problems_are_listed_at_once(directory: Write) -> None:
    text = "operations: [{plant: xx, enterprise: yy, since: 2023-01-01}]\nenterprises: [{code: solo, name: Solo}]"
    found = check(read(directory({"a.yaml": WORLD, "b.yaml": text})))
    assert sorted(each.rule for each in found) == ["duplicate-entry", "unknown-reference", "unknown-reference"]
