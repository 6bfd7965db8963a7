"""An independent second opinion: fold a fills file by the rule book, in plain Python, without the project's code.

After a replay, the API must serve exactly the result of `fold`. This package imports only the standard library.
"""
