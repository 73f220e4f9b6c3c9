"""EventBridge: the state machines' status events, delivered to the rules of the template."""
