"""Which open points are news: what a reader would see changed."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.catalogue import INDICATORS, POSITION
from engine.points import Points, empty
from ingest.open_news import AGAIN_S, OpenNews

AQI, MEAN = POSITION["air.us_aqi"], POSITION["air.eaqi_2024_pm25"]


def points(*rows: tuple[int, int, int, float, int, float]) -> Points:
    """Of (place, indicator, end_s, value, level, cov)."""
    out = empty(len(rows))
    for k, (place, indicator, end_s, value, level, cov) in enumerate(rows):
        out.place[k], out.indicator[k], out.end_s[k] = place, indicator, end_s
        out.value[k], out.level[k], out.cov[k] = value, level, cov
    return out


def test_said_once_and_again_when_a_reader_would_see_it() -> None:
    news = OpenNews()
    row = (3, AQI, 3600, 51.0, 1, 0.5)
    assert news.take(points(row), 0).tolist() == [True]
    assert news.take(points(row), 0).tolist() == [False]
    assert INDICATORS[AQI].digits == 0
    assert news.take(points((3, AQI, 3600, 51.3, 1, 0.504)), 0).tolist() == [False]
    for changed in [
        (3, AQI, 3600, 51.6, 1, 0.5), (3, AQI, 3600, 51.6, 1, 0.51), (3, AQI, 3600, 51.6, 2, 0.51),
        (3, AQI, 7200, 51.6, 2, 0.51),
    ]:
        assert news.take(points(changed), 0).tolist() == [True]


def test_places_and_indicators_are_told_apart_and_room_is_made() -> None:
    news = OpenNews()
    assert news.take(points(), 0).tolist() == []
    assert news.take(points((0, MEAN, 60, 1.0, 0, 1.0)), 0).tolist() == [True]
    far = [(900, AQI, 60, 1.0, 0, 1.0), (900, MEAN, 60, 1.0, 0, 1.0), (0, MEAN, 60, 1.0, 0, 1.0)]
    assert news.take(points(*far), 0).tolist() == [True, True, False]
    assert news.take(points((900, AQI, 60, 1.0, 0, np.nan)), 0).tolist() == [True]


def test_what_stays_as_it_is_is_said_again_in_turns() -> None:
    news = OpenNews()
    rows = points(*[(place, AQI, 3600, 51.0, 1, 0.5) for place in range(60)])
    news.take(rows, 1000)
    said = np.array([news.take(rows, 1000 + second) for second in range(1, 2 * AGAIN_S + 1)])
    assert (said.sum(axis=0) == 2).all()
    assert said.sum(axis=1).max() <= 60 / AGAIN_S * 2


_ROW = st.tuples(
    st.integers(0, 3), st.sampled_from([AQI, MEAN]), st.sampled_from([60, 120]),
    st.sampled_from([0.0, 0.04, 0.06, 1.0, 1.4, 1.6]), st.integers(-1, 2),
    st.sampled_from([0.0, 0.001, 0.011, 1.0]),
)


@given(st.lists(st.lists(_ROW, max_size=6, unique_by=lambda row: row[:2]), max_size=12))
def test_as_a_dict_of_what_was_said(ticks: list[list[tuple[int, int, int, float, int, float]]]
                                    ) -> None:
    news, said = OpenNews(), dict[tuple[int, int], tuple[object, ...]]()
    for tick in ticks:
        wanted = []
        for place, indicator, end_s, value, level, cov in tick:
            digits = INDICATORS[indicator].digits
            now = (end_s, round(value * 10**digits), level, int(cov * 100))
            wanted.append(said.get((place, indicator)) != now)
            said[place, indicator] = now
        assert news.take(points(*tick), 0).tolist() == wanted
