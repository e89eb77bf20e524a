"""Where words for a person go: stderr. stdout is for results."""

from rich.console import Console

talk = Console(stderr=True)

WIDE = 200  # a table with a line of numbers needs room where there is no terminal


def table_console() -> Console:
    """A console for tables on stdout: as wide as the terminal, or wide enough for a file."""
    return Console() if Console().is_terminal else Console(width=WIDE)
