"""Reading registry files: strict, and every refusal names place, rule and remedy."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from nacl.encoding import URLSafeBase64Encoder
from nacl.signing import SigningKey

from monazite_consumers.registry.files import entries, read
from monazite_consumers.registry.problems import REMEDIES, Problem, RegistryRefused
from monazite_consumers.rules.entries import Enterprise, GatewayKey, Membership, Settings

Write = Callable[[dict[str, str]], Path]

PUBLIC = SigningKey(bytes(32)).verify_key.encode(URLSafeBase64Encoder).decode().rstrip("=")

ALLOCATION = """
allocations:
  - decision: MIIT-joint-raw [2023] 23
    batch: "1"
    year: 2023
    holder: acme
    kind: separation
    issued_on: 2023-03-24
    tonnes_reo: 73403
    evidence: read
"""

KEY = f'gateway_keys: [{{id: k, plant: pl, gateway: g, public: {PUBLIC}, since: "SINCE"}}]'


def problems(directory: Path) -> tuple[Problem, ...]:
    with pytest.raises(RegistryRefused) as refused:
        read(directory)
    return refused.value.problems


def test_any_number_of_files_make_one_registry(directory: Write) -> None:
    folder = directory(
        {
            "a.yaml": "enterprises: [{code: acme, name: Acme}]\nsettings: {settle_minutes: 30}\n",
            "b.yml": "enterprises:\n  - {code: group, name: Group}\nmemberships:\n"
            "  - {member: acme, group: group, since: 2023-01-01, until: 2024-01-01}\n",
            "empty.yaml": "# nothing yet\n",
            "notes.txt": "not: read",
        }
    )
    assert entries(folder) == (
        ("enterprises", Enterprise(code="acme", name="Acme")),
        ("settings", Settings(settle_minutes=30)),
        ("enterprises", Enterprise(code="group", name="Group")),
        ("memberships", Membership(member="acme", group="group", since=date(2023, 1, 1), until=date(2024, 1, 1))),
    )


def test_an_instant_is_the_same_entry_with_any_offset(directory: Write) -> None:
    text = "gateway_keys: [{{id: k1, plant: pl, gateway: g1, public: {public}, since: {since}}}]"
    found = {
        read(directory({"a.yaml": text.format(public=PUBLIC, since=since)}))[0].entry
        for since in ('"2023-01-01T08:00:00+08:00"', '"2023-01-01T00:00:00Z"')
    }
    instant = datetime(2023, 1, 1, tzinfo=UTC)
    assert found == {GatewayKey(id="k1", plant="pl", gateway="g1", public=PUBLIC, since=instant)}


def test_a_refusal_names_file_line_noun_entry_field_rule_and_remedy(directory: Write) -> None:
    (found,) = problems(directory({"2023-1.yaml": ALLOCATION.replace("73403", "73403.5")}))
    assert str(found) == (
        "2023-1.yaml:9: allocations [entry 1] tonnes_reo: "
        "whole-number: found 73403.5; Input should be a valid integer. " + REMEDIES["whole-number"]
    )


@pytest.mark.parametrize(
    ("text", "rule", "field", "said"),
    [
        (ALLOCATION.replace("73403", "73403.0"), "whole-number", "tonnes_reo", "73403.0"),
        (ALLOCATION.replace("73403", '"73403"'), "whole-number", "tonnes_reo", "73403"),
        (ALLOCATION.replace("73403", "1_000"), "whole-number", "tonnes_reo", "1_000"),
        (ALLOCATION.replace("73403", "012"), "whole-number", "tonnes_reo", "012"),
        (ALLOCATION.replace("73403", "1:30"), "whole-number", "tonnes_reo", "1:30"),
        (ALLOCATION.replace("73403", "true"), "whole-number", "tonnes_reo", "True"),
        (ALLOCATION.replace("73403", "-1"), "sign", "tonnes_reo", "a cut is below zero"),
        (ALLOCATION.replace("2023-03-24", "2023-02-31"), "day", "issued_on", "2023-02-31"),
        (ALLOCATION.replace("2023-03-24", "2023-3-24"), "day", "issued_on", "2023-3-24"),
        (ALLOCATION.replace("2023-03-24", "20230324"), "day", "issued_on", "20230324"),
        (ALLOCATION.replace("2023-03-24", '"0"'), "day", "issued_on", "'0'"),
        (ALLOCATION.replace("2023-03-24", "2023-03-24T00:00:00Z"), "day", "issued_on", "T00"),
        (ALLOCATION.replace('"1"', "1"), "wrong-value", "batch", "found 1"),
        (ALLOCATION.replace("separation", "seperation"), "not-in-list", "kind", "did you mean separation?"),
        (ALLOCATION + "    invnted: true\n", "unknown-field", "invnted", "did you mean invented?"),
        (ALLOCATION.replace("    year: 2023\n", ""), "missing-field", "year", "year is missing"),
        (ALLOCATION.replace("allocations", "alocations"), "unknown-noun", "", "did you mean allocations?"),
        (ALLOCATION + "    year: 2024\n", "repeated-key", "year", "year stands twice"),
        ("plants: []\nplants: []\n", "repeated-key", "", "plants stands twice"),
        ("plants: {a: 1}\n", "not-a-list", "", "plants"),
        ("settings: [1]\n", "not-a-list", "", "settings"),
        ("plants: [acme]\n", "not-a-mapping", "", "entry"),
        ("- 1\n", "not-a-mapping", "", "file"),
        ("plants: [\n", "not-yaml", "", ""),
        ("plants: []\n---\nplants: []\n", "not-yaml", "", "document"),
        ("plants: [{code: !!python/name:os.system x}]\n", "not-yaml", "", "could not determine a constructor"),
        ("settings: {settle_minuets: 3}\n", "unknown-field", "settle_minuets", "did you mean settle_minutes?"),
        ("settings: {recycled_counts: no}\n", "wrong-value", "recycled_counts", "'no'"),
        (
            "memberships: [{member: aa, group: bb, since: 2023-05-01, until: 2023-05-01}]",
            "until-order",
            "until",
            "until lies after since",
        ),
        ("successions: [{predecessor: aa, successor: bb, years: []}]", "empty", "years", "at least 1"),
        (
            f"gateway_keys: [{{id: k, plant: pl, gateway: g, public: {PUBLIC}, since: 2023-01-01}}]",
            "instant",
            "since",
            "offset",
        ),
        (
            f"gateway_keys: [{{id: k, plant: pl, gateway: g, public: {PUBLIC}, since: 2023-01-01T00:00:00}}]",
            "instant",
            "since",
            "offset",
        ),
        (
            "gateway_keys: [{id: k, plant: pl, gateway: g, public: abc, since: 2023-01-01T00:00:00Z}]",
            "wrong-value",
            "public",
            "32 bytes",
        ),
        ("settings: {long_past_days: 99999999999}", "out-of-range", "long_past_days", "36500"),
        ("settings: {settle_minutes: 525601}", "out-of-range", "settle_minutes", "525600"),
        ("settings: {future_tolerance_minutes: 525601}", "out-of-range", "future_tolerance_minutes", "525600"),
        ("settings: {claim_tolerance_ppm: 1000001}", "out-of-range", "claim_tolerance_ppm", "1000000"),
        ("settings: {awaiting_per_source_max: 10000001}", "out-of-range", "awaiting_per_source_max", "10000000"),
        ("settings: {awaiting_total_max: 10000001}", "out-of-range", "awaiting_total_max", "10000000"),
        (ALLOCATION.replace("73403", "99999999999999999999"), "out-of-range", "tonnes_reo", "1000000000"),
        (ALLOCATION.replace("73403", "-1000000001"), "out-of-range", "tonnes_reo", "-1000000000"),
        (ALLOCATION.replace("73403", "9" * 5_000), "wrong-value", "", "no plain value"),
        (ALLOCATION.replace("2023-03-24", "1999-12-31"), "day", "issued_on", "outside the years 2000 to 2100"),
        (ALLOCATION.replace("2023-03-24", "2101-01-01"), "day", "issued_on", "outside the years 2000 to 2100"),
        (KEY.replace("SINCE", "0001-01-01T00:00:00+14:00"), "instant", "since", "outside the years 2000 to 2100"),
        (KEY.replace("SINCE", "9999-12-31T23:59:59-14:00"), "instant", "since", "outside the years 2000 to 2100"),
        (ALLOCATION.replace('"1"', r'"1\0"'), "visible-text", "batch", "cannot be seen"),
        (
            ALLOCATION.replace("MIIT", '"MIIT').replace(" 23\n", ' 23\\e[2J"\n'),
            "visible-text",
            "decision",
            "cannot be seen",
        ),
        (ALLOCATION.replace("evidence: read", r'evidence: "re\nad"'), "visible-text", "evidence", "cannot be seen"),
        (r'enterprises: [{code: acme, name: "A\u200bcme"}]', "visible-text", "name", "cannot be seen"),
        (r'enterprises: [{code: acme, name: Acme, name_zh: "x\0y"}]', "visible-text", "name_zh", "cannot be seen"),
        (r'enterprises: [{code: acme, name: Acme, name_zh: "x\ud800y"}]', "visible-text", "", "half a character"),
        (f"enterprises: [{{code: acme, name: Acme, evidence: {'x' * 501}}}]", "wrong-value", "evidence", "500"),
    ],
)
def test_what_is_not_exactly_right_is_refused(directory: Write, text: str, rule: str, field: str, said: str) -> None:
    (found,) = problems(directory({"a.yaml": text}))
    assert (found.rule, found.field) == (rule, field)
    assert said in found.detail
    assert found.file == "a.yaml"
    assert found.line >= 1


def test_all_problems_of_all_files_are_listed(directory: Write) -> None:
    folder = directory({"a.yaml": "plnts: []\nplants: [{code: A, nme: x}]\n", "b.yaml": "x", "c.yaml": ALLOCATION})
    assert [(each.file, each.line, each.rule) for each in problems(folder)] == [
        ("a.yaml", 1, "unknown-noun"),
        ("a.yaml", 2, "wrong-value"),
        ("a.yaml", 2, "missing-field"),
        ("a.yaml", 2, "missing-field"),
        ("a.yaml", 2, "unknown-field"),
        ("b.yaml", 1, "not-a-mapping"),
    ]


def test_a_file_in_another_encoding_is_refused(directory: Write, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes("plants: []  # 稀土".encode("gb18030"))
    assert [each.rule for each in problems(tmp_path)] == ["not-utf-8"]


def test_a_name_without_a_file_behind_it_is_refused(directory: Write, tmp_path: Path) -> None:
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "folder.yml").mkdir()
    found = problems(directory({"a.yaml": ALLOCATION}))
    assert [(each.file, each.rule) for each in found] == [("folder.yml", "not-a-file"), ("gone.yaml", "not-a-file")]


@pytest.mark.parametrize("text", ["", "# nothing\n", "plants: []\nenterprises: []\n"])
def test_a_directory_that_declares_nothing_is_refused(directory: Write, text: str) -> None:
    assert [each.rule for each in problems(directory({"r.yaml": text}))] == ["nothing-declared"]


def test_a_refusal_never_talks_to_the_terminal(directory: Write) -> None:
    for text in (r'"\e[2J\ud800": []', r'plants: [{"\e\ud800": 1}]', r'gateway_keys: [{id: "\e[2J\ud800"}]'):
        for found in problems(directory({"a.yaml": text})):
            assert str(found).isprintable()


def test_days_and_instants_at_the_bounds_are_taken_and_read_back(directory: Write) -> None:
    for since in ("2000-01-01T00:00:00+08:00", "2100-12-31T23:59:59+08:00"):
        entry = read(directory({"a.yaml": KEY.replace("SINCE", since)}))[0].entry
        assert GatewayKey.model_validate(entry.model_dump(mode="json")) == entry
    name = "Acme [North] (稀土) & Co. <1>"
    folder = directory({"a.yaml": f'enterprises: [{{code: acme, name: "{name}"}}]'})
    assert read(folder)[0].entry.name == name


def test_an_empty_directory_is_refused(tmp_path: Path) -> None:
    assert [each.rule for each in problems(tmp_path)] == ["no-files"]


def test_entries_that_do_not_fit_together_are_refused_with_their_places(directory: Write) -> None:
    with pytest.raises(RegistryRefused, match=r"a\.yaml:3: allocations .* holder: unknown-reference: acme"):
        entries(directory({"a.yaml": ALLOCATION}))
