"""What can be wrong with a study as a whole; what is wrong with one file is a state, in `biolake.studies.states`."""

from collections.abc import Iterable

from biolake.documents.errors import Mistake
from biolake.errors import BiolakeError


class StudyError(BiolakeError):
    """Something about a study that its manager can put right."""


class StudyConfigurationInvalid(StudyError):
    """The configuration document, or a pipeline file it names, has mistakes.

    Attributes:
        mistakes: All of them, in the order of the document.
    """

    def __init__(self, where: str, mistakes: Iterable[Mistake]) -> None:
        self.where = where
        self.mistakes = tuple(mistakes)
        lines = "\n".join(f"  {mistake}" for mistake in self.mistakes)
        count = len(self.mistakes)
        super().__init__(f"{where}: {count} {'mistake' if count == 1 else 'mistakes'}. Nothing was started.\n{lines}")


class StudyConfigurationMissing(StudyError):
    """There is no configuration document where one was expected."""


class SourceUnavailable(StudyError):
    """A source's bucket, folder or prefix cannot be listed."""

    transient = True


class ListingEmpty(StudyError):
    """A source that held files answers with none: taken as an outage, never as a deletion."""

    transient = True


class IllegalTransition(StudyError):
    """A change of state that the state machine does not have."""


class UnknownRecording(StudyError):
    """No recording of the study has the key."""


class UnknownUnit(StudyError):
    """A unit, or a conversion between two units, that the platform does not know."""


class UnknownTimezone(StudyError):
    """A time zone that is no IANA name, or one without a place."""


class PatternInvalid(StudyError):
    """A pattern that the linear-time regular expression engine does not accept."""


class MetadataFileRejected(StudyError):
    """A metadata file from which no row can be taken."""


class ProcessTableMissing(StudyError):
    """No table of processes is recorded for a version of SciKit-Digital-Health."""


class StudyUnknown(StudyError):
    """The deployment has no study of that id."""


class StudyExists(StudyError):
    """A study of that id is there already."""


class StudyNotLocked(StudyError):
    """A study's status could not be set in its document."""
