"""What is derived from the server's secrets when it is first needed is so in a forked child, too."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.live import clean_environment

# A thread is at work on the first keys while the process forks; the child has no such thread.
SCRIPT = """
import os, signal, threading
from precog.core import sealing, checkpoint_signer

at_work, derived = threading.Event(), sealing.derived

def slow(*args):
    at_work.set()
    threading.Event().wait()

def use():
    {use}

sealing.derived = checkpoint_signer.derived = slow
threading.Thread(target=use, daemon=True).start()
at_work.wait()
child = os.fork()
if child == 0:
    sealing.derived = checkpoint_signer.derived = derived
    signal.alarm(10)
    use()
    os._exit(0)
os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0)
"""


@pytest.mark.parametrize(
    "use",
    [
        "sealing.Sealer(['secret'], purpose='test').seal(b'content', name='name')",
        "checkpoint_signer.CheckpointSigner(['secret']).public_key",
    ],
)
def test_a_forked_child_does_not_wait_for_keys_that_its_parent_derives(use: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT.replace("{use}", use)],
        capture_output=True,
        text=True,
        timeout=60,
        env=clean_environment(),
    )
    assert done.returncode == 0, done.stderr
