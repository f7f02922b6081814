"""Runs as Kubernetes Jobs: dagster-k8s' launcher, with what it does not tell or do.

It records in a tag how a run's pod ended, takes a silent API server for no news, takes away the Jobs of runs that are
over, gives every run a machine, and tells it which image it is. What an ending means is in `biolake.machines.endings`;
which lots get another run, in `sensors.lost_runs`; where the image comes from, in `own_image`.
"""

import logging
from collections.abc import Callable
from typing import TypeVar

import dagster as dg
import urllib3
from dagster._core.events import RunFailureReason
from dagster._core.launcher.base import CheckRunHealthResult, LaunchRunContext, WorkerStatus
from dagster._core.storage.tags import RUN_FAILURE_REASON_TAG
from dagster_k8s import K8sRunLauncher
from dagster_k8s.container_context import K8sContainerContext
from dagster_k8s.job import get_job_name_from_run_id
from kubernetes.client.rest import ApiException

from biolake.machines.choose import Machine, read_machines
from biolake.machines.endings import Ending, PodEnding, ending_of
from biolake.settings import Settings
from resources.machine_tags import KUBERNETES_TAG, tags_of
from resources.own_image import own_image
from resources.run_workers import ENDING_TAG, MACHINE_TAG

_LOG = logging.getLogger(__name__)
_SECONDS_TO_ANSWER = 10
_MADE_TAG = "biolake/job-made"
# A pod that told of its run's end is about to end, and is worth looking at.
_BY_THE_POD = {
    RunFailureReason.STEP_FAILURE.value,
    RunFailureReason.RUN_EXCEPTION.value,
    RunFailureReason.JOB_INITIALIZATION_FAILURE.value,
}
_SILENT = (urllib3.exceptions.HTTPError, OSError)
_Found = TypeVar("_Found")


