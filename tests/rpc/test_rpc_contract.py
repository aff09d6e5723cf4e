"""Protos, domain and errors say the same."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.timestamp_pb2 import Timestamp
from grpc_tools import protoc  # type: ignore[import-untyped]
from protovalidate._gen.buf.validate import validate_pb

from refnet import errors, v1
from refnet.domain.nouns import NOUNS
from refnet.errors import RefnetError
from refnet.rpc.errors import ANSWERS, INTERNAL, PREFIX, ShapeRefused
from refnet.rpc.shape import Shape

_UUID_PATTERN = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
SOMEBODY = f"members/{UUID(int=4)}"


def _requests() -> list[Any]:
    return [getattr(v1, name) for name in v1.__all__ if name.endswith("Request")]


def _writes() -> list[Any]:
    return [kind for kind in _requests() if "request_id" in kind.DESCRIPTOR.fields_by_name]


def test_table_classes_and_enum_name_the_same_reasons() -> None:
    """A refusal without a reason of its own is one of its parent's kind, and travels as that."""
    classes = {
        each
        for each in vars(errors).values()
        if isinstance(each, type) and issubclass(each, RefnetError) and "reason" in vars(each)
    }
    enum = {name for name, _ in v1.ErrorReason.items() if not name.endswith("UNSPECIFIED")}

    assert ANSWERS.keys() == classes
    assert {PREFIX + each.reason for each in classes} | {PREFIX + INTERNAL} == enum


def test_the_enum_documents_the_code_that_travels(root: Path) -> None:
    text = (root / "protos/refnet/v1/error_reason.proto").read_text()
    rows = re.findall(r"Code: (\w+)\. Retry.*\n(?:  //.*\n)*  ERROR_REASON_(\w+) =", text)
    documented = {reason: code for code, reason in rows}

    expected = {kind.reason: answer.code.name for kind, answer in ANSWERS.items()}
    assert expected | {INTERNAL: "INTERNAL"} == documented


def test_every_reason_is_common_or_an_rpcs_own(root: Path) -> None:
    """Whoever reads the comments learns of every refusal there is."""
    folder = root / "protos/refnet/v1"
    common = (folder / "error_reason.proto").read_text().partition("enum ErrorReason")[0]
    comments = [_prose(common.partition("Common ones")[2])]
    for path in folder.glob("*_service.proto"):
        service = path.read_text().partition("\nservice ")[2].partition("\n}\n")[0]
        rpcs = [_prose(each) for each in service.split("\n  rpc ")[:-1]]
        assert [each for each in rpcs if "Refusals of its own:" not in each] == []
        comments += [each.partition("Refusals of its own:")[2] for each in rpcs]
    told = {name for each in comments for name in re.findall(r"\b[A-Z_]{8,}\b", each)}
    reasons = {name.removeprefix(PREFIX) for name, _ in v1.ErrorReason.items()} - {"UNSPECIFIED"}

    assert reasons - told == set()


def _prose(comment: str) -> str:
    return " ".join(line.strip().removeprefix("//").strip() for line in comment.splitlines())


def test_every_command_has_an_rpc_and_every_write_rpc_a_command() -> None:
    commands = {kind.__name__ for noun in NOUNS if noun.served for kind in noun.commands}

    assert commands == {kind.__name__.removesuffix("Request") for kind in _writes()}


@pytest.mark.parametrize("kind", _writes(), ids=lambda kind: kind.__name__)
def test_an_empty_write_is_refused_for_its_request_id_at_least(kind: Any) -> None:
    with pytest.raises(ShapeRefused) as refusal:
        Shape().check(kind())

    assert ("request_id", "must be a UUID") in refusal.value.violations


@pytest.mark.parametrize(
    ("request_", "bounds"),
    [
        (v1.ListFactsRequest(page_size=-1), {"gte": "0"}),
        (v1.ListFactsRequest(page_token="x" * 600), {"max_len": "512"}),
        (v1.BatchRecordRequest(), {"min_items": "1"}),
        (v1.GetMemberRequest(member="ann"), {"pattern": f"^members/{_UUID_PATTERN}$"}),
        (v1.Attendance(member=SOMEBODY), {}),
        (
            v1.ExactPosition(position=v1.LogPosition(token="x"), day=-1),
            {"gte": "0", "lte": "2932896"},
        ),
        (v1.LeaveNetworkRequest(), {"pattern": f"^members/{_UUID_PATTERN}$", "more": "1"}),
        (
            v1.LeaveNetworkRequest(
                member=SOMEBODY,
                occur_time=Timestamp(seconds=-5),
                request_id=str(UUID(int=4)),
            ),
            {"gte": "1970-01-01T00:00:00Z", "lte": "9999-12-31T23:59:59Z"},
        ),
    ],
    ids=lambda each: str(each)[:40].strip(),
)
def test_what_a_refusal_of_shape_says_is_in_its_metadata_with_a_way_out(
    request_: Any, bounds: dict[str, str]
) -> None:
    with pytest.raises(ShapeRefused) as refusal:
        Shape().check(request_)

    said, _, way_out = refusal.value.message.partition("; ")
    assert bounds == refusal.value.facts
    assert all(value in said for value in bounds.values())
    assert way_out == f"correct {'them' if 'more' in bounds else 'it'} and call again"


def test_our_part_of_protovalidate_is_a_part_of_it(root: Path, tmp_path: Path) -> None:
    """Names, numbers and types of our validate.proto are those of the public schema."""
    out = tmp_path / "rules.binpb"
    code = protoc.main(
        [
            "protoc",
            f"-I{root / 'protos'}",
            f"-I{Path(protoc.__file__).parent / '_proto'}",
            f"--descriptor_set_out={out}",
            "buf/validate/validate.proto",
        ]
    )
    assert code == 0
    (ours,) = FileDescriptorSet.FromString(out.read_bytes()).file
    public = {
        (message.name, field.name): (field.number, field.type.value, field.type_name or "")
        for message in validate_pb.desc().proto.message_type
        for field in message.field
    }
    extensions = {each.name: each.number for each in validate_pb.desc().proto.extension}

    for extension in ours.extension:
        assert extensions[extension.name] == extension.number
    for message in ours.message_type:
        for field in message.field:
            expected = public[message.name, field.name]
            assert expected == (field.number, field.type, field.type_name)


def test_generated_code_is_what_the_protos_say(root: Path, tmp_path: Path) -> None:
    """Generate in a copy and compare, so that neither side can be edited alone."""
    for folder in ("protos", "src/refnet"):
        (tmp_path / folder).mkdir(parents=True)
    for path in (root / "protos").rglob("*"):
        if path.suffix in {".proto", ".py"}:
            copy = tmp_path / path.relative_to(root)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    run = subprocess.run(
        [sys.executable, tmp_path / "protos/generate.py"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    made = {path.name: path.read_bytes() for path in (tmp_path / "src/refnet/v1").glob("*.py*")}
    kept = {path.name: path.read_bytes() for path in (root / "src/refnet/v1").glob("*.py*")}

    assert kept.keys() == made.keys()
    assert [name for name in kept if kept[name] != made[name]] == []


def test_scores_are_doubles_and_columns_repeat_them() -> None:
    score, columns = v1.Score.DESCRIPTOR, v1.ScoreColumns.DESCRIPTOR
    doubles = {each.name for each in score.fields if each.type == FieldDescriptor.TYPE_DOUBLE}

    assert len(doubles) == 18
    assert doubles | {"number", "rank", "label"} == {each.name for each in columns.fields}
