"""docs/preflight.md is what the list of checks says."""

from tests.preflight_page import COMMAND, PAGE, page


def test_the_page_of_the_preflight_is_made_from_the_list_of_checks() -> None:
    assert PAGE.read_text() == page(), f"A check has changed: run `{COMMAND}`."
