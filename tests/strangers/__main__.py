"""Have strangers' software verify what refnet publishes: `make verify-strangers`."""

from __future__ import annotations

import argparse
import secrets
import shutil
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from strangers.cases import CHECKPOINT, CONSISTENCY, INCLUSION, Named
from strangers.degenerate import degenerate
from strangers.installed import STRANGERS, Stranger, Unavailable, verdicts
from strangers.logs import Log, sizes_of, true_cases, write_files
from strangers.mutations import false_cases
from strangers.neighbour import aics_witness, cosign_and_refuse
from strangers.ours import refusal
from strangers.published import read_by_aics
from strangers.signatures import openssl_agrees

FALSE = {INCLUSION: 10_000, CONSISTENCY: 3_000, CHECKPOINT: 1_000}
STRANGERS_LEAST = 4
STEPS, FORKS = 200, 50
FROM_TILES = 10

Judge = tuple[str, list[str] | None]
"""A verifier's name and its command; None for refnet's own."""


def main(given: Sequence[str] | None = None) -> int:
    """Exit status 1 unless all is as promised."""
    parser = argparse.ArgumentParser(prog="strangers", description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path("build/strangers"))
    parser.add_argument("--seed", type=int, default=None, help="that of an earlier run")
    asked = parser.parse_args(given)
    seed = secrets.randbelow(1 << 32) if asked.seed is None else asked.seed
    begun = time.monotonic()
    cache = asked.cache.resolve()
    say(f"seed {seed}")
    judges: list[Judge] = [("refnet", None), *present(STRANGERS, cache)]

    room = cache / "log"
    shutil.rmtree(room, ignore_errors=True)
    log = Log(room, seed, sizes_of(seed))
    true = list(true_cases(log, seed))
    write_files(room / "files", log, true)
    false = [case for kind, count in FALSE.items() for case in false_cases(log, seed, kind, count)]
    say(f"a log of {len(log.leaves)} facts, published at the sizes {log.sizes}")
    say(f"{len(true)} true cases, {len(false)} false ones in {len(dict(false))} ways; see {room}")
    failures = judge_all(judges, true, false)
    show_differences(judges, list(degenerate(log)))
    failures += signatures(log)
    failures += published(cache, log, seed)
    failures += witness(cache, room, log, seed)
    if len(judges) - 1 < STRANGERS_LEAST:
        failures.append(f"only {len(judges) - 1} strangers of {STRANGERS_LEAST} could be asked")
    for each in failures:
        say(f"FAILED: {each}")
    say(f"seed {seed}, {time.monotonic() - begun:.0f} s: {'failed' if failures else 'ok'}")
    return 1 if failures else 0


def present(strangers: Sequence[Stranger], cache: Path) -> list[Judge]:
    """Those that can be had here, with a line about those that cannot."""
    found: list[Judge] = []
    for each in strangers:
        try:
            found.append((each.name, each.install(cache)))
        except Unavailable as error:
            say(f"skipped: {each.name} ({each.source}): {error}")
    return found


def judge(command: list[str] | None, cases: Sequence[Named]) -> list[str]:
    """What one verifier says to each case."""
    if command is None:
        refusals = [refusal(case) for _, case in cases]
        return [f"refuse {why}" if why else "accept" for why in refusals]
    return verdicts(command, [case.line() for _, case in cases])


def judge_all(judges: Sequence[Judge], true: list[Named], false: list[Named]) -> list[str]:
    """Print a row a verifier; the failures."""
    failures = []
    say("\n| verifier | true | accepted | false | refused | inclusion, consistency, checkpoint |")
    say("| --- | ---: | ---: | ---: | ---: | --- |")
    for name, command in judges:
        row: list[int] = []
        kinds: Counter[str] = Counter()
        for cases, wanted in ((true, "accept"), (false, "refuse")):
            said = [each.split(" ")[0] for each in judge(command, cases)]
            judged = [(*case, got) for case, got in zip(cases, said, strict=True) if got != "pass"]
            right = [case for what, case, got in judged if got == wanted]
            row += [len(judged), len(right)]
            kinds.update(case.kind for _, case, _ in judged)
            failures += [
                f"{name}: {got} where {wanted} is right: {case.kind} {what}: {case.line()[:2000]}"
                for what, case, got in judged
                if got != wanted
            ][:5]
        by_kind = ", ".join(str(kinds[kind]) for kind in (INCLUSION, CONSISTENCY, CHECKPOINT))
        say(f"| {name} | {' | '.join(map(str, row))} | {by_kind} |")
    return failures


def show_differences(judges: Sequence[Judge], cases: list[Named]) -> None:
    """Print what each says to the degenerate cases; + accepts, - refuses, blank cannot judge."""
    marks = {"accept": "+", "refuse": "-", "pass": " "}
    columns = [[marks[each.split(" ")[0]] for each in judge(com, cases)] for _, com in judges]
    say(f"\n{len(cases)} degenerate cases; + accepts, - refuses, blank has no opinion:\n")
    say(f"| case | {' | '.join(name.split(' ')[0] for name, _ in judges)} | |")
    say(f"| --- |{' --- |' * len(judges)} --- |")
    for (name, _), *row in zip(cases, *columns, strict=True):
        differ = "differ" if len({*row} - {" "}) > 1 else ""
        say(f"| {name} | {' | '.join(row)} | {differ} |")


def signatures(log: Log) -> list[str]:
    """openssl over the checkpoints' signatures."""
    try:
        good, refused = openssl_agrees(log)
    except Unavailable as error:
        say(f"\nskipped: openssl: {error}")
        return []
    say(f"\nopenssl: {good} of {len(log.sizes)} signatures verify, {refused} flipped ones do not")
    same = good == refused == len(log.sizes)
    return [] if same else ["openssl does not agree about the signatures"]


def published(cache: Path, log: Log, seed: int) -> list[str]:
    """A stranger's command line over the tiles."""
    try:
        found, missed = read_by_aics(cache, log, seed, FROM_TILES)
    except Unavailable as error:
        return [f"no aics-tlog: {error}"]
    wanted = 2 * FROM_TILES
    say(f"aics-tlog 0.2.1, from the tiles: {found} of {wanted} found, {missed} false ones not")
    return [] if found == missed == wanted else ["aics-tlog does not read the tiles"]


def witness(cache: Path, room: Path, log: Log, seed: int) -> list[str]:
    """A stranger's witness over growth and rewritings."""
    folder = room / "witness"
    folder.mkdir()
    try:
        with aics_witness(cache, folder, log) as (url, vkey):
            seen = cosign_and_refuse(url, vkey, log, seed, steps=STEPS, forks=FORKS)
    except Unavailable as error:
        return [f"no aics-witness: {error}"]
    say(
        f"aics-witness 0.1.0: {seen.cosigned} of {STEPS} growth steps cosigned,"
        f" {seen.refused} of {FORKS} rewrites refused"
    )
    return [] if (seen.cosigned, seen.refused) == (STEPS, FORKS) else ["the witness"]


def say(line: str) -> None:
    """Print as it happens."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
