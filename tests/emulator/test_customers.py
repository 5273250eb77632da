"""The rows of the sample databases, as a run shows them."""

import pytest

from local.commands.customers import EARLIER, NEWER, REAL, compared, needed
from local.commands.report import aligned

HOOKS = [{"run": "sql", "with": {"checks": []}}]
WIDTH = 80


@pytest.mark.parametrize(
    ("request_", "names"),
    [
        (
            {"identifier": "staging-db", "sourceIdentifier": "Prod-DB", "beforeSwap": HOOKS},
            ["prod-db", "staging-db"],
        ),
        ({"identifier": "prod-cluster", "beforeSwap": HOOKS}, ["prod-cluster"]),
        ({"identifier": "staging-db", "sourceIdentifier": "prod-db"}, []),
        ({"identifier": "staging-db", "beforeSwap": []}, []),
        ({"identifier": "new-db", "beforeSwap": HOOKS}, []),
        ([], []),
    ],
)
def test_a_run_has_data_where_its_hooks_work_on_them(request_, names):
    assert needed(request_) == names


def test_every_row_is_nobody_s():
    rows = [row for of in EARLIER.values() for row in of] + list(NEWER.values())
    assert len(rows) > 5
    for _, email, phone, _ in rows:
        assert email.endswith(("@example.com", "@example.org"))
        assert phone is None or phone.startswith("+1 555 0")


def test_rows_that_have_changed_stand_before_and_after_and_others_once():
    same, old, new = (1, "a", "p", "1.00"), (2, "b", None, "2.00"), (3, "c", "q", "3.00")
    told = list(compared({"prod-db": [same], "staging-db": [old]},
                         {"prod-db": [same], "staging-db": [new]}))  # fmt: skip
    assert told[1:] == [
        (" ", ["prod-db", "1", "a", "p", "1.00"]),
        ("-", ["staging-db", "2", "b", "", "2.00"]),
        ("+", ["staging-db", "3", "c", "q", "3.00"]),
    ]


def test_the_rows_fit_into_a_terminal():
    rows = {name: EARLIER[name.partition("-")[0]] for name in REAL}
    lines = list(aligned(list(compared(rows, rows)), WIDTH))
    assert len(lines) == 1 + sum(map(len, rows.values()))
    assert max(len(line.plain) for line in lines) <= WIDTH
