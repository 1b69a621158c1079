"""A server like the service's, with one view that answers with nothing: `python empty_view.py PORT`."""

import sys
import threading
from pathlib import Path

sys.path.insert(1, str(Path(__file__).parents[2]))

from flask import Flask

from api.running import API_THREADS
from api.server import Server

if __name__ == "__main__":
    app = Flask(__name__)
    app.add_url_rule("/", view_func=lambda: "")
    Server("empty", app, host="127.0.0.1", port=int(sys.argv[1]), threads=API_THREADS).run(threading.Event())
