"""The rows of `builders.training.kto.to_kto` for many ledger rows at once, by columns."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builders.rows.schema import KTO_ROWS
from builders.training.kto import REASON
from builders.training.sft_table import RowTexts, conversations
from builders.training.sft_turns import QUESTION, Column

_TURNS = ("draft", "refinement")


def worsened_rows(ledger: pa.Table) -> pa.ChunkedArray:
    """For each ledger row, whether it is dropped and its refinement is labeled."""
    differs = pc.fill_null(pc.not_equal(ledger["draft"], ledger["refinement"]), False)
    return pc.and_(scored_lower(ledger), differs)


def scored_lower(ledger: pa.Table) -> pa.ChunkedArray:
    """`is_worsened` of each ledger row."""
    lower = pc.less(ledger["refinement_score"], ledger["draft_score"])
    by_margin = pc.fill_null(pc.equal(ledger["reason"], REASON), False)
    return pc.and_(by_margin, pc.fill_null(lower, False))


def kto_table(ledger: pa.Table) -> pa.Table:
    """The labeled answers of ledger rows, kept or dropped, row after row."""
    rows = ledger.filter(pc.or_(pc.equal(ledger["status"], "kept"), worsened_rows(ledger)))
    is_kept = pc.equal(rows["status"], "kept").to_numpy()
    differs = pc.not_equal(rows["draft"], rows["refinement"])
    worse = pc.and_(differs, pc.less(rows["draft_score"], rows["refinement_score"])).to_numpy()
    # Two places for each row, its draft's and its refinement's.
    taken = np.column_stack([is_kept & worse, np.ones(len(rows), bool)])
    row, turn = np.nonzero(taken)
    is_draft, texts = pa.array(turn == 0), RowTexts(rows)
    answers = [({"role": "assistant", "content": Column(name)},) for name in _TURNS]
    scores = [texts.column(f"{name}_score").take(pa.array(row)) for name in _TURNS]
    columns = [
        texts.column("id").take(pa.array(row)),
        pc.if_else(is_draft, *_TURNS),
        conversations(texts, [QUESTION], row, np.zeros_like(row)),
        conversations(texts, answers, row, turn),
        pa.array(is_kept[row] & (turn == 1)),
        pc.if_else(is_draft, *scores),
    ]
    return pa.table(columns, schema=KTO_ROWS.schema)