class KubernetesRunLauncher(K8sRunLauncher):
    """One Job per run, never restarted by Kubernetes: the arrival sensor gives lost work another run.

    Its configuration is that of `K8sRunLauncher`. Without `job_image` runs are of the image that the launcher's own pod
    is of, by its digest.
    """

    _own_image: str | None = None

    @property
    def job_image(self) -> str:
        """The image of runs for which nothing else is said."""
        if self._job_image:
            return self._job_image
        if self._own_image is None:
            self._own_image = own_image(self._api_client.core_api, self.job_namespace, _SECONDS_TO_ANSWER)
        return self._own_image

    def get_container_context_for_run(self, dagster_run: dg.DagsterRun) -> K8sContainerContext:
        """What the run's pod is told, with the image that it is."""
        context = super().get_container_context_for_run(dagster_run)
        origin = dagster_run.job_code_origin
        image = context.run_k8s_config.container_config.get("image") or (
            origin.repository_origin.container_image if origin is not None else None
        )
        return context.merge(K8sContainerContext(env_vars=[f"BIOLAKE_IMAGE={image or self.job_image}"]))

    def launch_run(self, context: LaunchRunContext) -> None:
        """Make the run's Job; one that asked for no machine gets that of the table's `others`.

        Raises:
            DocumentInvalid: The table of machine sizes is wrong.
            NoImage: It is not known of which image runs are.
        """
        run = context.dagster_run
        if MACHINE_TAG not in run.tags and KUBERNETES_TAG not in run.tags:
            table = read_machines(Settings.from_environment().machines)
            tags = tags_of(table, Machine(table.others, spot=False))
            self._instance.add_run_tags(run.run_id, tags)
            context = context._replace(dagster_run=run.with_tags({**run.tags, **tags}))
        super().launch_run(context)
        self._instance.add_run_tags(run.run_id, {_MADE_TAG: "true"})

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Say whether the run's pod may still work; a silent API server says nothing about it."""
        try:
            ending = self.ending(run)
        except _SILENT as error:
            return CheckRunHealthResult(WorkerStatus.RUNNING, f"the API server does not answer: {error}")
        except ApiException as error:
            if error.status is not None and error.status < 500:
                raise
            return CheckRunHealthResult(WorkerStatus.RUNNING, f"the API server answers {error.status}")
        if ending is None:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        self._record(run, ending)
        return CheckRunHealthResult(WorkerStatus.FAILED, str(ending), transient=False)

    def ending(self, run: dg.DagsterRun) -> PodEnding | None:
        """Ask how the run's pod ended; None while it may still work.

        Raises:
            ApiException: The API server refuses.
            urllib3.exceptions.HTTPError: It does not answer.
        """
        name, namespace = self._place(run)
        job = _unless_gone(
            lambda: self._api_client.batch_api.read_namespaced_job(
                name, namespace=namespace, _request_timeout=_SECONDS_TO_ANSWER
            )
        )
        pods = self._api_client.core_api.list_namespaced_pod(
            namespace=namespace, label_selector=f"job-name={name}", _request_timeout=_SECONDS_TO_ANSWER
        )
        return ending_of(job, pods.items)

    def release(self, run: dg.DagsterRun) -> str | None:
        """Record how the pod of a run that is over ended, and end it where it has not; return its ending's name.

        A pod that cannot be ended because nobody answers is harmless: it finds that its lot is another run's.
        """
        try:
            ending = self.ending(run)
            if ending is None and run.tags.get(RUN_FAILURE_REASON_TAG) not in _BY_THE_POD:
                self._delete(run)
                ending = PodEnding(Ending.GIVEN_UP)
        except (*_SILENT, ApiException) as error:
            _LOG.warning("run %s: its Job could not be looked at or deleted: %s", run.run_id, error)
            return None
        if ending is None:
            return None
        self._record(run, ending)
        return ending.kind.value

    def ended_before_start(self, run: dg.DagsterRun) -> str | None:
        """Say how the pod of a run that has not begun ended; None while it may still begin, or nobody answers."""
        try:
            ending = self.ending(run)
            if ending is not None and ending.kind == Ending.DELETED:
                # Dagster says that a run is starting before its Job is made, and only one that was made can be gone.
                ending = self.ending(run) if self._was_made(run) else None
        except (*_SILENT, ApiException) as error:
            _LOG.warning("run %s: its Job could not be looked at: %s", run.run_id, error)
            return None
        return None if ending is None else str(ending)

    def terminate(self, run_id: str) -> bool | None:
        """End a run; also the Job of one that is over, as Dagster leaves it when a pod never started."""
        run = self._instance.get_run_by_id(run_id)
        if run is not None and run.is_finished:
            self.release(run)
            return False
        return super().terminate(run_id)

    def _was_made(self, run: dg.DagsterRun) -> bool:
        now = self._instance.get_run_by_id(run.run_id)
        return now is not None and _MADE_TAG in now.tags

    def _delete(self, run: dg.DagsterRun) -> None:
        name, namespace = self._place(run)
        # In the background: else the Job stays until a node that is lost says that its pod is gone.
        _unless_gone(
            lambda: self._api_client.batch_api.delete_namespaced_job(
                name, namespace=namespace, propagation_policy="Background", _request_timeout=_SECONDS_TO_ANSWER
            )
        )

    def _record(self, run: dg.DagsterRun, ending: PodEnding) -> None:
        if ending.kind != Ending.COMPLETED and ENDING_TAG not in run.tags:
            self._instance.add_run_tags(run.run_id, {ENDING_TAG: ending.kind.value})

    def _place(self, run: dg.DagsterRun) -> tuple[str, str]:
        context = super().get_container_context_for_run(run)
        name = get_job_name_from_run_id(run.run_id, resume_attempt_number=self._get_resume_attempt_number(run))
        return name, context.namespace or self.job_namespace


def _unless_gone(ask: Callable[[], _Found]) -> _Found | None:
    try:
        return ask()
    except ApiException as error:
        if error.status != 404:
            raise
        return None
