"""Is Online Retail fetched once, read as invoice lines, and fetched again when the copy has changed? A tiny one is."""

from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pandas as pd
import pytest

import clvmodels as clv
from clvmodels.datasets import online_retail
from clvmodels.errors import InputError

LINES = pd.DataFrame(
    {
        "InvoiceNo": ["536365", "536365", "C536379", "536380"],
        "StockCode": ["85123A", "71053", "D", "22961"],
        "Description": ["HOLDER", "LANTERN", "Discount", "JAM"],
        "Quantity": [6, 2, -1, 24],
        "InvoiceDate": pd.to_datetime(["2010-12-01 08:26"] * 2 + ["2010-12-01 09:41", "2010-12-08 09:41"]),
        "UnitPrice": [2.55, 3.39, 5.0, 1.45],
        "CustomerID": [17850, 17850, 17850, None],
        "Country": ["United Kingdom"] * 4,
    }
)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A server that has the archive, and an empty cache."""
    folder = tmp_path / "352"
    folder.mkdir()
    book = io.BytesIO()
    LINES.to_excel(book, index=False)
    with zipfile.ZipFile(folder / "online+retail.zip", "w") as archive:
        archive.writestr("Online Retail.xlsx", book.getvalue())
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("CLVMODELS_DATA_URL", f"http://127.0.0.1:{server.server_port}")
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):  # Linux, Windows, macOS
        monkeypatch.setenv(name, str(tmp_path / "cache"))
    monkeypatch.delenv("CLVMODELS_ONLINE_RETAIL", raising=False)
    yield folder
    server.shutdown()
    server.server_close()


def test_downloaded_once_and_held_against_the_first_copy(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = online_retail()
    assert log.value.tolist() == pytest.approx([15.30, 6.78, -5.0, 34.8])
    assert log.order_id.tolist() == LINES.InvoiceNo.tolist()
    assert log.customer_id.isna().tolist() == [False, False, False, True]
    (shop / "online+retail.zip").rename(shop / "moved.zip")
    pd.testing.assert_frame_equal(online_retail(), log)  # from the cache: nothing is fetched

    read = clv.read_transactions("online-retail")
    assert (read.source, read.currency, read.published_split, read.rows) == ("Online Retail", "GBP", None, 4)
    summary = clv.summarize(read)
    assert summary.frame.value_past.tolist() == pytest.approx([17.08])

    (cached,) = (shop.parent / "cache").rglob("online+retail.zip")
    cached.write_bytes(b"changed")
    with pytest.raises(InputError, match="cannot be downloaded"):  # a changed copy is fetched again, and is not there
        online_retail()
    monkeypatch.setenv("CLVMODELS_ONLINE_RETAIL", str(shop / "moved.zip"))
    pd.testing.assert_frame_equal(online_retail(), log)
