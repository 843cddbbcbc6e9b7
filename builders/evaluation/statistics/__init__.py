"""The figures of an evaluation, as pure functions of arrays.

Everywhere, item i is one instruction with an answer of the model and one of the reference. `y[i]`
in [0, 1] is how far the judge prefers the model's answer, NaN if that is not known; `longer[i]` is
the length of the model's answer minus that of the reference, in characters; `clusters[i]` numbers
the instruction: items with one instruction are not independent.
"""
