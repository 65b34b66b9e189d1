"""Who asks meanwhile, one request after the other, and how much the process holds."""

import http.client
import os
import threading
import time
from abc import ABC, abstractmethod
from pathlib import Path
from statistics import quantiles
from types import TracebackType
from typing import Self

LOOK_SECONDS = 0.1


class _Beside(ABC):
    """Something that goes on in a thread while a block runs."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    @abstractmethod
    def _run(self) -> None: ...


class Probe(_Beside):
    """One caller over one connection. A refusal or a broken connection counts with the time that it took."""

    def __init__(
        self, port: int, method: str, path: str, session: str, body: str | None = None, *, pause_seconds: float
    ) -> None:
        super().__init__()
        self._port, self._request, self._body, self._pause = port, (method, path), body, pause_seconds
        self._headers = {"Cookie": f"sessionid={session}"} if session else {}
        if body:
            self._headers["Content-Type"] = "application/x-www-form-urlencoded"
        self._took_ms: list[float] = []
        self.good = 0

    def p99_ms(self) -> float:
        """Returns the latency that one answer in a hundred exceeded."""
        return quantiles(self._took_ms, n=100)[-1] if len(self._took_ms) > 1 else 0.0

    @property
    def asked(self) -> int:
        """How many requests there were; `good` of them were answered with 200."""
        return len(self._took_ms)

    def _run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        while not self._stop.wait(self._pause):
            began = time.perf_counter()
            try:
                connection.request(*self._request, self._body, self._headers)
                answer = connection.getresponse()
                answer.read()
                self.good += answer.status == 200
            except (OSError, http.client.HTTPException):
                connection.close()
            self._took_ms.append((time.perf_counter() - began) * 1000)
        connection.close()


class Watch(_Beside):
    """The most memory and descriptors that a process has while the block runs, and the processor time that it takes."""

    def __init__(self, pid: int) -> None:
        super().__init__()
        self._process = Path(f"/proc/{pid}")
        self._cpu_began = self._cpu()
        self.cpu_ms = 0.0
        self.most_mib = 0.0
        self.most_descriptors = 0

    def _run(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            self.cpu_ms = self._cpu() - self._cpu_began
            status = (self._process / "status").read_text()
            resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
            self.most_mib = max(self.most_mib, int(resident.split()[1]) / 1024)
            self.most_descriptors = max(self.most_descriptors, len(list((self._process / "fd").iterdir())))

    def _cpu(self) -> float:
        fields = (self._process / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")
