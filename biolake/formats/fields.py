"""One line of a table cut into its fields.

Whole tables are parsed in `biolake.formats.tabular`. Quotes: RFC 4180, without line breaks within a field.
"""

from biolake.formats.errors import MalformedFile


def header_fields(line: str, separator: str, quoted: bool, where: str) -> list[str]:
    """Return the fields of a header line.

    Raises:
        MalformedFile: The line holds carriage returns (line ends of old Macs), or quotes that do not close.
    """
    if "\r" in line:
        raise MalformedFile(f"{where}: lines end with a carriage return alone. Save the file with line feeds.")
    return split_fields(line, separator, where) if quoted else line.split(separator)


def split_fields(line: str, separator: str, where: str) -> list[str]:
    """Return the fields of one line, with quotes taken off (RFC 4180).

    Args:
        line: The line without its end.
        separator: One character.
        where: File and line for messages.

    Raises:
        MalformedFile: A quote is not closed, or text follows a closing quote.
    """
    if '"' not in line:
        return line.split(separator)
    fields: list[str] = []
    position = 0
    while True:
        if not line.startswith('"', position):
            end = line.find(separator, position)
            end = len(line) if end < 0 else end
            fields.append(line[position:end])
        else:
            close = line.find('"', position + 1)
            while close >= 0 and line.startswith('"', close + 1):
                close = line.find('"', close + 2)
            if close < 0:
                raise MalformedFile(f"{where}: a quote is not closed. Close it; a field cannot hold a line break.")
            end = close + 1
            if end < len(line) and line[end] != separator:
                raise MalformedFile(f"{where}: text follows a closing quote. Double the quotes within a quoted field.")
            fields.append(line[position + 1 : close].replace('""', '"'))
        if end == len(line):
            return fields
        position = end + 1
