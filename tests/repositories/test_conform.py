"""A dataset's metadata are named and typed as its repository's schema says, or every reason against it is told."""

from typing import Any

import polars as pl
import pytest

from biolake.formats.models import Dataset
from biolake.repositories.conform import conform
from biolake.repositories.errors import MetadataDoesNotConform
from biolake.repositories.models import MetadataField, Repository

REPOSITORY = Repository(
    name="lab",
    title="Lab",
    metadata=(
        MetadataField(name="tissue", original_name="Tissue", required=True),
        MetadataField(name="dose", type="float", original_name="Dose [mg]"),
        MetadataField(name="visits", type="integer", array=True),
        MetadataField(name="treated", type="boolean"),
    ),
)


def conformed(metadata: dict[str, Any], repository: Repository = REPOSITORY) -> dict[str, Any]:
    empty = pl.DataFrame()
    dataset = Dataset("csv", None, "", "", (), None, None, empty, empty, (), metadata)
    before = dict(metadata)
    found = conform(repository, dataset, "D1").metadata
    assert metadata == before
    return found


def test_fields_are_named_and_typed_and_the_others_kept() -> None:
    given = {"Tissue": "liver", "Dose [mg]": "1.5", "visits": ["1", 2.0], "treated": "yes", "other": [None]}
    expected = {"tissue": "liver", "dose": 1.5, "visits": [1, 2], "treated": True, "other": [None]}
    assert conformed(given) == expected
    assert conformed({"tissue": "liver", "visits": 3, "dose": None}) == {"tissue": "liver", "visits": [3]}


def test_names_that_cross_lose_no_value() -> None:
    fields = (MetadataField(name="a", original_name="b"), MetadataField(name="b", original_name="a"))
    crossing = Repository.model_construct(name="lab", data_types=(), metadata=fields)
    with pytest.raises(MetadataDoesNotConform, match="a is there twice, as b and as a; b is there twice"):
        conformed({"a": "1", "b": "2"}, crossing)


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({}, "tissue is missing"),
        ({"tissue": " "}, "tissue is empty"),
        ({"Tissue": []}, "tissue is empty"),
        ({"Tissue": "a", "tissue": "b"}, "tissue is there twice, as Tissue and as tissue"),
        ({"tissue": "a", "dose": "nan"}, "dose is 'nan', not float"),
        ({"tissue": "a", "dose": float("inf")}, "dose is inf, not float"),
        ({"tissue": "a", "dose": 10**400}, "not float"),
        ({"tissue": "a", "visits": [1, None]}, "not integer list"),
        ({"tissue": "a", "visits": [1.5]}, "not integer list"),
        ({"tissue": ["a"]}, "tissue is \\['a'\\], not text"),
        ({"treated": "perhaps"}, "tissue is missing; treated is 'perhaps', not boolean"),
    ],
)
def test_every_reason_is_told(metadata: dict[str, Any], reason: str) -> None:
    with pytest.raises(MetadataDoesNotConform, match=reason):
        conformed(metadata)
