"""What can be wrong with an uploaded file, one class per case, each message with the place and the remedy."""

from biolake.errors import BiolakeError


class FormatError(BiolakeError):
    """A file that cannot become a dataset."""


class EmptyFile(FormatError):
    """The file has no content."""


class WrongFormat(FormatError):
    """The content is no format the platform reads, or not the one that its name promises."""


class Truncated(FormatError):
    """The content ends before it should: an upload that broke off, most often."""

    transient = True


class NotADataset(FormatError):
    """A readable file that describes something else, such as a platform annotation."""


class SeveralPlatforms(FormatError):
    """A file with measurements of several platforms, which are several datasets."""


class MalformedFile(FormatError):
    """The content breaks a rule of its format."""


class NotText(FormatError):
    """A text format with bytes that are not UTF-8."""


class RaggedRow(FormatError):
    """A row with more or fewer fields than the header names."""


class DuplicateSampleId(FormatError):
    """Two samples with one id."""


class DuplicateFeatureId(FormatError):
    """Two features with one id."""


class NonNumericValue(FormatError):
    """A cell of the matrix that is neither a number nor a known mark of a missing value."""


class InvalidValue(FormatError):
    """A number that the layer's kind of measurement cannot have, such as a negative count."""


class SamplesDiffer(FormatError):
    """The matrix and the sample table do not name the same samples."""


class DimensionsDiffer(FormatError):
    """The declared dimensions are not those of the content."""


class UnsafeFile(FormatError):
    """A file that reaches outside itself: external links, external storage, virtual datasets."""


class TooLarge(FormatError):
    """More memory, time or values than the limits allow."""


class ReaderCrashed(FormatError):
    """The process that read the file was ended by a signal."""


class UnreadableMetadata(FormatError):
    """The JSON document or the sample table that came beside the data cannot be used."""
