"""S3, Secrets Manager, SNS, Glue and Step Functions by moto, in a process of its own."""
