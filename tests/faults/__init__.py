"""What a run survives: faults injected into real processes and files, and the table of what happened.

`python -m tests.faults --help` lists them. docs/reliability.md has what it printed; the tests here are short forms.
"""
