"""The trust audit: frozen sets of pairs that people judged, and what a model's scores say of them.

A set is frozen once (`freeze`, `frozen`), a judge's scores are kept beside it (`scores`), and an
audit (`measure`, `result`) says whether the judge agrees with people, and whether it still does.
"""
