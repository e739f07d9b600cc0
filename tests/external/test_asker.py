"""Asking other sites: what their answers mean, how politely they are asked, and what is never asked."""

import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from kb.external.asker import Answer, Asker, prepared

from .conftest import HOSTS, Site, here


def test_a_page_that_is_there_is_asked_once_and_politely(site: Site, asker: Asker) -> None:
    assert asker.ask(site.url("/")) == Answer("alive")
    assert site.paths == ["HEAD /"]
    assert site.headers[0]["User-Agent"] == "Test"
    assert site.headers[0]["Host"] == f"shop.localtest:{site.port}"


def test_a_server_without_head_is_asked_with_get(site: Site, asker: Asker) -> None:
    site.no_head = True
    assert asker.ask(site.url("/")).state == "alive"
    assert site.paths == ["HEAD /", "GET /"]


@pytest.mark.parametrize(
    ("status", "state"),
    [(200, "alive"), (204, "alive"), (404, "dead"), (410, "dead"), (401, "unanswered"), (403, "unanswered"),
     (451, "unanswered"), (500, "unanswered"), (999, "unanswered")],
)  # fmt: skip
def test_what_a_status_means(site: Site, asker: Asker, status: int, state: str) -> None:
    site.says["/x"] = (status, {})
    assert asker.ask(site.url("/x")).state == state


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_only_what_moved_for_good_has_moved(site: Site, asker: Asker, status: int) -> None:
    site.says |= {"/old": (status, {"Location": "/new?a=(1)"}), "/new?a=%281%29": (200, {})}
    answer = asker.ask(site.url("/old"))
    assert answer.state == ("moved" if status in (301, 308) else "alive")
    assert answer.to == (site.url("/new?a=%281%29") if answer.state == "moved" else "")


def test_a_move_counts_up_to_the_first_temporary_step(site: Site, asker: Asker) -> None:
    site.says |= {
        "/a": (301, {"Location": "/b"}), "/b": (308, {"Location": "/c"}),
        "/c": (302, {"Location": "/login"}), "/login": (301, {"Location": "/"}),
    }  # fmt: skip
    assert asker.ask(site.url("/a")) == Answer("moved", "has moved for good", site.url("/c"))


def test_a_move_to_what_is_gone_is_gone(site: Site, asker: Asker) -> None:
    site.says["/a"] = (301, {"Location": "/nowhere"})
    assert asker.ask(site.url("/a")).state == "dead"


def test_a_page_chosen_by_language_has_not_moved(site: Site, asker: Asker) -> None:
    site.says |= {"/": (301, {"Location": "/en/", "Vary": "Accept-Language, Cookie"}), "/en/": (200, {})}
    assert asker.ask(site.url("/")).state == "alive"


def test_a_circle_of_redirects_ends(site: Site, asker: Asker) -> None:
    site.says["/a"] = (301, {"Location": "/a"})
    assert asker.ask(site.url("/a")).state == "unanswered"
    assert len(site.asked) == 6


@pytest.mark.parametrize("location", ["javascript:alert(1)", "file:///etc/passwd", "http://", "ftp://x.org/"])
def test_a_redirect_to_what_is_no_address_is_not_followed(site: Site, asker: Asker, location: str) -> None:
    site.says["/a"] = (301, {"Location": location})
    answer = asker.ask(site.url("/a"))
    assert (answer.state, answer.to) == ("unanswered", "")


# ---------------------------------------------------------------- what is never asked


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost/", "http://127.0.0.1:8000/", "http://127.1/", "http://2130706433/", "http://0x7f000001/",
        "http://0177.0.0.1/", "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://[64:ff9b::7f00:1]/",
        "http://10.0.0.7/", "http://169.254.169.254/latest/meta-data/", "http://intranet/", "http://x.localhost/",
        "http://[fe80::1]/", "http://224.0.0.1/", "http://0.0.0.0/",
    ],
)  # fmt: skip
def test_private_networks_are_not_asked(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "create_connection", lambda *_: pytest.fail("a connection was made"))
    answer = Asker("Test", resolve=lambda *_: pytest.fail("a name was looked up")).ask(url)
    assert (answer.state, answer.note) == ("dead", "leads into a private network, where customers are not")


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["::ffff:10.0.0.1"], ["fe80::1%eth0"], ["169.254.169.254"]],
)
def test_a_name_that_leads_into_a_private_network_is_not_asked(
    addresses: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "create_connection", lambda *_: pytest.fail("a connection was made"))
    answer = Asker("Test", resolve=lambda *_: addresses).ask("http://rebind.shop.org/")
    assert answer.state == "unanswered"
    assert "private" in answer.note


