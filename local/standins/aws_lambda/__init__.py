"""Lambda: AWS's own runtime emulator and runtime client, with memory and time limits."""
