"""From a noun's state to the resource that callers see, by a plan made once per noun."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from google.protobuf.descriptor import Descriptor
from google.protobuf.message_factory import GetMessageClass

from refnet import v1
from refnet.domain.decisions import Noun
from refnet.domain.values import Corrected, Erased, Expired, Restricted, Withheld
from refnet.log.disclosure import Shown
from refnet.rpc.convert import Convert, attribute_of, hints_of, writer
from refnet.rpc.naming import Names, name_of
from refnet.rpc.positions import Positions

Reveal = Callable[[Noun, UUID, Mapping[str, int]], Awaitable[Mapping[str, Shown]]]
"""Personal fields in clear, each from the fact of the given version of the stream."""

_PERSONAL = "refnet.v1.PersonalText"


@dataclass(frozen=True, slots=True)
class ResourcePlan:
    """How the states of one noun are shown."""

    noun: Noun
    message: Any
    _plain: list[tuple[str, str, Convert]]
    _personal: list[tuple[str, str | None]]

    async def resource(self, state: Any, reveal: Reveal) -> Any:
        """The resource of a state, with personal data in clear."""
        shown = {field: convert(getattr(state, name)) for field, name, convert in self._plain}
        shown[self.noun.name] = name_of(self.noun.plural, state.id)
        versions = {
            field: 1 if holder is None else getattr(state, holder)
            for field, holder in self._personal
        }
        wanted = {field: version for field, version in versions.items() if version}
        if wanted:
            for field, text in (await reveal(self.noun, state.id, wanted)).items():
                if text is not None:
                    shown[field] = personal_text(text)
        return self.message(**shown)


def personal_text(shown: str | Withheld) -> v1.PersonalText:
    """A personal field as it travels."""
    match shown:
        case str():
            return v1.PersonalText(text=shown)
        case Erased():
            return v1.PersonalText(erased=v1.Erased(subject=str(shown.subject)))
        case Restricted():
            return v1.PersonalText(restricted=v1.Restricted(subject=str(shown.subject)))
        case Corrected():
            return v1.PersonalText(corrected=v1.Corrected(subject=str(shown.subject)))
        case Expired():
            return v1.PersonalText(expired=v1.Expired(subject=str(shown.subject)))


def resource_plan(
    noun: Noun, state: Any, descriptor: Descriptor, names: Names, positions: Positions
) -> ResourcePlan:
    """Match a state class with its message. Raises TypeError for anything that does not fit."""
    hints = hints_of(state)
    del hints["id"]
    plain: list[tuple[str, str, Convert]] = []
    personal: list[tuple[str, str | None]] = []
    for field in descriptor.fields:
        if field.name == noun.name:
            continue
        if field.message_type is not None and field.message_type.full_name == _PERSONAL:
            personal.append((field.name, _holder(noun, field.name, hints)))
            continue
        attribute = attribute_of(field)
        if attribute not in hints:
            raise TypeError(f"{descriptor.full_name}.{field.name} has no match in {state.__name__}")
        convert = writer(field, hints.pop(attribute), names, positions)
        plain.append((field.name, attribute, convert))
    if hints:
        raise TypeError(f"{descriptor.full_name} leaves out {', '.join(sorted(hints))}")
    return ResourcePlan(noun, GetMessageClass(descriptor), plain, personal)


def _holder(noun: Noun, field: str, hints: dict[str, Any]) -> str | None:
    """The attribute that says which version of the stream holds the text.

    A state says so in `<field>_at` if the text can change; None: it is always in the first fact.
    """
    holder = f"{field}_at"
    if hints.pop(holder, None) is not None:
        return holder
    if field not in noun.facts[0].SEALED:
        raise TypeError(f"{noun.name}.{field} is neither tracked as {holder} nor in the first fact")
    return None
