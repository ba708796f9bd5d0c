"""What this machine does, each figure beside its limit measured in the same run. No tests: nothing passes or fails."""
