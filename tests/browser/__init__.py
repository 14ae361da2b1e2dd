"""The report in a real browser: Debian's Chromium, pages opened with file:// as people open them from a share.

The rule: what a test expects is written by hand or counted from the folders by `count`, never asked of the program; no
page may speak to anything but files, and what a page says to its console fails the test.
By hand: `python -m tests.browser.shots`.  In CI: `pytest -m browser tests/browser`.
"""
