"""The run's SQL steps: each module composes the statements of one, and nothing else.

A writing step is one Data API batch, which is one transaction. It begins by locking the lease (so that its snapshot starts after
every other writer's commit) and by a guard of sql/control/procedures.sql, and it ends by moving the position it worked from.
"""
