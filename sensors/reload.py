"""Ask the running deployment to load its definitions anew."""

from urllib.parse import urlsplit

from biolake.errors import BiolakeError
from biolake.settings import Settings

LOCATION = "biolake"
UI_VARIABLE = "BIOLAKE_UI_URL"


class ReloadFailed(BiolakeError):
    """The definitions could not be reloaded."""

    transient = True


def reload_definitions() -> None:
    """Reload the code location through the UI's API, whose address is in `BIOLAKE_UI_URL`.

    Raises:
        ReloadFailed: The address is not set, nobody answers there, or the new definitions do not load.
    """
    from dagster_graphql import DagsterGraphQLClient, ReloadRepositoryLocationStatus

    address = Settings.from_environment().ui_url
    if not address:
        raise ReloadFailed(
            f"documents changed, but {UI_VARIABLE} is not set. Set it to the UI's address, or reload the location "
            f"`{LOCATION}` in the UI under Deployment."
        )
    parts = urlsplit(address)
    try:
        client = DagsterGraphQLClient(
            parts.hostname or "127.0.0.1", port_number=parts.port, use_https=parts.scheme == "https"
        )
        answer = client.reload_repository_location(LOCATION)
    except Exception as error:
        raise ReloadFailed(f"{address}: {error}. Check that the UI runs there.") from error
    if answer.status != ReloadRepositoryLocationStatus.SUCCESS:
        raise ReloadFailed(f"{LOCATION}: {answer.message}. See the code location's log.")
