"""The platform's sites for real HTTP clients: a server on loopback that asks
the stand-in `site` what each would answer, so that there is one truth."""
import http.server
import subprocess
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        url = f"http://{self.headers['Host']}{self.path}"
        done = subprocess.run(
            [self.server.world.bin / "site", self.command, url],
            capture_output=True, text=True, check=True)
        status, _, body = done.stdout.partition("\n")
        data = body.encode()
        self.send_response(int(status))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = answer

    def log_message(self, *args):
        pass


class Site(http.server.ThreadingHTTPServer):
    def __init__(self, world):
        super().__init__(("127.0.0.1", 0), Handler)
        self.world = world
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def stop(self):
        self.shutdown()
        self.server_close()
