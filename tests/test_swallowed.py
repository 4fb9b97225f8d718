"""What a broker throws away is told from what it has not delivered yet."""

from pathlib import Path

from edge.message_keys import make_key
from edge.swallowed import SWALLOWED_MAX, Swallowed
from tests.brokers import Mosquitto
from tests.test_agent import World, readings, run, run_for


def asked(times: int) -> Swallowed:
    """Asked for message 5, and each time the next higher witness arrived."""
    found = Swallowed()
    for n in range(times):
        assert not found.ask(make_key(7, 5)), n
        found.witness = make_key(7, 10 + n)
        assert found.answered(7, 10 + n)
    return found


def test_missing_three_times_where_its_witness_is_not() -> None:
    assert asked(SWALLOWED_MAX).ask(make_key(7, 5))


def test_an_answer_to_something_earlier_says_nothing() -> None:
    found = Swallowed()
    for _ in range(20):
        assert not found.ask(make_key(7, 5))
        found.witness = make_key(7, 10)
        assert not found.answered(7, 9)
        assert not found.answered(6, 99)


def test_a_witness_speaks_once() -> None:
    found = asked(1)
    assert not found.answered(7, 99)
    assert not found.ask(make_key(7, 5))
    assert found.witness is None, "the next one must be new"
    assert not found.answered(7, 99)


def test_another_message_begins_anew() -> None:
    found = asked(SWALLOWED_MAX)
    assert not found.ask(make_key(7, 6))
    assert not found.ask(make_key(7, 5))


def test_the_freed_one_is_not_suspected_any_more_and_others_change_nothing() -> None:
    found = asked(SWALLOWED_MAX)
    found.freed(make_key(6, 0), make_key(6, 99))
    assert found.key == make_key(7, 5)
    found.freed(make_key(7, 0), make_key(7, 5))
    assert not found.ask(make_key(7, 5))


def test_in_a_new_session_the_order_of_the_old_one_says_nothing() -> None:
    found = asked(1)
    assert not found.ask(make_key(7, 5))
    found.witness = make_key(7, 11)
    found.new_session()
    assert not found.answered(7, 11)
    assert not found.ask(make_key(7, 5))
    assert found.witness is None


def test_what_waits_in_a_queue_is_not_thrown_away(tmp_path: Path) -> None:
    """Ingest works through a long queue, and repeats what it has each time; nothing is lost."""
    broker = Mosquitto(tmp_path / "broker")
    broker.start()
    world = World(tmp_path, broker.url)
    now = [0.0]
    try:
        ingest = world.ingest(acking=False)
        agent = world.agent(*readings(10), resend_s=1.0, monotonic=lambda: now[0])
        run(agent, lambda: len(ingest.seen) == 10)
        epoch = min(ingest.seen)[0]
        ingest.send(epoch, 4, highest=10)
        run(agent, lambda: agent.queued == 6)
        for _ in range(100):
            now[0] += 1.0
            ingest.send(epoch, 4, highest=10)  # as if the others were still to come
            run_for(agent, 0.01)
        assert (agent.aside, agent.queued) == (0, 7), "and one witness"
        ingest.acking = True
        run(agent, lambda: agent.drained, ingest)
        assert agent.aside == 0
    finally:
        for one in world.running[::-1]:
            one.stop()
        broker.kill()
