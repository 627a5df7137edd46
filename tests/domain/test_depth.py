"""Books by level: against dictionaries, and against a venue whose true book is known."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.domain.market_values import BTC, EXAMPLES, ModelVenue, best_first
from xached.domain.depth import (
    DIFFS_KEPT_MAX,
    LEVELS_MAX,
    UNDO_LEVELS_MAX,
    BookReader,
    BookStep,
    Depth,
    PublicBook,
    Sync,
    VenueDepth,
)
from xached.domain.market import BookDiff, BookSnapshot, Level
from xached.domain.order import Side

sides = st.sampled_from(Side)
prices = st.integers(1, 30)
quantities = st.integers(0, 5)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(st.tuples(sides, prices, quantities), max_size=60), st.integers(1, 40))
def test_depth_shows_what_was_set_best_first(
    changes: list[tuple[Side, int, int]], depth: int
) -> None:
    levels = Depth()
    model: dict[Side, dict[int, int]] = {side: {} for side in Side}
    for side, price_ticks, lots in changes:
        levels.set(side, price_ticks, lots)
        model[side][price_ticks] = lots
    bids, asks = ([level for level in best_first(model[side], side) if level[1]] for side in Side)
    assert list(levels.bids(depth)) == bids[:depth]
    assert list(levels.asks(depth)) == asks[:depth]
    assert levels.best_bid() == (bids[0] if bids else None)
    assert levels.best_ask() == (asks[0] if asks else None)
    assert len(levels) == len(bids) + len(asks)
    assert levels.crossed == bool(bids and asks and bids[0][0] >= asks[0][0])
    # Loaded as a whole, in any order, over whatever was there.
    loaded = Depth()
    loaded.set_many([(1, 1), (99, 1)], [(1, 1), (99, 1)])
    loaded.load(model[Side.BUY].items(), reversed(model[Side.SELL].items()))
    assert (loaded.bids(99), loaded.asks(99)) == (levels.bids(99), levels.asks(99))
    loaded.set(Side.BUY, 31, 1)
    assert loaded.best_bid() == (31, 1)


@given(
    levels=st.dictionaries(st.integers(1, 50), st.integers(1, 9)),
    side=st.sampled_from(Side),
    count=st.integers(0, 60),
)
def test_a_depth_that_is_cut_keeps_its_best_levels(
    levels: dict[int, int], side: Side, count: int
) -> None:
    depth = Depth()
    for price_ticks, lots in levels.items():
        depth.set(side, price_ticks, lots)
    depth.set(side.opposite, 99, 1)
    best = tuple(best_first(levels, side))
    dropped = depth.cut(side, count)
    assert set(dropped) == {price_ticks for price_ticks, _ in best[count:]}
    assert (depth.bids if side is Side.BUY else depth.asks)(100) == best[:count]
    assert depth.lots(side.opposite, 99) == 1
    assert all(depth.lots(side, price_ticks) == 0 for price_ticks in dropped)


def test_a_level_never_falls_below_nothing() -> None:
    depth = Depth()
    depth.add(Side.BUY, 100, 5)
    depth.add(Side.BUY, 100, -5)
    assert len(depth) == 0
    with pytest.raises(AssertionError):
        depth.add(Side.BUY, 100, -1)


# --- A venue's book. -------------------------------------------------------------------------


def diff(previous_id: int, last_id: int, *, bids: tuple[Level, ...] = ()) -> BookDiff:
    return BookDiff(
        symbol=BTC.symbol, previous_id=previous_id, last_id=last_id, bids=bids, asks=(), at_ns=0
    )


def snapshot(last_id: int, *, bids: tuple[Level, ...] = ()) -> BookSnapshot:
    return BookSnapshot(symbol=BTC.symbol, last_id=last_id, bids=bids, asks=(), at_ns=0)


def test_a_late_snapshot_is_joined_to_the_diffs_that_came_before_it() -> None:
    book = VenueDepth()
    assert book.diff(diff(0, 3, bids=((10, 1),))) is Sync.KEPT
    assert book.diff(diff(3, 6, bids=((10, 0), (11, 2)))) is Sync.KEPT
    # It was taken after change 4, while the first diff was on its way.
    assert book.snapshot(snapshot(4, bids=((10, 1), (9, 7)))) is Sync.APPLIED
    assert book.depth.bids(9) == ((11, 2), (9, 7))
    assert book.last_id == 6
    assert book.diff(diff(6, 8, bids=((11, 0),))) is Sync.APPLIED
    assert book.depth.bids(9) == ((9, 7),)


def test_a_snapshot_that_ends_before_the_kept_diffs_is_too_old() -> None:
    book = VenueDepth()
    book.diff(diff(5, 6))
    assert book.snapshot(snapshot(4)) is Sync.TOO_OLD
    assert not book.synced
    assert book.snapshot(snapshot(5)) is Sync.APPLIED
    assert book.last_id == 6


def test_what_the_book_contains_already_is_dropped() -> None:
    book = VenueDepth()
    book.snapshot(snapshot(5, bids=((10, 1),)))
    assert book.diff(diff(2, 5, bids=((10, 9),))) is Sync.STALE
    assert book.snapshot(snapshot(5, bids=((10, 9),))) is Sync.STALE
    assert book.depth.bids(1) == ((10, 1),)


def test_a_gap_empties_the_book_until_the_next_snapshot() -> None:
    book = VenueDepth()
    book.snapshot(snapshot(5, bids=((10, 1),)))
    assert book.diff(diff(6, 7)) is Sync.LOST
    assert not book.synced
    assert len(book.depth) == 0
    assert book.diff(diff(7, 8, bids=((12, 1),))) is Sync.KEPT
    assert book.snapshot(snapshot(7, bids=((11, 1),))) is Sync.APPLIED
    assert book.depth.bids(9) == ((12, 1), (11, 1))


def test_a_gap_among_the_kept_diffs_drops_what_is_before_it() -> None:
    book = VenueDepth()
    book.diff(diff(0, 1, bids=((10, 1),)))
    book.diff(diff(2, 3, bids=((11, 1),)))
    assert book.snapshot(snapshot(2, bids=((9, 1),))) is Sync.APPLIED
    assert book.depth.bids(9) == ((11, 1), (9, 1))


def test_a_venue_that_crosses_its_own_book_is_not_believed() -> None:
    book = VenueDepth()
    crossed = attrs.evolve(snapshot(5, bids=((10, 1),)), asks=((10, 1),))
    assert book.snapshot(crossed) is Sync.LOST
    book.snapshot(attrs.evolve(crossed, asks=((11, 1),)))
    assert book.diff(diff(5, 6, bids=((11, 1),))) is Sync.LOST
    assert not book.depth.crossed


def test_diffs_kept_without_a_snapshot_are_bounded() -> None:
    book = VenueDepth()
    for last_id in range(1, DIFFS_KEPT_MAX + 50):
        book.diff(diff(last_id - 1, last_id))
    assert book.snapshot(snapshot(10)) is Sync.TOO_OLD
    assert book.snapshot(snapshot(DIFFS_KEPT_MAX)) is Sync.APPLIED
    assert book.last_id == DIFFS_KEPT_MAX + 49


def test_kept_diffs_are_bounded_by_their_levels_too() -> None:
    """Checked by breaking: without the count, the oldest is still there."""
    book = VenueDepth()
    half = tuple((price_ticks, 1) for price_ticks in range(1, LEVELS_MAX // 2 + 1))
    for last_id in (1, 2, 3):
        book.diff(diff(last_id - 1, last_id, bids=half))
    assert book.snapshot(snapshot(0)) is Sync.TOO_OLD
    assert book.snapshot(snapshot(1)) is Sync.APPLIED
    assert book.last_id == 3


def test_a_book_without_bounds_is_not_believed() -> None:
    """Checked by breaking: without the limit, it is taken."""
    book = VenueDepth()
    levels = tuple((price_ticks, 1) for price_ticks in range(1, LEVELS_MAX + 1))
    assert book.snapshot(snapshot(1, bids=levels)) is Sync.APPLIED
    assert book.diff(diff(1, 2, bids=((LEVELS_MAX + 1, 1),))) is Sync.LOST
    assert len(book.depth) == 0


class VenueFollowed(RuleBasedStateMachine):
    """Diffs arrive in order or are lost; snapshots arrive late. In step means exactly right.

    Checked by taking the comparison for gaps out of VenueDepth: it fails at once.
    """

    def __init__(self) -> None:
        super().__init__()
        self.venue = ModelVenue()
        self.book = VenueDepth()
        self.under_way: list[BookSnapshot] = []

    @rule(side=sides, price=prices, lots=quantities)
    def change(self, side: Side, price: int, lots: int) -> None:
        self.venue.change(side, price, lots)

    @precondition(lambda self: self.venue.last_id > self.venue.told_id)
    @rule(lost=st.sampled_from((False, False, False, False, True)))
    def send_diff(self, lost: bool) -> None:
        diff = self.venue.diff()
        if not lost:
            before = self.book.last_id
            if self.book.diff(diff) is Sync.STALE:
                assert before is not None
                assert diff.last_id <= before

    @rule()
    def take_snapshot(self) -> None:
        self.under_way.append(self.venue.snapshot())

    @precondition(lambda self: self.under_way)
    @rule(which=st.integers(0, 3))
    def deliver_snapshot(self, which: int) -> None:
        self.book.snapshot(self.under_way.pop(which % len(self.under_way)))

    @rule()
    def reset(self) -> None:
        self.book.reset()

    @invariant()
    def is_the_venues_book(self) -> None:
        bids, asks = self.venue.levels_at(self.book.last_id)
        assert self.book.depth.bids(99) == tuple(best_first(bids, Side.BUY))
        assert self.book.depth.asks(99) == tuple(best_first(asks, Side.SELL))
        assert not self.book.depth.crossed


TestVenueFollowed = VenueFollowed.TestCase
TestVenueFollowed.settings = settings(max_examples=EXAMPLES, stateful_step_count=40, deadline=None)


# --- Readers. --------------------------------------------------------------------------------


def test_a_reader_begins_with_a_snapshot_and_then_hears_changes() -> None:
    book = PublicBook()
    reader = BookReader(book, 2)
    first = reader.step()
    assert first is not None
    assert (first.snapshot, first.reset, first.bids) == (True, False, ())
    assert reader.step() is None
    book.depth.set(Side.BUY, 10, 1)
    book.changed(7)
    assert reader.step() == BookStep(
        snapshot=False,
        reset=False,
        lagged=False,
        first_sequence=1,
        sequence=1,
        at_ns=7,
        bids=((10, 1),),
        asks=(),
        top=book.top(2),
    )


def test_a_level_that_moves_up_into_view_is_told() -> None:
    book = PublicBook()
    book.depth.set_many(bids=((10, 1), (9, 2), (8, 3)), asks=())
    book.changed(0)
    reader = BookReader(book, 2)
    reader.step()
    book.depth.set(Side.BUY, 10, 0)
    book.changed(0)
    step = reader.step()
    assert step is not None
    assert dict(step.bids) == {10: 0, 8: 3}


def test_changes_below_the_view_pass_silently_and_are_covered_later() -> None:
    book = PublicBook()
    book.depth.set_many(bids=((10, 1),), asks=())
    book.changed(0)
    reader = BookReader(book, 1)
    reader.step()
    book.depth.set(Side.BUY, 5, 1)
    book.changed(0)
    assert reader.step() is None
    book.depth.set(Side.BUY, 11, 1)
    book.changed(0)
    step = reader.step()
    assert step is not None
    assert (step.first_sequence, step.sequence) == (2, 3)


def test_a_reader_resumes_with_exactly_what_it_missed() -> None:
    book = PublicBook(100)
    book.depth.set_many(bids=((10, 1), (9, 2)), asks=((12, 5),))
    book.changed(0)
    book.depth.set(Side.BUY, 10, 0)
    book.changed(0)
    book.depth.set(Side.SELL, 11, 7)
    book.changed(0)
    step = BookReader(book, 5, 101).step()
    assert step is not None
    assert (step.snapshot, step.first_sequence, step.sequence) == (False, 102, 103)
    assert (dict(step.bids), dict(step.asks)) == ({10: 0}, {11: 7})
    assert BookReader(book, 5, 103).step() is None, "it has missed nothing"
    top = book.top_at(101, 1)
    assert top is not None
    assert (top.bids, top.asks) == (((10, 1),), ((12, 5),))


def test_a_whole_new_book_is_resumed_over_like_any_change() -> None:
    book = PublicBook(100)
    book.depth.set_many(bids=((10, 1), (9, 2)), asks=())
    book.changed(0)
    book.depth.load(bids=((9, 2), (8, 3)), asks=((12, 5),))
    book.changed(0)
    step = BookReader(book, 5, 101).step()
    assert step is not None
    assert (step.snapshot, step.first_sequence, step.sequence) == (False, 102, 102)
    assert (dict(step.bids), dict(step.asks)) == ({10: 0, 8: 3}, {12: 5})
    book.start_anew(0)
    book.depth.load(bids=((7, 1),), asks=())
    book.changed(0)
    step = BookReader(book, 5, 103).step()
    assert step is not None
    assert (step.snapshot, step.bids) == (False, ((7, 1),)), "the reader knew an empty book"


def test_a_book_that_nobody_comes_back_to_remembers_nothing() -> None:
    """Else each price that a venue ever named would stay for as long as the connection."""
    depth = Depth()
    for price_ticks in range(1, 1_000):
        depth.set(Side.BUY, price_ticks, 1)
        depth.cut(Side.BUY, 10)
    depth.load(bids=((5, 1),), asks=((6, 1),))
    depth.clear()
    assert depth.take_before() == ((), ())


@pytest.mark.parametrize("sequence", [99, 103, 10**9])
def test_a_number_that_is_not_known_is_answered_with_a_snapshot_that_says_so(
    sequence: int,
) -> None:
    book = PublicBook(100)
    book.depth.set(Side.BUY, 10, 1)
    book.changed(0)
    book.depth.set(Side.BUY, 10, 2)
    book.changed(0)
    step = BookReader(book, 5, sequence).step()
    assert step is not None
    assert (step.snapshot, step.lagged, step.sequence, step.bids) == (True, True, 102, ((10, 2),))


def test_what_was_before_a_new_start_cannot_be_resumed() -> None:
    book = PublicBook(100)
    book.depth.set(Side.BUY, 10, 1)
    book.changed(0)
    book.start_anew(0)
    step = BookReader(book, 5, 101).step()
    assert step is not None
    assert (step.snapshot, step.lagged) == (True, True)


def test_what_is_remembered_for_readers_that_come_back_is_bounded() -> None:
    book = PublicBook(100)
    for number in range(UNDO_LEVELS_MAX // 2 + 50):
        book.depth.set(Side.BUY, 10, 1 + number % 2)
        book.changed(0)
    oldest = book.sequence - UNDO_LEVELS_MAX // 2
    assert book.top_at(oldest, 1) is not None
    assert book.top_at(oldest - 1, 1) is None


def test_readers_that_were_told_the_same_share_the_next_step() -> None:
    book = PublicBook()
    readers = [BookReader(book, 5) for _ in range(3)]
    book.depth.set(Side.BUY, 10, 1)
    book.changed(0)
    assert len({id(reader.step()) for reader in readers}) == 1
    book.depth.set(Side.BUY, 11, 1)
    book.changed(0)
    assert len({id(reader.step()) for reader in readers}) == 1
    assert len({id(reader.told) for reader in readers}) == 1


changes = st.lists(st.tuples(sides, prices, quantities), min_size=1, max_size=4)


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    st.lists(
        st.one_of(changes, changes, st.sampled_from(("reset", "load", "read", "cut"))), max_size=40
    ),
    st.integers(1, 8),
)
def test_numbered_steps_rebuild_the_true_top_of_the_book_over_any_cut(
    script: list[list[tuple[Side, int, int]] | str], depth: int
) -> None:
    """A reader that is cut off anywhere and resumes ends with the same book."""
    book = PublicBook(1)
    reader = BookReader(book, depth)
    rebuilt: dict[Side, dict[int, int]] = {side: {} for side in Side}
    known = loads = 0
    resets = told_resets = 0
    for action in [*script, "read"]:
        if action == "reset":
            book.start_anew(0)
            resets += 1
        elif action == "load":
            loads += 1
            book.depth.load(bids=((loads, 1),), asks=((30 - loads, 2),))
            book.changed(0)
        elif isinstance(action, list):
            for side, price_ticks, lots in action:
                book.depth.set(side, price_ticks, lots)
            book.changed(0)
        elif action == "cut":
            resumable = reader.told is not None and reader.told.epoch == book.epoch
            reader = BookReader(book, depth, known or None)
            assert (reader.told is not None) == resumable
        elif (step := reader.step()) is not None:
            if step.snapshot:
                rebuilt = {side: {} for side in Side}
                told_resets += step.reset
            else:
                assert step.first_sequence == known + 1, "a change builds on the one before"
                assert len(step.bids) + len(step.asks) <= 4 * depth
            known = step.sequence
            for side, levels in ((Side.BUY, step.bids), (Side.SELL, step.asks)):
                for price_ticks, lots in levels:
                    rebuilt[side][price_ticks] = lots
        if action == "read":
            for side, top in ((Side.BUY, book.depth.bids), (Side.SELL, book.depth.asks)):
                shown = [level for level in best_first(rebuilt[side], side) if level[1]]
                assert tuple(shown) == top(depth)
    assert told_resets <= resets
