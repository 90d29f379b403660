"""One strict reader of TOML and JSON tables: every fault at once, each with its line and column.

    rules.py    what a value may be, as rules that are put together
    reading.py  a file or text -> a TableFile; its faults in file order
    places.py   the line and column of every key of a TOML text
    words.py    keys and values as messages show them
    spreadsheet.py  rows -> CSV

A user of it says its rules and, where two keys depend on each other, yields more faults:

    LATENT = table({"size": Key(whole(1, 4096), required=True), "names": Key(array(text(300)))})
    SPEC = Kind("spec", hint="see docs/specs.md")
    document = read(path, SPEC)                  # what is no TOML is refused with its place
    value = document.checked(LATENT, across)     # so is every fault; defaults are filled in

A dataclass is a table too: `record(Layer)` takes the rules from the fields' `says(...)` and makes
a Layer of what it read.
"""
