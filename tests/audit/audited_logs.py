"""Logs of random networks as files, as the audit reads them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from random_network import CODEC, RandomNetwork
from refnet.audit.opinions import Kernel, Reference
from refnet.audit.told import Told
from refnet.domain.nouns import NOUNS
from refnet.log.batches import Extractor
from refnet.log.connections import connect
from refnet.log.reader import Reader, Row
from refnet.log.schema import facts_statements
from refnet.log.store import FILE

EXTRACTOR = Extractor(NOUNS, CODEC)
_INSERT = (
    "INSERT INTO stored_events (rowid, originator_id, originator_version, topic, state, salt,"
    " commitment) VALUES (?, ?, ?, ?, ?, ?, ?)"
)


@contextmanager
def log_of(rows: Sequence[Row], folder: Path) -> Iterator[Reader]:
    """A log that holds these rows, whatever they are."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    path.unlink(missing_ok=True)
    with closing(connect(path)) as log:
        for statement in facts_statements():
            log.execute(statement)
        log.executemany(_INSERT, rows)
        log.commit()
    with closing(Reader(path, CODEC)) as reader:
        yield reader


@contextmanager
def told_by(net: RandomNetwork, folder: Path) -> Iterator[tuple[Kernel, Reference]]:
    """Both opinions on all that happened in a network."""
    with log_of(net.rows, folder) as reader:
        told = Told(reader, EXTRACTOR, net.position)
        yield Kernel(told), Reference(told)
