"""Alerts over the wire."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from refnet import v1
from refnet.alerts import Alert, AlertKind, Between, Figure, Measure, alerts_of, sentence
from refnet.client import RefnetCallError
from refnet.rpc.positions import Positions
from refnet.simulate import simulate
from refnet.standings import Snapshot
from refnet.wiring import open_engine
from rpc.serving import Served, running

HEAD = v1.Consistency(fully_consistent=True)
DAY = 86_400_000_000


def quiet(_: str) -> None:
    """Key-file warnings are not what these tests are about."""


def told(message: Any, snapshot: Snapshot, served: Served) -> Alert:
    """The alert that a message tells."""
    numbers = {f"members/{stream}": number for number, stream in enumerate(snapshot.members)}
    read = Positions(served.app.log_id).read
    return Alert(
        kind=AlertKind[v1.AlertKind.Name(message.kind).removeprefix("ALERT_KIND_")],
        members=tuple(numbers[name] for name in message.members),
        strength=message.strength,
        figures=tuple(_figure(each) for each in message.figures),
        pairs=tuple(_pair(each, numbers) for each in message.pairs),
        facts=tuple(read(each, field="facts") for each in reversed(message.facts)),
        first_day=message.first_day if message.HasField("first_day") else None,
        last_day=message.last_day if message.HasField("last_day") else None,
    )


def _figure(each: Any) -> Any:
    name = v1.AlertMeasure.Name(each.measure).removeprefix("ALERT_MEASURE_")
    return Figure(Measure[name], each.found, each.usual, each.own if each.HasField("own") else None)


def _pair(each: Any, numbers: dict[str, int]) -> Any:
    return Between(numbers[each.one], numbers[each.two], each.said, each.heard)


async def pages(served: Served, size: int = 0, **asked: Any) -> list[Any]:
    """All alerts, page by page."""
    request = v1.ListAlertsRequest(page_size=size, **asked)
    found: list[Any] = []
    while True:
        page = await served.call(request, timeout=60)
        found += page.alerts
        request.page_token = page.next_page_token
        if not request.page_token:
            assert page.alert_count == len(found)
            return found


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unmarked, so that it is served as any other network is."""
    data = tmp_path_factory.mktemp("alerts") / "data"
    simulate(partial(open_engine, data, warn=quiet), chapters=2, weeks=32, seed=3)
    return data


async def test_alerts_are_those_of_the_library_at_past_positions_and_days(store: Path) -> None:
    async with running(store) as served:
        with open_engine(store, read_only=True, warn=quiet) as auditor:
            head = auditor.head()[0]
            for position, later in ((head, 0), (head, 60), (head * 3 // 4, 0), (head // 10, 0)):
                day = auditor.record_time(position) // DAY + later
                replayed = auditor.replay(position=position, day=day).snapshot
                token = Positions(served.app.log_id).message(position)
                exact = v1.ExactPosition(position=token, day=day)
                answered = await pages(served, 2, consistency=v1.Consistency(exactly_at=exact))
                expected = alerts_of(replayed)
                assert expected == [told(each, replayed, served) for each in answered]
                names = [f"members/{stream}" for stream in replayed.members]
                texts = [sentence(each, names.__getitem__) for each in expected]
                assert texts == [each.sentence for each in answered]
                assert bool(expected) == (position > head // 10)


async def test_alerts_are_kept_by_kind_member_and_chapter(store: Path) -> None:
    async with running(store) as served:
        with open_engine(store, read_only=True, warn=quiet) as auditor:
            snapshot = auditor.scores()
        exact = v1.ExactPosition(
            position=Positions(served.app.log_id).message(snapshot.position), day=snapshot.day
        )
        then = v1.Consistency(exactly_at=exact)
        every = await pages(served, consistency=then)
        assert len(every) == len(alerts_of(snapshot)) > 2
        pair = next(each for each in every if each.kind == v1.ALERT_KIND_PAIR)
        kept = await pages(served, kind=v1.ALERT_KIND_PAIR, consistency=then)
        assert [each for each in every if each.kind == v1.ALERT_KIND_PAIR] == kept
        kept = await pages(served, member=pair.members[0], consistency=then)
        assert [each for each in every if pair.members[0] in each.members] == kept
        standing = await served.call(
            v1.GetStandingRequest(member=pair.members[0], consistency=then)
        )
        assert pair in await pages(served, chapter=standing.chapter, consistency=then)


async def test_scores_are_the_same_before_and_after_alerts_were_asked_for(served: Served) -> None:
    request = v1.ListScoresRequest(consistency=HEAD)
    before = await served.call(request)
    answer = await served.call(v1.ListAlertsRequest(consistency=HEAD))

    assert ([], "", 0) == (list(answer.alerts), answer.next_page_token, answer.alert_count)
    assert before.computed_at == answer.computed_at
    assert before == await served.call(request)


@pytest.mark.parametrize(
    ("asked", "reason", "field"),
    [
        ({"member": f"members/{UUID(int=7)}"}, "NOT_FOUND", "member"),
        ({"chapter": f"chapters/{UUID(int=7)}"}, "NOT_FOUND", "chapter"),
        ({"member": "ann"}, "INVALID_REQUEST", "member"),
        ({"chapter": "chapters/1"}, "INVALID_REQUEST", "chapter"),
        ({"kind": 99}, "INVALID_REQUEST", "kind"),
        ({"page_size": -1}, "INVALID_REQUEST", "page_size"),
        ({"page_token": "AAAA"}, "INVALID_PAGE_TOKEN", "page_token"),
    ],
)
async def test_what_cannot_be_meant_is_refused(
    served: Served, asked: dict[str, Any], reason: str, field: str
) -> None:
    with pytest.raises(RefnetCallError) as refused:
        await served.call(v1.ListAlertsRequest(**asked))

    assert f"ERROR_REASON_{reason}" == refused.value.reason
    assert field in str(refused.value)
