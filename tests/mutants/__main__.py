"""Break every formula line, one at a time, and see which test notices: `make mutants`."""

from __future__ import annotations

import argparse
import random
import re
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from mutants.equivalent import EQUIVALENT
from mutants.mutations import Mutant, families_in, mutants_of
from mutants.report import caught_in, table
from mutants.workshop import CAUGHT, STILLBORN, SUBJECTS, SURVIVED, Subject, Verdict, Workshop

ROOT = Path(__file__).resolve().parents[2]
Job = tuple[Mutant, Subject]


def every_mutant(root: Path = ROOT, *, every: bool = False) -> list[Job]:
    """All mutants with the files they are of."""
    headers = sorted((root / "src" / "refnet").glob("_*.pxd"))
    families = families_in([header.read_text() for header in headers])
    return [
        (mutant, subject)
        for subject in SUBJECTS
        for mutant in mutants_of(
            root / subject.path, families, re.compile(subject.skipped), every=every
        )
    ]


def judged(jobs: Sequence[Job], workers: int, root: Path = ROOT) -> Iterable[Verdict]:
    """Verdicts in the order of the jobs; first of all, the tests pass on the sound source."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        idle: SimpleQueue[Workshop] = SimpleQueue()
        shops = [Workshop(root, Path(folder) / str(worker)) for worker in range(workers)]
        stillborn = shops[0].switch([mutant for mutant, _ in jobs])
        for tests in {subject.tests for _, subject in jobs}:
            outcome, by = shops[0].sound(tests)
            if outcome != SURVIVED:
                raise RuntimeError(f"the tests fail on the sound source: {by}")
        for shop in shops[1:]:
            shop.take(shops[0])
        for shop in shops:
            idle.put(shop)

        def judge(job: Job) -> Verdict:
            if job[0].name in stillborn:
                return Verdict(job[0], STILLBORN, "", 0.0)
            mine = idle.get()
            try:
                return mine.judge(*job)
            finally:
                idle.put(mine)

        try:
            with ThreadPoolExecutor(workers) as pool:
                yield from pool.map(judge, jobs)
        finally:
            for shop in shops:
                shop.close()


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0: every mutant was caught, or is known to be equivalent. 1: some survived."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--jobs", type=int, default=2, help="mutants at a time")
    parser.add_argument("--sample", type=int, help="only so many, drawn with --seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="only names that match this pattern")
    parser.add_argument("--every", action="store_true", help="every change, not one of a kind")
    parser.add_argument("--kept", type=Path, help="do not judge what this page says was caught")
    parser.add_argument("--write", type=Path, help="write the table to this file")
    asked = parser.parse_args(arguments)
    jobs = every_mutant(every=asked.every)
    unknown = EQUIVALENT.keys() - {mutant.name for mutant, _ in jobs}
    jobs = [job for job in jobs if re.search(asked.only, job[0].name)]
    equivalent = [mutant for mutant, _ in jobs if mutant.name in EQUIVALENT]
    jobs = [job for job in jobs if job[0].name not in EQUIVALENT]
    if asked.sample is not None:
        jobs = random.Random(asked.seed).sample(jobs, min(asked.sample, len(jobs)))
    page = asked.kept.read_text() if asked.kept else ""
    found = caught_in(page, [mutant for mutant, _ in jobs])
    left = [job for job in jobs if job[0].name not in found]
    for done, verdict in enumerate(judged(left, asked.jobs), 1):
        found[verdict.mutant.name] = verdict
        say(f"{done}/{len(left)} {verdict.outcome} {verdict.by} <- {verdict.mutant.name}")
    verdicts = [found[mutant.name] for mutant, _ in jobs]
    if asked.write:
        asked.write.write_text(table(verdicts, equivalent))
    counts = {kind: sum(v.outcome == kind for v in verdicts) for kind in (CAUGHT, STILLBORN)}
    survivors = [verdict for verdict in verdicts if verdict.outcome == SURVIVED]
    for verdict in survivors:
        say(f"survived: {verdict.mutant.name}")
    for name in sorted(unknown):
        say(f"listed as equivalent, but no longer made: {name}")
    say(
        f"{counts[CAUGHT]} caught, {len(survivors)} survived, {len(equivalent)} equivalent,"
        f" {counts[STILLBORN]} do not compile"
    )
    return 1 if survivors or unknown else 0


def say(line: str) -> None:
    """Print as it happens."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
