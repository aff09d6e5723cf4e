"""WatchScores: scores as they change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from refnet import v1
from refnet.app import App
from refnet.rpc.interceptor import POSITION
from refnet.rpc.naming import check_known, parse
from refnet.rpc.score_table import ScoreTable
from refnet.rpc.scores import ScoreReads, everyone
from refnet.rpc.streams import Streams, ended, with_pauses

_SCORES_MAX = 1000

Numbers = NDArray[np.intp]


class ScoreWatch:
    """The streaming method of ScoreService."""

    def __init__(self, app: App, reads: ScoreReads, streams: Streams) -> None:
        self._app = app
        self._reads = reads
        self._streams = streams

    async def watch(self, request: v1.WatchScoresRequest, context: Any) -> None:
        """Everything asked for, then what changes, then checkpoints while nothing does."""
        chosen = self._chooser(request)
        before: ScoreTable | None = None
        shown: Numbers = np.empty(0, np.intp)
        snapshots = self._streams.until_end(self._app.watch())
        async for snapshot in with_pauses(snapshots, self._streams.pace.quiet_seconds):
            if snapshot is None:
                if before is not None:
                    await self._streams.send(context, _message(before, shown[:0]))
                continue
            table = self._reads.table(snapshot)
            numbers = chosen(table)
            changed = numbers
            if before is not None:
                # Whoever came into the selection since is news, changed or not.
                changed = await asyncio.to_thread(table.changed, before, numbers)
                changed = np.union1d(changed, np.setdiff1d(numbers, shown))
            for start in range(0, max(len(changed), 1), _SCORES_MAX):
                part = changed[start : start + _SCORES_MAX]
                last = start + _SCORES_MAX >= len(changed)
                await self._streams.send(context, _message(table, part, complete=last))
            before, shown = table, numbers
            POSITION.set(snapshot.position)
        raise ended()

    def _chooser(self, request: v1.WatchScoresRequest) -> Callable[[ScoreTable], Numbers]:
        """The numbers to watch, rising; found anew each time, for members come and move."""
        members = [
            parse("members", name, field=f"members[{place}]")
            for place, name in enumerate(request.members)
        ]
        for place, member in enumerate(members):
            check_known(self._app.resident("member"), "member", member, field=f"members[{place}]")
        chapter: UUID | None = None
        if request.HasField("chapter"):
            chapter = parse("chapters", request.chapter, field="chapter")
            check_known(self._app.resident("chapter"), "chapter", chapter, field="chapter")

        def choose(table: ScoreTable) -> Numbers:
            snapshot = table.snapshot
            if not members and chapter is None:
                return everyone(table)
            among = members or snapshot.members
            states = self._app.resident("member")
            found = [
                snapshot.numbers[member]
                for member in among
                if member in snapshot.numbers
                and (chapter is None or states[member].chapter == chapter)
            ]
            return np.array(sorted(set(found)), np.intp)

        return choose


def _message(table: ScoreTable, numbers: Numbers, *, complete: bool = True) -> Any:
    return v1.WatchScoresResponse(
        scores=[table.score(number) for number in numbers.tolist()],
        computed_at=table.basis,
        complete=complete,
    )
