"""The event sourcing library's own contract suites, run against our recorder."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eventsourcing.persistence import StoredEvent
from eventsourcing.tests.persistence import (
    AggregateRecorderTestCase,
    ApplicationRecorderTestCase,
    NonInterleavingNotificationIDsBaseCase,
)

from refnet.log.sqlite import Datastore, Recorder


class _OnDisk:
    """One file for each test, gone afterwards."""

    def setUp(self) -> None:
        self._threads = set(threading.enumerate())
        self._directory = tempfile.TemporaryDirectory()
        self._datastore = Datastore(Path(self._directory.name) / "log.db")

    def tearDown(self) -> None:
        # One suite leaves its readers running; they must be done with the connections we close.
        for thread in set(threading.enumerate()) - self._threads:
            thread.join(10)
        self._datastore.close()
        self._directory.cleanup()

    def create_recorder(self) -> Recorder:
        recorder = Recorder(self._datastore, os.urandom)
        recorder.create_table()
        return recorder


class TestApplicationRecorder(_OnDisk, ApplicationRecorderTestCase[Any]):
    """Promise: whoever knows the library's recorders knows ours."""


class _WithoutIds(Recorder):
    """The aggregate suite asks that inserting answers None; the application suite, that it tells
    ids."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> None:
        super().insert_events(stored_events, **kwargs)


class TestAggregateRecorder(_OnDisk, AggregateRecorderTestCase):
    """Promise: streams are read by version, in either direction, with bounds."""

    def create_recorder(self) -> Recorder:
        recorder = _WithoutIds(self._datastore, os.urandom)
        recorder.create_table()
        return recorder


class TestNotificationIds(_OnDisk, NonInterleavingNotificationIDsBaseCase):
    """Promise: facts of one insert are neighbours, whatever other writers do."""

    insert_num = 200


del AggregateRecorderTestCase, ApplicationRecorderTestCase, NonInterleavingNotificationIDsBaseCase
