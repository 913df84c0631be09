"""Documents of the monthly report for tests: a nation, a province, an enterprise, a plant, an empty month, extremes."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from monazite_contracts.report_lines import (
    AmendmentLine,
    BalanceLine,
    CapLine,
    ConditionLine,
    CoverageLine,
    DeclarationLine,
    DeclaredFigure,
    Difference,
    FlowLine,
    OpenShipmentLine,
    OutputLine,
    PartLine,
    Plant,
    ShipmentTotal,
)
from monazite_contracts.reports import Before, PartitionPosition, Position, Scope, TraceabilityReport

JUDGED_AT = datetime(2023, 6, 10, 16, 0, 0, tzinfo=UTC)
TONNE = 1_000_000
PROVINCES = (
    ("neimenggu", "内蒙古自治区"),
    ("jiangxi", "江西省"),
    ("sichuan", "四川省"),
    ("guangdong", "广东省"),
    ("shandong", "山东省"),
    ("jiangsu", "江苏省"),
)
ENTERPRISES = (
    ("northern", "中国北方稀土(集团)高科技股份有限公司", 80_943, 73_403),
    ("creg", "中国稀土集团有限公司", 28_114, 33_304),
    ("shihe", "石河稀土股份有限公司 (invented)", 9_000, 8_000),
    ("linjiang", "临江冶炼分离有限责任公司 (invented)", 0, 6_500),
)
TRADES = (
    ("mine", "矿山", "mined", "mixed-concentrate", "domestic"),
    ("sep", "分离厂", "separated", "ndpr-oxide", "domestic"),
    ("sep2", "第二分离厂", "separated", "cerium-oxide", "imported"),
    ("metal", "金属冶炼厂", "smelted", "ndpr-metal", "domestic"),
    ("scrap", "资源综合利用厂", "recovered", "neodymium-oxide", "recycled"),
)
DIFFERING = (
    DeclaredFigure(product="cerium-oxide", column="made", declared_g=900 * TONNE, computed_g=887_013_013),
    DeclaredFigure(product="cerium-oxide", column="closing", declared_g=300 * TONNE, computed_g=287_013_013),
)
HOSTILE = (
    '=HYPERLINK("http://x","a")',
    "<script>alert(1)</script>&amp;",
    "#set page(width: 1pt) $x$ *b* _i_ `c` @ref <l> \\ // /* ]",
    "+1-1|cmd '\" , ; {}",
    "@SUM(A1)",
    "-2+3",
)


def a_report(**fields: Any) -> TraceabilityReport:
    """An empty month of one plant; the test overrides what matters."""
    known: dict[str, Any] = {
        "type": "monazite.traceability-report.v1",
        "scope": Scope(level="plant", code="shihe-mine", name="石河矿山"),
        "month": "2023-05",
        "from_day": "2023-05-01",
        "to_day": "2023-05-31",
        "preliminary": False,
        "revision": 1,
        "position": a_position(),
        "simulated": True,
        "compared_with": None,
        "open_shipments_total": len(fields.get("open_shipments", ())),
        "overdue_shipments_total": sum(
            line.due_at is not None and line.due_at <= JUDGED_AT for line in fields.get("open_shipments", ())
        ),
        "amendments_total": len(fields.get("amendments", ())),
    }
    lists = (
        "plants", "parts", "caps", "output", "flows", "balances", "coverage", "shipments", "open_shipments",
        "declarations", "conditions", "cleared", "amendments", "differences",
    )  # fmt: skip
    return TraceabilityReport(**(known | dict.fromkeys(lists, ()) | fields))


def a_position(**fields: Any) -> Position:
    """Read to the month's deadline."""
    partitions = tuple(
        PartitionPosition(topic=topic, partition=partition, generation=1, next_offset=10_000 + partition)
        for topic in ("plant-declarations", "plant-production", "plant-shipments")
        for partition in range(4)
    )
    known = {"partitions": partitions, "registry_revision": 42, "outage_revision": 3}
    return Position(**(known | {"judged_at": JUDGED_AT, "known_until": JUDGED_AT, "release": "0.1.0"} | fields))


