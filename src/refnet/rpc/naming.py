"""Resource names, `members/{uuid}`, and the ids they stand for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from refnet.domain.decisions import Noun
from refnet.errors import InvalidRequest, NotFound


def name_of(plural: str, stream: UUID) -> str:
    """The resource name of a stream."""
    return f"{plural}/{stream}"


def parse(plural: str, name: str, *, field: str) -> UUID:
    """The id in a resource name. Raises InvalidRequest naming the field."""
    collection, _, rest = name.partition("/")
    if collection == plural and len(rest) == 36:
        try:
            return UUID(rest)
        except ValueError:
            pass
    raise InvalidRequest(
        f"{field} {name!r} is no resource name; write it as {plural}/{{uuid}}",
        field=field,
        value=name,
    )


def check_known(states: Mapping[UUID, Any], noun: str, stream: UUID, *, field: str) -> None:
    """Raises NotFound naming the field unless the noun has such a stream."""
    if stream not in states:
        raise NotFound(f"no {noun} {stream}; check {field}", field=field, noun=noun, id=stream)


class Names:
    """Which id type of the domain goes with which collection."""

    def __init__(self, nouns: Sequence[Noun]) -> None:
        self._plurals = {noun.id_type: noun.plural for noun in nouns}

    def is_id(self, hint: Any) -> bool:
        """Whether a type hint marks the id of a noun."""
        return hint in self._plurals

    def parser(self, hint: Any, field: str) -> Callable[[str], UUID]:
        """A function from resource name to id, for names that the request's rules have admitted."""
        start = len(self._plurals[hint]) + 1

        def to_id(name: str) -> UUID:
            try:
                return msgspec.convert(name[start:], UUID)  # three times as fast as UUID(...)
            except msgspec.ValidationError:
                return parse(self._plurals[hint], name, field=field)

        return to_id

    def formatter(self, hint: Any) -> Callable[[UUID], str]:
        """A function from id to resource name."""
        start = f"{self._plurals[hint]}/"
        return lambda stream: f"{start}{stream}"
