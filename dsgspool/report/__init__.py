"""The report: `statistics` says what a snapshot means, `render` makes the page, `site` writes it.

The rule: each knows only what stands left of it, and nothing but `site` touches the spool.
"""
