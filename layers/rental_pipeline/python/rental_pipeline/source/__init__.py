"""The source database: logging in, what kind of server it is, what its tables look like, how far it may be read, and the SQL that
reads it.

In: a contract and the secret's address. Out: PyMySQL connections, matched tables, queries as text. Imports base and model.
"""
