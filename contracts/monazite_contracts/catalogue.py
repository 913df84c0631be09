"""The product catalogue and the oxide factors: what may be reported, and what it draws on.

Source: the domain page, sections 3 and 4. HS headings carry their evidence; codes of a single product are ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal, get_args


class Stage(StrEnum):
    """How far along the chain a product is (Decree 785 art. 30)."""

    ORE = "ore"
    COMPOUND = "compound"
    METAL = "metal"
    SECONDARY = "secondary"


class CapKind(StrEnum):
    """The kinds of cap that are issued."""

    MINING_ROCK = "mining_rock"
    MINING_IONIC = "mining_ionic"
    SEPARATION = "separation"


@dataclass(frozen=True, slots=True)
class Product:
    """One row of the catalogue. `mining_kind`: the cap that mining it draws on. `separated`: its elements are apart.

    `evidence` says how sure the HS heading is.
    """

    code: str
    name: str
    name_zh: str
    stage: Stage
    hs_heading: str
    mining_kind: CapKind | None = None
    separated: bool = False
    evidence: str = "recalled"
    licensed: bool = False
    """Its export needs a licence (Announcement 18 of 2025)."""


ProductCode = Literal[
    "bastnaesite-concentrate",
    "mixed-concentrate",
    "ionic-oxide-concentrate",
    "ionic-carbonate-concentrate",
    "monazite-concentrate",
    "xenotime-concentrate",
    "mixed-oxide",
    "mixed-carbonate",
    "mixed-chloride",
    "enriched-oxide",
    "lanthanum-oxide",
    "cerium-oxide",
    "lanthanum-cerium-carbonate",
    "praseodymium-oxide",
    "neodymium-oxide",
    "ndpr-oxide",
    "samarium-oxide",
    "europium-oxide",
    "gadolinium-oxide",
    "terbium-oxide",
    "dysprosium-oxide",
    "holmium-oxide",
    "erbium-oxide",
    "ytterbium-oxide",
    "lutetium-oxide",
    "yttrium-oxide",
    "scandium-oxide",
    "nitrate",
    "sulfate",
    "oxalate",
    "hydroxide",
    "fluoride",
    "phosphate",
    "lanthanum-metal",
    "cerium-metal",
    "ndpr-metal",
    "neodymium-metal",
    "terbium-metal",
    "dysprosium-metal",
    "mixed-metal",
    "dysprosium-iron",
    "re-magnesium",
    "re-ferrosilicon",
    "ndfeb-alloy",
    "ndfeb-magnet",
    "magnet-sludge",
    "magnet-scrap",
    "smelting-slag",
    "end-of-life-magnet",
]

_HS_READ: Final = {"2805.30", "2846", "7202.99.91"}
"""HS headings that the domain page states; the others are recalled, and nothing is decided by them."""

_ROWS: Final = (
    ("bastnaesite-concentrate", "bastnaesite concentrate", "氟碳铈矿精矿", "ore", "2530", CapKind.MINING_ROCK),
    ("mixed-concentrate", "mixed-type concentrate", "混合型稀土精矿", "ore", "2530", CapKind.MINING_ROCK),
    (
        "ionic-oxide-concentrate",
        "ionic-type mixed oxide",
        "离子型稀土矿(混合氧化物)",
        "ore",
        "2846",
        CapKind.MINING_IONIC,
    ),
    (
        "ionic-carbonate-concentrate",
        "ionic-type carbonate",
        "离子型稀土矿(碳酸稀土)",
        "ore",
        "2846",
        CapKind.MINING_IONIC,
    ),
    # No source splits monazite and xenotime between the two mining caps; both are won from rock or sand: assumed.
    ("monazite-concentrate", "monazite concentrate", "独居石精矿", "ore", "2612", CapKind.MINING_ROCK),
    ("xenotime-concentrate", "xenotime concentrate", "磷钇矿精矿", "ore", "2530", CapKind.MINING_ROCK),
    ("mixed-oxide", "mixed rare earth oxide", "混合氧化稀土", "compound", "2846", None),
    ("mixed-carbonate", "mixed rare earth carbonate", "混合碳酸稀土", "compound", "2846", None),
    ("mixed-chloride", "mixed rare earth chloride", "混合氯化稀土", "compound", "2846", None),
    ("enriched-oxide", "enriched rare earth oxide", "稀土富集物", "compound", "2846", None),
    ("lanthanum-oxide", "lanthanum oxide", "氧化镧", "separated", "2846", None),
    ("cerium-oxide", "cerium oxide", "氧化铈", "separated", "2846", None),
    ("lanthanum-cerium-carbonate", "lanthanum-cerium carbonate", "碳酸镧铈", "separated", "2846", None),
    ("praseodymium-oxide", "praseodymium oxide", "氧化镨", "separated", "2846", None),
    ("neodymium-oxide", "neodymium oxide", "氧化钕", "separated", "2846", None),
    ("ndpr-oxide", "praseodymium-neodymium oxide", "氧化镨钕", "separated", "2846", None),
    ("samarium-oxide", "samarium oxide", "氧化钐", "separated", "2846", None),
    ("europium-oxide", "europium oxide", "氧化铕", "separated", "2846", None),
    ("gadolinium-oxide", "gadolinium oxide", "氧化钆", "separated", "2846", None),
    ("terbium-oxide", "terbium oxide", "氧化铽", "separated", "2846", None),
    ("dysprosium-oxide", "dysprosium oxide", "氧化镝", "separated", "2846", None),
    ("holmium-oxide", "holmium oxide", "氧化钬", "separated", "2846", None),
    ("erbium-oxide", "erbium oxide", "氧化铒", "separated", "2846", None),
    ("ytterbium-oxide", "ytterbium oxide", "氧化镱", "separated", "2846", None),
    ("lutetium-oxide", "lutetium oxide", "氧化镥", "separated", "2846", None),
    ("yttrium-oxide", "yttrium oxide", "氧化钇", "separated", "2846", None),
    ("scandium-oxide", "scandium oxide", "氧化钪", "separated", "2846", None),
    ("nitrate", "rare earth nitrate", "硝酸稀土", "compound", "2846", None),
    ("sulfate", "rare earth sulfate", "硫酸稀土", "compound", "2846", None),
    ("oxalate", "rare earth oxalate", "草酸稀土", "compound", "2846", None),
    ("hydroxide", "rare earth hydroxide", "氢氧化稀土", "compound", "2846", None),
    ("fluoride", "rare earth fluoride", "氟化稀土", "compound", "2846", None),
    ("phosphate", "rare earth phosphate", "磷酸稀土", "compound", "2846", None),
    ("lanthanum-metal", "lanthanum metal", "金属镧", "metal", "2805.30", None),
    ("cerium-metal", "cerium metal", "金属铈", "metal", "2805.30", None),
    ("ndpr-metal", "praseodymium-neodymium metal", "镨钕金属", "metal", "2805.30", None),
    ("neodymium-metal", "neodymium metal", "金属钕", "metal", "2805.30", None),
    ("terbium-metal", "terbium metal", "金属铽", "metal", "2805.30", None),
    ("dysprosium-metal", "dysprosium metal", "金属镝", "metal", "2805.30", None),
    ("mixed-metal", "mischmetal", "混合稀土金属", "metal", "2805.30", None),
    ("dysprosium-iron", "dysprosium-iron alloy", "镝铁合金", "metal", "7202", None),
    ("re-magnesium", "rare earth magnesium alloy", "稀土镁合金", "metal", "8104", None),
    ("re-ferrosilicon", "rare earth ferrosilicon", "稀土硅铁合金", "metal", "7202.99.91", None),
    ("ndfeb-alloy", "NdFeB strip-cast alloy", "钕铁硼速凝片", "metal", "7202", None),
    ("ndfeb-magnet", "sintered NdFeB magnet", "烧结钕铁硼磁体", "metal", "8505.11", None),
    ("magnet-sludge", "magnet grinding sludge", "钕铁硼油泥", "secondary", "2620", None),
    ("magnet-scrap", "magnet scrap pieces", "钕铁硼边角料", "secondary", "7204", None),
    ("smelting-slag", "metal smelting slag", "稀土熔盐渣", "secondary", "2620", None),
    ("end-of-life-magnet", "end-of-life magnet", "废旧磁体", "secondary", "8505.11", None),
)

_LICENSED_ELEMENTS: Final = ("samarium", "gadolinium", "terbium", "dysprosium", "lutetium", "scandium", "yttrium")
"""Items of these need a licence (MOFCOM/GACC Announcement 18); what else may hold them, a licence's own list says."""


