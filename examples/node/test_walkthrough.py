"""The example does what its README says, against a real server. Run by `make node`."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
EXPECTED = "Ann: 31.3516, of that for trust 0.3128\nBob: 31.5631, of that for trust 0.3092\n"


def test_a_node_client_that_knows_only_the_protos_reads_the_scores_it_caused(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-m", "refnet", "serve", "--json", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(
        [*command, "--data", str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        address = json.loads(server.stdout.readline())["listening"]
        for _ in range(2):  # the second time the network is there already
            walked = subprocess.run(
                ["node", "walkthrough.mjs", address],
                cwd=HERE,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert (walked.stdout, walked.returncode) == (EXPECTED, 0), walked.stderr
        server.send_signal(signal.SIGINT)
        assert server.wait(30) == 0
