"""What can go wrong between the platform and an object store."""

from biolake.errors import BiolakeError


class StoreUnavailable(BiolakeError):
    """The bucket or folder cannot be reached, or refuses the credentials."""

    transient = True


class ObjectNotFound(BiolakeError):
    """No object has that key."""


class ObjectChanged(BiolakeError):
    """The object is no longer the version that was asked for."""


class ObjectExists(BiolakeError):
    """The key is taken and must not be overwritten."""


class UnsupportedUrl(BiolakeError):
    """A URL that is neither file:// nor s3://."""
