"""The Textual console: screens over `console.view`. Only this folder imports Textual.

Promises: the first frame is painted before any client is loaded; a tick patches changed rows only;
a source that is gone dims the data and never ends the program.
"""
