"""Work done ahead keeps the order, the limit and the errors of its items."""

import threading

import pytest

from fcn_keras.ahead import ahead


def test_results_come_in_order_though_later_ones_are_ready_first():
    first = threading.Event()

    def work(item):
        if item == 0:
            assert first.wait(10)
        else:
            first.set()
        return item * item

    assert list(ahead(work, range(6), threads=2)) == [0, 1, 4, 9, 16, 25]


@pytest.mark.parametrize(("share", "most"), [(None, 4), (lambda item: 0.5, 2), (lambda item: 3, 1)])
def test_no_more_wait_than_there_is_room_for(share, most):
    taken, largest = [], 0

    def items():
        for item in range(20):
            taken.append(item)
            yield item

    for used, result in enumerate(ahead(abs, items(), share=share)):
        largest = max(largest, len(taken) - used)
        assert result == used
    assert largest == most + 1  # one more was taken, to find that there is no room for it


def test_an_error_is_raised_where_its_result_is_due():
    results = ahead(lambda item: 1 / item, [1, 2, 0, 4])
    assert [next(results), next(results)] == [1, 0.5]
    with pytest.raises(ZeroDivisionError):
        next(results)
