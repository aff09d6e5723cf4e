"""Whose signatures make a checkpoint good (c2sp.org/tlog-policy): logs, witnesses, and a quorum.

The file is octets: what is not ASCII in a name or an address is kept as it is and means nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from refnet.tlog.checkpoint import parse_checkpoint
from refnet.tlog.note import COSIGNATURE, ED25519, BadNote, Note, Verifier, parse_vkey

NONE = "none"
"""The quorum that asks for no cosignature."""

_FORBIDDEN = re.compile(rb"[^\t\n\x20-\x7e\x80-\xff]")
_GAP = re.compile(rb"[ \t]+")
_COUNT = re.compile(r"[1-9][0-9]{0,8}")


class BadPolicy(ValueError):
    """What is no policy file; the message names the line."""


@dataclass(frozen=True, slots=True)
class Log:
    """A log whose checkpoints are accepted; its name is the origin these must have."""

    verifier: Verifier
    url: str = ""


@dataclass(frozen=True, slots=True)
class Witness:
    """Who cosigns. name: its name in this file; url: where it is asked, "" if nobody knows."""

    name: str
    verifier: Verifier
    url: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Counts as one witness as soon as so many of its members, witnesses or groups, do."""

    name: str
    needed: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """What `parse_policy` read. groups: in the order of the file; each knows only earlier ones."""

    logs: tuple[Log, ...]
    witnesses: tuple[Witness, ...]
    groups: tuple[Group, ...]
    quorum: str

    def __bytes__(self) -> bytes:
        """The policy as a file, without the comments it had."""
        lines: list[tuple[str, ...]]
        lines = [("log", each.verifier.vkey, each.url) for each in self.logs]
        lines += [("witness", each.name, each.verifier.vkey, each.url) for each in self.witnesses]
        lines += [("group", each.name, str(each.needed), *each.members) for each in self.groups]
        lines.append(("quorum", self.quorum))
        text = "".join(" ".join(filter(None, line)) + "\n" for line in lines)
        return text.encode(errors="surrogateescape")

    def is_quorum(self, names: Collection[str]) -> bool:
        """Whether cosignatures of the witnesses of these names are enough."""
        return self.quorum in self._counted(names)

    def satisfied(self, note: Note) -> bool:
        """Whether a checkpoint is signed as this policy asks. Raises BadNote, as `missing` does."""
        return not self.missing(note)

    def missing(self, note: Note) -> list[str]:
        """What a checkpoint lacks, in words; nothing if it is good.

        A policy without logs leaves it to the caller to know the log's signature. Raises BadNote
        if the signature of a key of this policy is wrong, for then nothing about the note counts.
        """
        found = []
        if self.logs and not self._signed_by_log(note):
            names = ", ".join(each.verifier.name for each in self.logs)
            found.append(f"no log of the policy has signed it ({names})")
        counted = self._counted(self.cosigners(note))
        if self.quorum not in counted:
            found.append(self._lacking(counted))
        return found

    def cosigners(self, note: Note) -> set[str]:
        """The names of the witnesses whose cosignature a note has. Raises BadNote for a wrong one.

        Nothing is asked about the time a cosignature names.
        """
        return {each.name for each in self.witnesses if each.verifier.has_signed(note)}

    def _signed_by_log(self, note: Note) -> bool:
        origin = parse_checkpoint(note.text).origin
        signed = [each.verifier.name for each in self.logs if each.verifier.has_signed(note)]
        return origin in signed

    def _counted(self, names: Collection[str]) -> set[str]:
        """All names, also of groups, that count as having cosigned if these witnesses have."""
        counted = {NONE, *(each.name for each in self.witnesses if each.name in names)}
        for group in self.groups:
            if len(counted.intersection(group.members)) >= group.needed:
                counted.add(group.name)
        return counted

    def _lacking(self, counted: set[str]) -> str:
        group = next((each for each in self.groups if each.name == self.quorum), None)
        if group is None:
            return f"the witness {self.quorum} has not cosigned it"
        absent = [each for each in group.members if each not in counted]
        have = len(group.members) - len(absent)
        return (
            f"{have} of the {group.needed} cosignatures that {group.name} needs are there;"
            f" without one are {', '.join(absent)}"
        )


