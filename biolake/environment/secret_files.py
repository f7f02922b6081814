"""Secrets that a file holds, as orchestrators mount them: `BIOLAKE_<NAME>_FILE` names the file."""

from pathlib import Path

_MOST_BYTES = 64 * 1024


class SecretNotRead(Exception):
    """A secret's file cannot be used; the text says why and what to do, and nothing of the content."""


def read_secret(path: Path) -> str:
    """Return what the file holds, without the newline that editors put at its end.

    Raises:
        SecretNotRead: The file is missing, unreadable, empty, large or no text.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise SecretNotRead(
            f"{path} cannot be read ({error.strerror}). Mount the secret there, readable for this user."
        ) from None
    if len(content) > _MOST_BYTES:
        raise SecretNotRead(f"{path} holds more than {_MOST_BYTES} bytes. Name the file that holds the secret alone.")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise SecretNotRead(f"{path} is not UTF-8 text. Write the secret as text.") from None
    secret = text.removesuffix("\n").removesuffix("\r")
    if not secret:
        raise SecretNotRead(f"{path} is empty. Put the secret there, or unset the variable.")
    return secret
