"""Every way refnet says no.

A refusal has a *reason* (one of a closed list that clients may switch on), the *facts* it rests on,
the *field* of the request it is about, if any, and a sentence that names the rule and a way out.
How a reason travels over the wire is the business of `refnet.rpc`; what it means is written in
`error_reason.proto`.
"""

from __future__ import annotations

from typing import ClassVar


class RefnetError(Exception):
    """Base of all refusals.

    `facts` maps a name to a value worth telling the caller; values are turned into text. They never
    hold personal data. `field` is the name of the request field at fault, `""` if no single field
    is.
    """

    reason: ClassVar[str]

    def __init__(self, message: str, *, field: str = "", **facts: object) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.facts = {name: str(value) for name, value in sorted(facts.items())}

    def add(self, sentence: str, **facts: object) -> None:
        """Say more: what was not known where the refusal was made."""
        self.message = f"{self.message}; {sentence}"
        self.args = (self.message,)
        self.facts |= {name: str(value) for name, value in sorted(facts.items())}


class InvalidRequest(RefnetError):
    """A field has a value that no state of the network could make acceptable."""

    reason = "INVALID_REQUEST"


class NotFound(RefnetError):
    """The named thing does not exist at the position asked for."""

    reason = "NOT_FOUND"


class NetworkExists(RefnetError):
    """The log already holds a network; one log holds one network."""

    reason = "NETWORK_EXISTS"


class NetworkMissing(RefnetError):
    """The log holds no network yet."""

    reason = "NETWORK_MISSING"


class SelfDealing(RefnetError):
    """Giver and receiver, or both partners, are the same member."""

    reason = "SELF_DEALING"


class MemberNotActive(RefnetError):
    """The member was not active at the time the fact occurred."""

    reason = "MEMBER_NOT_ACTIVE"


class ChapterNotOpen(RefnetError):
    """The chapter is suspended or closed."""

    reason = "CHAPTER_NOT_OPEN"


class SeatTaken(RefnetError):
    """The chapter's seat for this classification is held by another active member."""

    reason = "SEAT_TAKEN"


class OccurTimeInFuture(RefnetError):
    """`occur_time` lies further ahead of the server's clock than the allowed skew."""

    reason = "OCCUR_TIME_IN_FUTURE"


class OccurTimeBeforeCharter(RefnetError):
    """`occur_time` lies before the network was chartered."""

    reason = "OCCUR_TIME_BEFORE_CHARTER"


class WrongState(RefnetError):
    """The thing is not in a state from which this move is possible."""

    reason = "WRONG_STATE"


class NotPermitted(RefnetError):
    """The acting member is not the one who may do this."""

    reason = "NOT_PERMITTED"


class SubstituteIsMember(RefnetError):
    """A substitute may not be a member of the chapter that meets."""

    reason = "SUBSTITUTE_IS_MEMBER"


class TooManyVisits(RefnetError):
    """The visitor has used up the visits the chapter's policy allows."""

    reason = "TOO_MANY_VISITS"


class ReportApproved(RefnetError):
    """The meeting's report is approved; only a correction may change it."""

    reason = "REPORT_APPROVED"


class RateMissing(RefnetError):
    """No exchange rate into the network's reference currency has been set."""

    reason = "RATE_MISSING"


class RequestIdReused(RefnetError):
    """The request id was used before with other content."""

    reason = "REQUEST_ID_REUSED"


class ForeignPosition(RefnetError):
    """The position token belongs to another log, or is not one of ours."""

    reason = "FOREIGN_POSITION"


class PositionAhead(RefnetError):
    """The log has not reached the position asked for."""

    reason = "POSITION_AHEAD"


class FreshnessTimeout(RefnetError):
    """The projection did not reach the position asked for in time."""

    reason = "FRESHNESS_TIMEOUT"


class InvalidPageToken(RefnetError):
    """The page token is damaged, or was issued for other arguments."""

    reason = "INVALID_PAGE_TOKEN"


class StreamTooSlow(RefnetError):
    """The reader of a stream fell too far behind; it may resume from the position named."""

    reason = "STREAM_TOO_SLOW"


class StorageFull(RefnetError):
    """The disk is full; nothing of this request was kept."""

    reason = "STORAGE_FULL"


class ShuttingDown(RefnetError):
    """The server is stopping and takes no more writes."""

    reason = "SHUTTING_DOWN"


def stopping() -> ShuttingDown:
    """What those hear who wait for something when the server stops."""
    return ShuttingDown("the server is stopping; ask another one, or retry later")


class SubjectErased(RefnetError):
    """The person was erased; nothing more is recorded about them."""

    reason = "SUBJECT_ERASED"


class StoreSealed(RefnetError):
    """The store may not be written in this way (simulated, or held by another process)."""

    reason = "STORE_SEALED"


class StoreDamaged(RefnetError):
    """What is on disk contradicts itself; the message names what and where."""

    reason = "STORE_DAMAGED"


class LogBehind(StoreDamaged):
    """The database has lost facts that were signed and published: an old backup was restored."""


class LogForked(StoreDamaged):
    """The database does not hold the facts that were signed and published."""


class Overloaded(RefnetError):
    """As many calls are in flight as the server takes."""

    reason = "OVERLOADED"
