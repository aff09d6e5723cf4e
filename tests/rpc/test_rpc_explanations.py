"""Explanations, what-ifs, forecasts and ways up over the wire."""

from __future__ import annotations

import math
from typing import Any
from uuid import UUID

import pytest

from refnet import v1
from refnet.client import RefnetCallError
from rpc.serving import Served, fresh, won

HEAD = v1.Consistency(fully_consistent=True)


async def test_the_parts_of_a_score_add_up_to_it(served: Served) -> None:
    written = await won(served)
    ann, bob = served.names["ann"], served.names["bob"]
    request = v1.ExplainScoreRequest(member=ann, partners=3, facts=10, consistency=fresh(written))
    answer = await served.call(request)
    whole = math.fsum([*(part.points for part in answer.parts), answer.taken, answer.remainder])

    assert answer.score.score == whole
    assert abs(answer.remainder) < 1e-12
    assert [1, 2, 3, 4, 5] == [each.component for each in answer.components]
    for each in answer.components:
        assert each.points == pytest.approx(100 * each.weight * each.value, abs=1e-12)
    (partner,) = answer.partners
    assert (bob, 4, 4) == (partner.partner, partner.fact_count, len(partner.facts))
    assert partner.cost == pytest.approx(answer.score.score)  # there is nobody else
    assert all(fact.cost > 0 and fact.left == 1.0 for fact in partner.facts)


async def test_what_if_is_the_score_before_it_happened(served: Served) -> None:
    """All that lies between the two left out: the scores are those of before."""
    ann = served.names["ann"]
    before = await served.call(v1.GetScoreRequest(member=ann, consistency=HEAD))
    await won(served)
    request = v1.ExplainScoreRequest(member=ann, partners=1, facts=10, consistency=HEAD)
    facts = (await served.call(request)).partners[0].facts
    asked = v1.WhatIfRequest(facts=[each.position for each in facts], consistency=HEAD)
    answer = await served.call(asked)

    assert before.computed_at.digest == answer.digest
    assert 2 == answer.change_count == len(answer.changes)
    assert before.score.score in {each.after for each in answer.changes}
    named = v1.WhatIfRequest(facts=asked.facts, members=[ann], consistency=HEAD)
    (change,) = (await served.call(named)).changes
    assert (ann, before.score.score) == (change.member, change.after)


async def test_the_costliest_facts_say_what_they_are_and_what_goes_with_them(
    served: Served,
) -> None:
    await won(served)
    ann, bob = served.names["ann"], served.names["bob"]
    request = v1.ExplainScoreRequest(member=ann, top=20, consistency=HEAD)
    answer = await served.call(request)
    kinds = {each.kind: each for each in answer.heaviest}
    costs = [-abs(each.cost) for each in answer.heaviest]
    won_ = kinds[v1.EVIDENCE_KIND_WON]

    assert {
        v1.EVIDENCE_KIND_ACCEPTED,
        v1.EVIDENCE_KIND_WON,
        v1.EVIDENCE_KIND_CLOSED,
        v1.EVIDENCE_KIND_TESTIMONIAL,
    } <= kinds.keys()
    assert {bob} == {kinds[kind].partner for kind in kinds if kind != v1.EVIDENCE_KIND_JOIN}
    assert sorted(costs) == costs
    assert answer.fact_count == len(answer.heaviest)
    assert [0.1, 0.1, 0.1, 0.4] == sorted(round(mass.units, 6) for mass in won_.masses)
    assert {"GV", "RG", "GL", "CP"} == {mass.field for mass in won_.masses}
    assert [won_.position, kinds[v1.EVIDENCE_KIND_CLOSED].position] == list(won_.left_out)
    asked = v1.WhatIfRequest(facts=[won_.position], members=[ann], consistency=HEAD)
    (change,) = (await served.call(asked)).changes
    assert won_.cost == change.before - change.after


async def test_a_forecast_says_what_fades_by_when(served: Served) -> None:
    await won(served)
    ann, bob = served.names["ann"], served.names["bob"]
    request = v1.ForecastRequest(member=ann, days=200, points=20, consistency=HEAD)
    answer = await served.call(request)
    today = answer.computed_at.day
    first, last = answer.outlooks[0], answer.outlooks[-1]

    assert today < answer.half_day < today + 200
    assert [1, 2, 3, 4, 5] == [each.component for each in answer.components]
    raw = (sum(each.now for each in answer.components), sum(e.then for e in answer.components))
    assert (first.raw, last.raw) == pytest.approx(raw, abs=1e-9)
    assert all(each.now >= each.then for each in answer.components)
    words = {each.kind: each for each in answer.facts if each.partner == bob}
    said = words[v1.EVIDENCE_KIND_TESTIMONIAL]
    assert (0.9, today + 180) == (round(said.now, 6), said.half_day)
    assert said.then < said.now / 2
    assert v1.SCORE_LABEL_INSUFFICIENT == first.label
    assert [] == list(answer.label_changes)


