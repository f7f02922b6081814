"""Reading any upload into a `Dataset`: tell the format, read it, check what every dataset must hold.

Formats are told in `biolake.formats.registry`; the companion sample table and metadata document are read in
`biolake.formats.sample_table` and `biolake.formats.metadata_document`; what is checked is in `biolake.formats.checks`,
double-encoded text is repaired in `biolake.formats.mojibake`.
"""

from biolake.formats.checks import checked
from biolake.formats.models import Dataset, Limits, Upload
from biolake.formats.mojibake import with_repaired_text
from biolake.formats.registry import Format, detect


def read(upload: Upload, limits: Limits | None = None) -> Dataset:
    """Read an upload with the reader of its content's format, join its companions and check the result.

    Args:
        upload: The data with the sample table and the metadata document that came beside it.
        limits: What reading may cost; `Limits.of_this_machine` where None.

    Raises:
        FormatError: The files cannot become a dataset; the class says why, the message where and what to do.
    """
    limits = limits or Limits.of_this_machine()
    format = detect(upload)
    dataset = _read_data(format, upload, limits)
    if upload.metadata is not None:
        from biolake.formats.metadata_document import with_metadata

        dataset = with_metadata(dataset, upload.metadata, upload.name)
    if upload.samples is not None:
        from biolake.formats.sample_table import with_sample_table

        dataset = with_sample_table(dataset, upload.samples, upload.name)
    return with_repaired_text(checked(dataset, upload.name, limits))


def _read_data(format: Format, upload: Upload, limits: Limits) -> Dataset:
    if format.isolated:
        from biolake.formats.isolation import read_isolated

        return read_isolated(format, upload, limits)
    return format.read(upload, limits)
