"""The state of a list is its URL: whatever a person chose survives a reload, a bookmark, a mail to a colleague."""

from urllib.parse import parse_qsl, urlsplit

from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from fieldstone.ui.lists.state import Chip, ListState, chip_of, state_of

names = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), min_size=1, max_size=12)
chips = st.builds(Chip, field=names, operator=names, values=st.lists(texts, max_size=3).map(tuple))
states = st.builds(
    ListState,
    path=st.just("/o/ticket"),
    view=st.just("") | names,
    chips=st.lists(chips, max_size=4).map(tuple),
    sort=st.just("") | names | names.map(lambda name: "-" + name),
    q=st.just("") | st.text("abc 水", min_size=1, max_size=8).map(str.strip),
    columns=st.lists(names, max_size=3).map(tuple),
    cursor=st.just("") | names,
)


def reread(url: str) -> ListState:
    parts = urlsplit(url)
    return state_of(parts.path, MultiDict(parse_qsl(parts.query, keep_blank_values=True)))


@given(states)
def test_a_state_survives_its_url(state):
    assert reread(state.url()) == state


@given(chips)
def test_a_chip_survives_its_text(chip):
    assert chip_of(chip.text) == chip


@given(states, st.lists(names, min_size=1, max_size=6))
def test_going_back_retraces_the_pages(state, cursors):
    visited = [state]
    for cursor in cursors:
        visited.append(visited[-1].next_page(cursor))
    current = reread(visited[-1].url())
    for expected in reversed(visited[:-1]):
        back = current.previous_page()
        assert back is not None
        assert back.cursor == expected.cursor
        current = back


def test_another_sort_or_filter_begins_at_the_first_page():
    deep = ListState(path="/o/ticket").next_page("abc")
    assert deep.sorted_by("-priority").page == 1
    assert deep.having(Chip(field="status", operator="equals", values=("new",))).cursor == ""
