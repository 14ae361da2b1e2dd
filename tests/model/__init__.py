"""An explicit-state model of the protocol in docs/spool-format.md, and a search through all that can happen in it.

The rule: standard library only, no code of dsgspool: the model is a second writing of the page, not of the program.
`python -m tests.model` runs it; docs/model.md says what is modelled, what is not, and what came out.
"""
