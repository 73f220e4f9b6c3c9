"""`python -m local_redshift`: serve a local Redshift Data API until interrupted."""

from __future__ import annotations

import argparse
import signal
import threading

from local_redshift.server import DataApiServer


def main() -> None:
    """Parse the command line, serve, and stop cleanly on SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m local_redshift", description="A local Redshift Data API over PostgreSQL.")
    parser.add_argument("--postgres-uri", required=True, help="connection string of the database, as its superuser")
    parser.add_argument("--s3-endpoint-url", help="where COPY finds S3 (default: AWS)")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (default: a free one)")
    parser.add_argument("--role", help="ARN of the one role that is attached for COPY and UNLOAD (default: every role is)")
    arguments = parser.parse_args()
    server = DataApiServer(arguments.postgres_uri, arguments.s3_endpoint_url, arguments.port, arguments.role).start()
    print(server.endpoint_url, flush=True)
    ended = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: ended.set())
    ended.wait()
    server.stop()


if __name__ == "__main__":
    main()
