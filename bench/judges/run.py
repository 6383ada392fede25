"""Judges from outside: python bench/judges/run.py (or make judges).

Others' tools run in environments of their own, from lock files beside this file. What cannot be
had here is skipped, with the reason. Exits 1 when a total differs or we miss what was seeded.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from venvs import HERE, UnavailableError

ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent))

Judge = Callable[[argparse.Namespace], bool]


def main() -> None:
    """The command line."""
    options = _options()
    good, skipped = True, []
    for name in options.only or JUDGES:
        print(f"\n== {name}", flush=True)
        try:
            good &= JUDGES[name](options)
        except UnavailableError as reason:
            skipped.append(name)
            print(f"SKIPPED: {reason}")
    if skipped:
        print(f"\nnot run: {', '.join(skipped)}")
    sys.exit(0 if good else 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--environments", type=Path, default=ROOT / ".judges")
    parser.add_argument("--only", action="append", choices=JUDGES, help=str([*JUDGES]))
    parser.add_argument(
        "--every", type=int, default=4, help="seed a mutation for each nth rule; 1: for every rule"
    )
    parser.add_argument("--rows", default="100000,1000000", help="sizes to compare speed on")
    parser.add_argument("--samples", type=Path, help="a clone of FOCUS-Sample-Data")
    options = parser.parse_args()
    options.environments = options.environments.resolve()
    options.work = options.environments / "work"
    return options


def found(options: argparse.Namespace) -> bool:
    """What the FOCUS Foundation's validator and ours find in the same files."""
    from validator import Validator, compare

    result = compare(Validator(options.environments, options.work), options.every)
    print(f"clean data: ours {sorted(result.ours_clean)}, theirs {sorted(result.theirs_clean)}")
    print("| kind of rule | seeded | ours | theirs, that rule | theirs, any rule |")
    print("|---|---|---|---|---|")
    for kind in sorted(result.seeded):
        print(
            f"| {kind} | {result.seeded[kind]} | {result.ours[kind]}"
            f" | {result.theirs_rule[kind]} | {result.theirs_any[kind]} |"
        )
    counts = (result.seeded, result.ours, result.theirs_rule, result.theirs_any)
    print(f"| all | {' | '.join(str(count.total()) for count in counts)} |")
    print(f"missed by ours: {result.missed_by_ours}")
    print(f"missed by theirs: {result.missed_by_theirs}")
    return not result.ours_clean and not result.missed_by_ours


def speed(options: argparse.Namespace) -> bool:
    """Seconds and memory of both on FOCUS 1.2 files of the bench."""
    from validator import Validator, measure_ours

    from lab import Lab

    validator = Validator(options.environments, options.work)
    sizes = tuple(int(size) for size in options.rows.split(","))
    lab = Lab(HERE.parent / "out", sizes, repeat=1)
    print("| rows | ours | theirs |")
    print("|---|---|---|")
    for rows in sizes:
        (file,) = lab.focus_files(rows)
        both = (measure_ours(file), validator.measure(file))
        cells = [
            f"{each.wall_s:.1f} s, {each.cpu_s:.1f} of CPU, {each.peak_bytes / 1e9:.2f} GB"
            for each in both
        ]
        print(f"| {rows:,} | {' | '.join(cells)} |", flush=True)
    return True


def bills(options: argparse.Namespace) -> bool:
    """nise's bills through the pipeline: totals by an independent sum."""
    from nise import BILLS, compare, differences

    good = True
    for name in BILLS:
        raw, focus, said = compare(name, options.environments, options.work)
        different = differences(raw, focus)
        good &= not different
        for currency, (rows, cost) in sorted(raw.items()):
            print(f"{name}: {rows:,} rows, {cost} {currency}", flush=True)
        print(f"{name}: {'; '.join(different) if different else 'the same in FOCUS'}")
        if different:
            print(said)
    return good


def samples(options: argparse.Namespace) -> bool:
    """The FOCUS Foundation's sample data, by provider."""
    from samples import judge

    good = True
    for sample in judge(options.samples, options.work):
        same = sample.raw == sample.focus
        good &= same
        said = "the same" if same else f"{sample.raw} in the file, {sample.focus} in FOCUS"
        print(
            f"{sample.provider}: {sample.rows:,} rows, {len(sample.errors)} rules broken and"
            f" {len(sample.known)} known of the emitter; totals: {said}"
        )
        print(f"  broken: {sample.errors}\n  known: {sample.known}", flush=True)
    return good


JUDGES: dict[str, Judge] = {"found": found, "speed": speed, "bills": bills, "samples": samples}


if __name__ == "__main__":
    main()
