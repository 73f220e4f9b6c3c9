"""`make certify`: asks an AWS account every question on which the pipeline relies, and says where it answers otherwise.

`question.py` says what a question is, `sql_questions.py`, `session_questions.py` and `service_questions.py` hold them,
`account.py` is what they are put to, `certificate.py` asks them and tells the answers. `answers.json` holds the answers that the
stand-ins are held to by `make test`: it was made on the stand-ins, until somebody gives theirs from AWS.
"""
