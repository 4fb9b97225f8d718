"""What is read to explain a window of receipt."""

from ingest.received import wish_of

DAY_NS = 86_400 * 10**9


def test_all_that_was_received_in_it_whatever_its_time() -> None:
    wish = wish_of(100 * DAY_NS, 101 * DAY_NS)
    assert wish.receipts.tolist() == [100 * DAY_NS, 101 * DAY_NS - 1]
    assert wish.span[0] <= 92 * DAY_NS
    assert wish.span[1] > 101 * DAY_NS
