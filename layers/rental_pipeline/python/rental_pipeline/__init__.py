"""The deployed code, in packages in the order in which a row travels.

base and model are below all; definitions reads sql/; source, plan and extract bring rows to the bucket; warehouse and lake take
them on; operate speaks to people. tests/unit/test_imports.py holds which package may import which.
"""
