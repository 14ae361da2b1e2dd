"""Mutation proof: each rule of the protocol is taken away once, and a named test must fail.

    mutant.py    one mutant: the rule, the section that states it, old text -> new text, the tests that must fail
    mutants/     the list, a module for each room of the product
    trial.py     copies the product, applies one mutant, runs its tests, tells what came of it
    witness.py   a plugin for pytest inside of a trial: which test failed, and on what

By hand: `python -m tests.mutation [WORD ...] [--all-tests]`.  In CI: `pytest -m mutation`.
"""
