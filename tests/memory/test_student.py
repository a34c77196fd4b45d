"""How far a 95 % interval reaches."""

import pytest
from scipy.stats import t

from memory.student import t_95


@pytest.mark.parametrize("freedom", [1, 2.5, 29, 1e6])
def test_it_is_the_quantile_of_students_t(freedom: float) -> None:
    assert t_95(freedom) == pytest.approx(t.ppf(0.975, freedom))
