import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.release.statistics import ReleaseStatistics
from builders.schema import LEDGER
from tests.ledger_rows import ledger_row


@given(st.lists(st.integers(0, 200), max_size=15), st.integers(1, 6))
@settings(max_examples=25)
def test_rows_count_the_same_one_by_one_and_as_columns(numbers, cut):
    rows = [ledger_row(number) for number in numbers]
    single, whole = ReleaseStatistics(), ReleaseStatistics()
    for row in rows:
        single.add(row)
    for start in range(0, len(rows), cut):
        whole.add_table(pa.Table.from_pylist(rows[start : start + cut], LEDGER.arrow_schema))
    assert single == whole
    assert single.as_facts() == whole.as_facts()
    assert single.source_facts() == whole.source_facts()
