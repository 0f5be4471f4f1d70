"""The long form: `python -m tests.fuzz --cases=1000` tries so many cases of bad input and prints a table."""

import argparse
import time

from gan.machine import startup


def main() -> None:
    """Tries all kinds, or those named; ends with an error at the first case that breaks the law."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1000, help="cases in all, shared out to the kinds")
    parser.add_argument("--seed", type=int, default=0, help="of the cases")
    parser.add_argument("--kind", default="", help="only the kinds whose name begins so")
    asked = parser.parse_args()
    startup.import_tensorflow()
    from tests.fuzz.kinds import KINDS, share_of, tried

    print("| kind | cases | outcomes | seconds |\n|---|---|---|---|")
    total = 0
    for kind in (kind for kind in KINDS if kind.name.startswith(asked.kind)):
        begun = time.monotonic()
        outcomes = tried(kind, share_of(kind, asked.cases), asked.seed)
        words = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
        total += outcomes.total()
        print(f"| {kind.name} | {outcomes.total()} | {words} | {time.monotonic() - begun:.0f} |", flush=True)
    print(f"| all | {total} | | |")


if __name__ == "__main__":
    main()
