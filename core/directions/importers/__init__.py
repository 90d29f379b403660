"""Files of other programs: one file here per format, recognised by content and converted, not run.

    _base     what an entry is, and what it makes; _clean: names, layers and numbers of strangers
    _source   a file or folder, opened once; _look: which entry knows it

An entry NAME.py has two functions and needs neither torch nor numpy to answer them:

    recognise(source: Source) -> int         how sure: NO, MAYBE, LIKELY or CERTAIN
    convert(source: Source) -> Imported      what it is; numbers are read when `load` is called

`core.directions.importers._look.look` is the only door.
"""
