"""What stands in for AWS on one machine, a folder for each service."""
