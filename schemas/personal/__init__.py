"""Personal data in what partners send: found, then dealt with as declared, before anything is judged or published.

    finding.py      what a finding is, and how it is covered in what people read
    vocabulary.py   the lists: first names, mail providers, words of roles and places
    emails.py, phones.py, names.py, numbers.py   one detector each: a pure function from a text to findings
    search.py       all of them over the columns of a table
    decisions.py    `personal:` of dataset.yaml and source.yaml: what is done with what is found
    gate.py         rows and decisions -> rows to judge, rows on hold, what the partner is told

Does not belong here: whether a value is right (rules/), and any partner's affair (sources/).
"""
