#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The guest's web server. It answers every request with the address at which it was reached.

    page.py PORT
"""
import http.server
import sys


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"served by the guest at {self.connection.getsockname()[0]}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):  # the client may leave
            super().handle_error(request, client_address)


if __name__ == "__main__":
    Server(("0.0.0.0", int(sys.argv[1])), Page).serve_forever()
