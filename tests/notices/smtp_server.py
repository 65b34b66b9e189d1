"""A mail server that speaks SMTP over a real socket, as RFC 5321 has it: keeps what it gets, or refuses it."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class SmtpServer:
    """Where it listens, what came, and the answer to RCPT TO."""

    port: int
    letters: list[EmailMessage] = field(default_factory=list)
    rcpt_answer: str = "250 OK"


@contextmanager
def smtp_server() -> Iterator[SmtpServer]:
    """Takes letters on a port of its own while the block runs."""
    server_of: list[SmtpServer] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 mail.example ESMTP")
            while line := self.rfile.readline():
                verb = line.split(None, 1)[0].upper() if line.strip() else b""
                if verb == b"DATA":
                    self._say("354 go on")
                    server_of[0].letters.append(self._read_letter())
                    self._say("250 OK")
                elif verb == b"QUIT":
                    self._say("221 bye")
                    return
                elif verb == b"RCPT":
                    self._say(server_of[0].rcpt_answer)
                else:
                    self._say("250 OK")

        def _read_letter(self) -> EmailMessage:
            body = b""
            while (line := self.rfile.readline()) not in {b".\r\n", b""}:
                body += line.removeprefix(b".") if line.startswith(b"..") else line
            letter = message_from_bytes(body, policy=policy.default)
            assert isinstance(letter, EmailMessage)
            return letter

        def _say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server_of.append(SmtpServer(server.server_address[1]))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server_of[0]
        finally:
            server.shutdown()
            thread.join()
