"""What every package needs: the errors named by reaction, the settings that a function reads from its environment, its logs and
metrics, and the bucket.

In: environment variables, objects of the bucket. Out: typed settings, parsed JSON, `PipelineError`s. Imports no other package.
"""
