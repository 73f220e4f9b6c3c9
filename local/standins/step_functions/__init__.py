"""Step Functions: what moto's interpreter leaves out, and one execution as its caller sees it."""
