"""The library's mapper over our codec, so that its event store can read and write a refnet log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from eventsourcing.persistence import (
    JSONTranscoder,
    Mapper,
    MapperDeserialisationError,
    Notification,
    StoredEvent,
)

from refnet.domain.facts import Recorded
from refnet.errors import StoreDamaged
from refnet.log.codec import Codec


@dataclass(frozen=True)
class Event:
    """A fact in the shape the library asks of a domain event."""

    fact: Any
    recorded: Recorded

    @property
    def originator_id(self) -> UUID:
        """The stream."""
        return self.recorded.stream

    @property
    def originator_version(self) -> int:
        """The place in the stream, from 1."""
        return self.recorded.version


class FactMapper(Mapper[UUID]):
    """Names facts by our table, never by import path, and keeps their canonical bytes."""

    def __init__(self, codec: Codec) -> None:
        super().__init__(JSONTranscoder())
        self._codec = codec

    def to_stored_event(self, domain_event: Any) -> StoredEvent:
        """Facts must be sealed already. Raises TypeError if a personal field is not."""
        return StoredEvent(
            originator_id=domain_event.originator_id,
            originator_version=domain_event.originator_version,
            topic=domain_event.fact.NAME,
            state=self._codec.encode(domain_event.fact, domain_event.recorded),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Event:
        """An `Event`; its position is 0 unless a Notification, which knows it, is given."""
        known = isinstance(stored_event, Notification)
        position = stored_event.id if known else 0  # type: ignore[attr-defined]
        stream = stored_event.originator_id
        try:
            fact, recorded = self._codec.decode(
                position,
                stream if isinstance(stream, UUID) else UUID(stream),
                stored_event.originator_version,
                stored_event.topic,
                stored_event.state,
            )
        except StoreDamaged as error:
            raise MapperDeserialisationError(error.message) from error
        return Event(fact, recorded)
