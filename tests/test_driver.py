"""The driver's contract: what a sample is when only the needed fields are given."""

from collections.abc import Sequence

from edge.driver import Driver, Sample


def test_sample_is_canonical_unless_said() -> None:
    assert Sample("pm25", 5, 1.5) == ("pm25", 5, 1.5, None, None, None, None)


def test_any_object_with_the_two_methods_is_a_driver() -> None:
    class Thermometer:
        def samples(self, now_ms: int) -> Sequence[Sample]:
            return [Sample("temp", now_ms, 21.5)]

        def close(self) -> None:
            pass

    driver: Driver = Thermometer()
    assert driver.samples(7) == [Sample("temp", 7, 21.5)]
    driver.close()
