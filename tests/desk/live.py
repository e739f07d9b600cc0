"""A desk on a loopback port, as customers reach it."""

import threading
import time

import uvicorn

from kb.desk import serving
from tests.desk.harness import Shop


class Live:
    """Serves a shop's desk until stopped."""

    def __init__(self, shop: Shop, port: int = 0) -> None:
        self.shop = shop
        self._server = uvicorn.Server(serving.configuration(shop.app, "127.0.0.1", port))
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive(), "it ended before it served"
            time.sleep(0.01)
        self.port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """Stops serving; the desk lets go of its database."""
        self._server.should_exit = True
        self._thread.join()