def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def connect(place: object, *_: object) -> socket.socket:
        asked.append(place)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)
    turns = iter([["93.184.216.34"], ["127.0.0.1"]])
    assert Asker("Test", resolve=lambda *_: next(turns)).ask("http://rebind.shop.org/").state == "unanswered"
    assert asked == [("93.184.216.34", 80)]


@pytest.mark.parametrize("location", ["http://127.0.0.1/", "http://localhost:{port}/", "http://metadata/"])
def test_a_redirect_into_a_private_network_is_not_followed(site: Site, asker: Asker, location: str) -> None:
    site.says["/a"] = (302, {"Location": location.format(port=site.port)})
    assert asker.ask(site.url("/a")).state == "dead"
    assert site.paths == ["HEAD /a"]


def test_ports_of_other_services_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "create_connection", lambda *_: pytest.fail("a connection was made"))
    assert Asker("Test", resolve=lambda *_: ["8.8.8.8"]).ask("http://mail.shop.org:25/").state == "unanswered"


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("HTTPS://Shop.ORG/a b#c", "https://shop.org/a%20b"),
        ("https://магазин.укр/довідка?q=ї", "https://xn--80aairftm.xn--j1amh/%D0%B4%D0%BE%D0%B2%D1%96%D0%B4%D0%BA%D0%B0?q=%D1%97"),
        ("https://shop.org/a_(b)'\"<", "https://shop.org/a_%28b%29%27%22%3C"),
        ("https://user:secret@shop.org/x", "https://shop.org/x"),
        ("https://shop.org:99999/", ""),
        ("https://[::1", ""),
        ("https:///x", ""),
        ("mailto:a@shop.org", ""),
        ("https://shop.org/" + "x" * 2000, ""),
        ("https://a..b/", ""),
    ],
)  # fmt: skip
def test_an_address_is_sent_in_ascii_and_without_secrets(url: str, sent: str) -> None:
    assert prepared(url) == sent


# ---------------------------------------------------------------- slow, broken, busy

CUT_OFF = Answer("unanswered", "closed the connection without an answer")


