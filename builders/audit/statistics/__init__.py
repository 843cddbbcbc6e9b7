"""The figures of an audit, as pure functions of arrays.

Everywhere, pair i has two answers A and B. `margins[i]` is the judge's score of B minus that of A,
NaN if a score is unreadable; `shares[i]` is the share of the people who chose who chose B, NaN if
nobody chose; `clusters[i]` numbers the pair's instruction: pairs with one instruction are not
independent, and are resampled, flipped and summed together.
"""
