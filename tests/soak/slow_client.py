#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A client that asks the guest's name server now and then, always from the same port.

    slow_client.py ADDRESS PORT PAUSE PATIENCE FILE

As name servers' clients do, it asks again until it has an answer. FILE has what it has seen, as JSON: questions,
how many of them were asked again, how many had no answer for PATIENCE seconds, and strange answers: to a question
that was not asked, or to an old one that had its answer long ago.
"""
import json
import os
import socket
import struct
import sys
import time

NAME = b"\5guest\4test\0"
ADDRESS_RECORD, INTERNET = 1, 1
AGAIN = 0.5   # seconds until a question is asked again
RECENT = 100  # questions to which a late answer is nothing strange


def question(number):
    return struct.pack(">HHHHHH", number, 0x0100, 1, 0, 0, 0) + NAME + struct.pack(">HH", ADDRESS_RECORD, INTERNET)


class Client:
    def __init__(self, address, port, patience, path):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect((address, port))
        self.patience, self.path = patience, path
        self.seen = {"questions": 0, "asked again": 0, "lost": 0, "strange": 0}

    def ask(self):
        self.seen["questions"] += 1
        number = self.seen["questions"] % 65536
        end, tries = time.monotonic() + self.patience, 0
        while time.monotonic() < end:
            tries += 1
            again = time.monotonic() + AGAIN
            try:
                self.socket.send(question(number))
                if self.receive(number, again):
                    self.seen["asked again"] += tries > 1
                    return
            except OSError:  # it is late, or the host says that nobody listens
                time.sleep(max(0, again - time.monotonic()))
        self.seen["lost"] += 1

    def receive(self, number, end):
        """Return: whether the answer to this question comes before @end."""
        while (left := end - time.monotonic()) > 0:
            self.socket.settimeout(left)
            answer = self.socket.recv(512)
            got, = struct.unpack_from(">H", answer.ljust(2, b"\0"))
            if got == number:
                return True
            self.seen["strange"] += (number - got) % 65536 > RECENT
        return False

    def say(self):
        with open(self.path + ".new", "w", encoding="utf-8") as f:
            json.dump(self.seen, f)
        os.rename(self.path + ".new", self.path)


def main():
    address, port, pause, patience, path = sys.argv[1:]
    client = Client(address, int(port), float(patience), path)
    client.say()
    while True:
        client.ask()
        client.say()
        time.sleep(float(pause))


if __name__ == "__main__":
    main()
