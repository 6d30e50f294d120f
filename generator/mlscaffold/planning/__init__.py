"""The planning engine: answers in, numbers out. Standard library only, no clock, no files, no network.

`formulas` is arithmetic; `acceptance`, `operations`, `schedule` and `requirements` each plan their part with it, and
`plan` puts the parts together.
"""
