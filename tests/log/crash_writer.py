"""A process to be killed: writes as fast as it can, and prints what was acknowledged.

Usage: crash_writer.py DIRECTORY ROUND
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from log.rig import OpenNote, Rig
from refnet.domain.decisions import Request
from refnet.domain.ids import uuid7
from refnet.log.draft import Receipt
from refnet.log.writer import Writer


def main() -> None:
    """Four callers, each waiting for its answer before it asks again."""
    directory, turn = Path(sys.argv[1]), sys.argv[2]
    rig = Rig(directory, os.urandom)
    rig.charter()
    writer = Writer(rig.sequencer)
    writer.start()

    def call(caller: int) -> None:
        for n in range(1_000_000):
            request_id = f"{turn}-{caller}-{n}"
            asked = OpenNote(text=request_id, gossip="x", external_id=request_id, times=n % 4)
            stream = uuid7(rig.clock.now, os.urandom)
            receipt = writer.submit(
                Request(command=asked, request_id=request_id, new_id=stream)
            ).result()
            assert isinstance(receipt, Receipt)
            line = f"{request_id} {receipt.stream} {receipt.first} {receipt.last}\n"
            os.write(1, line.encode())

    for caller in range(4):
        threading.Thread(target=call, args=(caller,)).start()


if __name__ == "__main__":
    main()
