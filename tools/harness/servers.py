"""Servers on this machine for guests to talk to: HTTP, DNS, FTP, TFTP, NTP, echo; each in threads of its own.

    with Http({"/page": b"..."}) as http: ...  http.port  on 127.0.0.1 and ::1

Each listens on the loopback addresses alone, on a port that was free, and answers what the applets
of busybox and Debian's programs ask, no more.
"""

import http.server
import re
import socket
import socketserver
import struct
import threading
import time

ADDRESSES = (socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")
NTP_EPOCH = 2208988800  # seconds from 1900 to 1970


def make_server(base, handler):
    """A socketserver class for both families."""
    class Server(socketserver.ThreadingMixIn, base):
        daemon_threads = True
        allow_reuse_address = True

        def __init__(self, family, address):
            self.address_family = family
            super().__init__(address, handler)

        def handle_error(self, _request, _address):
            """A guest that goes away is no news."""
    return Server


class Service:
    """A server on both loopback addresses, with the same port."""

    base = socketserver.TCPServer

    def __enter__(self):
        for _ in range(50):
            first = self._server(*ADDRESSES[0], 0)
            self.port = first.server_address[1]
            try:
                self.servers = [first, self._server(*ADDRESSES[1], self.port)]
                break
            except OSError:
                first.server_close()
        for server in self.servers:
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def _server(self, family, address, port):
        service = self

        class Handler(self.handler):
            def setup(self):
                self.service = service
                super().setup()

        return make_server(self.base, Handler)(family, (address, port))

    def __exit__(self, *_):
        for server in self.servers:
            server.shutdown()
            server.server_close()


class HttpHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        data = self.service.files.get(self.path)
        self.send_response(200 if data is not None else 404)
        self.send_header("Content-Length", str(len(data or b"")))
        self.end_headers()
        self.wfile.write(data or b"")

    def do_POST(self):
        self.service.posted = self.rfile.read(int(self.headers["Content-Length"]))
        self.service.files["/posted"] = self.service.posted
        self.do_GET()

    do_PUT = do_POST

    def log_message(self, *_):
        """Nothing."""


class Http(Service):
    """Files by their paths; what was posted last is in `posted`."""

    handler = HttpHandler

    def __init__(self, files):
        self.files, self.posted = dict(files), b""


class EchoHandler(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(65536):
            self.request.sendall(data)


class Echo(Service):
    """What comes goes back."""

    handler = EchoHandler


class SinkHandler(socketserver.BaseRequestHandler):
    def handle(self):
        received = bytearray()
        while data := self.request.recv(65536):
            received += data
        self.service.received = bytes(received)
        self.service.done.set()


class Sink(Service):
    """Keeps what one connection sends."""

    handler = SinkHandler

    def __init__(self):
        self.received, self.done = b"", threading.Event()


class FtpHandler(socketserver.StreamRequestHandler):
    """One user's session: passive transfers in binary."""

    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def listen(self, reply):
        self.data = socket.create_server((self.request.getsockname()[0], 0), family=self.request.family)
        self.say(reply(self.data.getsockname()[1]))

    def transfer(self, name, store):
        self.say("150 here it comes")
        with self.data, self.data.accept()[0] as stream:
            if store:
                received = bytearray()
                while part := stream.recv(65536):
                    received += part
                self.service.files[name] = bytes(received)
            else:
                stream.sendall(self.service.files[name])
        self.say("226 done")

    def handle(self):
        self.say("220 ready")
        for line in self.rfile:
            word, _, rest = line.decode().strip().partition(" ")
            if word == "EPSV":
                self.listen(lambda port: f"229 passive (|||{port}|)")
            elif word == "PASV":
                self.listen(lambda port: f"227 passive (127,0,0,1,{port >> 8},{port & 255})")
            elif word == "SIZE" and rest in self.service.files:
                self.say(f"213 {len(self.service.files[rest])}")
            elif word == "STOR" or word == "RETR" and rest in self.service.files:
                self.transfer(rest, word == "STOR")
            else:
                self.say({"USER": "331 password", "PASS": "230 in", "TYPE": "200 ok", "QUIT": "221 bye"}
                         .get(word, "550 no"))


class Ftp(Service):
    handler = FtpHandler

    def __init__(self, files):
        self.files = dict(files)


class Datagrams(Service):
    """A server whose handler has answer(request) -> reply or None."""

    base = socketserver.UDPServer

    class handler(socketserver.BaseRequestHandler):
        def handle(self):
            request, ours = self.request
            reply = self.service.answer(request)
            if reply:
                ours.sendto(reply, self.client_address)

    def answer(self, request):
        raise NotImplementedError


class EchoDatagrams(Datagrams):
    def answer(self, request):
        return request


class Ntp(Datagrams):
    """The time of this machine, and `offset_s` more."""

    def __init__(self, offset_s=0):
        self.offset_s = offset_s

    def answer(self, request):
        seconds = time.time() + self.offset_s + NTP_EPOCH
        stamp = struct.pack("!II", int(seconds), int(seconds % 1 * (1 << 32)))
        return struct.pack("!BBbb", 0x24, 1, 6, -20) + b"\0" * 8 + b"TEST" + stamp + request[40:48] + stamp * 2


class Dns(Datagrams):
    """Names and their addresses, for A and AAAA; the reverse for PTR."""

    TYPES = {"A": 1, "PTR": 12, "AAAA": 28}

    def __init__(self, names):
        self.records = {}
        for name, addresses in names.items():
            for address in addresses:
                kind = "AAAA" if ":" in address else "A"
                family = socket.AF_INET6 if kind == "AAAA" else socket.AF_INET
                packed = socket.inet_pton(family, address)
                self.records.setdefault((name, self.TYPES[kind]), []).append(packed)
                self.records[self.reverse(packed), self.TYPES["PTR"]] = [self.encode(name)]
            for kind in self.TYPES.values():
                self.records.setdefault((name, kind), [])

    @staticmethod
    def reverse(packed):
        if len(packed) == 4:
            return ".".join(str(byte) for byte in reversed(packed)) + ".in-addr.arpa"
        return ".".join(reversed(packed.hex())) + ".ip6.arpa"

    @staticmethod
    def encode(name):
        return b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"

    def answer(self, request):
        at, labels = 12, []
        while request[at]:
            labels.append(request[at + 1:at + 1 + request[at]].decode())
            at += 1 + request[at]
        kind = struct.unpack("!H", request[at + 1:at + 3])[0]
        found = self.records.get((".".join(labels).lower(), kind))
        flags = 0x8580 | (3 if found is None else 0)
        reply = request[:2] + struct.pack("!HHHHH", flags, 1, len(found or []), 0, 0) + request[12:at + 5]
        for data in found or []:
            reply += struct.pack("!HHHIH", 0xc00c, kind, 1, 60, len(data)) + data
        return reply


class Tftp(Datagrams):
    """Reads and writes of files, from a port of their own as the protocol wants it."""

    BLOCK = 512

    class handler(socketserver.BaseRequestHandler):
        def handle(self):
            request, ours = self.request
            code, name = request[1], re.match(rb"([^\0]*)\0", request[2:]).group(1).decode()
            with socket.socket(ours.family, socket.SOCK_DGRAM) as own:
                own.bind((ours.getsockname()[0], 0))
                own.connect(self.client_address)
                own.settimeout(20)
                (self.read if code == 1 else self.write)(own, name)

        def read(self, own, name):
            data = self.service.files.get(name)
            if data is None:
                own.send(b"\0\5\0\1no such file\0")
                return
            for number in range(len(data) // Tftp.BLOCK + 1):
                block = data[number * Tftp.BLOCK:(number + 1) * Tftp.BLOCK]
                head = struct.pack("!H", number + 1 & 0xffff)
                own.send(b"\0\3" + head + block)
                while own.recv(600)[:4] != b"\0\4" + head:
                    pass

        def write(self, own, name):
            data, number = b"", 0
            while True:
                own.send(b"\0\4" + struct.pack("!H", number))
                part = own.recv(600)
                if part[:4] == b"\0\3" + struct.pack("!H", number + 1):
                    number += 1
                    data += part[4:]
                    if len(part) < 4 + Tftp.BLOCK:
                        break
            own.send(b"\0\4" + struct.pack("!H", number))
            self.service.files[name] = data

    def __init__(self, files):
        self.files = dict(files)
