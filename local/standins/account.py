"""The account that the stand-ins are, as ARNs name it."""

ACCOUNT, REGION, PARTITION = "123456789012", "eu-west-1", "aws"
