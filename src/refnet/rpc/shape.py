"""The rules written in the protos, checked before anything else looks at a request."""

from __future__ import annotations

import re
from typing import Any

from protovalidate import Validator

from refnet.errors import InvalidRequest
from refnet.rpc.errors import ShapeRefused
from refnet.rpc.handlers import Unreadable

_WORDS = {
    "required": "must be set",
    "enum.not_in": "must be set to one of the enum's names",
    "string.uuid": "must be a UUID",
    "string.uuid_empty": "must be a UUID",
}

_BETWEEN = re.compile(r"greater than or equal to (\S+) and less than or equal to (\S+)")


class Shape:
    """Checks messages; what it learns about a type it keeps."""

    def __init__(self) -> None:
        self._validator = Validator()

    def check(self, message: Any, *, within: str = "") -> None:
        """Raises InvalidRequest naming every field at fault.

        within: path of the message, if it came inside another one.
        """
        if type(message) is Unreadable:
            raise InvalidRequest(
                "the request's bytes are not the message that this method takes; "
                "generate the client from the published protos"
            )
        found = self._validator.collect_violations(message)
        if found:
            told = [_told(violation.proto, within) for violation in found]
            raise ShapeRefused(told, **_bounds(found[0]))


def _told(violation: Any, within: str) -> tuple[str, str]:
    parts = [within] if within else []
    for element in violation.field.elements if violation.field else ():
        place = element.subscript
        parts.append(element.field_name + ("" if place is None else f"[{place.value}]"))
    rule = _WORDS.get(violation.rule_id) or violation.message
    return ".".join(parts), rule


def _bounds(violation: Any) -> dict[str, str]:
    """The values that the broken rule's sentence shows, by their names in the proto."""
    between = _BETWEEN.search(violation.proto.message)
    if between is not None:
        return dict(zip(("gte", "lte"), between.groups(), strict=True))
    value, path = violation.rule_value, violation.proto.rule
    if type(value) in {int, str} and path is not None:
        return {path.elements[-1].field_name: str(value)}
    return {}  # such as "must be set"
