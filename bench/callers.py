"""The callers: wrk with one of the scripts in bench/wrk. Every answer is looked at; a wrong one ends the bench."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.loads import CALLERS, Load

SCRIPTS = Path(__file__).parent / "wrk"


class BenchError(Exception):
    """The bench cannot go on. The message is one line, fit to be shown."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run measured: units a second, and the latency that one answer in a hundred exceeded."""

    per_second: float
    p99_ms: float | None = None


def call(
    load: Load, port: int, callers: Path, seconds: int, least_bytes: int = 0, connections: int = CALLERS
) -> Figures:
    """Sends the load over all connections for so many seconds and returns what came back.

    Raises BenchError if a connection broke, if any answer was not what the load asks for, or if the answers were
    shorter than `least_bytes` each.
    """
    # One thread: wrk needs a fraction of a core, and the server is left the rest of a small machine.
    command = ["wrk", f"-c{connections}", "-t1", f"-d{seconds}s", "--timeout", "10s", "-s", load.script]
    command += [f"http://127.0.0.1:{port}", "--", str(callers.resolve())]
    ended = subprocess.run(command, cwd=SCRIPTS, capture_output=True, text=True, check=False)
    lines = {line.partition(" ")[0]: line.partition(" ")[2] for line in ended.stdout.splitlines()}
    if "FIGURES" not in lines:
        raise BenchError(f"wrk failed on {load.script}: {(ended.stderr or ended.stdout).strip()}")
    requests, micros, received, broken, wrong, p99_micros = (int(each) for each in lines["FIGURES"].split())
    if wrong or broken or not requests:
        raise BenchError(
            f"{load.name}: of {requests} answers {wrong} were wrong, {broken} connections broke: {lines['EXAMPLE']}"
        )
    if received < requests * least_bytes:
        raise BenchError(f"{load.name}: {requests} answers had {received} bytes, less than {least_bytes} each")
    return Figures(requests * load.each / (micros / 1e6), p99_micros / 1000)
