"""Referral and closed-business rows: one stream, told of by several rows and several files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from refnet.domain.currency import check_currency
from refnet.domain.decisions import Request
from refnet.domain.referral import (
    AcceptReferral,
    CloseBusiness,
    ContactProspect,
    DeclineReferral,
    LoseReferral,
    PassReferral,
    ReferralStatus,
    WinReferral,
)
from refnet.domain.values import MemberId, ReferralId
from refnet.engine import Engine
from refnet.errors import InvalidRequest, NotFound, RateMissing, WrongState
from refnet.imports.cells import parse_minor_units, parse_name, parse_text, parse_whole
from refnet.imports.network import Home
from refnet.imports.people import Plan
from refnet.imports.request_ids import Repeats, RequestIds
from refnet.imports.slip_columns import REFERRAL_STATUSES, need, parse_status
from refnet.imports.tables import Cells

_STEPS: dict[ReferralStatus, tuple[ReferralStatus, Any]] = {
    # The status a step leads to: the status it starts from, and the command.
    ReferralStatus.ACCEPTED: (ReferralStatus.PASSED, AcceptReferral),
    ReferralStatus.DECLINED: (ReferralStatus.PASSED, DeclineReferral),
    ReferralStatus.CONTACTED: (ReferralStatus.ACCEPTED, ContactProspect),
    ReferralStatus.WON: (ReferralStatus.CONTACTED, WinReferral),
    ReferralStatus.LOST: (ReferralStatus.CONTACTED, LoseReferral),
}


@dataclass(frozen=True, slots=True)
class Known:
    """How far a referral has come, planned steps included."""

    stream: UUID
    giver: MemberId
    receiver: MemberId
    status: ReferralStatus


class Referrals:
    """Plans what rows say about referrals, in the order of the file."""

    def __init__(self, engine: Engine, ids: RequestIds, home: Home, repeats: Repeats) -> None:
        self._engine = engine
        self._ids = ids
        self._home = home
        self._repeats = repeats
        self._known: dict[object, Known] = {}

    def knows(self, cells: Cells) -> bool:
        """Whether the referral that a closed-business row names is in the log or in the plan."""
        return self._find(self._slip_id(need(cells, "slip"))) is not None

    def check(self, cells: Cells) -> None:
        """Raises InvalidRequest for a referral row that cannot be right, whoever it is about."""
        parse_status(cells, REFERRAL_STATUSES)
        heat = parse_whole(cells.get("heat", "1"), "heat")
        if not 1 <= heat <= 5:
            raise InvalidRequest("heat is not in 1 to 5; write the effort made", field="heat")
        for column in ("prospect", "text"):
            parse_text(cells.get(column, ""), column)
        if "slip" in cells:
            parse_name(cells["slip"], "slip")

    def pass_(self, cells: Cells, plan: Plan, giver: MemberId, receiver: MemberId) -> None:
        """Plan a referral and the steps to its status. Call `check` first."""
        command = PassReferral(
            giver=giver,
            receiver=receiver,
            heat=parse_whole(cells.get("heat", "1"), "heat"),
            prospect_name=parse_text(cells.get("prospect", ""), "prospect"),
            description=parse_text(cells.get("text", ""), "text"),
        )
        if "slip" in cells:
            request_id = self._slip_id(cells["slip"])
        else:
            content = (giver, receiver, plan.time, command.prospect_name, command.description)
            count = self._repeats.before("referral", *content)
            request_id = self._ids.of("referral", *content, count)
        known = self._find(request_id)
        if known is None:
            stream = self._engine.new_id("referral")
            known = Known(stream, giver, receiver, ReferralStatus.PASSED)
            plan.opened.append(request_id)
        plan.requests.append(
            Request(
                command=command,
                request_id=request_id,
                new_id=known.stream,
                occur_time=plan.time,
            )
        )
        self._known[request_id] = known
        self._move(request_id, ReferralStatus(parse_status(cells, REFERRAL_STATUSES)), plan)

    def close(
        self, cells: Cells, plan: Plan, named: tuple[MemberId | None, MemberId | None]
    ) -> None:
        """Plan closed business, and first the steps that were not told of.

        named: who thanks and who is thanked, as far as the row says so.
        """
        slip = parse_name(need(cells, "slip"), "slip")
        request_id = self._slip_id(slip)
        known = self._find(request_id)
        if known is None:
            raise NotFound(
                "slip is no referral of this file or an earlier one; import the referral too",
                field="slip",
            )
        for column, member, expected in zip(
            ("from", "to"), named, (known.receiver, known.giver), strict=True
        ):
            if member is not None and member != expected:
                role = "received" if column == "from" else "gave"
                raise InvalidRequest(
                    f"{column} is not who {role} the referral; correct it or leave it empty",
                    field=column,
                )
        currency = cells.get("currency", self._home.reference_currency).upper()
        exponent = check_currency(currency, field="currency")
        self._check_rate(currency)
        amount = parse_minor_units(need(cells, "amount"), "amount", exponent)
        self._move(request_id, ReferralStatus.WON, plan)
        content = (slip, plan.time, amount, currency)
        count = self._repeats.before("closed_business", *content)
        self._act(
            plan,
            CloseBusiness(referral=ReferralId(known.stream), amount=amount, currency=currency),
            self._ids.of("closed_business", *content, count),
            known,
        )

    def forget(self, keys: Sequence[object]) -> None:
        """What was planned was refused, or may have been: ask the log next time."""
        for key in keys:
            self._known.pop(key, None)

    def _move(self, request_id: str, target: ReferralStatus, plan: Plan) -> None:
        """Plan the steps from where a referral stands; none if it has been there already."""
        known = self._known[request_id]
        if target in _history(known.status):
            return
        steps: list[ReferralStatus] = []
        status = target
        while status is not known.status:
            if status not in _STEPS:
                raise WrongState(
                    f"the referral is {known.status} and cannot become {target}; "
                    "correct the status, or the referral it stands at",
                    field="status",
                    state=known.status,
                )
            steps.append(status)
            status = _STEPS[status][0]
        for step in reversed(steps):
            command = _STEPS[step][1](referral=ReferralId(known.stream))
            self._act(plan, command, self._ids.of("step", request_id, step), known)
        plan.opened.append(request_id)
        self._known[request_id] = replace(known, status=target)

    def _act(self, plan: Plan, command: Any, request_id: str, known: Known) -> None:
        plan.requests.append(
            Request(
                command=command,
                request_id=request_id,
                new_id=known.stream,
                acting_member=known.receiver,
                occur_time=plan.time,
            )
        )

    def _slip_id(self, slip: str) -> str:
        return self._ids.of("referral slip", slip.strip())

    def _find(self, request_id: str) -> Known | None:
        known = self._known.get(request_id)
        if known is not None:
            return known
        stream = self._engine.answered(request_id)
        state = None if stream is None else self._engine.state.find("referral", stream)
        if state is None:
            return None
        found = Known(state.id, state.giver, state.receiver, state.status)
        self._known[request_id] = found
        return found

    def _check_rate(self, currency: str) -> None:
        reference = self._home.reference_currency
        if not self._home.has_rate(currency):
            raise RateMissing(
                f"no rate from {currency} into {reference} is set; set one, "
                f"or give the amount in {reference}",
                field="currency",
                currency=currency,
            )


def _history(status: ReferralStatus) -> set[ReferralStatus]:
    """A status and all those on the way to it."""
    passed = {status}
    while status in _STEPS:
        status = _STEPS[status][0]
        passed.add(status)
    return passed
