#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Servers of a guest that need the relay, and their client.

    guest_servers.py dns PORT             a name server: every name has the address that was asked
    guest_servers.py who PORT             a page that names its client, by the PROXY protocol
    guest_servers.py lookup ADDRESS PORT SOURCE    ask the name server, from one port of the client
"""
import socket
import socketserver
import struct
import sys

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
NAME = b"\5guest\4test\0"
ADDRESS_RECORD, INTERNET = 1, 1


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


def lookup(address, port, source):
    """Print what the name server says; nothing when it does not answer."""
    query = struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + NAME + struct.pack(">HH", ADDRESS_RECORD, INTERNET)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("0.0.0.0", source))
        s.settimeout(0.5)
        for _ in range(20):
            s.sendto(query, (address, port))
            try:
                print(socket.inet_ntoa(s.recv(512)[-4:]))
                return
            except socket.timeout:
                pass


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
        lookup(words[1], int(words[2]), int(words[3]))


if __name__ == "__main__":
    main(sys.argv[1:])
