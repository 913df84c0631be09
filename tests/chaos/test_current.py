"""The harness fits the code that it breaks: what it replaces and wraps is still there."""

import pytest

from chaos.mutants import MUTANTS, Mutant, MutantError, made
from chaos.seams import SEAMS, Seam, wrapped


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_mutant_changes_the_code_as_it_is_now(mutant: Mutant) -> None:
    with made(mutant) as folder:
        compile((folder / mutant.path).read_text(), mutant.path, "exec") if mutant.path.endswith(".py") else None


def test_a_mutant_whose_text_is_gone_is_noticed() -> None:
    gone = Mutant("gone", "monazite_contracts/quantities.py", (("this text is nowhere", ""),))
    with pytest.raises(MutantError, match="this text is nowhere"), made(gone):
        pass


@pytest.mark.parametrize("seam", SEAMS, ids=lambda seam: seam.name)
def test_every_seam_is_where_the_table_says(seam: Seam) -> None:
    owner, name = wrapped(seam)
    assert callable(getattr(owner, name))


def test_a_seam_that_is_gone_is_noticed() -> None:
    with pytest.raises(AttributeError):
        wrapped(Seam("gone", "intake", "monazite_consumers.intake.consuming", "Intake._nowhere", "before"))
