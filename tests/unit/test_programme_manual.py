"""What the merchants' page shows and promises holds."""

import re

from points.programme.lint import lint
from points.programme.schema.earning import EarnRule
from points.programme.schema.programme import Programme
from points.programme.text import read_programme
from tests.support.tree import ROOT

_PAGE = (ROOT / "docs" / "programmes.md").read_text(encoding="utf-8")


def test_the_example_is_a_programme_without_faults_or_advice() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", _PAGE, re.DOTALL)
    assert lint(read_programme(example)) == []


def test_the_example_of_proofs_and_limits_fits_into_it() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", _PAGE, re.DOTALL)
    (part,) = re.findall(r"```yaml part\n(.*?)```", _PAGE, re.DOTALL)
    assert lint(read_programme(example + part)) == []


def test_every_section_and_every_kind_of_rule_is_named() -> None:
    ground = {"programme", "names", "zone", "currency", "format", "day_starts"}
    sections = set(Programme.__struct_fields__) - ground
    kinds = {rule.__struct_config__.tag for rule in EarnRule.__args__}
    assert [name for name in sorted(sections | kinds) if f"`{name}`" not in _PAGE] == []
    assert [name for name in sorted(ground - {"format", "names"}) if name not in _PAGE] == []
