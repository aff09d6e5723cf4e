"""The rules written in the protos, checked before anything else looks at a request."""

from __future__ import annotations

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
            raise ShapeRefused([_told(violation.proto, within) for violation in found])


def _told(violation: Any, within: str) -> tuple[str, str]:
    parts = [within] if within else []
    for element in violation.field.elements if violation.field else ():
        place = element.subscript
        parts.append(element.field_name + ("" if place is None else f"[{place.value}]"))
    rule = _WORDS.get(violation.rule_id) or violation.message
    return ".".join(parts), rule
