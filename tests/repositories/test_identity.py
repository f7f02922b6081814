"""A dataset's id and a file's part in it follow from the key alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biolake.repositories.identity import Member, NotAMember, identify
from biolake.repositories.models import Repository

LAB = Repository(name="lab", title="Lab")
GEO = Repository(name="geo", title="GEO", prefix="in/geo", dataset_id=r"^(?P<dataset_id>GSE[0-9]+(-GPL[0-9]+)?)")
ANY = Repository(name="any", title="Any", dataset_id=r"^(?P<dataset_id>.+)$")
PAIRED = Repository(name="paired", title="Paired", requires=("metadata",))


@pytest.mark.parametrize(
    ("repository", "key", "expected"),
    [
        (GEO, "in/geo/GSE42872_series_matrix.txt.gz", Member("GSE42872", "data")),
        (GEO, "in/geo/2024/GSE1-GPL96_series_matrix.txt.gz", Member("GSE1-GPL96", "data")),
        (LAB, "lab/airway.csv", Member("airway", "data")),
        (LAB, "lab/airway.CSV.GZ", Member("airway", "data")),
        (LAB, "lab/airway.samples.csv", Member("airway", "samples")),
        (LAB, "lab/airway_samples.tsv.gz", Member("airway", "samples")),
        (LAB, "lab/airway.metadata.json", Member("airway", "metadata")),
        (LAB, "lab/ST1_AN2.json", Member("ST1_AN2", "data")),
        (PAIRED, "paired/airway.json", Member("airway", "metadata")),
        (LAB, "lab/pbmc3k/matrix.mtx.gz", Member("pbmc3k", "matrix")),
        (LAB, "lab/pbmc3k/genes.tsv", Member("pbmc3k", "features")),
        (LAB, "lab/pbmc3k.zip", Member("pbmc3k", "data")),
        (LAB, "lab/pbmc.v1.h5ad", Member("pbmc.v1", "data")),
        (LAB, "lab/A\u030a.csv", None),
        (LAB, "lab/.hidden.csv", None),
        (LAB, "lab/upload.csv.part", None),
        (GEO, "in/geo/readme.txt", None),
        (ANY, f"any/{'x' * 256}.csv", Member("x" * 256, "data")),
        (ANY, f"any/{'x' * 257}.csv", None),
    ],
)
def test_identity(repository: Repository, key: str, expected: Member | None) -> None:
    found = identify(repository, key)
    assert found == expected if expected else isinstance(found, NotAMember)


@given(
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,30}", fullmatch=True),
    st.sampled_from([".csv", ".h5ad", ".gct.gz", ".vcf", ".txt"]),
)
def test_the_default_rule_gives_the_name_without_its_extension(stem: str, extension: str) -> None:
    found = identify(LAB, f"lab/{stem}{extension}")
    assert isinstance(found, Member)
    if not stem.lower().endswith(("_samples", "_series_matrix")):
        assert found == Member(stem, "data")
