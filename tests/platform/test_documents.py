"""Documents make the graph: a wrong one is refused while others work, a new one adds its group."""

import dagster as dg
import pytest

from biolake.ledger.models import JobState
from biolake.repositories.errors import UnknownRepository
from platform_assets.definitions import build_definitions, definitions
from sensors import documents as documents_module
from tests.platform.conftest import Deployment, matrix_csv


def groups(defs: dg.Definitions) -> set[str]:
    graph = defs.resolve_asset_graph()
    return {graph.get(key).group_name or "" for key in graph.get_all_asset_keys()}


def built(deployment: Deployment) -> dg.Definitions:
    return build_definitions(deployment.platform.repositories, deployment.platform.studies)


def test_a_document_adds_a_group_with_its_sensor_job_and_checks(deployment: Deployment) -> None:
    assert groups(built(deployment)) == {"lab", "paired"}
    deployment.document("proteins", "name: proteins\ntitle: Proteomes\nowners: [team:mass-spec]\n")
    defs = built(deployment)
    assert groups(defs) == {"lab", "paired", "proteins"}
    graph = defs.resolve_asset_graph()
    keys = {key.path[-1] for key in graph.get_all_asset_keys() if key.path[0] == "proteins"}
    assert keys >= {"landing", "datasets", "search_documents", "repository_summary", "table_maintenance"}
    datasets = graph.get(dg.AssetKey(["proteins", "datasets"]))
    assert list(datasets.owners) == ["team:mass-spec"]
    assert datasets.description
    assert {check.name for check in graph.get_check_keys_for_assets({datasets.key})} == {
        "ids_are_unique",
        "matrix_matches_samples",
        "values_are_finite",
        "no_silent_loss",
        "every_dataset_stored",
    }
    repository = defs.get_repository_def()
    assert repository.has_sensor_def("proteins_arrivals")
    assert repository.has_job("proteins_lot")


def test_the_deployed_definitions_are_those_of_its_documents(deployment: Deployment) -> None:
    loaded = definitions()
    assert isinstance(loaded, dg.Definitions)
    assert groups(loaded) == {"lab", "paired"}


def test_a_wrong_document_is_refused_by_name_and_line_while_others_work(deployment: Deployment) -> None:
    deployment.document("broken", "name: broken\ntitle: Broken\nrequires: [pictures]\n")
    assert groups(built(deployment)) == {"lab", "paired"}
    (refused,) = deployment.platform.repositories.refused
    assert str(refused).startswith("broken.yaml:3: requires[0]: ")
    deployment.put("lab/D1.csv", matrix_csv())
    assert [job.state for job in deployment.drive()] == [JobState.SUCCESS]
    with pytest.raises(UnknownRepository):
        deployment.drive("broken")


def test_the_sensor_reloads_when_a_document_changes_and_tells_of_wrong_ones(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    reloaded: list[bool] = []
    monkeypatch.setattr(documents_module, "reload_definitions", lambda: reloaded.append(True))
    sensor = documents_module.documents_sensor(deployment.platform.repositories, deployment.platform.studies)

    def tell() -> str:
        with dg.build_sensor_context(instance=deployment.instance) as context:
            told = sensor(context)
        assert isinstance(told, dg.SkipReason)
        return told.skip_message or ""

    assert "unchanged" in tell()
    deployment.document("broken", "name: broken\n")
    message = tell()
    assert "unchanged" in message
    assert "broken.yaml:1: title: " in message
    assert not reloaded
    deployment.document("lab", "name: lab\ntitle: Another title\n")
    assert "reloaded" in tell()
    assert reloaded == [True]


def test_a_repository_that_is_not_described_any_more_keeps_its_data(deployment: Deployment) -> None:
    deployment.put("lab/D1.csv", matrix_csv())
    deployment.drive()
    (deployment.platform.settings.home / "repositories" / "lab.yaml").unlink()
    assert groups(built(deployment)) == {"paired"}
    deployment.document("lab", "name: lab\ntitle: Back again\n")
    assert deployment.drive() == []
    assert set(deployment.shown()) == {"D1"}
    assert deployment.reconciled().differences == ()
