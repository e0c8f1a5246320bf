"""Respond: a procedure as one strict file, checked long before the night it is needed, and printed for it.

Promises: a file is read whole or refused with every place that is wrong; a copy on paper never fails for what
is not known. Nothing here acts on the world yet.
"""
