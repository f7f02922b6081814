"""A repository is one document; a wrong one is refused with its lines and harms no neighbour."""

from pathlib import Path

import pytest

from biolake.documents.errors import DocumentInvalid
from biolake.documents.load import load_document
from biolake.repositories.catalog import RepositoryCatalog, add_repository
from biolake.repositories.errors import RepositoryExists, RepositoryMoved, UnknownRepository
from biolake.repositories.models import Repository

GOOD = "name: geo\ntitle: Gene Expression Omnibus\ndataset_id: '^(?P<dataset_id>GSE[0-9]+)'\n"


def mistakes(text: str) -> list[str]:
    with pytest.raises(DocumentInvalid) as caught:
        load_document(text, Repository, "geo.yaml")
    return [str(mistake) for mistake in caught.value.mistakes]


def test_every_mistake_is_named_with_its_line() -> None:
    found = mistakes(
        "name: GEO\ntitel: x\nrequires: [samples, pictures]\ndataset_id: '(?=a)'\nmetadata:\n  - name: Age\n"
    )
    assert sorted({line.split(":")[1] for line in found}) == ["1", "2", "3", "4", "6"]
    text = "\n".join(found)
    for part in (
        "title: `title` is missing. Add it. One line for people.",
        "titel: unknown key `titel`. Did you mean `title`?",
        "requires[1]",
        "RE2",
        "metadata[0].name",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("name: [geo\n", "geo.yaml:2: not valid YAML"),
        ("a: &x 1\nb: *x\n", "alias `*x` is not allowed"),
        (GOOD + "title: again\n", "geo.yaml:4: title: the key is there twice, first in line 2"),
        ("name: geo\ntitle: !!bool maybe\n", "geo.yaml:2: title: the tag `tag:yaml.org,2002:bool` is not allowed"),
        ("name: geo\ntitle: !!int ''\n", "geo.yaml:2: title: the tag"),
        ("name: geo\ntitle: !!timestamp foo\n", "geo.yaml:2: title: the tag"),
        ("!!set {name: geo}\n", "geo.yaml:1: the tag"),
        ("name: geo\ntitle: 2020\n", "geo.yaml:2: title: this is text, and YAML reads 2020. Put it in quotes."),
        ("", "the document is empty"),
        ("- geo\n", "valid dictionary"),
        (GOOD.replace("geo", "data_matrices"), "reserved"),
        (GOOD.replace("(?P<dataset_id>GSE[0-9]+)", "GSE"), "group named dataset_id"),
        (GOOD + "prefix: ../other\n", "folder path"),
        (GOOD.replace("name: geo", "name: study_a"), "names that begin with `study_`"),
        (GOOD + "metadata: [{name: title}]\n", "geo.yaml:4: metadata[0].name: every dataset has `title` from its file"),
        (GOOD + "metadata: [{name: accession}]\n", "every dataset has `accession`"),
        (GOOD + "metadata: [{name: a, original_name: x}, {name: b, original_name: x}]\n", "names x twice"),
        (GOOD + "metadata: [{name: a, original_name: b}, {name: b, original_name: a}]\n", "names a, b twice"),
        (GOOD + "owners: [bob]\n", "geo.yaml:4: owners: `bob` is no owner"),
        (GOOD + "owners: ['team:']\n", "is no owner"),
        (GOOD + "owners: [bob@lab]\n", "is no owner"),
    ],
)
def test_documents_that_cannot_be_used(text: str, part: str) -> None:
    assert part in "\n".join(mistakes(text))


def test_fields_that_are_columns_of_the_metadata() -> None:
    fields = "metadata: [{name: year, type: integer}, {name: curated_drug, original_name: curated_drug}]\n"
    assert len(load_document(GOOD + fields, Repository, "geo.yaml").metadata) == 2


def test_owners() -> None:
    document = GOOD + "owners: [team:gait-lab, bob.b@lab.example.org]\n"
    assert load_document(document, Repository, "geo.yaml").owners == ("team:gait-lab", "bob.b@lab.example.org")


def test_a_wrong_document_leaves_its_neighbours_alone(tmp_path: Path) -> None:
    (tmp_path / "geo.yaml").write_text(GOOD)
    (tmp_path / "bad.yaml").write_text("name: 1\n")
    (tmp_path / "zcopy.yaml").write_text(GOOD)
    catalog = RepositoryCatalog.read(tmp_path)
    assert list(catalog.repositories) == ["geo"]
    assert [error.source for error in catalog.refused] == ["bad.yaml", "zcopy.yaml"]
    with pytest.raises(UnknownRepository, match="known: geo"):
        catalog.get("gro")


def test_what_an_editor_leaves_beside_a_document_harms_nothing(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / ".#good.yaml").symlink_to("someone@somewhere.1234")
    (tmp_path / "gone.yaml").symlink_to("nowhere")
    (tmp_path / "folder.yaml").mkdir()
    catalog = RepositoryCatalog.read(tmp_path)
    assert list(catalog.repositories) == ["geo"]
    assert [error.source for error in catalog.refused] == ["folder.yaml", "gone.yaml"]
    assert "cannot be read" in str(catalog.refused[1])


def test_adding_refuses_overlapping_folders(tmp_path: Path) -> None:
    document = tmp_path / "new.yaml"
    document.write_text(GOOD)
    add_repository(document, tmp_path / "repositories")
    document.write_text(GOOD.replace("name: geo", "name: other") + "prefix: geo/sub\n")
    with pytest.raises(RepositoryExists, match="overlaps"):
        add_repository(document, tmp_path / "repositories")
    document.write_text(GOOD.replace("Gene", "New"))
    add_repository(document, tmp_path / "repositories", replace=True)
    assert RepositoryCatalog.read(tmp_path / "repositories").get("geo").title == "New Expression Omnibus"


def test_replacing_takes_the_file_that_describes_the_repository(tmp_path: Path) -> None:
    folder = tmp_path / "repositories"
    folder.mkdir()
    (folder / "aaa.yaml").write_text(GOOD)
    document = tmp_path / "new.yaml"
    document.write_text(GOOD.replace("Gene", "New"))
    with pytest.raises(RepositoryExists, match="the name geo is taken"):
        add_repository(document, folder)
    add_repository(document, folder, replace=True)
    assert [path.name for path in folder.iterdir()] == ["aaa.yaml"]
    catalog = RepositoryCatalog.read(folder)
    assert catalog.get("geo").title == "New Expression Omnibus"
    assert catalog.refused == ()


def test_another_folder_is_taken_only_where_it_is_meant(tmp_path: Path) -> None:
    folder = tmp_path / "repositories"
    document = tmp_path / "new.yaml"
    document.write_text(GOOD)
    add_repository(document, folder)
    document.write_text(GOOD + "prefix: elsewhere\n")
    with pytest.raises(RepositoryMoved, match="from geo to elsewhere, and its datasets would be deleted"):
        add_repository(document, folder, replace=True)
    assert RepositoryCatalog.read(folder).get("geo").folder == "geo"
    add_repository(document, folder, replace=True, allow_move=True)
    assert RepositoryCatalog.read(folder).get("geo").folder == "elsewhere"
