"""An independent second opinion: folds a fills file by the rule book, in plain Python, with none of the project's code.

What the API serves after a replay must equal what `fold` says, exactly. May import: the standard library only.
"""
