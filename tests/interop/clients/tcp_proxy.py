"""A proxy whose connections can be cut, as a restarted load balancer cuts them."""

import socket
import struct
import threading


class TcpProxy:
    """Leads whoever connects to a port of this machine."""

    def __init__(self, port):
        self._to = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._pairs = []
        self._lock = threading.Lock()
        self.accepted = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def server(self):
        return f"127.0.0.1:{self._listening.getsockname()[1]}"

    def _accept(self):
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._to))
            except OSError:
                near.close()
                continue
            with self._lock:
                self.accepted += 1
                self._pairs.append((near, far))
            for here, there in ((near, far), (far, near)):
                threading.Thread(target=self._copy, args=(here, there), daemon=True).start()

    @staticmethod
    def _copy(here, there):
        try:
            while data := here.recv(65536):
                there.sendall(data)
            there.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def cut(self):
        """Resets every connection there is; new ones are taken."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for each in pair:
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                try:
                    each.shutdown(socket.SHUT_RD)  # wakes who reads it
                except OSError:
                    pass
                each.close()

    def close(self):
        self._listening.close()
        self.cut()