def _product(row: tuple[str, str, str, str, str, CapKind | None]) -> Product:
    code, name, name_zh, stage, hs_heading, mining_kind = row
    separated = stage == "separated"
    kind = Stage.COMPOUND if separated else Stage(stage)
    evidence = "read" if hs_heading in _HS_READ else "recalled"
    licensed = code.startswith(_LICENSED_ELEMENTS)
    return Product(code, name, name_zh, kind, hs_heading, mining_kind, separated, evidence, licensed)


PRODUCTS: Final[Mapping[str, Product]] = MappingProxyType({row[0]: _product(row) for row in _ROWS})
"""Every product by its code."""

Element = Literal["Sc", "Y", "La", "Ce", "Pr", "Nd", "Sm", "Eu", "Gd", "Tb", "Dy", "Ho", "Er", "Tm", "Yb", "Lu"]
ELEMENTS: Final = get_args(Element)

OXIDE_FACTORS_E4: Final[Mapping[str, int]] = MappingProxyType(
    {
        "Sc": 15338,
        "Y": 12699,
        "La": 11728,
        "Ce": 12284,
        "Pr": 12082,
        "Nd": 11664,
        "Sm": 11596,
        "Eu": 11579,
        "Gd": 11526,
        "Tb": 11762,
        "Dy": 11477,
        "Ho": 11455,
        "Er": 11435,
        "Tm": 11421,
        "Yb": 11387,
        "Lu": 11372,
    }
)
"""Element to oxide by mass, in ten-thousandths; Ce as CeO2, Pr as Pr6O11, Tb as Tb4O7, the others as RE2O3.

Source: the domain page, section 3, derived from atomic weights.
"""
