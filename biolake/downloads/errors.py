"""What can be wrong with a download, one class per case."""

from biolake.errors import BiolakeError


class DownloadError(BiolakeError):
    """A file of an archive that could not be fetched."""


class InvalidAccession(DownloadError):
    """What was asked for is not spelled like an accession of the archive."""


class UnsupportedAccession(DownloadError):
    """An accession of the archive that is no dataset, such as a single sample or a platform."""


class NoSuchAccession(DownloadError):
    """The archive has no public entry under the accession."""


class NoMatrixFile(DownloadError):
    """The archive has the series but publishes no matrix for it."""


class Unreachable(DownloadError):
    """No connection to the archive could be made, or it was silent for too long."""

    transient = True


class ServerBusy(DownloadError):
    """The archive answered that it cannot serve the request now, as often as it was asked.

    Attributes:
        retry_after_seconds: How long the archive asked to wait, None where it did not say.
    """

    transient = True

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class RequestRefused(DownloadError):
    """The archive answered with something other than the file, and asking again will not help."""


class BrokenTransfer(DownloadError):
    """A file arrived incompletely, as often as it was asked for."""

    transient = True
