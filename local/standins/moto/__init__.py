"""S3, Secrets Manager, SNS and Glue by moto, in a process of its own, which serves Step Functions too."""
