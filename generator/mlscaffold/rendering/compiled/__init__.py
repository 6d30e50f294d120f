"""One module for each kind, whose compiled file holds what Jinja compiled of the kind's pages.

An installer that removes a module removes what Python compiled of it, and leaves every other file where it lies: what
`pages.Compiled` keeps would outlive its program. Nobody imports these modules; Python, which finds no code of its own
in such a file, would only write it anew.
"""
