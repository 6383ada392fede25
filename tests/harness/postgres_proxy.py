"""A TCP proxy before PostgreSQL that loses the answer to a COMMIT: the server has committed, and
the connection is gone before the client knows.
"""

import contextlib
import re
import socket
import threading

# Simple queries, as DuckDB sends them; BEGIN may open one text and COMMIT end it.
_COMMIT = re.compile(rb"\bcommit\b", re.IGNORECASE)
_WRITE = re.compile(rb"\b(insert into|update|delete from|create table)\b", re.IGNORECASE)


class CommitLosingProxy:
    """Passes everything on; `lose(n)` breaks the n-th COMMIT of a transaction that wrote."""

    def __init__(self, port):
        self.server_port = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.mutex = threading.Lock()
        self.lose(0)
        threading.Thread(target=self._accept, daemon=True).start()

    def lose(self, number):
        """0: none, only count."""
        with self.mutex:
            self.commits, self.wanted, self.lost = 0, number, []

    def close(self):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            server = socket.create_connection(("127.0.0.1", self.server_port))
        except OSError:
            client.close()
            return
        answered = threading.Event()
        losing = threading.Event()
        threading.Thread(
            target=self._answers, args=(server, client, losing, answered), daemon=True
        ).start()
        wrote = False
        try:
            while data := client.recv(1 << 20):
                wrote = wrote or bool(_WRITE.search(data))
                commits = wrote and bool(_COMMIT.search(data))
                if commits:
                    wrote = False
                if commits and self._is_wanted(data):
                    losing.set()
                    server.sendall(data)
                    answered.wait(30)
                    break
                server.sendall(data)
        except OSError:
            pass
        for end in (client, server):
            _shut(end)

    def _is_wanted(self, data):
        with self.mutex:
            self.commits += 1
            if self.commits != self.wanted:
                return False
            self.lost.append(data)
            return True

    @staticmethod
    def _answers(server, client, losing, answered):
        try:
            while data := server.recv(1 << 20):
                if losing.is_set():
                    answered.set()
                else:
                    client.sendall(data)
        except OSError:
            pass
        answered.set()
        _shut(client)


def _shut(end):
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