async def test_what_depends_on_a_fact_goes_with_it(served: Served) -> None:
    await won(served)
    log = await served.call(v1.ListFactsRequest(page_size=1000))
    topics = {each.name: each.position for each in log.facts}
    request = v1.WhatIfRequest(facts=[topics["refnet.referral-won.v1"]], consistency=HEAD)
    gone = (await served.call(request)).left_out

    assert [topics["refnet.referral-won.v1"], topics["refnet.business-closed.v1"]] == list(gone)


async def test_a_forecast_is_what_is_read_on_that_day(served: Served) -> None:
    await won(served)
    ann = served.names["ann"]
    request = v1.ForecastRequest(member=ann, days=100, points=4, consistency=HEAD)
    answer = await served.call(request)
    today = answer.computed_at.day

    assert [today + each for each in (0, 25, 50, 75, 100)] == [o.day for o in answer.outlooks]
    for outlook in answer.outlooks:
        exact = v1.ExactPosition(position=answer.computed_at.position, day=outlook.day)
        read = await served.call(
            v1.GetScoreRequest(member=ann, consistency=v1.Consistency(exactly_at=exact))
        )
        assert (read.score.score, read.score.trust) == (outlook.score, outlook.trust)
    scores = [each.score for each in answer.outlooks]
    assert sorted(scores, reverse=True) == scores
    assert answer.fading[0].now > answer.fading[0].then > 0
    assert not answer.HasField("flag_changes_day")


async def test_an_act_gains_what_it_was_said_to(served: Served) -> None:
    await won(served)
    ann, bob = served.names["ann"], served.names["bob"]
    answer = await served.call(v1.SuggestActionsRequest(member=bob, count=20, consistency=HEAD))
    kinds = [each.act for each in answer.actions]
    best = answer.actions[0]

    assert v1.ACTION_KIND_PASS_REFERRAL in kinds
    assert v1.ACTION_KIND_ASK_CLIENT in kinds
    assert (v1.ACTION_KIND_PASS_REFERRAL, ann, 5000) == (best.act, best.partner, best.value)
    assert sorted((each.gain for each in answer.actions), reverse=True) == [
        each.gain for each in answer.actions
    ]
    before = await served.call(v1.GetScoreRequest(member=bob, consistency=HEAD))
    referral = await served.refer("bob", "ann")
    for step in (v1.AcceptReferralRequest, v1.ContactProspectRequest, v1.WinReferralRequest):
        await served.call(step(referral=referral, acting_member=ann))
    done = v1.CloseBusinessRequest(
        referral=referral, acting_member=ann, amount=best.value * 100, currency="EUR"
    )
    await served.call(done)
    after = await served.call(v1.GetScoreRequest(member=bob, consistency=HEAD))
    assert after.computed_at.day == before.computed_at.day  # else it is midnight: try again
    assert best.gain == after.score.score - before.score.score


@pytest.mark.parametrize(
    ("asked", "reason", "field"),
    [
        (v1.ExplainScoreRequest(member=f"members/{UUID(int=9)}"), "NOT_FOUND", "member"),
        (v1.ExplainScoreRequest(member="ann", partners=21), "INVALID_REQUEST", "partners"),
        (v1.WhatIfRequest(), "INVALID_REQUEST", "facts"),
        (v1.ForecastRequest(member="ann", days=3651), "INVALID_REQUEST", "days"),
        (v1.SuggestActionsRequest(member="ann", count=-1), "INVALID_REQUEST", "count"),
    ],
)
async def test_what_cannot_be_explained_is_refused_by_its_field(
    served: Served, asked: Any, reason: str, field: str
) -> None:
    if getattr(asked, "member", "") == "ann":
        asked.member = served.names["ann"]
    with pytest.raises(RefnetCallError) as refused:
        await served.call(asked)

    assert (f"ERROR_REASON_{reason}", [field]) == (
        refused.value.reason,
        list(refused.value.violations),
    )


async def test_charters_and_facts_to_come_cannot_be_left_out(served: Served) -> None:
    log = await served.call(v1.ListFactsRequest(page_size=1000))
    early = v1.Consistency(exactly_at=v1.ExactPosition(position=log.facts[1].position))
    for asked, reason in (
        (v1.WhatIfRequest(facts=[log.facts[0].position], consistency=HEAD), "INVALID_REQUEST"),
        (v1.WhatIfRequest(facts=[log.facts[2].position], consistency=early), "POSITION_AHEAD"),
    ):
        with pytest.raises(RefnetCallError) as refused:
            await served.call(asked)
        assert f"ERROR_REASON_{reason}" == refused.value.reason
