"""Which message is at fault when a broker cuts the connection again and again."""

from edge.suspects import Suspects


def test_third_cut_alone_with_a_witness_condemns() -> None:
    suspects = Suspects()
    assert suspects.cut({1, 2, 3}) is None
    assert suspects.next() == (1, False)
    assert suspects.cut({1}) is None
    assert suspects.next() == (1, True), "before the third try another message must pass"
    suspects.confirmed(3)
    assert suspects.next() == (1, False)
    assert suspects.cut({1}) == 1
    assert suspects.next() == (2, False)
    suspects.confirmed(2)
    assert len(suspects) == 0


def test_without_a_witness_nobody_is_condemned() -> None:
    suspects = Suspects()
    for _ in range(10):
        assert suspects.cut({1}) is None
    assert suspects.next() == (1, True)
    assert suspects.cuts(1) == 10


def test_a_witness_counts_in_its_session_alone() -> None:
    suspects = Suspects()
    for _ in range(3):
        suspects.cut({1})
    suspects.confirmed(2)
    assert suspects.cut(set()) is None
    assert suspects.cut({1}) is None
    suspects.forget(1)
    assert len(suspects) == 0
