"""The table of nouns.

A new noun is a module in this folder, a proto file of its own, and a row here.
"""

from __future__ import annotations

from refnet.domain import (
    chapter,
    contact,
    meeting,
    member,
    network,
    one_to_one,
    read,
    referral,
    testimonial,
)
from refnet.domain.decisions import Noun

NOUNS: tuple[Noun, ...] = (
    network.NOUN,
    chapter.NOUN,
    member.NOUN,
    contact.NOUN,
    meeting.NOUN,
    one_to_one.NOUN,
    referral.NOUN,
    testimonial.NOUN,
    read.NOUN,
)

BY_NAME = {noun.name: noun for noun in NOUNS}
BY_COMMAND = {kind: noun for noun in NOUNS for kind in noun.commands}
BY_FACT = {kind.NAME: noun for noun in NOUNS for kind in noun.facts}
FACTS = {kind.NAME: kind for noun in NOUNS for kind in noun.facts}