@pytest.fixture
def odd() -> Iterator[tuple[socket.socket, int]]:
    """A listening socket whose answers the test writes itself."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server, server.getsockname()[1]


def serve(server: socket.socket, *answers: bytes, pause_s: float = 0.0) -> None:
    """Answer one connection after the other, byte by byte when there is a pause."""

    def run() -> None:
        for answer in answers:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.recv(4096)
                try:
                    for part in (answer[i : i + 1] for i in range(len(answer))) if pause_s else [answer]:
                        connection.sendall(part)
                        time.sleep(pause_s)
                except OSError:
                    continue

    threading.Thread(target=run, daemon=True).start()


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\x00" * 100_000])
def test_what_is_no_http_is_no_answer(odd: tuple[socket.socket, int], asker: Asker, answer: bytes) -> None:
    server, port = odd
    serve(server, answer, answer)
    found = asker.ask(f"http://shop.localtest:{port}/")
    assert found.state == "unanswered"


def test_get_helps_where_head_breaks_the_server(odd: tuple[socket.socket, int], asker: Asker) -> None:
    server, port = odd
    serve(server, b"", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    assert asker.ask(f"http://shop.localtest:{port}/").state == "alive"


def test_a_server_that_drips_is_cut_off(odd: tuple[socket.socket, int]) -> None:
    server, port = odd
    slow = b"HTTP/1.1 200 OK\r\n" + b"X-Long: 1\r\n" * 10_000
    serve(server, slow, slow, pause_s=0.05)
    asker = Asker("Test", allowed=HOSTS, resolve=here, pause_s=0, timeout_s=5, deadline_s=0.3)
    assert asker.ask(f"http://shop.localtest:{port}/") == CUT_OFF


def test_a_server_that_says_nothing_is_not_waited_for(odd: tuple[socket.socket, int]) -> None:
    _, port = odd
    asker = Asker("Test", allowed=HOSTS, resolve=here, pause_s=0, timeout_s=0.2)
    assert asker.ask(f"http://shop.localtest:{port}/") == Answer("unanswered", "did not answer in time")


def test_nobody_at_the_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    asker = Asker("Test", allowed=HOSTS, resolve=here)
    assert asker.ask(f"http://shop.localtest:{port}/") == Answer(
        "unanswered", "could not be reached", reached=False
    )


def unknown(code: int) -> Asker:
    def resolve(host: str, port: int) -> list[str]:
        raise socket.gaierror(code, "no such name")

    return Asker("Test", resolve=resolve)


def test_a_host_that_does_not_exist_is_dead_and_one_nobody_can_tell_of_is_not() -> None:
    assert unknown(socket.EAI_NONAME).ask("https://gone.shop.org/").state == "dead"
    assert unknown(socket.EAI_AGAIN).ask("https://gone.shop.org/").state == "unanswered"


def test_a_short_wait_is_waited(site: Site) -> None:
    site.says["/x"] = (429, {"Retry-After": "30"})
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        site.says["/x"] = (200, {})

    asker = Asker("Test", allowed=HOSTS, resolve=here, pause_s=0, sleep=sleep)
    assert asker.ask(site.url("/x")).state == "alive"
    assert 15 < waits[0] <= 30, "less what has gone by"


@pytest.mark.parametrize(
    "after",
    ["3600", format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True), "", "x"],
    ids=["seconds", "date", "empty", "nonsense"],
)
def test_a_host_that_asks_for_a_long_wait_is_left_alone(site: Site, asker: Asker, after: str) -> None:
    site.says["/x"] = (503, {"Retry-After": after})
    assert asker.ask(site.url("/x")).state == "unanswered"
    assert asker.ask(site.url("/")) == Answer("unanswered", "asked to be left alone for now")
    assert site.paths == ["HEAD /x"]
    assert asker.ask(site.url("/", "other.localtest")).state == "alive"


def test_one_request_at_a_time_and_a_pause(site: Site) -> None:
    waits: list[float] = []
    # A pause that no machine is too busy to notice; nobody sleeps it here.
    asker = Asker("Test", allowed=HOSTS, resolve=here, pause_s=5_000, sleep=waits.append)
    threads = [threading.Thread(target=asker.ask, args=[site.url("/")]) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert site.most_at_once == 1
    assert len(waits) == 5
    assert all(4_000 < wait <= 5_000 for wait in waits)


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl makes the certificate")
def test_encrypted_sites_are_asked_and_cut_off_like_others(site: Site, tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-subj", "/CN=shop.localtest", "-addext", "subjectAltName=DNS:shop.localtest"]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    site.server.socket = server.wrap_socket(site.server.socket, server_side=True)
    trusting = ssl.create_default_context(cafile=str(certificate))
    patient = Asker("Test", allowed=HOSTS, resolve=here, pause_s=0, timeout_s=60, deadline_s=60, tls=trusting)
    hasty = Asker("Test", allowed=HOSTS, resolve=here, pause_s=0, timeout_s=60, deadline_s=0.5, tls=trusting)
    assert patient.ask(f"https://shop.localtest:{site.port}/") == Answer("alive")
    wrong = patient.ask(f"https://other.localtest:{site.port}/")
    assert (wrong.state, "not trusted" in wrong.note) == ("dead", True)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        assert hasty.ask(f"https://shop.localtest:{silent.getsockname()[1]}/").state == "unanswered"
        assert time.monotonic() - started < 60, (
            "the handshake is cut off, before the socket's own time is over"
        )


def test_an_untrusted_certificate_is_reported() -> None:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = 10, "certificate has expired"

    class Tls:
        def wrap_socket(self, *_: object, **__: object) -> socket.socket:
            raise error

    with socket.create_server(("127.0.0.1", 0)) as server:
        asker = Asker("Test", allowed=HOSTS, resolve=here, tls=Tls())  # type: ignore[arg-type]
        url = f"https://shop.localtest:{server.getsockname()[1]}/"
        assert asker.ask(url) == Answer(
            "dead", "has a certificate that is not trusted (certificate has expired)"
        )
        error.verify_code = 20
        assert asker.ask(url).state == "unanswered"
