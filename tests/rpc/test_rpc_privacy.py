"""What people demand of their data, asked of a running server."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from structlog.testing import capture_logs

from privacy.town import ciphertexts, files_with, rows, wrapped_keys
from refnet import v1
from refnet.client import RefnetCallError
from refnet.domain.read import PersonalDataRead
from refnet.domain.values import MICROS_PER_DAY
from refnet.errors import StorageFull
from refnet.log import erasing
from rpc.serving import Serve, Served, running

CANARIES = ("canary-name", "canary@mail", "canary-phone", "canary-id")


async def canary(served: Served) -> str:
    """A member with texts that are nowhere else."""
    name, email, phone, external_id = CANARIES
    request = v1.EnrolMemberRequest(
        chapter=served.names["chapter"],
        classification="Tailor",
        name=name,
        email=email,
        phone=phone,
        external_id=external_id,
    )
    answer = await served.call(request)
    member: str = answer.member
    return member


async def shown(served: Served, member: str) -> Any:
    answer = await served.call(v1.GetMemberRequest(member=member))
    return answer.member


def stream(name: str) -> UUID:
    return UUID(name.rpartition("/")[2])


@pytest.mark.parametrize("strict", [False, True], ids=["keys", "strict"])
async def test_whoever_is_erased_is_erased_when_the_server_answers(
    served: Served, *, strict: bool
) -> None:
    """Promise: at the answer no key exists, and every read says so, also of the past."""
    member = await canary(served)
    before = await served.call(v1.GetHeadRequest())
    keys = wrapped_keys(served.data, stream(member))
    assert "canary-name" == (await shown(served, member)).name.text

    await served.call(v1.EraseMemberRequest(member=member, strict=strict))

    assert [] == wrapped_keys(served.data, stream(member))
    assert [] == files_with(served.data, keys)
    erased = v1.PersonalText(erased=v1.Erased(subject=str(stream(member))))
    past = v1.Consistency(exactly_at=v1.ExactPosition(position=before.position))
    then = await served.call(v1.GetMemberRequest(member=member, consistency=past))
    listed = await served.call(v1.ListMembersRequest())
    (of_list,) = (each for each in listed.members if each.member == member)
    for each in (await shown(served, member), then.member, of_list):
        assert [erased] * 4 == [each.name, each.email, each.phone, each.external_id]
    assert v1.MEMBER_STATUS_ERASED == of_list.status
    assert v1.MEMBER_STATUS_ACTIVE == then.member.status


@pytest.mark.parametrize("hindrance", ["reader", "full"])
async def test_an_idle_server_clears_the_disk_once_nothing_is_in_the_way(
    served: Served, monkeypatch: pytest.MonkeyPatch, hindrance: str
) -> None:
    """Promise: nobody has to write or stop the server for what was delayed to be done."""
    member = await canary(served)
    who, engine = stream(member), served.engine
    left = [*wrapped_keys(served.data, who), *ciphertexts(served.data, who)]
    readers = []
    if hindrance == "full":
        monkeypatch.setattr(erasing, "take_away", no_room)
    for connection, name in (
        (engine.store._writer, "log.db"),
        (engine.keys._connection, "keys.db"),
    ):
        connection.execute("PRAGMA busy_timeout = 50")
        if hindrance == "reader":
            readers.append(sqlite3.connect(served.data / name, isolation_level=None))
            readers[-1].execute("BEGIN")
            readers[-1].execute("SELECT count(*) FROM sqlite_schema").fetchone()

    await served.call(v1.EraseMemberRequest(member=member, strict=True))
    assert [] == wrapped_keys(served.data, who)
    assert files_with(served.data, left)
    await asyncio.sleep(1.2)
    assert files_with(served.data, left)
    for each in readers:
        each.close()
    monkeypatch.undo()

    end = time.monotonic() + 5.0
    while files_with(served.data, left) or engine.sequencer.eraser.has_work:
        assert time.monotonic() < end
        await asyncio.sleep(0.1)


def no_room(*_: object) -> list[bytes]:
    raise StorageFull("no room")


async def test_reads_and_writes_go_on_while_people_are_erased(served: Served) -> None:
    """Whoever reads meanwhile gets all of the texts or none: never an error, never nothing."""
    made = [await served.enrol(f"m{number}", email="x@y") for number in range(24)]
    seen: set[str] = set()
    done = asyncio.Event()

    async def read() -> None:
        while not done.is_set():
            for name in made:
                found = await shown(served, name)
                kinds = {found.name.WhichOneof("value"), found.email.WhichOneof("value")}
                assert kinds <= {"text", "erased"}
                seen.update(kinds)

    async def write() -> None:
        while not done.is_set():
            await served.refer()
            await asyncio.sleep(0)

    others = [asyncio.ensure_future(each()) for each in (read, read, write)]
    requests = [
        v1.EraseMemberRequest(member=name, strict=place % 4 == 0) for place, name in enumerate(made)
    ]
    await asyncio.gather(*(served.call(each) for each in requests[:12]))
    for each in requests[12:]:
        await served.call(each)
    done.set()
    await asyncio.gather(*others)

    assert {"text", "erased"} == seen
    for name in made:
        assert "erased" == (await shown(served, name)).name.WhichOneof("value")


async def test_a_retry_over_the_wire_gets_the_first_answer(served: Served) -> None:
    member, request_id = await canary(served), str(uuid4())
    request = v1.EraseMemberRequest(member=member, request_id=request_id)
    first = await served.call(request)

    assert first == await served.call(request)
    with pytest.raises(RefnetCallError, match="SUBJECT_ERASED") as refusal:
        await served.call(v1.EraseMemberRequest(member=member))
    assert ["member"] == list(refusal.value.violations)


async def test_corrected_and_restricted_texts_say_so(served: Served) -> None:
    ann = served.names["ann"]
    before = await served.call(v1.GetHeadRequest())
    await served.call(v1.RectifyMemberRequest(member=ann, name="Right"))
    past = v1.Consistency(exactly_at=v1.ExactPosition(position=before.position))
    then = await served.call(v1.GetMemberRequest(member=ann, consistency=past))
    assert str(stream(ann)) == then.member.name.corrected.subject
    assert "Right" == (await shown(served, ann)).name.text

    await served.call(v1.RestrictMemberRequest(member=ann))
    assert str(stream(ann)) == (await shown(served, ann)).name.restricted.subject

    await served.call(v1.UnrestrictMemberRequest(member=ann))
    assert "Right" == (await shown(served, ann)).name.text


async def test_contacts_have_the_same_rights(served: Served) -> None:
    request = v1.RegisterContactRequest(name="Vic", email="v@x")
    contact = (await served.call(request)).contact
    await served.call(v1.RectifyContactRequest(contact=contact, name="Vicky"))
    found = (await served.call(v1.GetContactRequest(contact=contact))).contact
    assert ("Vicky", "v@x", "") == (found.name.text, found.email.text, found.phone.text)
    await served.call(v1.RestrictContactRequest(contact=contact))
    found = (await served.call(v1.GetContactRequest(contact=contact))).contact
    assert found.name.HasField("restricted")
    await served.call(v1.UnrestrictContactRequest(contact=contact))
    await served.call(v1.EraseContactRequest(contact=contact, strict=True))
    found = (await served.call(v1.GetContactRequest(contact=contact))).contact
    assert found.name.HasField("erased")
    assert found.email.HasField("erased")
    assert not found.HasField("phone")


async def test_a_person_gets_every_fact_with_their_own_texts_only(served: Served) -> None:
    member = await canary(served)
    bob = served.names["bob"]
    await served.call(
        v1.GiveTestimonialRequest(subject=bob, author=member, rating=9, text="about bob")
    )
    await served.call(
        v1.GiveTestimonialRequest(subject=member, author=bob, rating=9, text="about me")
    )
    await served.call(v1.RestrictMemberRequest(member=member))

    found = [each async for each in served.stream(v1.ExportPersonRequest(person=member))]

    texts = [text.text for each in found for text in each.personal.values()]
    assert sorted([*CANARIES, "about me"]) == sorted(texts)
    assert [each.fact.number - 1 for each in found] == [each.leaf_index for each in found]
    names = [each.fact.name for each in found]
    assert 2 == names.count("refnet.testimonial-given.v1")
    assert "refnet.member-restricted.v1" == names[-1]
    for missing in ("members/00000000-0000-4000-8000-000000000000", "contacts" + bob[7:]):
        with pytest.raises(RefnetCallError, match="NOT_FOUND"):
            [each async for each in served.stream(v1.ExportPersonRequest(person=missing))]


# --- the log of reads -----------------------------------------------------------------------------


def recorded(data: Path) -> list[tuple[Any, ...]]:
    return rows(
        data / "log.db",
        "SELECT CAST(state AS TEXT) FROM stored_events WHERE topic = ?",
        (PersonalDataRead.NAME,),  # type: ignore[attr-defined]
    )


async def reads(served: Served, number: int, seconds: float = 5.0) -> list[Any]:
    """The recorded reads, once there are so many."""
    end = time.monotonic() + seconds
    while True:
        found = (await served.call(v1.ListReadsRequest())).reads
        if len(found) >= number:
            return list(found)
        assert time.monotonic() < end, found
        await asyncio.sleep(0.02)


async def test_a_read_is_recorded_once_a_day_within_about_a_second(served: Served) -> None:
    """Promise: one fact per principal, person and day, durable soon, waiting for nobody."""
    ann, bob = served.names["ann"], served.names["bob"]
    began = time.monotonic()
    for _ in range(20):
        await shown(served, ann)
    found = await reads(served, 1)
    assert time.monotonic() - began < 2.0
    assert [(ann, "local")] == [(each.person, each.reader) for each in found]
    assert found[0].day == served.engine.clock() // MICROS_PER_DAY
    for name in (ann, bob, ann, bob):
        await shown(served, name)
    found = await reads(served, 2)
    await asyncio.sleep(0.6)

    assert [ann, bob] == [each.person for each in await reads(served, 2)]
    of_bob = await served.call(v1.ListReadsRequest(person=bob))
    assert [bob] == [each.person for each in of_bob.reads]


async def test_listings_and_exports_are_reads_too_and_are_listed_in_pages(served: Served) -> None:
    for number in range(5):
        await served.enrol(f"m{number}")
    await served.call(v1.ListMembersRequest())
    found = [each.person for each in await reads(served, 7)]
    assert 7 == len(set(found))

    token, paged = "", []
    while True:
        page = await served.call(v1.ListReadsRequest(page_size=3, page_token=token))
        paged += [each.person for each in page.reads]
        token = page.next_page_token
        if not token:
            break
    assert found == paged

    contact = (await served.call(v1.RegisterContactRequest(name="Vic"))).contact
    assert [each async for each in served.stream(v1.ExportPersonRequest(person=contact))]
    assert contact == (await reads(served, 8))[-1].person


async def test_reads_survive_restarts_without_duplicates(tmp_path: Path) -> None:
    """What was noted when the server stops is recorded by then, and the next one knows it."""
    data = tmp_path / "data"
    async with running(data) as served:
        await served.charter()
        names = dict(served.names)
        await shown(served, names["ann"])  # and stop at once
    assert 1 == len(recorded(data))
    for _ in range(3):
        async with running(data) as served:
            await shown(served, names["ann"])
            await shown(served, names["bob"])
    assert 2 == len(recorded(data))


async def test_the_next_day_is_another_read(tmp_path: Path) -> None:
    now = [20_000 * MICROS_PER_DAY + 5]
    async with running(tmp_path / "data", clock=lambda: now[0]) as served:
        await served.charter()
        await shown(served, served.names["ann"])
        await reads(served, 1)
        now[0] += MICROS_PER_DAY
        await shown(served, served.names["ann"])
        assert [20_000, 20_001] == [each.day for each in await reads(served, 2)]


async def test_nobody_was_shown_what_was_withheld(served: Served) -> None:
    ann, bob = served.names["ann"], served.names["bob"]
    await served.call(v1.RestrictMemberRequest(member=ann))
    await served.call(v1.EraseMemberRequest(member=bob))
    await shown(served, ann)
    await shown(served, bob)
    await asyncio.sleep(0.6)

    assert [] == (await served.call(v1.ListReadsRequest())).reads


async def test_reads_wait_for_room_on_a_full_disk(served: Served) -> None:
    writer = served.engine.store._writer
    pages = writer.execute("PRAGMA page_count").fetchone()[0]
    writer.execute(f"PRAGMA max_page_count = {pages}")
    full = False
    for _ in range(200):
        try:
            await served.call(v1.RegisterContactRequest(name="x" * 200))
        except RefnetCallError as refusal:
            full = "STORAGE_FULL" in str(refusal)
            break
    assert full
    for member in ("ann", "bob"):
        assert (await shown(served, served.names[member])).name.text == member
    await asyncio.sleep(0.6)

    writer.execute("PRAGMA max_page_count = 1000000")

    assert 2 == len(await reads(served, 2))


# --- what must not be said ------------------------------------------------------------------------


async def test_no_personal_text_is_in_log_lines_or_refusals(serve: Serve) -> None:
    """Promise: 0 canaries in logs, metrics, errors."""
    said: list[str] = []
    with capture_logs() as lines:
        served = await serve()
        member = await canary(served)
        await served.call(v1.RectifyMemberRequest(member=member, name="canary-right"))
        await shown(served, member)
        await served.call(v1.EraseMemberRequest(member=member, strict=True))
        texts: Any = {"name": "canary-late", "email": "canary-late@x"}
        for request in (
            v1.RectifyMemberRequest(member=member, **texts),
            v1.ChangeProfileRequest(member=member, **texts),
            v1.RectifyMemberRequest(member=f"members/{uuid4()}", **texts),
            v1.GiveTestimonialRequest(
                subject=member, author=served.names["ann"], rating=9, text="canary-text"
            ),
            v1.SuspendMemberRequest(member=member, reason="canary-reason"),
        ):
            with pytest.raises(RefnetCallError) as refusal:
                await served.call(request)
            said.append(f"{refusal.value} {refusal.value.metadata} {refusal.value.violations}")
    assert lines
    assert "canary" not in str(lines)
    assert "canary" not in str(said)
    assert [] == files_with(served.data, [b"canary"])
