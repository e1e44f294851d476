#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Servers of a guest that need the relay, and their client.

    guest_servers.py dns PORT             a name server: every name has the address that was asked
    guest_servers.py who PORT             a page that names its client, by the PROXY protocol
    guest_servers.py ask ADDRESS PORT SOURCE    ask the name server for each line of the input, from one socket
"""
import itertools
import socket
import socketserver
import struct
import sys
import time

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
NAME = b"\5guest\4test\0"
ADDRESS_RECORD, INTERNET = 1, 1
WAIT, TRIES = 0.5, 20  # seconds for an answer, and how often a question is repeated


def own_address():
    """The address of the adapter that faces the host."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect(("192.0.2.1", 9))  # nothing is sent
        return s.getsockname()[0]


def serve_dns(port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("0.0.0.0", port))
        while True:
            query, client = s.recvfrom(512)
            head = query[:2] + struct.pack(">HHHHH", 0x8180, 1, 1, 0, 0)
            answer = struct.pack(">HHHIH", 0xc00c, ADDRESS_RECORD, INTERNET, 0, 4)
            s.sendto(head + query[12:] + answer + socket.inet_aton(own_address()), client)


def answer_to(s, number):
    """The address in the answer with this number, which is not that of one that is late."""
    while True:
        answer = s.recv(512)
        if answer[:2] == struct.pack(">H", number):
            return socket.inet_ntoa(answer[-4:])


def ask(address, port, source):
    """Print what the name server says, or an empty line when it does not answer."""
    rest = struct.pack(">HHHHH", 0x0100, 1, 0, 0, 0) + NAME + struct.pack(">HH", ADDRESS_RECORD, INTERNET)
    numbers = itertools.count(1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("0.0.0.0", source))
        s.connect((address, port))  # so answers of others do not count
        s.settimeout(WAIT)
        for _ in sys.stdin:
            found = ""
            for number in itertools.islice(numbers, TRIES):
                try:
                    s.send(struct.pack(">H", number % 65536) + rest)
                    found = answer_to(s, number % 65536)
                    break
                except socket.timeout:
                    pass
                except OSError:  # nobody listens there now
                    time.sleep(WAIT)
            print(found, flush=True)


class Who(socketserver.StreamRequestHandler):
    def handle(self):
        head = self.rfile.read(16)
        if head[:12] != SIGNATURE:
            return
        addresses = self.rfile.read(struct.unpack(">H", head[14:])[0])
        while self.rfile.readline().strip():
            pass
        body = f"you are {socket.inet_ntoa(addresses[:4])}\n".encode()
        self.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True


def main(words):
    if words[0] == "dns":
        serve_dns(int(words[1]))
    elif words[0] == "who":
        Server(("0.0.0.0", int(words[1])), Who).serve_forever()
    else:
        ask(words[1], int(words[2]), int(words[3]))


if __name__ == "__main__":
    main(sys.argv[1:])