def parse_policy(raw: bytes) -> Policy:
    """Read a policy file. Raises BadPolicy, which names the line, for anything that is none."""
    reading = _Reading()
    for number, fields in _lines(raw):
        try:
            reading.take(fields)
        except (BadPolicy, BadNote) as error:
            raise BadPolicy(f"line {number} of the policy: {error}") from error
    if not reading.quorum:
        raise BadPolicy("the policy has no quorum line; write quorum none to ask for no witness")
    return Policy(
        tuple(reading.logs), tuple(reading.witnesses), tuple(reading.groups), reading.quorum
    )


def _lines(raw: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """The number and the fields of every line that says something."""
    *lines, rest = raw.split(b"\n")
    for number, line in enumerate(lines, 1):
        if found := _FORBIDDEN.search(line):
            raise BadPolicy(f"line {number} of the policy holds the octet 0x{found[0].hex()}")
        fields = [field for field in _GAP.split(line) if field]
        if fields and not fields[0].startswith(b"#"):
            yield number, fields
    if rest:
        raise BadPolicy(f"line {len(lines) + 1} of the policy does not end in a line feed")


class _Reading:
    """What the lines so far have defined."""

    def __init__(self) -> None:
        self.logs: list[Log] = []
        self.witnesses: list[Witness] = []
        self.groups: list[Group] = []
        self.quorum = ""
        self._names: set[str] = set()
        self._members: set[str] = set()

    def take(self, fields: list[bytes]) -> None:
        """Add a line. Raises BadPolicy or BadNote."""
        word, *rest = (field.decode(errors="surrogateescape") for field in fields)
        if word == "log" and len(rest) in (1, 2):
            self._log(*rest)
        elif word == "witness" and len(rest) in (2, 3):
            self._witness(*rest)
        elif word == "group" and len(rest) > 2:
            self._group(rest[0], rest[1], tuple(rest[2:]))
        elif word == "quorum" and len(rest) == 1:
            self._quorum(rest[0])
        else:
            raise BadPolicy(
                "it is none of: log VKEY [URL], witness NAME VKEY [URL],"
                " group NAME all|any|K NAME..., quorum NAME"
            )

    def _log(self, vkey: str, url: str = "") -> None:
        verifier = _verifier(vkey, ED25519, "a log")
        if any(each.verifier.public == verifier.public for each in self.logs):
            raise BadPolicy(f"the key of {verifier.name} is that of another log")
        self.logs.append(Log(verifier, url))

    def _witness(self, name: str, vkey: str, url: str = "") -> None:
        self._define(name)
        verifier = _verifier(vkey, COSIGNATURE, "a witness")
        # One key under two names would be two votes.
        if any(each.verifier.public == verifier.public for each in self.witnesses):
            raise BadPolicy(f"the key of {name} is that of another witness")
        self.witnesses.append(Witness(name, verifier, url))

    def _group(self, name: str, count: str, members: tuple[str, ...]) -> None:
        for member in members:
            self._known(member)
            if member in self._members:
                raise BadPolicy(f"{member} is a member of a group already, and can be of one only")
            self._members.add(member)
        self._define(name)
        needed = {"any": 1, "all": len(members)}.get(count)
        if needed is None:
            if not _COUNT.fullmatch(count) or int(count) > len(members):
                raise BadPolicy(f"{count!r} is neither all nor any nor one of 1 to {len(members)}")
            needed = int(count)
        self.groups.append(Group(name, needed, members))

    def _quorum(self, name: str) -> None:
        if self.quorum:
            raise BadPolicy("there is a quorum already")
        if name != NONE:
            self._known(name)
        self.quorum = name

    def _define(self, name: str) -> None:
        if name == NONE:
            raise BadPolicy("none is the name of the empty quorum")
        if name in self._names:
            raise BadPolicy(f"{name} is defined already")
        self._names.add(name)

    def _known(self, name: str) -> None:
        if name not in self._names:
            raise BadPolicy(f"{name} is not defined on a line above")


def _verifier(vkey: str, kind: int, whose: str) -> Verifier:
    try:
        vkey.encode()
    except UnicodeEncodeError as error:
        raise BadPolicy("the key is not UTF-8") from error
    verifier = parse_vkey(vkey)
    if verifier.kind != kind:
        raise BadPolicy(f"the key of {whose} must be of type {kind}, not {verifier.kind}")
    return verifier
