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


class OutsideBucket(BiolakeError):
    """A link in a local bucket leads to a file that is not in it."""


class UnusableKey(BiolakeError):
    """A key that cannot be addressed; a folder with an object of such a key cannot be listed past it."""


class UnsupportedUrl(BiolakeError):
    """A URL that is neither file:// nor s3://."""
