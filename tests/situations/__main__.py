"""Prints the table of docs/data.md: python -m tests.situations."""

from tests.situations.table import table

print(table())
