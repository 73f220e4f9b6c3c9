"""What a person meets: the message of a failed run, the doctor, the report's page.

In: a failed execution, settings, the ledger and the figures. Out: messages, findings, HTML. May import every other package; none
imports it.
"""