def a_plant(number: int, provinces: int = len(PROVINCES)) -> Plant:
    """One of many, each trade in each province."""
    province, province_name = PROVINCES[number % provinces]
    enterprise, enterprise_name, _, _ = ENTERPRISES[number // 5 % len(ENTERPRISES)]
    trade, trade_name, *_ = TRADES[number % len(TRADES)]
    return Plant(
        code=f"{enterprise}-{trade}-{number:03d}",
        name=f"{enterprise_name[:6]}{province_name[:3]}{trade_name}{number:03d}",
        enterprise=enterprise,
        enterprise_name=enterprise_name,
        province=province,
        province_name=province_name,
    )


def a_nation(plants: int = 60, **fields: Any) -> TraceabilityReport:
    """Six provinces, four enterprises, findings of every kind."""
    return _of(Scope(level="nation", code="nation", name="nation"), [a_plant(n) for n in range(plants)], fields)


def a_province(**fields: Any) -> TraceabilityReport:
    """Ten plants; caps are not its to see."""
    plants = [plant for plant in map(a_plant, range(60)) if plant.province == "jiangxi"]
    return _of(Scope(level="province", code="jiangxi", name="江西省"), plants, {"caps": ()} | fields)


def an_enterprise(**fields: Any) -> TraceabilityReport:
    """Fifteen plants of one holder."""
    plants = [plant for plant in map(a_plant, range(60)) if plant.enterprise == "northern"]
    caps = tuple(cap for cap in _caps() if cap.holder == "northern")
    scope = Scope(level="enterprise", code="northern", name=plants[0].enterprise_name)
    return _of(scope, plants, {"caps": caps, "parts": ()} | fields)


def a_plant_report(**fields: Any) -> TraceabilityReport:
    """One plant with its month."""
    plant = a_plant(1)
    return _of(Scope(level="plant", code=plant.code, name=plant.name), [plant], {"caps": (), "parts": ()} | fields)


def a_second_revision(plants: int = 60) -> TraceabilityReport:
    """The nation again, with what changed."""
    before = Before(month="2023-05", revision=1, hash="ab" * 32)
    differences = (
        Difference(topic="caps", of="northern / separation", figure="drawn_g", before=31_000 * TONNE,
                   after=31_012_345_678),
        Difference(topic="output", of="northern-sep-001 / separated / ndpr-oxide / domestic", figure="reo_g",
                   before=None, after=12_345_678),
        Difference(topic="declarations", of="creg-metal-008", figure="status", before="missing", after="late"),
        Difference(topic="declarations", of="creg-metal-008", figure="filed_at", before=None,
                   after="2023-06-12T03:04:05.123456Z"),
        Difference(topic="declarations", of="creg-metal-008", figure="differences", before=0, after=2),
        Difference(topic="balances", of="northern-sep-001 / separation / REO", figure="recovery_ppm",
                   before=925_000, after=931_250),
        Difference(topic="flows", of="shihe-mine-010 / mixed-concentrate / reo", figure="closing_g", before=5,
                   after=None),
    )  # fmt: skip
    return a_nation(plants, revision=2, compared_with=before, differences=differences)


def extremes() -> TraceabilityReport:
    """The longest names and codes, the largest figures, and free text of every kind."""
    long = "内蒙古自治区包头稀土高新技术产业开发区稀有稀土金属资源综合利用与环境保护示范工程有限责任公司" * 4
    code = "a" * 32
    plant = Plant(code=code, name=long[:200], enterprise="W" * 200, enterprise_name=long[:200], province="p" * 200,
                  province_name=long[:200])  # fmt: skip
    huge = 100_000_000 * TONNE - 1
    hostile = tuple(
        Plant(code=f"hostile-{n}", name=text, enterprise="evil", enterprise_name=text, province="evil",
              province_name=text)
        for n, text in enumerate(HOSTILE)
    )  # fmt: skip
    flows = tuple(
        FlowLine(plant=p.code, product="W" * 200, unit=unit, opening_g=huge, in_g=huge, made_g=huge, used_g=huge,
                 shipped_g=huge, lost_g=huge, closing_g=-huge)
        for p in (plant, *hostile) for unit in ("product", "reo")
    )  # fmt: skip
    caps = tuple(
        CapLine(holder=f"{n}" * 200, name=long[:200], group=None, kind=kind, granted_g=granted_g, drawn_g=huge,
                headroom_g=None if granted_g is None else granted_g - huge,
                drawn_in_month_g=huge, rate_g_per_day=huge, projected_g=huge * 12, overrun_then_g=huge)
        for n, (kind, granted_g) in enumerate(
            (("separation", 0), ("mining_rock", None), ("W" * 200, huge), ("separation", 1))
        )
    )  # fmt: skip
    conditions = tuple(
        ConditionLine(alert="f" * 32, rule="r" * 200, severity=severity, subject=text, period=text,
                      summary=f"{text}\n\t\u202eevil {long}" * 8, basis=text)
        for severity in ("information", "critical") for text in HOSTILE
    )  # fmt: skip
    return a_report(
        scope=Scope(level="province", code="p" * 200, name=long[:200]),
        plants=(plant, *hostile),
        flows=flows,
        caps=caps,
        conditions=conditions,
        output=tuple(
            OutputLine(plant=p.code, activity="separated", product="ndpr-oxide", origin="other", net_g=huge, reo_g=huge)
            for p in (plant, *hostile)
        ),
        parts=(_part("province", "p" * 200, long[:200], (plant,)), _part("enterprise", "W" * 200, HOSTILE[1], hostile)),
        amendments=(
            AmendmentLine(plant=code, kind="void", event="9" * 200, arrived_at=JUDGED_AT, reason="x" * 3_000),
            AmendmentLine(plant=HOSTILE[0], kind="void", event="e", arrived_at=JUDGED_AT, reason="𠮷龘 😀 \x00 עברית"),
        ),
        amendments_total=70_000,
    )


def _of(scope: Scope, plants: Sequence[Plant], fields: dict[str, Any]) -> TraceabilityReport:
    output = tuple(line for n, plant in enumerate(plants) for line in _output(plant, n))
    flows = tuple(line for n, plant in enumerate(plants) for line in _flows(plant, n))
    open_shipments = tuple(_open(plants, n) for n in range(0, len(plants), 4))
    known: dict[str, Any] = {
        "scope": scope,
        "plants": tuple(plants),
        "caps": tuple(_caps()),
        "output": output,
        "flows": flows,
        "balances": tuple(_balance(plant, n) for n, plant in enumerate(plants)),
        "coverage": tuple(
            CoverageLine(plant=o.plant, product=o.product, made_g=o.net_g, lawful_g=o.net_g * (100 - n % 3) // 100)
            for n, o in enumerate(output)
        ),
        "shipments": tuple(
            ShipmentTotal(plant=p.code, state=state, shipments=20 - n % 7, net_g=(20 - n % 7) * 18_500_000)
            for n, p in enumerate(plants)
            for state in ("in full", "on the way")
        ),
        "open_shipments": open_shipments,
        "open_shipments_total": len(open_shipments),
        "declarations": tuple(_declaration(plant, n) for n, plant in enumerate(plants)),
        "conditions": tuple(_condition(plant, n) for n, plant in enumerate(plants) if n % 4 == 0),
        "cleared": tuple(_condition(plant, n) for n, plant in enumerate(plants) if n % 20 == 1),
        "amendments": tuple(_amendment(plant, n) for n, plant in enumerate(plants) if n % 10 == 2),
        "parts": _parts(scope, plants, output),
    }
    known["amendments_total"] = len(known["amendments"])
    return a_report(**(known | fields))


def _caps() -> list[CapLine]:
    lines = []
    for n, (holder, name, rock_t, separation_t) in enumerate(ENTERPRISES):
        for kind, granted_t in (
            ("mining_ionic", 7_434 if n == 1 else 0),
            ("mining_rock", rock_t),
            ("separation", separation_t),
        ):
            if granted_t:
                lines.append(_cap(holder, name, kind, (granted_t, 30 + 15 * n)))
    invented = _cap("jinhe", "金河稀土 (invented)", "separation", (0, 0))
    return [*lines, invented.model_copy(update={"granted_g": None, "headroom_g": None, "drawn_g": 812_345_678})]


def _cap(holder: str, name: str, kind: str, granted_t_and_percent: tuple[int, int]) -> CapLine:
    granted_t, percent = granted_t_and_percent
    drawn_g = granted_t * TONNE * percent // 100 + (34_500_123 if holder == "linjiang" else 123_457)
    drawn_g = drawn_g + granted_t * TONNE // 2 if holder == "linjiang" else drawn_g
    return CapLine(
        holder=holder, name=name, group=None, kind=kind, granted_g=granted_t * TONNE, drawn_g=drawn_g,
        headroom_g=granted_t * TONNE - drawn_g,
        drawn_in_month_g=drawn_g // 5, rate_g_per_day=drawn_g // 151, projected_g=drawn_g * 365 // 151,
        overrun_then_g=max(0, drawn_g - granted_t * TONNE),
    )  # fmt: skip


def _output(plant: Plant, n: int) -> list[OutputLine]:
    _, _, activity, product, origin = TRADES[n % len(TRADES)]
    net_g = (900 - 13 * (n % 17)) * TONNE + n * 1_001
    first = OutputLine(
        plant=plant.code, activity=activity, product=product, origin=origin, net_g=net_g, reo_g=net_g * 3 // 5
    )
    second = first.model_copy(update={"origin": "monazite", "net_g": net_g // 9, "reo_g": net_g // 15})
    return [first, second] if activity == "separated" else [first]


def _flows(plant: Plant, n: int) -> list[FlowLine]:
    lines = []
    for o in _output(plant, n)[:1]:
        for unit, made_g in (("product", o.net_g), ("reo", o.reo_g)):
            opening_g, used_g, shipped_g, lost_g = made_g // 3, made_g // 7, made_g // 2, made_g // 900
            closing_g = opening_g + made_g // 4 + made_g - used_g - shipped_g - lost_g
            kind: Literal["product", "reo"] = "product" if unit == "product" else "reo"
            lines.append(
                FlowLine(plant=plant.code, product=o.product, unit=kind, opening_g=opening_g, in_g=made_g // 4,
                         made_g=made_g, used_g=used_g, shipped_g=shipped_g, lost_g=lost_g, closing_g=closing_g)
            )  # fmt: skip
    return lines


def _balance(plant: Plant, n: int) -> BalanceLine:
    used_g, made_g = 600 * TONNE + n, (600 - 9 * (n % 9)) * TONNE
    low_ppm, high_ppm = (900_000, 1_000_000) if n % 3 else (None, None)
    step = ("beneficiation", "separation", "separation", "electrolysis", "recovery")[n % 5]
    return BalanceLine(
        plant=plant.code, step=step, element="REO", used_g=used_g, made_g=made_g, uncertainty_g=2 * TONNE,
        recovery_ppm=made_g * 1_000_000 // used_g, low_ppm=low_ppm, high_ppm=high_ppm,
    )  # fmt: skip


def _open(plants: Sequence[Plant], n: int) -> OpenShipmentLine:
    consignor, consignee = plants[n], plants[(n + 7) % len(plants)]
    return OpenShipmentLine(
        shipment=f"{consignor.code} / WB-202305{n % 28 + 1:02d}-{n:04d}", consignor=consignor.code,
        consignee=consignee.code, state="on the way", actor=consignee.code,
        due_at=JUDGED_AT + timedelta(days=n % 9 - 4), dispatched_at=JUDGED_AT - timedelta(days=20, minutes=n),
        net_g=18_500_000 + n,
    )  # fmt: skip


def _declaration(plant: Plant, n: int) -> DeclarationLine:
    status = ("reported", "reported", "reported", "confirmed nil", "late", "reported", "missing", "reported")[n % 8]
    filed_at = None if status == "missing" else JUDGED_AT - timedelta(hours=31 + n)
    return DeclarationLine(
        plant=plant.code, enterprise=plant.enterprise, status=status, deadline=JUDGED_AT, filed_at=filed_at,
        differences=2 if n % 11 == 3 else 0, differing=DIFFERING if n % 11 == 3 else (),
    )  # fmt: skip


def _condition(plant: Plant, n: int) -> ConditionLine:
    severity = ("critical", "serious", "warning", "information")[n // 4 % 4]
    rule = ("over-on-hand", "parent-unknown", "receipt-overdue", "declaration-missing")[n // 4 % 4]
    return ConditionLine(
        alert=f"{n:032x}", rule=rule, severity=severity, subject=plant.code, period="2023-05",
        summary=f"{plant.name}: 12.500 kg more was used of lot {plant.code}/L-{n} than was on hand.",
        basis="Decree 785 art. 14, 25",
    )  # fmt: skip


def _amendment(plant: Plant, n: int) -> AmendmentLine:
    return AmendmentLine(
        plant=plant.code, kind=("correction", "void", "assay")[n % 3], event=f"{n:08x}-aaaa-5bbb-8ccc-123456789abc",
        arrived_at=JUDGED_AT - timedelta(hours=n), reason="化验结果更正: moisture was read from the wrong certificate",
    )  # fmt: skip


def _parts(scope: Scope, plants: Sequence[Plant], output: Sequence[OutputLine]) -> tuple[PartLine, ...]:
    provinces = dict.fromkeys((p.province, p.province_name) for p in plants) if scope.level == "nation" else {}
    enterprises = dict.fromkeys((p.enterprise, p.enterprise_name) for p in plants)
    made = {plant.code: [line for line in output if line.plant == plant.code] for plant in plants}
    return tuple(
        _part(level, code, name, [p for p in plants if getattr(p, level) == code], made)
        for level, found in (("enterprise", enterprises), ("province", provinces))
        for code, name in sorted(found)
    )  # type: ignore[arg-type]


def _part(
    level: Literal["province", "enterprise"],
    code: str,
    name: str,
    plants: Sequence[Plant],
    made: dict[str, list[OutputLine]] | None = None,
) -> PartLine:
    lines = [line for plant in plants for line in (made or {}).get(plant.code, ())]
    sums = {
        word: sum(o.reo_g for o in lines if o.activity == word)
        for word in ("mined", "separated", "smelted", "recovered")
    }
    net_g = sum(line.net_g for line in lines)
    return PartLine(
        level=level, code=code, name=name, plants=len(plants), **{f"{word}_reo_g": g for word, g in sums.items()},
        shipped_reo_g=sum(o.reo_g // 2 for o in lines), closing_reo_g=sum(o.reo_g for o in lines), made_g=net_g,
        lawful_g=net_g * 99 // 100, owed=len(plants), filed=len(plants) - len(plants) // 8, conditions=len(plants) // 4,
    )  # fmt: skip
