"""CloudFormation and SAM: the template, resolved and deployed to the other stand-ins."""
