"""The catalogue and the oxide factors are those of the domain page."""

from typing import get_args

from monazite_contracts.catalogue import ELEMENTS, OXIDE_FACTORS_E4, PRODUCTS, CapKind, ProductCode, Stage

# Atomic weights (IUPAC 2021, abridged) and the oxide of each element: elements and oxygens in its formula.
OXYGEN = 15.999
WEIGHTS = {
    "Sc": 44.956, "Y": 88.906, "La": 138.91, "Ce": 140.12, "Pr": 140.91, "Nd": 144.24, "Sm": 150.36, "Eu": 151.96,
    "Gd": 157.25, "Tb": 158.93, "Dy": 162.50, "Ho": 164.93, "Er": 167.26, "Tm": 168.93, "Yb": 173.05, "Lu": 174.97,
}  # fmt: skip
OXIDES = {"Ce": (1, 2), "Pr": (6, 11), "Tb": (4, 7)}

DOMAIN_PAGE = (
    "Sc 1.5338, Y 1.2699, La 1.1728, Ce 1.2284, Pr 1.2082, Nd 1.1664, Sm 1.1596, Eu 1.1579, Gd 1.1526, Tb 1.1762, "
    "Dy 1.1477, Ho 1.1455, Er 1.1435, Tm 1.1421, Yb 1.1387, Lu 1.1372"
)


def test_the_oxide_factors_are_those_of_the_domain_page() -> None:
    stated = {name: int(factor.replace(".", "")) for name, factor in map(str.split, DOMAIN_PAGE.split(", "))}
    assert dict(OXIDE_FACTORS_E4) == stated
    assert tuple(OXIDE_FACTORS_E4) == ELEMENTS


def test_the_oxide_factors_follow_from_atomic_weights() -> None:
    for element, factor in OXIDE_FACTORS_E4.items():
        atoms, oxygens = OXIDES.get(element, (2, 3))
        computed = 1 + oxygens * OXYGEN / (atoms * WEIGHTS[element])
        assert abs(factor / 10_000 - computed) < 0.0001, element


def test_every_product_code_has_its_row_and_every_row_its_code() -> None:
    assert tuple(PRODUCTS) == get_args(ProductCode)
    assert all(product.code == code for code, product in PRODUCTS.items())
    assert len({product.name for product in PRODUCTS.values()}) == len(PRODUCTS)
    assert len({product.name_zh for product in PRODUCTS.values()}) == len(PRODUCTS)


def test_exactly_the_ore_products_draw_on_a_mining_cap() -> None:
    for product in PRODUCTS.values():
        assert (product.mining_kind is not None) == (product.stage is Stage.ORE)
        assert product.mining_kind is not CapKind.SEPARATION
        assert not product.separated or product.stage is Stage.COMPOUND


def test_the_headings_that_the_domain_page_states_are_marked_as_read() -> None:
    read = {product.hs_heading for product in PRODUCTS.values() if product.evidence == "read"}
    assert read == {"2805.30", "2846", "7202.99.91"}
