#!/usr/bin/env bash
# ovmsclient: without a model_version it asks TensorFlow Serving for version 0, not for the newest.
#
# Its documentation says that model_version=0, the default, is the model's default version, and that the client speaks
# TensorFlow Serving's API. In that API a version that is set is that version, whatever its number; for the newest the
# field is left out. ovmsclient sets it, and puts /versions/0 into REST's address. OpenVINO Model Server reads 0 as the
# newest; TensorFlow Serving (ServerCore::ServableRequestFromModelSpec) looks for a version 0, which a model whose folders
# are 1, 2, ... does not have, and answers NOT_FOUND.
#
# Seen 2026-11-29 with ovmsclient 2023.1. What the project says of it: seg2vid_tf/serving/README.md, other clients.
set -euo pipefail

seen='gRPC, no version given: the field is set, to 0
REST, no version given: /v1/models/m/versions/0:predict'

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
python=$folder/venv/bin/python
"$python" -m pip install --quiet ovmsclient==2023.1 grpcio==1.85.3 protobuf==7.36.2 numpy==2.4.6 requests==2.34.2

found=$("$python" - 2>"$folder/log" <<'END'
import http.server
import threading

from ovmsclient import make_http_client
from ovmsclient.tfs_compat.grpc.requests import make_predict_request

spec = make_predict_request({"x": [1]}, "m").raw_request.model_spec
print(f"gRPC, no version given: the field is {'set, to' if spec.HasField('version') else 'left out,'} {spec.version.value}")


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        print(f"REST, no version given: {self.path}")
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(404)
        self.end_headers()
        self.wfile.write(b'{"error": "not here"}')

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
try:
    make_http_client(f"127.0.0.1:{server.server_port}").predict({"x": [1]}, "m")
except Exception:
    pass  # the answer is none
END
) || { echo "$0: it could not be shown" >&2; tail -n 20 "$folder/log" >&2; exit 1; }
echo "$found"
[ "$found" = "$seen" ] || { printf '%s: the behaviour is another; seen was\n%s\n' "$0" "$seen" >&2; exit 1; }
