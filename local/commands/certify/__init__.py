"""`make certify`: asks an AWS account every question on which the pipeline relies, and says where it answers otherwise.

`question.py` says what a question is; `sql_questions.py`, `session_questions.py`, `file_questions.py` and `service_questions.py`
hold them, `state_checks.py` what is asked of the state machines; `account.py` is what they are put to, `certificate.py` asks
them and tells the answers. `certificates/` holds what accounts answered, each in a file of its own, which `make test` holds the
stand-ins to: `stand-ins.json` was made on the stand-ins themselves. What `make certify` writes can be put beside it as it is.
"""
